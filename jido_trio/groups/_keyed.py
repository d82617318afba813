"""Keyed agents: one durable agent for each key, brought back when it is asked for, put to rest when it isn't used."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Generic, Literal, TypeVar, get_args, overload

import trio
from attrs import define, frozen

from jido_trio import checks
from jido_trio.core import Agent, Replying, Sent
from jido_trio.errors import AgentLives, AgentNotFound, InvalidDefinition, OwnershipLost, SupervisorStopped
from jido_trio.groups._instance import check_instance
from jido_trio.groups._places import Places, class_of, is_next, up
from jido_trio.groups._until import within
from jido_trio.redact import shown
from jido_trio.runtime import AgentRef, Agents, Settled
from jido_trio.runtime.inner import wake_by
from jido_trio.terms import Restart

AgentT = TypeVar("AgentT", bound=Agent[Any])
NewT = TypeVar("NewT", bound=Agent[Any])
Reply = TypeVar("Reply")

ROOM_TIMEOUT = 5.0
CALL_TIMEOUT = 5.0


@frozen
class KeyedStatus:
    """What keyed agents are at, as plain data."""

    name: str
    in_memory: int
    """Those that are coming or going included."""
    limit: int | None
    attached: int
    """How many of them are in use by a block."""
    waiting: int
    """How many wait for room."""
    keys: tuple[str, ...]
    """Of the agents that are up."""


@define(eq=False, repr=False)
class Keyed(Generic[AgentT]):
    """Agents by key; `open_keyed` makes one."""

    _places: Places[AgentT]

    def __repr__(self) -> str:
        return f"<Keyed {self.name!r} {len(self._places.by_key)} in memory>"

    @property
    def name(self) -> str:
        """What they are called."""
        return self._places.name

    # ---- one key

    async def get(self, key: str, *, state: object = None, timeout: float | None = ROOM_TIMEOUT) -> AgentRef[AgentT]:
        """Return the agent of a key: the one that is up, or where it was, or a fresh one.

        It may be put to rest when it hasn't been used for `idle` seconds, or another needs its place; its ref is
        stopped then. `attach` keeps it up for the length of a block.

        Args:
            key: A text that is not empty.
            state: For a fresh one, where its state differs from the defaults.
            timeout: Seconds to wait for room; 0 for not at all, None for ever.

        Raises:
            InvalidDefinition: The key is no text, or too long; the state doesn't fit.
            KeyedClosed: The block was left.
            NoRoomForKey: As many as may be in memory are, and all were in use all the time.
            ThawFailed: It could not be brought back; nothing was started, and nothing changed.
            SupervisorStopped: The instance isn't running.

        Source: `InstanceManager.get`. Differs: it waits for one that is being put to rest.
        """
        place = await self._places.taken(key, state, timeout)
        self._places.let_go(place)
        return up(place)

    @asynccontextmanager
    async def attach(
        self, key: str, *, state: object = None, timeout: float | None = ROOM_TIMEOUT
    ) -> AsyncIterator[AgentRef[AgentT]]:
        """Keep the agent of a key up for the length of the block; see `get`.

        Raises:
            InvalidDefinition: See `get`, as for the others.
            KeyedClosed: See `get`.
            NoRoomForKey: See `get`.
            ThawFailed: See `get`.
            SupervisorStopped: See `get`.

        Source: `InstanceManager.attach`. Differs: a block can't forget to detach.
        """
        place = await self._places.taken(key, state, timeout)
        try:
            yield up(place)
        finally:
            self._places.let_go(place)

    @overload
    async def call(
        self,
        key: str,
        message: Replying[AgentT, Reply],
        *,
        timeout: float | None = CALL_TIMEOUT,
        deadline: float | None = None,
        check: Literal[True] = True,
    ) -> Reply: ...

    @overload
    async def call(
        self,
        key: str,
        message: Sent,
        *,
        timeout: float | None = CALL_TIMEOUT,
        deadline: float | None = None,
        check: bool = True,
    ) -> AgentT: ...

    @overload
    async def call(
        self,
        key: str,
        message: Sent,
        *,
        timeout: float | None = CALL_TIMEOUT,
        deadline: float | None = None,
        check: bool = True,
        until: Literal["settled"],
    ) -> Settled[AgentT]: ...

    async def call(
        self,
        key: str,
        message: Any,
        *,
        timeout: float | None = CALL_TIMEOUT,
        deadline: float | None = None,
        check: bool = True,
        until: Literal["settled"] | None = None,
    ) -> Any:
        """Call the agent of a key, which is kept up meanwhile; see `attach` and `AgentRef.call`.

        Args:
            key: See `get`.
            message: What to handle, a signal or an action.
            timeout: Seconds for room, and again for the answer.
            deadline: When its time is over, in seconds of Trio's clock, see `AgentRef.call`: for both, in the place of
                the default timeout.
            check: Whether to raise what the action declares as a failure.
            until: "settled" waits until all that follows from the message is done, see `AgentRef.call`.

        Raises:
            ActionError: The action said no, see `AgentRef.call`.
            CallError: The call was not answered, see `AgentRef.call`.
            InvalidDefinition: The deadline is no time.
            JidoError: The agent could not be had, see `get`.
        """
        if deadline is not None and timeout is CALL_TIMEOUT:
            timeout = None  # the deadline is in its place
        async with self.attach(key, timeout=within(f"keyed {shown(self.name)}", deadline, timeout)) as agent:
            call: Any = agent.call
            return await call(message, timeout=timeout, deadline=deadline, check=check, until=until)

    async def cast(self, key: str, message: Sent, *, timeout: float | None = ROOM_TIMEOUT) -> None:
        """Cast to the agent of a key; see `attach` and `AgentRef.cast`.

        Args:
            key: See `get`.
            message: What to handle, a signal or an action. It is on disk when this returns.
            timeout: Seconds for room.

        Raises:
            CallError: The agent is stopped.
            JidoError: The agent could not be had, see `get`.
        """
        async with self.attach(key, timeout=timeout) as agent:
            await agent.cast(message)

    def lookup(self, key: str) -> AgentRef[AgentT] | None:
        """Return the agent of a key if it is up, or None. It is no use of it.

        Raises:
            InvalidDefinition: The key is no text.
        """
        self._places.check_key(key)
        place = self._places.by_key.get(key)
        return place.ref if place is not None and not place.going else None

    def touch(self, key: str) -> None:
        """Have the idle time of an agent that is up begin anew, as any signal does.

        Raises:
            InvalidDefinition: The key is no text.
        """
        self._places.check_key(key)
        if key in self._places.at_rest:
            self._places.rests(self._places.by_key[key])

    async def stop(self, key: str) -> None:
        """Put the agent of a key to rest, and return when it has ended; also if it is attached.

        Raises:
            AgentNotFound: It isn't up.
            InvalidDefinition: The key is no text.
            StorageError: Its state couldn't be written; it runs on.
            Unstorable: Part of its state can't be kept; it runs on.

        Source: `InstanceManager.stop`.
        """
        self._places.check_key(key)
        place = self._places.by_key.get(key)
        if place is None or place.ref is None:
            raise AgentNotFound(self._places.id_of(key))
        if place.going:
            await place.changed.wait()
            return
        self._places.goes(place)
        try:
            await self._places.jido.hibernate(place.ref)
        except (OwnershipLost, SupervisorStopped):
            pass  # it has ended otherwise
        finally:
            self._places.went(place)

    async def forget(self, key: str) -> None:
        """Remove all that is on disk of the agent of a key, for good; if it is up, it is put to rest before.

        Who asks for the key meanwhile waits, and gets a fresh one.

        Raises:
            AgentLives: It is attached. Nothing was changed.
            AgentNotFound: There is nothing of it.
            InvalidDefinition: The key is no text.
            KeyedClosed: The block was left.
            StorageError: See `Storage`.
            SupervisorStopped: The instance isn't running.
        """
        places = self._places
        places.check_key(key)
        id = places.id_of(key)
        while place := places.by_key.get(key):
            places.refuse_if_closed()
            if place.attached:
                raise AgentLives(id, "a block that it is attached to")
            if place.ref is None or place.going:
                await place.changed.wait()
            else:
                await self.stop(key)
        places.refuse_if_closed()
        with places.kept_away(key):
            await places.jido.forget(id)
            places.forget_alarm(key)

    async def upgrade(self, new: type[NewT]) -> Keyed[NewT]:
        """Have all agents be of another class from now on; return this, with its new type.

        Those that are up are brought over by `Jido.upgrade`, which is about all agents of the old class; those that
        rest, when they are brought back.

        Args:
            new: A durable class that says `Durable(formerly=[Old])`, with migrations where the state has changed.

        Raises:
            InvalidDefinition: It doesn't say so, or isn't durable.
            KeyedClosed: The block was left.
            SupervisorStopped: The instance isn't running.
            UpgradeFailed: Some couldn't become ones of the new class. All go on as they were, but for those that it
                says are `upgraded`: the storage failed in the middle. Upgrade again.
            WouldDeadlock: One of them waits for the interpreter that calls this.
        """
        self._places.refuse_if_closed()
        _check(self.name, new)
        classes: set[type[Agent[Any]]] = {self._places.agent, *self._classes()}
        for old in classes - {new}:
            if not is_next(new, old):
                raise InvalidDefinition(
                    f"{new.__qualname__} can't be the class of the keyed agents {shown(self.name)}: there are some of "
                    f"{old.__qualname__}; declare it with durable=Durable(formerly=[{old.__qualname__}])",
                    field="new",
                    value=new,
                )
        while behind := [place for place in self._places.by_key.values() if class_of(place) is not new]:
            for old in self._classes() - {new}:
                await self._places.jido.upgrade(old, new)
            for place in behind:  # what came meanwhile came as it was
                if place.ref is None:
                    await place.changed.wait()
        self._places.agent = new  # type: ignore[assignment]  # its type changes with it
        return self  # type: ignore[return-value]

    def _classes(self) -> set[type[Agent[Any]]]:
        """Return those of the agents that are up."""
        return {cls for place in self._places.by_key.values() if (cls := class_of(place)) is not None}

    def status(self) -> KeyedStatus:
        """Return what they are at, at any moment."""
        return KeyedStatus(
            self.name,
            len(self._places.by_key),
            self._places.limit,
            self._places.attached,
            self._places.room.statistics().tasks_waiting,
            tuple(key for key in self._places.by_key if self.lookup(key) is not None),
        )


@asynccontextmanager
async def open_keyed(
    jido: Agents,
    agent: type[AgentT],
    *,
    name: str,
    idle: float | None = 60,
    limit: int | None = 1000,
    shutdown: float | None = 10,
    restart: Restart = "transient",
) -> AsyncIterator[Keyed[AgentT]]:
    """Have an agent for each key until the block is left; then put all to rest.

    Args:
        jido: The instance, or the partition, that they live in. It has a storage.
        agent: Their class, a durable one.
        name: What they are called; the agent of a key has the id `name/key`.
        idle: Seconds without a signal after which an agent is put to rest; None for never.
        limit: How many may be in memory: where another is asked for, the one that was used least recently is put to
            rest first. None for any number.
        shutdown: Seconds for putting all to rest at the end; what takes longer is stopped. None sets no limit.
        restart: See `start_agent`.

    Raises:
        InvalidDefinition: An option is wrong, the class isn't durable, or the name is taken.

    Source: `Jido.Agent.InstanceManager`. Differs: signals are a use of an agent; the number in memory has a limit; who
    asks for an agent that is being put to rest waits; schedules that are due, and signals of durable agents, bring back
    an agent that rests; leaving the block puts all to rest.
    """
    _check(name, agent)
    owner = f"keyed agents {shown(name)}"
    check_instance(owner, jido)
    checks.seconds(owner, "idle", idle, above_zero=True, or_none="None for never")
    checks.whole(owner, "limit", limit, least=1, or_none="None for any number")
    checks.seconds(owner, "shutdown", shutdown, or_none="None for no limit")
    checks.one_of(owner, "restart", restart, get_args(Restart))
    left: BaseException | None = None
    room = trio.Semaphore(sys.maxsize if limit is None else limit)
    places = Places(name, idle, limit, jido, agent, restart, room)
    wake_by(jido, name, places.wake)
    async with trio.open_nursery() as nursery:
        places.nursery = nursery
        nursery.start_soon(places.keep_time, name=f"time of {name}")
        try:
            yield Keyed(places)
        except BaseException as error:  # noqa: ASYNC103, BLE001  # raised again below, plainly
            left = error
        finally:
            wake_by(jido, name, None)
            await places.close(shutdown)  # noqa: ASYNC102  # it shields itself
            nursery.cancel_scope.cancel("the block was left")
    if left is not None:
        try:
            raise left
        finally:
            del left


def _check(name: object, agent: object) -> None:
    if not isinstance(name, str) or not name or "/" in name:
        raise InvalidDefinition(
            f"name={shown(name)} of keyed agents must be a text that is not empty, without a slash",
            field="name",
            value=name,
        )
    if not isinstance(agent, type) or not issubclass(agent, Agent) or agent.durable is None:
        raise InvalidDefinition(
            f"{shown(agent)} can't be the class of the keyed agents {shown(name)}: an agent that was at rest goes on "
            "from what is on disk; give a class of agents that is declared with durable=True",
            field="agent",
            value=agent,
        )
