"""What takes the whole process down at each start is counted, and set aside."""

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trio
from attrs import frozen

from jido_trio import (
    Action,
    Agent,
    Context,
    Cron,
    Instruction,
    InvalidDefinition,
    Jido,
    Result,
    RunInstruction,
    Schedule,
    Signal,
)
from jido_trio.core import Durable, Outcome
from jido_trio.runtime import Runtime, interpret
from jido_trio.storage import DeleteRange, MemoryStorage, within
from jido_trio.world import seeded


class Death(BaseException):
    """The end of a process."""


@frozen
class Seen:
    words: tuple[str, ...] = ()


class Hear(Action):
    word: str

    def run(self, context: Context[Seen]) -> Result:
        if self.word == "poison":
            raise Death
        return {"words": (*context.state.words, self.word)}


@frozen
class Explode:
    """An effect that takes the process down, as often as it is done."""


BEGUN: list[str] = []


@interpret.register
async def _(directive: Explode, runtime: Runtime) -> None:
    await trio.lowlevel.checkpoint()
    BEGUN.append(runtime.key)
    raise Death


class Light(Action):
    def run(self, context: Context[Seen]) -> Result:
        return Explode()


SPARED = 0
"""The begin of an action with effects that the process outlives; 0 for none."""


class Fetch(Action, idempotent=True):
    async def run(self, context: Context[Seen]) -> Result:
        BEGUN.append(context.key)
        if len(BEGUN) == SPARED:
            return {}
        raise Death


class Told(Action):
    outcome: Outcome

    def run(self, context: Context[Seen]) -> Result:
        told = "fetched" if self.outcome.error is None else type(self.outcome.error).__name__
        return {"words": (*context.state.words, told)}


class Ask(Action):
    def run(self, context: Context[Seen]) -> Result:
        return RunInstruction(Instruction(Fetch), result_action=Told)


ROUTES = {"hear": Hear, "light": Light, "ask": Ask}


class Listener(Agent[Seen], routes=ROUTES, durable=Durable(effects="at_least_once")):
    """Hears words."""


class Stubborn(Agent[Seen], routes=ROUTES, durable=Durable(tries=None)):
    """Never gives one up."""


def hear(word: str) -> Signal:
    return Signal("hear", {"word": word})


TODAY = datetime(2026, 1, 1, tzinfo=UTC)


async def lives(
    storage: Any, *sent: Signal, kind: type[Agent[Seen]] = Listener, today: datetime = TODAY
) -> tuple[Seen, list[str]] | None:
    """Start, send, and wait; return the state and what became dead letters, or None if the process died."""
    found: tuple[Seen, list[str]] | None = None
    try:
        world = seeded(1, today)
        async with Jido("shop", storage=storage, on_dead_letter=lambda _: None, world=world) as jido:
            listener = await jido.start_agent(kind, id="l")
            for each in sent:
                await listener.cast(each)
            await trio.sleep(5)
            found = listener.agent.state, [letter.reason for letter in jido.dead_letters()]
    except* Death:
        found = None
    return found


async def test_a_signal_at_which_the_process_dies_each_time_is_set_aside_and_the_others_are_handled(autojump_clock):
    storage = MemoryStorage()
    words = [hear(word) for word in ("a", "b", "poison", "c")]
    assert await lives(storage, Signal("later-explode"), *words, kind=Later) is None
    deaths = 0
    while (found := await lives(storage, kind=Later)) is None:
        deaths += 1
    assert deaths == 4  # one start like any other, then three tries
    state, letters = found
    assert state.words == ("a", "b", "c")
    assert letters == ["the process died each time it was handled, 3 times"]


async def test_after_that_nothing_is_noted_and_nothing_comes_again(autojump_clock):
    storage = MemoryStorage()
    await lives(storage, hear("poison"))
    while await lives(storage) is None:
        pass
    state, letters = await lives(storage, hear("d")) or (None, None)
    assert (state, letters) == (Seen(("d",)), [])
    left = {record.key for record in await storage.scan(*within("shop/agent/l/now/"))}
    assert left == {"shop/agent/l/now/agent", "shop/agent/l/now/owner"}


