"""Jobs of agents: Cron, CronCancel, schedules of a class; in virtual time, with a clock on the wall that goes along."""

from datetime import UTC, datetime
from typing import Any

import pytest
import trio
from attrs import evolve, frozen

from jido_trio import Action, Agent, Context, InvalidDefinition, Jido, Result, Schedule, Signal
from jido_trio.core import Cron, CronCancel, Durable
from jido_trio.groups import open_keyed
from jido_trio.runtime import Runtime, interpret, open_journal
from jido_trio.storage import MemoryStorage, within
from jido_trio.world import World, clocked

START = datetime(2026, 1, 1, 10, 0, 30, tzinfo=UTC)


@frozen
class Heard:
    times: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


class Hear(Action):
    def run(self, context: Context[Heard]) -> Result:
        signal = context.signal
        assert signal is not None
        return {"times": (*context.state.times, (signal.time or "")[11:19]), "ids": (*context.state.ids, signal.id)}


class Do(Action):
    directives: tuple[Any, ...]

    def run(self, context: Context[Heard]) -> Result:
        return list(self.directives)


class Break(Action):
    def run(self, context: Context[Heard]) -> Result:
        raise RuntimeError("a bug")


class Again(Action):
    """Schedules itself under the key under which it came."""

    def run(self, context: Context[Heard]) -> Result:
        return {"times": (*context.state.times, "again")}, Schedule(60, Signal("again"), key="again")


class Replace(Action):
    """Puts another job in the place of the one that it came of."""

    def run(self, context: Context[Heard]) -> Result:
        return Cron("0 * * * *", Signal("tick"), key="k")


class Give(Action):
    def run(self, context: Context[Heard]) -> Result:
        return {"times": (*context.state.times, "last")}, CronCancel("k")


ROUTES = {"tick": Hear, "do": Do, "break": Break, "again": Again, "replace": Replace, "last": Give}


class Plain(Agent[Heard], routes=ROUTES, after_crash="committed"):
    """One that dies with its process."""


class Kept(Agent[Heard], routes=ROUTES, durable=True):
    """One that doesn't."""


EACH_MINUTE = Cron("* * * * *", Signal("tick"), key="k")


class PlainScheduled(Plain, schedules=[EACH_MINUTE]):
    """It has a job from its start on."""


class KeptScheduled(Kept, schedules=[EACH_MINUTE]):
    """It has one, too."""


HOURLY = Cron("0 * * * *", Signal("tick"), key="h")


class KeptForgetful(Kept, schedules=[evolve(EACH_MINUTE, missed="all")], durable=Durable(remembers=2, history=2)):
    """It makes up all ticks, and remembers few ids."""


class KeptHourly(Kept, schedules=[HOURLY], durable=Durable(formerly=[KeptScheduled])):
    """What the one before is upgraded to."""


class PlainHourly(Plain, schedules=[HOURLY]):
    """What the plain one is upgraded to."""


def world(start: datetime = START) -> World:
    return clocked(1, trio.current_time, start)


@frozen
class Hold:
    """Takes as long as the test says."""


HOLDS: list[float] = []


@interpret.register
async def _(directive: Hold, runtime: Runtime) -> None:
    await trio.sleep(HOLDS.pop())


def do(*directives: object) -> Signal:
    return Signal("do", {"directives": directives})


def jido(storage: MemoryStorage | None = None, of: World | None = None) -> Jido:
    return Jido("shop", storage=storage or MemoryStorage(), world=of or world(), on_dead_letter=lambda letter: None)


def times(ref: Any) -> tuple[str, ...]:
    found: tuple[str, ...] = ref.agent.state.times
    return found


both = pytest.mark.parametrize("agent", [Plain, Kept])
scheduled = pytest.mark.parametrize("agent", [PlainScheduled, KeptScheduled])


