"""Looking at agents and instances: plain data, at any moment, with numbers that agree."""

import json
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
import trio
from attrs import define, field, frozen

from jido_trio.core import Agent, Cron, CronCancel, Schedule, Secret, SpawnAgent
from jido_trio.runtime import AgentView, Jido, JidoView, Runtime, interpret
from jido_trio.storage import MemoryStorage
from jido_trio.supervision import Backoff
from jido_trio.world import clocked
from tests.runtime.agents import BOOM, REFUSE, Notebook, Work, do, note, run, settle


@frozen
class Pause:
    """A directive that takes a minute."""


@interpret.register
async def _(directive: Pause, runtime: Runtime) -> None:
    await trio.sleep(60)


def quiet(name: str = "jido") -> Jido:
    return Jido(name, on_report=lambda _: None, on_dead_letter=lambda _: None)


async def test_an_idle_agent_is_seen_with_its_state_and_nothing_to_do(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, id="a", mailbox_size=5)
        await ref.call(note("one"))
        view = ref.inspect()

    assert (view.id, view.agent, view.at, view.supervised) == ("a", "Notebook", "idle", "running")
    assert (view.incarnation, view.state, view.closed) == (1, {"seen": ["one"]}, None)
    assert attrs.astuple(view.mailbox) == (0, 0, 5, 0, ())
    assert (view.tasks, view.waits_for, view.timers, view.children, view.parent) == (0, None, (), {}, None)


async def test_a_busy_agent_is_seen_with_what_it_waits_for_and_what_waits_for_it(autojump_clock):
    async with quiet() as jido, trio.open_nursery() as nursery:
        ref = await jido.start_agent(Notebook, id="a", mailbox_size=2)
        await ref.call(do(Pause(), run(Work(seconds=1))))
        await ref.cast(note("one"))
        await ref.cast(REFUSE)
        nursery.start_soon(ref.cast, note("two"))
        await settle()
        view = ref.inspect()
        nursery.cancel_scope.cancel()

    assert (view.at, view.waits_for, view.tasks) == ("waiting", "Pause()", 1)
    assert attrs.astuple(view.mailbox) == (2, 2, 2, 1, ("note", "refuse"))


