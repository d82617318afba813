"""cmd: forms, order, failures, hooks, purity."""

import re
import types
from inspect import CORO_CLOSED, getcoroutinestate
from typing import Any

import pytest
from attrs import evolve, field, frozen

from jido_trio import world
from jido_trio.core import (
    Action,
    Agent,
    Context,
    DeleteKeys,
    Emit,
    Error,
    Instruction,
    ReplaceState,
    Result,
    RunInstruction,
    SetPath,
    SetState,
    Signal,
    Stop,
)
from jido_trio.data import FrozenDict
from jido_trio.errors import (
    ActionError,
    InvalidDefinition,
    InvalidInstruction,
    InvalidParams,
    InvalidResult,
    UnknownField,
)


@frozen
class Owner:
    name: str = "nobody"
    age: int = 0


@frozen
class State:
    count: int = 0
    owner: Owner = Owner()
    items: list[Any] = field(factory=list)
    notes: dict[str, Any] = field(factory=dict)


class Increment(Action):
    amount: int = 1

    def run(self, context: Context[State]) -> Result:
        return {"count": context.state.count + self.amount}


class Say(Action):
    message: str = "no"

    def run(self, context: Context[State]) -> Result:
        raise ActionError(self.message, details={"count": context.state.count})


class Fetch(Action):
    url: str

    async def run(self, context: Context[State]) -> Result:
        return {"notes": {"fetched": self.url}}


class Abstract(Action):
    amount: int = 1


@frozen
class Mine:
    """A directive of a user."""

    what: str


class Counter(Agent[State]): ...


def returning(result: Any) -> Action:
    """An action whose `run` returns this very object, unfrozen."""

    class Returning(Action, name="returning"):
        def run(self, context: Context[State]) -> Result:
            return result  # type: ignore[no-any-return]  # whatever the test says

    return Returning()


AGENT = Counter.new("a", {"owner": {"name": "ann", "age": 40}, "notes": {"a": {"x": 1}}, "items": [1]})


# Forms


@pytest.mark.parametrize(
    "command",
    [
        Increment(amount=1),
        Increment,
        (Increment, {"amount": 1}),
        (Increment, None),
        (Increment,),
        (Increment, {"amount": 1}, {"who": "me"}),
        (Increment, {"amount": 1}, {"who": "me"}, {"timeout": 5}),
        Instruction(Increment),
        Instruction(Increment(amount=1)),
        [Increment],
    ],
)
def test_every_form_of_one_action_runs_it(command):
    agent, directives = AGENT.cmd(command)
    assert (agent.state.count, directives) == (1, ())


def test_a_list_may_mix_the_forms_and_runs_them_in_order():
    agent, directives = AGENT.cmd([Increment, (Increment, {"amount": 2}), Instruction(Increment), Increment(amount=3)])
    assert (agent.state.count, directives) == (7, ())


def test_an_empty_list_changes_nothing():
    assert AGENT.cmd([]) == (AGENT, ())


def test_cmd_can_be_called_on_the_class_as_well():
    assert Counter.cmd(AGENT, Increment) == AGENT.cmd(Increment)


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("increment", "a value of class str is no instruction"),
        (None, "None is no instruction"),
        (int, "int is no action"),
        ((int, {}), "int is no action"),
        ([Increment, [Increment]], "a value of class list is no instruction"),
        ((Increment, 5), "mappings, not a value of class int"),
        ((Increment, {}, {}, {}, {}), "a value of class tuple is no instruction"),
        (Abstract, "action 'abstract' .* has no run"),
        (Abstract(), "action 'abstract' .* has no run"),
        ((Increment, {}, {"state": 1}), "context key 'state' is reserved"),
    ],
)
def test_what_is_no_instruction_leaves_the_agent_and_is_an_error_of_normalize(command, problem):
    agent, (error,) = AGENT.cmd(command)
    assert agent is AGENT
    assert isinstance(error, Error)
    assert error.context == "normalize"
    assert isinstance(error.error, InvalidInstruction)
    assert re.search(problem, str(error.error))


def test_one_bad_form_in_a_list_keeps_all_others_from_running():
    agent, (error,) = AGENT.cmd([Increment, "nonsense", Increment])  # type: ignore[list-item]  # the very mistake
    assert agent is AGENT
    assert isinstance(error, Error)
    assert error.context == "normalize"


def test_parameters_beside_a_value_are_refused():
    with pytest.raises(InvalidInstruction, match="has its parameters already"):
        Instruction(Increment(amount=2), {"amount": 3})


