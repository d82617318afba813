"""Directives that can't be carried out: each is told of, and is no crash of who returned it."""

import re
from typing import Any

import pytest
import trio
from attrs import field, frozen

from jido_trio import core
from jido_trio.core import (
    Action,
    AdoptChild,
    Agent,
    CancelRun,
    CancelSchedule,
    Context,
    Cron,
    CronCancel,
    Directive,
    Durable,
    Emit,
    Error,
    Instruction,
    Result,
    RunInstruction,
    Schedule,
    Sensing,
    Sensor,
    Signal,
    Spawn,
    SpawnAgent,
    StartSensor,
    Stop,
    StopChild,
    StopSensor,
    ToAgent,
    ToParent,
)
from jido_trio.core.inner import StartChildren
from jido_trio.errors import ActionError, Transient
from jido_trio.runtime import DeadLetter, Jido, Runtime, interpret
from jido_trio.storage import open_memory


@frozen
class Book:
    errors: list[str] = field(factory=list)
    heard: list[str] = field(factory=list)


class Do(Action):
    which: str

    def run(self, context: Context[Book]) -> Result:
        return [*WHICH[self.which][0], Emit("went.on")]


class Enter(Action):
    """Notes an error that the error policy sends."""

    agent_id: str
    context: str
    error: dict[str, Any]

    def run(self, context: Context[Book]) -> Result:
        return {"errors": [*context.state.errors, f"{self.context}: {self.error['message']}"]}


class Hear(Action):
    def run(self, context: Context[Book]) -> Result:
        assert context.signal is not None
        return {"heard": [*context.state.heard, context.signal.type]}


class Fail(Action):
    async def run(self, context: Context[Book]) -> Result:
        raise Transient("the line is busy")


class FailNow(Action):
    def run(self, context: Context[Book]) -> Result:
        raise ActionError("it is closed")


class Unmade(Agent[Book]):
    """A class with a bug, so that none of its agents can be made."""

    @classmethod
    def new(cls, id: object = None, state: object = None) -> Any:
        raise ZeroDivisionError("a bug of a class")


@frozen
class Refuse:
    """A directive of somebody's that says no."""


@interpret.register
def _(directive: Refuse, runtime: Runtime) -> None:
    raise ActionError("not today")


@frozen
class RefuseLater:
    """Another that says no, after a while."""


@interpret.register
async def _(directive: RefuseLater, runtime: Runtime) -> None:
    await trio.sleep(1)
    raise ActionError("not tomorrow")


ROUTES: dict[str, type[Action] | Action] = {"do": Do, "jido.agent.error": Enter, "went.on": Hear()}


class Sender(Agent[Book], error_policy="emit", routes=ROUTES): ...


class DurableSender(Sender, durable=Durable()): ...


def no_task() -> None:
    """Return at once, as nothing that is supervised does."""


class Blind(Sensor):
    """Sees nothing, for ever."""

    async def run(self, sensing: Sensing) -> None:
        await trio.sleep_forever()


TAKEN = SpawnAgent(Sender, "kid", id="kid")
SAY = Emit("said", dispatch=ToAgent("nobody"))

