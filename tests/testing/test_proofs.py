"""The code of a counterexample shows what is wrong: it raises, or a line of it says what differs."""

import itertools
import types
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Literal

import pytest
from attrs import field, frozen

from jido_trio import Action, ActionError, Agent, Context, Error, Result, invariant
from jido_trio.testing import conformance, told_verdict
from jido_trio.testing._code import code_of_many
from jido_trio.testing._growth import grown_fields
from jido_trio.testing._search import UNLIKE


@frozen
class Votes:
    tally: dict[str, int] = field(factory=dict)
    count: int = 0


class Vote(Action):
    who: str

    def run(self, context: Context[Votes]) -> Result:
        return {"tally": {self.who: 1}} if self.who.strip() else None

    def reply(self, agent: Any) -> int:
        count: int = agent.state.tally[self.who]
        return count


class Poll(Agent[Votes], routes={"vote": Vote}): ...


class Refuse(Action):
    why: str

    def run(self, context: Context[Votes]) -> Result:
        raise ActionError("no", details={"why": self.why})


def by_reason(error: Error, agent: Any) -> Literal["continue", "stop"]:
    return "stop" if 1 // len(error.error.details["why"]) else "continue"


class Choosy(Agent[Votes], routes={"refuse": Refuse}, error_policy=by_reason): ...


class Count(Action):
    def run(self, context: Context[Votes]) -> Result:
        return {"count": context.state.count + 1}


class Few(Agent[Votes], routes={"count": Count}):
    @invariant
    def there_are_few(self) -> bool:
        return self.state.count < 3


class Number(Action):
    numbers: ClassVar = itertools.count()

    def run(self, context: Context[Votes]) -> Result:
        return {"count": next(self.numbers)}


class Numbering(Agent[Votes], routes={"number": Number}): ...


class NumberLater(Action):
    numbers: ClassVar = itertools.count(2)

    def run(self, context: Context[Votes]) -> Result:
        return {"count": next(self.numbers) if context.state.count else 1}


class NumberingLater(Agent[Votes], routes={"number": NumberLater}): ...


@frozen
class Scores:
    scores: list[int] = field(factory=list)


class Add(Action):
    score: int

    def run(self, context: Context[Scores]) -> Result:
        return {"scores": [*context.state.scores, self.score]}


class Rank(Action):
    def run(self, context: Context[Scores]) -> Result:
        list.sort(context.state.scores)
        return None


class Ranking(Agent[Scores], routes={"add": Add, "rank": Rank}): ...


class Submit(Action):
    def run(self, context: Context[Votes]) -> Result:
        with ThreadPoolExecutor(1) as pool:
            return {"count": pool.submit(len, "a").result()}


class Submitting(Agent[Votes], routes={"submit": Submit}): ...


def shown_by(cls: type[Agent[Any]], law: str) -> str:
    """Return the code of a law's counterexample."""
    [verdict] = conformance(cls, laws=[law], examples=25).verdicts
    assert verdict.outcome == "broken"
    return verdict.code


@pytest.mark.parametrize(
    ("cls", "law", "last", "raised"),
    [
        (Poll, "total", "Vote(who='').reply(after)", KeyError),
        (Choosy, "total", "type(after).error_policy(directives[0], after)", ZeroDivisionError),
        (Few, "invariant", "assert after.there_are_few()", AssertionError),
        (Numbering, "deterministic", "assert agent.cmd(Number()) == (after, directives)", AssertionError),
        (
            NumberingLater,
            "deterministic",
            "assert after.cmd(NumberLater()) == after.cmd(NumberLater())",
            AssertionError,
        ),
        (Ranking, "pure", "assert agent == before", AssertionError),
    ],
)
def test_the_last_line_raises_where_the_command_does_not(cls, law, last, raised):
    code = shown_by(cls, law)
    assert code.splitlines()[-1] == last
    with pytest.raises(raised):
        exec(code, {})


