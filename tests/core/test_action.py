"""Actions as values: declared, checked, frozen."""

from datetime import date
from typing import Any

import pytest
from attrs import Factory, field, frozen, validators
from attrs.exceptions import FrozenInstanceError

from jido_trio.core import Action, Context, Result
from jido_trio.errors import InvalidDefinition, InvalidParams


class Increment(Action, name="increment", description="Adds", category="math", tags=["a", "b"], vsn="1.2"):
    amount: int = 1

    def run(self, context: Context[Any]) -> Result:
        return {"count": context.state.count + self.amount}


@frozen
class Item:
    name: str
    prices: list[int] = field(factory=list)


class Store(Action):
    """Stores what it is given.

    With more to say about it.
    """

    items: list[Item]
    notes: dict[str, Any] = field(factory=dict)
    due: date | None = None
    rate: float = 1.0


made: Any = Store
"""Store, for what a type checker would refuse."""


def test_metadata_is_read_from_the_class():
    assert Increment.name == "increment"
    assert Increment.description == "Adds"
    assert Increment.category == "math"
    assert Increment.tags == ("a", "b")
    assert Increment.vsn == "1.2"
    assert Increment.output is None


def test_the_name_is_the_class_name_in_snake_case_unless_given():
    class HTTPGetPage(Action): ...

    assert HTTPGetPage.name == "http_get_page"


def test_the_description_is_the_first_line_of_the_docstring_unless_given():
    assert Store.description == "Stores what it is given."


@pytest.mark.parametrize("name", ["bad-name", "9lives", "_x", "two words", "", "näme"])
def test_a_name_that_is_none_is_refused_when_the_class_is_made(name):
    with pytest.raises(InvalidDefinition, match="starts with a letter"):
        type("Bad", (Action,), {}, name=name)


def test_tags_in_one_string_are_refused():
    with pytest.raises(InvalidDefinition, match="several words"):

        class Bad(Action, tags="one"): ...


def test_defaults_apply():
    assert Increment() == Increment(amount=1)


def test_parameters_are_given_by_name():
    with pytest.raises(TypeError):
        Increment(1)  # type: ignore[call-arg]  # the very mistake


def test_an_action_is_compared_and_hashed_by_its_parameters():
    assert Increment(amount=2) == Increment(amount=2) != Increment(amount=3)
    assert len({Increment(amount=2), Increment(amount=2)}) == 1


def test_an_action_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Increment().amount = 5  # type: ignore[misc]  # the very mistake


def test_a_parameter_of_another_type_is_named_with_its_value_and_the_type_expected():
    with pytest.raises(InvalidParams) as caught:
        Increment(amount="x")  # type: ignore[arg-type]  # the very mistake
    assert caught.value.action == "increment"
    assert caught.value.problems == ("expected int, got 'x' @ amount",)


def test_true_is_no_int():
    with pytest.raises(InvalidParams, match="expected int, got True @ amount"):
        Increment(amount=True)


def test_an_int_is_a_float():
    assert Store(items=[], rate=2).rate == 2.0


def test_an_unknown_parameter_is_refused_with_the_nearest_known():
    with pytest.raises(InvalidParams, match=r"unknown field, did you mean 'amount'\? @ amuont"):
        Increment(amuont=3)  # type: ignore[call-arg]  # the very mistake


def test_a_missing_parameter_is_named():
    with pytest.raises(InvalidParams, match="required field missing @ items"):
        Store()  # type: ignore[call-arg]  # the very mistake


def test_all_problems_are_told_at_once():
    with pytest.raises(InvalidParams) as caught:
        made(items=3, rate="high", nots={})
    assert len(caught.value.problems) == 3


def test_plain_data_becomes_what_the_field_declares():
    stored = made(items=[{"name": "a", "prices": [1]}], due="2024-05-06")
    assert stored.items == [Item("a", [1])]
    assert stored.due == date(2024, 5, 6)


def test_a_problem_deep_inside_has_its_path():
    with pytest.raises(InvalidParams, match=r"expected int, got 'x' @ items\[0\]\.prices\[1\]"):
        made(items=[{"name": "a", "prices": [1, "x"]}])


def test_containers_in_fields_cannot_be_changed():
    stored = Store(items=[Item("a", [1])], notes={"deep": {"list": []}})
    with pytest.raises(TypeError):
        stored.items.append(Item("b"))
    with pytest.raises(TypeError):
        stored.items[0].prices.append(2)
    with pytest.raises(TypeError):
        stored.notes["deep"]["list"].append(1)


def test_changing_what_an_action_was_made_of_does_not_change_it():
    notes, prices = {"a": [1]}, [1]
    item = Item("a", prices)
    stored = Store(items=[item], notes=notes)
    notes["a"].append(2)
    prices.append(2)
    assert stored == Store(items=[Item("a", [1])], notes={"a": [1]})


