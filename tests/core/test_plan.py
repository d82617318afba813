"""Plans as values: what is refused, phases, drawings, and runs as a reducer that is told of outcomes."""

from typing import Any

import pytest

from jido_trio import Action, Context, InvalidDefinition, Permanent, Result
from jido_trio.core import From, Instruction, Outcome, Plan, PlanRun, Step


class Fetch(Action):
    url: str = ""

    async def run(self, context: Context[Any]) -> Result: ...


class Book(Fetch):
    async def undo(self, context: Context[Any], result: Result) -> None: ...


class Pay(Book):
    cents: int = 0


def diamond() -> Plan:
    return Plan(
        Step("last", Fetch, needs=["left", "right"]),
        Step("left", Book, needs="root"),
        Step("right", Pay, {"cents": From("root", "price")}),
        Step("root", Fetch, {"url": "x"}),
    )


def told(run: PlanRun, name: str, result: Any = None, error: Any = None, *, undo: bool = False) -> Any:
    """The run after an outcome, and the names of what is to be run then."""
    step = run.plan[name]
    outcome = Outcome(Instruction(step.action), result, error, {"step": name, "undo": undo})
    run, begun = run.after(outcome)
    return run, names(begun)


def names(begun: Any) -> list[str]:
    return [("undo " if each.meta["undo"] else "") + each.meta["step"] for each in begun]


def test_a_plan_has_phases():
    assert diamond().phases == (("root",), ("left", "right"), ("last",))
    assert Plan().phases == ()
    assert Plan(Step("a", Fetch), Step("b", Fetch)).phases == (("a", "b"),)


def test_a_step_that_is_not_there_is_a_key_error():
    with pytest.raises(KeyError, match="lats"):
        diamond()["lats"]


def test_a_plan_is_drawn():
    assert diamond().drawing().mermaid().splitlines() == [
        "flowchart TD",
        '    n0["last<br/>fetch"]',
        '    n1["left<br/>book"]',
        '    n2["right<br/>pay"]',
        '    n3["root<br/>fetch"]',
        "    n1 --> n0",
        "    n2 --> n0",
        "    n3 --> n1",
        "    n3 --> n2",
    ]
    assert '"a#34;#93;<br/>fetch"' in Plan(Step('a"]', Fetch)).drawing().mermaid()


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: Plan(Step("a", Fetch), Step("a", Book)), "two steps are called 'a'"),
        (lambda: Plan(Step("fetch", Fetch), Step("b", Fetch, needs="fetsh")), "needs 'fetsh'.*did you mean 'fetch'"),
        (lambda: Plan(Step("b", Fetch, {"url": From("a")})), "step 'b' needs 'a', which is no step"),
        (lambda: Plan(Step("a", Fetch, needs="a")), "in a circle: a -> a"),
        (
            lambda: Plan(Step("x", Fetch, needs="c"), *(Step(n, Fetch, needs=m) for n, m in ("ab", "bc", "ca"))),
            "in a circle: c -> a -> b -> c",
        ),
        (lambda: Plan(Fetch), "made of steps, not of"),  # type: ignore[arg-type]
        (lambda: Step("", Fetch), "can't be called ''"),
        (lambda: Step("a", Action), "step 'a' has"),
        (lambda: Step("a", Fetch()), "step 'a' has"),  # type: ignore[arg-type]
        (lambda: Step("a", Fetch, {"ulr": "x"}), "step 'a': unknown field, did you mean 'url'"),
        (lambda: Step("a", Fetch, {"ulr": From("b")}), "step 'a': fetch has no 'ulr'; did you mean 'url'"),
        (lambda: Step("a", Fetch, {"url": 3}), "step 'a': expected str, got 3"),
        (lambda: Step("a", Fetch, on_failure="undoo"), "did you mean 'undo'"),  # type: ignore[arg-type]
        (lambda: Step("a", Fetch, [1]), "params"),
        (lambda: PlanRun(Plan(), 0), "limit=0"),
        (lambda: Step("a", Fetch, needs=None), "needs=None of a step must be the names of others"),  # type: ignore[arg-type]
        (lambda: Step("a", Fetch, needs=["b", 3]), "needs of a step must be .*, and 3 is none"),  # type: ignore[list-item]
        (lambda: Step("a", Fetch, opts={"timout": 3}), "step 'a': there is no option 'timout'"),
        (lambda: From(""), "must name a step"),
        (lambda: From("a", None), "None is no key and no index"),  # type: ignore[arg-type]
    ],
    ids=range(20),
)
def test_what_makes_no_sense_is_refused_before_anything_runs(make, why):
    with pytest.raises(InvalidDefinition, match=why):
        make()


