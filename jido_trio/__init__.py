"""Fault-tolerant agents on Trio: agents are values, supervisors restart them as Erlang/OTP does.

The names most programs need. `jido_trio.core` is the pure half, `jido_trio.supervision` the supervisors alone,
`jido_trio.runtime` the living agents, `jido_trio.testing` the property toolkit, `jido_trio.errors` every exception.

A name is imported when it is first used: who needs only the pure half never loads Trio.
"""

import importlib
import sys
import typing

if typing.TYPE_CHECKING:
    from jido_trio.core import (
        Action,
        Agent,
        Context,
        Cron,
        CronCancel,
        DeleteKeys,
        DeletePath,
        Emit,
        EmitErrors,
        Error,
        Instruction,
        MaxErrors,
        ReplaceState,
        Result,
        Route,
        RunInstruction,
        Schedule,
        Secret,
        SetPath,
        SetState,
        Signal,
        SpawnAgent,
        Stop,
        StopChild,
        ToAgent,
        ToParent,
        invariant,
    )
    from jido_trio.errors import (
        ActionError,
        AgentCrashed,
        AgentNotFound,
        AgentStopped,
        CallError,
        CallTimeout,
        DuplicateAgent,
        InvalidDefinition,
        JidoError,
        MailboxFull,
        NoRoute,
        Permanent,
        RestartIntensityExceeded,
        StartFailed,
        Transient,
        WouldDeadlock,
    )
    from jido_trio.runtime import AgentRef, DeadLetter, Jido, Runtime, interpret
    from jido_trio.supervision import Child, Shutdown, Supervisor, open_supervisor

__all__ = [
    "Action",
    "ActionError",
    "Agent",
    "AgentCrashed",
    "AgentNotFound",
    "AgentRef",
    "AgentStopped",
    "CallError",
    "CallTimeout",
    "Child",
    "Context",
    "Cron",
    "CronCancel",
    "DeadLetter",
    "DeleteKeys",
    "DeletePath",
    "DuplicateAgent",
    "Emit",
    "EmitErrors",
    "Error",
    "Instruction",
    "InvalidDefinition",
    "Jido",
    "JidoError",
    "MailboxFull",
    "MaxErrors",
    "NoRoute",
    "Permanent",
    "ReplaceState",
    "RestartIntensityExceeded",
    "Result",
    "Route",
    "RunInstruction",
    "Runtime",
    "Schedule",
    "Secret",
    "SetPath",
    "SetState",
    "Shutdown",
    "Signal",
    "SpawnAgent",
    "StartFailed",
    "Stop",
    "StopChild",
    "Supervisor",
    "ToAgent",
    "ToParent",
    "Transient",
    "WouldDeadlock",
    "interpret",
    "invariant",
    "open_supervisor",
]

_NAMES = {
    "jido_trio.core": (
        "Action Agent Context Cron CronCancel DeleteKeys DeletePath Emit EmitErrors Error Instruction MaxErrors "
        "ReplaceState Result Route RunInstruction Schedule Secret SetPath SetState Signal SpawnAgent Stop StopChild "
        "ToAgent ToParent invariant"
    ),
    "jido_trio.errors": (
        "ActionError AgentCrashed AgentNotFound AgentStopped CallError CallTimeout DuplicateAgent "
        "InvalidDefinition JidoError MailboxFull NoRoute Permanent RestartIntensityExceeded StartFailed Transient "
        "WouldDeadlock"
    ),
    "jido_trio.runtime": "AgentRef DeadLetter Jido Runtime interpret",
    "jido_trio.supervision": "Child Shutdown Supervisor open_supervisor",
}
"""The same names by the part that each comes from, for programs that run: the imports above are for type checkers."""

_HOMES = {name: part for part, names in _NAMES.items() for name in names.split()}
_PARTS = frozenset({"core", "errors", "runtime", "supervision", "testing", "world"})


if not typing.TYPE_CHECKING:  # which would take any name for one of ours

    def __getattr__(name: str) -> object:
        if name in _PARTS:
            return importlib.import_module(f"{__name__}.{name}")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=sys.modules[__name__])
        value: object = getattr(importlib.import_module(_HOMES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*__all__, *_PARTS})
