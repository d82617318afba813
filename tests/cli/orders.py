"""What might have been instead of the orders in tests/runtime/durable.py."""

from jido_trio import Context, Result
from tests.runtime.durable import Add, Order, OrderState


class AddTaxed(Add):
    def run(self, context: Context[OrderState]) -> Result:
        tax = 1 if self.price >= 2 else 0
        return {"total": context.state.total + self.price + tax}


class AddBroken(Add):
    def run(self, context: Context[OrderState]) -> Result:
        if self.price == 2:
            raise ZeroDivisionError
        return super().run(context)


class Taxed(Order, routes={"add": AddTaxed}):
    """Orders with a tax."""


class Untyped(Order, vsn="9", durable=True):
    """The same, as another version that needs no migration."""
