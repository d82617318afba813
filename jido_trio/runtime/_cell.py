"""Cell: one agent of an instance, over all its lives. Instance: what all agents of one instance share.

A cell is in one of these states; the server moves it from one to the next:

    down      no life, or one that is over but for its tasks; messages wait
    idle      nothing to do: a call is handled right where it is made
    queued    it has messages or directives, and waits for its turn in the run queue
    serving   a message is being handled, on the stack of the run queue or of a caller
    resting   nothing to do, but a durable agent handles nothing where it is sent
    waiting   a task of the life carries out directives that take time, or commits; messages wait
    ending    it gave a `Stop`, and has done all before that: it waits for its supervisor to come to the stop

Whoever puts a message into an idle agent's mailbox queues it; in all other states somebody will look at the mailbox.
So nothing that calls back into the instance, from an interpreter or a sink, ever runs an agent: it queues.
"""

from __future__ import annotations

import contextvars
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, TypeGuard, TypeVar, runtime_checkable
from urllib.parse import quote

import trio
from attrs import AttrsInstance, Factory, define, field

from jido_trio.core import Agent, Outcome, Resources, Signal
from jido_trio.errors import AgentNotFound, AgentStopped, CallError, DuplicateAgent, SupervisorStopped
from jido_trio.redact import shown, shown_error
from jido_trio.runtime._clock import Deadlines, Timers
from jido_trio.runtime._crash import AgentCrash
from jido_trio.runtime._fates import Counts, DeadDirective, DeadLetters, Ledger, bury, log_dead_directive
from jido_trio.runtime._mailbox import Mailbox
from jido_trio.runtime._mailbox_rules import MailboxRules
from jido_trio.runtime._messages import Call, Due, Kill, Message, Own
from jido_trio.runtime._run_queue import RunQueue
from jido_trio.runtime._secrets import secret_names
from jido_trio.storage import Storage
from jido_trio.supervision import PassiveLife, Supervisor
from jido_trio.terms import ExitKind
from jido_trio.world import World

CALL_TIMEOUT = 5.0
"""Seconds that a call waits, unless it says otherwise."""

State: TypeAlias = Literal["down", "idle", "resting", "queued", "serving", "waiting", "ending"]

T = TypeVar("T")


class Belonging(Protocol):
    """What an effect keeps for one agent, over all its lives: its children, its timers."""

    def up(self) -> None:
        """Take note that the agent's first life has begun."""

    def again(self) -> None:
        """Take note that a further life of it begins."""

    def gone(self, exit: ExitKind) -> None:
        """Take note that the agent has ended for good, and how."""


@runtime_checkable
class Working(Protocol):
    """A belonging that may be at work beside the lives of its agent, which isn't put to rest then."""

    @property
    def is_busy(self) -> bool:
        """Whether it is at work."""
        ...


@runtime_checkable
class Returning(Protocol):
    """A belonging that minds where its agent goes back to."""

    def went_back(self) -> None:
        """Take note that the agent goes on from an earlier point, at which it is now."""
        ...


@runtime_checkable
class Becoming(Protocol):
    """A belonging that minds of which class its agent is."""

    def became(self) -> None:
        """Take note that the agent is one of another class now."""
        ...


class Watching(Protocol):
    """Who is told of what follows from signals."""

    def began(self, job: object, signal: Signal, action: str) -> None:
        """Take note of an async action."""

    def ended(self, job: object, outcome: Outcome | None) -> None:
        """Take note of its end, of which the agent isn't told yet."""

    def handled(self, signal: Signal) -> None:
        """Take note that the agent has handled a signal, or an outcome of it."""

    def done(self, signal: Signal) -> None:
        """Take note that directives for a signal have been carried out, or that there were none."""

    def cut_off(self, why: str) -> None:
        """Take note that the life was ended."""


