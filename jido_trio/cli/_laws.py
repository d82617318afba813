"""What `jido-trio check` does: the laws of agents and plugins, tried on those of somebody's modules."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stdout
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import attrs

from jido_trio.cli._output import say
from jido_trio.cli._probe import ends_its_process
from jido_trio.cli._progress import Progress
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import said, shown
from jido_trio.testing import AgentUnderTest, Conformance, LawVerdict, conformance, subjects, told_verdict
from jido_trio.world import current

BROKEN, USAGE = 1, 2
"""Exit codes."""
IMPORT = 60.0
"""Real seconds in which a target must be imported."""
USUAL_STEPS = 12
"""Of a trial, at most."""


def check(options: argparse.Namespace) -> int:
    """Try the laws, and return the exit code."""
    sys.path.insert(0, str(Path.cwd()))
    passed_over: list[InvalidDefinition] = []
    try:
        with redirect_stdout(sys.stderr) if options.json else nullcontext():  # modules may print when they are imported
            reports = _reports(_found(options, passed_over), options)
    except InvalidDefinition as error:
        print(f"jido-trio: {error}", file=sys.stderr)
        return USAGE
    if options.json:
        say(json.dumps([_plain(report) for report in reports]))
    else:
        _sum_up(reports)
    for one in passed_over:
        print(f"jido-trio: {one}", file=sys.stderr)
    if not all(report.holds for report in reports):
        return BROKEN
    return USAGE if passed_over else 0


def _found(options: argparse.Namespace, passed_over: list[InvalidDefinition]) -> Sequence[AgentUnderTest]:
    """Return what is to be checked. Of a folder, modules without an agent or plugin are passed over."""
    if options.all == bool(options.targets):
        raise InvalidDefinition("say what to check: module:Agent, a module, a package or a folder; or --all")
    found: list[AgentUnderTest] = []
    for target in ["."] if options.all else options.targets:
        path, _, name = target.partition(":")
        if path and Path(path).is_dir() and not name:
            found += _in_folder(Path(path), passed_over)
        elif path.endswith(".py") and Path(path).is_file():
            found += _imported(":".join([_module_of(Path(path)), *([name] if name else [])]))
        else:
            found += _imported(target)
    return found


def _in_folder(path: Path, passed_over: list[InvalidDefinition]) -> Sequence[AgentUnderTest]:
    """Return what is in the modules of a folder; what can't be checked of it is told at the end."""
    found: list[AgentUnderTest] = []
    for file in sorted(path.rglob("*.py")):
        module = _module_of(file)
        if all(part.isidentifier() for part in module.split(".")) and file.stem != "__main__" and _has_agents(file):
            try:
                found += _imported(module)
            except InvalidDefinition as error:
                if error.field != "module":
                    passed_over.append(error)
    if not found and passed_over:
        raise passed_over[0]
    if not found:
        raise InvalidDefinition(f"no agent and no plugin is defined in {said(path)}", field="target", value=str(path))
    return found


def _imported(target: str) -> Sequence[AgentUnderTest]:
    """Return what a target names, unless its module ends the process, or takes too long to be imported."""

    def give_up(*_: object) -> NoReturn:
        raise TimeoutError(f"it takes longer than {IMPORT:g} s")

    if not hasattr(os, "fork") or threading.current_thread() is not threading.main_thread():
        return subjects(target)
    if why := ends_its_process(partial(subjects, target), IMPORT):
        raise InvalidDefinition(f"{shown(target)} can't be imported: {why}", field="target", value=target)
    timer = signal.setitimer(signal.ITIMER_REAL, 0)  # or an alarm of somebody else's could come to `give_up`
    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, IMPORT, 1.0)  # again: what it raises may be lost in an import
    try:
        return subjects(target)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *timer)


def _module_of(file: Path) -> str:
    inside, here = file.resolve(), Path.cwd()
    if not inside.is_relative_to(here):
        raise InvalidDefinition(f"{said(file)} is not below the working directory: go there, or name a module")
    parts = inside.relative_to(here).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _has_agents(file: Path) -> bool:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    classes = [line for line in text.splitlines() if line.startswith("class ")]
    return "jido_trio" in text and any("Agent" in line or "Plugin" in line for line in classes)


def _reports(found: Sequence[AgentUnderTest], options: argparse.Namespace) -> Sequence[Conformance]:
    """Return what became of each; with --minutes again and again, with other and longer trials, until a law breaks."""
    end = None if options.minutes is None else current().now() + timedelta(minutes=options.minutes)
    reports = [_tried(subject, options, _Round(), end) for subject in found]
    number = 0
    while end is not None and all(report.holds for report in reports) and current().now() < end:
        number += 1
        for at, subject in enumerate(found):
            again = _tried(subject, options, _Round(number), end)
            before = reports[at]
            reports[at] = attrs.evolve(again if again.broken else before, trials=before.trials + again.trials)
    return reports


@attrs.frozen
class _Round:
    """How one round of trials differs from the first: by its seed, and they are more and longer."""

    number: int = 0

    @property
    def steps(self) -> int:
        return USUAL_STEPS * (1 + self.number % 4)

    def examples(self, usual: int) -> int:
        return usual * 2 if self.number else usual


def _tried(subject: AgentUnderTest, options: argparse.Namespace, round: _Round, end: datetime | None) -> Conformance:
    name, seed = said(subject.name), options.seed + round.number
    loud = not options.json and not round.number
    if loud:
        say(f"{name}" + (f", seed {seed}" if seed else ""))
    with Progress("  trial") as progress:

        def told(verdict: LawVerdict) -> None:
            progress.clear()
            _tell(verdict)

        report = conformance(
            subject,
            laws=options.law or None,
            examples=round.examples(options.examples),
            seed=seed,
            kept=None if options.forget else ".jido_trio/check",
            steps=round.steps,
            until=end,
            progress=told if loud else lambda _: None,
            on_trial=progress.at,
        )
    if not options.json and round.number:
        say(f"{name}, seed {seed}: {report.trials} trials of up to {round.steps} steps")
        for verdict in report.broken:
            _tell(verdict)
    return report


def _tell(verdict: LawVerdict) -> None:
    outcome = "BROKEN" if verdict.outcome == "broken" else verdict.outcome
    say(f"  {outcome:8} {told_verdict(verdict)}" + ("\n" if verdict.code else ""))


def _sum_up(reports: Sequence[Conformance]) -> None:
    broken = [f"{said(report.agent)} {verdict.law}" for report in reports for verdict in report.broken]
    trials = f"{sum(report.trials for report in reports)} trials"
    say(f"{len(broken)} broken: {', '.join(broken)}" if broken else f"no law is broken, in {trials}")


def _plain(report: Conformance) -> dict[str, Any]:
    return {
        "agent": report.agent,
        "holds": report.holds,
        "trials": report.trials,
        "laws": [attrs.asdict(one) for one in report.verdicts],
    }
