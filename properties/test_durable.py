"""Parity: a durable agent that dies again and again ends as one that never did."""

from collections.abc import Sequence

import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from jido_trio import Jido, Signal
from jido_trio.core import Durable
from jido_trio.errors import StorageFailed
from jido_trio.storage import MemoryStorage, Op
from tests.runtime.durable import CHARGED, HOOKS, Careful, OrderState

SIGNALS = st.one_of(
    st.builds(lambda price: ("add", {"price": price}), st.integers(1, 9)),
    st.builds(lambda text: ("note", {"text": text}), st.sampled_from("abc")),
    st.builds(lambda amounts: ("pay", {"amounts": amounts}), st.lists(st.integers(1, 9), min_size=1, max_size=3)),
    st.builds(lambda price: ("forward", {"to": "other", "price": price}), st.integers(1, 9)),
    st.just(("collect", {})),
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


async def lives(storage: Mortal, signals: list[Signal]) -> dict[str, OrderState] | None:
    """Send what wasn't answered; return the states at the end, or None if the process died."""
    states: dict[str, OrderState] = {}
    try:
        async with Jido("shop", storage=storage, on_report=lambda report: None) as jido:
            refs = [await jido.start_agent(Undaunted, id=id) for id in ("other", "one")]
            while signals:
                await refs[1].call(signals[0])
                del signals[0]
            await trio.sleep(5)
            states = {ref.id: ref.agent.state for ref in refs}
    except* Death:
        pass
    return states if not storage.dead else None


async def played(program: list[tuple[str, dict[str, object]]], deaths: list[tuple[int, bool]]) -> object:
    CHARGED.clear()
    HOOKS.clear()
    signals = [Signal(type, data, id=f"s-{number}") for number, (type, data) in enumerate(program)]
    shared = MemoryStorage()
    for commits, done in deaths:
        ended = await lives(Mortal(shared, commits, done=done), signals)
        if ended is not None:
            break
    ended = await lives(Mortal(shared, float("inf"), done=True), signals)
    assert ended is not None
    notes = {id: (state.total, sorted(state.notes)) for id, state in ended.items()}
    # By key each once. A key has the number of its input, and an outcome may come before or after the next signal.
    return notes, sorted(amount for _, amount in {(key, amount) for amount, key in CHARGED})


@settings(max_examples=60)
@given(program=st.lists(SIGNALS, max_size=8), deaths=DEATHS)
def test_who_dies_again_and_again_ends_as_who_never_did(program, deaths):
    clock = trio.testing.MockClock(autojump_threshold=0)
    without = trio.run(played, program, [], clock=clock)
    clock = trio.testing.MockClock(autojump_threshold=0)
    assert trio.run(played, program, deaths, clock=clock) == without
