"""The program that is soaked: thousands of agents that crash, are killed, stopped, flooded and slow, and tell of it.

Senders tell over stdout that they send a message and what they were told of it; agents tell that they have handled it;
the boxes for dead letters and dead directives tell of what came there. Nothing else is told: what became of a message
the other process works out by itself. At the end the ledgers follow, as JSON.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import trio
from attrs import Factory, asdict, define, field

from jido_trio.core import Signal
from jido_trio.errors import AgentNotFound, CallError, CallTimeout, DuplicateAgent
from jido_trio.runtime import AgentRef, DeadDirective, DeadLetter, Jido, MailboxRules, Partition
from jido_trio.supervision import CrashReport
from properties.campaigns._soak_agents import (
    ANSWERED,
    CUT,
    LETTER,
    REFUSED,
    RNG,
    RULED,
    STRICT,
    TELL,
    TOLD,
    UNSENT,
    WORK,
    Keeper,
    Member,
)
from properties.campaigns._soak_plants import PLANTS

SENDERS = 200
PLACES = 30
"""So many messages may wait for an agent."""

RULES: Mapping[int, MailboxRules] = {
    0: MailboxRules(redeliver=2),
    1: MailboxRules(when_full="reject"),
    2: MailboxRules(redeliver=1, when_full="reject"),
}
"""By the last digit of an agent's number."""

RULES_THAT_DROP = (
    MailboxRules(when_full="drop_oldest"),
    MailboxRules(when_full="drop_newest"),
    MailboxRules(coalesce=lambda signal: signal.type),
    MailboxRules(on_restart="drop"),
    MailboxRules(on_restart="dead_letter", when_full="drop_oldest"),
)


@define
class Counted:
    """What was done to the agents."""

    kills: int = 0
    stops: int = 0
    floods: int = 0
    loops: int = 0
    cancelled: int = 0
    looks: int = 0
    crashes: int = 0
    errors: dict[str, int] = field(factory=dict)
    wrong: list[str] = field(factory=list)


