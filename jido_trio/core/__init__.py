"""What an agent is and how it decides: values and pure functions. Imports the leaves only, and never trio."""

from jido_trio.core._action import Action, Effect, Result, ResultOf
from jido_trio.core._agent import Agent, NoState
from jido_trio.core._catalogue import Catalogue
from jido_trio.core._context import ActingAgent, Context
from jido_trio.core._cron import Missed, Times, times_of
from jido_trio.core._directives import (
    AdoptChild,
    ApplyOutcome,
    CancelRun,
    CancelSchedule,
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
from jido_trio.core._drawing import Drawing, Edge, Node
from jido_trio.core._durable import Durable, Migration
from jido_trio.core._error_policy import EmitErrors, ErrorPolicy, MaxErrors
from jido_trio.core._fsm import Fsm, Machine
from jido_trio.core._fsm_table import FsmState, Transition
from jido_trio.core._identity import Identity
from jido_trio.core._input import Input
from jido_trio.core._instruction import Command, Instruction
from jido_trio.core._invariant import invariant
from jido_trio.core._journal import (
    ABSENT,
    Absent,
    Began,
    Difference,
    Divergence,
    Entry,
    Fork,
    Heard,
    Learnt,
    Pending,
    Rewound,
    WhatIf,
    diff,
    mark_of,
    rehearsal,
    replay,
    steps,
    what_if,
)
from jido_trio.core._memory import Memory, Space
from jido_trio.core._migration import migrated
from jido_trio.core._pattern import matches
from jido_trio.core._plan import From, Plan, PlanRun, StartPlan, Step, StepDone, UndoStep
from jido_trio.core._plugged import PluggedState
from jido_trio.core._plugin import Plugin, PluginChange
from jido_trio.core._policy import AtOnce, Breaker, Policy, Rate
from jido_trio.core._resources import Resources
from jido_trio.core._router import Route, Router, Unrouted
from jido_trio.core._sensor import Sensing, Sensor
from jido_trio.core._sent import Replying, Sent, carried, carrier
from jido_trio.core._signal import Signal, from_json_batch, to_json_batch
from jido_trio.core._snapshot import Snapshot, Status, snapshot_of
from jido_trio.core._state_ops import AppendEntries, DeleteKeys, DeletePath, ReplaceState, SetPath, SetState, StateOp
from jido_trio.core._strategy import Direct, Strategy, Subject, Tick, run_instruction
from jido_trio.core._thread import Appended, SaveThread, Thread, ThreadEntry
from jido_trio.core._ticks import tick
from jido_trio.core._tool import ToolLimits, ToolSpec, tool_of
from jido_trio.data import FrozenDict, FrozenList, freeze, thaw
from jido_trio.redact import Secret

__all__ = [
    "ABSENT",
    "Absent",
    "ActingAgent",
    "Action",
    "AdoptChild",
    "Agent",
    "AppendEntries",
    "Appended",
    "ApplyOutcome",
    "AtOnce",
    "Began",
    "Breaker",
    "CancelRun",
    "CancelSchedule",
    "Catalogue",
    "Command",
    "Context",
    "Cron",
    "CronCancel",
    "DeleteKeys",
    "DeletePath",
    "Difference",
    "Direct",
    "Directive",
    "Divergence",
    "Drawing",
    "Durable",
    "Edge",
    "Effect",
    "Emit",
    "EmitErrors",
    "Entry",
    "Error",
    "ErrorPolicy",
    "Fork",
    "From",
    "FrozenDict",
    "FrozenList",
    "Fsm",
    "FsmState",
    "Heard",
    "Identity",
    "Input",
    "Instruction",
    "Learnt",
    "Machine",
    "MaxErrors",
    "Memory",
    "Migration",
    "Missed",
    "NoState",
    "Node",
    "Outcome",
    "Pending",
    "Plan",
    "PlanRun",
    "PluggedState",
    "Plugin",
    "PluginChange",
    "Policy",
    "Rate",
    "ReplaceState",
    "Replying",
    "Resources",
    "Result",
    "ResultOf",
    "Rewound",
    "Route",
    "Router",
    "RunInstruction",
    "SaveThread",
    "Schedule",
    "Secret",
    "Sensing",
    "Sensor",
    "Sent",
    "SetPath",
    "SetState",
    "Signal",
    "Snapshot",
    "Space",
    "Spawn",
    "SpawnAgent",
    "StartPlan",
    "StartSensor",
    "StateOp",
    "Status",
    "Step",
    "StepDone",
    "Stop",
    "StopChild",
    "StopSensor",
    "Strategy",
    "Subject",
    "Thread",
    "ThreadEntry",
    "Tick",
    "Times",
    "ToAgent",
    "ToParent",
    "ToolLimits",
    "ToolSpec",
    "Transition",
    "UndoStep",
    "Unrouted",
    "WhatIf",
    "carried",
    "carrier",
    "diff",
    "emit_to",
    "emit_to_parent",
    "freeze",
    "from_json_batch",
    "invariant",
    "mark_of",
    "matches",
    "migrated",
    "rehearsal",
    "replay",
    "run_instruction",
    "snapshot_of",
    "steps",
    "thaw",
    "tick",
    "times_of",
    "to_json_batch",
    "tool_of",
    "what_if",
]
