"""The directory: agents are started, stopped, killed and found by id."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, TypeVar, cast

import trio
from attrs import define

from jido_trio import checks
from jido_trio.core import Agent
from jido_trio.errors import (
    AgentLives,
    AgentNotFound,
    ChildRefused,
    InvalidDefinition,
    SupervisionError,
    WouldDeadlock,
)
from jido_trio.redact import shown
from jido_trio.runtime._archive import archive_of
from jido_trio.runtime._cell import Cell, Instance
from jido_trio.runtime._durable import DurableServer
from jido_trio.runtime._fates import DeadLetter
from jido_trio.runtime._forget import forget_agent
from jido_trio.runtime._hibernation import HIBERNATED
from jido_trio.runtime._messages import Kill
from jido_trio.runtime._ref import AgentRef, id_of
from jido_trio.runtime._rewind import Rewinding, Rewinds, past_of
from jido_trio.runtime._run_queue import TURN
from jido_trio.runtime._server import Server
from jido_trio.runtime._specs import Handling, Options, Specs, made, server
from jido_trio.runtime._upgrade import come_over
from jido_trio.runtime._waits import refuse_circle, waiting_for
from jido_trio.runtime._works import work_waiting_for
from jido_trio.storage import Storage
from jido_trio.supervision import Child, Supervisor

AgentT = TypeVar("AgentT", bound=Agent[Any])


@define(eq=False)
class Directory:
    """The agents of one instance, by id."""

    _instance: Instance

    async def start(
        self, agent: Any, id: str | None, state: object, handling: Handling, options: Options
    ) -> AgentRef[Any]:
        """Start an agent and return its ref once it is up."""
        instance = self._instance
        supervisor = instance.running()
        await trio.lowlevel.checkpoint_if_cancelled()
        value = made(instance, agent, id, state)
        cell = server(instance, value, handling)
        child = instance.part(Specs).child(cell, *options)
        instance.add(cell)
        if isinstance(cell, DurableServer):
            await self._load(cell)
        try:
            supervisor.start_child_nowait(child)
        except trio.WouldBlock:
            await self._start_in_turn(supervisor, child, cell)
        except SupervisionError:
            instance.forget(cell, "shutdown")
            raise
        else:
            await trio.lowlevel.cancel_shielded_checkpoint()
        return AgentRef(cell)

    async def _load(self, cell: DurableServer) -> None:
        try:
            await cell.load()
        except BaseException:
            self._instance.forget(cell, "shutdown")
            raise

    async def _start_in_turn(self, supervisor: Supervisor, child: Child, cell: Cell) -> None:
        try:
            await supervisor.start_child(child)
        except SupervisionError:
            self._instance.forget(cell, "shutdown")
            raise

    async def stop(self, agent: AgentRef[Any] | str, reason: object) -> None:
        """Stop an agent, and return when it has ended."""
        supervisor = self._instance.running()
        cell = self.cell(agent)
        assert isinstance(cell, Server)  # noqa: S101  # all cells of an instance are
        try:
            with waiting_for(cell, lasting=True):
                await _come(supervisor, cell)
                cell.stop_reason = reason
                await supervisor.terminate_child(cell.id)
        except ChildRefused as refused:
            if refused.reason == "itself":
                raise WouldDeadlock(cell.id, (cell.id, cell.id)) from None
            if refused.reason != "not_found":
                raise
            # It has ended meanwhile: somebody else stopped it, too.

    async def hibernate(self, agent: AgentRef[Any] | str) -> None:
        """Stop a durable agent with its state on disk, and return when it has ended."""
        supervisor = self._instance.running()
        cell = self.cell(agent)
        if not isinstance(cell, DurableServer):
            raise _not_durable(type(cell.initial), f"agent {shown(cell.id)}", "hibernate")
        if supervisor.is_within(cell.id):  # it waits for its async actions, as this one is
            raise WouldDeadlock(cell.id, (cell.id, cell.id))
        with work_waiting_for(cell, "rest"):
            await _come(supervisor, cell)
            await cell.hibernate()
        if not cell.closed:  # it has no life that could write its state, and all of its inputs are on disk
            cell.stop_reason = HIBERNATED
            with suppress(ChildRefused):  # it has just ended
                await supervisor.terminate_child(cell.id)

    def storage(self, cls: object = None) -> Storage:
        """Return where durable agents are kept; a class that is given must be one of them."""
        instance = self._instance
        instance.running()
        if cls is not None and (not (isinstance(cls, type) and issubclass(cls, Agent)) or cls.durable is None):
            raise _not_durable(cls, "an agent", "import")
        if instance.storage is None:
            raise InvalidDefinition(
                f"instance {shown(instance.name)} has no storage: give it one, Jido(storage=open_sqlite(path))",
                field="storage",
            )
        return instance.storage

    async def thaw(self, cls: Any, id: str, handling: Handling, options: Options) -> AgentRef[Any]:
        """Start an agent of which there is something on disk."""
        instance = self._instance
        instance.running()
        if not (isinstance(cls, type) and issubclass(cls, Agent)) or cls.durable is None:
            raise _not_durable(cls, f"agent {shown(id)}", "thaw")
        cell = server(instance, made(instance, cls, id, None), handling)
        if instance.storage is not None and not await archive_of(instance.storage, instance.name, cell.id).owned():
            raise AgentNotFound(cell.id)
        return await self.start(cls, id, None, handling, options)

    async def forget(self, agent: AgentRef[Any] | str) -> None:
        """Remove all that is on disk of an agent that doesn't run."""
        id = id_of(agent)
        storage = self.storage()
        if id in self._instance.cells:
            raise AgentLives(id, f"instance {self._instance.name}")
        await forget_agent(storage, self._instance.name, id)

    async def rewind(self, agent: AgentRef[Any] | str, to: int) -> Agent[Any]:
        """Have a durable agent go on from an earlier point, and return it as it was there."""
        instance = self._instance
        instance.running()
        cell = self.cell(agent)
        if not isinstance(cell, DurableServer) or instance.storage is None:
            raise _not_durable(type(cell.initial), f"agent {shown(cell.id)}", "rewind")
        checks.whole(f"agent {shown(cell.id)}", "to", to)
        refuse_circle(cell)
        async with instance.part(Rewinds).lock:
            past = await past_of(instance.storage, instance.name, cell.id, to)
            await past.read_on()
            wanted = Rewinding(cell.id, past)
            try:
                cell.rewind(wanted)
                with waiting_for(cell, lasting=True):
                    await come_over(cell, wanted)
            finally:
                if cell.kept(Rewinding) is wanted:
                    cell.let_go(Rewinding)
        if wanted.error is not None:
            raise wanted.error
        return cast("Agent[Any]", wanted.agent)

    async def resume(self, agent: AgentRef[Any] | str) -> None:
        """Begin the next life of an agent that is parked, or pauses before its restart."""
        supervisor = self._instance.running()
        cell = self.cell(agent)
        try:
            await supervisor.restart_child(cell.id)
        except ChildRefused as refused:
            if refused.reason == "not_found":
                raise AgentNotFound(cell.id) from None
            # It runs already, or is about to.

    def kill(self, agent: AgentRef[Any] | str) -> None:
        """Kill the current life of an agent."""
        supervisor = self._instance.running()
        cell = self.cell(agent)
        if cell.life is None:
            return
        if cell.state in ("queued", "serving"):  # as a checkpoint would, this comes after what has its turn already
            cell.mailbox.put_kill(Kill(cell.incarnation), TURN)
            return
        supervisor.kill_child(cell.id)

    def resend(self, letter: DeadLetter) -> None:
        """Send the signal of a dead letter again."""
        given: object = letter
        if not isinstance(given, DeadLetter):
            raise TypeError(f"{shown(letter)} is no dead letter; give one of dead_letters()")
        self._instance.running()
        _ref(self._instance.find(letter.agent_id)).cast_nowait(letter.signal)
        self._instance.dead_letters.take(letter)

    def ref(self, id: str) -> AgentRef[Any] | None:
        """Return the ref of the agent with that id, or None."""
        cell = self._instance.cells.get(id_of(id))
        return _ref(cell) if cell is not None else None

    def refs(self) -> tuple[AgentRef[Any], ...]:
        """Return the refs of all agents, in the order in which they were started."""
        return tuple(_ref(cell) for cell in self._instance.cells.values())

    def cell(self, agent: AgentRef[Any] | str) -> Cell:
        """Return the agent's place in the instance.

        Raises:
            AgentNotFound: No such agent lives.
        """
        if isinstance(agent, AgentRef):
            return self._instance.find(agent.id, agent._cell)  # noqa: SLF001  # a ref is ours
        return self._instance.find(id_of(agent))


async def _come(supervisor: Supervisor, cell: Cell) -> None:
    """Wait until an agent is under its supervisor whose start still reads what is on disk."""
    if isinstance(cell, DurableServer) and not cell.closed and supervisor.child(cell.id).inspect() is None:
        await cell.read()


def _not_durable(cls: object, who: str, what: str) -> InvalidDefinition:
    name = cls.__qualname__ if isinstance(cls, type) else shown(cls)
    return InvalidDefinition(
        f"{what}: {who} of {name} isn't durable, and nothing of it is on disk; declare its class with durable=True",
        field="agent",
        value=cls,
    )


def _ref(cell: Cell) -> AgentRef[Any]:
    assert isinstance(cell, Server)  # noqa: S101  # all cells of an instance are
    return AgentRef(cell)