@define(eq=False)
class Soak:
    """A run: who is there, and what is done to them until it is over."""

    jido: Jido
    count: int
    signals: int
    until: float
    refs: list[AgentRef[Any]] = field(factory=list)
    ruled: list[AgentRef[Any]] = field(factory=list)
    workers: list[AgentRef[Any]] = field(factory=list)
    partitions: dict[str, Partition] = field(factory=dict)
    crashed: set[str] = Factory(set)
    """The ids of those that crashed lately, and may be parked: in a crash loop, or at a signal that comes again."""
    done: Counted = Factory(Counted)

    @property
    def over(self) -> bool:
        return trio.current_time() >= self.until or TELL.sent >= self.signals

    async def populate(self) -> None:
        for number in range(self.count):
            self.refs.append(await self.start(number))
        ruled = self.partitions["ruled"] = await self.jido.partition("ruled", mailbox_size=5)
        workers = self.partitions["workers"] = await self.jido.partition("workers")
        for number in range(max(5, self.count // 100)):
            rules = RULES_THAT_DROP[number % len(RULES_THAT_DROP)]
            self.ruled.append(await ruled.start_agent(Member, id=str(number), mailbox=rules))
            self.workers.append(await workers.start_agent(Member, id=str(number)))

    async def start(self, number: int) -> AgentRef[Any]:
        kind = Keeper if number % 3 else Member
        return await self.jido.start_agent(kind, id=str(number), mailbox_size=PLACES, mailbox=RULES.get(number % 10))

    # ---- senders

    async def send(self) -> None:
        """Send one after the other, to anybody, by any door, at an even pace."""
        pace = (self.until - trio.current_time()) * SENDERS / max(self.signals, 1)
        due = trio.current_time()
        while not self.over:
            ways = (self.to_a_member, self.to_a_member, self.to_a_member, self.to_a_ruled_one, self.to_a_worker)
            await RNG.choice(ways)()
            due += pace
            if trio.current_time() < due:
                await trio.sleep_until(due)

    async def to_a_member(self) -> None:
        # Some are spoken to much more than others.
        at = RNG.randrange(self.count if RNG.random() < 0.5 else max(10, self.count // 100))
        await self.by_any_door(self.refs[at], *self.any_message(at))

    def any_message(self, at: int) -> tuple[str, int, dict[str, Any]]:
        later = RNG.randrange(at, self.count)  # who waits for another waits for a later one: no circles
        what: tuple[str, dict[str, Any]] = RNG.choices(
            (
                ("take", {}),
                ("pass", {"to": str(later), "how": "wait" if later > at else "drop"}),
                ("pass", {"to": str(RNG.randrange(self.count)), "how": RNG.choice(["drop", "dead_letter"])}),
                ("later", {}),
                ("boom", {}),
                ("flaky", {}),
                ("slow", {"seconds": RNG.random() * 0.02}),
                ("slow_boom", {"to": str(later)}),
            ),
            (50, 10, 10, 5, 2, 3, 5, 2),
        )[0]
        return what[0], STRICT, what[1]

    async def to_a_ruled_one(self) -> None:
        what: tuple[str, dict[str, Any]] = RNG.choices(
            (("take", {}), ("slow", {"seconds": RNG.random() * 0.02}), ("boom", {})), (10, 5, 1)
        )[0]
        await self.by_any_door(RNG.choice(self.ruled), what[0], RULED, what[1])

    async def to_a_worker(self) -> None:
        await self.by_any_door(RNG.choice(self.workers), "work", WORK, {"crash": RNG.random() < 0.02})

    async def by_any_door(self, ref: AgentRef[Any], type: str, kind: int, more: Mapping[str, Any]) -> None:
        doors = (self.cast, self.cast_nowait, self.cast_impatiently, self.call, self.call_in_time, self.call_until)
        data = TELL.next(kind)
        signal = Signal(type, {**data, **more})
        try:
            await RNG.choices(doors, (4, 4, 1, 3, 1, 1))[0](ref, signal)
        except CallError as error:
            self.done.errors[error.__class__.__name__] = self.done.errors.get(error.__class__.__name__, 0) + 1

    async def cast(self, ref: AgentRef[Any], signal: Signal) -> None:
        try:
            await ref.cast(signal)
        except CallError:
            TELL.tell(REFUSED, signal.data)
            raise

    async def cast_nowait(self, ref: AgentRef[Any], signal: Signal) -> None:
        try:
            ref.cast_nowait(signal)
        except CallError:
            TELL.tell(REFUSED, signal.data)
            raise
        await trio.lowlevel.checkpoint()

    async def cast_impatiently(self, ref: AgentRef[Any], signal: Signal) -> None:
        with trio.move_on_after(0.01) as scope:
            await self.cast(ref, signal)
        if scope.cancelled_caught:
            TELL.tell(REFUSED, signal.data)
            self.done.cancelled += 1

    async def call(self, ref: AgentRef[Any], signal: Signal, timeout: float | None = None) -> None:
        try:
            await ref.call(signal, timeout=timeout)
        except CallError:
            TELL.tell(TOLD, signal.data)
            raise
        TELL.tell(ANSWERED, signal.data)

    async def call_in_time(self, ref: AgentRef[Any], signal: Signal) -> None:
        await self.call(ref, signal, timeout=0.01)

    async def call_until(self, ref: AgentRef[Any], signal: Signal) -> None:
        with trio.move_on_after(0.01) as scope:
            await self.call(ref, signal)
        if scope.cancelled_caught:
            TELL.tell(TOLD, signal.data)
            self.done.cancelled += 1

    # ---- what goes wrong

    async def again_and_again(self, seconds: float, what: Callable[[], Awaitable[None]]) -> None:
        while not self.over:
            await what()
            await trio.sleep(seconds)

    async def kill(self) -> None:
        places = (
            (self.jido, self.refs),
            (self.partitions["ruled"], self.ruled),
            (self.partitions["workers"], self.workers),
        )
        place, refs = RNG.choice(places)
        try:
            place.kill_agent(RNG.choice(refs))
            self.done.kills += 1
        except AgentNotFound:
            pass
        await trio.lowlevel.checkpoint()

    async def replace(self) -> None:
        """Stop an agent, and start another with its id."""
        at = RNG.randrange(self.count)
        try:
            await self.jido.stop_agent(self.refs[at])
            self.refs[at] = await self.start(at)
            self.done.stops += 1
        except (AgentNotFound, DuplicateAgent):
            pass

    async def flood(self) -> None:
        """Send one agent more than there is room for."""
        ref = RNG.choice(self.refs)
        self.done.floods += 1
        for _ in range(10 * PLACES):
            with contextlib.suppress(CallError):
                await self.cast_nowait(ref, Signal("slow", {**TELL.next(STRICT), "seconds": 0.0001}))

    async def crash_loop(self) -> None:
        """Have an agent use up its budget; it is parked, until it is told to go on."""
        ref = RNG.choice(self.refs)
        for _ in range(150):
            try:
                await self.call(ref, Signal("boom", TELL.next(STRICT)), timeout=0.05)
            except CallTimeout:  # it is parked
                break
            except CallError:
                pass
        self.done.loops += 1

    async def resume(self) -> None:
        """Have those go on that were parked, again and again: one that crashes soon after is parked once more."""
        while True:
            ids, self.crashed = self.crashed, set()
            await trio.sleep(0.5)
            for id in ids | self.crashed:
                with contextlib.suppress(AgentNotFound):
                    await self.jido.resume_agent(id)

    async def look(self) -> None:
        """Look whether the ledgers are right, and agree with what is seen."""
        TELL.flush()
        for place in (self.jido, *self.partitions.values()):
            ledger = place.ledger()
            if not ledger.balanced:
                self.done.wrong.append(f"unbalanced: {ledger}")
        self.done.looks += 1
        await trio.lowlevel.checkpoint()

    # ---- the whole

    async def run(self) -> None:
        async with trio.open_nursery() as until_the_end:
            until_the_end.start_soon(self.resume)
            await self.disturb()
            until_the_end.cancel_scope.cancel()
        await trio.sleep(0.5)  # schedules come

    async def disturb(self) -> None:
        """Send, and do whatever goes wrong, until it is over and all senders know what came of it."""
        async with trio.open_nursery() as nursery:
            for _ in range(SENDERS):
                nursery.start_soon(self.send)
            nursery.start_soon(self.again_and_again, 0.02, self.kill)
            nursery.start_soon(self.again_and_again, 0.1, self.replace)
            nursery.start_soon(self.again_and_again, 1, self.flood)
            nursery.start_soon(self.again_and_again, 1, self.crash_loop)
            nursery.start_soon(self.again_and_again, 0.25, self.look)


def letter(dead: DeadLetter) -> None:
    TELL.tell(LETTER, dead.signal.data)


def directive(dead: DeadDirective) -> None:
    emitted = getattr(dead.directive, "signal", None) or getattr(dead.directive, "message", None)
    if isinstance(emitted, Signal):
        TELL.tell(CUT if dead.begun else UNSENT, emitted.data)


async def main(seconds: float, signals: int, agents: int) -> None:
    counted = Counted()

    def report(crash: object) -> None:
        counted.crashes += 1
        if isinstance(crash, CrashReport):
            soak.crashed.add(crash.child)

    jido = Jido(on_report=report, on_dead_letter=letter, on_dead_directive=directive, shutdown=60)
    soak = Soak(jido, agents, signals, trio.current_time() + seconds, done=counted)
    async with jido:
        await soak.populate()
        soak.until = trio.current_time() + seconds
        await soak.run()
    ledgers = {"main": jido.ledger(), **{name: each.ledger() for name, each in soak.partitions.items()}}
    TELL.end({"ledgers": {name: asdict(each) for name, each in ledgers.items()}, "done": asdict(counted)})


if __name__ == "__main__":
    logging.disable()
    RNG.seed(int(sys.argv[4]))
    for plant in sys.argv[5:]:
        PLANTS[plant]()
    trio.run(main, float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
