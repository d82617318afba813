"""Whatever could make two runs differ: time, ids and randomness, from one place. Imports nothing of ours.

The rest of the package asks `current()` and never the clock or the operating system itself, so a run can be repeated:
in a `seeded` world everything follows from the seed, in a `derived` one from the value of a function.
"""

import random
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any, Protocol, TypeAlias

from attrs import frozen

__all__ = [
    "Derived",
    "World",
    "clocked",
    "current",
    "derived",
    "enter",
    "is_uuid7",
    "leave",
    "real",
    "reseeded",
    "seeded",
    "timed",
    "using",
    "uuid7",
    "uuid7_time",
]

Clock: TypeAlias = Callable[[], datetime]
"""Tells the time, aware and in UTC."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)


class Bits(Protocol):
    """A source of random bits, as `random.Random` is one."""

    def getrandbits(self, k: int, /) -> int:
        """Return an integer of `k` random bits."""
        ...


@frozen
class World:
    """Where ids, the time and random numbers come from."""

    ids: Callable[[], str]
    """Makes a new id: UUIDv7 text, greater than all that this world made before."""
    now: Clock
    random: random.Random


def uuid7(now: Clock, bits: Bits) -> Callable[[], str]:
    """Return a maker of UUIDv7 texts, each greater than the one before, also within a millisecond.

    The 12 bits after the version count within a millisecond; when they run over, or the clock is set back, the ids
    run ahead of the clock (RFC 9562 section 6.2, methods 1 and "timestamp rollback").
    """
    last = 0  # 48 bits of milliseconds, 12 bits of counter
    beginning = -1, ""  # those milliseconds, and the text that all ids of them begin with

    def make() -> str:
        # Threads that meet here may count alike; the 62 random bits still tell their ids apart.
        nonlocal last, beginning
        last = count = max(last + 1, (now() - _EPOCH) // _MILLISECOND << 12)
        time, begins = beginning
        if count >> 12 != time:
            time = count >> 12
            begins = f"{time >> 16:08x}-{time & 0xFFFF:04x}-7"
            beginning = time, begins
        ends = f"{1 << 63 | bits.getrandbits(62):x}"
        return f"{begins}{count & 0xFFF:03x}-{ends[:4]}-{ends[4:]}"

    return make


def is_uuid7(text: str) -> bool:
    """Tell whether `text` is a UUID of version 7, in either case, with hyphens."""
    return _UUID7.fullmatch(text) is not None


def uuid7_time(text: str) -> datetime:
    """Return the time in a UUIDv7, exact to the millisecond.

    Raises:
        ValueError: `text` is no UUIDv7.
    """
    if not is_uuid7(text):
        raise ValueError(f"{text!r} is not a UUIDv7: expected text like '01890a5d-ac96-774b-bcce-b302099a8057'")
    return _EPOCH + int(text[:8] + text[9:13], 16) * _MILLISECOND


def _utc_now() -> datetime:
    return datetime.now(UTC)


# The operating system's bits, as a generator of our own would go on alike in a forked process and its parent.
real = World(ids=uuid7(_utc_now, random.SystemRandom()), now=_utc_now, random=random.SystemRandom())
"""The world outside."""

Later: TypeAlias = tuple[Callable[..., World], *tuple[Any, ...]]
"""A function and its arguments: the world that it returns, for when somebody asks. Most never do."""

_current: ContextVar[World | Later] = ContextVar("jido_trio.world", default=real)


def current() -> World:
    """Return the world of the running task or thread; `real` unless one was entered."""
    world = _current.get()
    if type(world) is tuple:
        world = world[0](*world[1:])
        _current.set(world)  # until `leave`, which goes back behind it
    return world  # type: ignore[return-value]  # no tuple any more


enter: Callable[[World | Later], Token[World | Later]] = _current.set
"""Make a world the current one until `leave` gets the token; `using` where speed doesn't matter."""

leave: Callable[[Token[World | Later]], None] = _current.reset
"""Restore the world that was current before `enter` returned this token."""


@contextmanager
def using(world: World) -> Generator[World]:
    """Make `world` the current one inside the block."""
    token = enter(world)
    try:
        yield world
    finally:
        leave(token)


