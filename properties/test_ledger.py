"""The law of the ledger: at every moment each message that was accepted has one fate, or waits.

Scripts of all that can become of messages, over three agents with small mailboxes. Whoever can look, looks: the script
after each of its steps, the agents while they handle something, and whoever is told of crashes and dead letters. What
the ledger says in the end is held against books that the agents and the senders keep by themselves.
"""

import contextlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import trio
import trio.testing
from attrs import define, field, frozen
from hypothesis import given
from hypothesis import strategies as st

from jido_trio.core import (
    Action,
    AdoptChild,
    Agent,
    Context,
    Emit,
    Instruction,
    Result,
    RunInstruction,
    Schedule,
    Sent,
    Signal,
    SpawnAgent,
    Stop,
    ToAgent,
)
from jido_trio.errors import (
    ActionError,
    AgentNotFound,
    CallError,
    CallTimeout,
    JidoError,
    MailboxFull,
    SupervisorStopped,
)
from jido_trio.runtime import AgentRef, DeadLetter, Jido, MailboxRules, Runtime, interpret

AGENTS = ("a", "b", "c")


@define
class Books:
    """What agents and senders know by themselves, and whether the ledger was right whenever somebody looked."""

    jido: Jido
    handled: int = 0
    told: Counter[str] = field(factory=Counter)
    letters: list[DeadLetter] = field(factory=list)
    reports: list[Any] = field(factory=list)
    wrong: list[str] = field(factory=list)

    def note_all(self, answers: Sequence[object]) -> None:
        """Note the errors among what messages came to."""
        for answer in answers:
            match answer:
                case MailboxFull():
                    self.told["refused"] += 1
                case ActionError():
                    self.told["said no"] += 1
                    self.handled -= 1
                case CallTimeout():
                    self.told["late"] += 1
                case CallError():
                    self.told[type(answer).__name__] += 1

    def look(self, when: str) -> None:
        """Look at the ledger, and into the agents."""
        ledger, views = self.jido.ledger(), [ref.inspect() for ref in self.jido.list_agents()]
        mailboxes = [view.mailbox for view in views]
        waiting = sum(mailbox.waiting for mailbox in mailboxes)
        leaving = any(self.jido._instance._leaving.values())  # whose ids others have
        if not ledger.balanced or waiting > ledger.waiting or (waiting < ledger.waiting and not leaving):
            self.wrong.append(f"{when}: {ledger}, {waiting} in the mailboxes")
        if any(len(mailbox.next) != min(10, mailbox.waiting) for mailbox in mailboxes):
            self.wrong.append(f"{when}: not all that waits is named: {mailboxes}")
        if any(not 0 <= mailbox.taken <= min(mailbox.waiting, mailbox.capacity) for mailbox in mailboxes):
            self.wrong.append(f"{when}: places that nobody has are taken: {mailboxes}")


BOOKS: list[Books] = []


@frozen
class Nothing:
    """A state that is of no interest."""


class Handle(Action):
    directives: tuple[Any, ...] = ()

    def run(self, context: Context[Nothing]) -> Result:
        BOOKS[-1].look("while a message is handled")
        BOOKS[-1].handled += 1
        return list(self.directives)


class Crash(Action):
    def run(self, context: Context[Nothing]) -> Result:
        BOOKS[-1].look("while an agent crashes")
        raise ZeroDivisionError


class Work(Action):
    bad: bool = False

    async def run(self, context: Context[Nothing]) -> Result:
        await trio.sleep(1)
        if self.bad:
            raise ZeroDivisionError
        return None


class Worked(Action):
    outcome: Any

    def run(self, context: Context[Nothing]) -> Result:
        BOOKS[-1].handled += 1
        return None


class Refuse(Action):
    """Says no. Whoever is told so takes it off again."""

    def run(self, context: Context[Nothing]) -> Result:
        BOOKS[-1].handled += 1
        raise ActionError("no")


@frozen
class Nap:
    """A directive that keeps the agent busy, and crashes it if it shall."""

    crash: bool = False


@interpret.register
async def _(directive: Nap, runtime: Runtime) -> None:
    await trio.sleep(1)
    if directive.crash:
        raise ZeroDivisionError


class Member(Agent[Nothing], routes={"do": Handle, "crash": Crash, "refuse": Refuse, "jido.agent.orphaned": Handle()}):
    """Handles, crashes, and hears some of the news."""


def do(*directives: object) -> Signal:
    return Signal("do", {"directives": directives})


def working(*, bad: bool) -> RunInstruction:
    return RunInstruction(Instruction(Work(bad=bad)), result_action=Worked)


SIGNALS: dict[str, Sent] = {
    "handled": do(),
    "crash": Signal("crash"),
    "refused": Signal("refuse"),
    "an action": Handle(),
    "an action that says no": Refuse(),
    "an action that crashes": Crash(),
    "unrouted": Signal("unrouted"),
    "busy": do(Nap()),
    "busy, then crash": do(Nap(crash=True)),
    "work": do(working(bad=False)),
    "bad work": do(working(bad=True)),
    "to itself": do(Emit(do())),
    "crash itself": do(Emit("crash")),
    "later": do(Schedule(1, do())),
    "never": do(Schedule(1, Signal("unrouted"))),
    "to nobody": do(Emit("x", dispatch=ToAgent("nobody"))),
    "to others": do(*(Emit(do(), dispatch=ToAgent(id)) for id in AGENTS)),
    "to others, or drop": do(*(Emit(do(), dispatch=ToAgent(id), when_full="drop") for id in AGENTS)),
    "to others, with patience": do(Emit(do(), dispatch=[ToAgent(id) for id in AGENTS], when_full="wait")),
    "crash others": do(*(Emit("crash", dispatch=ToAgent(id)) for id in AGENTS)),
    "child": do(SpawnAgent(Member, tag="child", on_parent_death="emit_orphan")),
    "adopt": do(AdoptChild("c", tag="c")),
    "stop": do(Stop()),
}
HOW = (
    "cast",
    "cast_nowait",
    "call",
    "unchecked call",
    "impatient call",
    "cancelled call",
    "many calls",
    "many casts",
    "cancelled calls",
    "settled call",
    "timed cast",
)


