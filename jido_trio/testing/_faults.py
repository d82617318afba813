"""Faults: what goes wrong, at which named point, at which visit. By a script, by a seed, or by a search.

A point is a name that a program comes to: one of its own (`crash_point`, `fault_point`), or one that a wrapper gives
it: "get", "scan" and "commit" of a storage, "start ID" of a child, the name of a function. Which of its visits goes
wrong, and how, is data: it can be generated, shrunk, printed and played again. In a simulation what no script says is
a choice of the run (`_choices`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

import attrs
import trio
from attrs import define, field, frozen

from jido_trio import checks
from jido_trio.errors import InvalidDefinition, StorageUnknown
from jido_trio.redact import shown
from jido_trio.storage import Op, Record, Storage
from jido_trio.supervision import Child
from jido_trio.testing._choices import chosen_at, is_simulated
from jido_trio.testing._fault_kinds import (
    FAULTS,
    POSSIBLE,
    CutShort,
    DropWrite,
    Hang,
    JumpClock,
    LoseReply,
    Place,
    PlannedCrash,
    PlannedFault,
    Raise,
    ReplyLost,
    Slow,
    TearWrite,
    check_fault,
    misplaced,
)
from jido_trio.world import World, seeded

P = ParamSpec("P")
T = TypeVar("T")


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
        script: object = self.script
        if not (isinstance(script, Mapping) and all(isinstance(each, Mapping) for each in script.values())):
            raise checks.refused("Faults", "script", script, "must say what at which visit: {'commit': {2: Raise()}}")
        for point, by_visit in self.script.items():
            for visit, fault in by_visit.items():
                checks.whole(f"faults at {shown(point)}", "visit", visit, least=1)
                check_fault(fault, f"faults at {shown(point)}")

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

    def next_at(self, point: str, place: Place = "write") -> PlannedFault | None:
        """Count a visit, and return what goes wrong at it: by the script, by the seed, or as a simulation chooses.

        Args:
            point: Its name.
            place: What can go wrong there: "plain" where nothing can wait, "async", or "write" for whatever can.

        Raises:
            InvalidDefinition: The script has something go wrong there that can't.
        """
        self.visits[point] += 1
        visit = self.visits[point]
        fault = self.script.get(point, {}).get(visit)
        error = misplaced(fault, point, place) if fault is not None else None
        if error is not None:
            raise error
        fault = fault or self._by_chance(place) or chosen_at(point, place)
        if fault is not None:
            self.happened.append((point, visit, fault))
        return fault

    def _by_chance(self, place: Place) -> PlannedFault | None:
        random = self._chance.random
        if not self._share or random.random() >= self._share:
            return None
        kinds = [kind for kind in self._kinds if isinstance(kind, POSSIBLE[place])]
        return random.choice(kinds) if kinds else None

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
            return await _befall(self.next_at(point, "async"), point, lambda: fn(*args, **kwargs))

        return faulty

    def child(self, child: Child) -> Child:
        """Return a child whose starts go wrong at the point "start ID", each life being a visit.

        The child must be a function of its arguments, without `task_status` or `life`.
        """

        async def live(*args: object) -> object:
            return await _befall(self.next_at(point, "async"), point, lambda: fn(*args))

        fn: Any = child.fn
        point = f"start {child.id}"
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


def crash_point(name: str) -> None:
    """Say that what runs here may crash here, in a test: it raises `PlannedCrash`, or what else was asked for.

    Outside of `simulate`, `explore` and `Faults.active` it does nothing.
    """
    match _next_at(name, "plain"):
        case Raise(error):
            raise error(name)
        case JumpClock(seconds):
            _jump(seconds)


async def fault_point(name: str) -> None:
    """Say that something may go wrong here in a test, where it can wait, too.

    Outside of `simulate`, `explore` and `Faults.active` it does nothing, and is no checkpoint.
    """
    if _active.get() is not None or is_simulated():
        await _befall(_next_at(name, "async"), name, trio.lowlevel.checkpoint)


def _next_at(point: str, place: Place) -> PlannedFault | None:
    faults = _active.get()
    return chosen_at(point, place) if faults is None else faults.next_at(point, place)


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
        case DropWrite() | TearWrite() | None:  # what becomes of a write is for who writes
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
        return await _befall(self._faults.next_at("get", "async"), "get", lambda: self._storage.get(key))

    async def scan(self, start: str, end: str, limit: int = 1000) -> Sequence[Record]:
        """See `Storage.scan`; point "scan"."""
        return await _befall(
            self._faults.next_at("scan", "async"), "scan", lambda: self._storage.scan(start, end, limit)
        )

    async def commit(self, ops: Sequence[Op]) -> None:
        """See `Storage.commit`; point "commit"."""
        fault = self._faults.next_at("commit", "write")
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