def seeded(seed: int | str, start: datetime = datetime(2000, 1, 1, tzinfo=UTC)) -> World:
    """Return a world in which everything follows from `seed`; its clock gains a millisecond with each look at it.

    Ids and numbers are drawn apart: a program that draws one more number still gets the same ids.
    """
    now = _ticking(start)
    return World(ids=uuid7(now, _repeatable(f"{seed}/ids")), now=now, random=_repeatable(f"{seed}/random"))


def _ticking(start: datetime) -> Clock:
    time = start

    def now() -> datetime:
        nonlocal time
        time += _MILLISECOND
        return time

    return now


def clocked(seed: int | str, clock: Callable[[], float], start: datetime = datetime(2000, 1, 1, tzinfo=UTC)) -> World:
    """Return a seeded world whose time goes on as `clock` does: `clocked(1, trio.current_time)` in virtual time.

    It is `start` when somebody looks at it first; `clock` tells seconds.
    """
    began: list[float] = []

    def now() -> datetime:
        if not began:
            began.append(clock())
        return start + timedelta(seconds=clock() - began[0])

    return World(ids=uuid7(now, _repeatable(f"{seed}/ids")), now=now, random=_repeatable(f"{seed}/random"))


def _repeatable(seed: str | bytes) -> random.Random:
    return random.Random(seed)  # noqa: S311 - repeating itself is what it is for


_keep = object.__setattr__


class Derived(World):
    """A world in which everything follows from what it is given: made when it is asked for, and not before.

    A subclass says what ids and numbers follow from, and what time it is, always the same.
    """

    __slots__ = ("_given", "_made", "_numbers", "_tail")
    _given: tuple[Any, ...]
    _made: int
    """The ids made so far."""
    _numbers: random.Random
    _tail: str
    """What the ids end in: they are counted before it."""

    def __init__(self, *given: object) -> None:
        _keep(self, "_given", given)
        _keep(self, "_made", 0)

    def basis(self) -> bytes:
        """Return what numbers follow from, and ids, if there is nothing shorter."""
        basis: bytes = self._given[0]()
        return basis

    def origin(self) -> bytes:
        """Return what ids follow from."""
        return self.basis()

    def now(self) -> datetime:
        """Return the time."""
        time: datetime = self._given[1]()
        return time

    def ids(self) -> str:
        """Return a new id, greater than those made before."""
        made = self._made
        if not made:
            bits = sha256(self.origin()).hexdigest()
            _keep(self, "_tail", f"-8{bits[:3]}-{bits[3:15]}")
        _keep(self, "_made", made + 1)
        return f"{_hex_time(self.now(), made >> 12)}-7{made & 0xFFF:03x}{self._tail}"

    @property
    def random(self) -> random.Random:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Random numbers; ids are drawn apart from them."""
        if not hasattr(self, "_numbers"):
            _keep(self, "_numbers", _repeatable(self.basis()))
        return self._numbers


@lru_cache(maxsize=256)
def _hex_time(time: datetime, later: int) -> str:
    """Return the time of an id, so many milliseconds later."""
    text = f"{max((time - _EPOCH) // _MILLISECOND, 0) + later:012x}"
    return f"{text[:8]}-{text[8:]}"


derived: Callable[[Callable[[], bytes], Clock], World] = Derived
"""Return a world whose ids and numbers are functions of `basis()` alone, and whose time is `at()`, always the same.

`basis` is called when the first id or number is asked for, so a world that nobody looks at costs next to nothing.
"""


@contextmanager
def reseeded(seed: int | str) -> Generator[None]:
    """Have the functions of Python's own module `random` follow from `seed` inside the block, for the whole process."""
    before = random.getstate()
    random.seed(f"{seed}/global")
    try:
        yield
    finally:
        random.setstate(before)


def timed(seed: int | str, now: Clock) -> World:
    """Return a world in which ids and numbers follow from `seed`, and the time is what `now` says."""
    return World(ids=uuid7(now, _repeatable(f"{seed}/ids")), now=now, random=_repeatable(f"{seed}/random"))
