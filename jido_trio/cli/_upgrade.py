"""`jido-trio upgrade --rehearse`: what new code would make of the journals on disk, before it is deployed."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import trio

from jido_trio.cli._output import say
from jido_trio.cli._progress import Progress
from jido_trio.cli._store import add_storage, class_at, explained, import_all, opened
from jido_trio.cli._whatif import plain_divergence
from jido_trio.core import Agent
from jido_trio.errors import JidoError
from jido_trio.extras import MissingExtra
from jido_trio.redact import said
from jido_trio.runtime import Rehearsed, rehearse

CODES = (
    "exit code: 0 all agents go over, and would have done the same; 1 some don't; 2 wrong usage, or the storage can't "
    "be used; 130 ended by Ctrl-C"
)
DIFFERS, IMPOSSIBLE = 1, 2
"""Exit codes."""


def upgrade(options: argparse.Namespace) -> int:
    """Rehearse, and return the exit code."""
    try:
        import_all(options.modules)
        new = class_at("--to", options.new, Agent)
        old = class_at("--from", options.old, Agent) if options.old is not None else new
        return trio.run(_rehearse, options, old, new)
    except MissingExtra as error:
        return int(options.fail(str(error)))
    except JidoError as error:
        print(f"jido-trio: {explained(error)}", file=sys.stderr)
        return IMPOSSIBLE


async def _rehearse(options: argparse.Namespace, old: type[Agent[Any]], new: type[Agent[Any]]) -> int:
    def tell(rehearsed: Rehearsed) -> None:
        if options.json:
            say(json.dumps(_plain(rehearsed)))
        elif not rehearsed.is_well:
            progress.clear()
            say(str(rehearsed))

    with Progress("rehearsed agents") as progress:
        done = 0

        def count(_agent_id: str, _number: int) -> None:
            progress.at(done)

        def told(rehearsed: Rehearsed) -> None:
            nonlocal done
            done += 1
            progress.at(done)
            tell(rehearsed)

        async with opened(options.storage, key_file=options.key_file) as storage:
            rehearsal = await rehearse(storage, old, new, instance=options.instance, on_agent=told, on_page=count)
    unwell = rehearsal.unwell
    if not options.json:
        stuck = sum(each.problem is not None for each in unwell)
        say(
            f"{len(rehearsal.agents)} agents of {said(options.old or options.new)}, {rehearsal.inputs} inputs: "
            f"{len(unwell) - stuck} differ, {stuck} can't go over"
        )
    return DIFFERS if unwell else 0


def _plain(rehearsed: Rehearsed) -> dict[str, Any]:
    return {
        "instance": rehearsed.instance,
        "agent": rehearsed.agent_id,
        "vsn": rehearsed.vsn,
        "inputs": rehearsed.inputs,
        "diverged": rehearsed.diverged,
        "first": plain_divergence(rehearsed.first),
        "problem": rehearsed.problem,
    }


def add_upgrade(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    parser.epilog = CODES
    parser.add_argument(
        "--rehearse",
        dest="storage",
        metavar="FILE",
        required=True,
        help="the SQLite file with the durable agents; or postgresql://...",
    )
    parser.add_argument(
        "--from",
        dest="old",
        metavar="MODULE:CLASS",
        help="their class (default: that of --to, whose code was changed under its name)",
    )
    parser.add_argument("--to", dest="new", metavar="MODULE:CLASS", required=True, help="the class they shall have")
    add_storage(parser)
    parser.add_argument("--instance", metavar="NAME", help="whose agents (default: all)")
    parser.add_argument(
        "--import", dest="modules", action="append", default=[], metavar="MODULE", help="what else their states name"
    )
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each agent, and nothing else")
    parser.set_defaults(fail=parser.error, run=upgrade)
