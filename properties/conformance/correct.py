"""Agents without a defect, some of them odd: no law may be found broken by any."""

import ast
import decimal
import enum
import fractions
import functools
import hashlib
import io
import json
import math
import pathlib
import random
import re
import threading
import time
import uuid
import warnings
import zoneinfo
from collections import Counter as Multiset
from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import date, datetime, timedelta, timezone
from typing import Any, Generic, Literal, TypeVar

import attrs
from attrs import field, frozen

from jido_trio import (
    Action,
    ActionError,
    Agent,
    Context,
    DeletePath,
    Instruction,
    Emit,
    ReplaceState,
    Result,
    RunInstruction,
    Schedule,
    SetPath,
    SetState,
    Signal,
    Stop,
    invariant,
    world,
)
from jido_trio.core import Fsm, Transition
from jido_trio.testing import law

CORRECT: list[type[Agent[Any]]] = []


def correct(cls: Any) -> Any:
    """List an agent."""
    CORRECT.append(cls)
    return cls


@frozen
class Box:
    total: int = 0
    text: str = ""
    items: tuple[int, ...] = ()
    names: frozenset[str] = frozenset()
    counts: dict[str, int] = field(factory=dict)


class Plus(Action):
    by: int = 1

    def run(self, context: Context[Box]) -> Result:
        return {"total": context.state.total + self.by}


@correct
class Plain(Agent[Box], routes={"plus": Plus}): ...


class LazyImport(Action):
    def run(self, context: Context[Box]) -> Result:
        import colorsys
        import xml.dom.minidom  # noqa: F401

        return {"text": str(colorsys.rgb_to_hsv(0.5, 0.25, 0.0))}


@correct
class ImportsLate(Agent[Box], routes={"go": LazyImport}): ...


@functools.lru_cache
def _fibonacci(n: int) -> int:
    return n if n < 2 else _fibonacci(n - 1) + _fibonacci(n - 2)


class PureCache(Action):
    n: int = field(default=10, validator=[attrs.validators.ge(0), attrs.validators.le(60)])

    def run(self, context: Context[Box]) -> Result:
        return {"total": _fibonacci(self.n)}


@correct
class Caches(Agent[Box], routes={"go": PureCache}): ...


_MEMO: dict[str, str] = {}


class HandMadeCache(Action):
    word: str

    def run(self, context: Context[Box]) -> Result:
        if self.word not in _MEMO:
            _MEMO[self.word] = self.word[::-1]
        return {"text": _MEMO[self.word]}


@correct
class CachesByHand(Agent[Box], routes={"go": HandMadeCache}): ...


class Sorted(Action):
    words: frozenset[str]

    def run(self, context: Context[Box]) -> Result:
        return {"text": ",".join(sorted(self.words | {"alpha", "beta", "gamma"})), "names": self.words}


@correct
class SortsItsSets(Agent[Box], routes={"go": Sorted}): ...


class WeighedInOrder(Action):
    weights: frozenset[float]

    def run(self, context: Context[Box]) -> Result:
        light = [one for one in sorted(self.weights) if abs(one) < 1e6]
        return {"text": f"{sum(light):.2f}", "total": len(light)}


@correct
class AddsFloatsInOrder(Agent[Box], routes={"go": WeighedInOrder}): ...


class DerivedIds(Action):
    def run(self, context: Context[Box]) -> Result:
        now = world.current()
        return {"text": now.ids() + now.now().isoformat()}


@correct
class DerivesIds(Agent[Box], routes={"go": DerivedIds}): ...


