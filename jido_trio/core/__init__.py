"""What an agent is and how it decides: values and pure functions. Imports the leaves only, and never trio."""

from jido_trio.core._action import Action, Effect, Result
from jido_trio.core._agent import Agent, NoState
from jido_trio.core._context import Context
from jido_trio.core._directives import (
    AdoptChild,
    ApplyOutcome,
    Cron,
    CronCancel,
    Directive,
    Emit,
    Error,
    Outcome,
    RunInstruction,
    Schedule,
    Spawn,
    SpawnAgent,
    StartSensor,
    Stop,
    StopChild,
    StopSensor,
    ToAgent,
    ToParent,
    emit_to,
    emit_to_parent,
)
from jido_trio.core._error_policy import EmitErrors, ErrorPolicy, MaxErrors, Verdict, decide_error
from jido_trio.core._instruction import Command, Instruction
from jido_trio.core._pattern import matches
from jido_trio.core._resources import Resources
from jido_trio.core._router import Route, Router, Unrouted
from jido_trio.core._signal import Signal, from_json_batch, to_json_batch
from jido_trio.core._state_ops import DeleteKeys, DeletePath, ReplaceState, SetPath, SetState, StateOp
from jido_trio.core._strategy import Direct, Strategy, run_instruction
from jido_trio.data import FrozenDict, FrozenList, freeze, thaw

__all__ = [
    "Action",
    "AdoptChild",
    "Agent",
    "ApplyOutcome",
    "Command",
    "Context",
    "Cron",
    "CronCancel",
    "DeleteKeys",
    "DeletePath",
    "Direct",
    "Directive",
    "Effect",
    "Emit",
    "EmitErrors",
    "Error",
    "ErrorPolicy",
    "FrozenDict",
    "FrozenList",
    "Instruction",
    "MaxErrors",
    "NoState",
    "Outcome",
    "ReplaceState",
    "Resources",
    "Result",
    "Route",
    "Router",
    "RunInstruction",
    "Schedule",
    "SetPath",
    "SetState",
    "Signal",
    "Spawn",
    "SpawnAgent",
    "StartSensor",
    "StateOp",
    "Stop",
    "StopChild",
    "StopSensor",
    "Strategy",
    "ToAgent",
    "ToParent",
    "Unrouted",
    "Verdict",
    "decide_error",
    "emit_to",
    "emit_to_parent",
    "freeze",
    "from_json_batch",
    "matches",
    "run_instruction",
    "thaw",
    "to_json_batch",
]
