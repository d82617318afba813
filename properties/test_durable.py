"""Parity: a durable agent that dies again and again, while others cut its journal, ends as one that never did."""

from collections.abc import Sequence

import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from jido_trio import Jido, Signal
from jido_trio.core import Durable
from jido_trio.errors import StorageFailed
from jido_trio.runtime import compact_journal, read_journal
from jido_trio.storage import MemoryStorage, Op
from tests.runtime.durable import CHARGED, HOOKS, Careful, OrderState

SIGNALS = st.one_of(
    st.builds(lambda price: ("add", {"price": price}), st.integers(1, 9)),
    st.builds(lambda text: ("note", {"text": text}), st.sampled_from("abc")),
    st.builds(lambda amounts: ("pay", {"amounts": amounts}), st.lists(st.integers(1, 9), min_size=1, max_size=3)),
    st.builds(lambda price: ("forward", {"to": "other", "price": price}), st.integers(1, 9)),
    st.just(("collect", {})),
    st.builds(lambda keep: ("cut", {"keep": keep}), st.integers(0, 3)),
)
DEATHS = st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=5)
"""After how many commits the process dies, and whether the last of them is done."""


class Undaunted(Careful, durable=Durable(effects="at_least_once", tries=None)):
    """It sets no signal aside, however often the process has died of it: here it isn't the signal's fault."""


class Death(BaseException):
    """The end of a process."""


class Mortal(MemoryStorage):
    """Ends the process at a commit; from then on nothing is written."""

    def __init__(self, shared: MemoryStorage, commits: float, *, done: bool) -> None:
        super().__init__(shared._records, shared._keys)
        self.left, self.done, self.dead = commits, done, False

    async def commit(self, ops: Sequence[Op]) -> None:
        if self.dead:
            raise StorageFailed("test", "the process is dead")
        self.left -= 1
        self.dead = self.left <= 0
        if self.dead and not self.done:
            raise Death
        await super().commit(ops)
        if self.dead:
            raise Death


LONG = "long" * 2000
"""A note that makes a state one that isn't written with each input."""


async def lives(storage: Mortal, signals: list[Signal], notes: Sequence[str]) -> dict[str, OrderState] | None:
    """Send what wasn't answered; return the states at the end, or None if the process died."""
    states: dict[str, OrderState] = {}
    try:
        async with Jido("shop", storage=storage, on_report=lambda report: None) as jido:
            refs = [await jido.start_agent(Undaunted, id=id, state={"notes": notes}) for id in ("other", "one")]
            while signals:
                if signals[0].type == "cut":
                    await compact_journal(storage, "shop", "one", signals[0].data["keep"])
                else:
                    await refs[1].call(signals[0])
                del signals[0]
            await trio.sleep(5)
            states = {ref.id: ref.agent.state for ref in refs}
            for ref in refs:
                assert (await read_journal(storage, "shop", ref.id)).at().state == ref.agent.state
    except* Death:
        pass
    return states if not storage.dead else None


async def played(
    program: list[tuple[str, dict[str, object]]], deaths: list[tuple[int, bool]], notes: Sequence[str]
) -> object:
    CHARGED.clear()
    HOOKS.clear()
    signals = [Signal(type, data, id=f"s-{number}") for number, (type, data) in enumerate(program)]
    shared = MemoryStorage()
    for commits, done in deaths:
        ended = await lives(Mortal(shared, commits, done=done), signals, notes)
        if ended is not None:
            break
    ended = await lives(Mortal(shared, float("inf"), done=True), signals, notes)
    assert ended is not None
    ends = {id: (state.total, sorted(state.notes)) for id, state in ended.items()}
    # By key each once. A key has the number of its input, and an outcome may come before or after the next signal.
    return ends, sorted(amount for _, amount in {(key, amount) for amount, key in CHARGED})


@settings(max_examples=100)
@given(program=st.lists(SIGNALS, max_size=8), deaths=DEATHS, notes=st.sampled_from([[], [LONG]]))
def test_who_dies_again_and_again_ends_as_who_never_did(program, deaths, notes):
    clock = trio.testing.MockClock(autojump_threshold=0)
    without = trio.run(played, [step for step in program if step[0] != "cut"], [], notes, clock=clock)
    clock = trio.testing.MockClock(autojump_threshold=0)
    assert trio.run(played, program, deaths, notes, clock=clock) == without
