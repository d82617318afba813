"""`jido-trio journal`: read what durable agents have on disk; whether their program runs or not doesn't matter."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import trio

from jido_trio.cli._output import say
from jido_trio.cli._progress import Progress
from jido_trio.cli._store import add_storage, explained, import_all, not_imported, opened, the_agent
from jido_trio.cli._whatif import changed_class, import_changes, left_out, plain_differences, plain_divergence
from jido_trio.core import Agent, Difference, Divergence, Fork, diff, migrated, replay
from jido_trio.errors import AgentNotFound, InvalidDefinition, JidoError, RecordRefused
from jido_trio.extras import MissingExtra
from jido_trio.redact import plain, said
from jido_trio.runtime import (
    JournalInfo,
    compact_journal,
    journal_info,
    journal_names,
    open_journal,
    read_entries,
)
from jido_trio.runtime.inner import journal_span
from jido_trio.storage import Storage

FAILED, USAGE = 1, 2
"""Exit codes."""

WIDE = 300
"""Characters of a signal's data that are shown in a line."""


def journal(options: argparse.Namespace) -> int:
    """Do what was asked for, and return the exit code."""
    try:
        import_all(options.modules)
        return trio.run(_run, options)
    except MissingExtra as error:
        return int(options.fail(str(error)))
    except JidoError as error:
        return refused(error)


def refused(error: BaseException) -> int:
    """Tell of what went wrong, and return the exit code."""
    print(f"jido-trio: {explained(error)}", file=sys.stderr)
    is_usage = isinstance(error, AgentNotFound | InvalidDefinition) or not_imported(error)
    return USAGE if is_usage else FAILED


async def _run(options: argparse.Namespace) -> int:
    verify: Literal["none", "full"] = "full" if options.what == "verify" else "none"
    async with opened(options.storage, verify, key_file=options.key_file) as storage:
        return await COMMANDS[options.what](storage, options)


async def _list(storage: Storage, options: argparse.Namespace) -> int:
    found: list[dict[str, Any]] = []
    broken = 0
    for instance, agent_id in await journal_names(storage):
        try:
            info = await journal_info(storage, instance, agent_id)
        except RecordRefused as error:
            broken += 1
            print(f"jido-trio: {explained(error)}", file=sys.stderr)
            continue
        if options.json:
            found.append(_plain_info(info))
            continue
        version = f" version {said(info.vsn)}" if info.vsn is not None else ""
        say(f"{_names(info)}  {said(info.class_name)}{version}  at input {info.number}")
    if options.json:
        say(json.dumps(found))
    return FAILED if broken else 0


def _names(info: JournalInfo) -> str:
    return f"{said(info.instance)}  {said(info.agent_id)}"


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
    return await the_agent(storage, options.agent, options.instance)


async def _show(storage: Storage, options: argparse.Namespace) -> int:
    info = await _whose(storage, options)
    last = None if options.upto is None else max(options.upto, 0)
    pages = await read_entries(storage, info.instance, info.agent_id, first=max(options.first or 1, 1), last=last)
    async for page in pages:
        for entry in page:
            say(json.dumps(entry) if options.json else _line(entry))
    return 0


def _line(entry: Mapping[str, Any]) -> str:
    signal, instruction = entry["input"]["signal"], entry["input"].get("instruction")
    learnt = f"  outcome of {said(_action_name(instruction))}" if instruction is not None else ""
    data = json.dumps(signal["data"])
    if len(data) > WIDE:
        data = f"{data[:WIDE]}... {len(data):,} characters"
    return f"{entry['number']}  {said(signal['type'])}{learnt}  {data}"


def _action_name(instruction: Any) -> object:
    action = instruction.get("action") if isinstance(instruction, dict) else None
    return action.get("$type", action.get("$")) if isinstance(action, dict) else action


