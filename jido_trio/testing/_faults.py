"""Faults: what goes wrong, at which named point, at which visit. By a script, or by a seed.

A point is a name that a program comes to: one of its own (`crash_point`, `fault_point`), or one that a wrapper gives
it: "get", "scan" and "commit" of a storage, "start ID" of a child, the name of a function. Which of its visits goes
wrong, and how, is data: it can be generated, shrunk, printed and played again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeAlias, TypeVar

import attrs
import trio
from attrs import define, field, frozen

from jido_trio import checks
from jido_trio.errors import InvalidDefinition, StorageUnknown
from jido_trio.redact import shown
from jido_trio.storage import Op, Record, Storage
from jido_trio.supervision import Child
from jido_trio.world import World, seeded

P = ParamSpec("P")
T = TypeVar("T")


class PlannedCrash(Exception):
    """A crash that a script, or a search for bugs, has asked for at a named point."""


class ReplyLost(Exception):
    """What was asked for was done, and the answer is lost: a fault that was asked for."""


@frozen
class Raise:
    """It raises, before anything is done."""

    error: type[Exception] = PlannedCrash
    """Made of the name of the point."""


@frozen
class CutShort:
    """It is begun, and cancelled at its first checkpoint; whoever asked for it is told `trio.TooSlowError`."""


@frozen
class Hang:
    """It isn't begun, and waits until it is cancelled."""


@frozen
class Slow:
    """It is begun so many seconds later."""

    seconds: float = field(validator=lambda _, __, value: checks.seconds("Slow", "seconds", value))


@frozen
class LoseReply:
    """It is done, and then it raises `ReplyLost`; a commit raises `StorageUnknown`."""


@frozen
class DropWrite:
    """A commit isn't done, and says that it was, as a disk that lies."""


@frozen
class TearWrite:
    """The first half of a commit is done, and then it raises `PlannedCrash`."""


@frozen
class JumpClock:
    """Virtual time jumps so many seconds, at once; then it is done."""

    seconds: float = field(validator=lambda _, __, value: checks.seconds("JumpClock", "seconds", value))


PlannedFault: TypeAlias = Raise | CutShort | Hang | Slow | LoseReply | DropWrite | TearWrite | JumpClock

FAULTS: tuple[PlannedFault, ...] = (Raise(), CutShort(), Slow(1.0), LoseReply(), JumpClock(60.0))
"""What goes wrong by a seed, if nobody says otherwise: what every program should bear."""


