"""What can go wrong: each fault is a value, that can be generated, printed as code, and said in words.

Not everything can go wrong everywhere: where nothing can wait, nothing can be late, and only a write can be torn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from attrs import field, frozen

from jido_trio import checks
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown, type_name


class PlannedCrash(Exception):
    """A crash that a script, or a search for bugs, has asked for at a named point."""


class ReplyLost(Exception):
    """What was asked for was done, and the answer is lost: a fault that was asked for."""


@frozen
class Raise:
    """It raises, before anything is done."""

    error: type[Exception] = field(
        default=PlannedCrash, validator=lambda _, __, value: _check_error(value), repr=lambda error: error.__qualname__
    )
    """Made of the name of the point."""


def _check_error(error: object) -> None:
    if not (isinstance(error, type) and issubclass(error, Exception)):
        raise InvalidDefinition(
            f"Raise: error={shown(error)} is no class of exceptions: give one that is made of a text, as OSError",
            field="error",
            value=error,
        )
    try:
        error("a point")
    except Exception as refused:
        raise InvalidDefinition(
            f"Raise: {type_name(error)} can't be made of the name of a point alone: give a class that can, as one of "
            "yours that is derived from it",
            field="error",
            value=error,
        ) from refused


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

Place: TypeAlias = Literal["plain", "async", "write"]
"""Where something goes wrong: in a plain function, where it can wait, or when a storage is written to."""
_ASYNC = (Raise, CutShort, Hang, Slow, LoseReply, JumpClock)
POSSIBLE: Mapping[Place, tuple[type[PlannedFault], ...]] = {
    "plain": (Raise, JumpClock),
    "async": _ASYNC,
    "write": (*_ASYNC, DropWrite, TearWrite),
}
_NEEDS: Mapping[Place, str] = {
    "plain": "nothing can wait there: write `await fault_point(name)`, or plan Raise() or JumpClock(seconds)",
    "async": "it is no commit of a storage: plan it at 'commit', or Raise(), Hang(), LoseReply() or the like here",
}


def check_fault(fault: object, whose: str) -> None:
    """Refuse what is no fault.

    Raises:
        InvalidDefinition: It isn't.
    """
    if not isinstance(fault, PlannedFault):
        raise InvalidDefinition(
            f"{whose}: {shown(fault)} is no fault: give Raise(), Slow(1), TearWrite() or the like",
            field="script",
            value=fault,
        )


def misplaced(fault: PlannedFault, point: str, place: Place) -> InvalidDefinition | None:
    """Return the error for a fault that can't happen at such a place; None if it can."""
    if isinstance(fault, POSSIBLE[place]):
        return None
    return InvalidDefinition(f"{fault} can't happen at {shown(point)}, as {_NEEDS[place]}", field="script", value=fault)


def said_of(fault: PlannedFault) -> str:
    """Return what goes wrong, in a word or two."""
    match fault:
        case Raise(error):
            return "crash" if error is PlannedCrash else type_name(error)
        case CutShort():
            return "cut short"
        case Hang():
            return "hang"
        case Slow(seconds):
            return f"{seconds:g} s late"
        case LoseReply():
            return "reply lost"
        case DropWrite():
            return "write dropped"
        case TearWrite():
            return "write torn"
        case JumpClock(seconds):
            return f"clock jumps {seconds:g} s"


Offered: TypeAlias = Sequence[PlannedFault] | Mapping[str, Sequence[PlannedFault]]
"""What may go wrong: at all points, where it can; or at those named, and nowhere else."""
CRASHES: tuple[PlannedFault, ...] = (Raise(),)


def checked_offer(offered: Offered) -> Offered:
    """Return what may go wrong, unchanged.

    Raises:
        InvalidDefinition: Something in it is no fault.
    """
    by_point: Mapping[str, object] = offered if isinstance(offered, Mapping) else {"": offered}
    for point, faults in by_point.items():
        whose = f"faults at {shown(point)}" if point else "faults"
        if isinstance(faults, str) or not isinstance(faults, Sequence):
            raise InvalidDefinition(
                f"{whose}={shown(faults)}: give a list of faults, or such lists by the names of points",
                field="faults",
                value=faults,
            )
        for fault in faults:
            check_fault(fault, whose)
    return offered
