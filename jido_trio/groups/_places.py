"""Places: which keys are in memory, who comes and who goes.

Theory of operation. A key that is in memory has a place, which goes through

    coming ──► up ──► going ──► (none)

While it is coming or going, who asks for the key waits for what becomes of it; so there is one agent for a key however
many ask at once, and one that is put to rest is whole on disk before it is brought back. Whatever ends an agent (its
own `Stop`, a stop by id, another process that took it) frees the place.

`at_rest` has the places that could be put to rest, the least recently used first, each with the time since when. It is
a guess: an agent that has got something to do since then is found busy when its turn comes, and goes to the end.

An upgrade may end in the middle, by a cancellation or as the storage fails. Agents that it has brought over are of the
new class on disk, too, which the old can't read. So from the first of them that goes on, all come as ones of the new.
"""

from __future__ import annotations

import logging
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from heapq import heappop, heappush
from typing import Any, Generic, TypeVar

import trio
from attrs import define, field

from jido_trio import checks
from jido_trio.core import Agent
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
from jido_trio.runtime import AgentRef, Agents
from jido_trio.runtime.inner import is_at_rest, is_kept, watch_rest
from jido_trio.supervision import Budget
from jido_trio.terms import Restart

AgentT = TypeVar("AgentT", bound=Agent[Any])

logger = logging.getLogger("jido_trio.groups")

BUDGET = Budget(max_restarts=100, max_seconds=5, exhausted="stop")
"""Of one agent. One that is parked would hold its place; one that has ended is brought back when it is asked for."""

AGAIN = 60.0
"""Seconds until an agent that could not be woken for its schedule is tried again."""


@define(eq=False)
class Place(Generic[AgentT]):
    """The place of one key in memory."""

    key: str
    ref: AgentRef[AgentT] | None = None
    """None while it is coming."""
    attached: int = 0
    going: bool = False
    changed: trio.Event = field(factory=trio.Event)
    """Set when it is up, or free."""


