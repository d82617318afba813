"""What conversations with a model are tried with: rules, budgets, and what a model may say, good and bad."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import evolve, frozen
from hypothesis import strategies as st

from jido_trio.ai import Budget, ModelRule, Price, Rules, Tool, ToolCall
from jido_trio.core import Action

Draw = Callable[[st.SearchStrategy[Any]], Any]
"""Draws a value, as Hypothesis' `data.draw`."""


class GetCity(Action):
    """Harmless."""

    city: str

    async def run(self, context: Any) -> None:
        """Do nothing."""


class PayBill(Action):
    """Must happen once."""

    sum: int

    async def run(self, context: Any) -> None:
        """Do nothing."""


class PutNote(Action):
    """Has a key."""

    async def run(self, context: Any) -> None:
        """Do nothing."""


@frozen
class Verdict:
    """What an answer must fit, in some conversations."""

    good: bool


TOOLS = (Tool(GetCity, replay="safe"), Tool(PayBill), Tool(PutNote, replay="keyed", approve=True))

_limits = st.none() | st.integers(0, 12)
_tokens = st.none() | st.integers(0, 12_000)
budgets: st.SearchStrategy[Budget] = st.builds(
    Budget,
    money=st.none() | st.sampled_from([0, 0.001, 0.005, 0.02]),
    tokens=_tokens,
    calls=_limits,
    tools=_limits,
    repeats=st.none() | st.integers(1, 3),
    unknown_price=st.booleans(),
)
"""Budgets that conversations of some steps run into."""

_inputs, _outputs = st.sampled_from([0, 0.3, 1]), st.sampled_from([0, 2.7])
_prices = st.none() | st.builds(Price, _inputs, _outputs, st.none() | st.just(0.1), st.none() | st.just(1.5))
_model_rules = st.builds(ModelRule, price=_prices, max_tokens=st.integers(1, 200))


@st.composite
def chat_rules(draw: Draw) -> Rules:
    """Draw rules of conversations: three tools, of each kind of replay, and every other option."""
    first, second = draw(_model_rules), draw(_model_rules)
    return Rules(
        model="first",
        models={"first": evolve(first, fallback=draw(st.sampled_from([None, "second"]))), "second": second},
        instructions=draw(st.sampled_from(["", "Be brief."])),
        tools=TOOLS,
        answer=draw(st.sampled_from([None, None, Verdict])),
        repairs=draw(st.sampled_from([0, 0, 1, 2])),
        budget=draw(st.just(Budget()) | budgets),
        total=draw(st.just(Budget()) | budgets),
        busy=draw(st.sampled_from(["queue", "queue", "steer", "reject"])),
        on_lost=draw(st.sampled_from(["resend", "resend", "fail"])),
        retries=draw(st.integers(0, 2)),
        compact_at=draw(st.sampled_from([None, None, 700])),
        max_result=draw(st.sampled_from([10, 1000])),
    )


GOOD = (
    ("get_city", '{"city": "Oslo"}'),
    ("pay_bill", '{"sum": 3}'),
    ("put_note", "{}"),
    ("put_note", ""),
)
BAD = ("", "{}", "[]", "null", "3", '{"ci', '{"city": 3}', '{"sum": "3"}', '{"city": "Oslo", "x": 1}', '{"sum": NaN}')

_wishes = (
    st.sampled_from(GOOD)
    | st.sampled_from(GOOD)
    | st.tuples(st.sampled_from(["get_city", "pay_bill", "put_note", "get_town", ""]), st.sampled_from(BAD))
)
tool_calls: st.SearchStrategy[ToolCall] = st.builds(
    lambda given, wish: ToolCall(given, *wish), st.sampled_from(["a", "b", "call_1_1", "call_2_1"]), _wishes
)
"""Calls as models write them: many are good; ids come twice, or look like ours."""

TEXTS = st.sampled_from(["", "yes", "no", '{"good": true}', '```json\n{"good": false}\n```', '{"good": 1}'])
FINISHES = st.sampled_from(["stop", "stop", "stop", "tool_calls", "tool_calls", "length", "content_filter", None])
