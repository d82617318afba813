"""Waiting for a state: at once, without polling, and with a diagnosis when it doesn't come."""

import pytest
import trio
import trio.testing
from attrs import frozen

from jido_trio import Action, Agent, AgentStopped, Context, InvalidDefinition, Jido, Result, Route, Signal, SpawnAgent
from jido_trio.actions import MarkCompleted, MarkFailed, MarkIdle, Progress
from jido_trio.errors import WaitTimeout
from jido_trio.runtime import (
    Completion,
    await_all,
    await_any,
    await_child,
    await_completion,
    get_children,
    wait_state,
)


@frozen
class Count:
    count: int = 0


class Add(Action):
    def run(self, context: Context[Count]) -> Result:
        return {"count": context.state.count + 1}


class Break(Action):
    def run(self, context: Context[Count]) -> Result:
        raise ZeroDivisionError


class Counter(Agent[Count], routes=[Route("add", Add), Route("break", Break)]): ...


class Worker(
    Agent[Progress],
    routes=[Route("done", MarkCompleted), Route("failed", MarkFailed), Route("idle", MarkIdle)],
): ...


ADD = Signal("add")


def instance() -> Jido:
    return Jido("shop", on_report=lambda _: None)


async def later(ref, signal: Signal, seconds: float) -> None:
    await trio.sleep(seconds)
    await ref.cast(signal)


async def test_a_state_that_is_there_already_is_returned_at_once(autojump_clock):
    async with instance() as jido:
        ref = await jido.start_agent(Counter, state={"count": 3})
        agent = await wait_state(ref, lambda state: state.count == 3)
        assert (agent.state.count, trio.current_time()) == (3, 0)


async def test_whoever_waits_is_woken_by_the_signal_that_brings_the_state_about(autojump_clock):
    async with instance() as jido, trio.open_nursery() as nursery:
        ref = await jido.start_agent(Counter)
        nursery.start_soon(later, ref, ADD, 5)
        await wait_state(ref, lambda state: state.count == 1)
        assert trio.current_time() == 5


async def test_a_state_that_lasts_for_one_signal_only_is_seen(autojump_clock):
    async with instance() as jido:
        ref = await jido.start_agent(Counter)
        seen = []

        async def wait() -> None:
            seen.append((await wait_state(ref, lambda state: state.count == 2)).state.count)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked()
            for _ in range(5):
                ref.cast_nowait(ADD)
        assert seen == [2]


async def test_a_call_in_the_callers_own_task_wakes_them_too(autojump_clock):
    async with instance() as jido, trio.open_nursery() as nursery:
        ref = await jido.start_agent(Counter)
        nursery.start_soon(wait_state, ref, lambda state: state.count == 1)
        await trio.testing.wait_all_tasks_blocked()
        await ref.call(ADD)


async def test_all_who_wait_are_woken(autojump_clock):
    async with instance() as jido, trio.open_nursery() as nursery:
        ref = await jido.start_agent(Counter)
        for _ in range(10):
            nursery.start_soon(wait_state, ref, lambda state: state.count == 1)
        await trio.testing.wait_all_tasks_blocked()
        await ref.cast(ADD)


async def test_the_state_in_which_a_life_begins_counts(autojump_clock):
    async with instance() as jido, trio.open_nursery() as nursery:
        ref = await jido.start_agent(Counter)
        await ref.call(ADD)
        nursery.start_soon(wait_state, ref, lambda state: state.count == 0)
        await trio.testing.wait_all_tasks_blocked()
        await ref.cast(Signal("break"))


async def test_who_waits_too_long_is_told_what_the_agent_is_at(autojump_clock):
    async with instance() as jido:
        ref = await jido.start_agent(Counter, id="c-1")
        wanted = "'c-1' was not as wanted within 3 s: it is idle in incarnation 1"
        with pytest.raises(WaitTimeout, match=wanted) as told:
            await wait_state(ref, lambda state: state.count == 1, timeout=3)
        assert trio.current_time() == 3
        assert (told.value.doing, told.value.queued) == ("idle", 0)


