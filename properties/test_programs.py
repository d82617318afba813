"""Random programs on the real runtime, under virtual time: at each step all laws hold.

Agents with mailboxes of each kind, crashes in each place, callers that lose patience, children, schedules, outcomes,
parked agents, a tenant that gives up; and a book of its own, in which each message is written down by all who see it.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import Any

import trio
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from trio.testing import wait_all_tasks_blocked

from jido_trio.core import Signal
from jido_trio.errors import (
    ActionError,
    AgentNotFound,
    CallError,
    MailboxFull,
    UpgradeFailed,
)
from jido_trio.runtime import AgentRef, Jido, MailboxRules, Partition
from jido_trio.storage import MemoryStorage
from jido_trio.supervision import Backoff, Budget
from jido_trio.testing._instance_laws import check_calm, check_ledger
from jido_trio.testing._machine import TrioStateMachine, step
from properties.durable_programs import KEEPS, SAFE_DOORS, Keeper, Safe
from properties.runtime_programs import BOOKS, KINDS, MACHINE, Book, Do, Logs, Step, message, number_in

AGENTS = ("a", "b", "c")
PLACES = 3

agents = st.sampled_from(AGENTS)
anybody = st.sampled_from((*AGENTS, "calm", "t", "nobody"))
keys = st.sampled_from((None, "k", "l"))
lanes = st.sampled_from((None, "chat", "chat", "mail"))
moments = st.sampled_from((0.0, 0.5, 1.0, 3.0))
rules = st.none() | st.builds(
    MailboxRules,
    when_full=st.sampled_from(("block", "block", "reject", "drop_oldest", "drop_newest")),
    coalesce=st.sampled_from((None, None, lambda signal: signal.type)),
    on_restart=st.sampled_from(("keep", "keep", "dead_letter", "drop")),
    redeliver=st.integers(0, 2),
)
limits = st.sampled_from(
    (
        {},
        {"budget": Budget(max_restarts=2, max_seconds=5, exhausted="park")},
        {"backoff": Backoff(first=2)},
        {"restart": "temporary"},
        {"max_handle_time": 0.7},
    )
)
members = st.fixed_dictionaries(
    {
        "agent": st.sampled_from(KINDS),
        "after_crash": st.sampled_from(("fresh", "committed")),
        "mailbox": rules,
        "limits": limits,
    }
)
steps = st.one_of(
    st.builds(Step, st.just("emit"), anybody, st.sampled_from(("dead_letter", "drop", "wait"))),
    st.builds(Step, st.sampled_from(("emit to itself", "crash itself", "fall", "stop child", "stop"))),
    st.builds(Step, st.just("schedule"), key=keys, seconds=moments),
    st.builds(Step, st.just("cancel"), key=st.sampled_from(("k", "l"))),
    st.builds(Step, st.just("nap"), how=st.sampled_from(("", "", "crash")), seconds=st.sampled_from((0.5, 1.0))),
    st.builds(
        Step,
        st.just("work"),
        to=st.sampled_from(("", "", *AGENTS)),
        how=st.sampled_from(("", "", "crash")),
        key=lanes,
        seconds=moments,
    ),
    st.builds(Step, st.just("spawn"), how=st.sampled_from(("stop", "continue", "emit_orphan"))),
    st.builds(Step, st.just("adopt"), st.sampled_from(AGENTS)),
)
programs = st.lists(steps, max_size=3).map(tuple)
ends = st.sampled_from(("well", "well", "well", "crash", "refuse", "unrouted"))
doors = st.sampled_from(
    (
        "cast",
        "cast_nowait",
        "call",
        "call",
        "impatient call",
        "cancelled call",
        "call by then",
        "cast by then",
        "action cast",
        "action call",
        "settled call",
        "impatient settled call",
    )
)
PATIENCE = 0.4
"""Seconds that a sender has who hasn't all the time in the world."""


