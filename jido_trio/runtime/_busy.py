"""Who keeps the event loop busy, for its watchdog: which agent, at what."""

from __future__ import annotations

from collections.abc import Mapping

from jido_trio.core import Signal
from jido_trio.redact import shown
from jido_trio.runtime._cell import Cell
from jido_trio.runtime._interpreter import Runtime
from jido_trio.runtime._job import Job
from jido_trio.runtime._life_tasks import LifeTasks
from jido_trio.supervision.inner import whose


@whose.register
def _(holder: Cell, names: Mapping[str, object]) -> str:
    signal = names.get("signal")
    return _agent(holder, signal) if isinstance(signal, Signal) else ""


@whose.register
def _(holder: Job, names: Mapping[str, object]) -> str:
    return f"{_agent(holder.runtime.cell, holder.runtime.signal)}, in its action {shown(holder.name)}"


@whose.register
def _(holder: LifeTasks, names: Mapping[str, object]) -> str:
    runtime = names.get("runtime")
    return _agent(runtime.cell, runtime.signal) if isinstance(runtime, Runtime) else ""


def _agent(cell: Cell, signal: Signal) -> str:
    return f"agent {shown(cell.id)} at {shown(signal.type)}"
