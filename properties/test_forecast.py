"""What a forecast says of a tree is what happens when that tree runs."""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from jido_trio import world
from jido_trio.errors import RestartIntensityExceeded, StartFailed, SupervisionError
from jido_trio.supervision import (
    At,
    Backoff,
    Budget,
    Child,
    Every,
    Fault,
    Forecast,
    Life,
    StartFails,
    Supervisor,
    SupervisorView,
    forecast,
    nested_spec,
    open_supervisor,
    supervisor_child,
)
from jido_trio.supervision import _rehearsal as rehearsal
from jido_trio.supervision._pump import Pump
from jido_trio.supervision._rehearsal import path_of, paths_of

SECONDS = 10 + 2**-45
"""How long a tree is watched: nothing else happens at just that moment."""

LEAVES = ("a", "b", "group/c", "group/d", "group/inner/e")


def tick(path: str) -> float:
    """A bit of time that is this child's own.

    Real children that crash at the same moment do so in the order of Trio's whim. With these bits no two do. All times
    are sums of powers of 2, so that no sum of them is rounded.
    """
    return 2.0 ** (8 * LEAVES.index(path) - 42)


quarters = st.integers(1, 12).map(lambda n: n / 4)
backoffs = st.none() | st.builds(
    Backoff,
    first=st.sampled_from([0.125, 0.25, 1]),
    factor=st.sampled_from([1, 2]),
    cap=st.sampled_from([0.5, 2]),
    jitter=st.sampled_from([0, 0.25]),
    reset_after=quarters,
)
budgets = st.none() | st.builds(
    Budget,
    max_restarts=st.integers(0, 2),
    max_seconds=quarters,
    exhausted=st.sampled_from(["escalate", "park", "stop"]),
)
restarts = st.sampled_from(["permanent", "permanent", "transient", "temporary"])
supervisors = st.sampled_from(["permanent"] * 6 + ["transient", "temporary"])


@attrs.frozen
class Plan:
    """A tree, and how its children fail."""

    children: list[Child]
    flags: dict[str, Any]
    failures: dict[str, list[Fault]]


class Stage:
    """Children that fail as they are told to, and what they did."""

    def __init__(self) -> None:
        self.failures: dict[str, list[Fault]] = {}
        self.starts: Counter[str] = Counter()
        self.done: list[tuple[float, str, str, int]] = []

    def child(self, path: str, ready: bool, **options) -> Child:
        async def tells(task_status: Life) -> None:
            await self.live(path, task_status, ready=True)

        async def silent(life: Life) -> None:
            await self.live(path, life, ready=False)

        return Child(path.rpartition("/")[2], tells if ready else silent, **options)

    async def live(self, path: str, life: Life, ready: bool) -> None:
        self.starts[path] += 1
        if self.fails_to_start(path):
            self.note("start_failed", path, life)
            raise OSError("taken")
        self.note("start", path, life)
        if ready:
            life.started()
        try:
            await trio.sleep_until(self.crashes_at(path))
        except trio.Cancelled:
            self.note("stop", path, life)
            raise
        self.note("crash", path, life)
        raise ValueError(path)

    def note(self, what: str, path: str, life: Life) -> None:
        self.done.append((trio.current_time(), what, path, life.incarnation))

    def fails_to_start(self, path: str) -> bool:
        n = self.starts[path]
        return any(
            n in failure.numbers or (failure.since is not None and n >= failure.since)
            for failure in self.failures.get(path, [])
            if isinstance(failure, StartFails)
        )

    def crashes_at(self, path: str) -> float:
        now, times = trio.current_time(), [float("inf")]
        for failure in self.failures.get(path, []):
            if isinstance(failure, Every):
                times.append(now + failure.seconds)
            elif isinstance(failure, At):
                times += [time for time in failure.times if time > now]
        return min(times)


def failures_of(path: str, ready: bool) -> st.SearchStrategy[list[Fault]]:
    crashes = st.builds(Every, st.integers(1, 12).map(lambda n: n / 4 + tick(path)))
    at = st.lists(st.integers(1, 40), min_size=1, max_size=3).map(
        lambda times: At(tuple(n / 4 + 128 * tick(path) for n in times))
    )
    starts = st.builds(StartFails, st.lists(st.integers(1, 6), max_size=3).map(tuple), st.none() | st.integers(2, 8))
    return st.lists(crashes | at | starts if ready else crashes | at, max_size=2 if path in LEAVES[2:] else 1)


flags = st.fixed_dictionaries(
    {
        "strategy": st.sampled_from(["one_for_one", "one_for_all", "rest_for_one"]),
        "max_restarts": st.integers(0, 4),
        "max_seconds": quarters,
    }
)


@st.composite
def plans(draw) -> tuple[Stage, Plan]:
    stage = Stage()

    def leaf(path: str) -> Child:
        ready = draw(st.booleans())
        stage.failures[path] = draw(failures_of(path, ready))
        options = {"restart": draw(restarts), "backoff": draw(backoffs), "budget": draw(budgets)}
        return stage.child(path, ready, **options)

    children = [leaf("a")]
    if draw(st.integers(0, 3)):
        below = [leaf("group/c")]
        if draw(st.booleans()):
            below.append(supervisor_child("inner", [leaf("group/inner/e")], restart=draw(supervisors), **draw(flags)))
        below.append(leaf("group/d"))
        children.append(supervisor_child("group", below, restart=draw(supervisors), **draw(flags)))
    children.append(leaf("b"))
    return stage, Plan(children, draw(flags), stage.failures)


