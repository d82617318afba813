"""What holds of supervision for any script of events: the window, the reducer, and the running system."""

from collections import Counter
from itertools import accumulate

import pytest
import trio
import trio.testing
from attrs import frozen
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from jido_trio.supervision import Child, CrashReport, _decide, open_supervisor
from jido_trio.supervision import _events as ev
from jido_trio.supervision._window import Window
from tests.supervision._bench import Bench, child, ready

# ---- the window


@given(gaps=st.lists(st.integers(0, 7)), limit=st.integers(0, 4), period=st.integers(1, 7))
def test_a_window_is_exceeded_exactly_when_one_period_holds_more_than_max_restarts(gaps, limit, period):
    times, window = list(accumulate(gaps)), Window(limit, period)
    for n, now in enumerate(times, start=1):
        window = window.add(now)
        counted = [then for then in times[:n] if then >= now - period]
        assert window.exceeded == (len(counted) > limit)
        assert list(window.times) == counted


# ---- the reducer

STRATEGIES = ["one_for_one", "one_for_all", "rest_for_one"]
RESTARTS = ["permanent", "transient", "temporary"]
EXITS = ["normal", "shutdown", "killed", "crash"]
ids = st.sampled_from("abcd")


@frozen
class Do:
    """One line of a script: what to do with which child."""

    verb: str
    id: str = "a"
    exit: str = "crash"
    seconds: int = 0


scripts = st.lists(
    st.builds(
        Do,
        st.sampled_from(
            ["end", "end", "end", "advance", "start", "terminate", "restart", "delete", "which", "suspend", "resume"]
        ),
        ids,
        st.sampled_from(EXITS),
        st.integers(0, 3),
    ),
    max_size=40,
)
specs = st.builds(
    lambda restarts, ready_ones: [
        Child(id, ready, restart=restart) if is_ready else child(id, restart=restart)
        for id, restart, is_ready in zip("abc", restarts, ready_ones, strict=True)
    ],
    st.tuples(*[st.sampled_from(RESTARTS)] * 3),
    st.tuples(*[st.booleans()] * 3),
)


