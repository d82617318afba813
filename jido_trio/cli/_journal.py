"""`jido-trio journal`: read what durable agents have on disk; whether their program runs or not doesn't matter."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import trio

from jido_trio.cli._output import say
from jido_trio.core import diff
from jido_trio.data import unstructure
from jido_trio.errors import AgentNotFound, InvalidDefinition, JidoError
from jido_trio.redact import shown
from jido_trio.runtime import (
    Journal,
    JournalInfo,
    compact_journal,
    list_journals,
    read_entries,
    read_journal,
)
from jido_trio.storage import Storage, open_sqlite

FAILED, USAGE = 1, 2
"""Exit codes."""


def journal(options: argparse.Namespace) -> int:
    """Do what was asked for, and return the exit code."""
    sys.path.insert(0, str(Path.cwd()))
    try:
        for module in options.modules:
            importlib.import_module(module)
    except ImportError as error:
        return int(options.fail(f"--import: {error}"))
    try:
        return trio.run(_run, options)
    except JidoError as error:
        return _refused(error)


def _refused(error: BaseException) -> int:
    print(f"jido-trio: {error}", file=sys.stderr)
    return USAGE if isinstance(error, AgentNotFound | InvalidDefinition) else FAILED


async def _run(options: argparse.Namespace) -> int:
    async with _opened(options.storage) as storage:
        return await COMMANDS[options.what](storage, options)


@asynccontextmanager
async def _opened(where: str) -> AsyncIterator[Storage]:
    if where.startswith(("postgresql://", "postgres://")):
        postgres = importlib.import_module("jido_trio.storage.postgres")
        async with postgres.open_postgres(where) as storage:
            yield storage
        return
    if not await trio.Path(where).exists():
        raise InvalidDefinition(f"there is no file {shown(where)}", field="storage", value=where)
    async with open_sqlite(where) as storage:
        yield storage


async def _list(storage: Storage, options: argparse.Namespace) -> int:
    found = await list_journals(storage)
    if options.json:
        say(json.dumps([_plain_info(info) for info in found]))
        return 0
    for info in found:
        version = f" version {info.vsn}" if info.vsn is not None else ""
        say(f"{info.instance}  {info.agent_id}  {info.class_name}{version}  at input {info.number}")
    return 0


def _plain_info(info: JournalInfo) -> dict[str, Any]:
    return {
        "instance": info.instance,
        "agent": info.agent_id,
        "class": info.class_name,
        "vsn": info.vsn,
        "number": info.number,
    }


async def _whose(storage: Storage, options: argparse.Namespace) -> JournalInfo:
    """Return the one agent that is meant."""
    found = [info for info in await list_journals(storage) if info.agent_id == options.agent]
    if options.instance is not None:
        found = [info for info in found if info.instance == options.instance]
    if not found:
        raise AgentNotFound(options.agent)
    if len(found) > 1:
        names = ", ".join(info.instance for info in found)
        raise InvalidDefinition(
            f"several instances have an agent {shown(options.agent)}: say --instance, one of {names}"
        )
    return found[0]


async def _show(storage: Storage, options: argparse.Namespace) -> int:
    info = await _whose(storage, options)
    for entry in await read_entries(storage, info.instance, info.agent_id):
        if options.json:
            say(json.dumps(entry))
            continue
        signal, instruction = entry["input"]["signal"], entry["input"].get("instruction")
        learnt = f"  outcome of {instruction['action']['$type']}" if instruction is not None else ""
        say(f"{entry['number']}  {signal['type']}{learnt}  {json.dumps(signal['data'])}")
    return 0


async def _read(storage: Storage, options: argparse.Namespace) -> Journal:
    info = await _whose(storage, options)
    return await read_journal(storage, info.instance, info.agent_id)


async def _replay(storage: Storage, options: argparse.Namespace) -> int:
    say(
        json.dumps(
            unstructure((await _read(storage, options)).at(options.upto).state), indent=None if options.json else 2
        )
    )
    return 0


async def _diff(storage: Storage, options: argparse.Namespace) -> int:
    read = await _read(storage, options)
    differences = diff(read.at(options.first).state, read.at(options.second).state)
    if options.json:
        say(json.dumps([{"path": each.path, "text": str(each)} for each in differences]))
        return 0
    for each in differences:
        say(str(each))
    return 0


async def _export(storage: Storage, options: argparse.Namespace) -> int:
    info = await _whose(storage, options)
    say(json.dumps(_plain_info(info)))
    for entry in await read_entries(storage, info.instance, info.agent_id):
        say(json.dumps(entry))
    return 0


async def _verify(storage: Storage, options: argparse.Namespace) -> int:
    found = [await _whose(storage, options)] if options.agent is not None else await list_journals(storage)
    wrong = 0
    for info in found:
        problem: str | None = None
        inputs = 0
        try:
            read = await read_journal(storage, info.instance, info.agent_id)
            read.at()
            inputs = len(read.entries)
        except JidoError as error:
            wrong += 1
            problem = str(error)
        if options.json:
            say(json.dumps({**_plain_info(info), "problem": problem}))
        else:
            say(f"{info.instance}  {info.agent_id}  {problem or f'{inputs} inputs, all as they were'}")
    return FAILED if wrong else 0


async def _compact(storage: Storage, options: argparse.Namespace) -> int:
    info = await _whose(storage, options)
    gone = await compact_journal(storage, info.instance, info.agent_id, options.keep)
    say(json.dumps({**_plain_info(info), "gone": gone}) if options.json else f"{gone} inputs are gone")
    return 0


Command: TypeAlias = Callable[[Storage, argparse.Namespace], Awaitable[int]]

COMMANDS: Mapping[str, Command] = {
    "list": _list,
    "show": _show,
    "replay": _replay,
    "diff": _diff,
    "export": _export,
    "verify": _verify,
    "compact": _compact,
}


def add_journal(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    whats = parser.add_subparsers(dest="what", metavar="what", required=True)
    for name, help in _HELP.items():
        command = whats.add_parser(name, help=help, description=help, epilog=_CODES)
        command.add_argument("storage", metavar="FILE", help="the SQLite file; or postgresql://...")
        if name != "list":
            optional = {"nargs": "?"} if name == "verify" else {}
            command.add_argument("agent", metavar="AGENT", help="the agent's id", **optional)  # type: ignore[arg-type]
            command.add_argument("--instance", metavar="NAME", help="of the agent, where several have one of that id")
        if name == "replay":
            command.add_argument("--upto", type=int, metavar="N", help="the number of the last input (default: all)")
        if name == "diff":
            command.add_argument("first", type=int, metavar="N", help="the number of an input")
            command.add_argument("second", type=int, metavar="M", help="the number of another")
        if name == "compact":
            command.add_argument(
                "--keep", type=int, required=True, metavar="N", help="how many of the last inputs stay"
            )
        command.add_argument(
            "--import", dest="modules", action="append", default=[], metavar="MODULE", help="where the classes are"
        )
        command.add_argument("--json", action="store_true", help="print JSON")
        command.set_defaults(fail=command.error, run=journal)


_HELP = {
    "list": "Name the durable agents in a storage.",
    "show": "Show the inputs of one.",
    "replay": "Fold the inputs of one, and show the state; nothing is carried out.",
    "diff": "Show what changed in the state of one between two of its inputs.",
    "export": "Print all of it as lines of JSON.",
    "verify": "Fold the inputs, and compare each state with what it was.",
    "compact": "Let go of the first inputs of one.",
}
_CODES = "exit code: 0 done; 1 a record, or the storage, can't be used; 2 wrong usage, or there is no such agent"
