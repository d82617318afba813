"""`jido-trio chat`: speak with an agent. Its words come as they are said, tools are shown, Control-C cancels."""

import argparse
import io
import json
import signal
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import trio
from attrs import define, evolve, field, frozen

from jido_trio.ai import (
    Answered,
    AskApproval,
    ChatAgent,
    NeedsApproval,
    Part,
    Request,
    Rules,
    TextPart,
    ToolPart,
    ToolResultPart,
    WithdrawnPart,
    ask,
    find_request,
)
from jido_trio.ai.inner import chat_of, concealed_call, services_of
from jido_trio.cli._output import Unwritten
from jido_trio.cli._target import class_at
from jido_trio.data import unstructure
from jido_trio.errors import InvalidDefinition, JidoError
from jido_trio.redact import shown
from jido_trio.runtime import AgentRef, Jido
from jido_trio.storage import open_memory, open_sqlite

CODES = "exit code: 0 the input is at its end; 2 wrong usage, or there is no such agent; 130 ended by Ctrl-C"
USAGE, INTERRUPTED = 2, 130


def add_chat(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.epilog = CODES
    parser.add_argument("target", metavar="TARGET", help="module:Agent, a ChatAgent")
    parser.add_argument("--log", metavar="FILE", help="keep the conversation there, and go on the next time")
    parser.add_argument("--json", action="store_true", help="write each part, and what it came to, as a line of JSON")
    parser.add_argument("--id", default="chat", metavar="ID", help="the agent's id (default: chat)")
    parser.set_defaults(run=_chat)


def _chat(options: argparse.Namespace) -> int:
    code = USAGE
    try:
        cls = _agent(options.target)
        if options.log is not None and cls.durable is None:
            raise InvalidDefinition(f"agent {cls.name!r} isn't kept, so --log has nothing to write: say durable=True")
        code = trio.run(_speak, cls, options)
    except* JidoError as group:
        for error in _each(group):
            print(f"jido-trio: {error}", file=sys.stderr)
    return code


def _each(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _each(part)
    else:
        yield error


def _agent(target: str) -> type[ChatAgent[Any]]:
    found = class_at(target, ChatAgent, "speaks with no models: say module:Agent, a ChatAgent")
    if found.models is None:
        raise InvalidDefinition(f"agent {found.name!r} has no models: give its class models=Models(...)")
    return found


async def _speak(cls: type[ChatAgent[Any]], options: argparse.Namespace) -> int:
    storage = open_sqlite(options.log) if options.log is not None else open_memory()
    services: Any = [cls.models, *services_of(cls.rules.tools)]
    async with Jido("chat", storage=storage, services=services) as jido:
        agent: AgentRef[Any] = await jido.start_agent(cls, id=options.id)
        async with trio.open_nursery() as nursery:
            lines = _Lines(nursery)
            talk = _Talk(agent, (_Json if options.json else _Terminal)(lines, cls.rules))
            code = await talk.run()
            nursery.cancel_scope.cancel()
    return code


class _Talk:
    """A talk at a terminal: one request at a time."""

    def __init__(self, agent: AgentRef[Any], face: "_Terminal | _Json") -> None:
        self._agent = agent
        self._face = face
        self._request: Request | None = None
        self._asking = trio.CancelScope()
        """Of the question whether a tool may be run."""
        self._interrupted = False

    async def run(self) -> int:
        """Talk until the input is at its end, or Control-C comes while nothing is asked."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self._watch, nursery.cancel_scope)
            begun = chat_of(self._agent.agent)[1].request
            request = find_request(self._agent, begun) if begun is not None else None  # of a program that died
            while request is None or await self._follow(request):
                line = await self._face.line("> ")
                if line is None:
                    break
                request = await ask(self._agent, line.strip()) if line.strip() else None
            nursery.cancel_scope.cancel()
        return INTERRUPTED if self._interrupted else 0

    async def _watch(
        self, scope: trio.CancelScope, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        with trio.open_signal_receiver(signal.SIGINT) as signals:
            task_status.started()
            async for _ in signals:
                if self._request is None:
                    self._interrupted = True
                    scope.cancel()
                else:
                    await self._request.cancel()
                    self._asking.cancel("Control-C")

    async def _follow(self, request: Request) -> bool:
        """Show what becomes of a request. Return whether it is over: it isn't if nobody says whether a tool may run."""
        self._request = request
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._show, request)
            while isinstance(outcome := await request.answer(), NeedsApproval):
                if not await self._decide(request, outcome.calls[0]):
                    nursery.cancel_scope.cancel("the input is at its end")
                    break
        self._request = None
        self._face.end(request, outcome)
        return not isinstance(outcome, NeedsApproval)

    async def _show(self, request: Request) -> None:
        async for part in request.parts():
            self._face.part(part)

    async def _decide(self, request: Request, call: AskApproval) -> bool:
        """Have a call allowed or denied. Return False where the input is at its end: that is neither."""
        word: str | None = ""
        with trio.CancelScope() as self._asking:
            word = await self._face.approval(call)
        if self._asking.cancelled_caught:  # with the request
            return True
        if word is None:
            return False
        if word.strip().lower() in ("y", "yes"):
            await request.approve(call, by="terminal")
        else:
            await request.deny(call, "said at the terminal")
        return True


@define(eq=False)
class _Lines:
    """The lines of the input. One that was asked for by somebody who has gone is for who asks next."""

    _nursery: trio.Nursery
    _is_asked: bool = False
    _ends: Any = field(factory=lambda: trio.open_memory_channel[str](1))

    def __attrs_post_init__(self) -> None:
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="surrogateescape")

    async def next(self) -> str | None:
        """Return the next line, None at the end. What is no UTF-8 in it, whatever the locale, is replaced."""
        sends, receives = self._ends
        if not self._is_asked:
            self._is_asked = True
            self._nursery.start_soon(self._read, sends)
        line: str = await receives.receive()
        self._is_asked = False
        return line.encode(errors="surrogateescape").decode(errors="replace") or None

    async def _read(self, sends: trio.MemorySendChannel[str]) -> None:
        if sys.stdin is None:  # it is closed
            sends.send_nowait("")
            return
        sends.send_nowait(await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True))


