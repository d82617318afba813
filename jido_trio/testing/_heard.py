"""What was heard in a test: crashes and dead letters. Whoever expects one claims it; what is left is a failure."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager

from attrs import define, field

from jido_trio.observe import Level, Ring, observing
from jido_trio.runtime import DeadLetter, Jido
from jido_trio.supervision import CrashReport, Report
from jido_trio.supervision.inner import hearing_reports


class Unclaimed(AssertionError):
    """Something crashed, or a signal was lost, and the test didn't say that it expects that."""


@define(eq=False)
class Heard:
    """The crashes and dead letters of a test that nobody has claimed yet."""

    _reports: list[Report] = field(factory=list)
    _letters: list[DeadLetter] = field(factory=list)
    _instances: list[Jido] = field(factory=list)
    _seen: list[int] = field(factory=list)
    """The last dead letter of each instance that was looked at."""
    level: Level = "off"

    def crashes(self, match: str = "", *, child: str | None = None) -> list[CrashReport]:
        """Return the crashes so far that nobody has claimed, and claim them.

        Args:
            match: A regular expression that is found in the crash's text; all crashes if empty.
            child: Only those of that child, which for an agent is its id.
        """
        found = [
            report
            for report in self._reports
            if isinstance(report, CrashReport) and re.search(match, str(report)) and child in (None, report.child)
        ]
        self._reports = [report for report in self._reports if not any(report is one for one in found)]
        return found

    def dead_letters(self, type: str | None = None, *, agent_id: str | None = None) -> list[DeadLetter]:
        """Return the dead letters so far that nobody has claimed, and claim them.

        Args:
            type: Only signals of that type.
            agent_id: Only those sent to that agent.
        """
        self._collect()
        found = [
            letter
            for letter in self._letters
            if type in (None, letter.signal.type) and agent_id in (None, letter.agent_id)
        ]
        self._letters = [letter for letter in self._letters if not any(letter is one for one in found)]
        return found

    def check(self) -> None:
        """Fail if something is left.

        Raises:
            Unclaimed: There is.
        """
        crashes, letters = self.crashes(), self.dead_letters()
        lines = [f"crash: {report}" for report in crashes] + [f"dead letter: {letter}" for letter in letters]
        if lines:
            raise Unclaimed(
                "\n".join([*lines, "A test that expects these claims them: jido_heard.crashes(), .dead_letters()"])
            )

    def add(self, reports: Iterable[Report], letters: Iterable[DeadLetter]) -> None:
        """Note what was heard elsewhere, as in a simulation."""
        for report in reports:
            self.report(report)
        self._letters += letters

    @contextmanager
    def listening(self) -> Generator[None]:
        """Have supervisors and instances be heard that are made inside of the block."""
        with hearing_reports(self.report), observing(self):
            yield

    def report(self, report: Report) -> None:
        """Note a report."""
        if isinstance(report, CrashReport) and report.failure is not None:
            self._reports.append(report)

    def opened(self, instance: object) -> Ring:
        """Note an instance, whose dead letters are looked at."""
        assert isinstance(instance, Jido)  # noqa: S101 - there are no others
        self._instances.append(instance)
        self._seen.append(0)
        return Ring(_EVENTS)

    def _collect(self) -> None:
        for number, instance in enumerate(self._instances):
            new = [letter for letter in instance.dead_letters() if letter.id > self._seen[number]]
            self._letters += new
            self._seen[number] = max((letter.id for letter in new), default=self._seen[number])


_EVENTS = 1000
"""As many as an instance keeps, if it is to."""