class Middling(random.Random):
    """Draws the middle."""

    def random(self) -> float:
        return 0.5


def run(plan: Plan) -> tuple[SupervisionError | None, float, SupervisorView | None]:
    """Run the tree under virtual time; return the error that ended it, when, and what it was at if there was none."""
    views: list[SupervisorView] = []

    def look(supervisor: Supervisor) -> None:
        views.append(supervisor.tree())

    async def main() -> tuple[SupervisionError | None, float, SupervisorView | None]:
        try:
            async with open_supervisor(
                plan.children, **plan.flags, name=".", on_report=lambda report: None
            ) as supervisor:
                await trio.sleep(SECONDS)
                look(supervisor)
        except SupervisionError as error:
            return error, trio.current_time(), None
        return None, trio.current_time(), views[0]

    middling = attrs.evolve(world.seeded(1), random=Middling())
    with world.using(middling):
        return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def chain_of(error: BaseException | None) -> Iterator[tuple[str, str, int]]:
    """Who gave up or failed to start, over which child, after how many restarts; outermost first."""
    match error:
        case RestartIntensityExceeded():
            yield error.supervisor, error.child, error.restarts
            yield from chain_of(error.__cause__)
        case StartFailed():
            yield error.supervisor, error.child, 0
            yield from chain_of(error.__cause__)


def states_of(view: SupervisorView, above: str = ".") -> Iterator[tuple[str, str]]:
    for child in view.children:
        path = path_of(above, child.id)
        yield path, child.state
        if child.supervisor is not None and child.state == "running":
            yield from states_of(child.supervisor, path)


def check(stage: Stage, plan: Plan) -> Forecast:
    told = forecast(plan.children, plan.failures, **plan.flags, seconds=SECONDS)
    leaves = {path for path, child in paths_of(plan.children) if child.kind == "worker"}
    timeline = [(h.at, h.what, h.path, h.incarnation) for h in told.timeline if h.path in leaves]
    timeline = [line for line in timeline if line[1] in ("start", "start_failed", "crash", "stop")]

    error, at, view = run(plan)

    assert stage.done[: len(timeline)] == timeline
    if view is None:
        assert told.end is not None
        ends = [
            (end.supervisor.rpartition("/")[2], end.child.rpartition("/")[2], end.restarts) for end in told.end.chain
        ]
        assert list(chain_of(error)) == ends[::-1]
        assert (told.end.at, told.seconds) == (at, at)
        assert len(stage.done) == len(timeline)
    else:
        assert told.survives
        assert dict(states_of(view)) == told.states
        assert {what for _, what, _, _ in stage.done[len(timeline) :]} <= {"stop"}
    return told


@given(plans())
def test_a_forecast_tells_what_happens_when_the_tree_runs(drawn):
    stage, plan = drawn
    check(stage, plan)


@given(plans())
def test_a_forecast_is_the_same_each_time_and_goes_in_the_order_of_time(drawn):
    _, plan = drawn
    told = forecast(plan.children, plan.failures, **plan.flags, seconds=SECONDS)
    again = forecast(plan.children, plan.failures, **plan.flags, seconds=SECONDS)
    assert (told, str(told)) == (again, str(again))
    times = [happening.at for happening in told.timeline]
    assert times == sorted(times)


@given(plans())
def test_a_remedy_that_a_forecast_names_is_one(drawn):
    _, plan = drawn
    told = forecast(plan.children, plan.failures, **plan.flags, seconds=SECONDS)
    if told.survives_with:
        assert told.gave_up
        children = [patient(child, told.survives_with) for child in plan.children]
        assert forecast(children, plan.failures, **plan.flags, seconds=SECONDS).survives


def patient(child: Child, paths: tuple[str, ...], above: str = ".") -> Child:
    """Return the child, and those below it, with a backoff where a forecast said so."""
    path, spec = path_of(above, child.id), nested_spec(child)
    if path in paths:
        return attrs.evolve(child, backoff=Backoff())
    if spec is None:
        return child
    return supervisor_child(
        child.id,
        [patient(below, paths, path) for below in spec.children],
        restart=child.restart,
        strategy=spec.flags.strategy,
        max_restarts=spec.flags.max_restarts,
        max_seconds=spec.flags.max_seconds,
    )


def test_the_law_notices_a_forecast_whose_window_never_slides(monkeypatch):
    monkeypatch.setattr(rehearsal, "Pump", lambda tree, clock, carry_out: Pump(tree, lambda: 0.0, carry_out))
    stage = Stage()
    stage.failures["a"] = [Every(2)]
    plan = Plan([stage.child("a", ready=False)], {"max_restarts": 1, "max_seconds": 1}, stage.failures)
    with pytest.raises(AssertionError):
        check(stage, plan)
