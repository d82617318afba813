"""Forecast: when and how a tree gives up, told from the pure reducer under virtual time, without running it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches

from attrs import evolve, frozen

from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown
from jido_trio.supervision._backoff import Backoff
from jido_trio.supervision._child import Child, is_seconds
from jido_trio.supervision._faults import At, Every, Fault, StartFails
from jido_trio.supervision._flags import Flags
from jido_trio.supervision._nested import nested_spec
from jido_trio.supervision._rehearsal import ROOT, Happening, Rehearsal, SupervisorEnd, paths_of
from jido_trio.supervision._slots import SlotState
from jido_trio.supervision._spec import SupervisorSpec
from jido_trio.terms import AutoShutdown, RestartStrategy


@frozen
class Forecast:
    """What becomes of a tree; its text is the answer in a line.

    A child is named by its path: "db", or "group/db" below the supervisor "group". The supervisor at the top is ".".
    """

    seconds: float
    """How far was looked: as far as was asked, or to the end of the tree."""
    timeline: tuple[Happening, ...]
    starts: Mapping[str, int]
    """How often each child was started, starts that failed included."""
    most_restarts: Mapping[str, int]
    """The most restarts that each supervisor had within its `max_seconds`."""
    states: Mapping[str, SlotState]
    """What each child is at, at last."""
    ends: tuple[SupervisorEnd, ...]
    """Each end of a supervisor that wasn't asked to, whether it was restarted or not."""
    survives_with: tuple[str, ...] = ()
    """Where the tree gives up: with the default `Backoff()` for these children it would survive."""
    cut: bool = False
    """Whether so much happened that the forecast stops early, at `seconds`."""

    @property
    def end(self) -> SupervisorEnd | None:
        """How the supervisor at the top ended, if it did."""
        return next((end for end in self.ends if end.supervisor == ROOT), None)

    @property
    def gave_up(self) -> SupervisorEnd | None:
        """The end of the supervisor at the top, if it gave up; its `chain` tells how that came about."""
        return self.end if self.end is not None and self.end.why == "gave_up" else None

    @property
    def survives(self) -> bool:
        """Whether the supervisor at the top is up at last."""
        return self.end is None

    @property
    def restarts(self) -> int:
        """How many starts were not the first of their child."""
        return sum(self.starts.values()) - len(self.starts)

    def __str__(self) -> str:
        return "; ".join(self._clauses())

    def _clauses(self) -> Iterator[str]:
        if self.end is None:
            yield from self._survival()
        else:
            yield from self._downfall(self.end)
        if self.cut:
            yield f"cut short: more than {len(self.timeline) - 1:,} things happen by then"

    def _survival(self) -> Iterator[str]:
        more = [path for path, times in self.starts.items() if times > 1]
        yield f"survives {self.seconds:g} s" + (f": {self._started(more)}" if more else "")
        for path, state in self.states.items():
            if state != "running":
                yield f"{path} is {state.replace('_', ' ')} at last"

    def _downfall(self, end: SupervisorEnd) -> Iterator[str]:
        first = end.chain[0]
        yield f"{_HOW[end.why]} {end.at:g} s: {self._started([first.child])}"
        for inner in end.chain[:-1]:
            times = sum((other.supervisor, other.why) == (inner.supervisor, inner.why) for other in self.ends)
            yield f"{inner.supervisor} {_ENDED[inner.why]} {_times(times)}"
        victims = self._victims(end)
        if victims:
            yield f"takes {_list(victims)} down"
        if self.survives_with:
            yield f"survives with backoff=Backoff() for {_list(self.survives_with)}"

    def _victims(self, end: SupervisorEnd) -> Sequence[str]:
        """Those that were running well when the tree went down."""
        inside = {inner.supervisor for inner in end.chain}
        last = [happening for happening in self.timeline if happening.at == end.at and happening.what == "stop"]
        return sorted({happening.path for happening in last} - inside - {end.chain[0].child})

    def _started(self, paths: Sequence[str]) -> str:
        return ", ".join(f"{path} started {_times(self.starts[path])}" for path in paths)


