import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from jido_trio.core import Action, Emit, Instruction, Outcome, RunInstruction
from jido_trio.demo._chaos import Die
from jido_trio.demo._cluster import (
    Coordinator,
    DurableCoordinator,
    Hire,
    Read,
    Replace,
    Settle,
    Start,
    Summarise,
    SummariseCarefully,
    Take,
    Worker,
)
from jido_trio.demo._documents import Document, Unreadable
from jido_trio.demo._facts import facts_of
from jido_trio.demo._pool import Readers
from jido_trio.demo._report import Chaos, Report, as_text, report_of
from jido_trio.demo._run import Cluster, Options, run_cluster
from jido_trio.demo._shelf import SETTLED
from jido_trio.demo._view import Silent
from jido_trio.demo._work import PATIENCE, Desk, Job, Settled, Work
from jido_trio.errors import RecordRefused
from jido_trio.runtime import Jido
from jido_trio.storage import Put, open_sqlite

POUNDS = facts_of(Document("a", "text", "a", "It cost £3.50, then £12.00."))
MIXED = facts_of(Document("a", "text", "a", "It cost £3.50 here and 20 EUR there."))


def coordinator(*documents, **work):
    return Coordinator.new("coordinator", Work(documents, **work))


def given_out(directives):
    return [(emit.dispatch.id, emit.signal.data["path"]) for emit in directives if isinstance(emit, Emit)]


def told(directives):
    (emit,) = directives
    assert isinstance(emit, Emit)
    return emit.signal.data


def settled(directives):
    return [(one.path, one.refused) for one in directives if isinstance(one, Settled)]


# What the coordinator decides ----------------------------------------------------------------------------------------


def test_a_hired_worker_is_given_the_first_document():
    agent, directives = coordinator("a", "b").cmd(Hire(worker="w"))
    assert given_out(directives) == [("w", "a")]
    assert agent.state == Work(("a", "b"), given=1, at={"w": Job("a")})


def test_a_worker_with_a_document_is_not_given_another():
    busy = coordinator("a", "b", given=1, at={"w": Job("a")})
    assert busy.cmd(Hire(worker="w")) == (busy, ())


def test_a_worker_without_work_left_is_given_nothing():
    agent, directives = coordinator("a", given=1, at={"v": Job("a")}).cmd(Hire(worker="w"))
    assert directives == ()
    assert not agent.state.finished


def test_who_has_read_a_document_is_given_the_next():
    busy = coordinator("a", "b", given=1, at={"w": Job("a")})
    agent, directives = busy.cmd(Settle(worker="w", path="a", facts=POUNDS))
    assert settled(directives) == [("a", "")]
    assert given_out(directives) == [("w", "b")]
    assert agent.state.at == {"w": Job("b")}


def test_what_another_life_of_the_worker_read_is_not_settled():
    busy = coordinator("a", "b", given=2, at={"w": Job("b")})
    assert busy.cmd(Settle(worker="w", path="a", facts=POUNDS)) == (busy, ())


def test_what_a_former_life_of_the_coordinator_gave_out_is_given_out_again():
    _, directives = coordinator("a", "b").cmd(Settle(worker="w", path="b", facts=POUNDS))
    assert settled(directives) == []
    assert given_out(directives) == [("w", "a")]


def test_after_a_kill_the_document_is_tried_again_as_before():
    busy = coordinator("a", "b", given=1, at={"w": Job("a")})
    agent, directives = busy.cmd(Replace(worker="w", error="x", killed=True))
    assert given_out(directives) == [("w", "a")]
    assert agent.state.at == {"w": Job("a", careful=False, kills=1)}


def test_after_a_crash_the_document_is_tried_again_with_care():
    busy = coordinator("a", "b", given=1, at={"w": Job("a")})
    agent, _ = busy.cmd(Replace(worker="w", error="ValueError: x"))
    assert agent.state.at == {"w": Job("a", careful=True)}


def test_a_document_that_crashed_two_workers_is_refused_with_the_crash():
    busy = coordinator("a", "b", given=1, at={"w": Job("a", careful=True)})
    _, directives = busy.cmd(Replace(worker="w", error="ValueError: x"))
    assert settled(directives) == [("a", "crashed two workers: ValueError: x")]
    assert given_out(directives) == [("w", "b")]