class DerivedNumbers(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": world.current().random.randrange(1000)}


@correct
class DerivesNumbers(Agent[Box], routes={"go": DerivedNumbers}): ...


@frozen
class Money:
    amount: decimal.Decimal = decimal.Decimal(0)
    rate: float = 1.0


class Pay(Action):
    by: decimal.Decimal = field(default=decimal.Decimal("0.10"))

    def run(self, context: Context[Money]) -> Result:
        if not self.by.is_finite():
            raise ActionError("no amount")
        with decimal.localcontext() as how:
            how.prec = 40
            how.traps[decimal.InvalidOperation] = False
            how.traps[decimal.Overflow] = False
            how.traps[decimal.Inexact] = False
            return {"amount": self.by * 2}


@correct
class CountsMoney(Agent[Money], routes={"pay": Pay}): ...


class NotANumber(Action):
    def run(self, context: Context[Money]) -> Result:
        return {"rate": math.nan}


@correct
class HoldsNaN(Agent[Money], routes={"go": NotANumber}): ...


class Infinite(Action):
    def run(self, context: Context[Money]) -> Result:
        return {"rate": -math.inf}


@correct
class HoldsInfinity(Agent[Money], routes={"go": Infinite}): ...


@frozen
class Tree:
    name: str = ""
    below: "tuple[Tree, ...]" = ()


class Grow(Action):
    name_: str = field(default="leaf", alias="leaf")

    def run(self, context: Context[Tree]) -> Result:
        return attrs.evolve(context.state, below=(*context.state.below[:3], Tree(self.name_)))


def _depth(tree: Tree) -> int:
    return 1 + max((_depth(one) for one in tree.below), default=0)


class Measure(Action):
    def run(self, context: Context[Tree]) -> Result:
        return {"name": str(_depth(context.state))}


@correct
class Recurses(Agent[Tree], routes={"grow": Grow, "measure": Measure}): ...


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Flags(enum.IntFlag):
    NONE = 0
    A = 1
    B = 2


@frozen
class Painted:
    colour: Colour = Colour.RED
    flags: Flags = Flags.NONE
    size: Literal["s", "m"] = "s"


class Paint(Action):
    colour: Colour

    def run(self, context: Context[Painted]) -> Result:
        return {"colour": self.colour, "size": "m" if self.colour is Colour.BLUE else "s"}


@correct
class HasEnums(Agent[Painted], routes={"paint": Paint}): ...


class Kelvin:
    """Degrees, as somebody else wrote them: not all numbers are some."""

    def __init__(self, degrees: float) -> None:
        if degrees < 0:
            raise ValueError(degrees)
        self.degrees = degrees

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Kelvin) and other.degrees == self.degrees

    def __hash__(self) -> int:
        return hash(self.degrees)


@frozen
class Oven:
    degrees: Kelvin | None = None


class Heat(Action):
    to: Kelvin

    def run(self, context: Context[Oven]) -> Result:
        return {"degrees": self.to}


@correct
class HoldsWhatItsClassMayRefuse(Agent[Oven], routes={"heat": Heat}): ...


@correct
class HasHooks(Agent[Box], routes={"plus": Plus}):
    def on_before_cmd(self, action: Any) -> Any:
        return self.set({"text": "before"}), action

    def on_after_cmd(self, action: Any, directives: Any) -> Any:
        return self, (*directives, Emit("after", self.state.total))


class Fetch(Action):
    url: str = "http://nowhere.invalid"

    async def run(self, context: Context[Box]) -> Result:
        raise AssertionError("never run by a check")


class StartsFetch(Action):
    def run(self, context: Context[Box]) -> Result:
        return RunInstruction(Instruction(Fetch))


@correct
class HasAsyncActions(Agent[Box], routes={"fetch": Fetch, "start": StartsFetch}): ...


class ManyDirectives(Action):
    count: int = field(default=3, validator=[attrs.validators.ge(0), attrs.validators.le(50)])

    def run(self, context: Context[Box]) -> Result:
        return [Emit("one", n) for n in range(self.count)]


@correct
class EmitsMany(Agent[Box], routes={"go": ManyDirectives}): ...


class StateOps(Action):
    def run(self, context: Context[Box]) -> Result:
        return [SetState({"total": 4}), SetPath(["counts", "a"], 1), DeletePath(["counts", "b"])]


@correct
class UsesStateOps(Agent[Box], routes={"go": StateOps}): ...


class StartOver(Action):
    def run(self, context: Context[Box]) -> Result:
        return ReplaceState(Box(total=1))


@correct
class ReplacesItsState(Agent[Box], routes={"go": StartOver}): ...


class Refuse(Action):
    number: int

    def run(self, context: Context[Box]) -> Result:
        if self.number % 2:
            raise ActionError("odd")
        return {"total": self.number}


@correct
class Refuses(Agent[Box], routes={"go": Refuse}): ...


class SeededNumbers(Action):
    seed: int

    def run(self, context: Context[Box]) -> Result:
        return {"total": random.Random(self.seed).randrange(1000)}


@correct
class DrawsFromASeed(Agent[Box], routes={"go": SeededNumbers}): ...


class NamedIds(Action):
    word: str

    def run(self, context: Context[Box]) -> Result:
        return {"text": str(uuid.uuid5(uuid.NAMESPACE_URL, self.word.encode("utf-8", "replace").decode()))}


@correct
class MakesNamedIds(Agent[Box], routes={"go": NamedIds}): ...


