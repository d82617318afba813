"""The page of facts: each has a test, which is there."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = re.findall(r"^\| (.+) \| `(\S+)::(\w+)` \|$", (ROOT / "docs" / "facts.md").read_text(), re.MULTILINE)


@cache
def names_in(file: str) -> set[str]:
    path = ROOT / "tests" / file
    tree = ast.parse(path.read_text()) if path.exists() else ast.Module([], [])
    functions = (each for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
    return {each.name for each in functions if each.name.startswith("test_")}


def test_each_fact_has_a_test_that_is_there():
    missing = [f"{file}::{test}" for _, file, test in ROWS if test not in names_in(file)]

    assert missing == []


def test_each_line_of_the_tables_is_a_fact_with_a_test():
    lines = [line for line in (ROOT / "docs" / "facts.md").read_text().splitlines() if line.startswith("| ")]

    assert len(lines) - lines.count("| what is so | test |") == len(ROWS) > 50


def test_no_fact_is_told_twice():
    assert len({fact for fact, _, _ in ROWS}) == len(ROWS)


def test_a_test_that_is_not_there_would_be_missed():
    assert "test_of_nothing" not in names_in("docs/test_facts.py")
    assert names_in("docs/no_such_file.py") == set()