async def test_timers_children_and_parent_are_seen(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await ref.call(do(SpawnAgent(Notebook, "left", id="b"), Schedule(9, BOOM), Schedule(5, BOOM)))
        await settle(1)
        view, child = ref.inspect(), jido.whereis("b")
        assert child is not None
        below = child.inspect()

    assert (view.children, view.parent, view.timers) == ({"left": "b"}, None, (4, 8))
    assert (below.children, below.parent, below.timers) == ({}, "a", ())


async def test_declared_failures_are_counted_among_what_effects_keep(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(REFUSE)
        await ref.cast(REFUSE)
        view = ref.inspect()

    assert view.more == {"errors": 2}


async def test_an_agent_that_backs_off_is_seen_with_its_last_crash_and_when_it_comes_again(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, id="a", backoff=Backoff(first=10))
        await ref.cast(BOOM)
        await settle(4)
        view = ref.inspect()

    assert (view.at, view.supervised, view.next_restart) == ("down", "backing_off", 6)
    assert view.last_crash is not None
    assert "ZeroDivisionError: a bug" in view.last_crash


async def test_an_agent_that_has_ended_can_still_be_looked_at(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await jido.stop_agent(ref)
        stopped = ref.inspect()
        await jido.start_agent(Notebook, id="a")
        replaced = ref.inspect()
    after = ref.inspect()

    for view in (stopped, replaced, after):
        assert (view.at, view.closed, view.supervised) == ("down", "stopped", "")


async def test_an_instance_is_seen_before_while_and_after_it_runs(autojump_clock):
    jido = quiet(name="shop")
    before = jido.inspect()
    async with jido:
        first = await jido.start_agent(Notebook)
        await jido.start_agent(Notebook)
        await first.call(do(Pause()))
        await first.cast(note("one"))
        during = jido.inspect()
    after = jido.inspect()

    assert [(view.name, view.phase, view.agents) for view in (before, during, after)] == [
        ("shop", "new", 0),
        ("shop", "up", 2),
        ("shop", "ended", 0),
    ]
    assert (during.at, during.ledger.waiting) == ({"waiting": 1, "idle": 1}, 1)
    assert after.ledger.balanced


async def test_what_the_mailboxes_hold_is_what_the_ledger_says(autojump_clock):
    async with quiet() as jido, trio.open_nursery() as nursery:
        refs = [await jido.start_agent(Notebook, mailbox_size=3) for _ in range(3)]
        for ref in refs[1:]:
            await ref.call(do(Pause(), Schedule(0.5, BOOM)))
        for number in range(9):
            nursery.start_soon(refs[number % 3].cast, note(number))
        with trio.move_on_after(0.1):
            await refs[1].call(note("withdrawn"))
        jido.kill_agent(refs[0])
        await settle(1)
        waiting, ledger = [ref.inspect().mailbox.waiting for ref in refs], jido.ledger()
        nursery.cancel_scope.cancel()

    assert waiting[0] == 0
    assert sum(waiting) == ledger.waiting > 0


@frozen
class Held:
    key: Secret[str] = "canary"
    odd: Any = None


class Holder(Agent[Held]):
    """Holds whatever it is given."""


class Unshowable:
    def __repr__(self) -> str:
        raise RuntimeError("no repr today")


async def test_secrets_are_not_seen_and_no_repr_can_keep_anybody_from_looking(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Holder(id="a", state=Held("canary", Unshowable())))
        view = ref.inspect()

    assert view.state == {"key": "***", "odd": "<Unshowable, whose repr raised RuntimeError>"}
    assert "canary" not in repr(view)


@define(eq=False)
class Odd:
    """Kept for an agent by an effect of a user's."""

    told: Any = field()

    def up(self) -> None: ...

    def again(self) -> None: ...

    def gone(self, exit: object) -> None: ...

    def inspect(self) -> Any:
        if isinstance(self.told, Exception):
            raise self.told
        return self.told


@frozen
class Keep:
    told: Any


@interpret.register
def _(directive: Keep, runtime: Runtime) -> None:
    runtime.cell.keep(Odd(directive.told))


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        ({"pins": (1, 2)}, {"pins": [1, 2]}),
        (LookupError("no"), {"Odd": "<can't be looked at: LookupError('no')>"}),
    ],
    ids=["tells", "raises"],
)
async def test_what_an_effect_of_a_users_keeps_is_seen_too(autojump_clock, told, seen):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(do(Keep(told)))
        view = ref.inspect()

    assert view.more == seen


async def test_views_are_what_json_takes(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await ref.call(do(SpawnAgent(Notebook, "left"), Schedule(9, BOOM), Pause()))
        views: list[AgentView | JidoView] = [ref.inspect(), jido.inspect()]
        texts = [json.dumps(attrs.asdict(view)) for view in views]

    assert ["Notebook" in texts[0], '"phase": "up"' in texts[1]] == [True, True]


async def test_what_comes_before_others_is_seen_first(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Schedule(1, BOOM), Pause()))
        await ref.cast(note("one"))
        await settle(2)
        mailbox = ref.inspect().mailbox

    assert (mailbox.next, mailbox.waiting, mailbox.taken) == (("boom", "note"), 2, 1)


class Lasting(Notebook, durable=True): ...


@pytest.mark.parametrize("kind", [Notebook, Lasting])
async def test_timers_and_jobs_are_seen_of_durable_agents_too(autojump_clock, kind):
    start = datetime(2026, 3, 1, tzinfo=UTC)
    world = clocked(1, trio.current_time, start=start)
    async with Jido(storage=MemoryStorage(), world=world) as jido:
        ref = await jido.start_agent(kind)
        hourly = Cron("0 * * * *", note("hour"), key="hourly")
        await ref.call(do(Schedule(8, note("b")), Schedule(4, note("a"), key="k"), hourly), until="settled")
        view = ref.inspect()
        assert list(view.timers) == [4, 8]
        assert view.more["jobs"] == {"hourly": "2026-03-01T01:00:00+00:00"}
        await trio.sleep(5)
        await ref.call(do(CronCancel("hourly")))
        view = ref.inspect()
        assert (list(view.timers), view.more.get("jobs", {})) == ([3], {})