def test_a_step_that_lacks_a_parameter_is_refused():
    class Needy(Fetch):
        what: int

    with pytest.raises(InvalidDefinition, match="step 'a': needy needs what"):
        Step("a", Needy)


def test_a_run_begins_each_step_when_what_it_needs_is_done():
    run, begun = PlanRun(diamond()).start()
    assert names(begun) == ["root"]
    run, begun = told(run, "root", {"price": 5})
    assert begun == ["left", "right"]
    assert run.params["right"] == {"cents": 5}
    run, begun = told(run, "right")
    assert begun == []
    run, begun = told(run, "left")
    assert begun == ["last"]
    run, begun = told(run, "last", {"a": 1})
    assert (run.status, run.done, run.results["last"]) == ("done", ("root", "right", "left", "last"), {"a": 1})
    assert run.ended


def test_a_run_of_nothing_is_done_at_once():
    run, begun = PlanRun(Plan()).start()
    assert (run.status, begun) == ("done", [])


def test_no_more_steps_are_under_way_than_the_limit():
    run, begun = PlanRun(Plan(*(Step(name, Fetch) for name in "abc")), 2).start()
    assert names(begun) == ["a", "b"]
    run, begun = told(run, "b")
    assert begun == ["c"]


def test_a_failure_waits_for_those_under_way_and_undoes_what_was_done_the_last_first():
    plan = Plan(
        Step("a", Book),
        Step("b", Fetch, needs="a"),
        Step("c", Pay, needs="b"),
        Step("d", Fetch),
        Step("e", Fetch, needs="d"),
    )
    run, _ = PlanRun(plan).start()
    for name in "abc":
        run, _ = told(run, name)
    run, begun = told(run, "d", error=Permanent("no"))
    assert (run.status, begun) == ("undoing", ["undo c"])
    run, begun = told(run, "c", error=Permanent("too late"), undo=True)
    assert begun == ["undo a"]
    run, begun = told(run, "a", undo=True)
    assert (run.status, run.undone, run.not_undone, run.failed) == ("failed", ("a",), {"c": "too late"}, {"d": "no"})


def test_what_ends_well_while_a_plan_fails_is_undone_too():
    run, _ = PlanRun(Plan(Step("a", Fetch), Step("b", Book), Step("c", Fetch, needs="b"))).start()
    run, begun = told(run, "a", error=Permanent("no"))
    assert (run.status, begun) == ("failing", [])
    run, begun = told(run, "b")
    assert begun == ["undo b"]


def test_a_failure_may_stop_without_undoing():
    run, _ = PlanRun(Plan(Step("a", Book), Step("b", Fetch, needs="a", on_failure="stop"))).start()
    run, _ = told(run, "a")
    run, begun = told(run, "b", error=Permanent("no"))
    assert (run.status, begun, run.undone) == ("failed", [], ())


def test_a_failure_may_skip_what_needs_the_step_and_go_on():
    plan = Plan(
        Step("d", Fetch, needs="c"), Step("a", Fetch, on_failure="skip"), Step("c", Fetch, needs="a"), Step("b", Fetch)
    )
    run, _ = PlanRun(plan).start()
    run, begun = told(run, "a", error=Permanent("no"))
    assert begun == []
    run, _ = told(run, "b")
    assert (run.status, sorted(run.skipped), run.done) == ("done", ["c", "d"], ("b",))


@pytest.mark.parametrize("result", [{}, {"price": "five"}], ids=["nothing there", "of another type"])
def test_a_result_that_does_not_fit_fails_the_step_that_needs_it(result):
    run, _ = PlanRun(diamond()).start()
    run, _ = told(run, "root", result)
    assert list(run.failed) == ["right"]
    assert run.status == "failing"


def test_a_step_that_returns_effects_fails():
    run, _ = PlanRun(Plan(Step("a", Fetch))).start()
    run, _ = told(run, "a", [1])
    assert run.failed == {"a": "a step returns data, not [1]"}


def test_what_is_not_expected_changes_nothing():
    run, _ = PlanRun(diamond()).start()
    assert told(run, "left") == (run, [])
    assert told(run, "root", undo=True) == (run, [])
    assert run.start() == (run, [])


def test_a_long_chain_that_is_skipped_is_no_deep_recursion():
    steps = [Step(str(n), Fetch, needs=str(n - 1)) for n in range(1, 400)]
    run, _ = PlanRun(Plan(Step("0", Fetch, on_failure="skip"), *steps)).start()
    run, _ = told(run, "0", error=Permanent("no"))
    assert (run.status, len(run.skipped)) == ("done", 399)
