"""What `jido-trio check` does: the laws of agents and plugins, tried on those of somebody's modules."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, redirect_stdout
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs

from jido_trio.cli._output import say
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import said
from jido_trio.testing import AgentUnderTest, Conformance, LawVerdict, conformance, subjects, told_verdict
from jido_trio.world import current

BROKEN, USAGE = 1, 2
"""Exit codes."""


def check(options: argparse.Namespace) -> int:
    """Try the laws, and return the exit code."""
    sys.path.insert(0, str(Path.cwd()))
    try:
        with redirect_stdout(sys.stderr) if options.json else nullcontext():  # modules may print when they are imported
            reports = list(_reports(_found(options), options))
    except InvalidDefinition as error:
        print(f"jido-trio: {error}", file=sys.stderr)
        return USAGE
    if options.json:
        say(json.dumps([_plain(report) for report in reports]))
    else:
        _sum_up(reports)
    return 0 if all(report.holds for report in reports) else BROKEN


def _found(options: argparse.Namespace) -> Sequence[AgentUnderTest]:
    """Return what is to be checked. Of a folder, modules without an agent or plugin are passed over."""
    if options.all == bool(options.targets):
        raise InvalidDefinition("say what to check: module:Agent, a module, a package or a folder; or --all")
    found: list[AgentUnderTest] = []
    for target in ["."] if options.all else options.targets:
        path, _, name = target.partition(":")
        if path and Path(path).is_dir() and not name:
            found += _in_folder(Path(path))
        elif path.endswith(".py") and Path(path).is_file():
            found += subjects(":".join([_module_of(Path(path)), *([name] if name else [])]))
        else:
            found += subjects(target)
    return found


def _in_folder(path: Path) -> Sequence[AgentUnderTest]:
    found: list[AgentUnderTest] = []
    for file in sorted(path.rglob("*.py")):
        module = _module_of(file)
        if all(part.isidentifier() for part in module.split(".")) and file.stem != "__main__" and _has_agents(file):
            try:
                found += subjects(module)
            except InvalidDefinition as error:
                if error.field != "module":
                    raise
    if not found:
        raise InvalidDefinition(f"no agent and no plugin is defined in {said(path)}", field="target", value=str(path))
    return found


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


def _reports(found: Sequence[AgentUnderTest], options: argparse.Namespace) -> Iterator[Conformance]:
    """Return what became of each; with --minutes again and again, with other trials, until one breaks a law."""
    end = None if options.minutes is None else current().now() + timedelta(minutes=options.minutes)
    laws = options.law or None
    for subject in found:
        yield _tried(subject, laws, options.seed, options)
    seed = options.seed
    while end is not None and current().now() < end:
        seed += 1
        for subject in found:
            report = _tried(subject, laws, seed, options)
            if not report.holds or current().now() >= end:
                yield report
                return


def _tried(subject: AgentUnderTest, laws: Sequence[str] | None, seed: int, options: argparse.Namespace) -> Conformance:
    quiet = options.json
    if not quiet:
        say(f"{said(subject.name)}" + (f", seed {seed}" if seed else ""))
    return conformance(
        subject,
        laws=laws,
        examples=options.examples,
        seed=seed,
        kept=None if options.forget else ".jido_trio/check",
        progress=(lambda _: None) if quiet else _progress,
    )


def _progress(verdict: LawVerdict) -> None:
    if verdict.outcome == "broken":
        say(f"  BROKEN   {told_verdict(verdict)}\n")
    else:
        why = f" ({said(verdict.why)})" if verdict.why else ""
        say(f"  {verdict.outcome:8} {verdict.law}: {verdict.sentence}{why}")


def _sum_up(reports: Sequence[Conformance]) -> None:
    broken = [f"{said(report.agent)} {verdict.law}" for report in reports for verdict in report.broken]
    say(f"{len(broken)} broken: {', '.join(broken)}" if broken else "no law is broken")


def _plain(report: Conformance) -> dict[str, Any]:
    return {"agent": report.agent, "holds": report.holds, "laws": [attrs.asdict(one) for one in report.verdicts]}
