"""Where a job stands: written into the state, so that whoever waits for the agent sees it."""

from typing import Any

from attrs import frozen

from jido_trio.core import Action, Context, Result


@frozen
class Progress:
    """A state that these actions can write to; inherit from it, or have fields of these names."""

    status: str = "idle"
    """idle, working, completed, failed, or a word of yours."""
    last_answer: Any = None
    """What came of it, once it is completed."""
    error: Any = None
    """Why it failed, once it has."""
    task: str | None = None
    """What it works on."""


class SetStatus(Action, description="Writes a word to the state's status"):
    """The state has a field `status`."""

    status: str

    def run(self, _context: Context[Any]) -> Result:
        """Change the status, and nothing else."""
        return {"status": self.status}


class MarkWorking(Action, description="Says that work has begun"):
    """The state has a field `status`; and `task`, where a task is named."""

    task: str | None = None

    def run(self, _context: Context[Any]) -> Result:
        """Set the status to working."""
        return {"status": "working"} if self.task is None else {"status": "working", "task": self.task}


class MarkCompleted(Action, description="Says that the work is done, and what came of it"):
    """The state has the fields `status` and `last_answer`. Any answer is kept: False, 0 and None too."""

    result: Any = None

    def run(self, _context: Context[Any]) -> Result:
        """Set the status to completed."""
        return {"status": "completed", "last_answer": self.result}


class MarkFailed(Action, description="Says that the work has failed, and why"):
    """The state has the fields `status` and `error`."""

    reason: Any = None

    def run(self, _context: Context[Any]) -> Result:
        """Set the status to failed."""
        return {"status": "failed", "error": self.reason}


class MarkIdle(Action, description="Says that there is nothing to do"):
    """The state has a field `status`."""

    def run(self, _context: Context[Any]) -> Result:
        """Set the status to idle."""
        return {"status": "idle"}


class Cancel(Action, description="Gives the work up because somebody asked for it"):
    """The state has the fields `status` and `error`. What runs already goes on: cancelling is advice."""

    reason: Any = "cancelled"

    def run(self, _context: Context[Any]) -> Result:
        """Set the status to failed, with ("cancelled", reason) as the error."""
        return {"status": "failed", "error": ("cancelled", self.reason)}


class Noop(Action, description="Does nothing"):
    """For signals that an agent shall take and not act upon."""

    def run(self, _context: Context[Any]) -> Result:
        """Change nothing."""
        return None
