"""Arithmetic: `{"result": ...}` of two numbers."""

import math
from typing import Any

from jido_trio.core import Action, Context, Result
from jido_trio.errors import Permanent


class _OfTwo(Action):
    value: float
    amount: float


def _result(number: float) -> Result:
    if not math.isfinite(number):
        raise Permanent("the result is too large for a number")
    return {"result": number}


class Add(_OfTwo, category="arithmetic", tags=["math"]):
    """Add an amount to a value."""

    def run(self, _context: Context[Any]) -> Result:
        """Return `{"result": the sum}`."""
        return _result(self.value + self.amount)


class Subtract(_OfTwo, category="arithmetic", tags=["math"]):
    """Subtract an amount from a value."""

    def run(self, _context: Context[Any]) -> Result:
        """Return `{"result": the difference}`."""
        return _result(self.value - self.amount)


class Multiply(_OfTwo, category="arithmetic", tags=["math"]):
    """Multiply a value by an amount."""

    def run(self, _context: Context[Any]) -> Result:
        """Return `{"result": the product}`."""
        return _result(self.value * self.amount)


class Divide(_OfTwo, category="arithmetic", tags=["math"]):
    """Divide a value by an amount."""

    def run(self, _context: Context[Any]) -> Result:
        """Return `{"result": the quotient}`."""
        if self.amount == 0:
            raise Permanent(f"{self.value:g} can't be divided by 0")
        return _result(self.value / self.amount)


class Square(Action, category="arithmetic", tags=["math"]):
    """Multiply a value by itself."""

    value: float

    def run(self, _context: Context[Any]) -> Result:
        """Return `{"result": the square}`."""
        return _result(self.value * self.value)