class Programs(TrioStateMachine):
    """An instance, and whatever can happen to its agents."""

    async def set_up(self) -> None:
        self.opened, self.closing, self.ended = trio.Event(), trio.Event(), trio.Event()
        self.calling: dict[int, AgentRef[Any]] = {}
        self.settling: dict[int, AgentRef[Any]] = {}
        self.told: list[str] = []
        self.calm: list[int] = []
        self.untold = 0
        self.becoming: set[AgentRef[Any]] = set()

    @initialize(members=st.fixed_dictionaries(dict.fromkeys(AGENTS, members)))
    @step
    async def open(self, members: Any) -> None:
        self.members = {**members, "calm": {"agent": Logs, "after_crash": "fresh", "mailbox": None, "limits": {}}}
        rules = {id: each["mailbox"] for id, each in self.members.items()}
        keeps = {id: each["after_crash"] == "committed" for id, each in self.members.items()}
        self.book = Book(rules, keeps)
        BOOKS.append(self.book)
        self.nursery.start_soon(self.hold)
        await self.opened.wait()
        for id in self.members:
            await self.start(id)
        self.places: dict[str, Jido | Partition] = {"main": self.jido}
        await self.open_tenant()
        self.safe = Safe()
        self.kept = await self.jido.partition(
            "kept",
            max_restarts=10_000,
            on_report=lambda _: None,
            on_dead_letter=self.safe.letters.append,
        )
        await self.start_keeper()

    async def open_tenant(self) -> None:
        name = f"t{len(self.places)}"
        self.tenant = self.places[name] = await self.jido.partition(
            name, max_restarts=2, mailbox_size=PLACES, on_dead_letter=lambda letter: self.book.letter(letter, name)
        )
        self.book.refs[name] = await self.tenant.start_agent(Logs, id=name, budget=None)

    async def hold(self) -> None:
        book = self.book
        async with Jido(
            on_report=book.report,
            on_dead_letter=book.letter,
            on_dead_directive=book.dead_directive,
            shutdown=None,
            storage=MemoryStorage(),
        ) as self.jido:
            self.opened.set()
            await self.closing.wait()
        self.ended.set()

    async def start(self, id: str) -> None:
        each = self.members[id]
        self.book.refs.pop(id, None)  # what the new one handles before its ref is here is of its first life
        self.book.refs[id] = await self.jido.start_agent(
            each["agent"],
            id=id,
            mailbox=each["mailbox"],
            mailbox_size=PLACES if id != "calm" else 1000,
            after_crash=each["after_crash"],
            **each["limits"],
        )

    # ---- what happens

    @rule(agent=agents, steps=programs, end=ends, door=doors)
    @step
    async def send(self, agent: str, steps: tuple[Step, ...], end: str, door: str) -> None:
        await self.send_to(agent, steps, end, door)

    @rule(agent=agents, steps=programs, door=doors)
    @step
    async def send_more(self, agent: str, steps: tuple[Step, ...], door: str) -> None:
        await self.send_to(agent, steps, "well", door)

    @rule(
        agent=agents,
        doors=st.lists(doors, min_size=1, max_size=8),
        steps=st.sampled_from(((), (), (Step("stop"),), (Step("fall"),))),
        end=ends,
        killed=st.booleans(),
        seconds=moments,
    )
    @step
    async def crowd(
        self, *, agent: str, doors: list[str], steps: tuple[Step, ...], end: str, killed: bool, seconds: float
    ) -> None:
        """Keep an agent busy, and have many wait for it; one of them with something to say."""
        await self.send_to(agent, (Step("nap", seconds=1),), "well", "cast_nowait")
        await self.send_to(agent, steps, end, doors[0])
        for door in doors[1:]:
            await self.send_to(agent, (Step("emit", agent, "dead_letter"),), "well", door)
        if killed:
            self.end_life(agent)
        await trio.sleep(seconds)

    @rule(agent=agents, end=ends, count=st.integers(1, 3))
    @step
    async def kill_in_a_hurry(self, agent: str, end: str, count: int) -> None:
        """Kill an agent that has been sent something and hasn't had its turn."""
        for number in range(count):
            await self.deliver_now(agent, end if number == 0 else "well")
        self.end_life(agent)

    async def deliver_now(self, agent: str, end: str) -> None:
        number = self.book.new(MACHINE, agent)
        await self.deliver(self.book.refs[agent], self.signal(number, (), end), number, "cast_nowait")

    @rule(agents=st.permutations(AGENTS), count=st.integers(2, 5), how=st.sampled_from(("wait", "wait", "dead_letter")))
    @step
    async def pipe(self, agents: list[str], count: int, how: str) -> None:
        """Have one agent send another more than that has room for."""
        await self.send_to(agents[1], (Step("nap", seconds=1),), "well", "cast_nowait")
        await self.send_to(agents[0], tuple(Step("emit", agents[1], how) for _ in range(count)), "well", "cast")

    @rule(agent=agents, key=st.sampled_from(("k", "l")))
    @step
    async def change_of_mind(self, agent: str, key: str) -> None:
        """Schedule something, and take it back or replace it when it is due and waits."""
        later = (Step("schedule", key=key, seconds=0.5), Step("nap", seconds=1), Step("cancel", key=key))
        await self.send_to(agent, later, "well", "cast")
        await self.send_to(agent, (Step("schedule", key=key, seconds=3),), "well", "cast")
        await trio.sleep(2)

    @rule(agent=agents, how=st.sampled_from(("", "crash")))
    @step
    async def work_meets_a_crash(self, agent: str, how: str) -> None:
        """Have an outcome wait while the agent is at something that may crash it."""
        await self.send_to(agent, (Step("work", seconds=0.5), Step("nap", how=how, seconds=0.6)), "well", "cast")
        await trio.sleep(2)

    @rule(
        agent=agents,
        lane=lanes,
        hows=st.lists(st.sampled_from(("", "", "crash")), min_size=2, max_size=5),
        door=st.sampled_from(("call", "settled call", "impatient settled call")),
    )
    @step
    async def work_in_lanes(self, agent: str, lane: str | None, hows: list[str], door: str) -> None:
        """Ask for many async actions at once, more than a lane has room for."""
        works = tuple(Step("work", how=how, key=lane, seconds=0.5) for how in hows)
        await self.send_to(agent, works, "well", door)
        await trio.sleep(0.7)

    @rule(agent=agents, what=st.lists(ends, min_size=1, max_size=6), patient=st.booleans())
    @step
    async def send_many(self, agent: str, what: list[str], patient: bool) -> None:
        numbers = [self.book.new(MACHINE, agent, asked=True) for _ in what]
        sent = [self.signal(number, (), end) for number, end in zip(numbers, what, strict=True)]
        self.nursery.start_soon(self.call_many, self.book.refs[agent], sent, numbers, None if patient else PATIENCE)
        await wait_all_tasks_blocked()

    async def call_many(
        self, ref: AgentRef[Any], sent: list[Signal], numbers: list[int], seconds: float | None
    ) -> None:
        self.calling[numbers[-1]] = ref
        self.untold += len(sent)
        answers = await ref.call_many(sent, timeout=seconds)
        self.untold -= len(sent)
        del self.calling[numbers[-1]]
        assert len(answers) == len(numbers)
        for number, answer in zip(numbers, answers, strict=True):
            if isinstance(answer, Exception):
                self.told.append(type(answer).__name__)
                self.book.fate(number, "told")
            else:
                self.book.fate(number, "answered")

    @rule(agent=agents, what=st.lists(ends, min_size=1, max_size=8), busy=st.booleans())
    @step
    async def cast_many(self, agent: str, what: list[str], busy: bool) -> None:
        """Cast many messages in one go, more than a busy agent has room for."""
        if busy:
            await self.send_to(agent, (Step("nap", seconds=0.5),), "well", "cast_nowait")
        batch = f"batch {len(self.book.sent)}"  # others may send meanwhile, and come in between
        numbers = [self.book.new(batch, agent) for _ in what]
        sent = [self.signal(number, (), end) for number, end in zip(numbers, what, strict=True)]
        self.nursery.start_soon(self.cast_them, self.book.refs[agent], sent, numbers)
        await wait_all_tasks_blocked()

    async def cast_them(self, ref: AgentRef[Any], sent: list[Signal], numbers: list[int]) -> None:
        try:
            await ref.cast_many(sent)
        except CallError as error:
            [note] = error.__notes__
            before = int(note.split()[0])
            self.book.fate(numbers[before], "refused")
            for number in numbers[before + 1 :]:
                self.book.fate(number, "unsent")

    @rule(agent=agents, to=st.sampled_from(KINDS), seconds=moments)
    @step
    async def become_another(self, agent: str, to: Any, seconds: float) -> None:
        """Have an agent go on as one of another class, whatever it is at."""
        ref = self.book.refs[agent]
        if type(ref.agent) is not to and ref not in self.becoming:
            self.nursery.start_soon(self.upgrade, ref, to)
            await trio.sleep(seconds)

    async def upgrade(self, ref: AgentRef[Any], to: Any) -> None:
        self.becoming.add(ref)
        try:
            await self.jido.upgrade(type(ref.agent), to, agent=ref)
        except (AgentNotFound, UpgradeFailed):
            return
        finally:
            self.becoming.remove(ref)
        # What is left of a life that was over before is not brought over; the life may also have ended since.
        if ref.inspect().at == "down" and not self.book.keeps[ref.id] and not ref.agent.state.numbers:
            self.book.took.pop(self.book.life(ref.id), None)
        assert type(ref.agent) is to or not ref.running

    @rule(agent=agents, count=st.integers(2, 4))
    @step
    async def talk_to_itself(self, agent: str, count: int) -> None:
        await self.send_to(agent, (Step("emit to itself"),) * count, "well", "cast")

    @rule(agent=agents, how=st.sampled_from(("stop", "continue", "emit_orphan")), child_first=st.booleans())
    @step
    async def family(self, agent: str, how: str, child_first: bool) -> None:
        """Have a child, which is stopped, or whose parent is."""
        await self.send_to(agent, (Step("spawn", how=how),), "well", "call")
        await trio.sleep(0.1)
        await self.send_to(agent, (Step("stop child" if child_first else "stop"),), "well", "call")

    @rule()
    @step
    async def ruin_the_tenant(self) -> None:
        """Have its agents crash too often; it ends alone, and another is opened when it is needed."""
        for agent in self.tenant.list_agents() * 3:
            await self.send_to(agent.id, (), "crash", "call")

    @rule(door=st.sampled_from(("cast", "cast_nowait", "call")))
    @step
    async def send_to_the_calm(self, door: str) -> None:
        self.calm.append(await self.send_to("calm", (), "well", door))

    @rule(steps=st.lists(steps.filter(lambda step: step.kind not in ("spawn", "adopt")), max_size=2), end=ends)
    @step
    async def send_to_the_tenant(self, steps: list[Step], end: str) -> None:
        if not self.tenant.list_agents():  # it has stopped itself, or given up
            await self.open_tenant()
        await self.send_to(self.tenant.list_agents()[0].id, tuple(steps), end, "call")

    @rule(ends=st.lists(st.sampled_from(KEEPS), min_size=1, max_size=4), door=st.sampled_from(SAFE_DOORS))
    @step
    async def keep(self, ends: list[str], door: str) -> None:
        """Send the durable agent something."""
        begin = len(self.safe.sent) + 1
        self.nursery.start_soon(self.safe.send, self.keeper, dict(enumerate(ends, begin)), door)
        await wait_all_tasks_blocked()

    @rule(how=st.sampled_from(("kill", "crash", "start anew")), busy=st.booleans(), seconds=moments)
    @step
    async def end_the_keeper(self, how: str, busy: bool, seconds: float) -> None:
        """End a life of the durable agent, or have the next one with its id begin with what is on record."""
        if busy:
            await self.keep_now("nap", "call")
            await self.keep_now("well", "cast")
        if how == "kill":
            self.kept.kill_agent(self.keeper)
        elif how == "crash":
            await self.keep_now("crash", "call")
        else:
            await self.kept.stop_agent(self.keeper)
            await self.start_keeper()
        await trio.sleep(seconds)

    async def keep_now(self, end: str, door: str) -> None:
        self.nursery.start_soon(self.safe.send, self.keeper, {len(self.safe.sent) + 1: end}, door)
        await wait_all_tasks_blocked()

    async def start_keeper(self) -> None:
        self.keeper = await self.kept.start_agent(Keeper, id="keeper", budget=None)

    @rule(seconds=st.sampled_from((0.3, 0.5, 1, 3, 20)))
    @step
    async def wait(self, seconds: float) -> None:
        await trio.sleep(seconds)

    @rule(agent=agents)
    @step
    async def kill(self, agent: str) -> None:
        self.end_life(agent)

    def end_life(self, agent: str) -> None:
        with contextlib.suppress(AgentNotFound):
            self.book.kills.add(self.book.life(agent))
            self.jido.kill_agent(self.book.refs[agent])

    @rule(agent=agents)
    @step
    async def stop_or_start(self, agent: str) -> None:
        if self.book.refs[agent].running:
            with contextlib.suppress(AgentNotFound):
                await self.jido.stop_agent(self.book.refs[agent])
        if self.jido.whereis(agent) is None:
            self.forget(agent)
            await self.start(agent)

    @rule(agent=agents)
    @step
    async def resume(self, agent: str) -> None:
        with contextlib.suppress(AgentNotFound):
            await self.jido.resume_agent(self.book.refs[agent])

    @rule()
    @step
    async def send_again(self) -> None:
        letters = [
            each for each in self.jido.dead_letters() if number_in(each.signal) and each.signal.type != "unrouted"
        ]
        if letters:
            with contextlib.suppress(AgentNotFound, MailboxFull):
                self.jido.resend(letters[0])
                self.book.again(letters[0])
                self.resent += 1

    resent = 0

    def forget(self, agent: str) -> None:
        """What is kept of an agent that has ended is not that of the next one with its id."""
        for life in [life for life in self.book.took if life[0] == agent]:
            del self.book.took[life]
        self.book.stopping = {life for life in self.book.stopping if life[0] != agent}
        self.book.kills = {life for life in self.book.kills if life[0] != agent}
        for number in [number for number, (owner, _) in self.book.due.items() if owner == agent]:
            del self.book.due[number]
        for key in [key for key in self.book.keys if key[0] == agent]:
            number = self.book.keys.pop(key)
            if not self.book.fates[number]:
                self.book.cancelled.add(number)

    # ---- senders

    async def send_to(self, agent: str, steps: tuple[Step, ...], end: str, door: str) -> int:
        number = self.book.new(MACHINE, agent, asked="call" in door, silent=door == "cast by then")
        signal: Any = self.signal(number, steps, end)
        if door.startswith("action") and end != "unrouted":
            signal = Do(number=number, steps=steps, end=end)
        if door.endswith("by then"):
            self.book.by_then[number] = trio.current_time() + PATIENCE
        works = sum(step.kind == "work" for step in steps)
        self.nursery.start_soon(self.deliver, self.book.refs[agent], signal, number, door, works)
        await wait_all_tasks_blocked()
        return number

    def signal(self, number: int, steps: tuple[Step, ...], end: str) -> Signal:
        return Signal("unrouted", {"number": number}) if end == "unrouted" else message(number, steps, end)

    async def deliver(self, ref: AgentRef[Any], signal: Any, number: int, door: str, works: int = 0) -> None:
        try:
            if door in ("cast", "action cast"):
                await ref.cast(signal)
            elif door == "cast by then":
                await ref.cast(signal, deadline=self.book.by_then[number])
            elif door == "cast_nowait":
                ref.cast_nowait(signal)
            elif "settled" in door:
                await self.call_until_settled(ref, signal, number, PATIENCE if "impatient" in door else None, works)
            else:
                await self.call(ref, signal, number, door)
        except (CallError, ActionError) as error:
            self.told.append(type(error).__name__)
            self.book.fate(number, "refused" if "cast" in door else "told")

    async def call(self, ref: AgentRef[Any], signal: Any, number: int, door: str) -> None:
        self.calling[number] = ref
        try:
            if door == "cancelled call":
                with trio.move_on_after(0.4) as scope:
                    await ref.call(signal, timeout=None)
                if scope.cancelled_caught:
                    self.told.append("cancelled")
                    self.book.fate(number, "told")
                    return
            else:
                patience = PATIENCE if door == "impatient call" else None
                agent = await ref.call(signal, timeout=patience, deadline=self.book.by_then.get(number))
                if number not in agent.state.numbers:
                    self.book.wrong.append(f"the answer to {number} has nothing of it: {agent.state}")
        finally:
            del self.calling[number]
        self.book.fate(number, "answered")

    async def call_until_settled(
        self, ref: AgentRef[Any], signal: Any, number: int, patience: float | None, works: int
    ) -> None:
        self.settling[number] = ref
        try:
            settled = await ref.call(signal, until="settled", timeout=patience)
        except CallError:
            if self.book.fates[number] != ["handled"]:
                raise
            self.book.fate(number, "not settled")  # what followed was cut off, or took too long
            return
        finally:
            del self.settling[number]
        self.book.fate(number, "answered")
        outcomes = [outcome.meta["number"] for outcome in settled.outcomes]
        assert len(outcomes) == works, f"{number} asked for {works} async actions, and is settled after {outcomes}"
        numbers = settled.agent.state.numbers
        assert {number, *outcomes} <= set(numbers), f"{number} is settled with {outcomes}, and they aren't in {numbers}"
        took = self.book.took[ref.id, settled.incarnation]
        assert {number, *outcomes} <= set(took), f"{number} is settled by life {settled.incarnation}, which took {took}"

    # ---- laws

    @invariant()
    @step
    async def laws_hold(self) -> None:
        if not hasattr(self, "jido"):
            return
        await wait_all_tasks_blocked()
        self.check()

    def check(self) -> None:
        self.check_ledgers()
        for place in self.places.values():
            for ref in place.list_agents():
                self.check_agent(ref)
        self.check_callers()
        self.check_calm()
        self.safe.check(self.kept, self.keeper)
        assert self.book.wrong == [], self.book.wrong

    def check_ledgers(self) -> None:
        ledgers = {name: check_ledger(place) for name, place in self.places.items()}
        for name, ledger in ledgers.items():
            assert ledger.handled == self.book.handled[name], (ledger, self.book.handled)
            assert ledger.dead_lettered == len(self.book.letters[name]), ledger
        told = Counter(self.told)
        failed, expired, withdrawn = (
            sum(getattr(ledger, what) for ledger in ledgers.values()) for what in ("failed", "expired", "withdrawn")
        )
        surely = told["AgentCrashed"] + told["NoRoute"] + told["ActionError"]
        assert surely <= failed <= surely + told["AgentStopped"] + self.untold, (ledgers, told)
        late = [number for number, then in self.book.by_then.items() if then <= trio.current_time()]
        late_casts = sum(not self.book.fates[number] for number in late)
        assert expired <= told["CallTimeout"] + late_casts + self.untold, (ledgers, told)
        assert withdrawn <= told["cancelled"] + len(self.book.cancelled), (ledgers, told)
        assert len(self.jido.dead_letters()) == len(self.book.letters["main"]) - self.resent

    def check_agent(self, ref: AgentRef[Any]) -> None:
        view, id = ref.inspect(), ref.id
        check_calm(ref)
        if id in self.book.refs and self.book.refs[id] == ref:
            self.check_state(ref)
        if view.at == "idle":
            lost = [number for number in self.unheard(id) if not self.book.fates[number]]
            assert lost == [], f"{id} never heard of {lost}"

    def check_state(self, ref: AgentRef[Any]) -> None:
        lives = range(1, ref.incarnation + 1) if self.book.keeps.get(ref.id) else [ref.incarnation]
        took = [n for life in lives for n in self.book.took.get((ref.id, life), [])]
        assert list(ref.agent.state.numbers) == took, (took, ref.inspect())

    def unheard(self, id: str) -> list[int]:
        """What an agent that has nothing to do must have heard of."""
        now, sent = trio.current_time(), self.book.sent.items()
        due = [number for number, (owner, when) in self.book.due.items() if owner == id and when < now]
        return due + [n for n, each in sent if each.receiver == id and not each.silent and self.has_sent(each.sender)]

    def has_sent(self, sender: str) -> bool:
        """Whether a sender has carried out all that it said it would send."""
        ref = self.book.refs.get(sender)
        return sender == MACHINE or (ref is not None and ref.inspect().at in ("idle", "down"))

    def check_callers(self) -> None:
        for number, ref in self.calling.items():
            view = ref.inspect()
            assert view.closed is None, f"the caller of {number} waits for an agent that has ended: {view}"
            assert view.at != "idle", f"the caller of {number} waits for an agent with nothing to do: {view}"
        for number, ref in self.settling.items():
            view = ref.inspect()
            assert view.closed is None, f"who waits until {number} is settled waits for an agent that has ended: {view}"
            assert view.at != "idle" or view.actions, f"{number} is settled, and who waits is not told: {view}"

    def check_calm(self) -> None:
        calm = self.book.refs["calm"]
        assert calm.incarnation == 1
        assert set(self.calm) <= set(calm.agent.state.numbers)

    async def tear_down(self) -> None:
        if not hasattr(self, "jido"):
            return
        try:
            await wait_all_tasks_blocked()
            self.check()
            self.closing.set()
            await self.ended.wait()
            await wait_all_tasks_blocked()
            self.check_ledgers()
            assert (self.calling, self.settling) == ({}, {}), "callers wait for an instance that has ended"
            assert self.book.wrong == [], self.book.wrong
            assert self.safe.asking == set(), "callers of the durable agent wait for an instance that has ended"
            places = [*self.places.values(), self.kept]
            assert [place.ledger().waiting for place in places] == [0] * len(places)
            lost = [n for n, sent in self.book.sent.items() if not sent.silent and not self.book.fates[n]]
            assert lost == [], f"nothing is known of {[(n, self.book.sent[n]) for n in lost]}"
            unreported = [text for text, times in self.book.crashes.items() if not times]
            assert unreported == [], "crashes that nobody was told of"
        finally:
            BOOKS.remove(self.book)


Programs.TestCase.settings = settings(max_examples=30, stateful_step_count=30)
test_random_programs = Programs.TestCase
