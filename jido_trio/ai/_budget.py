"""Money and tokens: what a call may cost at most, what it did cost, and what a budget says to it.

A call is begun only if an upper bound of its cost fits into what is left; its reply settles what it was. A prompt has
at most as many tokens as bytes. Money is whole millionths, rounded up. A price that isn't known is none: it is never 0.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal, TypeAlias

from attrs import evolve, field, frozen

from jido_trio import checks
from jido_trio.ai._messages import Usage
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown

Limit: TypeAlias = Literal["money", "tokens", "calls", "tools", "repeats", "unknown price"]
"""What a budget ran out of."""

MILLION = 1_000_000


def _amount(value: object, owner: str, name: str) -> Fraction:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < float("inf"):
        raise InvalidDefinition(f"{name}={shown(value)} of {owner} must be money, 0 or more", field=name, value=value)
    return Fraction(str(value))


@frozen
class Price:
    """What a model costs, in any one currency, for a million tokens."""

    input: float
    output: float
    cached: float | None = None
    """For input from the provider's cache; as other input if not given."""
    written: float | None = None
    """For input that is written to the provider's cache; as other input if not given."""
    as_of: str = ""
    """The day on which this was the price, as "2026-11-25"."""

    def __attrs_post_init__(self) -> None:
        for name in ("input", "output"):
            _amount(getattr(self, name), "a price", name)
        for name in ("cached", "written"):
            if getattr(self, name) is not None:
                _amount(getattr(self, name), "a price", name)
        checks.text("a price", "as_of", self.as_of, blank=True)

    def cost(self, usage: Usage) -> int:
        """Return what that costs, in whole millionths, rounded up."""
        cached = min(usage.cached, usage.input)
        written = min(usage.written, usage.input - cached)
        of_cached = self.input if self.cached is None else self.cached
        of_written = self.input if self.written is None else self.written
        exact = (
            (usage.input - cached - written) * Fraction(str(self.input))
            + cached * Fraction(str(of_cached))
            + written * Fraction(str(of_written))
            + usage.output * Fraction(str(self.output))
        )
        return -(-exact.numerator // exact.denominator)

    def bound(self, usage: Usage) -> int:
        """Return the most that so many tokens may cost, whether they come from a cache or not."""
        dearest = max(self.input, self.cached or 0, self.written or 0)
        return Price(dearest, self.output).cost(evolve(usage, cached=0, written=0))


@frozen
class Spent:
    """What was, or may be, spent."""

    tokens: int = 0
    money: int = 0
    """Whole millionths, of calls whose price is known."""
    calls: int = 0
    tools: int = 0
    unpriced: int = 0
    """Tokens whose price isn't known; they are in `tokens`, too."""

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.tokens + other.tokens,
            self.money + other.money,
            self.calls + other.calls,
            self.tools + other.tools,
            self.unpriced + other.unpriced,
        )

    def __sub__(self, other: "Spent") -> "Spent":
        return Spent(
            self.tokens - other.tokens,
            self.money - other.money,
            self.calls - other.calls,
            self.tools - other.tools,
            self.unpriced - other.unpriced,
        )


NOTHING_SPENT = Spent()


@frozen
class Budget:
    """What may be spent; None sets no limit.

    Raises:
        InvalidDefinition: A limit is none.
    """

    money: float | None = None
    """In the currency of the prices."""
    tokens: int | None = None
    calls: int | None = None
    """Requests to a model, tries that failed included."""
    tools: int | None = None
    """Runs of tools."""
    repeats: int | None = None
    """How often the model may ask for the very same calls in a row."""
    unknown_price: bool = field(default=False, kw_only=True)
    """Whether a model without a price may be called although there is a limit of money, which then doesn't hold."""

    def __attrs_post_init__(self) -> None:
        if self.money is not None:
            _amount(self.money, "a budget", "money")
        for name, least in (("tokens", 0), ("calls", 0), ("tools", 0), ("repeats", 1)):
            checks.whole("a budget", name, getattr(self, name), least=least, or_none="None for no limit")
        checks.flag("a budget", "unknown_price", self.unknown_price)

    @property
    def millionths(self) -> int | None:
        """The limit of money, in whole millionths."""
        return None if self.money is None else int(Fraction(str(self.money)) * MILLION)

    def refusal(self, spent: Spent, more: Spent) -> Limit | None:
        """Return which limit would not hold, if `more` is spent on top of `spent`."""
        after, money = spent + more, self.millionths
        if money is not None and more.unpriced and not self.unknown_price:
            return "unknown price"
        if money is not None and more.calls and after.money > money:
            return "money"
        if self.tokens is not None and more.calls and after.tokens > self.tokens:
            return "tokens"
        if self.calls is not None and more.calls and after.calls > self.calls:
            return "calls"
        if self.tools is not None and more.tools and after.tools > self.tools:
            return "tools"
        return None


NO_LIMITS = Budget()
USUAL_LIMITS = Budget(calls=50, repeats=5)
"""Of a request to an agent that says nothing: no model that goes round in circles does so for long."""


def share(limits: Sequence[tuple[Budget, Spent]], parts: int) -> Budget:
    """Return a part of what is left of budgets, each with what was spent of it, so that all parts fit together."""

    def least(name: str, spent_as: str) -> int | None:
        of_each = ((getattr(each, name), getattr(spent, spent_as)) for each, spent in limits)
        of_each = ((getattr(each, name), getattr(spent, spent_as)) for each, spent in limits)
        left = [limit - spent for limit, spent in of_each if limit is not None]
        return max(min(left), 0) // parts if left else None

    money = least("millionths", "money")
    return Budget(
        None if money is None else money / MILLION,
        least("tokens", "tokens"),
        least("calls", "calls"),
        least("tools", "tools"),
        unknown_price=all(each.unknown_price for each, _ in limits if each.money is not None),
    )


def spent_on(usage: Usage, price: Price | None) -> Spent:
    """Return what a call of so many tokens cost."""
    if price is None:
        return Spent(tokens=usage.total, unpriced=usage.total, calls=1)
    return Spent(tokens=usage.total, money=price.cost(usage), calls=1)


def bound_of(prompt_bytes: int, max_tokens: int, price: Price | None) -> Spent:
    """Return the most that a call may cost."""
    usage = Usage(prompt_bytes, max_tokens)
    if price is None:
        return spent_on(usage, None)
    return Spent(tokens=usage.total, money=price.bound(usage), calls=1)