_HOW = {"gave_up": "gives up after", "start_failed": "fails to start after", "auto_shutdown": "shuts down after"}
_ENDED = {"gave_up": "gave up", "start_failed": "failed to start", "auto_shutdown": "shut down"}


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _list(paths: Sequence[str]) -> str:
    *most, last = paths
    return f"{', '.join(most)} and {last}" if most else last


def forecast(
    children: Sequence[Child],
    failures: Mapping[str, Fault | Sequence[Fault]],
    *,
    strategy: RestartStrategy = "one_for_one",
    max_restarts: int = 3,
    max_seconds: float = 5,
    auto_shutdown: AutoShutdown = "never",
    seconds: float = 60,
) -> Forecast:
    """Return what becomes of a tree within `seconds`, supposing that its children fail like that.

    Nothing is run: the functions of the children are never called. Each is supposed to be ready at once and to stop at
    once; jitter is taken at its middle.

    Args:
        children: As for `open_supervisor`, and so are the flags.
        failures: By the path of a child, "db" or "group/db": `every(0.2)`, `at(1.0, 1.5)`, `start_fails(2)`, or
            several of them.
        strategy: See `open_supervisor`.
        max_restarts: See `open_supervisor`.
        max_seconds: See `open_supervisor`.
        auto_shutdown: See `open_supervisor`.
        seconds: How far to look.

    Raises:
        InvalidDefinition: The tree is declared wrongly, or a failure is of no child of it.
    """
    flags = Flags(strategy=strategy, max_restarts=max_restarts, max_seconds=max_seconds, auto_shutdown=auto_shutdown)
    spec = SupervisorSpec(tuple(children), flags)
    if not is_seconds(seconds):
        raise InvalidDefinition(f"seconds={shown(seconds)} must be seconds, 0 or more", field="seconds", value=seconds)
    supposed = {path: _several(path, failure) for path, failure in failures.items()}
    _check_paths(spec, supposed)
    found = _rehearsed(spec, supposed, seconds)
    if found.gave_up is None:
        return found
    return _with_remedy(found, spec, supposed, seconds)


def _several(path: str, failure: object) -> tuple[Fault, ...]:
    several = (failure,) if isinstance(failure, Every | At | StartFails) else failure
    if not isinstance(several, Sequence) or not all(isinstance(one, Every | At | StartFails) for one in several):
        raise InvalidDefinition(
            f"failures[{shown(path)}]={shown(failure)} must be every(seconds), at(*times), start_fails(*numbers), or "
            "several",
            field="failures",
            value=failure,
        )
    return tuple(several)


def _check_paths(spec: SupervisorSpec, failures: Mapping[str, object]) -> None:
    known = dict(paths_of(spec.children))
    for path in failures:
        if path not in known:
            near = get_close_matches(path, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known) or 'none'}"
            raise InvalidDefinition(f"no child has the path {path!r}{hint}", field="failures", value=path)
        if nested_spec(known[path]) is not None:
            raise InvalidDefinition(
                f"{path!r} is a supervisor, which fails by its children: name one of them, '{path}/...'",
                field="failures",
                value=path,
            )


def _rehearsed(
    spec: SupervisorSpec,
    failures: Mapping[str, Sequence[Fault]],
    seconds: float,
    change: Callable[[str, Child], Child] = lambda path, child: child,
) -> Forecast:
    run = Rehearsal(spec, failures, change)
    run.run(seconds)
    return Forecast(
        seconds=run.now,
        timeline=tuple(run.timeline),
        starts=dict(run.starts),
        most_restarts=run.most_used,
        states=dict(run.root.states()),
        ends=tuple(run.ends),
        cut=run.cut,
    )


def _with_remedy(
    found: Forecast, spec: SupervisorSpec, failures: Mapping[str, Sequence[Fault]], seconds: float
) -> Forecast:
    """Give one culprit after the other a backoff, until the tree survives or none is left to be helped."""
    patient: list[str] = []
    tried = found
    while tried.gave_up is not None and (culprit := tried.gave_up.chain[0].child) not in patient:
        patient.append(culprit)
        tried = _rehearsed(
            spec, failures, seconds, lambda path, child: evolve(child, backoff=Backoff()) if path in patient else child
        )
    return evolve(found, survives_with=tuple(patient)) if tried.survives else found