@define(eq=False, weakref_slot=False)
class Cell:
    """One agent of an instance."""

    initial: Agent[Any]
    """The agent as each of its lives begins."""
    instance: Instance
    mailbox: Mailbox
    agent: Agent[Any] = field(init=False)
    """The agent as the last signal left it."""
    state: State = field(default="down", init=False)
    life: PassiveLife | None = field(default=None, init=False)
    incarnation: int = field(default=1, init=False)
    ending: bool = field(default=False, init=False)
    """Whether this life gave a `Stop`: nothing more is handled."""
    leaving: bool = field(default=False, init=False)
    """Whether a stop was asked for that frees its id for another."""
    closed: str = field(default="", init=False)
    """Why it takes no more messages."""
    stop_reason: object = field(default=None, init=False)
    """Why it is being stopped, where a reason was given."""
    default_dispatch: object = field(init=False)
    """Where its signals go that name no target; None is itself."""
    on_change: Callable[[Agent[Any]], None] | None = field(default=None, init=False)
    """Told of the agent after each signal, while somebody waits for that."""
    settling: Watching | None = field(default=None, init=False)
    """Told of what follows from signals, while somebody waits for the end of that."""
    _kept: dict[type, Belonging] | None = field(default=None, init=False)

    durable: ClassVar[bool] = False
    """Whether it outlives its process."""

    def __attrs_post_init__(self) -> None:
        self.agent = self.initial
        self.default_dispatch = type(self.initial).default_dispatch

    @property
    def id(self) -> str:
        """The agent's id."""
        return self.initial.id

    @property
    def tasks(self) -> int:
        """How many tasks its life has."""
        return 0

    @property
    def waits_for(self) -> object:
        """The directive that it waits for, if it does."""
        return None

    @property
    def is_unreadable(self) -> bool:
        """Whether what is on disk of it can't be used, so that no further life can begin."""
        return False

    def crashing(self, error: BaseException, at: AgentCrash) -> None:
        """Take note that the current life crashes, and at what."""
        if self.settling is not None:
            self.settling.cut_off(shown_error(error, hide=at.hidden))

    # ---- messages

    def put(self, message: Message) -> None:
        """Put in what takes no place. If the agent has ended, a signal of its own is a dead letter."""
        if self.closed:
            self.instance.counts.accepted += 1
            self._give_up([message], self.closed)
            return
        self.mailbox.put(message)
        self.wake()

    def offer(self, signal: Signal) -> bool:
        """Put in a signal of another, if there is place."""
        mailbox = self.mailbox
        if self.closed:
            return False
        if mailbox.is_ruled:
            if not mailbox.offer(signal):
                return False
        elif mailbox.taken >= mailbox.capacity:
            return False
        else:
            mailbox.put_in_place(signal)
        if self.state == "idle":
            self.state = "queued"
            self.instance.run_queue.add(self)
        return True

    def wake(self) -> None:
        """Have it look at its mailbox."""
        if self.state == "idle":
            self.state = "queued"
            self.instance.run_queue.add(self)

    def serve(self, limit: int, /) -> int:
        """See `Ready`; the server does."""
        raise AssertionError("a cell is served by its server")

    # ---- what effects keep for it

    def kept(self, kind: type[T]) -> T | None:
        """Return the agent's belonging of that class, if it has one."""
        return self._kept.get(kind) if self._kept is not None else None  # type: ignore[return-value]  # under its class

    def keep(self, belonging: Belonging) -> None:
        """Keep a belonging, in the place of one of its class."""
        if self._kept is None:
            self._kept = {}
        self._kept[type(belonging)] = belonging

    @property
    def belongings(self) -> tuple[Belonging, ...]:
        """All that is kept for it."""
        return tuple((self._kept or {}).values())

    @property
    def is_kept_busy(self) -> bool:
        """Whether a belonging is at work for it, beside its lives."""
        return any(isinstance(each, Working) and each.is_busy for each in self.belongings)

    def went_back(self) -> None:
        """Tell those of its belongings that mind that it goes on from an earlier point."""
        for belonging in self.belongings:
            if isinstance(belonging, Returning):
                belonging.went_back()

    def became(self) -> None:
        """Tell those of its belongings that mind that it is one of another class now."""
        for belonging in self.belongings:
            if isinstance(belonging, Becoming):
                belonging.became()

    def let_go(self, kind: type) -> None:
        """Keep the belonging of that class no more."""
        if self._kept is not None:
            self._kept.pop(kind, None)

    def up(self) -> None:
        """Tell its belongings that its first life has begun."""
        if self._kept is not None:
            for belonging in tuple(self._kept.values()):
                belonging.up()

    def again(self) -> None:
        """Tell its belongings that a further life begins."""
        for belonging in tuple((self._kept or {}).values()):
            belonging.again()

    # ---- the end

    def gone(self, exit: ExitKind) -> None:
        """It has ended for good: callers are told, what nobody waits for is a dead letter."""
        self.close("crashed" if exit == "crash" else "stopped")
        for belonging in tuple((self._kept or {}).values()):
            belonging.gone(exit)
        self._kept = None

    def close(self, reason: str) -> None:
        """Take no more messages."""
        self.closed, self.state, self.life = reason, "down", None
        self._give_up(list(self.mailbox.close(self.refusal)), self.closed)

    def refusal(self) -> CallError:
        """Return the error for who sends it more."""
        return AgentStopped(self.id, self.closed)

    def _give_up(self, messages: list[Message], reason: str, *, letters: bool = True) -> None:
        # All have their fates before anybody is told of one, who may look at the ledger.
        unread = [_signal(message) for message in messages if self._is_letter(message, reason, letters=letters)]
        for signal in unread:
            self.instance.dead_letters.add(self.id, signal, reason)

    def _is_letter(self, message: Message, reason: str, *, letters: bool) -> TypeGuard[Signal | Own | Due]:
        """Give an unread message its fate."""
        counts = self.instance.counts
        match message:
            case Call():
                if not message.settled:
                    counts.failed += 1
                    message.settle(AgentStopped(self.id, reason))
            case Kill():
                pass
            case Signal() | Own() | Due() if letters:
                counts.dead_lettered += 1
                return True
            case _:
                counts.dropped += 1  # outcomes and news are of no interest to anybody else
        return False