@pytest.mark.parametrize("id", [5, "", b"run"])
def test_the_id_of_an_instruction_is_a_text(id):
    with pytest.raises(InvalidInstruction, match=r"its id=.* must be a text, or None"):
        Instruction(Increment, id=id)


@pytest.mark.parametrize("key", ["state", "signal", "agent", "agent_server", "input_signal", "directive", "dispatch"])
def test_the_context_of_a_caller_may_not_hide_what_the_action_is_told(key):
    agent, (error,) = AGENT.cmd(Increment, context={key: 1})
    assert agent is AGENT
    assert isinstance(error, Error)
    assert repr(key) in str(error.error)


# Order and failures


def test_cmd_leaves_the_given_agent_as_it_was():
    agent = Counter.new("a", {"count": 1})
    agent.cmd(Increment(amount=5))
    assert agent == Counter.new("a", {"count": 1})


def test_the_same_command_gives_the_same_answer():
    assert AGENT.cmd([Increment, Say()]) == AGENT.cmd([Increment, Say()])


def test_a_failure_leaves_the_agent_as_before_it_and_the_others_run():
    agent, directives = AGENT.cmd([Increment(amount=1), Say(message="bad"), Increment(amount=10)])
    assert agent.state.count == 11
    assert directives == (Error(ActionError("bad", details={"count": 1}), context="instruction"),)


def test_parameters_that_do_not_fit_are_an_error_and_run_is_not_called():
    agent, (error,) = AGENT.cmd([Increment, (Increment, {"amount": "x"}), Increment])
    assert agent.state.count == 2
    assert isinstance(error, Error)
    assert isinstance(error.error, InvalidParams)
    assert error.error.problems == ("expected int, got 'x' @ amount",)


def test_an_error_carries_nothing_of_the_run_that_raised_it():
    class Chained(Action):
        def run(self, context: Context[State]) -> Result:
            try:
                raise ValueError("inner")
            except ValueError as inner:
                raise ActionError("outer") from inner

    _, (error,) = AGENT.cmd(Chained)
    assert isinstance(error, Error)
    assert (error.error.__traceback__, error.error.__cause__, error.error.__context__) == (None, None, None)


def test_an_exception_that_is_no_action_error_is_a_bug_and_leaves_cmd():
    class Bug(Action):
        def run(self, context: Context[State]) -> Result:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        AGENT.cmd([Increment, Bug])


# Results


def test_changes_are_merged_deeply_and_siblings_kept():
    agent, _ = AGENT.cmd(returning({"owner": {"age": 41}, "notes": {"a": {"y": 2}, "b": 3}}))
    assert agent.state == evolve(AGENT.state, owner=Owner("ann", 41), notes={"a": {"x": 1, "y": 2}, "b": 3})


def test_lists_are_replaced():
    agent, _ = AGENT.cmd(returning({"items": [2, 3]}))
    assert agent.state.items == [2, 3]


def test_a_state_may_be_returned():
    agent, directives = AGENT.cmd(returning(State(7)))
    assert (agent.state, directives) == (State(7), ())


@pytest.mark.parametrize("nothing", [None, {}, (), [], (None, None), ({}, []), (None, ())])
def test_a_result_of_nothing_changes_nothing(nothing):
    assert AGENT.cmd(returning(nothing)) == (AGENT, ())


@pytest.mark.parametrize(
    "result",
    [
        Mine("x"),
        [Mine("x")],
        (Mine("x"),),
        (None, Mine("x")),
        ({}, [Mine("x")]),
        ({}, (Mine("x"),)),
    ],
)
def test_effects_come_alone_in_a_list_or_after_a_change(result):
    assert AGENT.cmd(returning(result)) == (AGENT, (Mine("x"),))


def test_two_effects_in_a_tuple_are_two_effects():
    agent, directives = AGENT.cmd(returning((SetState({"count": 3}), Stop())))
    assert (agent.state.count, directives) == (3, (Stop(),))


def test_directives_pass_through_in_order_and_unchanged():
    wanted = [Mine("x"), Emit(Signal("a")), Stop("done"), Mine("x")]
    _, directives = AGENT.cmd([returning(wanted), returning(wanted[:1])])
    assert [id(one) for one in directives] == [id(one) for one in (*wanted, wanted[0])]