def test_a_document_whose_workers_are_killed_again_and_again_is_refused_in_the_end():
    busy = coordinator("a", given=1, at={"w": Job("a", kills=PATIENCE - 1)})
    agent, directives = busy.cmd(Replace(worker="w", error="x", killed=True))
    assert settled(directives) == [("a", f"{PATIENCE} workers were killed while at it")]
    assert agent.state.finished


def test_a_worker_that_crashes_with_nothing_to_do_loses_nothing():
    agent, directives = coordinator("a").cmd(Replace(worker="w", error="x", killed=True))
    assert settled(directives) == []
    assert given_out(directives) == [("w", "a")]
    assert not agent.state.again


events = st.lists(
    st.one_of(
        st.tuples(st.just("hire"), st.integers(0, 2)),
        st.tuples(st.just("read"), st.integers(0, 2)),
        st.tuples(st.just("killed"), st.integers(0, 2)),
        st.tuples(st.just("crashed"), st.integers(0, 2)),
    ),
    max_size=40,
)


@given(documents=st.integers(0, 6), events=events)
def test_at_any_moment_each_document_is_in_exactly_one_place(documents, events):
    paths = tuple(map(str, range(documents)))
    agent, done = coordinator(*paths), []
    for what, worker in events:
        job = agent.state.at.get(str(worker))
        action: Action = {
            "hire": Hire(worker=str(worker)),
            "read": Settle(worker=str(worker), path=job.path if job else "0"),
            "killed": Replace(worker=str(worker), error="x", killed=True),
            "crashed": Replace(worker=str(worker), error="x"),
        }[what]
        agent, directives = agent.cmd(action)
        done += settled(directives)
        work = agent.state
        places = [path for path, _ in done] + [job.path for job in work.again]
        places += [job.path for job in work.at.values() if job] + list(work.documents[work.given :])
        assert Counter(places) == Counter(paths)


# What a worker decides -----------------------------------------------------------------------------------------------


def outcome(path="a", **kind):
    return Outcome(Instruction(Read(path=path)), meta={"desk": Desk(path)}, **kind)


def test_a_worker_has_a_document_read_outside_of_itself():
    agent, (directive,) = Worker.new("w").cmd(Take(path="a"))
    assert agent.state == Desk("a")
    assert isinstance(directive, RunInstruction)
    assert directive.result_action is Summarise


def test_a_worker_that_is_given_a_document_twice_reads_it_once():
    agent, _ = Worker.new("w").cmd(Take(path="a"))
    assert agent.cmd(Take(path="a")) == (agent, ())


def test_a_worker_told_to_be_careful_begins_again_and_forgets_the_first_attempt():
    agent, _ = Worker.new("w").cmd(Take(path="a"))
    agent, (directive,) = agent.cmd(Take(path="a", careful=True))
    assert isinstance(directive, RunInstruction)
    assert directive.result_action is SummariseCarefully
    assert agent.cmd(Summarise(outcome=outcome(result=MIXED))) == (agent, ())


def test_a_worker_tells_what_it_found():
    agent, directives = Worker.new("w", Desk("a")).cmd(Summarise(outcome=outcome(result=POUNDS)))
    assert told(directives) == {"worker": "w", "path": "a", "facts": POUNDS, "largest": ("GBP 12.00",)}
    assert agent.state == Desk()


def test_a_worker_tells_why_it_could_not_read():
    error = Unreadable("a", "file is empty")
    _, directives = Worker.new("w", Desk("a")).cmd(Summarise(outcome=outcome(error=error)))
    assert told(directives) == {"worker": "w", "path": "a", "refused": "file is empty"}


def test_a_worker_forgets_what_a_former_life_was_at():
    agent = Worker.new("w", Desk("b"))
    assert agent.cmd(Summarise(outcome=outcome("a", result=POUNDS))) == (agent, ())


def test_the_first_summary_crashes_on_two_currencies():
    with pytest.raises(ValueError, match="too many values"):
        Worker.new("w", Desk("a")).cmd(Summarise(outcome=outcome(result=MIXED)))


def test_the_careful_summary_names_the_largest_amount_of_each_currency():
    _, directives = Worker.new("w", Desk("a")).cmd(SummariseCarefully(outcome=outcome(result=MIXED)))
    assert told(directives)["largest"] == ("GBP 3.50", "EUR 20")