async def test_nobody_is_kept_who_waits_no_more(autojump_clock):
    async with instance() as jido:
        ref = await jido.start_agent(Counter)
        for _ in range(3):
            with trio.move_on_after(1):
                await wait_state(ref, lambda state: state.count == 1)
        with pytest.raises(WaitTimeout):
            await wait_state(ref, lambda state: state.count == 1, timeout=0)
        assert ref._cell.on_change is None


async def test_the_end_of_the_agent_ends_the_wait(autojump_clock):
    async with instance() as jido:
        ref = await jido.start_agent(Counter)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(jido.stop_agent, ref)
            with pytest.raises(AgentStopped):
                await wait_state(ref, lambda state: state.count == 1, timeout=None)
        with pytest.raises(AgentStopped):
            await wait_state(ref, lambda state: state.count == 1)


async def test_the_end_of_the_instance_ends_the_wait(autojump_clock):
    told = []

    async def wait(ref) -> None:
        with pytest.raises(AgentStopped) as stopped:
            await wait_state(ref, lambda state: state.count == 1, timeout=None)
        told.append(stopped)

    async with trio.open_nursery() as nursery, instance() as jido:
        nursery.start_soon(wait, await jido.start_agent(Counter))
        await trio.testing.wait_all_tasks_blocked()
    assert len(told) == 1


async def test_what_a_predicate_raises_is_raised_where_it_was_given_and_harms_nobody(autojump_clock):
    def once(state: Count) -> bool:
        return 1 // (1 - state.count) == 0

    async with instance() as jido:
        ref = await jido.start_agent(Counter)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(later, ref, ADD, 1)
            with pytest.raises(ZeroDivisionError):
                await wait_state(ref, once)
        assert (await ref.call(ADD)).state.count == 2
        assert ref.incarnation == 1


@pytest.mark.parametrize("timeout", [-1, float("nan"), "1"])
async def test_a_timeout_that_is_no_time_is_refused(timeout, autojump_clock):
    async with instance() as jido:
        ref = await jido.start_agent(Counter)
        with pytest.raises(InvalidDefinition, match="timeout="):
            await wait_state(ref, lambda _: True, timeout)


@pytest.mark.parametrize("wait", [lambda ref: wait_state(ref, bool), await_completion, lambda ref: await_all([ref])])
async def test_what_is_no_ref_is_refused(wait, autojump_clock):
    async with instance() as jido:
        with pytest.raises(TypeError, match="None is no ref of an agent"):
            await wait(jido.whereis("nobody"))


@pytest.mark.parametrize("wait", [await_all, await_any])
async def test_a_single_ref_is_not_several(wait, autojump_clock):
    async with instance() as jido:
        with pytest.raises(TypeError, match=r"refs=.* must be several refs"):
            await wait(await jido.start_agent(Counter))


async def is_there(_: object) -> bool:
    return False


@pytest.mark.parametrize("predicate", [5, is_there])
async def test_what_is_no_predicate_is_refused(predicate, autojump_clock):
    async with instance() as jido:
        ref = await jido.start_agent(Counter)
        with pytest.raises(TypeError, match=r"predicate=.* must be a plain function"):
            await wait_state(ref, predicate)


# Completion


@pytest.mark.parametrize(
    ("signal", "completion"),
    [
        (Signal("done", {"result": 42}), Completion("completed", 42)),
        (Signal("done", {"result": False}), Completion("completed", False)),
        (Signal("failed", {"reason": "no paper"}), Completion("failed", "no paper")),
    ],
)
async def test_completion_tells_how_the_work_ended(signal, completion, autojump_clock):
    async with instance() as jido, trio.open_nursery() as nursery:
        ref = await jido.start_agent(Worker)
        nursery.start_soon(later, ref, signal, 1)
        assert await await_completion(ref) == completion
        assert await await_completion(ref, timeout=0) == completion


async def test_two_who_wait_for_completion_both_get_it(autojump_clock):
    got = []

    async def wait(ref) -> None:
        got.append(await await_completion(ref))

    async with instance() as jido, trio.open_nursery() as nursery:
        ref = await jido.start_agent(Worker)
        nursery.start_soon(wait, ref)
        nursery.start_soon(wait, ref)
        nursery.start_soon(later, ref, Signal("done", {"result": 1}), 1)
    assert got == [Completion("completed", 1)] * 2


