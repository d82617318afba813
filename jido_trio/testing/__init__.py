"""Tools to test agents with, the same that jido_trio is tested with. Needs the extra `testing`."""

from jido_trio.extras import require

try:
    from jido_trio.testing._conformance import (
        NAMES,
        Conformance,
        LawVerdict,
        check_agent,
        conformance,
        told_verdict,
    )
    from jido_trio.testing._machine import StepNeverEnds, TrioStateMachine, step
    from jido_trio.testing._storage_laws import check_storage
    from jido_trio.testing._strategies import actions, agents, changes, commands, fitting, plain_data, states
    from jido_trio.testing._subject import AgentUnderTest, subject_of, subjects
except ModuleNotFoundError:
    require("testing", "hypothesis")
    raise

__all__ = [
    "NAMES",
    "AgentUnderTest",
    "Conformance",
    "LawVerdict",
    "StepNeverEnds",
    "TrioStateMachine",
    "actions",
    "agents",
    "changes",
    "check_agent",
    "check_storage",
    "commands",
    "conformance",
    "fitting",
    "plain_data",
    "states",
    "step",
    "subject_of",
    "subjects",
    "told_verdict",
]
