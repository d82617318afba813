"""What a request came to, as values."""

from collections.abc import Sequence
from typing import Any, TypeAlias, assert_never

from attrs import frozen

from jido_trio.ai._answer import UnfitAnswer, answer_of
from jido_trio.ai._budget import Spent
from jido_trio.ai._conversation import AskApproval
from jido_trio.ai._events import Ended
from jido_trio.ai._rules import Rules


@frozen
class Answered:
    """The model answered."""

    value: Any
    """A value of the class that was asked for; the text, if none was."""
    text: str
    spent: Spent


@frozen
class Cancelled:
    """Nobody wanted the answer any more."""

    spent: Spent


@frozen
class OutOfBudget:
    """A budget didn't allow the next step."""

    limit: str
    """Which one: "money", "tokens", "calls", "tools", "repeats" or "unknown price"."""
    text: str
    spent: Spent


@frozen
class NotAnswered:
    """It failed, or the model or its provider refused."""

    why: str
    text: str
    problems: tuple[str, ...]
    """Where the answer didn't fit the class that was asked for."""
    spent: Spent
    refused: bool = False


@frozen
class NeedsApproval:
    """Somebody is to allow calls of tools first; nothing is lost meanwhile, and nothing goes on."""

    calls: Sequence[AskApproval]


ChatOutcome: TypeAlias = Answered | Cancelled | OutOfBudget | NotAnswered | NeedsApproval


def outcome_of(rules: Rules, ended: Ended) -> ChatOutcome:
    """Return how a request ended as what its asker gets."""
    match ended.how:
        case "answered":
            return _answered(rules, ended)
        case "cancelled":
            return Cancelled(ended.spent)
        case "budget":
            return OutOfBudget(ended.why, ended.text, ended.spent)
        case "failed" | "refused":
            return NotAnswered(ended.why, ended.text, ended.problems, ended.spent, ended.how == "refused")
        case _:
            assert_never(ended.how)


def _answered(rules: Rules, ended: Ended) -> ChatOutcome:
    if rules.answer is None:
        return Answered(ended.text, ended.text, ended.spent)
    try:
        return Answered(answer_of(ended.text, rules.answer), ended.text, ended.spent)
    except UnfitAnswer as unfit:  # the class is another one by now
        return NotAnswered("the answer doesn't fit any more", ended.text, unfit.problems, ended.spent)