@scheduled
async def test_an_agent_has_the_jobs_of_its_class_from_its_start_on(autojump_clock, agent):
    async with jido() as shop:
        ref = await shop.start_agent(agent)
        await trio.sleep(180)
    assert times(ref) == ("10:01:00", "10:02:00", "10:03:00")
    assert len(set(ref.agent.state.ids)) == 3


@both
async def test_a_directive_begins_a_job_and_another_ends_it(autojump_clock, agent):
    async with jido() as shop:
        ref = await shop.start_agent(agent)
        await ref.call(do(EACH_MINUTE))
        await trio.sleep(100)
        await ref.call(do(CronCancel("k"), CronCancel("nobody's")))
        await trio.sleep(600)
        assert times(ref) == ("10:01:00", "10:02:00")
        await ref.call(do(EACH_MINUTE))
        await trio.sleep(60)
    assert len(times(ref)) == 3


@both
async def test_a_job_with_a_key_that_is_in_use_takes_the_place_of_the_other(autojump_clock, agent):
    async with jido() as shop:
        ref = await shop.start_agent(agent)
        await ref.call(do(EACH_MINUTE))
        await trio.sleep(40)
        await ref.call(do(Cron("0 * * * *", Signal("tick"), key="k")))
        await trio.sleep(7200)
    assert times(ref) == ("10:01:00", "11:00:00", "12:00:00")


@both
async def test_a_job_that_is_begun_again_and_again_goes_on_as_if_it_were_not(autojump_clock, agent):
    async with jido() as shop:
        ref = await shop.start_agent(agent)
        for _ in range(20):
            await ref.call(do(Cron("* * * * *", Signal("tick"))))
            await trio.sleep(13)
    assert times(ref) == ("10:01:00", "10:02:00", "10:03:00", "10:04:00")


@both
async def test_a_job_goes_by_the_clock_of_its_zone(autojump_clock, agent):
    async with jido(of=world(datetime(2026, 3, 27, 12, tzinfo=UTC))) as shop:
        ref = await shop.start_agent(agent)
        await ref.call(do(Cron("30 2 * * *", Signal("tick"), timezone="Europe/Berlin")))
        await trio.sleep(4 * 24 * 3600)
    assert times(ref) == ("01:30:00", "01:00:00", "00:30:00", "00:30:00")


@both
async def test_a_crash_of_the_agent_does_not_end_its_jobs(autojump_clock, agent):
    async with jido() as shop:
        ref = await shop.start_agent(agent)
        await ref.call(do(EACH_MINUTE))
        await ref.cast(Signal("break"))
        await trio.sleep(60)
    assert times(ref) == ("10:01:00",)


@scheduled
async def test_the_jobs_of_an_agent_end_with_it(autojump_clock, agent):
    async with jido() as shop:
        ref = await shop.start_agent(agent)
        await shop.stop_agent(ref)
        await trio.sleep(1000)
        assert not shop.dead_letters()
    assert times(ref) == ()


async def test_the_jobs_of_two_agents_are_apart(autojump_clock):
    async with jido() as shop:
        one, other = await shop.start_agent(PlainScheduled), await shop.start_agent(PlainScheduled)
        await one.call(do(CronCancel("k")))
        await trio.sleep(60)
    assert (times(one), times(other)) == ((), ("10:01:00",))


@both
async def test_ticks_come_by_the_second(autojump_clock, agent):
    async with jido() as shop:
        ref = await shop.start_agent(agent)
        await ref.call(do(Cron("* * * * * *", Signal("tick"))))
        await trio.sleep(2.5)
    assert times(ref) == ("10:00:31", "10:00:32")


@both
async def test_jitter_makes_a_tick_later_and_leaves_it_its_time(autojump_clock, agent):
    async with jido() as shop:
        ref = await shop.start_agent(agent, id="a")
        await ref.call(do(Cron("* * * * *", Signal("tick"), jitter=20, key="j")))
        await trio.sleep(30)
        assert times(ref) == ()
        await trio.sleep(20)
        assert times(ref) == ("10:01:00",)