@frozen
class _Terminal:
    """Writes for a person."""

    _lines: _Lines
    _rules: Rules

    async def line(self, prompt: str) -> str | None:
        _write(prompt)
        return await self._lines.next()

    async def approval(self, call: AskApproval) -> str | None:
        arguments = _concealed(self._rules, call).arguments
        whole = shown(arguments, _LONGEST_ESCAPE * len(arguments) + 2)  # nobody can allow what is not to be seen
        return await self.line(f"\nrun {shown(call.name)} {whole}? [y/N] ")

    def part(self, part: Part) -> None:
        _write(_text(part))

    def end(self, _request: Request, outcome: object) -> None:
        _write("\n" if isinstance(outcome, Answered) else f"\n[{_ending(outcome)}]\n")


@frozen
class _Json:
    """Writes for a program: lines of JSON. It answers a call that is to be allowed by a line, "y" or another."""

    _lines: _Lines
    _rules: Rules

    async def line(self, _prompt: str) -> str | None:
        return await self._lines.next()

    async def approval(self, call: AskApproval) -> str | None:
        self._say("approval", _concealed(self._rules, call))
        return await self._lines.next()

    def part(self, part: Part) -> None:
        self._say(_KINDS[type(part)], part)

    def end(self, request: Request, outcome: object) -> None:
        if isinstance(outcome, NeedsApproval):
            outcome = NeedsApproval([_concealed(self._rules, call) for call in outcome.calls])
        self._say("end", outcome, request=request.id, outcome=type(outcome).__name__)

    def _say(self, kind: str, value: object, **more: object) -> None:
        plain: Any = unstructure(value)
        _write(json.dumps({"kind": kind, **more, **plain}) + "\n")


def _concealed(rules: Rules, call: AskApproval) -> AskApproval:
    """Return a call as it may be shown: without its secret arguments."""
    return evolve(call, arguments=concealed_call(rules.tools, call.name, call.arguments))


_LONGEST_ESCAPE = len("\\U0001f600")

_KINDS: Mapping[type[Part], str] = {
    TextPart: "text",
    ToolPart: "tool",
    ToolResultPart: "result",
    WithdrawnPart: "withdrawn",
}


def _ending(outcome: object) -> str:
    why = getattr(outcome, "why", "") or getattr(outcome, "limit", "")
    return f"{type(outcome).__name__}: {shown(why)}" if why else type(outcome).__name__


def _text(part: Part) -> str:
    match part:
        case TextPart(text):
            return text
        case ToolPart(_, name, arguments):
            return f"\n[{shown(name)} {shown(arguments)}]\n"
        case ToolResultPart(_, content, error):
            return f"[{'failed' if error else 'returned'} {shown(content)}]\n"
        case _:
            return "\n[withdrawn: that is no answer]\n"


_HARMLESS = frozenset("\n\t\u00a0\u202f\u2009\u3000\u200c\u200d")
"""What is no printable character to Python and steers nothing: spaces that French has, joiners in emoji and Persian."""


def _write(text: str) -> None:
    """Print text of a stranger, without what would steer a terminal."""
    plain = "".join(char if char.isprintable() or char in _HARMLESS else "?" for char in text)
    try:
        sys.stdout.write(plain)
        sys.stdout.flush()
    except OSError as error:
        raise Unwritten from error
