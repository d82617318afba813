"""Jido: an instance, with its supervision tree, its timers and its agents by id. Opens all of it, and closes it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Self, TypeVar

from attrs import frozen

from jido_trio.core import Agent, Signal, SpawnAgent, ToAgent, ToParent
from jido_trio.errors import (
    ActionError,
    AgentNotFound,
    ChildRefused,
    DuplicateAgent,
    InvalidDefinition,
    RestartIntensityExceeded,
    SupervisionError,
    SupervisorStopped,
)
from jido_trio.runtime._cell import Cell, Parent
from jido_trio.runtime._mailbox import Mailbox
from jido_trio.runtime._message import Message
from jido_trio.runtime._ref import AgentRef
from jido_trio.runtime._server import serve
from jido_trio.runtime._timers import Timers
from jido_trio.supervision import (
    Backoff,
    Budget,
    Child,
    Sink,
    Supervisor,
    SupervisorView,
    dynamic_supervisor_child,
    open_supervisor,
)
from jido_trio.terms import ExitKind, Restart, ShutdownLimit
from jido_trio.world import World, current, using

logger = logging.getLogger("jido_trio.runtime")

AgentT = TypeVar("AgentT", bound=Agent[Any])


@frozen
class DeadLetter:
    """A signal that was sent to an agent and that nobody will handle."""

    agent_id: str
    signal: Signal
    reason: str


def log_dead_letter(letter: DeadLetter) -> None:
    """Write the dead letter to the log `jido_trio.runtime`; where they go unless an instance is told otherwise."""
    logger.warning("signal %r to agent %r is not handled: %s", letter.signal.type, letter.agent_id, letter.reason)


class Jido:
    """An instance: agents that live inside of `async with Jido("name") as jido:`.

    Leaving the block stops all agents, each within its `shutdown` seconds; cancelling the block does the same.

    Args:
        name: What it is called in reports, and in the source of its own signals.
        max_restarts: Restarts, over all agents, tolerated within `max_seconds`; more end the instance.
        max_seconds: Length of that window, in seconds of Trio's clock.
        mailbox_size: How many messages may wait for an agent, unless its start says otherwise.
        shutdown: Seconds for stopping everything; what still runs then is cancelled. None sets no limit.
        world: Where ids, times and random numbers come from; the current world if not given.
        on_report: Called with each `CrashReport`, before the restart, and each `OverrunReport`. None writes them to the
            log `jido_trio.supervision`, repeats folded.
        on_dead_letter: Called with each signal that nobody will handle.

    Raises:
        RestartIntensityExceeded: On leaving: the agents crashed too often. The cause is the last crash.
    """

    def __init__(
        self,
        name: str = "jido",
        *,
        max_restarts: int = 1000,
        max_seconds: float = 5,
        mailbox_size: int = 10_000,
        shutdown: float | None = 10,
        world: World | None = None,
        on_report: Sink | None = None,
        on_dead_letter: Callable[[DeadLetter], None] = log_dead_letter,
    ) -> None:
        self.name = name
        self.world = world if world is not None else current()
        self.timers = Timers()
        self._mailbox_size = _checked_size(mailbox_size)
        self._on_dead_letter = on_dead_letter
        self._cells: dict[str, Cell] = {}
        agents = dynamic_supervisor_child(
            "agents", max_restarts=max_restarts, max_seconds=max_seconds, on_report=on_report, on_gone=self._gone
        )
        # The agents giving up is the end of the instance: max_restarts=0 passes it on.
        with using(self.world):
            self._run: AbstractAsyncContextManager[Supervisor] = open_supervisor(
                [Child("timers", self.timers.run), agents],
                name=name,
                max_restarts=0,
                shutdown=shutdown,
                on_report=on_report,
            )
        self._root: Supervisor | None = None
        self._agents: Supervisor | None = None

    def __repr__(self) -> str:
        return f"<Jido {self.name!r}, {len(self._cells)} agents>"

    async def __aenter__(self) -> Self:
        if self._root is not None:
            raise RuntimeError(f"instance {self.name!r} can be entered once; make another Jido to start again")
        self._root = await self._run.__aenter__()
        agents = self._root.child("agents").value
        assert isinstance(agents, Supervisor)  # noqa: S101  # what a dynamic supervisor's ref holds
        self._agents = agents
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        try:
            return await self._run.__aexit__(kind, error, traceback)  # noqa: ASYNC102  # the supervisor's own exit shields it
        except RestartIntensityExceeded as gave_up:
            inner = gave_up.__cause__
            if not isinstance(inner, RestartIntensityExceeded):
                raise
        finally:
            # Those that never came to run: nobody may wait for them.
            for cell in self._cells.values():
                cell.close("stopped", self.dead_letter)
            self._cells.clear()
        raise inner  # of the agents, which is what happened; that the instance gave up with them says nothing new

    # ---- agents

    async def start_agent(
        self,
        agent: type[AgentT] | AgentT,
        *,
        id: str | None = None,
        state: object = None,
        restart: Restart = "permanent",
        shutdown: ShutdownLimit = 5,
        mailbox_size: int | None = None,
        backoff: Backoff | None = None,
        budget: Budget | None = None,
    ) -> AgentRef[AgentT]:
        """Start an agent under supervision and return its ref once it is up.

        Args:
            agent: Its class; or an agent, with which each of its lives then begins.
            id: Unique among the agents that live; a fresh one if not given.
            state: A state, or what is different from the defaults, for a class.
            restart: "permanent" is restarted after each crash, "transient" too, "temporary" never.
            shutdown: Seconds to finish what it is at when it is stopped; "brutal" for none, None for no limit.
            mailbox_size: How many messages may wait.
            backoff: Pauses before its restarts; None restarts at once.
            budget: Restarts that it may have by itself, and what follows when it has more.

        Raises:
            DuplicateAgent: An agent with that id lives.
            InvalidDefinition: The state doesn't fit, or an option is wrong.
            SupervisorStopped: The instance isn't running.
        """
        value = self._made(agent, id, state)
        cell = self._cell(value, None, mailbox_size)
        child = Child(value.id, serve, cell, self, restart=restart, shutdown=shutdown, backoff=backoff, budget=budget)
        self._cells[value.id] = cell
        try:
            await self._supervisor().start_child(child)
        except SupervisionError:
            self._cells.pop(value.id).close("not started", self.dead_letter)
            raise
        return self._ref(self._cells[value.id])

    async def stop_agent(self, agent: AgentRef[Any] | str, reason: object = "normal") -> None:
        """Stop an agent, given by ref or id, and return when it has ended. Stopped agents are never restarted.

        It finishes the signal it is at; those that still wait are answered with `AgentStopped` or are dead letters.

        Raises:
            AgentNotFound: No such agent lives.
            SupervisorStopped: The instance itself stops; the agent ends with it.
        """
        id = agent if isinstance(agent, str) else agent.id
        cell = self._cells.get(id)
        if cell is None or (isinstance(agent, AgentRef) and agent != self._ref(cell)):
            raise AgentNotFound(id)
        cell.stop_reason = reason
        try:
            await self._supervisor().terminate_child(id)
        except ChildRefused as refused:
            if refused.reason != "not_found":
                raise
            # It has ended meanwhile: somebody else stopped it, too.

    def kill_agent(self, agent: AgentRef[Any] | str) -> None:
        """Cancel the agent's current life, as OTP's `exit(Pid, kill)`: a crash, answered by its restart type.

        Raises:
            AgentNotFound: No such agent lives.
        """
        id = agent if isinstance(agent, str) else agent.id
        if id not in self._cells:
            raise AgentNotFound(id)
        self._supervisor().kill_child(id)

    def whereis(self, id: str) -> AgentRef[Any] | None:
        """Return the ref of the agent with that id, or None."""
        cell = self._cells.get(id)
        return self._ref(cell) if cell is not None else None

    def list_agents(self) -> tuple[AgentRef[Any], ...]:
        """Return the refs of all agents, in the order in which they were started."""
        return tuple(self._ref(cell) for cell in self._cells.values())

    def tree(self) -> SupervisorView:
        """Return the supervision tree, as plain data."""
        if self._root is None:
            raise SupervisorStopped(self.name)
        return self._root.tree()

    # ---- for servers; see `Instance`

    def deliver(self, sender: Cell, signal: Signal, dispatch: object) -> None:
        """See `Instance`. What can't be delivered is a dead letter; nobody waits and nobody crashes."""
        match dispatch:
            case None:
                sender.mailbox.put_over(Message(signal))
            case ToAgent(id):
                self._deliver_to(id, signal)
            case ToParent():
                if sender.parent is not None:
                    self._deliver_to(sender.parent.id, signal)
            case list() | tuple():
                for one in dispatch:
                    self.deliver(sender, signal, one)
            case _:
                raise InvalidDefinition(
                    f"agent {sender.id!r} emits to {dispatch!r}; dispatch is ToAgent(id), ToParent(), several, or None",
                    field="dispatch",
                    value=dispatch,
                )

    def dead_letter(self, agent_id: str, signal: Signal, reason: str) -> None:
        """See `Instance`."""
        try:
            self._on_dead_letter(DeadLetter(agent_id, signal, reason))
        except Exception:
            logger.exception("on_dead_letter raised for signal %r to agent %r", signal.type, agent_id)

    def log_error(self, agent_id: str, error: ActionError, context: str | None, problem: str | None) -> None:
        """See `Instance`."""
        logger.warning("agent %r: %s failed: %s", agent_id, context or "something", error)
        if problem is not None:
            logger.error("agent %r: %s", agent_id, problem)

    def spawn_child(self, parent: Cell, directive: SpawnAgent) -> None:
        """See `Instance`."""
        if directive.tag in parent.children:
            raise ActionError(
                f"agent {parent.id!r} has a child with tag {directive.tag!r} already; stop it, or choose another tag"
            )
        try:
            agent: Agent[Any] = self._made(directive.agent, directive.id, directive.state)
            link = Parent(parent.id, directive.tag, directive.on_parent_death, directive.meta)
            cell = self._cell(agent, link)
            child = Child(agent.id, serve, cell, self, restart=directive.restart)
        except (DuplicateAgent, InvalidDefinition) as error:
            raise ActionError(f"agent {parent.id!r} can't spawn {directive.tag!r}: {error}") from None
        self._cells[agent.id] = cell
        parent.children[directive.tag] = agent.id
        self._supervisor().start_child_soon(child)

    def child_started(self, cell: Cell) -> None:
        """See `Instance`."""
        link = cell.parent
        parent = self._cells.get(link.id) if link is not None else None
        if parent is not None and link is not None:
            self._tell_family(parent, "child.started", tag=link.tag, id=cell.id, meta=link.meta)

    def stop_cell(self, id: str, reason: object) -> None:
        """See `Instance`."""
        self._cells[id].stop_reason = reason
        self._supervisor().terminate_child_soon(id)

    # ---- within

    def _supervisor(self) -> Supervisor:
        if self._agents is None:
            raise SupervisorStopped(self.name)
        return self._agents

    def _made(self, agent: Any, id: str | None, state: object) -> Any:
        if isinstance(agent, type) and issubclass(agent, Agent):
            with using(self.world):
                return agent.new(id, state)
        if not isinstance(agent, Agent):
            raise InvalidDefinition(f"{agent!r} is neither an agent class nor an agent", field="agent", value=agent)
        if id not in (None, agent.id) or state is not None:
            raise InvalidDefinition(f"agent {agent.id!r} has its id and state already; give its class to go with them")
        return agent

    def _cell(self, agent: Agent[Any], parent: Parent | None, mailbox_size: int | None = None) -> Cell:
        """Return a cell for `agent`, whose id must be free."""
        if agent.id in self._cells:
            raise DuplicateAgent(agent.id)
        size = self._mailbox_size if mailbox_size is None else _checked_size(mailbox_size)
        return Cell(agent, Mailbox(size), parent)

    def _ref(self, cell: Cell) -> AgentRef[Any]:
        return AgentRef(cell, self.timers)

    def _deliver_to(self, id: str, signal: Signal) -> None:
        cell = self._cells.get(id)
        if cell is None:
            self.dead_letter(id, signal, "no agent has that id")
        elif len(cell.mailbox) >= cell.mailbox.capacity:
            self.dead_letter(id, signal, "its mailbox is full")
        else:
            cell.mailbox.put_over(Message(signal))

    def _gone(self, id: str, exit: ExitKind) -> None:
        """An agent has ended for good."""
        cell = self._cells.pop(id)
        cell.close("crashed" if exit == "crash" else "stopped", self.dead_letter)
        reason = cell.stop_reason if cell.stop_reason is not None else exit
        parent = self._cells.get(cell.parent.id) if cell.parent is not None else None
        if parent is not None and cell.parent is not None:
            parent.children.pop(cell.parent.tag, None)
            self._tell_family(parent, "child.exit", tag=cell.parent.tag, id=id, reason=str(reason))
        for child in cell.children.values():
            self._orphan(self._cells[child], id)

    def _orphan(self, child: Cell, parent: str) -> None:
        # In any case: another agent may take the id of the parent, and isn't it.
        link, child.parent = child.parent, None
        assert link is not None  # noqa: S101  # it is among its parent's children
        if link.on_death == "stop":
            self.stop_cell(child.id, "parent stopped")
        elif link.on_death == "emit_orphan":
            self._tell_family(child, "orphaned", parent=parent, tag=link.tag)

    def _tell_family(self, cell: Cell, what: str, **data: object) -> None:
        with using(self.world):
            signal = Signal(f"jido.agent.{what}", data, source=f"/jido/{self.name}")
        cell.mailbox.put_over(Message(signal, quiet=True))


def _checked_size(size: object) -> int:
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise InvalidDefinition(
            f"mailbox_size={size!r} must be a whole number above 0", field="mailbox_size", value=size
        )
    return size
