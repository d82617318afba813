"""Simulations: one seed, one run."""

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trio
from attrs import frozen

from jido_trio import Action, Agent, AgentCrashed, Jido, Schedule, Signal
from jido_trio.errors import InvalidDefinition
from jido_trio.runtime import DeadLetter
from jido_trio.supervision import Child, CrashReport, open_supervisor
from jido_trio.testing import (
    NeverEnds,
    NothingCanHappen,
    PlannedCrash,
    Simulation,
    _order,
    _simulation,
    crash_point,
    simulate,
)
from jido_trio.world import current
from tests.testing.much import simulated

ROOT = Path(__file__).parents[2]


@frozen
class Seen:
    count: int = 0
    words: frozenset[str] = frozenset()


class See(Action):
    word: str

    def run(self, context):
        again = [Schedule(1.5, Signal("see", {"word": self.word + "!"}))] if len(self.word) < 8 else []
        return {"count": context.state.count + 1, "words": context.state.words | {self.word}}, again


class Explode(Action):
    def run(self, context):
        raise RuntimeError("a bug")


class Watcher(Agent[Seen], routes={"see": See, "explode": Explode}): ...


async def busy(jido):
    watcher = await jido.start_agent(Watcher)
    heard = []

    async def tell(word):
        await watcher.call(Signal("see", {"word": word}))
        heard.append(word)
        if word == "owl":
            watcher.cast_nowait(Signal("explode"))
            watcher.cast_nowait(Signal("nobody routes this"))

    async with trio.open_nursery() as nursery:
        for word in ("lamp", "vase", "owl", "tree", "sea"):
            nursery.start_soon(tell, word)
    await trio.sleep(20)
    return heard, watcher.id, current().random.random(), random.random(), current().now().isoformat()


def lines(simulation: Simulation[Any]) -> list[dict[str, object]]:
    return [json.loads(line) for line in simulation.log.splitlines()]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_same_seed_gives_the_same_log_byte_for_byte(seed):
    once, again = simulate(busy, seed=seed), simulate(busy, seed=seed)

    assert once.log == again.log
    assert once.value == again.value
    assert once.not_fixed == ()


def test_other_seeds_give_other_orders_ids_and_numbers():
    results = [simulate(busy, seed=seed).result() for seed in range(8)]

    assert len({tuple(heard) for heard, *_ in results}) > 4
    for part in (1, 2, 3):
        assert len({result[part] for result in results}) == 8
    assert {result[4] for result in results} == {"2000-01-01T00:00:20+00:00"}  # time goes on as Trio's clock does


def test_the_log_is_the_same_in_other_processes_whatever_they_are_like(tmp_path):
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tests.testing.much import simulated\n"
        "run = simulated(5); sys.stdout.buffer.write(run.log); print(run.value, run.told())"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": zone},
            cwd=folder,
            check=True,
            capture_output=True,
        ).stdout
        for hash_seed, zone, folder in (("1", "UTC", ROOT), ("4242", "Asia/Tokyo", tmp_path))
    ]
    here = simulated(5)

    assert told[0] == told[1] == here.log + f"{here.value} {here.told()}\n".encode()
    assert here.not_fixed == ()


def test_much_happens_in_what_is_compared():
    keys = {key for line in lines(simulated(5)) for key in line}

    assert {"order", "signal", "crash", "report", "dead_letters", "ledgers", "returned"} <= keys
    assert simulated(5).result()
    assert len(simulated(5).log) > 20_000


def test_a_signal_to_the_process_changes_nothing_in_the_log():
    def log(poke):
        async def app(jido):
            async with trio.open_nursery() as nursery:
                for number in range(3):
                    nursery.start_soon(trio.sleep, number)
                for _ in range(5):
                    poke()
                    await trio.lowlevel.checkpoint()

        return simulate(app).log

    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        poked = log(lambda: signal.raise_signal(signal.SIGUSR1))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert poked == log(lambda: None)


def test_a_log_tells_orders_signals_crashes_dead_letters_and_the_end():
    keys = {key for line in lines(simulate(busy)) for key in line}

    assert {"order", "signal", "crash", "report", "dead_letters", "ledgers", "returned"} <= keys


