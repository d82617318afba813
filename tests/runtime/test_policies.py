"""Actions with effects that declare how they are run: attempts, pauses, limits, breakers, hooks, what makes up."""

from typing import Any

import pytest
import trio
from attrs import frozen

from jido_trio import Action, Context, InvalidDefinition, Jido, Permanent, Result, RunInstruction, Transient
from jido_trio.core import (
    AtOnce,
    Breaker,
    Instruction,
    Policy,
    Rate,
)
from jido_trio.core.inner import Gate
from jido_trio.errors import ActionTimedOut, BreakerOpen, InvalidInstruction, InvalidResult, UndoFailed
from jido_trio.runtime import run
from jido_trio.world import seeded, using
from tests.runtime.noting import Do, Heard, Noting


class Service:
    """Fails so many times, after so many seconds each, and notes when it was asked."""

    def __init__(self, failures: int = 0, seconds: float = 0, error: type[Exception] = Transient) -> None:
        self.failures, self.seconds, self.error = failures, seconds, error
        self.asked: list[float] = []
        self.notes: list[object] = []

    async def ask(self) -> None:
        self.asked.append(trio.current_time())
        await trio.sleep(self.seconds)
        if len(self.asked) <= self.failures:
            raise self.error(f"failure {len(self.asked)}")


class Ask(Action):
    async def run(self, context: Context) -> Result:
        await context["service"].ask()
        return {"asked": len(context["service"].asked)}


async def asked(action: type[Action], service: Service, **opts: Any) -> Any:
    return await run(Instruction(action(), opts=opts), {"service": service})


async def outcome(action: type[Action], service: Service, **opts: Any) -> Any:
    try:
        return await asked(action, service, **opts)
    except Exception as error:
        return error


async def test_a_policy_on_the_class_says_how_often_and_after_which_pauses(autojump_clock):
    class Patient(Ask, policy=Policy(max_retries=4, backoff=1, longest_backoff=3)): ...

    service = Service(failures=4)
    assert await asked(Patient, service) == {"asked": 5}
    assert [b - a for a, b in zip(service.asked, service.asked[1:], strict=False)] == [1, 2, 3, 3]


async def test_an_instruction_overrides_the_policy(autojump_clock):
    class Patient(Ask, policy=Policy(max_retries=4, backoff=1)): ...

    service = Service(failures=9)
    assert isinstance(await outcome(Patient, service, max_retries=1, backoff=7), Transient)
    assert [b - a for a, b in zip(service.asked, service.asked[1:], strict=False)] == [7]


async def test_a_policy_is_inherited(autojump_clock):
    class Patient(Ask, policy=Policy(max_retries=1)): ...

    class More(Patient): ...

    assert await asked(More, Service(failures=1)) == {"asked": 2}


async def test_a_permanent_failure_is_not_tried_again(autojump_clock):
    service = Service(failures=9, error=Permanent)
    assert isinstance(await outcome(Ask, service, max_retries=5), Permanent)
    assert len(service.asked) == 1


async def test_jitter_shortens_pauses_by_chance_and_a_seed_repeats_it(autojump_clock):
    async def pauses() -> list[float]:
        with using(seeded(7)):
            service = Service(failures=5)
            await asked(Ask, service, max_retries=5, backoff=8, longest_backoff=8, jitter=0.5)
            return [b - a for a, b in zip(service.asked, service.asked[1:], strict=False)]

    first, second = await pauses(), await pauses()
    assert first == pytest.approx(second)
    assert all(4 <= pause <= 8 for pause in first)
    assert len({round(pause, 6) for pause in first}) == 5


async def test_the_total_ends_an_attempt_that_has_time_left(autojump_clock):
    begin = trio.current_time()
    error = await outcome(Ask, Service(seconds=100), timeout=50, total=20)
    assert (error, trio.current_time() - begin) == (ActionTimedOut("ask", 20), 20)


async def test_a_pause_that_would_outlast_the_total_is_not_begun(autojump_clock):
    begin = trio.current_time()
    error = await outcome(Ask, Service(failures=9), max_retries=9, backoff=10, total=25)
    assert (str(error), trio.current_time() - begin) == ("failure 2", 10)


async def test_the_total_of_an_action_ends_the_runs_within_it(autojump_clock):
    class Outer(Action, policy=Policy(total=3)):
        async def run(self, context: Context) -> Result:
            return await run(Instruction(Ask(), opts={"max_retries": 9, "backoff": 2}), context)

    service = Service(failures=9)
    begin = trio.current_time()
    assert str(await outcome(Outer, service)) == "failure 2"
    assert trio.current_time() - begin == 2


async def test_a_rate_spreads_runs_over_time(autojump_clock):
    class Rare(Ask, policy=Policy(rate=Rate(2, 10))): ...

    service = Service()
    begin = trio.current_time()
    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(asked, Rare, service)
    assert [at - begin for at in service.asked] == [0, 0, 10, 10, 20]


