"""Arithmetic of two numbers."""

import pytest

from jido_trio import Permanent
from jido_trio.actions import Add, Divide, Multiply, Square, Subtract
from jido_trio.core import Catalogue
from jido_trio.runtime import run


@pytest.mark.parametrize(
    ("action", "result"),
    [
        (Add(value=7, amount=2), 9),
        (Subtract(value=7, amount=2), 5),
        (Multiply(value=7, amount=2), 14),
        (Divide(value=7, amount=2), 3.5),
        (Square(value=7), 49),
    ],
)
async def test_a_result_is_a_number(action, result):
    assert await run(action) == {"result": result}


@pytest.mark.parametrize(
    "action", [Divide(value=1, amount=0), Multiply(value=1e200, amount=1e200), Square(value=1e200)]
)
async def test_what_has_no_result_is_a_failure(action):
    with pytest.raises(Permanent):
        await run(action)


def test_every_action_is_found_by_its_category():
    found = Catalogue([Add, Subtract, Multiply, Divide, Square]).search("sum add", category="arithmetic")
    assert [tool.name for tool in found] == ["add"]
