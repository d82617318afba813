"""`jido-trio agent`: carry a durable agent from one storage to another, as a file."""

from __future__ import annotations

import argparse
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from attrs import asdict

from jido_trio.cli._journal import refused
from jido_trio.cli._output import say
from jido_trio.cli._store import opened, the_agent
from jido_trio.errors import JidoError
from jido_trio.extras import MissingExtra
from jido_trio.redact import said
from jido_trio.runtime import AgentFile, export_agent, import_agent, read_agent_file
from jido_trio.storage import Storage, open_sqlite

FAILED = 1


def agent(options: argparse.Namespace) -> int:
    """Do what was asked for, and return the exit code."""
    try:
        told = trio.run(_run, options)
    except MissingExtra as error:
        return int(options.fail(str(error)))
    except JidoError as error:
        return refused(error)
    except OSError as error:
        refused(error)
        return FAILED
    if options.json:
        say(json.dumps(asdict(told)))
        return 0
    version = f" version {said(told.vsn)}" if told.vsn is not None else ""
    what = f"{said(told.class_name)}{version}  at input {told.number}, {told.records} records"
    say(f"{said(told.instance)}  {said(told.agent_id)}  {what}")
    return 0


async def _run(options: argparse.Namespace) -> AgentFile:
    if options.what == "show":
        return await read_agent_file(options.path)
    if options.what == "export":
        async with opened(options.storage) as storage:
            info = await the_agent(storage, options.agent, options.instance)
            return await export_agent(storage, info.instance, info.agent_id, options.path)
    told = await read_agent_file(options.path)
    async with _made(options.storage) as storage:
        return await import_agent(storage, options.instance or told.instance, options.path, id=options.id)


@asynccontextmanager
async def _made(where: str) -> AsyncIterator[Storage]:
    """Open the storage, which is made if it is a file that isn't there."""
    if "://" in where or await trio.Path(where).exists():
        async with opened(where) as storage:
            yield storage
    else:
        async with open_sqlite(where) as storage:
            yield storage


def add_agent(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    whats = parser.add_subparsers(dest="what", metavar="what", required=True)
    for name, help in _HELP.items():
        command = whats.add_parser(name, help=help, description=help, epilog=_CODES)
        if name != "show":
            command.add_argument("storage", metavar="FILE", help="the SQLite file; or postgresql://...")
            command.add_argument("--instance", metavar="NAME", help="whose agent it is, or will be")
        if name == "export":
            command.add_argument("agent", metavar="AGENT", help="the agent's id")
        command.add_argument("path", metavar="PATH", help="the file of the agent")
        if name == "import":
            command.add_argument("--as", dest="id", metavar="ID", help="the id that it gets (default: as it was)")
        command.add_argument("--json", action="store_true", help="print JSON")
        command.set_defaults(fail=command.error, run=agent)


_HELP = {
    "export": "Write a durable agent into a new file: state, journal, inbox, timers.",
    "import": "Put the agent of a file into a storage. Its first start finds out whether the code fits.",
    "show": "Check the file of an agent, and say what is in it.",
}
_CODES = (
    "exit code: 0 done; 1 the file, a record or the storage can't be used; 2 wrong usage, or there is no such agent; "
    "130 ended by Ctrl-C"
)