# Running -------------------------------------------------------------------------------------------------------------


class Imagined(Readers):
    """Takes as long as a file might, and finds what its name says."""

    def services(self):
        return []

    async def read(self, path, turn=print):
        kind, _, number = path.partition("-")
        await trio.sleep(0.1 + int(number) % 3 / 10)
        if kind == "pages":
            for page in range(1, 4):
                turn(f"page {page} of 3")
                await trio.sleep(2)
        if kind == "unreadable":
            raise Unreadable(path, "not really there")
        if kind == "bomb":
            raise RuntimeError("boom")
        return MIXED if kind == "mixed" else POUNDS


def imagined(*kinds):
    return tuple(f"{kind}-{number}" for number, kind in enumerate(kinds))


async def read(documents, **options) -> Report:
    return await run_cluster(documents, Options(**options), Imagined())


async def test_every_kind_of_document_comes_to_its_end(autojump_clock):
    report = await read(imagined("plain", "unreadable", "mixed", "bomb"))
    assert [(one.path, one.careful) for one in report.done] == [("plain-0", False), ("mixed-2", True)]
    assert {one.path: one.refused for one in report.refused} == {
        "unreadable-1": "not really there",
        "bomb-3": "crashed two workers: RuntimeError: boom",
    }
    assert report.ok


async def test_only_workers_with_a_crash_of_their_own_are_restarted(autojump_clock):
    report = await read(imagined("plain", "mixed", "plain"), workers=3)
    assert [row.incarnation for row in report.workers] == [1, 2, 1]
    assert [row.untouched for row in report.workers] == [True, False, True]


async def test_a_refused_document_restarts_nobody(autojump_clock):
    report = await read(imagined(*["unreadable"] * 9), workers=2)
    assert [row.incarnation for row in report.workers] == [1, 1]


async def test_each_restart_is_measured(autojump_clock):
    report = await read(imagined("mixed", "plain", "mixed"), workers=2)
    assert len(report.latencies) == sum(row.restarts for row in report.workers) == 2


async def test_a_document_that_never_survives_the_chaos_is_refused(autojump_clock):
    report = await read(imagined("plain"), workers=1, chaos=Chaos(every=0.02, seed=1))
    (refused,) = report.refused
    assert "killed while at it" in refused.refused
    assert report.ok


async def test_the_report_says_so_when_the_supervisor_gives_up(autojump_clock):
    report = await read(imagined("plain"), workers=300, chaos=Chaos(every=0.0001, seed=1))
    assert "gave up" in report.run.gave_up
    assert not report.ok


async def test_what_is_done_is_reported_when_nothing_can_read_any_more():
    readers = Readers(1, (sys.executable, "-c", "raise SystemExit(3)"))
    report = await run_cluster(("a", "b"), Options(workers=1), readers)
    assert "exit code 3" in report.run.gave_up
    assert report.lost == ("a", "b")
    assert not report.ok


kills = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["worker-1", "worker-2", "coordinator"])), max_size=12)


@given(kinds=st.lists(st.sampled_from(["plain", "mixed", "bomb", "unreadable"]), max_size=8), kills=kills)
@settings(max_examples=60)
def test_whatever_is_killed_and_when_nothing_is_lost(kinds, kills):
    report = trio.run(read_under, imagined(*kinds), kills, clock=trio.testing.MockClock(autojump_threshold=0))
    assert report.ok
    assert len(report.done) + len(report.refused) == len(kinds)
    expected = {path for path in report.run.documents if not path.startswith(("bomb", "unreadable"))}
    assert {one.path for one in report.done} == expected


async def read_under(documents, kills):
    """Read while workers and the coordinator are killed: so many times 50 ms after the kill before, and whom."""
    cluster = Cluster(documents, Options(workers=2), Imagined(), Silent())

    async def kill():
        for pause, id in kills:
            await trio.sleep(pause * 0.05)
            agents = {agent.id: agent for agent in (*cluster.workers, cluster.coordinator) if agent}
            if id in agents and agents[id].running:
                agents[id].cast_nowait(Die())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(kill)
        run = await cluster.run()
        nursery.cancel_scope.cancel()
    return report_of(run)


