"""The pages that are written by hand name everything that is public: in code, not by chance in a sentence."""

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from docs.reference import PARTS

pytestmark = pytest.mark.workshop

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted(path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "reference")]
MODULES = {part: import_module("jido_trio" if part == "jido_trio" else f"jido_trio.{part}") for part in PARTS}
PUBLIC = [(part, name) for part, module in MODULES.items() for name in getattr(module, "__all__", ())]
CODE = re.compile(r"^```python\n(.*?)^```|`([^`\n]+)`", re.DOTALL | re.MULTILINE)
"""Blocks of Python, and what a sentence has between backticks."""


def names_in(page: str) -> set[str]:
    """The words in the code of a page."""
    return {word for block, inline in CODE.findall(page) for word in re.findall(r"\w+", block or inline)}


@pytest.fixture(scope="module")
def documented() -> set[str]:
    return set().union(*(names_in(page.read_text(encoding="utf-8")) for page in PAGES))


@pytest.mark.parametrize("name", [pytest.param(name, id=f"{part}.{name}") for part, name in PUBLIC])
def test_a_public_name_is_in_the_code_of_some_page(name, documented):
    assert name in documented


def options_of(thing: object) -> Iterator[str]:
    """The parameters of a function or a class that must be given by name."""
    try:
        parameters = inspect.signature(thing).parameters.values() if callable(thing) else ()
    except ValueError:
        return  # of a class in C
    for each in parameters:
        if each.kind is each.KEYWORD_ONLY and not each.name.startswith("_"):
            yield each.name


def test_an_option_is_in_the_code_of_some_page(documented):
    options = {(f"{part}.{name}", each) for part, name in PUBLIC for each in options_of(getattr(MODULES[part], name))}
    assert len(options) > 300
    assert sorted(f"{owner}({each}=)" for owner, each in options if each not in documented) == []


def test_a_name_counts_in_a_block_and_between_backticks_and_nowhere_else():
    page = "An Error, or `Stop()`.\n\n```python\nagent = Agent.new()\n```\n\n```console\n$ Schedule\n```\n"

    assert {"Stop", "Agent", "new"} <= names_in(page)
    assert not {"Error", "Schedule", "console"} & names_in(page)