def _signal(message: Signal | Own | Due) -> Signal:
    return message if isinstance(message, Signal) else message.signal


P = TypeVar("P")


class Other(Protocol):
    """A child of the supervisor of the agents that is none."""

    def gone(self, exit: ExitKind) -> None:
        """Take note that it has ended for good, and how."""


@define(eq=False)
class Instance:
    """What all agents of one instance share."""

    name: str
    source: str
    """The source of its own signals."""
    world: World
    context: contextvars.Context
    """The context variables that agents see: those of when the instance was made."""
    resources: Resources
    mailbox_size: int
    dead_letters: DeadLetters
    new_cell: Callable[[Agent[Any], Instance, int, MailboxRules | None], Any]
    """Makes an agent's place, of the kind that its class wants."""
    storage: Storage | None = None
    """Where its durable agents are kept, while it is open."""
    on_dead_directive: Callable[[DeadDirective], None] = log_dead_directive
    on_added: Callable[[Cell], None] | None = None
    """Told of each agent that is about to begin."""
    counts: Counts = field(factory=Counts)
    """What became of its messages."""
    run_queue: RunQueue = field(factory=RunQueue)
    timers: Timers = field(factory=Timers)
    deadlines: Deadlines = Factory(lambda self: Deadlines(CALL_TIMEOUT, self.timers), takes_self=True)
    """Of the calls that have the default timeout."""
    cells: dict[str, Cell] = field(factory=dict)
    """Its agents by id."""
    others: dict[str, Other] = field(factory=dict)
    """What the supervisor of the agents has beside them, by id."""
    _leaving: dict[str, deque[Cell]] = field(factory=dict)
    """Agents that are being stopped, and whose ids have been given to others already."""
    _parts: dict[object, Any] = field(factory=dict)
    token: trio.lowlevel.TrioToken | None = None
    """The run of Trio that it lives in."""
    supervisor: Supervisor | None = None
    """Of its agents; None before it is entered, and after it was left."""
    ended: bool = False

    def apart(self, name: str, mailbox_size: int | None, letters: DeadLetters) -> Instance:
        """Return one for other agents, which has the run queue and the timers in common with this one."""
        return Instance(
            f"{self.name}/{name}",
            f"{self.source}/{quote(name, safe='', errors='replace')}",
            self.world,
            self.context,
            self.resources,
            self.mailbox_size if mailbox_size is None else mailbox_size,
            letters,
            self.new_cell,
            self.storage,
            self.on_dead_directive,
            run_queue=self.run_queue,
            timers=self.timers,
            deadlines=self.deadlines,
            token=self.token,
        )

    def part(self, kind: Callable[[Instance], P]) -> P:
        """Return the one part of that class that the instance has; it is made when it is first asked for."""
        part: P | None = self._parts.get(kind)
        if part is None:
            part = self._parts[kind] = kind(self)
        return part

    def dead_letter(self, agent_id: str, signal: Signal, reason: str, crash: str | None = None) -> None:
        """Tell of a signal that was accepted and that nobody handles."""
        self.counts.dead_lettered += 1
        self.dead_letters.add(agent_id, signal, reason, crash)

    def undeliverable(self, agent_id: str, signal: Signal, reason: str) -> None:
        """Tell of a signal that can't come where it was sent."""
        self.counts.accepted += 1
        self.dead_letter(agent_id, signal, reason)

    def dead_directives(
        self, agent_id: str, signal: Signal, directives: Sequence[AttrsInstance], reason: str, *, begun: bool = False
    ) -> None:
        """Tell of directives that are not carried out, one by one; `begun` is about the first of them."""
        for number, directive in enumerate(directives):
            first = begun and number == 0
            dead = DeadDirective(agent_id, directive, signal, reason, first, self.dead_letters.secret)
            bury(dead, self.on_dead_directive)

    def ledger(self) -> Ledger:
        """Return what became of the messages so far."""
        counts = self.counts
        return Ledger(
            counts.accepted,
            counts.handled,
            counts.failed,
            counts.dead_lettered,
            counts.expired,
            counts.withdrawn,
            counts.dropped,
            sum(len(cell.mailbox) for cell in self._all()),
        )

    def _all(self) -> list[Cell]:
        return [*self.cells.values(), *(cell for cells in self._leaving.values() for cell in cells)]

    def running(self) -> Supervisor:
        """Return the supervisor of the agents.

        Raises:
            SupervisorStopped: The instance isn't running.
            RuntimeError: The caller isn't in the Trio run of the instance.
        """
        if self.supervisor is None:
            raise SupervisorStopped(self.name, entered=self.token is not None)
        self.check_here()
        return self.supervisor

    def is_here(self) -> bool:
        """Whether the caller is in the Trio run of the instance, and so in its thread."""
        try:
            return trio.lowlevel.current_trio_token() is self.token
        except RuntimeError:
            return False

    def check_here(self) -> None:
        """Refuse a caller in another thread, or in another run of Trio, before anything is changed."""
        if not self.is_here():
            raise RuntimeError(
                f"instance {shown(self.name)} belongs to another run of Trio, or to another thread; "
                "from a thread, speak to its agents by trio.from_thread.run(ref.call, signal) or "
                "trio.from_thread.run_sync(ref.cast_nowait, signal), and look at it by "
                "trio.from_thread.run_sync(jido.inspect)"
            )

    def check_here_while_up(self) -> None:
        """Do the same as long as there is a run that it belongs to."""
        if self.supervisor is not None and not self.ended:
            self.check_here()

    # ---- agents by id

    def find(self, id: str, cell: Cell | None = None) -> Cell:
        """Return the agent with that id; with `cell`, only if it is that one.

        Raises:
            AgentNotFound: There is none.
        """
        found = self.cells.get(id)
        if found is None or (cell is not None and found is not cell):
            raise AgentNotFound(id)
        return found

    def has(self, id: str) -> bool:
        """Whether that id is in use."""
        return id in self.cells or id in self._leaving or id in self.others

    def add(self, cell: Cell) -> None:
        """Give the cell its id.

        Raises:
            DuplicateAgent: Another has it, and isn't leaving.
        """
        if cell.id in self.others:
            raise DuplicateAgent(cell.id)
        holder = self.cells.get(cell.id)
        if holder is not None:
            if not holder.leaving:
                raise DuplicateAgent(cell.id)
            self._leaving.setdefault(cell.id, deque()).append(self.cells.pop(cell.id))
        self.cells[cell.id] = cell
        self.dead_letters.secret |= secret_names(type(cell.initial))
        if self.on_added is not None:
            self.on_added(cell)

    def gone(self, id: str, exit: ExitKind) -> None:
        """An agent has ended for good, or what is none."""
        other = self.others.pop(id, None) if self.others else None
        if other is not None:
            other.gone(exit)
            return
        leaving = self._leaving.get(id)
        if leaving:
            cell = leaving.popleft()
            if not leaving:
                del self._leaving[id]
        else:
            cell = self.cells.pop(id)
        cell.gone(exit)

    def forget(self, cell: Cell, exit: ExitKind) -> None:
        """An agent never came to run."""
        if self.cells.get(cell.id) is cell:
            del self.cells[cell.id]
        if not cell.closed:
            cell.gone(exit)

    def close(self) -> None:
        """Close the agents that are left: nobody may wait for them."""
        self.supervisor, self.ended = None, True
        for cell in self._all():
            cell.close("stopped")
        self.cells.clear()
        self._leaving.clear()
        self.others.clear()
