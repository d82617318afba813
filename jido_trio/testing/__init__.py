"""Tools to test agents with, the same that jido_trio is tested with. Needs `pip install jido-trio[testing]`."""

from jido_trio.testing._machine import TrioStateMachine, step
from jido_trio.testing._strategies import actions, agents, changes, commands, fitting, plain_data, states

__all__ = [
    "TrioStateMachine",
    "actions",
    "agents",
    "changes",
    "commands",
    "fitting",
    "plain_data",
    "states",
    "step",
]