async def test_the_fields_can_be_named(autojump_clock):
    @frozen
    class Own:
        phase: str = "completed"
        answer: int = 7

    class OwnWorker(Agent[Own]): ...

    async with instance() as jido:
        ref = await jido.start_agent(OwnWorker)
        assert await await_completion(ref, status="phase", result="answer") == Completion("completed", 7)
        with pytest.raises(InvalidDefinition, match="has no field 'status'"):
            await await_completion(ref)


async def test_all_ends_with_the_last(autojump_clock):
    async with instance() as jido, trio.open_nursery() as nursery:
        refs = [await jido.start_agent(Worker, id=f"w-{number}") for number in range(3)]
        for number, ref in enumerate(refs):
            nursery.start_soon(later, ref, Signal("done", {"result": number}), 3 - number)
        assert await await_all(refs) == {f"w-{number}": Completion("completed", number) for number in range(3)}
        assert trio.current_time() == 3


async def test_all_of_none_is_nothing():
    assert await await_all([]) == {}


async def test_all_ends_with_the_first_that_has_no_answer(autojump_clock):
    async with instance() as jido, trio.open_nursery() as nursery:
        refs = [await jido.start_agent(Worker, id=f"w-{number}") for number in range(3)]
        nursery.start_soon(later, refs[0], Signal("done"), 1)

        async def stop() -> None:
            await trio.sleep(2)
            await jido.stop_agent("w-1")

        nursery.start_soon(stop)
        with pytest.raises(AgentStopped, match="w-1"):
            await await_all(refs, timeout=None)
        assert trio.current_time() == 2


async def test_any_ends_with_the_first(autojump_clock):
    async with instance() as jido, trio.open_nursery() as nursery:
        refs = [await jido.start_agent(Worker, id=f"w-{number}") for number in range(3)]
        nursery.start_soon(later, refs[1], Signal("failed", {"reason": "no"}), 1)
        assert await await_any(refs) == ("w-1", Completion("failed", "no"))
        assert trio.current_time() == 1
        assert all(ref._cell.on_change is None for ref in refs)


async def test_any_of_none_is_refused():
    with pytest.raises(InvalidDefinition, match="needs an agent"):
        await await_any([])


# Children


class Hire(Action):
    tag: str

    def run(self, _context: Context[Progress]) -> Result:
        return [SpawnAgent(Worker, self.tag, id=f"worker-{self.tag}")]


class Employer(Agent[Progress], routes=[Route("hire", Hire)]): ...


async def test_a_child_is_waited_for_until_it_is_there_and_done(autojump_clock):
    async with instance() as jido, trio.open_nursery() as nursery:
        boss = await jido.start_agent(Employer)

        async def hire() -> None:
            await trio.sleep(1)
            await boss.cast(Signal("hire", {"tag": "a"}))
            await trio.sleep(1)
            worker = jido.whereis("worker-a")
            assert worker is not None
            await worker.cast(Signal("done", {"result": "ok"}))

        nursery.start_soon(hire)
        assert await await_child(boss, "a") == Completion("completed", "ok")
        assert trio.current_time() == 2


async def test_the_time_for_a_child_is_for_both_waits_together(autojump_clock):
    async with instance() as jido, trio.open_nursery() as nursery:
        boss = await jido.start_agent(Employer)
        nursery.start_soon(later, boss, Signal("hire", {"tag": "a"}), 2)
        with pytest.raises(WaitTimeout, match="worker-a"):
            await await_child(boss, "a", timeout=3)
        assert trio.current_time() == 3


async def test_a_child_that_never_comes_is_told_of_by_its_parent(autojump_clock):
    async with instance() as jido:
        boss = await jido.start_agent(Employer, id="boss")
        with pytest.raises(WaitTimeout, match="boss"):
            await await_child(boss, "a", timeout=3)


async def test_the_children_of_an_agent_are_found_by_tag(autojump_clock):
    async with instance() as jido:
        boss = await jido.start_agent(Employer)
        assert get_children(boss) == {}
        await boss.call(Signal("hire", {"tag": "a"}))
        assert {tag: ref.id for tag, ref in get_children(boss).items()} == {"a": "worker-a"}
        await jido.stop_agent("worker-a")
        assert get_children(boss) == {}
