"""Keyed agents: one durable agent for each key, brought back when it is asked for and put to rest when it isn't used.

Theory of operation. A key that is in memory has a place, which goes through

    coming ──► up ──► going ──► (none)

While it is coming or going, who asks for the key waits for what becomes of it; so there is one agent for a key however
many ask at once, and one that is put to rest is whole on disk before it is brought back. Whatever ends an agent (its
own `Stop`, a stop by id, another process that took it) frees the place.

`_at_rest` has the places that could be put to rest, the least recently used first, each with the time since when. It is
a guess: an agent that has got something to do since then is found busy when its turn comes, and goes to the end.
"""

from __future__ import annotations

import logging
import math
import sys
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from heapq import heappop, heappush
from typing import Any, Generic, Literal, TypeVar, get_args, overload

import trio
from attrs import define, field, frozen

from jido_trio import checks
from jido_trio.core import Agent, Replying, Sent
from jido_trio.errors import (
    AgentNotFound,
    InvalidDefinition,
    JidoError,
    KeyedClosed,
    NoRoomForKey,
    OwnershipLost,
    RecordRefused,
    ReplayDiverged,
    StorageError,
    SupervisorStopped,
    ThawFailed,
    Unstorable,
)
from jido_trio.redact import said, shown, shown_error
from jido_trio.runtime import AgentRef, Agents, is_at_rest, wake_by, watch_rest
from jido_trio.terms import Restart

AgentT = TypeVar("AgentT", bound=Agent[Any])
NewT = TypeVar("NewT", bound=Agent[Any])
Reply = TypeVar("Reply")

logger = logging.getLogger("jido_trio.groups")

ROOM_TIMEOUT = 5.0
CALL_TIMEOUT = 5.0

AGAIN = 60.0
"""Seconds until an agent that could not be woken for its schedule is tried again."""


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


@define(eq=False)
class _Place(Generic[AgentT]):
    """The place of one key in memory."""

    key: str
    ref: AgentRef[AgentT] | None = None
    """None while it is coming."""
    attached: int = 0
    going: bool = False
    changed: trio.Event = field(factory=trio.Event)
    """Set when it is up, or free."""


