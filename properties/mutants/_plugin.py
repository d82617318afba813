"""A pytest plugin: it writes down which test comes to which line, or runs chosen tests in a given order.

`--record FILE` writes the recording that `_concerned` reads. `--chosen FILE` runs the tests whose ids are the lines of
that file, in that order.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Generator
from pathlib import Path

import pytest
from attrs import Factory, define, field
from coverage import Coverage

from properties.mutants._mutant import PACKAGE


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", metavar="FILE", type=Path)
    parser.addoption("--chosen", metavar="FILE", type=Path)


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Begin before the package is imported."""
    target = early_config.known_args_namespace.record
    if target is not None:
        recorder = Recorder(target, early_config.rootpath)
        recorder.begin("")
        early_config.pluginmanager.register(recorder)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    chosen: Path | None = config.getoption("--chosen")
    if chosen is not None:
        turns = {test: turn for turn, test in enumerate(chosen.read_text(encoding="utf-8").splitlines())}
        items[:] = sorted((item for item in items if item.nodeid in turns), key=lambda item: turns[item.nodeid])


@define(eq=False)
class Recorder:
    """Notes the lines that each test comes to."""

    target: Path
    root: Path
    seconds: dict[str, float] = field(factory=dict)
    _coverage: Coverage = Factory(lambda self: _coverage_of(self.root), takes_self=True)
    _test: str = ""
    _trace: object = None
    _unseen: set[str] = field(factory=set)
    """Tests that put a trace function of their own in the place of this one's."""

    def begin(self, test: str) -> None:
        """What comes now is `test`."""
        self._test = test
        if self._trace is None or sys.gettrace() is not self._trace:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that somebody has traced something else
                self._coverage.stop()
            self._coverage.start()
            self._trace = sys.gettrace()
        self._coverage.switch_context(test)

    def end(self) -> None:
        """What comes now is no test."""
        if sys.gettrace() is not self._trace:
            self._unseen.add(self._test)
        self.begin("")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self.begin(item.nodeid)
        try:
            return (yield)
        finally:
            self.end()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration

    def pytest_sessionfinish(self) -> None:
        self._coverage.stop()
        data = self._coverage.get_data()
        numbers = {test: number for number, test in enumerate(["", *self.seconds]) if test not in self._unseen}
        visitors = {
            str(Path(file).relative_to(self.root)): {
                line: sorted(numbers[test] for test in tests if test in numbers)
                for line, tests in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        }
        told = {"seconds": self.seconds, "tests": ["", *self.seconds], "visitors": visitors}
        self.target.write_text(json.dumps(told), encoding="utf-8")


def _coverage_of(root: Path) -> Coverage:
    coverage = Coverage(data_file=None, config_file=False, include=[str(root / PACKAGE / "*")], messages=False)
    coverage.set_option("run:core", "ctrace")  # another doesn't tell of who takes its place
    return coverage
