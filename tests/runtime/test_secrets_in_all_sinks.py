"""Secrets wherever a program may have them, and all that is told of it: none is found in any of that."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import trio
import trio.testing
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

from jido_trio.core import (
    Action,
    Agent,
    Context,
    Direct,
    EmitErrors,
    Instruction,
    MaxErrors,
    Result,
    RunInstruction,
    Secret,
    Signal,
    SpawnAgent,
    Stop,
    ToAgent,
)
from jido_trio.core import Emit as EmitTo
from jido_trio.errors import ActionError, InvalidDefinition, JidoError, StartFailed
from jido_trio.runtime import AgentCrash, DeadDirective, DeadLetter, Jido, MailboxRules, Runtime, interpret
from jido_trio.supervision import CrashReport, Report

CANARY = "canary-that-nobody-sees"


@frozen
class Key:
    """A value of a class that no field declares."""

    token: Secret[str]
    open: str = "for everybody"


@frozen
class Safe:
    """Holds anything."""

    content: Any = None
    password: Secret[str] = CANARY
    log: list[str] = field(factory=list)


@frozen
class OpenSafe:
    """Declares no secret at all."""

    content: Any = None


class Oops(Exception):
    """Says all that it is given, by itself, in a note, and by what it was caused by."""


def oops(*all_of_it: object) -> Oops:
    error = Oops(" ".join(f"{each} {each!r}" for each in all_of_it), *all_of_it)
    error.add_note(f"{all_of_it!r}")
    error.__cause__ = ExceptionGroup(f"{all_of_it}", [ValueError(*all_of_it), KeyError(str(all_of_it))])
    return error


def texts_of(value: object) -> list[object]:
    """Return what a careless program would tell of a value."""
    token = getattr(value, "token", value)
    return [value, token, {"token": token}]


class Act(Action):
    """Does what it is told with what it is given."""

    how: str
    value: Any = None
    password: Secret[str] = "none"

    def run(self, context: Context[Any]) -> Result:
        told = [*texts_of(self.value), self.password, *texts_of(context.state.content)]
        match self.how:
            case "crash":
                raise oops(*told)
            case "refuse":
                raise ActionError(str(oops(*told)), details={"all": [str(each) for each in told]})
            case "stop":
                return Stop(str(told))
            case "directive":
                return [Tell(told), EmitTo("never", {"password": self.password})]
            case "work":
                return [RunInstruction(Instruction(Work(value=self.value, password=self.password)))]
            case "child":
                return [SpawnAgent(Unborn, tag="child", state={"content": self.value})]
            case "wrong child":
                return [SpawnAgent(Unborn, tag="child", state={"password": [self.password]})]
            case "unheard":
                return [EmitTo("act", {"how": "x", "password": self.password}, dispatch=ToAgent("nobody"))]
            case _:
                return {"content": self.value}


class Work(Action):
    value: Any
    password: Secret[str]

    async def run(self, context: Context[Any]) -> Result:
        await trio.sleep(0.1)
        raise oops(*texts_of(self.value), self.password)


@frozen
class Tell:
    """A directive with whatever there is."""

    told: Any


@interpret.register
def _(directive: Tell, runtime: Runtime) -> None:
    raise oops(*directive.told, runtime.signal, runtime.agent.state)


class Unready(Direct):
    """A strategy that says what it can't begin with."""

    def init(self, agent: Any) -> Any:
        raise oops(*texts_of(agent.state.content), agent.state.password)


class Unborn(Agent[Safe], strategy=Unready()):
    """Can't begin."""


class Hear(Action):
    """Writes down what it hears, where everybody can see it."""

    def run(self, context: Context[Any]) -> Result:
        assert context.signal is not None
        HEARD.append(str(context.signal.data))
        return None


HEARD: list[str] = []
NEWS = {"jido.agent.error": Hear(), "jido.agent.child.**": Hear()}


class Logs(Agent[Safe], routes={"act": Act}): ...


class Emits(Agent[Safe], routes={"act": Act, **NEWS}, error_policy=EmitErrors()): ...


class Stops(Agent[Safe], routes={"act": Act}, error_policy=MaxErrors(1)): ...


class Crashes(Agent[OpenSafe], routes={"act": Act}, error_policy="crash", after_crash="committed"): ...


