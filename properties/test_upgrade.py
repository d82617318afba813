"""Upgrades under traffic: whatever is sent meanwhile is handled once, in the class that its agent has then."""

from functools import partial
from typing import Any

import trio
import trio.testing
from attrs import define, field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from jido_trio import Action, Agent, Context, Emit, Jido, Result, Schedule, Signal, ToAgent
from jido_trio.core import Durable
from jido_trio.errors import AgentCrashed
from jido_trio.runtime import AgentRef, Runtime, interpret
from jido_trio.storage import MemoryStorage
from properties.test_durable import Death, Mortal

IDS = ("a", "b")


@frozen
class Work:
    """It takes its time."""

    seconds: float


@interpret.register
async def _(directive: Work, runtime: Runtime) -> None:
    await trio.sleep(directive.seconds)


@frozen
class Account:
    """In version 1 in whole units, in version 2 in cents, in version 3 with the number of bookings of that version."""

    units: int = 0


@frozen
class Account2:
    cents: int = 0


@frozen
class Account3:
    cents: int = 0
    booked: int = 0


class Book(Action):
    amount: int
    seconds: float = 0.0
    then: str = ""

    def run(self, context: Context[Any]) -> Result:
        return self.booked(context.state), list(self.follow_up())

    def booked(self, account: Any) -> dict[str, int]:
        return {"units": account.units + self.amount}

    def follow_up(self) -> Any:
        if self.seconds:
            yield Work(self.seconds)
        if self.then == "later":
            yield Schedule(2.0, Signal("book", {"amount": 1000}))
        elif self.then:
            yield Emit("book", {"amount": 1000}, dispatch=ToAgent(self.then))


class Book2(Book):
    def booked(self, account: Any) -> dict[str, int]:
        return {"cents": account.cents + 100 * self.amount}


class Book3(Book):
    def booked(self, account: Any) -> dict[str, int]:
        return {"cents": account.cents + 100 * self.amount, "booked": account.booked + 1}


MIGRATIONS = {
    "1": lambda fields: {"cents": fields["units"] * 100},
    "2": lambda fields: {"cents": fields["cents"]},
}


class One(Agent[Account], vsn="1", routes={"book": Book}, durable=True): ...


class Two(Agent[Account2], vsn="2", routes={"book": Book2}, durable=Durable(migrations={"1": MIGRATIONS["1"]})): ...


class Three(Agent[Account3], vsn="3", routes={"book": Book3}, durable=Durable(migrations=MIGRATIONS)): ...


class Plain1(Agent[Account], routes={"book": Book}, after_crash="committed"): ...


class Plain2(Agent[Account2], routes={"book": Book2}, after_crash="committed"): ...


class Plain3(Agent[Account3], routes={"book": Book3}, after_crash="committed"): ...


BOOKINGS = st.builds(
    lambda who, how, amount, seconds, then: ("book", who, how, {"amount": amount, "seconds": seconds, "then": then}),
    st.sampled_from(IDS),
    st.sampled_from(["call", "cast"]),
    st.integers(1, 9),
    st.sampled_from([0.0, 0.0, 0.5, 2.0]),
    st.sampled_from(["", "", "", "later", *IDS]),
)
STEPS = st.one_of(
    BOOKINGS,
    BOOKINGS,
    st.tuples(st.just("sleep"), st.sampled_from([0.0, 0.3, 1.0])),
    st.tuples(st.just("kill"), st.sampled_from(IDS)),
    st.just(("upgrade",)),
)