class Follower:
    """Follows what a bench commands, knows what should be alive, and objects to what must never happen."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.alive: dict[tuple[str, int], str] = {}
        self.lives: Counter[str] = Counter()
        self.answers: Counter[int] = Counter()
        self.reports: Counter[tuple[str, int]] = Counter()
        self.read = 0
        self.finished = False
        self.follow()

    def follow(self) -> None:
        for command in self.bench.commands[self.read :]:
            assert not self.finished, command
            self._command(command)
        self.read = len(self.bench.commands)
        assert self.finished == (self.bench.tree.phase == "ended")
        assert {id for id, _ in self.alive} == {slot.child.id for slot in self.bench.tree.slots if slot.alive}

    def _command(self, command: ev.TreeCommand) -> None:
        match command:
            case ev.StartLife(child, incarnation):
                assert [life for life in self.alive if life[0] == child.id] == [], "two lives of one child"
                self.alive[child.id, incarnation] = "starting" if child.reports_ready else "running"
                self.reports[child.id, incarnation] = 0  # numbers begin anew for a child that was forgotten
            case ev.StopLife(id, incarnation, _):
                assert (id, incarnation) in self.alive, "a stop of what doesn't run"
                self.alive[id, incarnation] = "stopping"
            case ev.ReportEnd(id, incarnation, _, _):
                assert (id, incarnation) not in self.alive, "a report of what still runs"
                self.reports[id, incarnation] += 1
            case ev.AnswerCall(request, _):
                self.answers[request] += 1
            case ev.Finish():
                assert self.alive == {}, "something outlives the supervisor"
                self.finished = True
            case _:
                pass

    def end(self, life: tuple[str, int], exit: str) -> None:
        """Let a life end, as its state allows."""
        before = self.alive.pop(life)
        id, incarnation = life
        if before == "starting":
            self.bench.fact(ev.ChildStartFailed(id, incarnation))
        else:
            self.bench.fact(ev.ChildExited(id, incarnation, exit))  # type: ignore[arg-type]  # one of EXITS

    def do(self, line: Do) -> None:
        bench = self.bench
        life = next((life for life in self.alive if life[0] == line.id), None)
        match line.verb:
            case "end" if life is not None and self.alive[life] == "starting" and line.seconds:
                self.alive[life] = "running"
                bench.starts(line.id)
            case "end" if life is not None:
                self.end(life, line.exit)
            case "advance":
                bench.now += line.seconds
            case "start":
                bench.start_child(child(line.id, restart=RESTARTS[line.seconds % 3]))
            case "terminate" | "restart" | "delete":
                getattr(bench, line.verb)(line.id)
            case "which":
                bench.post(ev.WhichChildren(bench.next_request()))
            case "suspend":
                bench.suspend()
            case "resume":
                bench.fact(ev.Resume())
        self.follow()

    def settle(self) -> None:
        """Let everything that was asked for happen, in the order of asking."""
        while any(state != "running" for state in self.alive.values()):
            life = next(life for life, state in self.alive.items() if state != "running")
            if self.alive[life] == "starting":
                self.alive[life] = "running"
                self.bench.starts(life[0])
            else:
                self.end(life, "shutdown")
            self.follow()


any_run = given(specs, st.sampled_from(STRATEGIES), st.integers(0, 6), scripts)


def check_run(children, strategy, max_restarts, script):
    follower = Follower(Bench.of(children, strategy=strategy, max_restarts=max_restarts, obedient=False))
    for line in script:
        if not follower.finished:
            follower.do(line)
    follower.bench.fact(ev.StopTree())
    follower.follow()
    follower.settle()

    assert follower.finished
    assert set(follower.answers.values()) <= {1}
    assert set(follower.reports.values()) <= {0, 1}


@any_run
def test_whatever_happens_no_child_lives_twice_nothing_outlives_the_tree_and_all_is_answered(
    children, strategy, max_restarts, script
):
    check_run(children, strategy, max_restarts, script)


@given(specs, st.sampled_from(STRATEGIES), scripts)
def test_a_tree_at_rest_has_answered_every_request_once(children, strategy, script):
    follower = Follower(Bench.of(children, strategy=strategy, max_restarts=1_000, obedient=False))
    follower.settle()
    asked = 0
    for line in script:
        if line.verb in ("suspend", "resume"):
            continue
        asked += line.verb in ("start", "terminate", "restart", "delete")
        follower.do(line)
    follower.settle()
    assert not follower.bench.tree.busy
    assert [follower.answers[number] for number in range(1, asked + 1)] == [1] * asked


@given(specs, st.sampled_from(STRATEGIES), ids, st.sampled_from(EXITS))
def test_a_group_goes_down_in_reverse_and_comes_up_in_the_order_of_starting(children, strategy, id, exit):
    bench = Bench.of(children, strategy=strategy)
    order = [slot.child.id for slot in bench.tree.slots]
    said = bench.ends(id, exit) if id in order else []
    stopped = [line.split()[1][0] for line in said if line.startswith("stop")]
    started = [line.split()[1][0] for line in said if line.startswith("start")]
    assert stopped == sorted(stopped, key=order.index, reverse=True)
    assert started == sorted(started, key=order.index)


@given(specs, st.sampled_from(STRATEGIES), scripts, st.lists(st.sampled_from("abcd"), max_size=5))
def test_facts_about_earlier_lives_change_nothing(children, strategy, script, stale):
    bench = Bench.of(children, strategy=strategy, max_restarts=1_000)
    for line in script:
        if line.verb == "end" and bench.states.get(line.id) == "running":
            bench.ends(line.id)
    tree = bench.tree
    for id in stale:
        number = bench.incarnation(id) - 1
        assert bench.fact(ev.ChildExited(id, number, "crash")) == []
        assert bench.fact(ev.ChildStarted(id, number)) == []
        assert bench.fact(ev.ChildStartFailed(id, number)) == []
    assert bench.tree == tree


# ---- the running system

crash_times = st.dictionaries(st.sampled_from("abcde"), st.lists(st.integers(1, 9), min_size=1, max_size=4))


def lives_after(crashes: dict[str, list[int]], strategy: str) -> tuple[dict[str, int], dict[str, int], list[str]]:
    """Run five children that crash as told; return their incarnations, their counters and who was reported."""
    counters = dict.fromkeys("abcde", 0)
    left = {id: list(times) for id, times in crashes.items()}
    reports: list[str] = []

    async def worker(id: str) -> None:
        counters[id] = 0
        crash_after = left[id].pop(0) if left.get(id) else None
        while crash_after is None or counters[id] < crash_after:
            await trio.sleep(1)
            counters[id] += 1
        raise ValueError(id)

    def note(report: object) -> None:
        assert isinstance(report, CrashReport)
        reports.append(report.child)

    async def main() -> dict[str, int]:
        lives: dict[str, int] = {}
        children = [Child(id, worker, id) for id in "abcde"]
        async with open_supervisor(children, strategy=strategy, max_restarts=1_000, on_report=note) as supervisor:  # type: ignore[arg-type]  # one of STRATEGIES
            await trio.sleep(50.5)
            lives.update((child.id, child.incarnation) for child in supervisor.tree().children)
        return lives

    lives = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    return lives, counters, reports


@given(crash_times)
def test_a_crash_never_touches_another_child(crashes):
    lives, counters, reports = lives_after(crashes, "one_for_one")
    assert lives == {id: 1 + len(crashes.get(id, [])) for id in "abcde"}
    assert counters == {id: 50 - sum(crashes.get(id, [])) for id in "abcde"}
    assert Counter(reports) == Counter({id: len(times) for id, times in crashes.items()})


@given(crash_times)
def test_rest_for_one_never_touches_those_that_started_before(crashes):
    lives, counters, _ = lives_after(crashes, "rest_for_one")
    first = min(crashes, default="f")
    untouched = [id for id in "abcde" if id < first]
    assert {id: (lives[id], counters[id]) for id in untouched} == dict.fromkeys(untouched, (1, 50))


# ---- that the laws notice


def stops_without_waiting(tree, children):
    return tree, tuple(ev.StopLife(id, 1, None) for id in children), 0


@pytest.mark.parametrize(
    ("name", "bug"),
    [("_stop_step", stops_without_waiting), ("_after_exit", lambda tree, *_, **__: (tree, ()))],
)
def test_the_laws_notice_a_reducer_that_is_broken(name, bug, monkeypatch):
    monkeypatch.setattr(_decide, name, bug)
    without_shrinking = settings(phases=[Phase.generate], database=None, max_examples=500)
    with pytest.raises((AssertionError, ExceptionGroup)):
        without_shrinking(any_run(check_run))()