@both
@pytest.mark.parametrize(("missed", "heard"), [("skip", 1), ("one", 2), ("all", 5)])
async def test_an_agent_that_was_busy_makes_up_what_it_missed_as_is_wanted(autojump_clock, agent, missed, heard):
    async with jido() as shop:
        ref = await shop.start_agent(agent)
        await ref.call(do(Cron("* * * * *", Signal("tick"), missed=missed)))
        with trio.CancelScope() as busy:
            await busy_for(shop, ref, 300)
        assert not busy.cancelled_caught
        await trio.sleep(1)
    assert len(times(ref)) == (heard if agent is Kept or missed == "all" else 1)


async def busy_for(shop: Any, ref: Any, seconds: float) -> None:
    """Have the agent be at something."""
    HOLDS.append(seconds)
    await ref.cast(do(Hold()))
    await trio.sleep(seconds)


@both
async def test_a_tick_that_waits_is_taken_back_when_its_job_is_cancelled(autojump_clock, agent):
    async with jido() as shop:
        ref = await shop.start_agent(agent)
        await ref.call(do(EACH_MINUTE))
        HOLDS.append(100)
        await ref.cast(do(Hold(), CronCancel("k")))
        await trio.sleep(500)
    assert times(ref) == ()


# ---- what outlives the process


async def test_ticks_that_are_made_up_leave_the_ids_of_other_signals_known(autojump_clock):
    storage, clock, order = MemoryStorage(), world(), Signal("tick", id="order-1")
    async with jido(storage, clock) as shop:
        await (await shop.start_agent(KeptForgetful, id="a")).call(order)
    await trio.sleep(600)
    async with jido(storage, clock) as shop:
        ref = await shop.start_agent(KeptForgetful, id="a")
        await trio.sleep(1)  # all is made up, and only then comes the client again that heard nothing
        assert len(times(ref)) == 11
        await ref.call(order)
    assert ref.agent.state.ids.count("order-1") == 1


async def test_a_job_of_a_durable_agent_goes_on_in_the_next_process(autojump_clock):
    storage, clock = MemoryStorage(), world()
    async with jido(storage, clock) as shop:
        await (await shop.start_agent(Kept, id="a")).call(do(EACH_MINUTE))
    async with jido(storage, clock) as shop:
        ref = await shop.start_agent(Kept, id="a")
        await trio.sleep(60)
    assert times(ref) == ("10:01:00",)


async def test_one_that_was_cancelled_does_not_come_back(autojump_clock):
    storage, clock = MemoryStorage(), world()
    async with jido(storage, clock) as shop:
        ref = await shop.start_agent(Kept, id="a")
        await ref.call(do(EACH_MINUTE))
        await ref.call(do(CronCancel("k")))
    assert not await storage.scan(*within("shop/agent/a/now/timer/"))


@pytest.mark.parametrize(
    ("missed", "heard"),
    [
        ("skip", ("10:05:00",)),
        ("one", ("10:04:00", "10:05:00")),
        ("all", (*(f"10:0{minute}:00" for minute in range(1, 6)),)),
    ],
)
async def test_what_was_missed_while_the_process_was_away_is_made_up_as_is_wanted(autojump_clock, missed, heard):
    storage, clock = MemoryStorage(), world()
    async with jido(storage, clock) as shop:
        await (await shop.start_agent(Kept, id="a")).call(do(Cron("* * * * *", Signal("tick"), missed=missed)))
    await trio.sleep(240)
    async with jido(storage, clock) as shop:
        ref = await shop.start_agent(Kept, id="a")
        await trio.sleep(40)
    assert times(ref) == heard