@define(eq=False)
class Bank:
    """Plays steps, and keeps an account of its own of what was sent."""

    jido: Jido
    nursery: trio.Nursery
    classes: tuple[type[Agent[Any]], ...]
    durable: bool
    sent: dict[str, int] = field(factory=lambda: dict.fromkeys(IDS, 0))
    asked: list[str] = field(factory=list)
    answered: list[str] = field(factory=list)
    version: int = 0
    turn: trio.Lock = field(factory=trio.Lock)

    def ref(self, who: str) -> AgentRef[Any]:
        ref = self.jido.whereis(who)
        assert ref is not None
        return ref

    async def step(self, number: int, step: Any) -> None:
        match step:
            case ("book", who, how, data):
                await self.book(who, how, data, Signal("book", data, id=f"s-{number}"))
            case ("sleep", seconds):
                await trio.sleep(seconds)
            case ("kill", who):
                if self.durable:
                    self.jido.kill_agent(who)
            case _:
                self.nursery.start_soon(self.upgrade)

    async def book(self, who: str, how: str, data: Any, signal: Signal) -> None:
        self.sent[who] += data["amount"]
        if data["then"]:
            self.sent[who if data["then"] == "later" else data["then"]] += 1000
        if how == "call":
            self.asked.append(signal.id)
            self.nursery.start_soon(self.call, who, signal)
        else:
            await self.ref(who).cast(signal)

    async def call(self, who: str, signal: Signal) -> None:
        while True:
            try:
                agent = await self.ref(who).call(signal, timeout=None)
            except AgentCrashed:
                assert self.durable  # its life was killed: it may have booked, and knows the signal then
                continue
            break
        self.answered.append(signal.id)
        assert type(agent) in self.classes

    async def upgrade(self) -> None:
        async with self.turn:  # one after the other, as versions are
            if self.version < 2:
                self.version += 1
                old, new = self.classes[self.version - 1 : self.version + 1]
                await self.jido.upgrade(old, new, migrate=None if self.durable else MIGRATIONS[str(self.version)])

    def check(self) -> None:
        agents = [self.ref(id).agent for id in IDS]
        assert [type(agent) for agent in agents] == [self.classes[2]] * len(IDS)
        assert {agent.id: agent.state.cents for agent in agents} == {who: 100 * self.sent[who] for who in IDS}
        assert sorted(self.answered) == sorted(self.asked)
        ledger = self.jido.ledger()
        fates = (
            ledger.handled + ledger.failed + ledger.dead_lettered + ledger.expired + ledger.withdrawn + ledger.dropped
        )
        assert (ledger.accepted, ledger.waiting) == (fates, 0)


async def played(steps: list[Any], classes: tuple[type[Agent[Any]], ...], *, durable: bool) -> None:
    """Play the steps, have all agents come to the last class, and compare with what was sent."""
    silent: Any = {"on_report": lambda _: None, "on_dead_directive": lambda _: None, "on_dead_letter": lambda _: None}
    async with Jido("bank", storage=MemoryStorage(), **silent) as jido, trio.open_nursery() as nursery:
        bank = Bank(jido, nursery, classes, durable)
        for id in IDS:
            await jido.start_agent(classes[0], id=id)
        for number, step in enumerate(steps):
            await bank.step(number, step)
        await trio.sleep(100)
        await bank.upgrade()
        await bank.upgrade()
        await trio.sleep(100)
        bank.check()


def run(steps: list[Any], classes: tuple[type[Agent[Any]], ...], *, durable: bool) -> None:
    clock = trio.testing.MockClock(autojump_threshold=0)
    trio.run(partial(played, steps, classes, durable=durable), clock=clock)


@settings(max_examples=60)
@given(st.lists(STEPS, max_size=25))
def test_in_memory_all_that_is_sent_while_agents_are_upgraded_is_booked_once(steps):
    run(steps, (Plain1, Plain2, Plain3), durable=False)


@settings(max_examples=60)
@given(st.lists(STEPS, max_size=25))
def test_durable_agents_that_are_killed_meanwhile_book_once_what_is_sent_while_they_are_upgraded(steps):
    run(steps, (One, Two, Three), durable=True)


class TwoOfOne(Two, durable=Durable(migrations={"1": MIGRATIONS["1"]}, formerly=One)):
    """What those become, too, that were not upgraded before their process died."""


async def upgraded_in_the_middle(storage: Mortal, signals: list[Signal], middle: int, *, first: bool) -> int | None:
    """Send what wasn't answered, with an upgrade in the middle; return the cents at the end, None after a death."""
    cents = 0
    try:
        async with Jido("bank", storage=storage, on_report=lambda _: None) as jido:
            ref: AgentRef[Any] = await jido.start_agent(One if first else TwoOfOne, id="a")
            upgraded = not first
            while signals:
                if len(signals) <= middle and not upgraded:
                    await jido.upgrade(One, TwoOfOne)
                    upgraded = True
                await ref.call(signals[0])
                del signals[0]
            if not upgraded:
                await jido.upgrade(One, TwoOfOne)
            cents = ref.agent.state.cents
    except* Death:
        pass
    return None if storage.dead else cents


@settings(max_examples=60)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 6), st.integers(1, 12), st.booleans())
def test_an_agent_whose_process_dies_at_any_commit_of_an_upgrade_is_of_one_class_and_has_booked_all(
    amounts, middle, commits, done
):
    signals = [Signal("book", {"amount": amount}, id=f"s-{number}") for number, amount in enumerate(amounts)]
    shared = MemoryStorage()

    async def lives() -> int | None:
        dying = Mortal(shared, commits, done=done)
        cents = await upgraded_in_the_middle(dying, signals, middle, first=True)
        if cents is not None:
            return cents
        return await upgraded_in_the_middle(Mortal(shared, float("inf"), done=True), signals, middle, first=False)

    assert trio.run(lives, clock=trio.testing.MockClock(autojump_threshold=0)) == 100 * sum(amounts)