@define(eq=False)
class Places(Generic[AgentT]):
    """The places of one group of keyed agents."""

    name: str
    idle: float | None
    limit: int | None
    jido: Agents
    agent: type[AgentT]
    _restart: Restart
    room: trio.Semaphore
    nursery: trio.Nursery | None = field(init=False, default=None)
    """Of what it does by itself, while it is open."""
    by_key: dict[str, Place[AgentT]] = field(init=False, factory=dict)
    at_rest: OrderedDict[str, float] = field(init=False, factory=OrderedDict)
    _going: int = field(init=False, default=0)
    _alarms: dict[str, float] = field(init=False, factory=dict)
    """When agents that rest have to be woken, in seconds of Trio's clock."""
    _by_time: list[tuple[float, str]] = field(init=False, factory=list)
    """A heap of the alarms; those that don't count any more are skipped."""
    _sleep: trio.CancelScope = field(init=False, factory=trio.CancelScope)
    _closed: bool = field(init=False, default=False)

    @property
    def attached(self) -> int:
        """How many are in use by a block."""
        return sum(place.attached > 0 for place in self.by_key.values())

    # ---- coming

    async def taken(self, key: str, state: object, seconds: float | None, *, woken: bool = False) -> Place[AgentT]:
        """Return the place of a key that is up, attached once more.

        Raises:
            AgentNotFound: It was to be woken only, and there is nothing of it on disk any more.
        """
        self.check_key(key)
        checks.seconds(f"keyed agents {shown(self.name)}", "timeout", seconds, or_none="None to wait for ever")
        await trio.lowlevel.checkpoint()
        while True:
            self.refuse_if_closed()
            place = self.by_key.get(key)
            if place is None:
                place = await self._placed(key, seconds)
                if place is None:
                    continue
                await self._start(place, state, woken=woken)
            if place.ref is None or place.going:
                await place.changed.wait()
                continue
            place.attached += 1
            self.at_rest.pop(key, None)
            return place

    async def _placed(self, key: str, seconds: float | None) -> Place[AgentT] | None:
        """Return a place for a key; None if another has made one while this waited for room."""
        try:
            self.room.acquire_nowait()
        except trio.WouldBlock:
            await self._wait_for_room(key, seconds)
        if key in self.by_key or self._closed:
            self.room.release()
            return None
        place = self.by_key[key] = Place[AgentT](key)
        return place

    async def _wait_for_room(self, key: str, seconds: float | None) -> None:
        with trio.move_on_after(float("inf") if seconds is None else seconds):
            if seconds != 0:
                self._make_room(coming=1)
            await self.room.acquire()
            return
        raise NoRoomForKey(self.name, key, self.limit or 0, self.attached, seconds or 0)

    async def _start(self, place: Place[AgentT], state: object, *, woken: bool) -> None:
        try:
            ref = await self._come(self.id_of(place.key), state, woken=woken)
        except (OwnershipLost, RecordRefused, ReplayDiverged, StorageError) as error:
            self._free(place)
            raise ThawFailed(self.name, place.key, shown_error(error)) from error
        except BaseException:
            self._free(place)
            raise
        place.ref = ref
        self._alarms.pop(place.key, None)
        place.changed.set()
        watch_rest(ref, rested=lambda: self.rests(place), ended=lambda due: self._ended(place, due))

    async def _come(self, id: str, state: object, *, woken: bool) -> AgentRef[AgentT]:
        if woken and not await is_kept(self.jido, id):
            raise AgentNotFound(id)
        return await self.jido.start_agent(self.agent, id=id, state=state, restart=self._restart, budget=BUDGET)

    @contextmanager
    def kept_away(self, key: str) -> Iterator[None]:
        """Have a key that isn't in memory not come as long as the block lasts; who asks for it waits."""
        place = self.by_key[key] = Place[AgentT](key)
        try:
            yield
        finally:
            del self.by_key[key]
            place.changed.set()

    def forget_alarm(self, key: str) -> None:
        """Wake the agent of a key no more."""
        self._alarms.pop(key, None)

    # ---- going

    def let_go(self, place: Place[AgentT]) -> None:
        """Attach a place once less."""
        place.attached -= 1
        self.rests(place)

    def rests(self, place: Place[AgentT]) -> None:
        """Take note that an agent was used until now."""
        if self.by_key.get(place.key) is not place or place.attached or place.going or place.ref is None:
            return
        self.at_rest[place.key] = now = trio.current_time()
        self.at_rest.move_to_end(place.key)
        if self.idle is not None and len(self.at_rest) == 1:
            self._wake_at(now + self.idle)
        self._make_room()

    def _make_room(self, *, coming: int = 0) -> None:
        """Put agents to rest for those who wait, the least recently used first."""
        if self.limit is None:
            return
        wanted = coming + self.room.statistics().tasks_waiting - self._going
        for _ in range(len(self.at_rest)):
            if wanted <= 0:
                return
            wanted -= self._put_to_rest(next(iter(self.at_rest)))

    def _put_to_rest(self, key: str) -> bool:
        """Put an agent to rest if it is at rest; else it has been used until now. Return whether it goes."""
        place = self.by_key[key]
        if not is_at_rest(up(place)):
            self.at_rest[key] = trio.current_time()
            self.at_rest.move_to_end(key)
            return False
        self.goes(place)
        self._soon(self._go, place)
        return True

    async def _go(self, place: Place[AgentT]) -> None:
        try:
            await self.jido.hibernate(up(place))
        except (AgentNotFound, OwnershipLost, SupervisorStopped):
            pass  # it has ended otherwise, and who ended it has said so
        except (StorageError, Unstorable) as error:
            logger.error("%s: key %s can't be put to rest, and runs on: %s", self.name, shown(place.key), said(error))  # noqa: TRY400
        finally:
            self.went(place)

    def goes(self, place: Place[AgentT]) -> None:
        """Take note that an agent is being put to rest."""
        self.at_rest.pop(place.key, None)
        place.going, place.changed = True, trio.Event()
        self._going += 1

    def went(self, place: Place[AgentT]) -> None:
        """Take note that this is over."""
        self._going -= 1
        ref = up(place)
        if ref.running and ref.inspect().at == "ending":  # who waited for it was cancelled, and it ends all the same
            return
        place.going = False
        place.changed.set()
        self.rests(place)  # if it runs on

    def _ended(self, place: Place[AgentT], due: float | None) -> None:
        """An agent has ended; the first of its schedules is due then."""
        if due is not None and not self._closed:
            self._alarm(place.key, due)
        self._free(place)

    def _free(self, place: Place[AgentT]) -> None:
        """There is no agent any more, or none came."""
        cls = class_of(place)
        if cls is not None and is_next(cls, self.agent):  # an upgrade came as far as that one
            self.agent = cls  # type: ignore[assignment]  # its type changes with it
        if self.by_key.get(place.key) is place:
            del self.by_key[place.key]
            self.at_rest.pop(place.key, None)
            self.room.release()
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
                self._put_to_rest(next(iter(self.at_rest)))
            with trio.CancelScope() as self._sleep:
                self._wake_at(min(self._idle_at(), self._by_time[0][0] if self._by_time else math.inf))
                await trio.sleep_forever()

    def _idle_at(self) -> float:
        """Return when the next agent that is at rest has been so for long enough."""
        if self.idle is None or not self.at_rest:
            return math.inf
        return next(iter(self.at_rest.values())) + self.idle

    def wake(self, id: str) -> None:
        """Bring back an agent for which a signal was left on disk."""
        if not self._closed:
            self._soon(self._wake, id.removeprefix(f"{self.name}/"))

    async def _wake(self, key: str) -> None:
        try:
            self.let_go(await self.taken(key, None, None, woken=True))
        except AgentNotFound:
            pass  # it was forgotten, and what was due with it
        except (KeyedClosed, SupervisorStopped):
            pass  # the next start will find what is due
        except JidoError as error:
            logger.error("%s", said(error))  # noqa: TRY400  # it says what is wrong
            self._alarm(key, trio.current_time() + AGAIN)

    # ---- the whole

    def _soon(self, async_fn: Callable[..., Awaitable[None]], *args: object) -> None:
        if self.nursery is not None:
            self.nursery.start_soon(async_fn, *args)

    def id_of(self, key: str) -> str:
        """Return the id of the agent of a key."""
        return f"{self.name}/{key}"

    def check_key(self, key: object) -> None:
        """Refuse what is no key."""
        if not isinstance(key, str) or not key or any("\ud800" <= each <= "\udfff" for each in key):
            raise InvalidDefinition(
                f"key={shown(key)} of {shown(self.name)} must be a text that is not empty and that UTF-8 can write: "
                "str(key), or another text",
                field="key",
                value=key,
            )

    def refuse_if_closed(self) -> None:
        """Refuse who comes after the end."""
        if self._closed:
            raise KeyedClosed(self.name)

    async def close(self, seconds: float | None) -> None:
        """Put all to rest; those that take longer than so many seconds are stopped as they are."""
        self._closed = True
        with trio.CancelScope(shield=True):
            with trio.move_on_after(float("inf") if seconds is None else seconds):
                await self._each(self._rest_at_last)
            await self._each(self._stop)

    async def _each(self, do: Callable[[Place[AgentT]], Awaitable[None]]) -> None:
        async with trio.open_nursery() as nursery:
            for place in tuple(self.by_key.values()):
                nursery.start_soon(do, place)

    async def _rest_at_last(self, place: Place[AgentT]) -> None:
        if place.ref is None:
            await place.changed.wait()
        if place.ref is None:
            return
        try:
            await self.jido.hibernate(place.ref)
        except (AgentNotFound, OwnershipLost, SupervisorStopped):
            pass  # it has ended otherwise
        except (StorageError, Unstorable) as error:
            logger.error("%s: key %s is stopped as it is: %s", self.name, shown(place.key), said(error))  # noqa: TRY400

    async def _stop(self, place: Place[AgentT]) -> None:
        if place.ref is not None:
            with suppress(AgentNotFound, SupervisorStopped):
                await self.jido.stop_agent(place.ref)


def is_next(new: type[Agent[Any]], old: type[Agent[Any]]) -> bool:
    """Whether those that rest as agents of the old class can be brought back as ones of the new."""
    return new.durable is not None and new.durable.follows(old)


def class_of(place: Place[Any]) -> type[Agent[Any]] | None:
    """Return of which class the agent of a place is; None while it is coming."""
    return type(place.ref.agent) if place.ref is not None else None


def up(place: Place[AgentT]) -> AgentRef[AgentT]:
    """Return the agent of a place that is up."""
    assert place.ref is not None  # noqa: S101  # it is up
    return place.ref
