"""Passing signals on. A signal that is passed on is a new one, caused by that which the agent handles."""

from collections.abc import Mapping, Sequence
from typing import Any

from jido_trio.core import Action, Context, Emit, Result, Signal, ToAgent, emit_to
from jido_trio.errors import ActionError


class NotifyAgent(Action, description="Sends a signal to an agent by id"):
    """An agent that isn't there makes it a dead letter."""

    agent: str
    type: str
    payload: Any = None

    def run(self, _context: Context[Any]) -> Result:
        """Send it."""
        return [emit_to(self.agent, self.type, self.payload)]


class Forward(Action, description="Sends the signal on to another agent"):
    """Type, data and subject stay; the source tells that it was passed on: `/shop` becomes `/shop/forwarded`."""

    agent: str

    def run(self, context: Context[Any]) -> Result:
        """Send the signal that the agent handles to `agent`."""
        signal = _handled(context, self.name)
        return [Emit(_passed_on(signal), dispatch=ToAgent(self.agent))]


class Broadcast(Action, description="Sends a signal to several agents"):
    """Each is sent the same signal."""

    agents: Sequence[str]
    type: str
    payload: Any = None

    def run(self, _context: Context[Any]) -> Result:
        """Send it to all of them."""
        return [Emit(self.type, self.payload, dispatch=[ToAgent(agent) for agent in self.agents])]


class Respond(Action, name="reply", description="Answers the agent that the signal names in its data as reply_to"):
    """For agents that speak by signals; a caller of `call` has its answer anyway."""

    type: str = "reply"
    payload: Any = None

    def run(self, context: Context[Any]) -> Result:
        """Send the answer, with the id of the question as `in_reply_to`."""
        signal = _handled(context, self.name)
        to = signal.data.get("reply_to") if isinstance(signal.data, Mapping) else None
        if not isinstance(to, str) or not to:
            raise ActionError(
                f"signal {signal.type!r} names nobody to reply to: its data needs reply_to, an agent's id"
            )
        return [emit_to(to, self.type, {"in_reply_to": signal.id, "payload": self.payload})]


def _handled(context: Context[Any], action: str) -> Signal:
    if context.signal is None:
        raise ActionError(f"action {action!r} needs the signal that it is about; give cmd a signal")
    return context.signal


def _passed_on(signal: Signal) -> Signal:
    return Signal(
        signal.type, signal.data, source=f"{signal.source.rstrip('/')}/forwarded", subject=signal.subject
    ).caused_by(signal)
