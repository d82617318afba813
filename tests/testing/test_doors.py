"""What is seen of code that should do nothing but compute, and what is none of its doing."""

import importlib
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from jido_trio import Action, Agent, Context, Result, doors
from jido_trio.testing import conformance

MODULE = """
import warnings
warnings.filterwarnings("ignore", "what only its author can mend")
"""


@pytest.fixture
def late_module(tmp_path: Path, monkeypatch: Any) -> Any:
    (tmp_path / "imported_late.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    with warnings.catch_warnings():
        yield "imported_late"
    sys.modules.pop("imported_late", None)


def test_what_an_import_changes_is_no_effect_of_the_code_that_asks_for_it(late_module: str) -> None:
    with doors.watched() as doings:
        importlib.import_module(late_module)
    assert doings == []


def test_what_code_changes_after_an_import_is_told(late_module: str) -> None:
    with doors.watched() as doings:
        importlib.import_module(late_module)
        warnings.simplefilter("error")
    assert doings == ["changes the filters of warnings, and leaves it so"]


def test_what_code_changes_before_an_import_is_told(late_module: str) -> None:
    with doors.watched() as doings:
        sys.path.append("elsewhere")
        importlib.import_module(late_module)
    sys.path.remove("elsewhere")
    assert doings == ["changes sys.path, and leaves it so"]


@frozen
class Found:
    at: int = 0


class Search(Action):
    def run(self, context: Context[Found]) -> Result:
        return {"at": len(re.findall("[[a]", "a[a]"))}


class Finder(Agent[Found], routes={"search": Search}): ...


def test_a_warning_by_code_of_python_is_told_with_its_text() -> None:
    [verdict] = conformance(Finder, laws=["pure"], examples=5).verdicts
    assert verdict.outcome == "broken"
    assert verdict.why.startswith("has a warning shown (Possible nested set at position 1")