class Hashes(Action):
    word: str

    def run(self, context: Context[Box]) -> Result:
        return {"text": hashlib.sha256(self.word.encode("utf-8", "surrogatepass")).hexdigest()}


@correct
class HashesTexts(Agent[Box], routes={"go": Hashes}): ...


class Copies(Action):
    def run(self, context: Context[Box]) -> Result:
        counts = deepcopy(dict(context.state.counts))
        counts["copied"] = 1
        return {"counts": counts}


@correct
class CopiesDeeply(Agent[Box], routes={"go": Copies}): ...


class Words(Action):
    text: str = ""

    def run(self, context: Context[Box]) -> Result:
        found = Multiset(re.findall(r"\w+", self.text))
        return {"counts": dict(found), "text": json.dumps(found, sort_keys=True)}


@correct
class CountsWords(Agent[Box], routes={"go": Words}): ...


@frozen
class Calendar:
    day: date = date(2000, 1, 1)
    moment: datetime | None = None
    rest: timedelta = timedelta(0)


class NextDay(Action):
    def run(self, context: Context[Calendar]) -> Result:
        if context.state.day >= date(9999, 1, 1):
            raise ActionError("the end of time")
        day = context.state.day + timedelta(days=1)
        return {"day": day, "moment": datetime(day.year, day.month, day.day, tzinfo=timezone(timedelta(hours=2)))}


@correct
class KeepsDays(Agent[Calendar], routes={"next": NextDay}): ...


class Later(Action):
    def run(self, context: Context[Box]) -> Result:
        return [Schedule(2.5, Signal("tick", None)), Emit("soon")]


@correct
class Schedules(Agent[Box], routes={"later": Later}): ...


class Enough(Action):
    def run(self, context: Context[Box]) -> Result:
        return Stop("enough")


@correct
class StopsItself(Agent[Box], routes={"go": Enough}): ...


@frozen
class Account:
    cents: int = field(default=0, validator=attrs.validators.ge(0))


class Draw(Action):
    cents: int = field(validator=attrs.validators.ge(0))

    def run(self, context: Context[Account]) -> Result:
        if self.cents > context.state.cents:
            raise ActionError("not enough")
        return {"cents": context.state.cents - self.cents}


class PayIn(Action):
    cents: int = field(validator=attrs.validators.ge(0))

    def run(self, context: Context[Account]) -> Result:
        return {"cents": context.state.cents + self.cents}


@correct
class HoldsItsInvariant(Agent[Account], routes={"draw": Draw, "pay": PayIn}, durable=True):
    @invariant
    def owes_nothing(self) -> bool:
        return self.state.cents >= 0


class Guarded(Action):
    word: str = ""

    def run(self, context: Context[Box]) -> Result:
        try:
            return {"total": int(self.word)}
        except ValueError as error:
            raise ActionError(f"no number: {type(error).__name__}") from error


@correct
class Guards(Agent[Box], routes={"go": Guarded}): ...


class Generated(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"items": tuple(n * n for n in range(10) if n % 2)}


@correct
class UsesGenerators(Agent[Box], routes={"go": Generated}): ...


@frozen
class Fraction:
    value: fractions.Fraction = fractions.Fraction(1, 3)


class Halve(Action):
    def run(self, context: Context[Fraction]) -> Result:
        return attrs.evolve(context.state, value=context.state.value / 2)


@correct
class Halves(Agent[Fraction], routes={"go": Halve}): ...


@frozen
class Loose:
    data: Any = None
    more: Mapping[str, Any] = field(factory=dict)


class KeepAll(Action):
    what: Any = None

    def run(self, context: Context[Loose]) -> Result:
        return SetPath(["data"], self.what)


@correct
class TakesAnything(Agent[Loose], routes={"go": KeepAll}): ...