@define(eq=False, repr=False)
class Keyed(Generic[AgentT]):
    """Agents by key; `open_keyed` makes one."""

    name: str
    idle: float | None
    limit: int | None
    _jido: Agents
    _agent: type[AgentT]
    _restart: Restart
    _room: trio.Semaphore
    nursery: trio.Nursery | None = field(init=False, default=None)
    """Of what it does by itself, while it is open."""
    _places: dict[str, _Place[AgentT]] = field(init=False, factory=dict)
    _at_rest: OrderedDict[str, float] = field(init=False, factory=OrderedDict)
    _going: int = field(init=False, default=0)
    _alarms: dict[str, float] = field(init=False, factory=dict)
    """When agents that rest have to be woken, in seconds of Trio's clock."""
    _by_time: list[tuple[float, str]] = field(init=False, factory=list)
    """A heap of the alarms; those that don't count any more are skipped."""
    _sleep: trio.CancelScope = field(init=False, factory=trio.CancelScope)
    _closed: bool = field(init=False, default=False)

    def __repr__(self) -> str:
        return f"<Keyed {self.name!r} {len(self._places)} in memory>"

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
        place = await self._taken(key, state, timeout)
        self._let_go(place)
        return _ref(place)

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
        place = await self._taken(key, state, timeout)
        try:
            yield _ref(place)
        finally:
            self._let_go(place)

    @overload
    async def call(
        self,
        key: str,
        message: Replying[AgentT, Reply],
        *,
        timeout: float | None = CALL_TIMEOUT,
        check: Literal[True] = True,
    ) -> Reply: ...

    @overload
    async def call(
        self, key: str, message: Sent, *, timeout: float | None = CALL_TIMEOUT, check: bool = True
    ) -> AgentT: ...

    async def call(self, key: str, message: Any, *, timeout: float | None = CALL_TIMEOUT, check: bool = True) -> Any:
        """Call the agent of a key, which is kept up meanwhile; see `attach` and `AgentRef.call`.

        Args:
            key: See `get`.
            message: What to handle, a signal or an action.
            timeout: Seconds for room, and again for the answer.
            check: Whether to raise what the action declares as a failure.

        Raises:
            ActionError: The action said no, see `AgentRef.call`.
            CallError: The call was not answered, see `AgentRef.call`.
            JidoError: The agent could not be had, see `get`.
        """
        async with self.attach(key, timeout=timeout) as agent:
            return await agent.call(message, timeout=timeout, check=check)

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
        """Return the agent of a key if it is up, or None. It is no use of it."""
        place = self._places.get(key)
        return place.ref if place is not None and not place.going else None

    def touch(self, key: str) -> None:
        """Have the idle time of an agent that is up begin anew, as any signal does."""
        if key in self._at_rest:
            self._rests(self._places[key])

    async def stop(self, key: str) -> None:
        """Put the agent of a key to rest, and return when it has ended; also if it is attached.

        Raises:
            AgentNotFound: It isn't up.
            StorageError: Its state couldn't be written; it runs on.
            Unstorable: Part of its state can't be kept; it runs on.

        Source: `InstanceManager.stop`.
        """
        place = self._places.get(key)
        if place is None or place.ref is None:
            raise AgentNotFound(self._id(key))
        if place.going:
            await place.changed.wait()
            return
        self._goes(place)
        try:
            await self._jido.hibernate(place.ref)
        except (OwnershipLost, SupervisorStopped):
            pass  # it has ended otherwise
        finally:
            self._went(place)

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
            UpgradeFailed: Some couldn't become ones of the new class; all go on as they were.
            WouldDeadlock: One of them waits for the interpreter that calls this.
        """
        self._refuse_if_closed()
        old: Any = self._agent
        _check(self.name, new)
        former = f"{old.__module__}:{old.__qualname__}"
        if new is not old and (new.durable is None or former not in new.durable.formerly):
            raise InvalidDefinition(
                f"{new.__qualname__} can't be the class of the keyed agents {shown(self.name)}: those that rest are of "
                f"{old.__qualname__}; declare it with durable=Durable(formerly=[{old.__qualname__}])",
                field="new",
                value=new,
            )
        behind = [*self._places.values()] if new is not old else []
        while behind:
            await self._jido.upgrade(old, new)
            behind = [place for place in self._places.values() if place.ref is None or type(place.ref.agent) is old]
            for place in behind:  # what came meanwhile came as it was
                if place.ref is None:
                    await place.changed.wait()
        self._agent = new  # type: ignore[assignment]  # its type changes with it
        return self  # type: ignore[return-value]

    def status(self) -> KeyedStatus:
        """Return what they are at, at any moment."""
        return KeyedStatus(
            self.name,
            len(self._places),
            self.limit,
            sum(place.attached > 0 for place in self._places.values()),
            self._room.statistics().tasks_waiting,
            tuple(key for key in self._places if self.lookup(key) is not None),
        )

    # ---- coming

    async def _taken(self, key: str, state: object, seconds: float | None) -> _Place[AgentT]:
        """Return the place of a key that is up, attached once more."""
        self._check(key)
        checks.seconds(f"keyed agents {shown(self.name)}", "timeout", seconds, or_none="None to wait for ever")
        await trio.lowlevel.checkpoint()
        while True:
            self._refuse_if_closed()
            place = self._places.get(key)
            if place is None:
                place = await self._placed(key, seconds)
                if place is None:
                    continue
                await self._start(place, state)
            if place.ref is None or place.going:
                await place.changed.wait()
                continue
            place.attached += 1
            self._at_rest.pop(key, None)
            return place

    async def _placed(self, key: str, seconds: float | None) -> _Place[AgentT] | None:
        """Return a place for a key; None if another has made one while this waited for room."""
        try:
            self._room.acquire_nowait()
        except trio.WouldBlock:
            await self._wait_for_room(key, seconds)
        if key in self._places or self._closed:
            self._room.release()
            return None
        place = self._places[key] = _Place[AgentT](key)
        return place

    async def _wait_for_room(self, key: str, seconds: float | None) -> None:
        with trio.move_on_after(float("inf") if seconds is None else seconds):
            if seconds != 0:
                self._make_room(coming=1)
            await self._room.acquire()
            return
        raise NoRoomForKey(self.name, key, self.limit or 0, self.status().attached, seconds or 0)

    async def _start(self, place: _Place[AgentT], state: object) -> None:
        try:
            ref = await self._jido.start_agent(self._agent, id=self._id(place.key), state=state, restart=self._restart)
        except (OwnershipLost, RecordRefused, ReplayDiverged, StorageError) as error:
            self._free(place)
            raise ThawFailed(self.name, place.key, shown_error(error)) from error
        except BaseException:
            self._free(place)
            raise
        place.ref = ref
        self._alarms.pop(place.key, None)
        place.changed.set()
        watch_rest(ref, rested=lambda: self._rests(place), ended=lambda due: self._ended(place, due))

    # ---- going

    def _let_go(self, place: _Place[AgentT]) -> None:
        place.attached -= 1
        self._rests(place)

    def _rests(self, place: _Place[AgentT]) -> None:
        """Take note that an agent was used until now."""
        if self._places.get(place.key) is not place or place.attached or place.going or place.ref is None:
            return
        self._at_rest[place.key] = now = trio.current_time()
        self._at_rest.move_to_end(place.key)
        if self.idle is not None and len(self._at_rest) == 1:
            self._wake_at(now + self.idle)
        self._make_room()

    def _make_room(self, *, coming: int = 0) -> None:
        """Put agents to rest for those who wait, the least recently used first."""
        if self.limit is None:
            return
        wanted = coming + self._room.statistics().tasks_waiting - self._going
        for _ in range(len(self._at_rest)):
            if wanted <= 0:
                return
            wanted -= self._put_to_rest(next(iter(self._at_rest)))

    def _put_to_rest(self, key: str) -> bool:
        """Put an agent to rest if it is at rest; else it has been used until now. Return whether it goes."""
        place = self._places[key]
        if not is_at_rest(_ref(place)):
            self._at_rest[key] = trio.current_time()
            self._at_rest.move_to_end(key)
            return False
        self._goes(place)
        self._soon(self._go, place)
        return True

    async def _go(self, place: _Place[AgentT]) -> None:
        try:
            await self._jido.hibernate(_ref(place))
        except (AgentNotFound, OwnershipLost, SupervisorStopped):
            pass  # it has ended otherwise, and who ended it has said so
        except (StorageError, Unstorable) as error:
            logger.error("%s: key %s can't be put to rest, and runs on: %s", self.name, shown(place.key), said(error))  # noqa: TRY400
        finally:
            self._went(place)

    def _goes(self, place: _Place[AgentT]) -> None:
        self._at_rest.pop(place.key, None)
        place.going, place.changed = True, trio.Event()
        self._going += 1

    def _went(self, place: _Place[AgentT]) -> None:
        self._going -= 1
        if _ref(place).inspect().at == "ending":  # who waited for it was cancelled, and it ends all the same
            return
        place.going = False
        place.changed.set()
        self._rests(place)  # if it runs on

    def _ended(self, place: _Place[AgentT], due: float | None) -> None:
        """An agent has ended; the first of its schedules is due then."""
        if due is not None and not self._closed:
            self._alarm(place.key, due)
        self._free(place)

    def _free(self, place: _Place[AgentT]) -> None:
        """There is no agent any more, or none came."""
        if self._places.get(place.key) is place:
            del self._places[place.key]
            self._at_rest.pop(place.key, None)
            self._room.release()
        place.changed.set()

    # ---- time

    def _wake_at(self, due: float) -> None:
        self._sleep.deadline = min(self._sleep.deadline, due)

    def _alarm(self, key: str, due: float) -> None:
        self._alarms[key] = due
        heappush(self._by_time, (due, key))
        self._wake_at(due)

    async def keep_time(self) -> None:
        """Put to rest what isn't used, and wake what is due."""
        while True:
            now = trio.current_time()
            while self._by_time and self._by_time[0][0] <= now:
                due, key = heappop(self._by_time)
                if self._alarms.get(key) == due:
                    self._soon(self._wake, key)
            while self._idle_at() <= now:
                self._put_to_rest(next(iter(self._at_rest)))
            with trio.CancelScope() as self._sleep:
                self._wake_at(min(self._idle_at(), self._by_time[0][0] if self._by_time else math.inf))
                await trio.sleep_forever()

    def _idle_at(self) -> float:
        """Return when the next agent that is at rest has been so for long enough."""
        if self.idle is None or not self._at_rest:
            return math.inf
        return next(iter(self._at_rest.values())) + self.idle

    def wake(self, id: str) -> None:
        """Bring back an agent for which a signal was left on disk."""
        if not self._closed:
            self._soon(self._wake, id.removeprefix(f"{self.name}/"))

    async def _wake(self, key: str) -> None:
        try:
            await self.get(key, timeout=None)
        except (KeyedClosed, SupervisorStopped):
            pass  # the next start will find what is due
        except JidoError as error:
            logger.error("%s", said(error))  # noqa: TRY400  # it says what is wrong
            self._alarm(key, trio.current_time() + AGAIN)

    # ---- the whole

    def _soon(self, async_fn: Callable[..., Awaitable[None]], *args: object) -> None:
        if self.nursery is not None:
            self.nursery.start_soon(async_fn, *args)

    def _id(self, key: str) -> str:
        return f"{self.name}/{key}"

    def _check(self, key: object) -> None:
        if not isinstance(key, str) or not key or any("\ud800" <= each <= "\udfff" for each in key):
            raise InvalidDefinition(
                f"key={shown(key)} of {shown(self.name)} must be a text that is not empty and that UTF-8 can write: "
                "str(key), or another text",
                field="key",
                value=key,
            )

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise KeyedClosed(self.name)

    async def close(self, seconds: float | None) -> None:
        """Put all to rest; those that take longer than so many seconds are stopped as they are."""
        self._closed = True
        with trio.CancelScope(shield=True):
            with trio.move_on_after(float("inf") if seconds is None else seconds):
                await self._each(self._rest_at_last)
            await self._each(self._stop)

    async def _each(self, do: Callable[[_Place[AgentT]], Awaitable[None]]) -> None:
        async with trio.open_nursery() as nursery:
            for place in tuple(self._places.values()):
                nursery.start_soon(do, place)

    async def _rest_at_last(self, place: _Place[AgentT]) -> None:
        if place.ref is None:
            await place.changed.wait()
        if place.ref is None:
            return
        try:
            await self._jido.hibernate(place.ref)
        except (AgentNotFound, OwnershipLost, SupervisorStopped):
            pass  # it has ended otherwise
        except (StorageError, Unstorable) as error:
            logger.error("%s: key %s is stopped as it is: %s", self.name, shown(place.key), said(error))  # noqa: TRY400

    async def _stop(self, place: _Place[AgentT]) -> None:
        if place.ref is not None:
            with suppress(AgentNotFound, SupervisorStopped):
                await self._jido.stop_agent(place.ref)


def _ref(place: _Place[AgentT]) -> AgentRef[AgentT]:
    assert place.ref is not None  # noqa: S101  # it is up
    return place.ref


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
    checks.seconds(owner, "idle", idle, above_zero=True, or_none="None for never")
    checks.whole(owner, "limit", limit, least=1, or_none="None for any number")
    checks.seconds(owner, "shutdown", shutdown, or_none="None for no limit")
    checks.one_of(owner, "restart", restart, get_args(Restart))
    left: BaseException | None = None
    room = trio.Semaphore(sys.maxsize if limit is None else limit)
    keyed = Keyed(name, idle, limit, jido, agent, restart, room)
    wake_by(jido, name, keyed.wake)
    async with trio.open_nursery() as nursery:
        keyed.nursery = nursery
        nursery.start_soon(keyed.keep_time, name=f"time of {name}")
        try:
            yield keyed
        except BaseException as error:  # noqa: ASYNC103, BLE001  # raised again below, plainly
            left = error
        finally:
            wake_by(jido, name, None)
            await keyed.close(shutdown)  # noqa: ASYNC102  # it shields itself
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