@define(eq=False)
class Faults:
    """What goes wrong, and what has.

    `Faults({"commit": {2: TearWrite()}})` tears the second commit. `Faults.by_seed(7, share=0.1)` has one in ten visits
    of each point go wrong, always the same ones.
    """

    script: Mapping[str, Mapping[int, PlannedFault]] = field(factory=dict)
    """By the name of the point and the number of the visit, from 1."""
    happened: list[tuple[str, int, PlannedFault]] = field(factory=list, init=False)
    """What went wrong: the point, the visit, how. As a script it is what `as_script` returns."""
    visits: Counter[str] = field(factory=Counter, init=False)
    """How often each point was come to."""
    _share: float = field(default=0.0, kw_only=True, alias="share")
    _kinds: Sequence[PlannedFault] = field(default=FAULTS, kw_only=True, alias="kinds")
    _chance: World = field(factory=lambda: seeded(0), kw_only=True, alias="chance")

    def __attrs_post_init__(self) -> None:
        for point, by_visit in self.script.items():
            for visit, fault in by_visit.items():
                checks.whole(f"faults at {shown(point)}", "visit", visit, least=1)
                if not isinstance(fault, PlannedFault):
                    raise InvalidDefinition(
                        f"faults at {shown(point)}: {shown(fault)} is no fault: give Raise(), Slow(1), TearWrite() or "
                        "the like",
                        field="script",
                        value=fault,
                    )

    @classmethod
    def by_seed(cls, seed: int, *, share: float = 0.1, kinds: Sequence[PlannedFault] = FAULTS) -> Faults:
        """Return faults by chance: each visit of any point goes wrong with a probability of `share`, in one of `kinds`.

        Raises:
            InvalidDefinition: `share` isn't from 0 to 1.
        """
        checks.share("Faults", "share", share)
        return cls(share=share, kinds=tuple(kinds), chance=seeded(seed))

    def plan(self, point: str, fault: PlannedFault) -> None:
        """Have the next visit of a point go wrong."""
        by_visit = {**self.script.get(point, {}), self.visits[point] + 1: fault}
        self.script = {**self.script, point: by_visit}

    def as_script(self) -> Mapping[str, Mapping[int, PlannedFault]]:
        """Return what has happened as a script: it happens again."""
        script: dict[str, dict[int, PlannedFault]] = {}
        for point, visit, fault in self.happened:
            script.setdefault(point, {})[visit] = fault
        return script

    def next_at(self, point: str) -> PlannedFault | None:
        """Count a visit, and return what goes wrong at it."""
        self.visits[point] += 1
        visit = self.visits[point]
        fault = self.script.get(point, {}).get(visit)
        if fault is None and self._share and self._chance.random.random() < self._share:
            fault = self._chance.random.choice(self._kinds)
        if fault is not None:
            self.happened.append((point, visit, fault))
        return fault

    @contextmanager
    def active(self) -> Iterator[None]:
        """Have `crash_point` and `fault_point` heed these faults, in this task and those that it starts."""
        token = _active.set(self)
        try:
            yield
        finally:
            _active.reset(token)

    # ---- what they happen to

    def around(self, point: str, fn: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        """Return an async function that does as `fn`, unless something goes wrong at that point."""

        async def faulty(*args: P.args, **kwargs: P.kwargs) -> T:
            return await _befall(self.next_at(point), point, lambda: fn(*args, **kwargs))

        return faulty

    def child(self, child: Child) -> Child:
        """Return a child whose starts go wrong at the point "start ID", each life being a visit.

        The child must be a function of its arguments, without `task_status` or `life`.
        """

        async def live(*args: object) -> object:
            return await _befall(self.next_at(f"start {child.id}"), f"start {child.id}", lambda: fn(*args))

        fn: Any = child.fn
        if child.is_passive or child.keywords:
            raise InvalidDefinition(
                f"child {shown(child.id)} says when it is ready, or has no task: wrap what it calls, with "
                "faults.around(name, fn)",
                field="child",
                value=child,
            )
        return attrs.evolve(child, fn=live)

    def storage(self, storage: Storage) -> FaultyStorage:
        """Return a storage at whose "get", "scan" and "commit" things go wrong."""
        return FaultyStorage(storage, self)


_active: ContextVar[Faults | None] = ContextVar("jido_trio.faults", default=None)


def crash_if_planned(point: str) -> None:
    """Raise if something that raises is planned for a visit of a point; it is where nothing can wait."""
    faults = _active.get()
    fault = None if faults is None else faults.next_at(point)
    if isinstance(fault, Raise):
        raise fault.error(point)
    if isinstance(fault, JumpClock):
        _jump(fault.seconds)


async def fault_point(name: str) -> None:
    """Say that something may go wrong here in a test, where it can wait, too; without `faults.active()` nothing does.

    It is a checkpoint then, and only then.
    """
    faults = _active.get()
    if faults is not None:
        await _befall(faults.next_at(name), name, trio.lowlevel.checkpoint)


async def _befall(fault: PlannedFault | None, point: str, do: Callable[[], Awaitable[T]]) -> T:
    match fault:
        case Raise(error):
            await trio.lowlevel.checkpoint()
            raise error(point)
        case Hang():
            await trio.sleep_forever()
        case Slow(seconds):
            await trio.sleep(seconds)
        case JumpClock(seconds):
            _jump(seconds)
        case CutShort():
            with trio.fail_after(0):
                return await do()
        case LoseReply():
            await do()
            raise ReplyLost(point)
        case TearWrite():
            await trio.lowlevel.checkpoint()
            raise PlannedCrash(point)  # what isn't a write is torn as a whole
        case DropWrite() | None:
            pass
    return await do()


def _jump(seconds: float) -> None:
    clock: Any = trio.lowlevel.current_clock()
    jump = getattr(clock, "jump", None)
    if jump is None:
        raise InvalidDefinition("JumpClock needs virtual time: run with a clock that can jump, as trio's MockClock")
    jump(seconds)


@frozen
class FaultyStorage:
    """A storage at which things go wrong; see `Faults.storage`."""

    _storage: Storage
    _faults: Faults

    async def get(self, key: str) -> Record | None:
        """See `Storage.get`; point "get"."""
        return await _befall(self._faults.next_at("get"), "get", lambda: self._storage.get(key))

    async def scan(self, start: str, end: str, limit: int = 1000) -> Sequence[Record]:
        """See `Storage.scan`; point "scan"."""
        return await _befall(self._faults.next_at("scan"), "scan", lambda: self._storage.scan(start, end, limit))

    async def commit(self, ops: Sequence[Op]) -> None:
        """See `Storage.commit`; point "commit"."""
        fault = self._faults.next_at("commit")
        match fault:
            case DropWrite():
                await trio.lowlevel.checkpoint()
            case TearWrite():
                await self._storage.commit(ops[: len(ops) // 2])
                raise PlannedCrash("commit")
            case LoseReply():
                await self._storage.commit(ops)
                raise StorageUnknown(type(self._storage).__name__, "the answer is lost, as was asked for")
            case _:
                await _befall(fault, "commit", lambda: self._storage.commit(ops))
