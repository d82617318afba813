"""Agents that are machines: the table and its checks, steps, commands that wait, and what is kept."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest
import trio
from attrs import evolve, field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from jido_trio.core import (
    Action,
    Agent,
    Began,
    Context,
    Emit,
    Error,
    Fsm,
    FsmState,
    Input,
    Instruction,
    Machine,
    ReplaceState,
    Result,
    RunInstruction,
    Schedule,
    Signal,
    Snapshot,
    Tick,
    Transition,
    migrated,
    snapshot_of,
)
from jido_trio.core._fsm import Crash, Finished
from jido_trio.data import pack, unpack
from jido_trio.errors import ActionError, Interrupted, InvalidDefinition, MigrationFailed, TransitionRefused
from jido_trio.plugins import MemoryPlugin
from jido_trio.runtime import Jido
from jido_trio.storage import MemoryStorage


@frozen
class Order:
    total: int = 0
    log: list[str] = field(factory=list)


class Log(Action):
    word: str

    def run(self, context: Context[Order]) -> Result:
        return {"log": [*context.state.log, self.word]}


class Add(Action):
    price: int

    def run(self, context: Context[Order]) -> Result:
        return {"total": context.state.total + self.price, "log": [*context.state.log, "add"]}, Emit("added")


class Charge(Action):
    card: str = "good"

    async def run(self, context: Context[Order]) -> Result:
        await trio.sleep(1)
        if self.card == "bad":
            raise ActionError("no funds")
        return {"log": ["charged"]}


class Ship(Action):
    def run(self, context: Context[Order]) -> Result:
        return {"log": [*context.state.log, "shipped"]}, Emit("shipped")


class Refuse(Action):
    def run(self, context: Context[Order]) -> Result:
        raise ActionError("not today")


class Cancel(Action):
    def run(self, context: Context[Order]) -> Result:
        return ReplaceState(Order())


def has_goods(state: Order, _: Charge) -> bool:
    return state.total > 0


TABLE = Fsm(
    [
        FsmState("open", exit=Log(word="left open")),
        FsmState("paid", entry=(Log, {"word": "is paid"})),
        "declined",
        FsmState("shipped", final="success"),
        FsmState("cancelled", final="failure"),
    ],
    [
        Transition("open", Add),
        Transition(["open", "declined"], Charge, "paid", when=has_goods, on_error="declined"),
        Transition("paid", Ship, "shipped"),
        Transition("*", Cancel, "cancelled"),
    ],
)


class OrderAgent(
    Agent[Order],
    strategy=TABLE,
    routes={"add": Add, "charge": Charge, "ship": Ship, "cancel": Cancel, "log": Log},
    durable=True,
): ...


class Forgetful(OrderAgent, durable=False): ...


def told(agent: Any, *commands: Any) -> tuple[Any, list[Any]]:
    directives: list[Any] = []
    for command in commands:
        agent, more = agent.cmd(command)
        directives += more
    return agent, directives


def paid() -> Any:
    agent, directives = told(OrderAgent.new("o"), Add(price=5), Charge())
    return agent.cmd(directives[-1].finished({"log": ["charged"]}))[0]


# ---- steps


def test_a_machine_begins_in_its_first_state():
    agent = OrderAgent.new("o")

    assert agent.strategy_state == Machine("open")
    assert snapshot_of(agent).status == "idle"


def test_a_transition_without_a_target_stays_and_neither_leaves_nor_enters():
    agent, directives = told(OrderAgent.new("o"), Add(price=5))

    assert (agent.strategy_state.state, agent.state.log) == ("open", ["add"])
    assert [type(each) for each in directives] == [Emit]


def test_exit_action_and_entry_are_run_in_this_order():
    def sell(word: str) -> Any:
        class Sell(Log, name="sell"): ...

        return Fsm(
            [FsmState("a", exit=Log(word="exit")), FsmState("b", entry=Log(word="entry"), final="success")],
            [Transition("a", Sell, "b")],
        ), Sell(word=word)

    table, command = sell("action")

    class Machined(Agent[Order], strategy=table): ...

    assert Machined.new("m").cmd(command)[0].state.log == ["exit", "action", "entry"]


def test_a_command_that_no_transition_takes_is_refused_by_name_and_nothing_is_run():
    agent = OrderAgent.new("o")
    after, [error] = agent.cmd(Ship)

    assert after.state == agent.state
    assert isinstance(error, Error)
    assert error.error == TransitionRefused("ship", "open", "it takes add, charge, cancel there")


def test_a_guard_that_says_no_refuses_the_command():
    _, [error] = OrderAgent.new("o").cmd(Charge)

    assert isinstance(error, Error)
    assert error.error == TransitionRefused("charge", "open", "its guard said no")


def test_a_final_state_takes_nothing_but_what_no_transition_names():
    agent, directives = told(paid(), Ship, Cancel, Log(word="after"))

    assert agent.strategy_state.state == "shipped"
    assert agent.state.log[-1] == "after"
    assert [each.error for each in directives if isinstance(each, Error)] == [
        TransitionRefused("cancel", "shipped", "the state is final")
    ]
    assert snapshot_of(agent) == Snapshot("success", "shipped", snapshot_of(agent).details)
    assert snapshot_of(agent).done


def test_what_says_no_anywhere_in_a_step_leaves_agent_and_machine_as_they_were():
    table = Fsm(
        [FsmState("a", exit=Log(word="exit")), FsmState("b", entry=Refuse, final="success")],
        [Transition("a", Add, "b")],
    )

    class Machined(Agent[Order], strategy=table): ...

    agent, directives = Machined.new("m").cmd(Add(price=1))

    assert (agent.state, agent.strategy_state.state) == (Order(), "a")
    assert [type(each) for each in directives] == [Error]
    assert agent.strategy_state.error == "not today"


def test_replacing_the_state_of_the_agent_leaves_the_machine():
    agent, _ = told(OrderAgent.new("o"), Add(price=5), Cancel)

    assert agent.state == Order()
    assert agent.strategy_state.state == "cancelled"


def test_a_subclass_of_an_action_is_taken_as_the_action_is():
    class ShipFast(Ship): ...

    assert paid().cmd(ShipFast)[0].strategy_state.state == "shipped"


# ---- actions with effects, and what waits


def test_an_action_with_effects_is_asked_for_once_and_the_machine_stays_until_it_is_done():
    agent, directives = told(OrderAgent.new("o"), Add(price=5), Charge())

    assert [type(each) for each in directives] == [Emit, RunInstruction]
    assert agent.strategy_state.state == "open"
    assert snapshot_of(agent).status == "running"
    after, _ = agent.cmd(directives[-1].finished({"log": ["charged"]}))
    assert after.strategy_state.state == "paid"
    assert after.state.log == ["charged", "is paid"]
    assert snapshot_of(after).status == "waiting"


def test_commands_wait_while_one_runs_and_have_their_turns_in_order():
    agent, directives = told(OrderAgent.new("o"), Add(price=5), Charge(), Ship, Log(word="last"))
    assert len(agent.strategy_state.waiting) == 2
    after, more = agent.cmd(directives[-1].finished(None))

    assert after.strategy_state.state == "shipped"
    assert after.state.log == ["add", "left open", "is paid", "shipped", "last"]
    assert [type(each) for each in more] == [Emit]


def test_what_waits_for_too_long_a_queue_is_refused():
    narrow = evolve(TABLE, max_waiting=1)

    class Narrow(Agent[Order], strategy=narrow): ...

    agent, directives = told(Narrow.new("o"), Add(price=5), Charge(), Ship, Ship)

    assert len(agent.strategy_state.waiting) == 1
    assert directives[-1].error == TransitionRefused("ship", "open", "1 commands wait there already")


def test_parameters_that_do_not_fit_are_refused_and_do_not_wait():
    agent, directives = told(OrderAgent.new("o"), Add(price=5), Charge(), (Add, {"price": "much"}))

    assert agent.strategy_state.waiting == ()
    assert directives[-1].context == "instruction"


def test_a_failure_leads_to_the_state_for_it_and_what_waits_goes_on_there():
    agent, directives = told(OrderAgent.new("o"), Add(price=5), Charge(card="bad"), Charge())
    asked = directives[-1]
    after, more = agent.cmd(asked.failed(ActionError("no funds")))

    assert after.strategy_state.state == "declined"
    assert [type(each) for each in more] == [Error, RunInstruction]


def test_an_outcome_that_the_machine_no_longer_waits_for_changes_nothing():
    agent, directives = told(OrderAgent.new("o"), Add(price=5), Charge())
    done = directives[-1].finished(None)
    after, _ = agent.cmd(done)

    assert after.cmd(done) == (after, ())


def test_what_ran_when_the_life_ended_has_failed_as_interrupted():
    agent, directives = told(OrderAgent.new("o"), Add(price=5), Charge())
    asked = directives[-1].instruction
    cut_off = {
        "id": asked.id, "action": "charge", "instruction": asked, "outcome": None, "meta": {},
        "incarnation": 1, "signal": "s", "begun": True,
    }  # fmt: skip
    after, [error] = agent.receive(Signal("jido.instruction.interrupted", cut_off))

    assert after.strategy_state.state == "declined"
    assert error.error == Interrupted("charge")


def test_a_machine_with_commands_that_wait_is_kept_as_it_is():
    agent, _ = told(OrderAgent.new("o"), Add(price=5), Charge())
    agent, _ = agent.receive(Signal("ship", id="s-1"))

    assert unpack(pack(agent.strategy_state)) == agent.strategy_state
    assert agent.strategy_state.waiting[0].signal.id == "s-1"


async def test_a_running_machine_takes_its_way_and_a_call_in_the_wrong_state_is_told(autojump_clock):
    async with Jido() as jido:
        ref = await jido.start_agent(Forgetful, id="o")
        with pytest.raises(TransitionRefused):
            await ref.call(Signal("ship"))
        await ref.call(Signal("add", {"price": 5}))
        await ref.call(Signal("charge"))
        await ref.call(Signal("ship"))
        assert ref.agent.strategy_state.state == "open"
        await trio.sleep(2)
        assert ref.agent.strategy_state.state == "shipped"


async def test_a_durable_machine_goes_on_where_it_was(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        ref = await jido.start_agent(OrderAgent, id="o")
        await ref.call(Signal("add", {"price": 5}))
        await ref.call(Signal("charge"))
        await trio.sleep(2)
    async with Jido("shop", storage=storage) as jido:
        ref = await jido.start_agent(OrderAgent, id="o")
        assert ref.agent.strategy_state.state == "paid"
        await ref.call(Signal("ship"))
        assert ref.agent.strategy_state.state == "shipped"


def test_a_machine_that_is_in_a_state_which_the_table_has_not_is_refused_by_name():
    lost = evolve(OrderAgent.new("o"), strategy_state=Machine("nowhere"))

    with pytest.raises(InvalidDefinition, match=r"agent 'o' is in state 'nowhere', which its table of states hasn't"):
        TABLE.init(lost)


# ---- the table


async def waits(*_: object) -> bool:
    return False


MISFITS = {
    "no states": (lambda: Fsm([], []), "must name at least one state"),
    "twice": (lambda: Fsm(["a", "a"], []), "state 'a' is declared twice"),
    "unknown target": (
        lambda: Fsm(["open", "paid"], [Transition("open", Ship, "payd")]),
        "names state 'payd', which isn't declared (known: open, paid); did you mean 'paid'?",
    ),
    "unknown initial": (lambda: Fsm(["a"], [Transition("a", Ship)], initial="b"), "initial names state 'b'"),
    "unreachable": (
        lambda: Fsm(["a", FsmState("b", final="success")], [Transition("a", Ship)]),
        "state 'b' can't be reached from 'a'",
    ),
    "dead end": (lambda: Fsm(["a", "b"], [Transition("a", Ship, "b")]), "no way leads out of state 'b'"),
    "from final": (
        lambda: Fsm([FsmState("a", final="success")], [Transition("a", Ship)]),
        "leaves state 'a', which is final",
    ),
    "never taken": (
        lambda: Fsm(["a"], [Transition("a", Ship), Transition("*", Ship)]),
        "is never taken in state 'a': one before it takes every ship",
    ),
    "all states": (lambda: FsmState("*"), """and not "*", which is all states"""),
    "async entry": (lambda: FsmState("a", entry=Charge), "state 'a': entry="),
    "entry without parameters": (lambda: FsmState("a", exit=Add), "state 'a': exit="),
    "no action": (lambda: Transition("a", Order, "b"), "must be an action class"),  # type: ignore[arg-type]
    "odd final": (lambda: FsmState("a", final="yes"), "final='yes' of state 'a'"),  # type: ignore[arg-type]
    "odd guard": (lambda: Transition("a", Ship, when=3), "when=3"),  # type: ignore[arg-type]
    "no transition": (lambda: Fsm(["a"], [("a", Ship)]), "is no Transition"),
    "a word": (lambda: Fsm("open", []), "must be a list"),
    "states of none": (lambda: Fsm(None, []), "states=None must be a list"),  # type: ignore[arg-type]
    "no transitions": (lambda: Fsm(["a"], None), "transitions=None must be a list"),
    "odd source": (lambda: Transition([5], Ship), "source=5 of a transition"),
    "empty source": (lambda: Transition("", Ship), "source='' of a transition"),
    "source of none": (lambda: Transition(None, Ship), "source=None of a transition"),
    "async guard": (lambda: Transition("a", Ship, when=waits), "must be a plain `def`"),  # type: ignore[arg-type]
    "no source": (lambda: Fsm(["a"], [Transition([], Ship)]), "has no source"),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_a_table_that_does_not_hold_together_is_refused_by_name(misfit):
    make, said = MISFITS[misfit]
    with pytest.raises(InvalidDefinition) as refusal:
        make()

    assert said in str(refusal.value)


def says_yes(*_: Any) -> bool:
    return True


def says_no(*_: Any) -> bool:
    return False


names = st.sampled_from(["a", "b", "c", "d"])
actions = st.sampled_from([Add, Charge, Ship, Refuse])
guards = st.sampled_from([says_yes, says_no])
ways = st.tuples(actions, actions, actions).map(
    lambda three: [Transition(*way) for way in zip("abc", three, "bcd", strict=True)]
)
more_ways = st.lists(
    st.builds(Transition, names | st.just("*"), actions, st.none() | names, when=guards, on_error=st.none() | names),
    max_size=6,
)
tables = st.tuples(
    st.builds(
        lambda entry: ["a", FsmState("b", entry=entry), "c", FsmState("d", final="success")],
        st.sampled_from([None, Refuse, Ship]),
    ),
    st.builds(lambda some, others: others + some, ways, more_ways),
)
commands = st.lists(st.sampled_from([Add(price=1), Charge(), Ship(), Refuse(), "done", "failed"]), max_size=12)


@settings(max_examples=40)
@given(tables, commands)
def test_whatever_the_table_it_is_refused_or_the_machine_stays_on_it(table, words):
    try:
        machine = Fsm(*table)
    except InvalidDefinition:
        return

    class Machined(Agent[Order], strategy=machine): ...

    agent: Any = Machined.new("m")
    asked: list[RunInstruction] = []
    for word in words:
        if word in ("done", "failed"):
            if not asked:
                continue
            one = asked.pop()
            word = one.finished(None) if word == "done" else one.failed(ActionError("no"))
        agent, directives = agent.cmd(word)
        asked += [each for each in directives if isinstance(each, RunInstruction) and each.result_action is Finished]
        at: Machine = agent.strategy_state
        assert at.state in {state.name for state in machine.states}
        assert len(asked) == (at.running is not None)
        assert at.running is not None or not at.waiting
        assert unpack(pack(at)) == at
    ET.fromstring(machine.drawing().svg())


# ---- the picture


def test_a_machine_is_drawn_for_mermaid():
    lines = TABLE.drawing().mermaid().splitlines()

    assert lines[0] == "stateDiagram-v2"
    assert '    state "paid<br/>entry / log" as n1' in lines
    assert "    [*] --> n0" in lines
    assert "    n0 --> n1 : charge #91;has_goods#93;" in lines
    assert "    n0 --> n2 : charge / says no" in lines
    assert "    n4 --> [*]" in lines


def test_a_machine_is_drawn_as_svg_with_each_state_below_those_that_lead_to_it():
    picture = ET.fromstring(TABLE.drawing().svg())
    heights = {each.text: float(each.attrib["y"]) for each in picture.iter("{http://www.w3.org/2000/svg}text")}

    assert heights["open"] < heights["declined"] < heights["paid"] < heights["shipped"]


# ---- what every strategy may have


def test_what_is_done_and_what_is_under_way_are_told_apart():
    assert [Snapshot(one).done for one in ("success", "failure", "waiting")] == [True, True, False]
    assert [Snapshot(one).active for one in ("running", "waiting", "idle")] == [True, True, False]
    with pytest.raises(InvalidDefinition, match="status='odd'"):
        Snapshot("odd")  # type: ignore[arg-type]


def test_a_strategy_that_says_nothing_of_itself_is_idle_with_its_state_as_details():
    class Plain(Agent[Order]): ...

    plain = Plain.new("p")
    assert snapshot_of(plain) == Snapshot()
    assert snapshot_of(evolve(plain, strategy_state={"turn": 3})).details == {"turn": 3}
    assert snapshot_of(evolve(plain, strategy_state=Machine("a"))).details["state"] == "a"
    assert snapshot_of(evolve(plain, strategy_state=7)).details == {"strategy_state": 7}


class Move(Input):
    steps: int = field(converter=int)


@frozen
class Stepper:
    inputs = (Tick, Move)

    def init(self, agent: Any) -> Any:
        return evolve(agent, strategy_state=agent.strategy_state or 0), ()

    def run(self, agent: Any, instructions: Any, signal: Signal | None) -> Any:
        for instruction in instructions:
            by = instruction.bind().steps if instruction.action_class is Move else 1
            agent = evolve(agent, strategy_state=agent.strategy_state + by)
        again = Schedule(1, Signal("jido.strategy.tick"), key="tick")
        return agent, (again,) if agent.strategy_state < 3 else ()


class Walker(Agent, strategy=Stepper()): ...


async def test_a_strategy_that_takes_ticks_is_told_each_next_step(autojump_clock):
    async with Jido() as jido:
        ref = await jido.start_agent(Walker)
        await ref.call(Signal("jido.strategy.tick"))
        await trio.sleep(5)
        assert ref.agent.strategy_state == 3


def test_parameters_of_an_input_are_made_what_its_fields_say():
    agent, _ = Walker.new("w").cmd(Instruction(Move, {"steps": "5"}))

    assert agent.strategy_state == 5


# ---- bugs that are met when an action with effects has ended


class Buggy(Action):
    def run(self, context: Context[Order]) -> Result:
        raise ZeroDivisionError("a bug")


def test_a_bug_in_a_command_that_waited_is_behind_the_machine_and_those_behind_it_wait_on():
    agent, directives = told(OrderAgent.new("o"), Add(price=1), Charge())
    agent, _ = told(agent, Log(word="a"), Buggy(), Log(word="b"))
    agent, more = agent.cmd(directives[-1].finished(None))

    machine: Machine = agent.strategy_state
    assert (machine.state, machine.running, len(machine.waiting)) == ("paid", None, 1)
    assert machine.error == "ZeroDivisionError: a bug"
    assert isinstance(more[-1], Crash)
    assert str(more[-1].error) == "a bug"

    agent, (go_on,) = Began(Signal("jido.agent.started")).apply(agent)
    assert isinstance(go_on, Schedule)
    agent, _ = told(agent, Log(word="c"))
    agent, _ = agent.receive(go_on.message)
    assert agent.strategy_state.waiting == ()
    assert agent.state.log[-3:] == ["a", "b", "c"]


def test_those_behind_a_bug_have_their_turns_before_the_next_command_also_where_no_life_began_in_between():
    agent, directives = told(OrderAgent.new("o"), Add(price=1), Charge())
    agent, _ = told(agent, Buggy(), Log(word="b"))
    agent, _ = agent.cmd(directives[-1].finished(None))

    agent, _ = told(agent, Log(word="c"))  # as one that went back to here is told next
    assert agent.strategy_state.waiting == ()
    assert agent.state.log[-2:] == ["b", "c"]


def test_the_same_bug_is_the_same_each_time_it_is_met():
    agent, directives = told(OrderAgent.new("o"), Add(price=1), Charge(), Buggy())
    outcome = directives[-1].finished(None)
    assert agent.cmd(outcome) == agent.cmd(outcome)
    assert Crash(ValueError("a")) != Crash(ValueError("b"))


@pytest.mark.parametrize("kind", [OrderAgent, Forgetful])
async def test_a_machine_that_is_kept_goes_on_after_a_bug_in_a_command_that_waited(autojump_clock, kind):
    reports: list[Any] = []
    async with Jido(storage=MemoryStorage(), on_report=reports.append) as jido:
        order = await jido.start_agent(kind, after_crash=None if kind is OrderAgent else "committed")
        await order.call(Add(price=5))
        for command in (Charge(), Log(word="a"), Buggy(), Log(word="b"), Buggy(), Buggy(), Buggy(), Ship()):
            await order.call(command)
        await trio.sleep(5)
        assert snapshot_of(order.agent).status == "success"
        assert order.agent.state.log[-3:] == ["a", "b", "shipped"]
        assert (order.incarnation, len(reports)) == (5, 4)
        assert jido.ledger().balanced


class Deadly(Agent[Order], strategy=Fsm(["open", FsmState("paid", entry=Buggy)], [Transition("*", Charge, "paid")])):
    """Crashes as it comes to its second state."""


async def test_a_bug_in_the_step_of_an_outcome_leaves_the_machine_where_it_was(autojump_clock):
    async with Jido(on_report=lambda _: None) as jido:
        order = await jido.start_agent(Deadly, after_crash="committed")
        for _ in range(2):
            await order.call(Charge())
            await trio.sleep(2)
            machine: Machine = order.agent.strategy_state
            assert (machine.state, machine.running) == ("open", None)
        assert order.incarnation == 3


# ---- another table


class WiderAgent(Agent[Order], strategy=evolve(TABLE, transitions=[*TABLE.transitions, Transition("paid", Add)])): ...


class NarrowAgent(
    Agent[Order], strategy=Fsm(["open", FsmState("shipped", final="success")], [Transition("open", Ship, "shipped")])
): ...


class StatelessAgent(Agent[Order]): ...


class PluggedAgent(WiderAgent, plugins=[MemoryPlugin()]): ...


@pytest.mark.parametrize("kind", [WiderAgent, PluggedAgent])
def test_a_machine_stays_where_it_is_in_a_wider_table(kind):
    agent: Any = migrated(evolve(paid(), state=Order(5)), kind)
    assert snapshot_of(agent).details["state"] == "paid"
    assert agent.cmd(Add(price=1))[0].state.total == 6
    again: Any = migrated(agent, WiderAgent)
    assert snapshot_of(again).details["state"] == "paid"


def test_a_machine_cant_go_over_to_a_table_without_its_state():
    with pytest.raises(MigrationFailed, match="is in state 'paid'"):
        migrated(paid(), NarrowAgent)


def test_a_machine_of_an_agent_that_had_none_begins_in_its_first_state():
    assert migrated(migrated(paid(), StatelessAgent), WiderAgent).strategy_state == Machine("open")
