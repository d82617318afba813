"""`jido-trio replay`: what was said in a conversation that was kept, and what would have been. Nothing is sent."""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, assert_never

import trio
from attrs import frozen

from jido_trio.ai import (
    Approved,
    AskApproval,
    Asked,
    Begun,
    Called,
    CallFailed,
    CallModel,
    ChatAgent,
    ChatEvent,
    Compacted,
    Ended,
    Late,
    Refuted,
    Replied,
    Reply,
    Returned,
    Rules,
    RunTool,
    Spent,
    Steered,
    ToolCall,
    ToolResult,
    Wanted,
)
from jido_trio.ai.inner import chat_log, concealed_call, said_instead
from jido_trio.cli._journal import refused
from jido_trio.cli._output import say
from jido_trio.cli._store import add_storage, import_all, opened, the_agent
from jido_trio.data import unstructure
from jido_trio.errors import InvalidDefinition, JidoError
from jido_trio.extras import MissingExtra
from jido_trio.redact import said, shown
from jido_trio.runtime import open_journal

MODULES = "where the classes are"
CODES = "exit code: 0 done; 1 a record, or the storage, can't be used; 2 wrong usage, or there is no such agent"


def add_replay(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.epilog = CODES
    parser.add_argument("storage", metavar="FILE", help="the SQLite file; or postgresql://...")
    add_storage(parser)
    parser.add_argument("agent", metavar="AGENT", nargs="?", default="chat", help="the agent's id (default: chat)")
    parser.add_argument("--instance", metavar="NAME", help="of the agent, where several have one of that id")
    parser.add_argument("--import", dest="modules", action="append", default=[], metavar="MODULE", help=MODULES)
    parser.add_argument(
        "--whatif", metavar="ANSWERS", help="a file: what models say, and tools return, instead; each a line of JSON"
    )
    parser.add_argument("--json", action="store_true", help="print each event as a line of JSON")
    parser.set_defaults(fail=parser.error, run=_replay)


def _replay(options: argparse.Namespace) -> int:
    try:
        import_all(options.modules)
        answers = _answers(Path(options.whatif)) if options.whatif is not None else None
        rules, log = trio.run(_log_of, options)
    except MissingExtra as error:
        return int(options.fail(str(error)))
    except JidoError as error:
        return refused(error)
    wants: Sequence[Wanted] = ()
    if answers is not None:
        chat, wants = said_instead(rules, log, answers.replies, answers.results)
        log = chat.log
    _tell(rules, log, wants, as_json=options.json)
    return 0


async def _log_of(options: argparse.Namespace) -> tuple[Rules, tuple[ChatEvent, ...]]:
    async with opened(options.storage, key_file=options.key_file) as storage:
        info = await the_agent(storage, options.agent, options.instance)
        reader = await open_journal(storage, info.instance, info.agent_id)
        cls = type(reader.begin)
        if not issubclass(cls, ChatAgent):
            raise InvalidDefinition(
                f"agent {said(info.agent_id)} is of {cls.__qualname__}, which speaks with no models"
            )
        entries = [entry async for page in reader.pages for entry in page]
        return cls.rules, chat_log(reader.begin, entries)


@frozen
class _Answers:
    """What is said instead."""

    replies: Mapping[int, Reply]
    results: Mapping[tuple[str, str], Sequence[ToolResult]]


def _answers(path: Path) -> _Answers:
    """Read lines: what a call says, or what a tool returns."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # a text may have other ends of lines in it
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidDefinition(f"--whatif: {shown(str(path))} can't be read: {said(error)}") from None
    replies: dict[int, Reply] = {}
    results: dict[tuple[str, str], list[ToolResult]] = defaultdict(list)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            given: Any = json.loads(line)
            if "call" in given:
                replies[int(given["call"])] = _reply(given)
            else:
                results[str(given["tool"]), _arguments(given.get("arguments", {}))].append(_result(given))
        except (ValueError, TypeError, LookupError):
            raise InvalidDefinition(
                f"--whatif: line {number} of {shown(str(path))} is neither "
                '{"call": 2, "text": ...} nor {"tool": ..., "arguments": ..., "returns": ...}'
            ) from None
    return _Answers(replies, results)


def _reply(given: Mapping[str, Any]) -> Reply:
    asked_for: Any = given.get("calls") or ()
    calls = tuple(ToolCall(str(at), str(name), _arguments(data)) for at, (name, data) in enumerate(asked_for))
    return Reply(call=0, attempt=0, text=str(given.get("text") or ""), calls=calls, finish="stop")


def _result(given: Mapping[str, Any]) -> ToolResult:
    returned = given["returns"]
    content = returned if isinstance(returned, str) else json.dumps(returned, ensure_ascii=False)
    return ToolResult(id="", content=content, error=bool(given.get("error", False)))


def _arguments(given: object) -> str:
    return given if isinstance(given, str) else json.dumps(given)


def _tell(rules: Rules, log: Sequence[ChatEvent], wants: Sequence[Wanted], *, as_json: bool) -> None:
    for event in log:
        if as_json:
            say(
                json.dumps({"event": type(event).__name__, **_concealed(rules, unstructure(event))}, ensure_ascii=False)
            )
            continue
        for line in _lines(rules, event):
            say(line)
    for want in wants:
        if as_json:
            say(json.dumps({"wanted": type(want).__name__, **_concealed(rules, unstructure(want))}, ensure_ascii=False))
        else:
            say(f"it ends here, and wants: {_wanted(rules, want)}")


def _concealed(rules: Rules, plain: Any) -> dict[str, Any]:
    """Return a plain event without secret arguments."""
    if "arguments" in plain:
        return {**plain, "arguments": _shown_arguments(rules, plain["name"], plain["arguments"])}
    if isinstance(calls := plain.get("calls"), list | tuple):
        return {**plain, "calls": [_concealed(rules, call) for call in calls]}
    return dict(plain)


def _shown_arguments(rules: Rules, name: str, arguments: str) -> str:
    return concealed_call(rules.tools, name, arguments)


def _lines(rules: Rules, event: ChatEvent) -> Iterable[str]:  # noqa: PLR0912  # a case for each event
    match event:
        case Asked():
            yield f"{said(event.request)} asks: {said(event.text, 2000)}"
        case Steered():
            yield f"{said(event.id)} steers {said(event.request)}: {said(event.text, 2000)}"
        case Called():
            what = "a summary" if event.purpose == "compact" else "call"
            yield f"  {what} {event.call}.{event.attempt} of {said(event.model)}"
        case Replied():
            if event.text:
                yield f"  it says: {said(event.text, 2000)}"
            for call in event.calls:
                arguments = _shown_arguments(rules, call.name, call.arguments)
                yield f"  it wants {said(call.name)} {said(arguments)} ({call.id})"
        case CallFailed():
            yield f"  that fails: {said(event.why)}"
        case Late():
            yield f"  call {event.call}.{event.attempt} was paid after all: {_spent(event.spent)}"
        case Approved():
            yield f"  {event.id} is allowed by {said(event.by) or 'somebody'}"
        case Begun():
            yield f"  {event.id} is run"
        case Returned():
            yield f"  {event.id} {'says no' if event.error else 'returns'}: {said(event.content)}"
        case Refuted():
            yield f"  the answer doesn't fit: {said('; '.join(event.problems))}"
        case Compacted():
            yield f"  in short: {said(event.summary, 2000)}"
        case Ended():
            why = f": {said(event.why)}" if event.why else ""
            yield f"{said(event.request)} is {event.how}{why} ({_spent(event.spent)})"
        case _:
            assert_never(event)


def _spent(spent: Spent) -> str:
    money = f", {spent.money / 1_000_000:.6f}" if spent.money else ""
    return f"{spent.calls} calls, {spent.tools} tools, {spent.tokens} tokens{money}"


def _wanted(rules: Rules, want: Wanted) -> str:
    match want:
        case CallModel():
            return f'call {want.call} of {said(want.model)}: say {{"call": {want.call}, "text": ...}}'
        case RunTool() | AskApproval():
            arguments = _shown_arguments(rules, want.name, want.arguments)
            call = f'{{"tool": "{said(want.name)}", "arguments": {said(arguments)}, "returns": ...}}'
            return f"{said(want.name)}, or that somebody allows it: say {call}"
        case _:
            assert_never(want)