async def _states(storage: Storage, options: argparse.Namespace, numbers: Sequence[int | None]) -> list[Agent[Any]]:
    """Return the agent after each of some inputs, from one fold; None is the last input."""
    last = None if None in numbers else max(filter(None, numbers), default=0)
    info = await _whose(storage, options)
    span = await journal_span(storage, info.instance, info.agent_id)
    for wanted in numbers:
        if wanted is not None and not span[0] <= wanted <= span[1]:
            raise _outside(info, wanted, *span)
    reader = await open_journal(storage, info.instance, info.agent_id, upto=last)
    agent, number = reader.begin, reader.number
    found = {number: agent}
    with Progress("folded input", info.number) as progress:
        async for page in reader.pages:
            for entry in page:
                agent, number = replay(agent, [entry]), entry.number
                if number in numbers:
                    found[number] = agent
            progress.at(number)
    for wanted in numbers:
        if wanted is not None and wanted not in found:
            raise _outside(info, wanted, reader.number, number)  # it was cut meanwhile
    return [agent if wanted is None else found[wanted] for wanted in numbers]


def _outside(info: JournalInfo, wanted: int, first: int, last: int) -> InvalidDefinition:
    return InvalidDefinition(
        f"input {wanted}: the journal of {said(info.agent_id)} goes from {first} to {last}; give a number within"
    )


async def _replay(storage: Storage, options: argparse.Namespace) -> int:
    (agent,) = await _states(storage, options, [options.upto])
    say(json.dumps(plain(agent.state, whole=True), indent=None if options.json else 2))
    return 0


async def _diff(storage: Storage, options: argparse.Namespace) -> int:
    before, after = await _states(storage, options, [options.before, options.after])
    differences = diff(before.state, after.state)
    if options.json:
        say(json.dumps(plain_differences(differences)))
        return 0
    for each in differences:
        say(str(each))
    return 0


async def _export(storage: Storage, options: argparse.Namespace) -> int:
    info = await _whose(storage, options)
    pages = await read_entries(storage, info.instance, info.agent_id)
    say(json.dumps(_plain_info(info)))
    with Progress("wrote input", info.number) as progress:
        async for page in pages:
            for entry in page:
                say(json.dumps(entry))
            progress.at(page[-1]["number"])
    return 0


async def _verify(storage: Storage, options: argparse.Namespace) -> int:
    names = await journal_names(storage)
    if options.agent is not None:
        info = await _whose(storage, options)
        names = ((info.instance, info.agent_id),)
    wrong = 0
    for instance, agent_id in names:
        inputs, problem = await _verified(storage, instance, agent_id)
        wrong += problem is not None
        if options.json:
            say(json.dumps({"instance": instance, "agent": agent_id, "inputs": inputs, "problem": problem}))
        else:
            say(f"{said(instance)}  {said(agent_id)}  {problem or f'{inputs} inputs, all as they were'}")
    return FAILED if wrong else 0


async def _verified(storage: Storage, instance: str, agent_id: str) -> tuple[int, str | None]:
    """Return how many inputs lead to the states that they led to, and what is wrong then."""
    inputs = 0
    try:
        info = await journal_info(storage, instance, agent_id)
        reader = await open_journal(storage, instance, agent_id)
        agent = reader.begin
        with Progress(f"{said(agent_id)}: input", info.number) as progress:
            async for page in reader.pages:
                agent = replay(agent, page)
                inputs += len(page)
                progress.at(page[-1].number)
    except JidoError as error:
        return inputs, explained(error)
    return inputs, None


async def _whatif(storage: Storage, options: argparse.Namespace) -> int:
    if not (options.instead or options.actions or options.without):
        raise InvalidDefinition("whatif: say what is to be changed, by --with, --action or --without")
    import_changes(options.instead, options.actions)
    info = await _whose(storage, options)
    reader = await open_journal(storage, info.instance, info.agent_id)
    cls = changed_class(type(reader.begin), options.instead, options.actions)
    fork = Fork(reader.begin, migrated(reader.begin, cls))
    wanted, met = set(options.without), set[str]()
    with Progress("folded input", info.number) as progress:
        async for page in reader.pages:
            for entry in page:
                leave = left_out(entry, wanted)
                met |= leave
                found = fork.take(entry, None if leave else entry.input)
                if found is not None and fork.first is found and not options.json:
                    _tell(found)
                if fork.raised:
                    break
            if fork.raised:
                break
            progress.at(fork.inputs)
    unknown = wanted - met
    if unknown and not fork.raised:
        raise InvalidDefinition(f"--without: no input has the number or the signal id {said(min(unknown))}")
    _conclude(fork, options)
    return 0