async def test_who_is_cancelled_while_it_waits_for_a_rate_takes_no_place(autojump_clock):
    class Rare(Ask, policy=Policy(rate=Rate(1, 10))): ...

    service = Service()
    begin = trio.current_time()
    await asked(Rare, service)
    assert isinstance(await outcome(Rare, service, total=3), ActionTimedOut)
    await asked(Rare, service)
    assert [at - begin for at in service.asked] == [0, 10]


async def test_a_limit_is_shared_by_its_name(autojump_clock):
    class One(Ask, policy=Policy(at_once=AtOnce(2, name="api"))): ...

    class Other(Ask, policy=Policy(at_once=AtOnce(2, name="api"))): ...

    service = Service(seconds=5)
    begin = trio.current_time()
    async with trio.open_nursery() as nursery:
        for action in (One, Other, One, Other, One):
            nursery.start_soon(asked, action, service)
    assert [at - begin for at in service.asked] == [0, 0, 5, 5, 10]


async def test_limits_of_one_name_that_differ_are_refused(autojump_clock):
    class One(Ask, policy=Policy(at_once=AtOnce(2, name="same"))): ...

    class Other(Ask, policy=Policy(at_once=AtOnce(3, name="same"))): ...

    await asked(One, Service())
    assert "share the limit 'same'" in str(await outcome(Other, Service()))


async def test_a_breaker_opens_after_failures_in_a_row_and_lets_one_through_later(autojump_clock):
    class Fragile(Ask, policy=Policy(breaker=Breaker(2, 30))): ...

    service = Service(failures=3)
    for _ in range(2):
        assert isinstance(await outcome(Fragile, service), Transient)
    assert await outcome(Fragile, service) == BreakerOpen("fragile", "fragile", 30)
    assert len(service.asked) == 2
    await trio.sleep(30)
    assert str(await outcome(Fragile, service)) == "failure 3"
    assert isinstance(await outcome(Fragile, service), BreakerOpen)
    await trio.sleep(30)
    assert await asked(Fragile, service) == {"asked": 4}
    assert await asked(Fragile, service) == {"asked": 5}


async def test_only_one_run_is_let_through_by_a_breaker_that_was_open(autojump_clock):
    class Fragile(Ask, policy=Policy(breaker=Breaker(1, 10, name="slow"))): ...

    service = Service(failures=1, seconds=5)
    await outcome(Fragile, service)
    await trio.sleep(10)
    found: list[object] = []

    async def note() -> None:
        found.append(await outcome(Fragile, service))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(note)
        nursery.start_soon(note)
    assert found == [BreakerOpen("fragile", "slow", 0), {"asked": 2}]


async def test_a_run_that_is_cancelled_leaves_the_breaker_to_the_next(autojump_clock):
    class Fragile(Ask, policy=Policy(breaker=Breaker(1, 10, name="cut off"))): ...

    service = Service(failures=1, seconds=5)
    await outcome(Fragile, service)
    await trio.sleep(10)
    with trio.move_on_after(1):
        await asked(Fragile, service)
    assert await asked(Fragile, service) == {"asked": 3}


async def test_what_a_permanent_failure_says_does_not_open_a_breaker(autojump_clock):
    class Fragile(Ask, policy=Policy(breaker=Breaker(1, 10, name="permanent"))): ...

    service = Service(failures=2, error=Permanent)
    for _ in range(2):
        assert isinstance(await outcome(Fragile, service), Permanent)
    assert await asked(Fragile, service) == {"asked": 3}


async def test_a_bug_opens_a_breaker(autojump_clock):
    class Fragile(Ask, policy=Policy(breaker=Breaker(1, 10, name="bug"))): ...

    service = Service(failures=1, error=ValueError)
    assert isinstance(await outcome(Fragile, service), ValueError)
    assert isinstance(await outcome(Fragile, service), BreakerOpen)


def test_a_gate_that_was_cut_off_lets_the_next_one_try():
    breaker = Breaker(1, 10)
    gate = Gate().entered(breaker).left(breaker, 0, well=False)
    assert (gate.wait(breaker, 4), gate.wait(breaker, 10)) == (6, None)
    trying = gate.entered(breaker)
    assert trying.wait(breaker, 11) == 0
    assert trying.left(breaker, 12, well=None).wait(breaker, 12) is None
    assert trying.left(breaker, 12, well=True) == Gate()


class Hooked(Ask):
    async def before(self, context: Context) -> None:
        context["service"].notes.append("before")

    async def after(self, context: Context, result: Result) -> Result:
        context["service"].notes.append("after")
        assert isinstance(result, dict)
        return {**result, "seen": True}

    async def on_error(self, context: Context, error: Exception) -> None:
        context["service"].notes.append(str(error))