def test_a_state_and_operations_apply_in_order_and_the_later_wins():
    effects = [SetState({"count": 2}), Mine("x"), SetPath("count", 3), SetPath("owner.age", 1)]
    agent, directives = AGENT.cmd(returning(({"count": 1}, effects)))
    assert (agent.state.count, agent.state.owner, directives) == (3, Owner("ann", 1), (Mine("x"),))


def test_an_operation_that_does_not_fit_undoes_the_whole_result():
    agent, (error,) = AGENT.cmd(returning(({"count": 1}, [Mine("x"), ReplaceState({"count": "y"}), DeleteKeys("a")])))
    assert agent is AGENT
    assert isinstance(error, Error)
    assert isinstance(error.error, InvalidResult)
    assert error.error.problems == ("expected int, got 'y' @ count",)


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        ({"count": "x"}, "expected int, got 'x' @ count"),
        ({"owner": {"agee": 1}}, "unknown field, did you mean 'age'? @ owner.agee"),
        ({"owner": {"age": "x"}}, "expected int, got 'x' @ owner.age"),
        (State("x"), "expected int, got 'x' @ count"),  # type: ignore[arg-type]  # the very mistake
        (42, "a value of class int is none of what run returns"),
        ([Mine("x"), 5], "a value of class int is none of what run returns"),
        (({}, {"count": 1}), "a value of class dict among the effects: a change stands alone, or first of a pair"),
        ([{"count": 1}], "a value of class dict among the effects: a change stands alone, or first of a pair"),
        (
            ({"count": 1}, Mine("x"), Mine("y")),
            "a change and effects are two parts, not 3: write `return changes, [effect, effect]`",
        ),
        (({"count": 1}, Mine("x"), {"count": 1}, None), "a change and effects are two parts, not 4"),
        (ActionError("no"), "a value of class ActionError was returned: raise it"),
        (Signal("counted"), "signal 'counted' is no effect; return Emit(it) to have it sent"),
        ([Signal("counted")], "signal 'counted' is no effect; return Emit(it) to have it sent"),
        (Counter.new("c"), "a value of class Counter was returned: return its state"),
        ([ZeroDivisionError()], "a value of class ZeroDivisionError was returned: raise it"),
        (Increment(), "action 'increment' is no effect"),
        (({}, [[Mine("x")]]), "a value of class list is none of what run returns"),
    ],
)
def test_a_result_that_does_not_fit_names_the_action_and_the_problem(result, problem):
    agent, (error,) = AGENT.cmd(returning(result))
    assert agent is AGENT
    assert isinstance(error, Error)
    assert isinstance(error.error, InvalidResult)
    assert error.error.action == "returning"
    assert error.error.problems[0].startswith(problem)


@pytest.mark.parametrize(
    "result",
    [
        {"coutn": 1},
        {"count": 2, "coutn": 1},
        {"count": "x", "coutn": 1},
        FrozenDict({"coutn": 1}),
        [SetState({"coutn": 1})],
        [SetPath("coutn", 1)],
        [SetPath("coutn.there", 1)],
        [ReplaceState({"coutn": 1})],
    ],
    ids=lambda result: f"{type(result).__name__} {type(next(iter(result), None)).__name__} {len(result)}",
)
@pytest.mark.parametrize("how", ["alone", "in a list"])
def test_a_result_with_a_key_that_the_state_has_no_field_for_is_a_bug_and_leaves_cmd(result, how):
    action = returning(result)
    with pytest.raises(UnknownField, match=r"'returning' has what the state has not: .*did you mean 'count'") as bug:
        AGENT.cmd(action if how == "alone" else [action])
    assert bug.value.action == "returning"
    assert not isinstance(bug.value, ActionError)


def test_an_outcome_with_a_key_that_the_state_has_no_field_for_is_a_bug_too():
    _, (later,) = AGENT.cmd(Later())
    assert isinstance(later, RunInstruction)
    with pytest.raises(UnknownField, match="'later'"):
        AGENT.cmd(later.finished({"coutn": 1}))


class Later(Action):
    async def run(self, context: Context[State]) -> Result:
        return None


def test_a_coroutine_is_refused_with_the_word_that_was_left_out_and_python_has_nothing_to_complain_of():
    async def fetch() -> dict[str, int]:
        return {"count": 1}

    fetched = fetch()
    _, (error,) = AGENT.cmd(returning(fetched))
    assert "declare `async def run`" in str(error.error)  # type: ignore[attr-defined]  # an Error
    assert getcoroutinestate(fetched) == CORO_CLOSED