def judged(error: Any, agent: Any) -> Any:
    return [error.error.message, agent.state]


class Judged(Agent[OpenSafe], routes={"act": Act}, error_policy=judged):
    """Its policy answers nonsense, and says it all."""


def coalesced(signal: Signal) -> str:
    raise oops(signal, signal.data)


class Sinks(logging.Handler):
    """All that is told, as text."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))

    def report(self, report: Report) -> None:
        self.texts += [str(report), repr(report)]
        if isinstance(report, CrashReport) and report.failure is not None:
            self.texts += [report.failure.render(), repr(report.failure), str(report.detail), repr(report.detail)]
            if isinstance(report.detail, AgentCrash):
                try:
                    self.texts.append(report.detail.to_pytest())
                except (InvalidDefinition, JidoError) as refused:
                    self.texts.append(str(refused))

    def letter(self, letter: DeadLetter) -> None:
        self.texts += [str(letter), repr(letter)]
        raise oops(letter, letter.signal.data)

    def directive(self, dead: DeadDirective) -> None:
        self.texts += [str(dead), repr(dead)]
        raise oops(dead, dead.directive)

    @property
    def leaks(self) -> list[str]:
        return [text[max(0, text.index(CANARY) - 200) :][:300] for text in [*self.texts, *HEARD] if CANARY in text]


HOLDERS: dict[str, Callable[[str], Any]] = {
    "nothing": lambda _: None,
    "a field": Key,
    "in a list": lambda secret: [Key(secret)],
    "in a mapping": lambda secret: {"key": {"of": Key(secret)}},
    "in a tuple": lambda secret: (1, (Key(secret),)),
}
HOWS = ("crash", "refuse", "stop", "directive", "work", "child", "wrong child", "unheard", "keep", "unknown")


async def play(sinks: Sinks, kind: type[Agent[Any]], hows: list[str], holder: str, rules: bool) -> None:
    async with Jido(
        on_report=sinks.report, on_dead_letter=sinks.letter, on_dead_directive=sinks.directive, debug="verbose"
    ) as jido:
        mailbox = MailboxRules(coalesce=coalesced, redeliver=1) if rules else None
        ref = await jido.start_agent(kind, id="safe", state={"content": HOLDERS[holder](CANARY)}, mailbox=mailbox)
        for how in hows:
            data = {"how": how, "value": HOLDERS[holder](CANARY), "password": CANARY}
            signal = Signal("act" if how != "unknown" else "unknown", data)
            try:
                await ref.call(signal)
            except ActionError:
                pass  # what an action says to its caller is its own affair
            except JidoError as error:
                sinks.texts += [str(error), repr(error)]
            with trio.move_on_after(1):
                try:
                    await ref.cast(signal)
                except JidoError as error:
                    sinks.texts += [str(error), repr(error)]
            await trio.sleep(0.5)
            sinks.texts += list(seen(jido))
        try:
            await jido.start_agent(Unborn(id="unborn", state=Safe(content=HOLDERS[holder](CANARY))))
        except StartFailed as failed:
            sinks.texts += [str(failed), repr(failed)]


def seen(jido: Jido) -> Iterator[str]:
    """Give what is seen of an instance."""
    for ref in jido.list_agents():
        yield repr(ref.inspect())
        yield json.dumps(jido._seen(ref.id, 10), default=str)
    yield json.dumps(jido._seen(None, 100), default=str)
    yield repr(jido.inspect())
    yield str(jido.tree())
    yield from (repr(event) for event in jido.recent(500))
    yield repr(jido.dead_letters())


@given(
    st.sampled_from((Logs, Emits, Stops, Crashes, Judged)),
    st.lists(st.sampled_from(HOWS), min_size=1, max_size=4),
    st.sampled_from(sorted(HOLDERS)),
    st.booleans(),
)
def test_no_secret_is_in_anything_that_is_told(kind, hows, holder, rules):
    sinks = Sinks()
    logger = logging.getLogger("jido_trio")
    logger.addHandler(sinks)
    HEARD.clear()
    try:
        trio.run(play, sinks, kind, hows, holder, rules, clock=trio.testing.MockClock(autojump_threshold=0))
    finally:
        logger.removeHandler(sinks)

    assert sinks.leaks == []
    assert "safe" in "".join(sinks.texts)