@frozen
class Step:
    """One thing that happens in a script."""

    kind: str
    agent: str = ""
    how: str = ""


agents = st.sampled_from(AGENTS)
sent = st.builds(Step, st.sampled_from(sorted(SIGNALS)), agents, st.sampled_from(HOW))
pauses = st.just(Step("pause"))
ends = st.builds(Step, st.sampled_from(("kill", "stop from outside")), agents)
rules = st.none() | st.builds(
    MailboxRules,
    when_full=st.sampled_from(("block", "reject", "drop_oldest", "drop_newest")),
    coalesce=st.sampled_from((None, lambda signal: signal.type)),
    on_restart=st.sampled_from(("keep", "dead_letter", "drop")),
    redeliver=st.integers(0, 2),
    high_water=st.sampled_from((None, 0.5, 1)),
)
scripts = st.lists(st.one_of(sent, sent, sent, sent, pauses, ends), max_size=30)


async def play(script: Sequence[Step], rules: Sequence[MailboxRules | None], books: Books) -> None:
    """Do what the script says, then leave the instance while callers may still wait."""
    async with trio.open_nursery() as senders, books.jido as jido:
        refs = {
            id: await jido.start_agent(Member, id=id, mailbox_size=3, mailbox=each)
            for id, each in zip(AGENTS, rules, strict=True)
        }
        for step in script:
            if step.kind == "pause":
                await trio.sleep(0.5)
            elif step.kind == "kill":
                kill(jido, step.agent)
            elif step.kind == "stop from outside":
                senders.start_soon(stop, jido, step.agent)
            else:
                senders.start_soon(send, books, refs[step.agent], step)
                await trio.testing.wait_all_tasks_blocked()
            books.look(f"after {step}")


def kill(jido: Jido, id: str) -> None:
    """Kill an agent, unless it has ended."""
    if jido.whereis(id) is not None:
        jido.kill_agent(id)


async def stop(jido: Jido, id: str) -> None:
    """Stop an agent, unless it has ended."""
    with contextlib.suppress(AgentNotFound, SupervisorStopped):
        await jido.stop_agent(id)


async def send(books: Books, ref: AgentRef[Any], step: Step) -> None:
    """Send what a step says, and note what came of it."""
    signal = SIGNALS[step.kind]
    try:
        if step.how == "cast":
            await ref.cast(signal)
        elif step.how == "cast_nowait":
            ref.cast_nowait(signal)
        elif step.how == "timed cast":
            books.told["late"] += 1  # as nobody would say
            await ref.cast(signal, deadline=trio.current_time() + 0.4)
        elif step.how == "settled call":
            await ref.call(signal, timeout=3, until="settled")
        elif step.how == "many calls":
            books.note_all(await ref.call_many([signal] * 5, timeout=0.4))
        elif step.how == "many casts":
            await ref.cast_many([signal] * 5)
        elif step.how == "cancelled calls":
            with trio.move_on_after(0.3) as scope:
                books.note_all(await ref.call_many([signal] * 5, timeout=None, check=False))
            books.told["cancelled"] += 5 * scope.cancelled_caught
            books.told["unheard"] += 5 * scope.cancelled_caught
        elif step.how == "cancelled call":
            with trio.move_on_after(0.3) as scope:
                await ref.call(signal, timeout=None)
            books.told["cancelled"] += scope.cancelled_caught
        else:
            await ref.call(
                signal, timeout=0.4 if step.how == "impatient call" else None, check=step.how != "unchecked call"
            )
    except JidoError as error:
        books.note_all([error])
    books.look("after an answer")


def played(script: Sequence[Step], rules: Sequence[MailboxRules | None]) -> Books:
    """Return the books of a script that was played in virtual time."""

    def letter(each: DeadLetter) -> None:
        books.letters.append(each)
        books.look("as a dead letter is told")

    def report(each: Any) -> None:
        books.reports.append(each)
        books.look("as a crash is told")

    books = Books(Jido(on_dead_letter=letter, on_report=report))
    BOOKS.append(books)
    try:
        trio.run(play, script, rules, books, clock=trio.testing.MockClock(autojump_threshold=0))
    except* CallError:
        pass
    finally:
        BOOKS.pop()
    return books


@given(scripts, st.tuples(rules, rules, rules))
def test_at_every_moment_each_message_has_one_fate_or_waits(script, rules):
    assert played(script, rules).wrong == []


@given(scripts, st.tuples(rules, rules, rules))
def test_after_the_end_nothing_waits_and_the_books_agree(script, rules):
    books = played(script, rules)
    ledger = books.jido.ledger()

    assert (ledger.balanced, ledger.waiting) == (True, 0)
    assert ledger.handled == books.handled
    assert ledger.dead_lettered == len(books.letters)
    assert books.jido.dead_letters() == tuple(books.letters)
    assert ledger.expired <= books.told["late"]
    assert ledger.withdrawn <= books.told["cancelled"]
    told = sum(books.told[name] for name in ("AgentCrashed", "AgentStopped", "NoRoute", "said no", "unheard"))
    assert ledger.failed <= told
