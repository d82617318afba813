"""Tables of the docs whose lines are each held by tests, named in the last column."""

import ast
import re
from functools import cache
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parents[2]
HEADS = ("| what is so | test |", "|---|---|")


@frozen
class Row:
    """What is so, and the tests that say so, each as a file and a name."""

    fact: str
    tests: tuple[tuple[str, str], ...]

    @property
    def missing(self) -> list[str]:
        """The tests that aren't there."""
        return [f"{file}::{test}" for file, test in self.tests if test not in named_in(file)]


def lines_of(page: str) -> list[str]:
    """Return the lines of all tables of a page, without their heads."""
    lines = (ROOT / "docs" / page).read_text().splitlines()
    return [line for line in lines if line.startswith("|") and line not in HEADS]


def rows_of(page: str) -> list[Row]:
    """Return the rows of a page; a line that has no test is none."""
    rows = (re.fullmatch(r"\| (.+) \| ((?:`\S+::\w+`(?:, )?)+) \|", line) for line in lines_of(page))
    return [Row(row[1], tuple(re.findall(r"`(\S+)::(\w+)`", row[2]))) for row in rows if row]


@cache
def named_in(file: str) -> frozenset[str]:
    """Return the names of the tests of a file: below `tests`, or below the root where it says `properties`."""
    path = ROOT / file if file.startswith("properties/") else ROOT / "tests" / file
    tree = ast.parse(path.read_text()) if path.exists() else ast.Module([], [])
    functions = (each for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(each.name for each in functions if each.name.startswith("test_"))