async def test_a_signal_for_later_that_is_due_is_counted_too(autojump_clock):
    storage = MemoryStorage()
    assert await lives(storage, Signal("later"), kind=Later) is not None
    deaths = 0
    while (found := await lives(storage, kind=Later, today=TODAY + timedelta(days=1))) is None:
        deaths += 1
    assert deaths == 4
    assert len(found[1]) == 1


class Delay(Action):
    def run(self, context: Context[Seen]) -> Result:
        return Schedule(3600, hear("poison"))


@frozen
class ExplodeLater:
    """Takes the process down after a second, in which others are accepted."""


@interpret.register
async def _(directive: ExplodeLater, runtime: Runtime) -> None:
    await trio.sleep(1)
    raise Death


class Wait(Action):
    def run(self, context: Context[Seen]) -> Result:
        return ExplodeLater()


class Later(Agent[Seen], routes={**ROUTES, "later": Delay, "later-explode": Wait}, durable=True):
    """Hears a word later."""


@pytest.mark.parametrize("type", ["light", "ask"])
async def test_an_effect_at_which_the_process_dies_each_time_is_left(type, autojump_clock):
    BEGUN.clear()
    storage = MemoryStorage()
    assert await lives(storage, Signal(type)) is None
    while await lives(storage) is None:
        assert len(BEGUN) < 10
    assert len(BEGUN) == 5  # at first, at a start like any other, and three tries
    assert len(set(BEGUN)) == 1


@pytest.mark.parametrize(("spared", "told"), [(0, "Interrupted"), (2, "fetched"), (5, "fetched")])
async def test_what_becomes_of_an_action_that_was_tried_often_is_told(spared, told, autojump_clock, monkeypatch):
    BEGUN.clear()
    monkeypatch.setattr(sys.modules[__name__], "SPARED", spared)
    storage = MemoryStorage()
    await lives(storage, Signal("ask"))
    while (found := await lives(storage)) is None:
        pass
    assert found == (Seen((told,)), [])


class Dies(Told):
    def run(self, context: Context[Seen]) -> Result:
        raise Death


class AskInVain(Action):
    def run(self, context: Context[Seen]) -> Result:
        return RunInstruction(Instruction(Fetch), result_action=Dies)


class Vain(Agent[Seen], routes={"ask": AskInVain}, durable=True): ...


async def test_an_outcome_at_which_the_process_dies_each_time_is_set_aside(autojump_clock, monkeypatch):
    BEGUN.clear()
    monkeypatch.setattr(sys.modules[__name__], "SPARED", 1)
    storage = MemoryStorage()
    assert await lives(storage, Signal("ask"), kind=Vain) is None
    for _ in range(12):
        if (found := await lives(storage, kind=Vain)) is not None:
            break
    assert found == (Seen(), ["the process died each time it was handled, 3 times"])


async def test_without_a_limit_it_is_tried_for_ever(autojump_clock):
    storage = MemoryStorage()
    assert await lives(storage, hear("poison"), kind=Stubborn) is None
    for _ in range(10):
        assert await lives(storage, kind=Stubborn) is None


