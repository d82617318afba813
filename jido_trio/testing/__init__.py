"""Tools to test agents with, the same that jido_trio is tested with. Needs the extra `testing`."""

from jido_trio.extras import require

try:
    from jido_trio.testing._machine import StepNeverEnds, TrioStateMachine, step
    from jido_trio.testing._storage_laws import check_storage
    from jido_trio.testing._strategies import actions, agents, changes, commands, fitting, plain_data, states
except ModuleNotFoundError:
    require("testing", "hypothesis")
    raise

__all__ = [
    "StepNeverEnds",
    "TrioStateMachine",
    "actions",
    "agents",
    "changes",
    "check_storage",
    "commands",
    "fitting",
    "plain_data",
    "states",
    "step",
]
