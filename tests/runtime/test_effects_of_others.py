"""New effects: one that is added from outside, by a module of its own and no change of ours."""

from collections.abc import Sequence
from typing import Any

import pytest
import trio
from attrs import define, field, frozen

from jido_trio.core import Emit, SpawnAgent, ToAgent
from jido_trio.errors import AgentCrashed
from jido_trio.runtime import Jido, Runtime, interpret
from tests.runtime.agents import BOOM, Notebook, do, note, settle

# ---- what could be a module of a user's: a board that all agents of an instance share, with words of each agent


@frozen
class Pin:
    """A directive: put a word on the board, until the agent ends."""

    word: str


@frozen
class PinSlowly:
    """The same, after some seconds."""

    word: str
    seconds: float


@frozen
class Watch:
    """A directive: tell the agent of each word that is pinned from now on, as long as this life lasts."""


@define(eq=False)
class Board:
    """The words of all agents of one instance."""

    _instance: Any
    words: list[str] = field(factory=list)
    changed: trio.Event = field(factory=trio.Event)

    def change(self) -> None:
        self.changed.set()
        self.changed = trio.Event()


@define(eq=False)
class Pinned:
    """The words of one agent."""

    board: Board
    words: list[str] = field(factory=list)
    ups: int = 0

    def up(self) -> None:
        self.ups += 1

    def again(self) -> None:
        """Say nothing."""

    def gone(self, exit: str) -> None:
        for word in self.words:
            self.board.words.remove(word)


@interpret.register
def _(directive: Pin, runtime: Runtime) -> None:
    board = runtime.part(Board)
    pinned = runtime.cell.kept(Pinned)
    if pinned is None:
        pinned = Pinned(board)
        runtime.cell.keep(pinned)
    pinned.words.append(directive.word)
    board.words.append(directive.word)
    board.change()


@interpret.register
async def _(directive: PinSlowly, runtime: Runtime) -> None:
    await trio.sleep(directive.seconds)
    runtime.do(Pin(directive.word))


@interpret.register
def _(directive: Watch, runtime: Runtime) -> None:
    runtime.start_soon(watch, runtime)


async def watch(runtime: Runtime) -> None:
    board = runtime.part(Board)
    while True:
        await board.changed.wait()
        runtime.emit(note(board.words[-1]))


def words(jido: Jido) -> Sequence[str]:
    return list(jido._instance.part(Board).words)


# ----


def quiet() -> Jido:
    return Jido(on_report=lambda _: None, on_dead_letter=lambda _: None)


async def test_an_effect_may_be_a_def_which_is_done_when_the_call_returns(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Pin("a"), Pin("b")))

        assert words(jido) == ["a", "b"]


async def test_an_effect_may_be_an_async_def_which_the_agent_waits_for(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        start = trio.current_time()
        await ref.call(do(PinSlowly("a", 3), Pin("b")))
        before = words(jido)
        await ref.call(do())

        assert (before, words(jido), trio.current_time()) == ([], ["a", "b"], start + 3)


async def test_what_an_effect_keeps_for_an_agent_outlives_its_lives_and_ends_with_it(autojump_clock):
    async with quiet() as jido:
        ref, other = await jido.start_agent(Notebook), await jido.start_agent(Notebook)
        await ref.call(do(Pin("a")))
        await other.call(do(Pin("b")))
        with pytest.raises(AgentCrashed):
            await ref.call(BOOM)
        after_crash = words(jido)
        await jido.stop_agent(ref)

        assert (after_crash, words(jido)) == (["a", "b"], ["b"])


async def test_an_effect_may_have_tasks_which_end_with_the_life(autojump_clock):
    async with quiet() as jido:
        ref, other = await jido.start_agent(Notebook), await jido.start_agent(Notebook)
        await ref.call(do(Watch()))
        await settle()
        await other.call(do(Pin("heard")))
        await settle()
        heard = list(ref.agent.state.seen)
        with pytest.raises(AgentCrashed):
            await ref.call(BOOM)
        await other.call(do(Pin("unheard")))
        await settle()
        agent = await ref.call(note("alive"))

    assert (heard, agent.state.seen) == (["heard"], ["alive"])


async def test_two_instances_share_nothing_of_an_effect(autojump_clock):
    async with quiet() as one, quiet() as another:
        ref = await one.start_agent(Notebook)
        await ref.call(do(Pin("a")))

        assert (words(one), words(another)) == (["a"], [])


@frozen
class Both:
    """A directive made of others, of which some take time."""

    directives: tuple[Any, ...]


@interpret.register
async def _(directive: Both, runtime: Runtime) -> None:
    for each in directive.directives:
        done = runtime.do(each)
        if done is not None:
            await done


async def test_an_effect_may_be_made_of_others(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await ref.call(do(Both((SpawnAgent(Notebook, tag="t", id="child"), PinSlowly("x", 1), Emit(note("done"))))))
        await trio.sleep(2)

        assert jido.whereis("child") is not None
        assert (words(jido), ref.agent.state.seen[-1]) == (["x"], "done")


@frozen
class Ask:
    """A directive that uses all short forms."""


@interpret.register
def _(directive: Ask, runtime: Runtime) -> None:
    runtime.emit(note(f"from {runtime.agent.id}"), ToAgent("other"))
    runtime.send_later(5, note("never"))
    runtime.stop("asked for")


async def test_an_interpreter_may_emit_send_later_and_stop(autojump_clock):
    async with quiet() as jido:
        ref, other = await jido.start_agent(Notebook, id="a"), await jido.start_agent(Notebook, id="other")
        await ref.call(do(Ask(), Pin("never")))
        await trio.sleep(10)

        assert (ref.running, other.agent.state.seen, words(jido)) == (False, ["from a"], [])
