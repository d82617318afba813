"""Debugging: the last events of agents that are watched."""

from typing import Any

import pytest
import trio
from attrs import frozen

from jido_trio.core import Action, Agent, Context, Emit, Result, Secret, Signal, ToAgent
from jido_trio.errors import ActionError, AgentCrashed, AgentNotFound, InvalidDefinition
from jido_trio.observe import Level
from jido_trio.runtime import Jido
from jido_trio.storage import MemoryStorage
from tests.runtime.agents import BOOM, Notebook, Work, WorkBadly, do, note, run, settle
from tests.runtime.durable import HOOKS, Order


def quiet(debug: Level = "off") -> Jido:
    return Jido(debug=debug, on_report=lambda _: None, on_dead_letter=lambda _: None)


def told(jido: Jido, **options: Any) -> list[tuple[Any, str]]:
    """What happened, in order."""
    return [(event.kind, event.what) for event in jido.recent(**options)][::-1]


async def test_what_happens_to_an_agent_is_kept_in_order(autojump_clock):
    async with quiet("on") as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await ref.call(note("one"))
        await ref.cast(BOOM)
        await ref.call(do(run(Work(word="done"))))
        await settle(2)
        jido.kill_agent(ref)
        await jido.stop_agent(ref)
        seen = told(jido)

    assert seen == [
        ("began", "life 1"),
        ("signal", "note"),
        ("signal", "boom"),
        ("crash", "ZeroDivisionError: a bug"),
        ("began", "life 2"),
        ("signal", "do"),
        ("directives", "RunInstruction"),
        ("outcome", "do"),
        ("killed", "life 2"),
        ("began", "life 3"),
        ("ended", "normal"),
    ]


async def test_a_crash_of_a_task_is_kept(autojump_clock):
    async with quiet("on") as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(do(run(WorkBadly(seconds=1))))
        await settle(2)
        seen = told(jido)

    assert seen[3:5] == [("crash", "ZeroDivisionError: a bug of a task"), ("began", "life 2")]


async def test_signals_that_waited_are_kept_as_those_that_did_not(autojump_clock):
    async with quiet("on") as jido:
        ref = await jido.start_agent(Notebook)
        ref.cast_nowait(note("one"))
        await settle()
        seen = told(jido)

    assert seen[1:] == [("signal", "note")]


