"""An agent with laws and models of its author's, of which some are wrong; and strategies and actions alone."""

from collections.abc import Sequence
from typing import Any

import attrs
from attrs import field, frozen, validators

from jido_trio import Action, ActionError, Agent, Context, Emit, Error, Result
from jido_trio.testing import law, model


@frozen
class Money:
    cents: int = 0


class Deposit(Action):
    cents: int = field(validator=validators.ge(1))

    def run(self, context: Context[Money]) -> Result:
        return {"cents": context.state.cents + self.cents}


class Withdraw(Action):
    cents: int = field(validator=validators.ge(1))

    def run(self, context: Context[Money]) -> Result:
        if self.cents > context.state.cents:
            raise ActionError("too much")
        return {"cents": context.state.cents - self.cents}


class Fee(Action):
    def run(self, context: Context[Money]) -> Result:
        return {"cents": context.state.cents - 1 if context.state.cents > 100 else context.state.cents}


class Account(Agent[Money], routes={"deposit": Deposit, "withdraw": Withdraw}): ...


class Charged(Account, routes={"deposit": Deposit, "withdraw": Withdraw, "fee": Fee}): ...


@law(Account)
def only_a_withdrawal_makes_it_less(before: Account, step: Any, after: Account, directives: Sequence[object]) -> bool:
    told = step[0] if isinstance(step, tuple) else getattr(step, "type", type(step))
    return told in ("withdraw", Withdraw) or after.state.cents >= before.state.cents


@model(Account)
class Sum:
    def __init__(self, account: Account) -> None:
        self.cents = account.state.cents

    def tell(self, step: Any, directives: Sequence[object]) -> None:
        if any(isinstance(one, Error) for one in directives):
            return
        cls, params = type(step), attrs.asdict(step) if isinstance(step, Action) else {}
        if isinstance(step, tuple):
            cls, params = step
        if hasattr(step, "data"):
            cls, params = {"deposit": Deposit, "withdraw": Withdraw}.get(step.type, Fee), step.data
        self.cents += {Deposit: 1, Withdraw: -1}.get(cls, 0) * params.get("cents", 0)

    def agrees(self, account: Account) -> bool:
        return account.state.cents == self.cents


@frozen
class Shared:
    cents: int = 0


class Divides(Action):
    by: int

    def run(self, context: Context[Shared]) -> Result:
        return {"cents": context.state.cents // self.by}


class Downloads(Action):
    async def run(self, context: Context[Shared]) -> Result:
        return {}


class Nowhere(Action):
    def run(self, context) -> Result:
        return {}


class Plain:
    """A strategy that does as `Direct` does."""

    def init(self, agent):
        return agent, ()

    def run(self, agent, instructions, signal):
        from jido_trio.core import Direct

        return Direct().run(agent, instructions, signal)


class Forgets(Plain):
    """Stops at the first that says no, with what went before it."""

    calls = 0

    def run(self, agent, instructions, signal):
        Forgets.calls += 1
        return super().run(agent, instructions, signal) if Forgets.calls % 3 else (agent, ())


class Raises(Plain):
    def run(self, agent, instructions, signal):
        after, directives = super().run(agent, instructions, signal)
        if any(isinstance(one, Emit) for one in directives):
            raise LookupError("nobody to tell")
        return after, directives