class Looking(Silent):
    """Looks whether there is a socket."""

    def __init__(self, path):
        self.path, self.seen = path, set()

    def show(self, progress, news=(), *, last=False):
        self.seen.add(Path(self.path).is_socket())


def test_it_can_be_looked_at_from_outside_while_it_runs():
    with tempfile.TemporaryDirectory() as folder:
        view = Looking(f"{folder}/demo.sock")
        options = Options(workers=2, inspect=view.path)
        report = trio.run(run_cluster, imagined("plain", "bomb"), options, Imagined(), view)
        assert view.seen == {True}
        assert not Path(view.path).exists()
    assert report.ok


class Following(Silent):
    """Notes how far workers are with their documents."""

    def __init__(self):
        self.far = []

    def show(self, progress, news=(), *, last=False):
        self.far += [far for far in progress.far.items() if far not in self.far]


async def test_how_far_a_long_document_is_is_shown(autojump_clock):
    view = Following()
    await run_cluster(imagined("pages"), Options(workers=1), Imagined(), view)
    assert view.far == [("worker-1", f"page {page} of 3") for page in (1, 2, 3)]


def test_each_message_has_one_fate():
    report = trio.run(run_cluster, imagined("plain", "bomb", "plain"), Options(workers=2), Imagined(), Silent())
    counts = dict(report.run.messages)
    assert counts.pop("accepted") == sum(counts.values()) > 0


# Kept in a file ------------------------------------------------------------------------------------------------------


async def kept(path, *kinds, **options):
    return await run_cluster(imagined(*kinds), Options(store=path, **options), Imagined())


def test_who_was_at_a_document_when_the_process_died_is_not_waited_for():
    work = Work(("a", "b", "c"), given=2, again=(Job("c"),), at={"v": Job("a", careful=True), "w": None, "x": Job("b")})
    agent, directives = Coordinator.new("coordinator", work).cmd(Start())
    assert directives == ()
    assert agent.state.again == (Job("a", careful=True), Job("b"), Job("c"))
    assert agent.state.at == {"v": None, "w": None, "x": None}
    assert agent.state.starts == 1


async def test_a_run_that_is_kept_comes_to_the_same_as_one_that_is_not(tmp_path):
    kinds = ("plain", "unreadable", "mixed", "bomb")
    report = await kept(tmp_path / "demo.db", *kinds)
    without = await read(imagined(*kinds))
    assert [(one.path, one.facts, one.careful) for one in report.done] == [
        (one.path, one.facts, one.careful) for one in without.done
    ]
    assert [(one.path, one.refused) for one in report.refused] == [(one.path, one.refused) for one in without.refused]
    assert report.ok


async def test_the_list_is_the_one_of_the_first_start(tmp_path):
    await kept(tmp_path / "demo.db", "plain")
    report = await kept(tmp_path / "demo.db", "plain", "plain", "plain")
    assert report.run.documents == imagined("plain")
    assert report.ok


async def test_a_run_whose_coordinator_is_started_elsewhere_ends_and_says_so(tmp_path):
    path = tmp_path / "demo.db"

    async def elsewhere(options):
        async with open_sqlite(path) as storage, Jido("demo", storage=storage) as jido:
            await jido.start_agent(DurableCoordinator, id="coordinator")
            await trio.sleep(1)

    async with trio.open_nursery() as nursery:

        async def late():
            await trio.sleep(0.3)
            await elsewhere(None)

        nursery.start_soon(late)
        report = await kept(path, *["plain"] * 40, workers=1)
    assert "belongs there" in report.run.gave_up or "started elsewhere" in report.run.gave_up
    assert report.lost == ()
    assert len(report.missing) > 0
    assert "start it again to go on" in as_text(report)
    assert not report.ok


async def test_a_record_that_is_no_result_is_refused(tmp_path):
    path = tmp_path / "demo.db"
    await kept(path, "plain")
    async with open_sqlite(path) as storage:
        await storage.commit([Put(f"{SETTLED}000000000", b'"nonsense"')])
    with pytest.raises(RecordRefused, match="a Settled was expected"):
        await kept(path, "plain")
    async with open_sqlite(path) as storage:
        await storage.commit([Put(f"{SETTLED}000000000", b"{")])
    with pytest.raises(RecordRefused):
        await kept(path, "plain")
