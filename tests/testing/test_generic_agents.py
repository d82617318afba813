"""Agents whose state is a generic class with arguments: what its variables stand for is made, told and grown."""

from operator import attrgetter
from typing import Any, Generic, TypeVar

import pytest
from attrs import frozen
from hypothesis import Phase, find, settings
from hypothesis import strategies as st

from jido_trio import Action, Agent, Context, Result
from jido_trio.testing import agents, conformance, subject_of
from jido_trio.testing._growth import grown_fields
from jido_trio.testing._hints import hints_beside

T = TypeVar("T")
FEW = settings(max_examples=200, database=None, deadline=None, phases=[Phase.generate])


@frozen
class Items(Generic[T]):
    items: tuple[T, ...] = ()


@frozen
class Words(Items[str]):
    """Says for itself what they are."""


@frozen
class Drawer:
    front: Items[str] = Items()


class Push(Action):
    item: str

    def run(self, context: Context[Items[str]]) -> Result:
        return {"items": (*context.state.items, "pushed" if self.item == "push" else self.item)}


class Clear(Action):
    def run(self, context: Context[Items[str]]) -> Result:
        return {"items": ()}


class Stack(Agent[Items[T]], Generic[T]): ...


class Names(Stack[str]): ...


class MoreNames(Names, routes={"push": Push}): ...


class Dictionary(Agent[Words]): ...


class Chest(Agent[Drawer]): ...


HOLDERS = [(Names, "items"), (MoreNames, "items"), (Dictionary, "items"), (Chest, "front.items")]


@pytest.mark.parametrize(("cls", "path"), HOLDERS)
def test_a_generic_state_is_made_of_what_its_variables_stand_for(cls: Any, path: str) -> None:
    items = attrgetter(path)
    found = find(agents(cls), lambda agent: len(items(agent.state)) > 1, settings=FEW)
    assert {type(item) for item in items(found.state)} == {str}


@pytest.mark.parametrize(("cls", "path"), HOLDERS)
def test_a_generic_state_grows_by_what_its_variables_stand_for(cls: Any, path: str) -> None:
    [(found, grow)] = grown_fields(cls)
    assert ".".join(found) == path
    assert grow(2) == ["k0", "k1"]


def test_an_action_for_a_generic_state_is_told_to_the_agent_beside_it() -> None:
    assert subject_of(Names).actions == (Clear,)


def test_what_an_action_for_a_generic_state_speaks_of_is_tried_in_the_state() -> None:
    assert "pushed" in hints_beside(Items)


def test_an_override_of_a_generic_class_holds_for_the_state_too() -> None:
    only = st.just(Items(("only",)))
    assert find(agents(Names, overrides={Items: only}), lambda _: True, settings=FEW).state.items == ("only",)


def test_an_agent_with_a_generic_state_is_checked() -> None:
    assert conformance(MoreNames, laws=["total", "closed"], examples=10).holds