def _tell(found: Divergence) -> None:
    say(f"the first difference is at input {found.number}:")
    if found.error is not None:
        say(f"  {found.error}")
    for each in found.differences:
        say(f"  {'to be done: ' if found.why == 'directives' else ''}{each}")


def _conclude(fork: Fork, options: argparse.Namespace) -> None:
    end: tuple[Difference, ...] = () if fork.raised else diff(fork.ours.state, fork.theirs.state)
    if options.json:
        say(
            json.dumps(
                {
                    "inputs": fork.inputs,
                    "diverged": fork.diverged,
                    "raised": fork.raised,
                    "first": plain_divergence(fork.first),
                    "end": plain_differences(end),
                }
            )
        )
        return
    if fork.first is None:
        say(f"no difference in {fork.inputs} inputs")
    elif fork.raised:
        say("it goes no further")
    else:
        say(f"{fork.diverged} of {fork.inputs} inputs differ; at the end:")
        for each in end:
            say(f"  {each}")
        if not end:
            say("  the same state")


async def _compact(storage: Storage, options: argparse.Namespace) -> int:
    info = await _whose(storage, options)
    with Progress("folded input", info.number) as progress:
        gone = await compact_journal(storage, info.instance, info.agent_id, options.keep, on_page=progress.at)
    say(json.dumps({**_plain_info(info), "gone": gone}) if options.json else f"{gone} inputs are gone")
    return 0


Command: TypeAlias = Callable[[Storage, argparse.Namespace], Awaitable[int]]

COMMANDS: Mapping[str, Command] = {
    "list": _list,
    "show": _show,
    "replay": _replay,
    "diff": _diff,
    "whatif": _whatif,
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
        add_storage(command)
        if name != "list":
            optional = {"nargs": "?"} if name == "verify" else {}
            command.add_argument("agent", metavar="AGENT", help="the agent's id", **optional)  # type: ignore[arg-type]
            command.add_argument("--instance", metavar="NAME", help="of the agent, where several have one of that id")
        if name == "replay":
            command.add_argument("--upto", type=int, metavar="N", help="the number of the last input (default: all)")
        if name == "diff":
            command.add_argument("before", type=int, metavar="N", help="the number of an input")
            command.add_argument("after", type=int, metavar="M", help="the number of another")
        if name == "show":
            command.add_argument("--from", dest="first", type=int, metavar="N", help="the number of the first input")
            command.add_argument("--upto", type=int, metavar="N", help="the number of the last (default: all)")
        if name == "whatif":
            _add_changes(command)
        if name == "compact":
            command.add_argument(
                "--keep", type=int, required=True, metavar="N", help="how many of the last inputs stay"
            )
        command.add_argument(
            "--import", dest="modules", action="append", default=[], metavar="MODULE", help="where the classes are"
        )
        command.add_argument("--json", action="store_true", help="print JSON")
        command.set_defaults(fail=command.error, run=journal)


def _add_changes(command: argparse.ArgumentParser) -> None:
    command.add_argument("--with", dest="instead", metavar="MODULE:CLASS", help="another class of agents")
    command.add_argument(
        "--action",
        dest="actions",
        action="append",
        default=[],
        metavar="PATTERN=MODULE:ACTION",
        help="another action for the signals of a route",
    )
    command.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="INPUT",
        help="leave out an input, by its number or the id of its signal",
    )


_HELP = {
    "list": "Name the durable agents in a storage.",
    "show": "Show the inputs of one.",
    "replay": "Fold the inputs of one, and show the state; nothing is carried out.",
    "diff": "Show what changed in the state of one between two of its inputs.",
    "whatif": "Fold the inputs of one as they were and with a change, and show the first difference.",
    "export": "Print all of it as lines of JSON.",
    "verify": "Fold the inputs, and compare each state with what it was.",
    "compact": "Let go of the first inputs of one.",
}
_CODES = (
    "exit code: 0 done; 1 a record, or the storage, can't be used; 2 wrong usage, or there is no such agent; "
    "130 ended by Ctrl-C; 141 whoever read the output has closed it"
)
