"""`jido-trio inspect`: what a running program's agents are at, read from the socket that its instance made.

Whatever comes from the socket is a stranger's: it is checked, bounded, and printed as text of one line each.
"""

import argparse
import importlib
import json
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import trio

from jido_trio.cli._numbers import many, seconds
from jido_trio.cli._output import say
from jido_trio.redact import said, shown

CODES = (
    "exit code: 0 it was shown, or the program that was watched has ended; 2 wrong usage, or there is nothing to be "
    "seen; 130 ended by Ctrl-C"
)
PATIENCE = 5.0
"""Seconds to wait for an answer."""

LONGEST_ANSWER = 100_000_000
"""Bytes."""


class NotSeen(Exception):
    """There is nothing to be seen; its text says why."""


def add_inspect(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.epilog = CODES
    parser.add_argument("socket", metavar="SOCKET", help="the path that the program gave")
    parser.add_argument("--agent", metavar="ID", help="one agent, with its state")
    parser.add_argument("--limit", type=many, default=100, metavar="N", help="how many agents to name (default: 100)")
    parser.add_argument("--json", action="store_true", help="print one JSON document, and nothing else")
    parser.add_argument(
        "--watch", type=seconds, nargs="?", const=1.0, metavar="SECONDS", help="again and again (default: each second)"
    )
    parser.set_defaults(fail=parser.error, run=_inspect)


def _inspect(options: argparse.Namespace) -> int:
    """Print what the program at a socket is at, and return the exit code."""
    draw: Callable[[Any], str] = _as_json if options.json else _as_text
    try:
        if options.watch is None:
            say(draw(trio.run(ask, options.socket, options.agent, options.limit)))
            return 0
        return trio.run(_watch, options, draw)
    except NotSeen as error:
        return int(options.fail(str(error)))


async def ask(path: str, agent: str | None, limit: int) -> dict[str, Any]:
    """Return what the instance at a socket shows.

    Raises:
        NotSeen: Nobody answers, or not what was asked.
    """
    _require_socket(path)
    try:
        with trio.fail_after(PATIENCE):
            async with await trio.open_unix_socket(path) as asking:
                await asking.send_all(json.dumps({"agent": agent, "limit": limit}).encode() + b"\n")
                answer = await _all_of(asking)
    except (ConnectionRefusedError, trio.BrokenResourceError):
        raise NotSeen(f"nobody listens at {shown(path)} any more: the program that made it has ended") from None
    except trio.TooSlowError:
        raise NotSeen(f"no answer at {shown(path)} within {PATIENCE:g} s: something blocks that program") from None
    except OSError as error:
        raise NotSeen(f"{shown(path)} can't be read: {said(error.strerror or error)}") from None
    return _read(path, answer)


def _require_socket(path: str) -> None:
    try:
        mode = Path(path).stat().st_mode
    except FileNotFoundError:
        raise NotSeen(
            f"there is no {shown(path)}: the program makes it where it says Jido(inspect={shown(path)}), while it runs"
        ) from None
    except (OSError, ValueError) as error:
        raise NotSeen(f"{shown(path)} can't be looked at: {said(error)}") from None
    if not stat.S_ISSOCK(mode):
        raise NotSeen(f"{shown(path)} is no socket; give the path that the program was given: Jido(inspect=...)")


async def _all_of(asking: trio.SocketStream) -> bytes:
    answer = bytearray()
    async for piece in asking:
        answer += piece
        if len(answer) > LONGEST_ANSWER:
            raise NotSeen("the answer has no end: that is no instance of jido_trio")
    return bytes(answer)


def _read(path: str, answer: bytes) -> dict[str, Any]:
    try:
        told = json.loads(answer)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or not told.keys() & {"instance", "agent", "error"}:
        raise NotSeen(f"what answers at {shown(path)} is no instance of jido_trio, or one of another version")
    if "error" in told:
        raise NotSeen(said(told["error"]))
    return told


# Watching ------------------------------------------------------------------------------------------------------------


async def _watch(options: argparse.Namespace, draw: Callable[[Any], str]) -> int:
    told = await ask(options.socket, options.agent, options.limit)  # what is wrong from the start is an error
    show = _live() if not options.json else None
    try:
        while True:
            (show or _after_another)(draw(told))
            await trio.sleep(options.watch)
            told = await ask(options.socket, options.agent, options.limit)
    except NotSeen as gone:
        if show is not None:
            show(None)
        say(str(gone))
        return 0
    finally:
        if show is not None:
            show(None)


def _after_another(picture: str) -> None:
    say(picture if "\n" not in picture else f"{picture}\n")


def _live() -> Callable[[str | None], None] | None:
    """Return what draws one picture over the other, where a terminal can and rich is installed; None ends it."""
    if not sys.stdout.isatty() or find_spec("rich") is None:
        return None
    console, drawing, texts = (importlib.import_module(f"rich.{part}") for part in ("console", "live", "text"))
    terminal = console.Console()
    if terminal.is_dumb_terminal:  # it can't take back what it has shown
        return None
    live = drawing.Live(console=terminal, auto_refresh=False)

    def show(text: str | None) -> None:
        if text is None:
            live.stop()
        else:
            live.start()
            live.update(texts.Text(text), refresh=True)

    return show


# Text ----------------------------------------------------------------------------------------------------------------


def _as_json(told: Mapping[str, Any]) -> str:
    return json.dumps(told)


def _as_text(told: Mapping[str, Any]) -> str:
    try:
        lines = _agent(told["agent"]) if "agent" in told else _instance(told)
        return "\n".join(said(line) for line in lines)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise NotSeen(f"what it shows is of another version: {shown(error)}") from None


def _instance(told: Mapping[str, Any]) -> Iterator[str]:
    whole, agents = told["instance"], told["agents"]
    counts = ", ".join(f"{count} {at}" for at, count in whole["at"].items())
    counts = f" ({counts})" if counts else ""
    yield f"instance {shown(whole['name'])} is {whole['phase']}: {whole['agents']} agents{counts}"
    fates = ", ".join(f"{count} {fate}" for fate, count in whole["ledger"].items() if count)
    yield f"messages: {fates or 'none'}"
    yield f"restarts that count: {whole['restarts']}; timers: {whole['timers']}; ready agents: {whole['ready']}"
    if told["services"] is not None:
        yield "services:"
        yield from (f"  {_child(child)}" for child in told["services"]["children"])
    if agents:
        yield "agents:"
        yield from _family(agents)
    if whole["agents"] > len(agents):
        yield f"  and {whole['agents'] - len(agents)} more: give --limit, or --agent ID"


def _child(child: Mapping[str, Any]) -> str:
    more = f"; {child['last_crash']}" if child["last_crash"] else ""
    return f"{shown(child['id'])} {child['state']}, life {child['incarnation']}{more}"


def _family(agents: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Give a line for each agent, children below their parents."""
    known = {agent["id"] for agent in agents}
    below: dict[str | None, list[Mapping[str, Any]]] = {}
    for agent in agents:
        below.setdefault(agent["parent"] if agent["parent"] in known else None, []).append(agent)
    to_come = [(agent, 1) for agent in reversed(below.pop(None, []))]
    while to_come:
        agent, depth = to_come.pop()
        yield "  " * min(depth, 20) + _line(agent)
        to_come += [(child, depth + 1) for child in reversed(below.pop(agent["id"], []))]


def _line(agent: Mapping[str, Any]) -> str:
    mailbox = agent["mailbox"]
    parts = [f"{shown(agent['id'])} {agent['agent']}, {agent['at']}, life {agent['incarnation']}"]
    parts += [agent["supervised"]] if agent["supervised"] not in ("running", "") else []
    parts += [f"again in {agent['next_restart']:.1f} s"] if agent["next_restart"] is not None else []
    parts += [f"{mailbox['waiting']} waiting"] if mailbox["waiting"] else []
    parts += [f"{mailbox['parked']} parked"] if mailbox["parked"] else []
    parts += [f"{agent['tasks']} tasks"] if agent["tasks"] else []
    parts += [f"waits for {agent['waits_for']}"] if agent["waits_for"] else []
    parts += [_runs(agent["actions"])] if agent["actions"] else []
    parts += [f"{count} wait in lane {shown(lane)}" for lane, count in agent["lanes"].items() if count]
    return ", ".join(parts)


def _runs(actions: Sequence[Mapping[str, Any]]) -> str:
    """Name the async actions that are under way, each once."""
    names = list(dict.fromkeys(action["action"] for action in actions if action["seconds"] is not None))
    return f"runs {' and '.join(names[:3])}{' and others' if len(names) > 3 else ''}"  # as many are named


def _action(action: Mapping[str, Any]) -> str:
    lane = f" in lane {shown(action['lane'])}" if action["lane"] is not None else ""
    how = f"for {action['seconds']:.1f} s" if action["seconds"] is not None else "waits"
    progress = f": {action['progress']}" if action["progress"] is not None else ""
    return f"{action['action']}{lane}, {how}{progress}"


def _agent(agent: Mapping[str, Any]) -> Iterator[str]:
    yield _line(agent)
    yield f"  state: {shown(agent['state'], 400)}"
    mailbox = agent["mailbox"]
    yield f"  mailbox: {mailbox['taken']} of {mailbox['capacity']} places, {mailbox['waiting']} waiting"
    yield from (f"    {shown(kind)}" for kind in mailbox["next"])
    yield from (f"  async action {_action(action)}" for action in agent["actions"])
    yield from (f"  timer: in {seconds:.1f} s" for seconds in agent["timers"])
    yield from (f"  child {shown(tag)}: {shown(id)}" for tag, id in agent["children"].items())
    yield from (f"  {name}: {shown(value)}" for name, value in agent["more"].items())
    if agent["parent"] is not None:
        yield f"  parent: {shown(agent['parent'])}"
    if agent["last_crash"] is not None:
        yield f"  last crash: {agent['last_crash']}"