async def test_a_start_that_finds_nothing_left_open_notes_nothing(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        other = await jido.start_agent(Listener, id="l")
        await other.call(hear("a"))
    storage = CountingStorage(storage)
    await lives(storage, hear("b"))
    assert [key for key in storage.keys if "tried" in key] == []


class Tick(Action):
    """Hears of a time, and asks for the next one under the same key."""

    def run(self, context: Context[Seen]) -> Result:
        return {"words": (*context.state.words, "tick")}, Schedule(3600, Signal("again"), key="tick")


HOURLY = Cron("0 * * * *", Signal("hear", {"word": "hour"}), key="hourly", missed="one")


class Punctual(Agent[Seen], routes={**ROUTES, "again": Tick}, durable=True, schedules=[HOURLY]):
    """Has something to do at each start."""


async def test_what_comes_again_and_again_under_one_key_is_another_each_time(autojump_clock):
    storage = MemoryStorage()
    assert await lives(storage, Signal("again"), kind=Punctual) is not None
    for start in range(1, 8):
        found = await lives(storage, kind=Punctual, today=TODAY + timedelta(days=start))
        assert found is not None
        assert (found[0].words.count("hour"), found[0].words.count("tick")) == (start, 1 + start)
        assert found[1] == []
        left = [record.key for record in await storage.scan(*within("shop/agent/l/now/"))]
        assert "shop/agent/l/now/tried" not in left


DEADLY = Cron("0 * * * *", hear("poison"), key="hourly", missed="one")


class Deadly(Agent[Seen], routes=ROUTES, durable=True, schedules=[DEADLY]):
    """Dies at each full hour."""


async def test_a_time_at_which_the_process_dies_is_set_aside_and_the_next_one_comes(autojump_clock):
    storage = MemoryStorage()
    assert await lives(storage, kind=Deadly) is not None
    deaths = 0
    while (found := await lives(storage, kind=Deadly, today=TODAY + timedelta(days=1))) is None:
        deaths += 1
    assert (deaths, len(found[1])) == (4, 1)
    assert await lives(storage, kind=Deadly, today=TODAY + timedelta(days=2)) is None


class Grind(Action, idempotent=True):
    """Takes longer than a program runs."""

    async def run(self, context: Context[Seen]) -> Result:
        BEGUN.append(context.key)
        await trio.sleep(3600)
        return None


@frozen
class Grinding:
    """The same as a directive."""


@interpret.register
async def _(directive: Grinding, runtime: Runtime) -> None:
    BEGUN.append(runtime.key)
    await trio.sleep(3600)


class BeginToGrind(Action):
    def run(self, context: Context[Seen]) -> Result:
        return Grinding()


MILL_ROUTES = {"action": Grind, "directive": BeginToGrind}


class Mill(Agent[Seen], routes=MILL_ROUTES, durable=Durable(effects="at_least_once")):
    """Is never done."""


@pytest.mark.parametrize("type", ["action", "directive"])
async def test_a_program_that_ends_in_order_has_not_died_of_what_it_leaves_open(type, autojump_clock):
    BEGUN.clear()
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        mill = await jido.start_agent(Mill, id="m")
        await mill.cast(Signal(type))
        await trio.sleep(5)
    for _ in range(7):
        async with Jido("shop", storage=storage, on_report=lambda _: None) as jido:
            await jido.start_agent(Mill, id="m")
            await trio.sleep(5)
            assert jido.dead_letters() == ()
    assert len(BEGUN) == 8


class CountingStorage(MemoryStorage):
    """Notes the keys that are written."""

    def __init__(self, other: MemoryStorage) -> None:
        super().__init__(other._records, other._keys)
        self.keys: list[str] = []

    async def commit(self, ops) -> None:
        self.keys += [op.key for op in ops if not isinstance(op, DeleteRange)]
        await super().commit(ops)


def test_how_often_it_is_tried_must_be_a_number():
    with pytest.raises(InvalidDefinition, match="tries"):
        Durable(tries=0)


PROGRAM = """
import os, signal, sys
import trio
from jido_trio import Action, Agent, Context, Jido, Result, Signal
from jido_trio.storage import open_sqlite
from attrs import frozen

@frozen
class Seen:
    words: tuple[str, ...] = ()

class Hear(Action):
    word: str
    def run(self, context: Context[Seen]) -> Result:
        if self.word == "poison":
            os.kill(os.getpid(), signal.SIGKILL)
        return {"words": (*context.state.words, self.word)}

class Listener(Agent[Seen], routes={"hear": Hear}, durable=True): ...

async def main():
    async with Jido("shop", storage=open_sqlite("shop.db")) as jido:
        listener = await jido.start_agent(Listener, id="l")
        for word in sys.argv[1:]:
            listener.cast_nowait(Signal("hear", {"word": word})) if word == "last" else await listener.cast(
                Signal("hear", {"word": word})
            )
        await trio.sleep(0.3)
        print(*listener.agent.state.words, len(jido.dead_letters()))

trio.run(main)
"""


def test_a_program_that_dies_at_a_signal_at_each_start_starts_in_the_end(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "program.py", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)

    ended = [run("one", "poison")]
    while ended[-1].returncode == -signal.SIGKILL and len(ended) < 10:
        ended.append(run())
    assert [each.returncode for each in ended] == [-signal.SIGKILL] * 5 + [0]
    assert ended[-1].stdout == "one 1\n"
    assert "the process died each time it was handled, 3 times" in ended[-1].stderr
