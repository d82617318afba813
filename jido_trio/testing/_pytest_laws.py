"""The laws of agents as test items: `pytest --jido-conformance my.module:Agent`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from jido_trio.errors import InvalidDefinition
from jido_trio.testing._bench import Bench, How
from jido_trio.testing._conformance import judged, names_for
from jido_trio.testing._subject import AgentUnderTest, subjects
from jido_trio.testing._verdicts import LawVerdict, told_verdict


class Broken(AssertionError):
    """A law is broken."""

    def __init__(self, verdict: LawVerdict) -> None:
        super().__init__(told_verdict(verdict))


class AgentLaws(pytest.Collector):
    """The laws of one agent; its tests share the processes in which they are tried."""

    def __init__(self, *, subject: AgentUnderTest, **more: Any) -> None:
        super().__init__(**more)
        self.subject = subject
        self._bench: Bench | None = None

    @property
    def bench(self) -> Bench:
        """The processes, started when a law is first tried."""
        if self._bench is None:
            self._bench = Bench(self.subject.modules)
            self._bench.__enter__()
        return self._bench

    def collect(self) -> Iterator[pytest.Item]:
        """Return a test for each law."""
        for law in names_for(self.subject):
            yield LawItem.from_parent(self, name=law)

    def teardown(self) -> None:
        """End the processes."""
        if self._bench is not None:
            self._bench.__exit__()
            self._bench = None


class LawItem(pytest.Item):
    """One law of one agent."""

    parent: AgentLaws
    obj: object = None
    """pytest-trio asks each test for its function."""

    def runtest(self) -> None:
        """Try it."""
        config = self.config
        how = How(config.option.jido_examples, config.option.jido_seed)
        verdict = judged(self.parent.bench, self.parent.subject, self.name, how)
        if verdict.outcome == "skipped":
            pytest.skip(verdict.why)
        if verdict.outcome == "broken":
            raise Broken(verdict)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show the counterexample, and nothing of how it was found."""
        if isinstance(excinfo.value, Broken):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Name the agent and the law."""
        return self.path, None, f"{self.parent.subject.name} {self.name}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the laws of the agents that were asked for."""
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as Python itself does for `-m`
    for target in config.option.jido_conformance:
        try:
            found = subjects(target)
        except InvalidDefinition as error:
            raise pytest.UsageError(f"--jido-conformance {target}: {error}") from error
        for subject in found:
            laws = AgentLaws.from_parent(session, name=subject.name, nodeid=subject.name, subject=subject)
            items += session.genitems(laws)  # which counts them, too