@pytest.mark.parametrize(("missed", "heard"), [("skip", 0), ("one", 1), ("all", 1)])
async def test_a_schedule_that_was_missed_is_made_up_as_is_wanted(autojump_clock, missed, heard):
    storage, clock = MemoryStorage(), world()
    async with jido(storage, clock) as shop:
        await (await shop.start_agent(Kept, id="a")).call(do(Schedule(60, Signal("tick"), missed=missed)))
    await trio.sleep(240)
    async with jido(storage, clock) as shop:
        ref = await shop.start_agent(Kept, id="a")
        await trio.sleep(40)
        assert len(times(ref)) == heard
    assert not await storage.scan(*within("shop/agent/a/now/timer/"))


@pytest.mark.parametrize("directive", [EACH_MINUTE, Schedule(30, Signal("tick"), missed="skip")])
async def test_what_is_only_a_little_late_at_the_start_is_not_missed(autojump_clock, directive):
    storage, clock = MemoryStorage(), world()
    async with jido(storage, clock) as shop:
        await (await shop.start_agent(Kept, id="a")).call(do(directive))
    await trio.sleep(40)
    async with jido(storage, clock) as shop:
        ref = await shop.start_agent(Kept, id="a")
        await trio.sleep(1)
    assert len(times(ref)) == 1


async def test_a_keyed_agent_that_rests_is_woken_for_a_tick(autojump_clock):
    async with jido() as shop, open_keyed(shop, Kept, name="kept", idle=10) as keyed:
        await keyed.call("a", do(Cron("*/5 * * * *", Signal("tick"))))
        await trio.sleep(100)
        assert keyed.lookup("a") is None
        await trio.sleep(900)
        assert keyed.lookup("a") is None
        assert times(await keyed.get("a")) == ("10:05:00", "10:10:00", "10:15:00")


async def test_a_schedule_whose_time_has_not_come_is_not_missed(autojump_clock):
    storage, clock = MemoryStorage(), world()
    async with jido(storage, clock) as shop:
        await (await shop.start_agent(Kept, id="a")).call(do(Schedule(300, Signal("tick"), missed="skip")))
    await trio.sleep(240)
    async with jido(storage, clock) as shop:
        ref = await shop.start_agent(Kept, id="a")
        await trio.sleep(70)
    assert len(times(ref)) == 1


async def test_a_job_that_the_class_does_not_have_any_more_is_gone_and_one_of_its_own_is_there(autojump_clock):
    storage, clock = MemoryStorage(), world()
    async with jido(storage, clock) as shop:
        ref = await shop.start_agent(KeptScheduled, id="a")
        await ref.call(do(Cron("*/2 * * * *", Signal("tick"), key="mine")))
    async with jido(storage, clock) as shop:
        hourly = await shop.start_agent(KeptHourly, id="a")
        await trio.sleep(3600)
    assert (len(times(hourly)), times(hourly)[:2], times(hourly)[-1]) == (31, ("10:02:00", "10:04:00"), "11:00:00")


async def test_what_the_class_says_wins_over_what_was_put_in_its_place(autojump_clock):
    storage, clock = MemoryStorage(), world()
    async with jido(storage, clock) as shop:
        ref = await shop.start_agent(KeptScheduled, id="a")
        await ref.call(do(Cron("0 * * * *", Signal("tick"), key="k")))
        await trio.sleep(60)
        assert times(ref) == ()
    async with jido(storage, clock) as shop:
        ref = await shop.start_agent(KeptScheduled, id="a")
        await trio.sleep(60)
    assert times(ref) == ("10:02:00",)


async def test_a_tick_is_one_commit_with_the_time_of_the_next(autojump_clock):
    storage, clock = MemoryStorage(), world()
    async with jido(storage, clock) as shop:
        await shop.start_agent(KeptScheduled, id="a")
        await trio.sleep(31)
        (record,) = await storage.scan(*within("shop/agent/a/now/timer/"))
        journal = await open_journal(storage, "shop", "a")
        inputs = [entry async for page in journal.pages for entry in page]
    assert f'"at":{START.timestamp() - 30 + 120}'.encode() in record.value
    assert [entry.input.signal.type for entry in inputs] == ["tick"]