class Both(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": context.state.total + 1}, [Emit("both")]


@correct
class RoutesOneSignalTwice(Agent[Box], routes={"go": [Plus, Both], "any.*": Plus, "all.**": Both}): ...


@correct
class IsDurable(Agent[Box], routes={"plus": Plus, "words": Words, "both": Both}, durable=True): ...


class Linear(Action):
    def run(self, context: Context[Box]) -> Result:
        total = 0
        for item in sorted(context.state.items):
            total += item
        return {"total": total, "items": tuple(sorted(set(context.state.items)))}


@correct
class GoesThroughItsItems(Agent[Box], routes={"go": Linear}): ...


class Zoned(Action):
    at: int = field(default=0, validator=[attrs.validators.ge(0), attrs.validators.le(2**31)])

    def run(self, context: Context[Box]) -> Result:
        there = datetime.fromtimestamp(self.at, tz=zoneinfo.ZoneInfo("Europe/Berlin"))
        with decimal.localcontext() as numbers:
            numbers.prec = 5
            third = decimal.Decimal(1) / 3
        day = time.strftime("%Y-%m-%d", time.gmtime(self.at))
        return {"text": f"{there.isoformat()} {third} {day}"}


class Parsed(Action):
    text: str = "1 +"

    def run(self, context: Context[Box]) -> Result:
        try:
            parsed = ast.parse(self.text, mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ActionError("that is no expression") from error
        return {"text": ast.unparse(parsed)}


@correct
class ReadsExpressions(Agent[Box], routes={"go": Parsed}): ...


@correct
class AsksForAZone(Agent[Box], routes={"go": Zoned}): ...


class NoMatter(Action):
    def run(self, context: Context[Box]) -> Result:
        return None


@correct
class DoesNothing(Agent[Box], routes={"go": NoMatter}): ...


class WhoAmI(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": context.agent.id + (context.signal.type if context.signal else "")}


@correct
class KnowsItself(Agent[Box], routes={"go": WhoAmI}): ...


class PrintedText(Action):
    def run(self, context: Context[Box]) -> Result:
        text = io.StringIO()
        print("total:", context.state.total, file=text)
        return {"text": text.getvalue()}


@correct
class PrintsIntoAText(Agent[Box], routes={"go": PrintedText}): ...


class ParsedDay(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": datetime.strptime("06 May 2024", "%d %B %Y").date().isoformat()}


@correct
class ParsesDays(Agent[Box], routes={"go": ParsedDay}): ...


@frozen
class Shelf:
    files: list[pathlib.Path] = field(factory=list)
    endings: dict[str, int] = field(factory=dict)


class Store(Action):
    path: pathlib.Path

    def run(self, context: Context[Shelf]) -> Result:
        ending, files = self.path.suffix, context.state.files
        return {"files": [*files, self.path], "endings": {ending: sum(1 for one in files if one.suffix == ending) + 1}}


@correct
class KeepsPaths(Agent[Shelf], routes={"store": Store}): ...


T = TypeVar("T")


@frozen
class Stack(Generic[T]):
    items: tuple[T, ...] = ()


@frozen
class Pile:
    numbers: Stack[int] = field(factory=Stack)


class Push(Action):
    number: int

    def run(self, context: Context[Pile]) -> Result:
        return {"numbers": {"items": (*context.state.numbers.items, self.number * 2)}}


@correct
class HasAGenericState(Agent[Pile], routes={"push": Push}): ...


@frozen
class Deadline:
    due: datetime = datetime(2024, 1, 1, tzinfo=timezone.utc)
    here: str = ""


class Postpone(Action):
    until: datetime

    def run(self, context: Context[Deadline]) -> Result:
        if self.until <= context.state.due:
            raise ActionError("it is due later")
        due = self.until + timedelta(days=1)
        return {"due": due, "here": due.astimezone(zoneinfo.ZoneInfo("Europe/Berlin")).isoformat()}


@correct
class ComparesTimesWithAZone(Agent[Deadline], routes={"postpone": Postpone}): ...


class Total:
    """What nobody freezes, and works something out when it is asked."""

    def __init__(self, numbers: tuple[int, ...] = ()) -> None:
        self.numbers = numbers

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Total) and self.numbers == other.numbers

    def __hash__(self) -> int:
        return hash(self.numbers)

    @functools.cached_property
    def total(self) -> int:
        return sum(self.numbers)


@frozen
class Register:
    total: Total = field(factory=Total)
    text: str = ""


class Enter(Action):
    number: int

    def run(self, context: Context[Register]) -> Result:
        before = context.state.total
        return {"total": Total((*before.numbers, self.number)), "text": str(before.total)}


@correct
class RemembersWhatItWorkedOut(Agent[Register], routes={"enter": Enter}): ...


class ShipFrom(Action):
    def run(self, context: Context[Box]) -> Result:
        return Emit("shipped", {"from": context["warehouse"]})


@correct
class IsToldMoreByItsRoute(Agent[Box], routes={"ship": (ShipFrom, {}, {"warehouse": "Leith"})}): ...


@frozen
class Purse:
    cents: decimal.Decimal = decimal.Decimal(0)


class PayDecimals(Action):
    amount: decimal.Decimal

    def run(self, context: Context[Purse]) -> Result:
        return {"cents": context.state.cents + (self.amount * 2).quantize(decimal.Decimal("0.01"))}


@correct
class AddsDecimals(Agent[Purse], routes={"pay": PayDecimals}): ...


class Coin(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": context.state.total + 1}


class PushThrough(Action):
    def run(self, context: Context[Box]) -> Result:
        return Emit("turned")


def _paid(state: Box, push: PushThrough) -> bool:
    return state.total >= 2


TURNSTILE = Fsm(
    ["locked", "open"],
    [
        Transition("locked", Coin),
        Transition("locked", PushThrough, "open", when=_paid),
        Transition("open", PushThrough, "locked"),
    ],
)


@correct
class GoesByATable(Agent[Box], strategy=TURNSTILE, routes={"coin": Coin, "push": PushThrough}): ...


@frozen
class Locked:
    lock: Any = field(factory=threading.Lock, eq=False, validator=attrs.validators.instance_of(type(threading.Lock())))
    total: int = 0


class CountUnderALock(Action):
    def run(self, context: Context[Locked]) -> Result:
        with context.state.lock:
            return {"total": context.state.total + 1}


@correct
class HoldsWhatCanNotBeCopied(Agent[Locked], routes={"go": CountUnderALock}): ...


@functools.total_ordering
class Version:
    """A value that refuses to be changed, also to whoever makes it anew of what was written."""

    __slots__ = ("parts",)

    parts: tuple[int, ...]

    def __init__(self, *parts: int) -> None:
        object.__setattr__(self, "parts", parts)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.parts == other.parts

    def __lt__(self, other: "Version") -> bool:
        return self.parts < other.parts

    def __hash__(self) -> int:
        return hash(self.parts)


@frozen
class Releases:
    latest: Version = field(factory=lambda: Version(0, 0))


class Release(Action):
    kind: Literal["major", "minor"]

    def run(self, context: Context[Releases]) -> Result:
        major, minor = context.state.latest.parts
        return {"latest": Version(major + 1, 0) if self.kind == "major" else Version(major, minor + 1)}


@correct
class HoldsWhatCanNotBeRead(Agent[Releases], routes={"release": Release}): ...


@frozen
class Offers:
    cents: dict[str, int] = field(factory=dict)
    last: int = 0


class Offer(Action):
    sku: str
    cents: int = field(validator=attrs.validators.gt(0))

    def run(self, context: Context[Offers]) -> Result:
        return {"cents": {self.sku: self.cents}}


_OFFERED: dict[tuple[str, int], int] = {}


class Ask(Action):
    sku: str

    def run(self, context: Context[Offers]) -> Result:
        if self.sku not in context.state.cents:
            raise ActionError("not sold here")
        cents = context.state.cents[self.sku]
        return {"last": _OFFERED.setdefault((self.sku, cents), cents * 119 // 100)}


@correct
class CachesByAllThatCounts(Agent[Offers], routes={"offer": Offer, "ask": Ask}): ...


@frozen
class Recent:
    lines: tuple[str, ...] = field(default=(), validator=attrs.validators.max_len(8))
    gone: str = ""


class Note(Action):
    line: str

    def run(self, context: Context[Recent]) -> Result:
        lines = (*context.state.lines, self.line)
        return {"lines": lines[-8:], "gone": lines[0] if len(lines) > 8 else ""}


@correct
class DropsTheOldestWhenFull(Agent[Recent], routes={"note": Note}): ...


class PayEuros(Action):
    euros: float = field(validator=[attrs.validators.ge(0), attrs.validators.le(1000)])

    def run(self, context: Context[Box]) -> Result:
        return {"total": round(self.euros * 100)}


@correct
class RoundsHundredths(Agent[Box], routes={"pay": PayEuros}): ...


@law(RoundsHundredths)
def cents_are_those_of_the_price(before: Any, step: Any, after: Any, directives: Sequence[object]) -> bool:
    return not isinstance(step, PayEuros) or abs(after.state.total - step.euros * 100) <= 0.5001


class Search(Action):
    pattern: str = field(validator=attrs.validators.max_len(20))

    def run(self, context: Context[Box]) -> Result:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return {"total": len(re.findall(self.pattern, "[a] (b) a-z", re.IGNORECASE))}
        except re.error:
            raise ActionError("no pattern") from None


@correct
class HushesWarningsForAMoment(Agent[Box], routes={"search": Search}): ...
