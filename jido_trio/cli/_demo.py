"""`jido-trio demo`. Apart from `_main`, for only this command needs the packages of the extra `demo`."""

import argparse
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trio
from rich.console import Console

from jido_trio.cli._output import say
from jido_trio.demo._documents import NoDocuments
from jido_trio.demo._report import Chaos, Report, as_json, as_text
from jido_trio.demo._run import SAMPLES, Options, run_demo
from jido_trio.demo._view import Lines, Picture, Silent, View
from jido_trio.errors import InvalidDefinition, StorageError
from jido_trio.world import current

CHAOS_EVERY = 0.15
"""Seconds between two kills if nothing else is asked for: so that there are some while the samples are read."""


def demo(options: argparse.Namespace) -> int:
    """Run the demo, print its report, and return the exit code."""
    folder = Path(options.input) if options.input is not None else SAMPLES
    view = _view(options, folder)
    try:
        with _logs_off():
            store = Path(options.store) if options.store is not None else None
            asked = Options(folder, options.workers, _chaos(options), options.inspect, store)
            report = trio.run(run_demo, asked, view)
    except (NoDocuments, InvalidDefinition, StorageError) as error:
        return int(options.fail(str(error)))
    told = isinstance(view, Lines) and not (report.run.store and report.run.store.before)
    say(as_json(report) if options.json else as_text(report, refusals=not told))
    return _exit_code(report)


@contextmanager
def _logs_off() -> Iterator[None]:
    """Have nothing logged: what pypdf and the runtime have to say is in the report."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(before)


def _chaos(options: argparse.Namespace) -> Chaos | None:
    if not options.chaos:
        return None
    seed = options.seed if options.seed is not None else current().random.randrange(1_000_000)
    return Chaos(options.chaos_every if options.chaos_every is not None else CHAOS_EVERY, seed)


def _view(options: argparse.Namespace, folder: Path) -> View:
    if options.json:
        return Silent()
    console = Console()
    # One that calls itself dumb can't take back what it has shown.
    drawable = sys.stdout.isatty() and console.is_interactive and not console.is_dumb_terminal
    return Picture(str(folder), console) if drawable else Lines(str(folder), say)


def _exit_code(report: Report) -> int:
    if report.run.interrupted:
        return 130
    return 0 if report.ok else 1
