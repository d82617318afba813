"""Durable agents for tests."""

from typing import Any

from attrs import frozen

from jido_trio import Action, Agent, Context, Emit, Instruction, ReplaceState, Result, RunInstruction, Schedule, ToAgent
from jido_trio.core import CancelSchedule, Durable, Outcome
from jido_trio.runtime import Runtime, interpret


@frozen
class OrderState:
    total: int = 0
    notes: tuple[str, ...] = ()


class Add(Action):
    price: int

    def run(self, context: Context[OrderState]) -> Result:
        return {"total": context.state.total + self.price}


class Note(Action):
    text: str

    def run(self, context: Context[OrderState]) -> Result:
        return {"notes": (*context.state.notes, self.text)}


class SetCents(Action):
    cents: int

    def run(self, context: Context[Any]) -> Result:
        return {"cents": self.cents}


class Break(Action):
    def run(self, context: Context[OrderState]) -> Result:
        raise RuntimeError("a bug")


@frozen
class Charge:
    """An effect on the world."""

    amount: int


CHARGED: list[tuple[int, str]] = []
"""What was charged, each with its key."""


@interpret.register
async def _(directive: Charge, runtime: Runtime) -> None:
    for hook in HOOKS:
        await hook(directive)
    CHARGED.append((directive.amount, runtime.key))


HOOKS: list[Any] = []
"""Called before something is charged."""


class Pay(Action):
    amounts: tuple[int, ...]

    def run(self, context: Context[OrderState]) -> Result:
        return {"total": context.state.total + sum(self.amounts)}, [Charge(amount) for amount in self.amounts]


class Forward(Action):
    to: str
    price: int

    def run(self, context: Context[OrderState]) -> Result:
        return {"total": context.state.total + 1}, [Emit("add", {"price": self.price}, dispatch=ToAgent(self.to))]


class Later(Action):
    seconds: float
    text: str
    key: str | None = None

    def run(self, context: Context[OrderState]) -> Result:
        from jido_trio import Signal

        return Schedule(self.seconds, Signal("note", {"text": self.text}), key=self.key)


class Cancel(Action):
    key: str

    def run(self, context: Context[OrderState]) -> Result:
        return CancelSchedule(self.key)


class Fetch(Action):
    async def run(self, context: Context[OrderState]) -> Result:
        for hook in HOOKS:
            await hook(context)
        return {"notes": (*context.state.notes, "fetched")}


class FetchAgain(Fetch, idempotent=True):
    """The same, and it may be run again."""


class StartFetch(Action):
    again: bool = False

    def run(self, context: Context[OrderState]) -> Result:
        return RunInstruction(Instruction(FetchAgain if self.again else Fetch))


class Collected(Action):
    outcome: Outcome

    def run(self, context: Context[OrderState]) -> Result:
        return {"notes": (*context.state.notes, "collected")}


class Collect(Action):
    def run(self, context: Context[OrderState]) -> Result:
        return RunInstruction(Instruction(FetchAgain), result_action=Collected)


ROUTES = {
    "collect": Collect,
    "add": Add,
    "note": Note,
    "break": Break,
    "pay": Pay,
    "forward": Forward,
    "later": Later,
    "cancel": Cancel,
    "fetch": StartFetch,
}


class Order(Agent[OrderState], routes=ROUTES, durable=True):
    """An order that outlives its process."""


class Careful(Order, durable=Durable(effects="at_least_once")):
    """Its effects are done at least once."""


class Plain(Agent[OrderState], routes=ROUTES):
    """One that doesn't."""


@frozen
class Priced:
    """In version 2 it was called `price`, in version 1 it was a text."""

    cents: int = 0


class Renewed(
    Agent[Priced],
    vsn="3",
    routes={"cents": SetCents},
    durable=Durable(
        migrations={
            "1": lambda fields: {"price": float(fields["price"])},
            "2": lambda fields: {"cents": round(fields["price"] * 100)},
        }
    ),
):
    """Its state has changed twice."""


class Forgetful(Order, durable=Durable(remembers=1, history=3)):
    """It remembers little."""


class Large(Order, durable=Durable(snapshot_every=10)):
    """It has a state that isn't written each time."""


@frozen
class HolderState:
    held: Any = None
    count: int = 0


class Hold(Action):
    def run(self, context: Context[HolderState]) -> Result:
        return ReplaceState(HolderState(print, context.state.count))


class Count(Action):
    def run(self, context: Context[HolderState]) -> Result:
        return {"count": context.state.count + 1}


class Holder(Agent[HolderState], routes={"hold": Hold, "count": Count}, durable=True):
    """It gets hold of what can't be kept."""