def test_all_that_is_done_beside_computing_is_told():
    [verdict] = conformance(Submitting, laws=["pure"], examples=5).verdicts
    assert "starts a thread" in verdict.why


def test_a_list_that_does_other_than_its_commands_is_told_beside_them():
    there: dict[str, Any] = {}
    exec(shown_by(Numbering, "sequential"), there)
    assert there["together"].state != there["after"].state


@frozen
class Line:
    sku: str
    cents: int = 0


@frozen
class Basket:
    lines: tuple[Line, ...] = ()


@frozen
class Order:
    basket: Basket = Basket()
    twice: int = 0


class ComparesAllLines(Action):
    def run(self, context: Context[Order]) -> Result:
        lines, twice = context.state.basket.lines, 0
        for one in lines:
            for other in lines:
                twice += one is other
        return {"twice": twice}


class Checkout(Agent[Order], routes={"compare": ComparesAllLines}): ...


def test_the_code_of_what_takes_too_long_makes_the_many_items_that_show_it():
    code = shown_by(Checkout, "bounded")
    made = "agent = Checkout.new('a', {'basket': {'lines': [Line(sku=f'k{n}', cents=n) for n in range(4096)]}})"
    assert made in code.splitlines()
    there: dict[str, Any] = {}
    exec(code.replace("4096", "5"), there)
    assert there["after"].state.basket.lines == tuple(Line(f"k{n}", n) for n in range(5))


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        (list[str], "[f'k{n}' for n in range(9)]"),
        (frozenset[int], "list(range(9))"),
        (dict[str, int], "{f'k{n}': n for n in range(9)}"),
        (dict[int, tuple[str, ...]], "{n: ['k0'] for n in range(9)}"),
        (list[list[int]], "[[0] for n in range(9)]"),
        (list[float], ""),
        (list[bytes], ""),
    ],
    ids=str,
)
def test_many_items_are_told_by_a_rule_that_makes_the_same_if_one_is_seen(declared: Any, code: str) -> None:
    state = frozen(types.new_class("Holding", (), {}, lambda body: body.update(__annotations__={"held": declared})))
    holder: type[Agent[Any]] = types.new_class("Holder", (Agent[state],))  # type: ignore[valid-type]
    [(_, grow)] = grown_fields(holder)
    assert code_of_many(grow, 9, set()) == code
    assert not code or eval(code) == grow(9)


_SAID: set[str] = set()


def not_said_before(_: object, __: object, word: str) -> None:
    if word in _SAID and len(_SAID) > 3:
        raise ValueError(word)
    _SAID.add(word)


class SayOnce(Action):
    word: str = field(validator=not_said_before)

    def run(self, context: Context[Votes]) -> Result:
        return {"count": len(self.word)}


class Forgetful(Agent[Votes], routes={"say": SayOnce}): ...


@pytest.mark.parametrize("seed", [0, 4])  # Hypothesis says it in two ways
def test_values_that_can_be_made_one_time_and_not_another_are_told_and_end_no_check(seed):
    _SAID.clear()
    [verdict] = conformance(Forgetful, examples=25, seed=seed, laws=["total"]).verdicts
    assert (verdict.outcome, verdict.why) == ("skipped", UNLIKE)
    assert UNLIKE in told_verdict(verdict)


@pytest.mark.parametrize("seed", [0, 1, 8])
def test_such_values_are_not_deterministic(seed):
    _SAID.clear()
    [verdict] = conformance(Forgetful, examples=25, seed=seed, laws=["deterministic"]).verdicts
    assert verdict.outcome == "broken"


class NeverRight(Agent[Votes], routes={"count": Count}):
    @invariant
    def there_is_one(self) -> bool:
        return self.state.count > 0


def test_an_agent_that_begins_against_its_own_invariant_is_told_of():
    [verdict] = conformance(NeverRight, laws=["invariant"], examples=25).verdicts
    begins = "there_is_one doesn't hold for Votes(tally={}, count=0)"
    assert (verdict.outcome, verdict.why) == ("holds", f"but no agent as it begins was tried: {begins}")
