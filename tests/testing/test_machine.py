"""State machines whose steps are async: what goes wrong is told as itself, and leaves nothing behind."""

import gc
import signal
import time
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import Phase, settings
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from jido_trio.testing import StepNeverEnds, TrioStateMachine, step

SETTINGS = settings(max_examples=3, database=None, phases=[Phase.generate, Phase.shrink], stateful_step_count=3)


def outcome_of(machine: type[TrioStateMachine]) -> BaseException:
    """Return what running a machine raises; afterwards Trio must run as if nothing had been."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        run_state_machine_as_test(machine, settings=SETTINGS)
    assert trio.run(lives) == "it runs"
    gc.collect()
    return caught.value


async def lives() -> str:
    await trio.lowlevel.checkpoint()
    return "it runs"


async def crash(seconds: float = 0) -> None:
    await trio.sleep(seconds)
    raise LookupError("in the background")


class Quiet(TrioStateMachine):
    @rule()
    @step
    async def nothing(self) -> None:
        await trio.sleep(1)


def test_a_machine_whose_steps_are_all_right_is_all_right():
    run_state_machine_as_test(Quiet, settings=SETTINGS)
    assert trio.run(lives) == "it runs"


def test_a_set_up_that_raises_is_what_is_told():
    class Machine(Quiet):
        async def set_up(self) -> None:
            raise LookupError("no server")

    assert repr(outcome_of(Machine)) == "LookupError('no server')"


def test_a_set_up_that_raises_ends_what_it_has_started():
    ends = []

    async def server(*, task_status: trio.TaskStatus[Any]) -> None:
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            ends.append("server")

    class Machine(Quiet):
        async def set_up(self) -> None:
            await self.nursery.start(server)
            raise LookupError("no client")

    assert str(outcome_of(Machine)) == "no client"
    assert "server" in ends


def test_what_else_goes_wrong_after_a_set_up_that_raises_is_noted_beside_it():
    async def server(*, task_status: trio.TaskStatus[Any]) -> None:
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("could not close")

    class Machine(Quiet):
        async def set_up(self) -> None:
            await self.nursery.start(server)
            raise LookupError("no client")

    told = outcome_of(Machine)
    assert repr(told) == "LookupError('no client')"
    assert any("could not close" in note for note in told.__notes__)


@pytest.mark.parametrize("seconds", [0, 0.5, 1.5])
def test_a_crash_in_the_background_is_told_as_itself(seconds):
    class Machine(Quiet):
        async def set_up(self) -> None:
            self.nursery.start_soon(crash, seconds)

    assert repr(outcome_of(Machine)) == "LookupError('in the background')"


def test_a_crash_in_the_background_of_the_last_step_is_told_too():
    class Machine(TrioStateMachine):
        @rule()
        @step
        async def start(self) -> None:
            self.nursery.start_soon(crash)

    assert repr(outcome_of(Machine)) == "LookupError('in the background')"


@pytest.mark.parametrize("shield", [False, True])
def test_a_step_that_can_never_end_is_a_failure_that_names_who_waits(shield):
    class Machine(TrioStateMachine):
        @rule()
        @step
        async def wait(self) -> None:
            async def waits_for_nobody() -> None:
                with trio.CancelScope(shield=shield):
                    await trio.Event().wait()

            self.nursery.start_soon(waits_for_nobody)
            await trio.Event().wait()

    told = outcome_of(Machine)
    assert isinstance(told, StepNeverEnds)
    assert "waits_for_nobody" in str(told)
    assert "in wait" in str(told)
    assert any("state.wait()" in note for note in told.__notes__)  # it is the step that failed, not the end


def test_a_set_up_that_can_never_end_is_a_failure():
    class Machine(Quiet):
        async def set_up(self) -> None:
            await trio.sleep_forever()

    assert isinstance(outcome_of(Machine), StepNeverEnds)


def test_a_step_inside_of_a_step_is_refused_with_what_to_do_instead():
    class Machine(Quiet):
        @rule()
        @step
        async def twice(self) -> None:
            self.nothing()

    machine = Machine()
    with pytest.raises(RuntimeError, match=r"inside of another one.* an async method that is no step"):
        machine.twice()
    machine.teardown()


@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_a_step_of_many_turns_may_take_as_many_as_it_needs(seconds):
    class Machine(TrioStateMachine):
        @rule()
        @step
        async def wait(self) -> None:
            for _ in range(50):
                await trio.sleep(seconds)
                await trio.testing.wait_all_tasks_blocked()

    run_state_machine_as_test(Machine, settings=SETTINGS)


def test_an_end_that_waits_behind_a_shield_is_a_failure():
    async def stubborn() -> None:
        with trio.CancelScope(shield=True):
            await trio.Event().wait()

    class Machine(Quiet):
        async def set_up(self) -> None:
            self.nursery.start_soon(stubborn)

    told = outcome_of(Machine)
    assert isinstance(told, StepNeverEnds)
    assert "stubborn" in str(told)


def test_a_step_may_wait_for_a_thread_and_for_all_others_to_wait():
    class Machine(TrioStateMachine):
        @rule()
        @step
        async def wait(self) -> None:
            await trio.to_thread.run_sync(time.sleep, 0.02)
            await trio.testing.wait_all_tasks_blocked()
            await trio.testing.wait_all_tasks_blocked(0.001)

    run_state_machine_as_test(Machine, settings=SETTINGS)


def test_a_clock_that_does_not_jump_may_be_used():
    class Machine(TrioStateMachine):
        def make_clock(self) -> trio.abc.Clock:
            return trio.testing.MockClock(rate=100)

        @rule()
        @step
        async def wait(self) -> None:
            await trio.sleep(0.5)

    run_state_machine_as_test(Machine, settings=SETTINGS)


def test_what_the_end_raises_is_told():
    class Machine(Quiet):
        async def tear_down(self) -> None:
            raise LookupError("something is left")

    assert repr(outcome_of(Machine)) == "LookupError('something is left')"


def test_an_invariant_that_fails_in_the_first_state_leaves_nothing_behind():
    class Machine(Quiet):
        @invariant()
        @step
        async def never(self) -> None:
            raise AssertionError("no invariant")

    assert "no invariant" in str(outcome_of(Machine))


class Signalled(TrioStateMachine):
    """Looks at whom Python tells of signals."""

    seen: list[int] = []

    @rule()
    @step
    async def look(self) -> None:
        told = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(told)
        self.seen.append(told)


def test_a_signal_adds_no_turn_in_which_tasks_would_get_another_order():
    before = signal.set_wakeup_fd(-1)
    run_state_machine_as_test(Signalled, settings=SETTINGS)
    signal.set_wakeup_fd(before)
    assert set(Signalled.seen) == {-1}