WHICH: dict[str, tuple[list[Any], str]] = {
    "emit to nobody": ([SAY], "letter: no agent has that id"),
    "emit to several": ([Emit("went.on", dispatch=[ToAgent("nobody"), None])], "letter: no agent has that id"),
    "emit to no parent": ([Emit("said", dispatch=ToParent())], ""),
    "emit to a full mailbox": ([Emit("said", dispatch=ToAgent("full"))], "letter: its mailbox is full"),
    "an error": ([Error(ActionError("it is late"), "own")], "own: it is late"),
    "a tag in use": ([TAKEN, SpawnAgent(Sender, "kid", id="other")], "spawn: .* has a child with tag 'kid' already"),
    "an id in use": ([TAKEN, SpawnAgent(Sender, "two", id="kid")], "spawn: .* can't have the child 'two'"),
    "a state that doesn't fit": ([SpawnAgent(Sender, "kid", state={"errrs": []})], "spawn: .* did you mean 'errors'"),
    "a class with a bug": ([SpawnAgent(Unmade, "kid")], "spawn: .* a bug of a class"),
    "an option that is wrong": ([SpawnAgent(Sender, "kid", mailbox_size=0)], "spawn: .* mailbox_size"),
    "no async function": ([Spawn(no_task)], "spawn: .* can't have the child 'no_task'"),
    "a tag of a worker in use": ([TAKEN, Spawn(trio.sleep_forever, "kid")], "spawn: .* tag 'kid' already"),
    "a child that isn't there": ([AdoptChild("nobody", "kid")], "adopt: .* no agent has the id 'nobody'"),
    "itself": ([AdoptChild("me", "kid")], "adopt: .* is itself"),
    "a child that has a parent": ([TAKEN, AdoptChild("kid", "two")], "adopt: .* has a parent"),
    "a tag that nobody has": ([StopChild("kid")], ""),
    "a key that nobody has": ([CancelSchedule("key")], ""),
    "a run that nobody has": ([CancelRun("run")], ""),
    "a sensor that nobody has": ([StopSensor("eye")], ""),
    "a tag of a sensor in use": (
        [StartSensor("eye", Blind()), StartSensor("eye", Blind(), replace=False)],
        ".*has a sensor with tag 'eye' already",
    ),
    "a plugin's child of a class with a bug": (
        [StartChildren((SpawnAgent(Unmade, "kid"),))],
        "spawn: .* a bug of a class",
    ),
    "a job that nobody has": ([CronCancel("key")], ""),
    "a job that comes in years": ([Cron("0 0 29 2 *", Signal("unheard"))], ""),
    "a schedule that nobody hears": ([Schedule(1, Signal("unheard"))], "letter: no route matches"),
    "an action that says no": ([RunInstruction(Instruction(Fail()))], "instruction: the line is busy"),
    "a pure action that says no": ([RunInstruction(Instruction(FailNow()))], "instruction: it is closed"),
    "an action that isn't given what it needs": ([RunInstruction(Instruction(Enter))], "instruction: parameters of"),
    "one of somebody's": ([Refuse()], "directive: not today"),
    "one of somebody's that waits": ([RefuseLater()], "directive: not tomorrow"),
}


@pytest.mark.parametrize("sender", [Sender, DurableSender], ids=["plain", "durable"])
@pytest.mark.parametrize("which", WHICH)
async def test_what_fails_is_told_of_and_the_sender_goes_on(which, sender, autojump_clock):
    letters: list[DeadLetter] = []
    reports: list[Any] = []
    async with Jido("shop", storage=open_memory(), on_report=reports.append, on_dead_letter=letters.append) as jido:
        full = await jido.start_agent(Sender, id="full", mailbox_size=1)
        await full.call(Signal("do", {"which": "one of somebody's that waits"}))
        full.cast_nowait(Signal("went.on"))
        ref = await jido.start_agent(sender, id="me")
        await ref.call(Signal("do", {"which": which}))
        await trio.sleep(5)
        told = [*ref.agent.state.errors, *(f"letter: {letter.reason}" for letter in letters)]

    assert (ref.incarnation, ref.agent.state.heard[-1], reports) == (1, "went.on", [])
    expected = WHICH[which][1]
    assert len(told) == bool(expected)
    assert all(re.match(expected, each) for each in told)


def test_each_directive_that_is_carried_out_is_among_them():
    ours = {each for each in vars(core).values() if isinstance(each, type) and issubclass(each, Directive)}
    carried_out = {each for each in ours if each in interpret.registry} - {Stop}  # it can't fail
    assert {type(each) for directives, _ in WHICH.values() for each in directives} >= carried_out
