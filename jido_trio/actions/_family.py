"""Parents and children: start one, end one, tell the parent, end oneself."""

from collections.abc import Mapping
from typing import Any

from attrs import field

from jido_trio.core import Action, Context, Result, SpawnAgent, Stop, StopChild, emit_to_parent


class NotifyParent(Action, description="Sends a signal to the agent's parent"):
    """Without a parent nothing is sent."""

    type: str
    payload: Any = None

    def run(self, _context: Context[Any]) -> Result:
        """Send it."""
        return [emit_to_parent(self.type, self.payload)]


class SpawnChild(Action, description="Starts an agent as a child"):
    """The parent hears `jido.agent.child.started`, and `jido.agent.child.exit` at its end."""

    agent: Any
    """The class, or an agent as it shall start."""
    tag: str
    id: str | None = None
    state: Mapping[str, Any] | None = None
    meta: Mapping[str, Any] = field(factory=dict)
    on_parent_death: Any = "stop"
    restart: Any = "transient"
    shutdown: Any = 5
    mailbox_size: int | None = None
    mailbox: Any = None
    backoff: Any = None
    budget: Any = "default"
    after_crash: Any = None
    max_handle_time: float | None = None
    default_dispatch: Any = None
    """These are as `SpawnAgent` has them."""

    def run(self, _context: Context[Any]) -> Result:
        """Start it."""
        return [
            SpawnAgent(
                self.agent,
                self.tag,
                id=self.id,
                state=self.state,
                on_parent_death=self.on_parent_death,
                restart=self.restart,
                meta=self.meta,
                shutdown=self.shutdown,
                mailbox_size=self.mailbox_size,
                mailbox=self.mailbox,
                backoff=self.backoff,
                budget=self.budget,
                after_crash=self.after_crash,
                max_handle_time=self.max_handle_time,
                default_dispatch=self.default_dispatch,
            )
        ]


class EndChild(Action, name="stop_child", description="Stops a child"):
    """A tag that no child has is ignored."""

    tag: str
    reason: Any = "normal"

    def run(self, _context: Context[Any]) -> Result:
        """Stop it."""
        return [StopChild(self.tag, self.reason)]


class StopSelf(Action, description="Stops the agent"):
    """For good: it isn't restarted."""

    reason: Any = "normal"

    def run(self, _context: Context[Any]) -> Result:
        """Stop."""
        return [Stop(self.reason)]