def test_an_error_is_no_directive_even_if_it_can_not_be_changed():
    @frozen
    class Fault(Exception):
        code: int

    agent, (error,) = AGENT.cmd(returning([Fault(404)]))
    assert agent is AGENT
    assert "was returned: raise it" in str(error.error)  # type: ignore[attr-defined]  # an Error


@pytest.mark.parametrize("result", [None, [], (None, []), [Stop()]], ids=repr)
def test_an_action_that_changes_nothing_leaves_the_very_same_agent(result):
    assert AGENT.cmd(returning(result))[0] is AGENT


def test_an_async_action_keeps_the_id_that_its_instruction_has():
    _, (wanted,) = AGENT.cmd(Instruction(Fetch, {"url": "x"}, id="mine"))
    assert isinstance(wanted, RunInstruction)
    assert wanted.instruction.id == "mine"


def test_a_misspelt_option_is_refused_with_the_one_that_was_meant():
    with pytest.raises(InvalidInstruction, match=r"no option 'timeot'.*did you mean 'timeout'"):
        Instruction(Fetch, {"url": "x"}, opts={"timeot": 3})


def test_a_directive_that_can_be_changed_is_refused_with_a_remedy():
    import attrs

    @attrs.define
    class Careless:
        what: str = "x"

    _, (error,) = AGENT.cmd(returning(Careless()))
    assert "declare its class with @attrs.frozen" in str(error.error)  # type: ignore[attr-defined]  # an Error


def test_a_changeable_value_in_a_field_of_any_type_is_refused():
    import attrs

    @attrs.define
    class Careless:
        what: str = "x"

    agent, (error,) = AGENT.cmd(returning({"notes": {"deep": [Careless()]}}))
    assert agent is AGENT
    assert "Careless can be changed: declare its class with @attrs.frozen @ notes" in str(error.error)  # type: ignore[attr-defined]  # an Error


def test_changing_a_result_afterwards_does_not_change_the_agent():
    notes, items = {"deep": {"list": [1]}}, [[1]]
    agent, _ = AGENT.cmd(returning({"notes": notes, "items": items}))
    notes["deep"]["list"].append(2)
    items[0].append(2)
    assert agent.state.notes["deep"] == {"list": [1]}
    assert agent.state.items == [[1]]


def test_what_an_action_is_given_cannot_be_changed():
    class Careless(Action):
        def run(self, context: Context[State]) -> Result:
            context.state.items.append(5)
            return None

    with pytest.raises(TypeError):
        AGENT.cmd(Careless)


# Output


@frozen
class Counted:
    count: int
    by: str = "me"


class Tally(Action, output=Counted):
    result: Any

    def run(self, context: Context[State]) -> Result:
        return self.result  # type: ignore[no-any-return]  # whatever the test says


def test_changes_must_fit_the_output_class_and_may_hold_more():
    agent, directives = AGENT.cmd(Tally(result={"count": 3, "notes": {"b": 1}}))
    assert (agent.state.count, agent.state.notes["b"], directives) == (3, 1, ())


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        ({"count": "x"}, "output expected int, got 'x' @ count"),
        ({"notes": {}}, "output required field missing @ count"),
    ],
)
def test_changes_that_do_not_fit_the_output_class_are_refused(result, problem):
    agent, (error,) = AGENT.cmd(Tally(result=result))
    assert agent is AGENT
    assert isinstance(error, Error)
    assert isinstance(error.error, InvalidResult)
    assert error.error.problems == (problem,)


def test_a_value_of_the_output_class_stands_for_changes():
    class Named(Action, output=Owner):
        def run(self, context: Context[Owner]) -> Result:
            return Owner("bob", 3)

    class Person(Agent[Owner]): ...

    class Extended(Agent[State]): ...

    assert Person.new().cmd(Named)[0].state == Owner("bob", 3)
    with pytest.raises(UnknownField, match="unknown field"):
        Extended.new().cmd(Named)


# What run is told


def test_an_action_is_told_state_agent_signal_and_the_words_of_its_caller():
    seen: list[Context[State]] = []

    class Look(Action):
        def run(self, context: Context[State]) -> Result:
            seen.append(context)
            return None

    signal = Signal("look")
    AGENT.cmd([Increment, (Look, {}, {"who": "item", "why": "test"})], signal=signal, context={"who": "caller"})
    (context,) = seen
    assert context.state.count == context.agent.state.count == 1
    assert context.signal is signal
    assert (context["who"], context["why"], dict(context.extra)) == ("caller", "test", {"who": "caller", "why": "test"})
    assert "who" in context
    assert "whose" not in context
    with pytest.raises(KeyError):
        context["missing"]


