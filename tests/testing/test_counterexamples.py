"""A counterexample is printed as code that can be pasted into a test."""

import sys
from typing import Any

import pytest
from attrs import field, frozen
from hypothesis import Phase, given, settings

from jido_trio.core import Action, Agent, Context, Instruction, Result
from jido_trio.testing import actions, agents, changes, commands, states


@frozen
class Place:
    shelf: int = 0


@frozen
class Stock:
    count: int = 0
    places: tuple[Place, ...] = ()
    items: dict[str, tuple[int, ...]] = field(factory=dict)
    tags: frozenset[str] = frozenset()


class Take(Action):
    item: str
    count: int = 1

    def run(self, context: Context[Stock]) -> Result:
        return {"count": context.state.count - self.count}


class Store(Agent[Stock], routes={"take": Take}): ...


NAMES = {cls.__name__: cls for cls in (Place, Stock, Take, Store, Instruction)}
TOP = __name__.partition(".")[0]  # a class itself is shown with its module


@pytest.mark.parametrize(
    ("values", "is_rich"),
    [
        (agents(Store), lambda agent: agent.state.places and agent.state.items),
        (states(Stock), lambda state: state.places and state.tags),
        (actions(Take), lambda action: action.count),
        (changes(Stock), lambda change: change.get("places")),
        (commands(Take), lambda command: isinstance(command, list) and len(command) > 1),
        (commands(Take), lambda command: isinstance(command, Instruction) and command.context),
        (commands(Take), lambda command: isinstance(command, tuple) and len(command) == 3),
    ],
)
def test_what_was_generated_is_printed_as_code(values, is_rich):
    met: list[Any] = []

    @settings(database=None, phases=[Phase.generate], max_examples=1_000, derandomize=True, print_blob=False)
    @given(values)
    def law(value):
        if is_rich(value):
            met.append(value)
            raise AssertionError

    with pytest.raises(AssertionError) as caught:
        law()
    printed = "\n".join(caught.value.__notes__)
    code = printed[printed.index("law(") :]
    given_again = eval(code, {**NAMES, TOP: sys.modules[TOP], "law": lambda value: value})
    assert given_again == met[-1]
