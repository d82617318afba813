"""Faults: at which visit of which point something goes wrong, and how."""

from typing import Any

import pytest
import trio
import trio.testing

from jido_trio.errors import InvalidDefinition, StorageUnknown
from jido_trio.storage import Put, open_memory
from jido_trio.supervision import Child, open_supervisor
from jido_trio.testing import (
    CutShort,
    DropWrite,
    Faults,
    Hang,
    JumpClock,
    LoseReply,
    PlannedCrash,
    Raise,
    ReplyLost,
    Slow,
    TearWrite,
    crash_point,
    fault_point,
)


class Counter:
    """Counts how often it was called, and when."""

    def __init__(self) -> None:
        self.times: list[float] = []

    async def call(self) -> str:
        self.times.append(trio.current_time())
        await trio.lowlevel.checkpoint()
        return "done"


async def outcome(fn: Any) -> object:
    try:
        return await fn()
    except Exception as error:
        return type(error)


@pytest.mark.parametrize(
    ("fault", "came", "times"),
    [
        (None, "done", [0]),
        (Raise(), PlannedCrash, []),
        (Raise(OSError), OSError, []),
        (CutShort(), trio.TooSlowError, [0]),
        (Hang(), trio.TooSlowError, []),
        (Slow(2), "done", [2]),
        (LoseReply(), ReplyLost, [0]),
        (JumpClock(30), "done", [30]),
    ],
    ids=str,
)
async def test_each_fault_does_what_it_says(autojump_clock, fault, came, times):
    counter, began = Counter(), trio.current_time()
    call = Faults({} if fault is None else {"call": {1: fault}}).around("call", counter.call)

    async def patient() -> object:
        with trio.fail_after(100):
            return await call()

    assert await outcome(patient) == came
    assert [time - began for time in counter.times] == times
    assert await call() == "done"  # it was the first visit only


async def test_a_write_is_dropped_torn_or_done_without_an_answer():
    async with open_memory() as memory:
        script: dict[int, Any] = {1: DropWrite(), 2: TearWrite(), 3: LoseReply()}
        faults = Faults({"commit": script, "get": {2: Raise()}})
        storage = faults.storage(memory)

        await storage.commit([Put("dropped", b"")])
        with pytest.raises(PlannedCrash):
            await storage.commit([Put("first", b""), Put("second", b"")])
        with pytest.raises(StorageUnknown):
            await storage.commit([Put("unheard", b"")])
        await storage.commit([Put("well", b"")])

        assert [record.key for record in await storage.scan("a", "z")] == ["first", "unheard", "well"]
        assert await storage.get("dropped") is None
        with pytest.raises(PlannedCrash):
            await storage.get("well")
        assert faults.as_script() == faults.script


async def test_a_start_of_a_child_fails_and_its_supervisor_starts_it_again(autojump_clock):
    lives: list[float] = []

    async def work() -> None:
        lives.append(trio.current_time())
        await trio.sleep_forever()

    faults = Faults({"start worker": {1: Raise(), 2: Raise()}})
    async with open_supervisor([faults.child(Child("worker", work))], on_report=lambda _: None):
        await trio.sleep(1)
    assert (len(lives), faults.visits["start worker"]) == (1, 3)


def test_a_child_that_says_when_it_is_ready_is_refused():
    async def ready(task_status: Any) -> None: ...

    with pytest.raises(InvalidDefinition, match="says when it is ready"):
        Faults().child(Child("ready", ready))


async def test_points_of_a_program_heed_the_faults_that_are_active():
    faults = Faults({"before": {2: Raise()}, "while": {1: Raise(KeyError)}})
    with faults.active():
        crash_point("before")
        with pytest.raises(PlannedCrash, match="before"):
            crash_point("before")
        with pytest.raises(KeyError):
            await fault_point("while")
    crash_point("before")
    await fault_point("while")
    assert faults.visits == {"before": 2, "while": 1}


def test_the_clock_jumps_at_a_point_that_cannot_wait(autojump_clock):
    async def main() -> float:
        began = trio.current_time()
        with Faults({"now": {1: JumpClock(5)}}).active():
            crash_point("now")
        return trio.current_time() - began

    assert trio.run(main, clock=trio.testing.MockClock()) == 5


async def test_a_seed_has_the_same_visits_go_wrong_again_and_what_happened_is_a_script(autojump_clock):
    async def story(faults: Faults) -> list[object]:
        call = faults.around("call", Counter().call)
        return [await outcome(call) for _ in range(60)]

    first, again, other = (Faults.by_seed(seed, share=0.3) for seed in (1, 1, 2))
    told = await story(first)
    assert 5 < len(first.happened) < 40
    assert await story(again) == told
    assert await story(Faults(first.as_script())) == told
    await story(other)
    assert other.happened != first.happened


def test_the_next_visit_of_a_point_can_be_planned():
    faults = Faults()
    with faults.active():
        crash_point("pay")
        faults.plan("pay", Raise())
        with pytest.raises(PlannedCrash):
            crash_point("pay")
        crash_point("pay")


@pytest.mark.parametrize(
    ("script", "why"),
    [({"commit": {0: Raise()}}, "visit=0"), ({"commit": {1: "raise"}}, "'raise' is no fault")],
    ids=["visit", "fault"],
)
def test_a_script_that_means_nothing_is_refused(script, why):
    with pytest.raises(InvalidDefinition, match=why):
        Faults(script)


def test_a_share_that_is_none_and_seconds_that_are_none_are_refused():
    with pytest.raises(InvalidDefinition, match="share"):
        Faults.by_seed(0, share=2)
    with pytest.raises(InvalidDefinition, match="seconds"):
        Slow(-1)


async def test_what_can_not_happen_at_a_point_is_refused_there():
    faults = Faults({"plain": {1: Slow(1)}, "get": {1: DropWrite()}, "start": {1: TearWrite()}})
    with faults.active():
        with pytest.raises(InvalidDefinition, match=r"Slow\(seconds=1\) can't happen at 'plain', as nothing can wait"):
            crash_point("plain")
        with pytest.raises(InvalidDefinition, match="no commit of a storage"):
            await fault_point("start")
    async with open_memory() as memory:
        with pytest.raises(InvalidDefinition, match="no commit of a storage"):
            await faults.storage(memory).get("a")
    assert faults.happened == []


def test_by_a_seed_only_what_can_happen_at_a_point_does():
    faults = Faults.by_seed(1, share=1, kinds=[Slow(1), Raise(), DropWrite()])
    with faults.active():
        for _ in range(5):
            with pytest.raises(PlannedCrash):
                crash_point("plain")
    assert {fault for _, _, fault in faults.happened} == {Raise()}

    late = Faults.by_seed(1, share=1, kinds=[Slow(1)])
    with late.active():
        crash_point("plain")
    assert late.happened == []


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (KeyError("a"), "no class of exceptions"),
        (KeyboardInterrupt, "no class of exceptions"),
        (UnicodeDecodeError, "can't be made of the name of a point alone"),
    ],
    ids=["value", "interrupt", "arguments"],
)
def test_an_error_that_can_not_be_raised_is_refused(error, why):
    with pytest.raises(InvalidDefinition, match=why):
        Raise(error)
