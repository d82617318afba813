"""The law on cost: a command takes no longer than in proportion to the state.

It isn't about a trial but about sizes: a container of the state is grown, and lines and seconds that a command takes
are compared from size to size; and a command that raises at a size raises at small ones, too, where trials meet it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from typing import Any

import attrs
from hypothesis import Phase
from hypothesis.errors import NoSuchExample, Unsatisfiable

from jido_trio.core import Agent
from jido_trio.redact import shown
from jido_trio.testing._bench import Bench, How
from jido_trio.testing._code import code_of, code_of_many
from jido_trio.testing._echoes import ALL_AGAIN, echoed
from jido_trio.testing._finding import Unlike, found
from jido_trio.testing._growth import Growth, grown_fields
from jido_trio.testing._sandbox import Died
from jido_trio.testing._search import NO_TIME
from jido_trio.testing._strategies import actions
from jido_trio.testing._subject import AgentUnderTest
from jido_trio.testing._verdicts import LawVerdict
from jido_trio.testing._walk import Trial
from jido_trio.testing._weigh import Swelling, Weighing, Weight

BOUNDED = "bounded"

_SIZES = (64, 128, 256, 512)
_LARGE = (1024, 2048, 4096)
_STEEP = 1.6
"""Twice the size takes more than this power of two: more than in proportion, whatever is lost in rounding."""
_FLAT = 2.5
"""Four times the size takes less than this power of two: no square, even if the first was measured twice as long."""
_ROUNDS = 4
"""So often is each size measured."""
_QUICK = 0.004
"""Seconds of the processor that tell nothing."""


def bounded(bench: Bench, subject: AgentUnderTest, how: How) -> LawVerdict:
    """Return what becomes of the law."""
    sentence = "a command takes no longer than in proportion to the state"
    if how.is_over:
        return LawVerdict(BOUNDED, sentence, "skipped", NO_TIME)
    steps = [_smallest(action, how) for action in subject.actions]
    for step in steps:
        swollen = "" if step is None else _swollen(bench, subject, step)
        if swollen:
            code = code_of(Trial(subject.cls.new("a"), (step,) * _SHOWN))
            return LawVerdict(BOUNDED, sentence, "broken", swollen, code, reachable=True)
    grown = list(grown_fields(subject.cls))
    if not grown:
        return LawVerdict(BOUNDED, sentence, "skipped", "the state has no container that grows")
    tried = False
    for step in steps:
        full = None if step is None else _smallest(type(step), how, _is_full) or step
        for path, grow in grown if step is not None else ():
            for told in (step, *_that_names(subject, path, grow, full, step)):
                why = _steep(bench, subject, path, grow, told)
                tried = tried or why is not None
                if why:
                    code = _code(
                        Trial(_sized(subject, path, grow, 2), (told,)),
                        path,
                        grow,
                        _SIZES[0] if _ENDLESS in why else _LARGE[-1],
                    )
                    return LawVerdict(BOUNDED, sentence, "broken", why, code, reachable=False)
    if not tried:
        return LawVerdict(BOUNDED, sentence, "skipped", "no larger state could be made that fits")
    return LawVerdict(BOUNDED, sentence, "holds")


def _code(trial: Trial, path: Sequence[str], grow: Growth, size: int) -> str:
    """Return code with so many items; with two of them, where no rule for these is seen."""
    names: set[Any] = set()
    changes = code_of_many(grow, size, names)
    if not changes:
        return code_of(trial, then=f"# and so on, with many more items in {'.'.join(path)}")
    for name in reversed(path):
        changes = f"{{{name!r}: {changes}}}"
    return code_of(trial, state=changes, of=names)


def _steep(bench: Bench, subject: AgentUnderTest, path: Sequence[str], grow: Growth, step: Any) -> str | None:
    """Return what grows too fast, "" if nothing does, None if it can't be told."""
    name = ".".join(path)
    try:
        sizes = [_sized(subject, path, grow, size) for size in _SIZES]
        large = [_sized(subject, path, grow, size) for size in _LARGE]
    except Exception:  # noqa: BLE001 - a validator says no
        return None
    small = [_sized(subject, path, grow, size) for size in _SMALL]
    answer = bench.weigh(Weighing(tuple(sizes), step))
    if isinstance(answer, Died):
        return _endless(bench, small, name, step, answer)
    failed = _failed(bench, small, name, step, dict(zip(_SIZES, answer, strict=True)))
    if failed:
        return failed
    lines = [one.lines for one in answer]
    if lines[-1] > 2000 and lines[-1] > lines[-2] * 2**_STEEP and lines[-2] > lines[-3] * 2**_STEEP:
        counts = ", ".join(f"{count} at {size}" for size, count in zip(_SIZES, lines, strict=True))
        return f"{_called(step)} goes through more lines than in proportion to {name}: {counts}"
    return _slow(bench, name, large, small, step)


_SMALL = (2, 4, 8)