# Effects


def test_an_async_action_is_not_run_but_wanted():
    agent, (wanted,) = AGENT.cmd((Fetch, {"url": "/x"}, {"who": "me"}, {"timeout": 3}))
    assert agent is AGENT
    assert isinstance(wanted, RunInstruction)
    assert wanted.instruction.action == Fetch(url="/x")
    assert (wanted.instruction.context, wanted.instruction.opts) == ({"who": "me"}, {"timeout": 3})
    assert wanted.instruction.id


def test_two_async_actions_of_one_cmd_have_ids_of_their_own():
    _, (one, two) = AGENT.cmd([Fetch(url="/x"), Fetch(url="/x")])
    assert one.instruction.id != two.instruction.id  # type: ignore[attr-defined]  # both are RunInstruction


def test_parameters_of_an_async_action_are_checked_before_it_is_wanted():
    _, (error,) = AGENT.cmd(Fetch)
    assert isinstance(error, Error)
    assert isinstance(error.error, InvalidParams)


# Hooks


class Hooked(Agent[State]):
    def on_before_cmd(self, action):
        return self.set({"notes": {"before": True}}), Increment(amount=100)

    def on_after_cmd(self, action, directives):  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.set({"notes": {"after": repr(action)}}), [*directives, Mine("after")]


def test_hooks_replace_the_agent_the_action_and_the_directives():
    agent, directives = Hooked.new("a").cmd(Increment(amount=1))
    assert agent.state == State(100, notes={"before": True, "after": repr(Increment(amount=100))})
    assert directives == (Mine("after"),)


@pytest.mark.parametrize(
    ("hook", "answer", "wanted"),
    [
        ("on_before_cmd", lambda self, _: None, "return self, action"),
        ("on_after_cmd", lambda self, *_: self, "return self, directives"),
        ("on_after_cmd", lambda self, *_: (), "return self, directives"),
    ],
)
def test_a_hook_that_returns_no_pair_is_named(hook, answer, wanted):
    odd: Any = types.new_class("Odd", (Agent[State],), {}, lambda names: names.update({hook: answer}))
    agent = odd.new("a")
    with pytest.raises(TypeError, match=f"{hook} of agent 'odd' returned .*{wanted}"):
        agent.cmd(Increment(amount=1))


async def on_before_cmd(_: Any, action: Any) -> Any: ...


def test_a_hook_is_a_plain_def():
    with pytest.raises(InvalidDefinition, match=r"Odd\.on_before_cmd must be a plain `def`"):
        types.new_class("Odd", (Agent[State],), {}, lambda names: names.update(on_before_cmd=on_before_cmd))


# Time and ids


class EmitTwo(Action):
    def run(self, context: Context[State]) -> Result:
        return [Emit("one", {"draw": world.current().random.random()}), Emit("two")]


def test_ids_and_times_made_in_run_follow_from_agent_action_and_signal():
    signal = Signal("go", id="s-1", time="2024-05-06T07:08:09Z")
    first = AGENT.cmd(EmitTwo, signal=signal)
    with world.using(world.seeded(5)):
        assert AGENT.cmd(EmitTwo, signal=signal) == first
    one, two = first[1]
    assert one.signal.id != two.signal.id  # type: ignore[attr-defined]  # both are Emit
    assert one.signal.time == signal.time  # type: ignore[attr-defined]


def test_another_agent_action_or_signal_makes_other_ids():
    signal = Signal("go", id="s-1", time="2024-05-06T07:08:09Z")
    answers = [
        AGENT.cmd(EmitTwo, signal=signal),
        AGENT.cmd(EmitTwo),
        AGENT.cmd([EmitTwo], signal=signal),
        AGENT.cmd(EmitTwo, signal=evolve(signal, id="s-2")),
        evolve(AGENT, id="b").cmd(EmitTwo, signal=signal),
        AGENT.set({"count": 9}).cmd(EmitTwo, signal=signal),
    ]
    ids = {directives[0].signal.id for _, directives in answers}  # type: ignore[attr-defined]  # all are Emit
    assert len(ids) == len(answers)


def test_the_world_outside_is_back_after_cmd_even_after_a_bug():
    class Bug(Action):
        def run(self, context: Context[State]) -> Result:
            raise ZeroDivisionError

    before = world.current()
    AGENT.cmd(Increment)
    with pytest.raises(ZeroDivisionError):
        AGENT.cmd(Bug)
    assert world.current() is before
