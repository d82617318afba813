"""What orders (tests/runtime/durable.py) become in later versions, for tests."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from attrs import frozen

from jido_trio import Action, Agent, Context, Emit, Result
from jido_trio.core import Durable
from tests.runtime.durable import ROUTES, Add, Order, OrderState


@frozen
class CentsState:
    cents: int = 0
    notes: tuple[str, ...] = ()


class AddCents(Action):
    price: int

    def run(self, context: Context[CentsState]) -> Result:
        return {"cents": context.state.cents + self.price * 100}


class AddRounded(AddCents):
    def run(self, context: Context[CentsState]) -> Result:
        return {"cents": context.state.cents + self.price * 100 + (1 if self.price == 2 else 0)}


class AddLoudly(AddCents):
    def run(self, context: Context[CentsState]) -> Result:
        return {"cents": context.state.cents + self.price * 100}, [Emit("added")]


class AddBroken(AddCents):
    def run(self, context: Context[CentsState]) -> Result:
        if self.price == 2:
            raise ZeroDivisionError
        return {"cents": context.state.cents + self.price * 100}


class AddDouble(Add):
    def run(self, context: Context[OrderState]) -> Result:
        return {"total": context.state.total + 2 * self.price}


def to_cents(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"cents": fields["total"] * 100, "notes": fields["notes"]}


def to_cents_of_few(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    if fields["total"] > 102:
        raise ValueError(f"too much: {fields['total']}")
    return to_cents(fields)


CENTS = Durable(migrations={None: to_cents})


class Cents(Agent[CentsState], vsn="2", routes={**ROUTES, "add": AddCents}, durable=CENTS):
    """Orders in cents: they do what they did."""


class Rounded(Cents, routes={**ROUTES, "add": AddRounded}):
    """They come to another sum."""


class Loud(Cents, routes={**ROUTES, "add": AddLoudly}):
    """They do something else."""


class Broken(Cents, routes={**ROUTES, "add": AddBroken}):
    """They have a bug."""


class Few(Cents, durable=Durable(migrations={None: to_cents_of_few})):
    """Their migration has a bug."""


class Stranded(Agent[CentsState], vsn="2", durable=True):
    """There is no way to them."""


class Item(Order, vsn="1"):
    """A class whose code is changed in place."""


class _NewItem(Cents, vsn="2", durable=Durable(migrations={"1": to_cents})):
    """Its next version."""


class _RoundedItem(Rounded, vsn="2", durable=Durable(migrations={"1": to_cents})):
    """Another next version, which comes to another sum."""


class _BrokenItem(Broken, vsn="2", durable=Durable(migrations={"1": to_cents})):
    """One that has a bug."""


NEXT = {"same": _NewItem, "rounded": _RoundedItem, "broken": _BrokenItem}


@contextmanager
def deployed(cls: type[Agent[Any]], name: str = "Item") -> Iterator[type[Agent[Any]]]:
    """Have the class be found by a name of this module, as a deploy would."""
    module = sys.modules[__name__]
    before, at = getattr(module, name), (cls.__module__, cls.__qualname__)
    setattr(module, name, cls)
    cls.__module__, cls.__qualname__ = __name__, name
    try:
        yield cls
    finally:
        setattr(module, name, before)
        cls.__module__, cls.__qualname__ = at