def test_default_containers_cannot_be_changed():
    with pytest.raises(TypeError):
        Store(items=[]).notes["x"] = 1


def test_a_validator_of_a_field_is_heard():
    class Positive(Action):
        amount: int = field(default=1, validator=validators.ge(0))

    with pytest.raises(InvalidParams, match="'amount' must be >= 0"):
        Positive(amount=-1)


def test_a_converter_of_a_field_decides_what_it_takes():
    class Split(Action):
        words: list[str] = field(converter=lambda text: text.split())

    split = Split(words="a b")  # type: ignore[arg-type]  # a converter is more than dataclass_transform knows
    assert split.words == ["a", "b"]
    with pytest.raises(TypeError):
        split.words.append("c")


def test_a_default_computed_from_other_fields_is_frozen_too():
    class Doubled(Action):
        one: list[int]
        two: list[int] = field(default=Factory(lambda self: [2 * n for n in self.one], takes_self=True))

    doubled = Doubled(one=[1, 2])
    assert doubled.two == [2, 4]
    with pytest.raises(TypeError):
        doubled.two.append(6)


def test_a_default_of_another_type_is_refused_when_the_class_is_made():
    with pytest.raises(InvalidDefinition, match=r"the default of .*Bad\.amount doesn't fit"):

        class Bad(Action):
            amount: int = "1"  # type: ignore[assignment]  # the very mistake


@pytest.mark.parametrize("reserved", ["name", "description", "category", "tags", "vsn", "output", "run"])
def test_a_field_that_hides_metadata_is_refused_with_a_remedy(reserved):
    with pytest.raises(InvalidDefinition, match=rf"field\(alias='{reserved}'\)"):
        type("Bad", (Action,), {"__annotations__": {reserved: str}})


def test_a_field_may_have_a_reserved_name_as_its_alias():
    class Rename(Action):
        name_: str = field(alias="name")

    assert Rename(name="new").name_ == "new"
    assert Rename.name == "rename"


def test_a_mutable_class_in_a_field_is_refused_when_the_class_is_made():
    import attrs

    @attrs.define
    class Mutable:
        x: int = 1

    with pytest.raises(InvalidDefinition, match=r"attrs\.frozen"):
        type("Bad", (Action,), {"__annotations__": {"things": list[Mutable]}})


def test_an_abstract_action_gives_its_fields_to_those_who_extend_it():
    class Measured(Action, category="measured"):
        unit: str = "m"

    class Walk(Measured):
        distance: int

        def run(self, context: Context[Any]) -> Result:
            return None

    assert Measured.is_abstract
    assert not Walk.is_abstract
    assert (Walk(distance=3).unit, Walk.category, Walk.name) == ("m", "measured", "walk")


def test_the_colour_of_run_tells_whether_an_action_has_effects():
    class Fetch(Action):
        async def run(self, context: Context[Any]) -> Result:
            return None

    assert Fetch.is_async
    assert not Increment.is_async


def test_a_run_that_is_a_generator_is_refused():
    with pytest.raises(InvalidDefinition, match="returns a result"):

        class Bad(Action):
            def run(self, context):
                yield


@pytest.mark.parametrize("run", [lambda self: None, lambda self, context, more: None, lambda self, *, context: None])
def test_a_run_that_doesnt_take_the_context_is_refused(run):
    with pytest.raises(InvalidDefinition, match="run must take the context"):
        type("Bad", (Action,), {"run": run})


@pytest.mark.parametrize("hook", ["before", "after", "on_error", "undo"])
def test_a_hook_that_cant_be_awaited_is_refused(hook):
    async def run(self: object, context: object) -> None: ...

    with pytest.raises(InvalidDefinition, match=f"Bad.{hook} must be an `async def`"):
        type("Bad", (Action,), {"run": run, hook: lambda self, context: None})


class Put(Action):
    value: int
    where: str = "shelf"

    def run(self, _context: object) -> None: ...


class Nothing(Action):
    def run(self, _context: object) -> None: ...


UNCHECKED: Any = Put


@pytest.mark.parametrize(
    ("make", "how"),
    [
        (lambda: UNCHECKED(5), r"write Put\(value=5\)"),
        (lambda: UNCHECKED(5, "floor"), r"write Put\(value=5, where='floor'\)"),
        (lambda: Nothing(5), "it has none"),
    ],
)
def test_parameters_without_names_are_refused_with_what_to_write(make, how):
    with pytest.raises(TypeError, match=f"takes its parameters by name: {how}"):
        make()


def test_action_itself_says_that_it_is_to_be_subclassed():
    make: Any = Action
    for given in ((), (5,)):
        with pytest.raises(TypeError, match="Action itself does nothing: subclass it"):
            make(*given)
