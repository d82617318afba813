"""Ready-made actions, to be routed to as they are. Imports leaves, and the public names of core.

    class Worker(Agent[Progress], routes={"work.done": MarkCompleted, "order.*": Forward(agent="audit")}): ...

A class takes the signal's data as its parameters; a made action has them already, and takes a signal with any data.
They say where a job stands, pass signals on, look after children, and set timers. What an agent's state must have for
them is said by each; `Progress` has all of it, to be inherited from. Those on the world outside, files and the
like, are in `jido_trio.actions.outside`.
"""

from jido_trio.actions._arithmetic import Add, Divide, Multiply, Square, Subtract
from jido_trio.actions._family import EndChild, NotifyParent, SpawnChild, StopSelf
from jido_trio.actions._identity import EvolveIdentity
from jido_trio.actions._post import Broadcast, Forward, NotifyAgent, Respond
from jido_trio.actions._status import (
    Cancel,
    MarkCompleted,
    MarkFailed,
    MarkIdle,
    MarkWorking,
    Noop,
    Progress,
    SetStatus,
)
from jido_trio.actions._timers import ScheduleSignal, ScheduleTimeout

__all__ = [
    "Add",
    "Broadcast",
    "Cancel",
    "Divide",
    "EndChild",
    "EvolveIdentity",
    "Forward",
    "MarkCompleted",
    "MarkFailed",
    "MarkIdle",
    "MarkWorking",
    "Multiply",
    "Noop",
    "NotifyAgent",
    "NotifyParent",
    "Progress",
    "Respond",
    "ScheduleSignal",
    "ScheduleTimeout",
    "SetStatus",
    "SpawnChild",
    "Square",
    "StopSelf",
    "Subtract",
]