def test_what_was_heard_of_crashes_and_letters_is_in_the_result_and_not_in_the_log_of_the_process(caplog):
    simulation = simulate(busy)

    assert [report.exit for report in simulation.crashes] == ["crash"]
    assert isinstance(simulation.reports[0], CrashReport)
    assert all(isinstance(letter, DeadLetter) for letter in simulation.dead_letters)
    assert len(simulation.dead_letters) == 2
    assert simulation.ledger.balanced
    assert simulation.ledger.dead_lettered == 2
    assert caplog.records == []


def test_an_app_may_open_instances_and_supervisors_itself_and_keep_its_sinks():
    mine: list[object] = []

    async def app():
        async def crash():
            raise ValueError("once")

        async with Jido("one", on_report=mine.append) as one, Jido("two"):
            watcher = await one.start_agent(Watcher)
            with pytest.raises(AgentCrashed):
                await watcher.call(Signal("explode"))
        async with open_supervisor([Child("worker", crash, restart="temporary")]):
            await trio.sleep(1)

    simulation = simulate(app)

    assert simulation.error is None
    assert len(simulation.reports) == 2
    assert mine == [simulation.reports[0]]
    assert len(simulation.ledgers) == 2
    with pytest.raises(InvalidDefinition, match="2 instances"):
        simulation.ledger


def test_what_an_app_raises_is_the_outcome_and_no_group_around_it():
    async def app():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep, 100)
            raise KeyError("lost")

    simulation = simulate(app)

    assert isinstance(simulation.error, KeyError)
    assert lines(simulation)[-1]["raised"] == "KeyError: 'lost'"


def test_an_interrupt_is_raised():
    async def app():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(app)


def test_an_hour_takes_no_time_and_is_told():
    async def app():
        await trio.sleep(3600)

    assert simulate(app).seconds == 3600


def test_a_script_does_again_what_a_seed_did():
    first = simulate(busy, seed=3)
    assert len(first.script) > 3

    again = simulate(busy, seed=3, script=first.script)

    assert again.log == first.log
    assert again.told() == first.told()


def test_without_choices_the_oldest_task_runs_first():
    async def app():
        order: list[int] = []

        async def one(number):
            order.append(number)

        async with trio.open_nursery() as nursery:
            for number in range(5):
                nursery.start_soon(one, number)
        return order

    assert simulate(app, script={}).result() == [0, 1, 2, 3, 4]
    second = simulate(app, script={0: "one 3"})
    assert second.result() == [2, 0, 1, 3, 4]
    assert second.told() == "at 0 s: one 3 runs before one and one 2"


def test_a_script_that_is_for_another_program_is_refused():
    with pytest.raises(InvalidDefinition, match="choice 0 than there is") as caught:
        simulate(busy, script={0: "a task of another program"})
    assert caught.value.field == "script"


async def points():
    done: list[str] = []
    for name in ("read", "write"):
        try:
            crash_point(name)
            done.append(name)
        except PlannedCrash as crash:
            done.append(f"crashed at {crash}")
    return done


def test_a_crash_point_does_nothing_unless_a_crash_is_asked_for():
    crash_point("nothing runs")
    assert trio.run(points) == simulate(points, seed=1).result() == ["read", "write"]


def test_a_crash_comes_where_the_script_or_the_seed_says():
    scripted = simulate(points, script={1: "crash at write"})
    seeds = {tuple(simulate(points, seed=seed, crashes=1).result()) for seed in range(30)}

    assert scripted.result() == ["read", "crashed at write"]
    assert scripted.told() == "at 0 s: crash at write"
    assert seeds == {("read", "write"), ("crashed at read", "write"), ("read", "crashed at write")}