async def test_a_tick_that_came_before_is_passed_over_when_the_clock_is_set_back(autojump_clock):
    storage, clock = MemoryStorage(), world()
    async with jido(storage, clock) as shop:
        await (await shop.start_agent(Kept, id="a")).call(do(EACH_MINUTE))
        await trio.sleep(31)
    async with jido(storage, world()) as shop:  # it is half past again
        ref = await shop.start_agent(Kept, id="a")
        await ref.call(do(CronCancel("k"), EACH_MINUTE))
        await trio.sleep(91)
    assert times(ref) == ("10:01:00", "10:02:00")


async def test_a_schedule_that_takes_its_own_place_is_there_at_the_next_start(autojump_clock):
    storage, clock = MemoryStorage(), world()
    async with jido(storage, clock) as shop:
        await (await shop.start_agent(Kept, id="a")).call(Signal("again"))
        await trio.sleep(61)
    async with jido(storage, clock) as shop:
        ref = await shop.start_agent(Kept, id="a")
        await trio.sleep(60)
    assert len(times(ref)) == 3


@both
async def test_the_handling_of_a_tick_may_replace_its_job(autojump_clock, agent):
    async with jido() as shop:
        ref = await shop.start_agent(agent)
        await ref.call(do(Cron("* * * * *", Signal("replace"), key="k")))
        await trio.sleep(2 * 3600)
    assert times(ref) == ("11:00:00", "12:00:00")


@both
async def test_the_handling_of_a_tick_may_end_its_job(autojump_clock, agent):
    storage = MemoryStorage()
    async with jido(storage) as shop:
        ref = await shop.start_agent(agent)
        await ref.call(do(Cron("* * * * *", Signal("last"), key="k")))
        await trio.sleep(2 * 3600)
    assert times(ref) == ("last",)
    assert not [each for each in await storage.scan(*within("shop/")) if "/timer/" in each.key]


@pytest.mark.parametrize(("old", "new"), [(PlainScheduled, PlainHourly), (KeptScheduled, KeptHourly)])
async def test_an_agent_that_becomes_one_of_another_class_has_the_jobs_of_that(autojump_clock, old, new):
    async with jido() as shop:
        ref = await shop.start_agent(old)
        await trio.sleep(60)
        await shop.upgrade(old, new)
        await trio.sleep(2 * 3600)
    assert times(ref) == ("10:01:00", "11:00:00", "12:00:00")


async def test_an_agent_that_goes_back_has_the_jobs_of_that_time_and_of_its_class(autojump_clock):
    async with jido() as shop:
        ref = await shop.start_agent(KeptHourly, id="a")
        await ref.call(do(EACH_MINUTE))
        await ref.call(do(CronCancel("k"), Cron("* * * * *", Signal("tick"), key="new")))
        await shop.rewind(ref, to=1)
        await trio.sleep(60)
        assert times(ref) == ("10:01:00",)
        await shop.rewind(ref, to=0)
        await trio.sleep(3600)
    assert times(ref) == ("11:00:00",)


# ---- what is refused


def test_a_class_says_what_is_wrong_with_its_schedules():
    def scheduled(*crons: Any) -> None:
        type("Wrong", (Plain,), {}, schedules=crons)

    with pytest.raises(InvalidDefinition, match="no route matches 'tock'"):
        scheduled(Cron("* * * * *", Signal("tock")))
    with pytest.raises(InvalidDefinition, match="two of its schedules have the key 'k'"):
        scheduled(EACH_MINUTE, Cron("0 * * * *", Signal("tick"), key="k"))
    with pytest.raises(InvalidDefinition, match="is no Cron"):
        scheduled("* * * * *")


async def test_what_comes_next_is_seen_from_outside(autojump_clock):
    async with jido() as shop:
        ref = await shop.start_agent(PlainScheduled)
        assert ref.inspect().more["jobs"] == {"k": "2026-01-01T10:01:00+00:00"}