def _failed(bench: Bench, small: Sequence[Agent[Any]], name: str, step: Any, answers: Mapping[int, Weight]) -> str:
    """Return what raises from a size on, and not at small ones: those the other laws meet."""
    size, error = next(((size, one.error) for size, one in answers.items() if one.error), (0, ""))
    if not error:
        return ""
    answer = bench.weigh(Weighing(tuple(small), step))
    if isinstance(answer, Died) or any(one.error for one in answer):
        return ""
    return f"{_called(step)} raises at {size} items in {name}, and not at {_SMALL[-1]}: {error}"


def _endless(bench: Bench, agents: Sequence[Agent[Any]], name: str, step: Any, died: Died) -> str | None:
    """Return what doesn't end at a size that others live with, and does at a small one."""
    answer = bench.weigh(Weighing(tuple(agents), step))
    if isinstance(answer, Died):
        return None
    counts = ", ".join(f"{one.lines} at {size}" for size, one in zip(_SMALL, answer, strict=True))
    return f"{_called(step)} {_ENDLESS} with {name}: lines {counts}, and from {_SIZES[0]} on {died.why}"


_ENDLESS = "grows beyond all bounds"


def _swollen(bench: Bench, subject: AgentUnderTest, step: Any) -> str:
    """Return how the state of a new agent grows with each step, if it does so by a part of itself."""
    if subject.fresh() is None:
        return ""
    sizes = bench.swell(Swelling(subject.cls.new("a"), step))
    if isinstance(sizes, Died) or len(sizes) <= 2 * _APART:
        return ""
    first, then, last = sizes[-1 - 2 * _APART], sizes[-1 - _APART], sizes[-1]
    if last <= then * _BY or then <= first * _BY:
        return ""
    return f"the state grows by a part of itself with each {_called(step)}: " + ", ".join(
        f"{size} characters after {len(sizes) - back}"
        for size, back in ((first, 2 * _APART), (then, _APART), (last, 0))
    )


_APART, _BY = 4, 3
"""So many steps further on, a state so many times as large doesn't grow with a low power of their number."""
_SHOWN = 10
"""Steps that a counterexample shows."""


def _called(step: Any) -> str:
    return type(step[0] if isinstance(step, tuple) else step).__name__


def _slow(bench: Bench, name: str, agents: Sequence[Agent[Any]], small: Sequence[Agent[Any]], step: Any) -> str:
    rounds: list[list[float]] = []
    seconds = [math.inf for _ in agents]
    for again in range(_ROUNDS):
        answer = bench.weigh(Weighing((*agents, *agents[:again]), step))
        if isinstance(answer, Died):
            return ""
        failed = _failed(bench, small, name, step, dict(zip(_LARGE, answer, strict=False)))
        if failed:
            return failed
        rounds.append([one.seconds for one in answer[: len(agents)]])
        seconds = list(map(min, seconds, rounds[-1]))
        if seconds[-1] <= _QUICK or seconds[-1] < seconds[-3] * 2**_FLAT:
            return ""
    if not are_steep(rounds):
        return ""
    took = ", ".join(f"{1000 * one:.1f} ms at {size}" for size, one in zip(_LARGE, seconds, strict=True))
    return f"{_called(step)} takes longer than in proportion to {name}: {took}"


def are_steep(rounds: Sequence[Sequence[float]]) -> bool:
    """Tell whether the least that each size has taken is steep, or most rounds are, each on its own.

    The rest is the machine's. It may be half as fast for seconds on end: then the least of one size is of a quick
    round, and that of another isn't; the sizes of one round were measured one right after the other.
    """
    least = list(map(min, zip(*rounds, strict=True)))
    return is_steep(least) or sum(map(is_steep, rounds)) > len(rounds) / 2


def is_steep(seconds: Sequence[float]) -> bool:
    """Tell whether what takes so long, each time at twice the size, takes more than in proportion to the size."""
    before, last_but_one, last = seconds[-3:]
    return last > _QUICK and last > last_but_one * 2**_STEEP and last_but_one > before * 2**1.4


def _that_names(subject: AgentUnderTest, path: Sequence[str], grow: Growth, full: Any, step: Any) -> Iterator[Any]:
    """Return a step with something in each text and container, such as names what the state holds.

    Of one that is empty, or names what isn't there, the action has nothing to do.
    """
    try:
        [told] = echoed(_sized(subject, path, grow, _SMALL[-1]), (full,), ALL_AGAIN, {})
    except Exception:  # noqa: BLE001 - a validator says no
        return
    if told != step:
        yield told


def _is_full(action: Any) -> bool:
    values = [getattr(action, one.name) for one in attrs.fields(type(action))]
    return all(len(value) > 0 for value in values if isinstance(value, Sized))


def _smallest(action: Any, how: How, breaks: Callable[[Any], bool] = lambda _: True) -> Any:
    try:
        return found(actions(action), breaks, how.settings(phases=[Phase.generate, Phase.shrink]), how.seed)
    except (Unlike, NoSuchExample, Unsatisfiable):
        return None


def _sized(subject: AgentUnderTest, path: Sequence[str], grow: Growth, size: int) -> Agent[Any]:
    fresh = subject.fresh()
    if fresh is None:
        raise LookupError(shown(subject.name))
    agent: Agent[Any] = subject.cls.new("a")
    changes: Any = grow(size)
    for name in reversed(path):
        changes = {name: changes}
    return agent.set(changes)
