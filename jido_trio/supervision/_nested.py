"""Supervisors as children of supervisors, of whatever kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio
from attrs import frozen

from jido_trio import checks
from jido_trio.redact import shown
from jido_trio.supervision._block import Block
from jido_trio.supervision._child import Child
from jido_trio.supervision._exit import Shutdown
from jido_trio.supervision._life import Life, active
from jido_trio.supervision._report import Sink, sink_for
from jido_trio.supervision._shell import OnGone, Shell
from jido_trio.supervision._spec import SupervisorSpec
from jido_trio.supervision._supervisor import Supervisor
from jido_trio.terms import Restart, ShutdownLimit


def plain_block(supervisor: Supervisor) -> Block[Supervisor]:
    """Return the block that gives the supervisor itself."""
    return Block(supervisor, supervisor)


@frozen
class Nested:
    """A supervisor that is to be the child of another."""

    spec: SupervisorSpec
    on_report: Sink | None = None
    """None for the sink of the supervisor above."""
    on_gone: OnGone | None = None
    block: Callable[[Supervisor], Block[Any]] = plain_block
    """Returns the block that it lives in; the face of that is the `value` of the child's ref."""

    def __attrs_post_init__(self) -> None:
        of = f"supervisor {shown(self.spec.name)}"
        checks.called_at_once(of, "on_report", self.on_report, takes="a report", or_none="None for that above")
        checks.called_at_once(of, "on_gone", self.on_gone, takes="an id and how it ended", or_none="None for nobody")

    def child(self, restart: Restart, shutdown: ShutdownLimit, *, significant: bool = False) -> Child:
        """Return it as a child."""
        return Child(
            self.spec.name,
            run_nested,
            self,
            restart=restart,
            shutdown=shutdown,
            significant=significant,
            kind="supervisor",
        )


def nested_spec(child: Child) -> SupervisorSpec | None:
    """Return what the child supervises, where it is made by `supervisor_child` or the like; else None."""
    return child.args[0].spec if child.args and isinstance(child.args[0], Nested) else None


@trio.lowlevel.enable_ki_protection  # between its block and the end of that, an interrupt would leave the block open
async def run_nested(nested: Nested, *, task_status: Life) -> None:
    """Run a supervisor as the child of another, until it ends or is asked to.

    Asked to stop it goes down in order; cancelled, its time being over, it takes its children down at once.
    """
    sink = sink_for(nested.on_report) if nested.on_report is not None else active(task_status).owner.sink
    shell = Shell(nested.spec, sink, on_gone=nested.on_gone)
    block = nested.block(Supervisor(shell))
    block.kill_if_cancelled = True
    task_status.trap_stop(block.stop)
    async with block as face:
        task_status.started(face)
        await shell.finished.wait()
    if not task_status.stopping:
        raise Shutdown("auto_shutdown")
