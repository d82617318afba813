"""Tools as the SDKs of model providers declare them: their own types are the judge."""

from typing import Any

import pytest
from attrs import field, frozen, validators

from jido_trio import Action, Context, Result
from jido_trio.core import thaw, tool_of

anthropic = pytest.importorskip("anthropic.types")
chat = pytest.importorskip("openai.types.chat")
responses = pytest.importorskip("openai.types.responses")
pydantic = pytest.importorskip("pydantic")


@frozen
class Item:
    name: str
    price: float | None = None


class Order(Action):
    """Order items."""

    items: list[Item]
    count: int = field(default=1, validator=validators.ge(1))

    def run(self, context: Context[Any]) -> Result: ...


def is_one(kind: Any, given: dict[str, Any]) -> None:
    """Have pydantic check it, which these SDKs are made with: no key too many, none missing, all of the right type."""
    assert pydantic.TypeAdapter(kind).validate_python(given) == given
    assert set(given) <= set(kind.__annotations__)


@pytest.mark.parametrize("strict", [False, True])
def test_a_tool_is_what_openai_takes_in_a_chat(strict):
    function = tool_of(Order, strict=strict).as_function()
    is_one(chat.ChatCompletionFunctionToolParam, {"type": "function", "function": function})


@pytest.mark.parametrize("strict", [False, True])
def test_a_tool_is_what_openai_takes_for_a_response(strict):
    tool = tool_of(Order, strict=strict)
    is_one(responses.FunctionToolParam, {"type": "function", "strict": strict} | tool.as_function())


def test_a_tool_is_what_anthropic_takes():
    tool = tool_of(Order)
    given = {"name": tool.name, "description": tool.description, "input_schema": thaw(tool.parameters)}
    is_one(anthropic.ToolParam, given)