async def test_by_default_nothing_is_kept_and_agents_are_of_the_class_that_asks_nothing(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(note("one"))
        seen = told(jido), told(jido, agent=ref)
        before = type(ref._cell)
        jido.debug("on")
        jido.debug("off")
        after = type(ref._cell)

    assert seen == ([], [])
    assert before is after
    assert before.__name__ == "Server"


async def test_one_agent_is_watched_and_the_others_are_not(autojump_clock):
    async with quiet() as jido:
        a, b = [await jido.start_agent(Notebook, id=id) for id in "ab"]
        jido.debug("on", a)
        await b.call(do(Emit("note", {"word": "hi"}, dispatch=ToAgent("a"))))
        await settle()
        seen = [(event.agent_id, event.what) for event in jido.recent()]
        none = jido.recent(agent="b")

    assert (seen, none) == ([("a", "note")], ())


async def test_agents_that_live_and_those_to_come_are_watched_until_that_is_over(autojump_clock):
    async with quiet() as jido:
        first = await jido.start_agent(Notebook, id="first")
        jido.debug("on")
        second = await jido.start_agent(Notebook, id="second")
        for ref in (first, second):
            await ref.call(note("seen"))
        jido.debug("off")
        third = await jido.start_agent(Notebook, id="third")
        for ref in (first, second, third):
            await ref.call(note("unseen"))
        seen = [(event.agent_id, event.kind) for event in jido.recent()][::-1]

    assert seen == [("second", "began"), ("first", "signal"), ("second", "signal")]


async def test_the_rings_are_bounded(autojump_clock):
    async with quiet("on") as jido:
        refs = [await jido.start_agent(Notebook) for _ in range(20)]
        for ref in refs:
            for number in range(60):
                await ref.call(note(number))
        of_one, of_all, few = jido.recent(1000, agent=refs[0]), jido.recent(1000), jido.recent(3)

        with pytest.raises(InvalidDefinition, match="limit=-1 of recent"):
            jido.recent(-1)

    assert (len(of_one), len(of_all), len(few)) == (50, 500, 3)


async def test_at_the_verbose_level_data_changes_and_directives_are_kept(autojump_clock):
    async with quiet("verbose") as jido:
        ref = await jido.start_agent(Keeper, id="k")
        await ref.call(Signal("login", {"password": "canary-1", "user": "ann"}, source="/tests"))
        _, signal, directives = jido.recent()[::-1][:3]

    assert signal.detail["data"] == {"password": "***", "user": "ann"}
    assert signal.detail["source"] == "/tests"
    assert directives.detail["changes"] == ["user: '' -> 'ann'", "token: '***' -> '***'"]
    assert directives.detail["directives"][0].startswith("Emit(signal=Signal(type='told', data={'password': '***'}")


@frozen
class Session:
    user: str = ""
    token: Secret[str] = "canary-2"


class Login(Action):
    user: str
    password: Secret[str]

    def run(self, context: Context[Session]) -> Result:
        if self.user == "nobody":
            raise ValueError(f"no {self.password} for {context.state}, {context.state.token}")
        if self.user == "root":
            raise ActionError(f"not with {self.password}")
        return {"user": self.user, "token": "canary-3"}, Emit("told", {"password": self.password})


class Keeper(Agent[Session], routes={"login": Login}):
    """Keeps a session."""


async def test_no_secret_is_kept(autojump_clock):
    async with quiet("verbose") as jido:
        ref = await jido.start_agent(Keeper, id="k")
        for user in ("ann", "nobody", "root"):
            await ref.cast(Signal("login", {"password": "canary-1", "user": user}))
        await settle()
        seen = [text for event in jido.recent() for text in (str(event), repr(event))]
        seen += [repr(ref.inspect()), repr(jido.inspect())]

    assert "ValueError: no *** for" in "".join(seen)
    assert [text for text in seen if "canary" in text] == []


async def test_a_view_has_the_last_few(autojump_clock):
    async with quiet("on") as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await ref.call(note("one"))
        recent = ref.inspect().more["recent"]

    assert recent == ["0.000 'a' life 1 signal: note", "0.000 'a' life 1 began: life 1"]


async def test_what_is_no_level_and_who_is_no_agent_is_refused(autojump_clock):
    wrong: Any = "loud"
    with pytest.raises(InvalidDefinition, match="debug='loud' is not one of 'off', 'on', 'verbose'"):
        Jido(debug=wrong)
    async with quiet() as jido:
        with pytest.raises(InvalidDefinition):
            jido.debug(wrong)
        with pytest.raises(AgentNotFound):
            jido.debug("on", "nobody")
        with pytest.raises(AgentNotFound):
            jido.recent(agent="nobody")


async def test_a_durable_agent_is_watched_as_any_other(autojump_clock):
    storage = MemoryStorage()
    async with Jido(storage=storage, on_report=lambda _: None, on_dead_letter=lambda _: None) as jido:
        ref = await jido.start_agent(Order, id="o")
        before = type(ref._cell)
        jido.debug("verbose")
        await ref.call(Signal("pay", {"amounts": (5,)}))
        await settle()
        with pytest.raises(AgentCrashed):
            await ref.call(Signal("break"))
        seen, details = told(jido), [event.detail for event in jido.recent()][::-1]
        jido.debug("off")
        await ref.call(Signal("add", {"price": 1}))
        after = type(ref._cell)

    assert seen[:3] == [("signal", "pay"), ("directives", "Charge"), ("signal", "break")]
    assert seen[3] == ("crash", "RuntimeError: a bug")
    assert details[1] == {"changes": ["total: 0 -> 5"], "directives": ["Charge(amount=5)"]}
    assert after is before
    assert jido.recent(1)[0].what != "add"


async def test_what_a_durable_agent_waits_for_is_seen(autojump_clock):
    async def wait(_: object) -> None:
        await trio.sleep(60)

    HOOKS.append(wait)
    try:
        async with Jido(storage=MemoryStorage()) as jido:
            ref = await jido.start_agent(Order, id="o")
            await ref.cast(Signal("pay", {"amounts": (5,)}))
            await settle(1)
            during = ref.inspect()
            await settle(120)
            after = ref.inspect()
    finally:
        HOOKS.remove(wait)

    assert (during.waits_for, during.at) == ("Charge(amount=5)", "waiting")
    assert (after.waits_for, after.at) == (None, "resting")


async def test_each_event_is_told_as_it_happens_and_one_who_raises_is_logged(autojump_clock, caplog):
    told: list[Any] = []

    def listen(event):
        told.append(event)
        raise ValueError("full")

    async with Jido(debug="on", on_event=listen) as jido:
        ref = await jido.start_agent(Notebook, id="d")
        await ref.call(note("one"))
        seen = jido.recent()

    assert tuple(reversed(told[: len(seen)])) == seen
    assert "on_event raised for agent 'd'" in caplog.text
    assert "ValueError: full" in caplog.text


async def test_agents_of_partitions_are_watched_too(autojump_clock):
    async with Jido(debug="on") as jido:
        before = await (await jido.partition("ann")).start_agent(Notebook, id="a")
        after = await (await jido.partition("bob")).start_agent(Notebook, id="b")
        await before.call(note("seen"))
        jido.debug("off")
        await before.call(note("not seen"))
        await after.call(note("not seen"))

        assert [(event.agent_id, event.kind) for event in jido.recent()] == [
            ("a", "signal"),
            ("b", "began"),
            ("a", "began"),
        ]