async def test_hooks_run_once_around_all_attempts(autojump_clock):
    service = Service(failures=2)
    assert await asked(Hooked, service, max_retries=2) == {"asked": 3, "seen": True}
    assert service.notes == ["before", "after"]


async def test_what_makes_up_for_a_failure_runs_once_after_the_last_attempt(autojump_clock):
    service = Service(failures=9)
    assert str(await outcome(Hooked, service, max_retries=2)) == "failure 3"
    assert service.notes == ["before", "failure 3"]


async def test_a_time_out_is_made_up_for_too(autojump_clock):
    service = Service(seconds=10)
    assert isinstance(await outcome(Hooked, service, total=1), ActionTimedOut)
    assert service.notes == ["before", "action 'hooked' took longer than 1 s and was cancelled"]


async def test_a_before_that_says_no_keeps_the_action_from_running(autojump_clock):
    class Never(Ask):
        async def before(self, context: Context) -> None:
            raise Permanent("not on Sundays")

    service = Service()
    assert str(await outcome(Never, service)) == "not on Sundays"
    assert service.asked == []


@pytest.mark.parametrize(
    ("seconds", "raised", "why"), [(9, None, "took longer than 2 s"), (0, ValueError("half"), "ValueError: half")]
)
async def test_what_fails_to_make_up_is_told_of_with_the_failure(autojump_clock, seconds, raised, why):
    class Hopeless(Ask, policy=Policy(undo_timeout=2)):
        async def on_error(self, context: Context, error: Exception) -> None:
            await trio.sleep(seconds)
            if raised is not None:
                raise raised

    error = await outcome(Hopeless, Service(failures=1))
    assert isinstance(error, UndoFailed)
    assert (error.action, error.error, str(error.__cause__)) == ("hopeless", "failure 1", "failure 1")
    assert why in error.undoing


async def test_what_does_not_fit_the_output_is_refused_and_not_tried_again(autojump_clock):
    @frozen
    class Answer:
        asked: str

    class Wrong(Ask, output=Answer, policy=Policy(max_retries=3)): ...

    service = Service()
    assert isinstance(await outcome(Wrong, service), InvalidResult)
    assert len(service.asked) == 1


async def test_an_agent_runs_its_actions_by_their_policies_and_all_agents_share_the_limits(autojump_clock):
    class Fragile(Ask, policy=Policy(max_retries=1, backoff=1, breaker=Breaker(2, 30))): ...

    service = Service(failures=2)

    async with Jido("policies") as jido:
        one, two = await jido.start_agent(Noting), await jido.start_agent(Noting)
        ask = RunInstruction(Instruction(Fragile(), context={"service": service}), Heard)
        await one.call(Do(directives=[ask]), until="settled")
        await two.call(Do(directives=[ask]), until="settled")
        assert list(one.agent.state.notes) == ["failure 2"]
        [note] = two.agent.state.notes
        assert str(note).startswith("action 'fragile' was not begun: breaker 'fragile' is open")


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"timeout": "3"},
        {"total": -1},
        {"max_retries": -1},
        {"jitter": 1.5},
        {"rate": 3},
        {"at_once": 2},
        {"breaker": True},
        {"memory": 1000},
    ],
    ids=str,
)
def test_a_policy_that_makes_no_sense_is_refused(options):
    with pytest.raises(InvalidDefinition, match=next(iter(options))):
        Policy(**options)


@pytest.mark.parametrize(
    "make",
    [lambda: Rate(0), lambda: Rate(1, 0), lambda: AtOnce(0), lambda: Breaker(0), lambda: Rate(1, name=3)],  # type: ignore[arg-type]
    ids=range(5),
)
def test_limits_that_make_no_sense_are_refused(make):
    with pytest.raises(InvalidDefinition):
        make()


def test_options_that_make_no_sense_are_refused():
    with pytest.raises(InvalidInstruction, match="jitter"):
        Instruction(Ask(), opts={"jitter": 2})


def test_a_pure_action_has_no_policy_and_no_hooks():
    with pytest.raises(InvalidDefinition, match="make its run an `async def`"):

        class One(Action, policy=Policy()):
            def run(self, context: Context) -> Result: ...

    with pytest.raises(InvalidDefinition, match="before is for an action with effects"):

        class Two(Action):
            async def before(self, context: Context) -> None: ...

            def run(self, context: Context) -> Result: ...

    with pytest.raises(InvalidDefinition, match="must be a Policy"):

        class Three(Action, policy=3):  # type: ignore[arg-type]
            async def run(self, context: Context) -> Result: ...


def test_an_action_without_a_policy_is_not_managed():
    assert not Ask.is_managed
    assert Hooked.is_managed
