"""Signals to come."""

from typing import Any

from jido_trio.core import Action, Context, Result, Schedule, Signal


class ScheduleSignal(Action, description="Sends the agent a signal after a while"):
    """The signal comes through the agent's own routes."""

    delay: float
    """Seconds."""
    type: str
    payload: Any = None

    def run(self, _context: Context[Any]) -> Result:
        """Set the timer."""
        return [Schedule(self.delay, Signal(self.type, self.payload))]


class ScheduleTimeout(Action, description="Sends the agent an agent.timeout after a while"):
    """The signal `agent.timeout` carries `{"timeout_id": ...}`, to tell one from the other."""

    delay: float
    """Seconds."""
    timeout_id: str

    def run(self, _context: Context[Any]) -> Result:
        """Set the timer."""
        return [Schedule(self.delay, Signal("agent.timeout", {"timeout_id": self.timeout_id}))]
