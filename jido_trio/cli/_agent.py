"""`jido-trio agent`: carry a durable agent from one storage to another, as a file; or remove one."""

from __future__ import annotations

import argparse
import json

import trio
from attrs import asdict, evolve

from jido_trio.cli._journal import refused
from jido_trio.cli._output import say
from jido_trio.cli._store import add_storage, opened, the_agent
from jido_trio.errors import JidoError
from jido_trio.extras import MissingExtra
from jido_trio.redact import said
from jido_trio.runtime import AgentFile, JournalInfo, export_agent, forget_agent, import_agent, read_agent_file

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
    if isinstance(told, JournalInfo):
        gone = {"instance": told.instance, "agent": told.agent_id, "deleted": True}
        say(json.dumps(gone) if options.json else f"{said(told.instance)}  {said(told.agent_id)}  deleted")
        return 0
    if options.json:
        say(json.dumps(asdict(told)))
        return 0
    version = f" version {said(told.vsn)}" if told.vsn is not None else ""
    what = f"{said(told.class_name)}{version}  at input {told.number}, {told.records} records"
    say(f"{said(told.instance)}  {said(told.agent_id)}  {what}")
    return 0


async def _run(options: argparse.Namespace) -> AgentFile | JournalInfo:
    if options.what == "show":
        return await read_agent_file(options.path)
    if options.what == "export":
        async with opened(options.storage, key_file=options.key_file) as storage:
            info = await the_agent(storage, options.agent, options.instance)
            return await export_agent(storage, info.instance, info.agent_id, options.path)
    if options.what == "delete":
        async with opened(options.storage, key_file=options.key_file) as storage:
            info = await the_agent(storage, options.agent, options.instance)
            await forget_agent(storage, info.instance, info.agent_id, force=options.force)
            return info
    told = await read_agent_file(options.path)
    async with opened(options.storage, key_file=options.key_file, new=True) as storage:
        instance = options.instance or told.instance
        put = await import_agent(storage, instance, options.path, id=options.id)
    return evolve(put, instance=instance, agent_id=options.id or put.agent_id)  # where it is now


def add_agent(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    whats = parser.add_subparsers(dest="what", metavar="what", required=True)
    for name, help in _HELP.items():
        command = whats.add_parser(name, help=help, description=help, epilog=_CODES)
        if name != "show":
            command.add_argument("storage", metavar="FILE", help="the SQLite file; or postgresql://...")
            command.add_argument("--instance", metavar="NAME", help="whose agent it is, or will be")
            add_storage(command)
        if name in {"delete", "export"}:
            command.add_argument("agent", metavar="AGENT", help="the agent's id")
        if name == "delete":
            command.add_argument("--force", action="store_true", help="also if the process that has it still runs")
        else:
            command.add_argument("path", metavar="PATH", help="the file of the agent")
        if name == "import":
            command.add_argument("--as", dest="id", metavar="ID", help="the id that it gets (default: as it was)")
        command.add_argument("--json", action="store_true", help="print JSON")
        command.set_defaults(fail=command.error, run=agent)


_HELP = {
    "delete": "Remove all that a storage has of a durable agent that doesn't run, for good.",
    "export": "Write a durable agent into a new file: state, journal, inbox, timers.",
    "import": "Put the agent of a file into a storage. Its first start finds out whether the code fits.",
    "show": "Check the file of an agent, and say what is in it.",
}
_CODES = (
    "exit code: 0 done; 1 the file, a record or the storage can't be used; 2 wrong usage, or there is no such agent; "
    "130 ended by Ctrl-C"
)
