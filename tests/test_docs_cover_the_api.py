"""The pages that are written by hand name everything that is public: in code, not by chance in a sentence."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from docs.reference import PARTS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted(path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "reference")]
PUBLIC = [
    pytest.param(name, id=f"{part}.{name}")
    for part in PARTS
    for name in getattr(import_module("jido_trio" if part == "jido_trio" else f"jido_trio.{part}"), "__all__", ())
]
CODE = re.compile(r"^```python\n(.*?)^```|`([^`\n]+)`", re.DOTALL | re.MULTILINE)
"""Blocks of Python, and what a sentence has between backticks."""


def names_in(page: str) -> set[str]:
    """The words in the code of a page."""
    return {word for block, inline in CODE.findall(page) for word in re.findall(r"\w+", block or inline)}


@pytest.fixture(scope="module")
def documented() -> set[str]:
    return set().union(*(names_in(page.read_text(encoding="utf-8")) for page in PAGES))


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_in_the_code_of_some_page(name, documented):
    assert name in documented


def test_a_name_counts_in_a_block_and_between_backticks_and_nowhere_else():
    page = "An Error, or `Stop()`.\n\n```python\nagent = Agent.new()\n```\n\n```console\n$ Schedule\n```\n"

    assert {"Stop", "Agent", "new"} <= names_in(page)
    assert not {"Error", "Schedule", "console"} & names_in(page)
