"""What is wrong with data, and where: values, made text at the edge only."""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, TypeVar

from attrs import define, evolve, field, frozen

from jido_trio.errors import ErrorValue
from jido_trio.redact import said, shown

T = TypeVar("T")


def _plain_key(key: object) -> object:
    return key if type(key) in (str, int, bool, float, bytes, type(None)) else shown(key, 80)


@frozen
class Key:
    """A step into a mapping or a list; other keys than JSON has are kept as text."""

    key: object = field(converter=_plain_key)

    def __str__(self) -> str:
        return f"[{shown(self.key, 80)}]"


Step: TypeAlias = str | Key
"""A field, by the name its constructor takes; or a key."""


@frozen
class Problem:
    """One thing that is wrong; as text "expected int, got '3' @ items[2].price"."""

    what: str
    path: tuple[Step, ...] = ()
    """Where, from the outside in; empty for the whole."""
    is_unknown: bool = False
    """Whether the path leads to a field that isn't there."""
    missing: str = ""
    """The name of the class that isn't there, as "module:Class", if that is what is wrong."""

    def under(self, step: Step) -> "Problem":
        """Return the same problem of a value that holds the other at `step`."""
        return evolve(self, path=(step, *self.path))

    def __str__(self) -> str:
        path = "".join(map(_step, self.path[:_STEPS])).removeprefix(".") + ("..." if len(self.path) > _STEPS else "")
        return f"{self.what} @ {path}" if path else self.what


_STEPS = 20
"""So much of a path is told; of data that is nested too deeply, it is a long one."""


def _step(step: Step) -> str:
    if isinstance(step, Key):
        return str(step)
    return f".{step}" if step.isidentifier() else str(Key(step))  # what is called a field by mistake may be any text


def _problems(problems: Iterable[str | Problem]) -> tuple[Problem, ...]:
    return tuple(one if isinstance(one, Problem) else Problem(one) for one in problems)


@define(slots=False, eq=False)
class Misfit(ErrorValue, ValueError):
    """Data doesn't fit a class."""

    problems: tuple[Problem, ...] = field(converter=_problems)
    """What doesn't fit, each with its path; a text is taken for one of the whole."""

    @property
    def missing(self) -> str:
        """The name of the first class that isn't there; empty if all are."""
        return next((problem.missing for problem in self.problems if problem.missing), "")

    def __str__(self) -> str:
        return "; ".join(map(str, self.problems[:_MANY])) + ("; ..." if len(self.problems) > _MANY else "")


_MANY = 100
"""So many problems are told; a list of a million texts where numbers belong has a million."""


def under(step: Step, make: Callable[..., T], *args: Any) -> T:
    """Return `make(*args)`; what is wrong with it is wrong at `step`."""
    try:
        return make(*args)
    except Misfit as misfit:
        raise Misfit(problem.under(step) for problem in misfit.problems) from None


def message(error: BaseException) -> str:
    """Return what a validator or a hook of a user says: attrs' own put the parts the sentence was made of after it."""
    return said(error.args[0] if error.args else type(error).__name__)