def test_an_agent_is_killed_where_the_script_says():
    async def app(jido):
        watcher = await jido.start_agent(Watcher, id="w")
        for word in ("one too long", "two too long", "three too long"):
            await watcher.call(Signal("see", {"word": word}))
            await trio.sleep(1)
        return watcher.incarnation, watcher.agent.state.count

    plain = simulate(app, script={}, kills=True)
    assert plain.result() == (1, 3)
    number = next(
        choice.number for choice in simulate(app, seed=1, kills=True, crashes=1).choices if choice.kind == "fault"
    )
    killed = simulate(app, script={number: "w is killed after see"}, kills=True)
    assert killed.result() == (2, 2)
    assert killed.told() == "at 0 s: w is killed after see"


def test_a_run_in_which_nothing_can_happen_is_ended_and_names_who_waits():
    async def app():
        async def stuck():
            await trio.Event().wait()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(stuck)

    simulation = simulate(app)

    assert isinstance(simulation.error, NothingCanHappen)
    assert "no deadline is set: main, stuck" in str(simulation.error)
    assert "await trio.Event().wait()" in str(simulation.error)
    assert "/" not in str(lines(simulation)[-1]["raised"])


def test_a_run_that_goes_on_for_ever_is_ended(monkeypatch):
    monkeypatch.setattr(_simulation, "MOST_STEPS", 1000)

    async def app():
        while True:  # noqa: ASYNC110
            await trio.sleep(1)

    simulation = simulate(app)

    assert isinstance(simulation.error, NeverEnds)


def test_a_task_that_waits_for_a_thread_is_told_and_time_waits_for_it():
    async def app():
        with trio.fail_after(60):
            return await trio.to_thread.run_sync(sum, [1, 2])

    simulation = simulate(app)

    assert simulation.result() == 3
    assert simulation.not_fixed == ("task main waits for a thread, a socket or a process",)


def test_scopes_whose_time_is_over_at_once_end_in_the_order_in_which_they_began():
    async def app():
        ended: list[int] = []

        async def wait(number):
            def abort(_):
                ended.append(number)
                return trio.lowlevel.Abort.SUCCEEDED

            with trio.move_on_after(5):
                await trio.lowlevel.wait_task_rescheduled(abort)

        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(wait, number)
        return ended

    assert simulate(app, script={}).result() == list(range(20))


def test_this_version_of_trio_runs_tasks_in_the_order_that_it_is_told():
    assert _order.order_is_known()


def test_a_trio_whose_inside_is_not_known_is_told_of_and_all_else_is_fixed(monkeypatch):
    monkeypatch.setattr(_simulation, "order_is_known", lambda: False)

    async def app():
        await trio.sleep(1)
        return current().ids()

    once, again = simulate(app, seed=1), simulate(app, seed=1)

    assert once.value == again.value
    assert once.not_fixed == (f"in which order Trio {trio.__version__} runs tasks: its inside isn't known",)


@pytest.mark.parametrize("names", [{}, dict.fromkeys(_order._NAMES, False)], ids=["it has none", "nobody asks it"])
def test_a_trio_that_does_not_follow_is_found_out_each_time(monkeypatch, names):
    monkeypatch.setattr(_order, "RUN_LOOP", SimpleNamespace(**names))
    for _ in range(20):
        assert not _order.order_is_known.__wrapped__()


def test_a_trio_without_the_hook_is_one_whose_order_is_not_known(monkeypatch):
    monkeypatch.setattr(_order, "RUN_LOOP", None)

    with _order.ordered_by(lambda tasks: tasks):
        trio.run(trio.sleep, 0)


def test_nothing_is_left_behind():
    numbers, hooks = random.getstate(), {name: getattr(_order.RUN_LOOP, name) for name in _order._NAMES}
    simulate(busy)

    assert random.getstate() == numbers
    assert {name: getattr(_order.RUN_LOOP, name) for name in _order._NAMES} == hooks
    assert "id" not in vars(_order.RUN_LOOP)


def test_what_is_no_app_is_refused():
    with pytest.raises(InvalidDefinition, match="app=3 is no async function"):
        simulate(3)  # type: ignore[arg-type]  # that is what is tested

    async def app(one, two): ...

    with pytest.raises(InvalidDefinition, match="takes 2 arguments"):
        simulate(app)


async def test_a_simulation_inside_of_a_run_is_refused():
    with pytest.raises(RuntimeError, match="a Trio run of its own"):
        simulate(busy)
