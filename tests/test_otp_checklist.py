"""docs/supervision/otp-checklist.md names nothing that isn't there."""

import ast
import re
from pathlib import Path

import pytest

from properties.otp._planted import recordings

pytestmark = pytest.mark.workshop

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "supervision" / "otp-checklist.md"


def rows() -> list[tuple[str, str]]:
    """Return each case of the page, and what asks it."""
    lines = re.findall(r"^\| (.+) \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [row for row in lines if row != ("case", "asked by")]


def names_in(file: str) -> set[str]:
    """Return the names of the tests in the files of that name; a name that isn't there has none."""
    modules = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "tests").rglob(file)]
    return {
        node.name
        for module in modules
        for node in module.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_case_has_a_test_or_a_recording_or_a_reason():
    cases = rows()
    assert len(cases) > 100
    unasked = [case for case, by in cases if not re.match(r"— \S|recordings? |`test_\w+\.py::test_\w+`", by)]
    assert unasked == []


def test_every_test_named_is_there():
    named = {(file, name) for _, by in rows() for file, name in re.findall(r"`(test_\w+\.py)::(test_\w+)`", by)}
    there = {file: names_in(file) for file, _ in named}
    assert sorted((file, name) for file, name in named if name not in there[file]) == []


def test_every_recording_named_is_there():
    ids = {recording.scenario.id for recording in recordings()}
    tags = {tag for recording in recordings() for tag in recording.scenario.tags}
    named = [word for _, by in rows() for word in re.findall(r"`(\w+)`", by) if not word.startswith("Child")]
    assert len(named) > 40
    assert [word for word in named if word not in ids | tags] == []
