"""Partitions: tenants of one instance, each with agents, ids, limits and counts of its own.

A partition is to its agents what an instance is: they find each other by id within it, and nobody beyond. It shares
with its instance what costs something: the run queue, the timers, the supervision tree. In that it is one more
supervisor, a temporary child: when its agents crash too often it is stopped, with all of them, and the others go on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import trio
from attrs import evolve

from jido_trio.errors import ChildRefused, WouldDeadlock
from jido_trio.redact import shown
from jido_trio.runtime._agents import Agents
from jido_trio.runtime._cell import Instance
from jido_trio.supervision import Child, Life, Supervisor


class Partition(Agents):
    """Agents of one tenant. `Jido.partition` returns it; it ends with the instance, by `stop`, or by its crashes."""

    def __init__(self, name: str, instance: Instance, root: Supervisor, child: str, over: trio.Event) -> None:
        super().__init__(instance)
        self._name, self._root, self._child, self._over = name, root, child, over
        self._stopping = False

    def __repr__(self) -> str:
        return f"<Partition {shown(self._name)}, {len(self._instance.cells)} agents>"

    @property
    def name(self) -> str:
        """What it is called."""
        return self._name

    @property
    def ended(self) -> bool:
        """Whether it takes no more agents; `Jido.partition` then opens another of that name."""
        return self._instance.ended

    @property
    def ends(self) -> bool:
        """Whether it has ended, or is about to: its agents are being stopped."""
        agents = self._instance.supervisor
        return self._stopping or self.ended or agents is None or agents.inspect().phase != "up"

    async def stop(self) -> None:
        """Stop it and all its agents, each within its `shutdown`, and return when that is done.

        Raises:
            WouldDeadlock: One of them waits for the interpreter that calls this, or its end for the async action that
                does.
        """
        self._stopping = True
        try:
            await self._root.terminate_child(self._child)
        except ChildRefused as refused:
            if refused.reason != "not_found":
                self._stopping = False
                raise self._circle() or refused from None
            # It has ended already.

    def _circle(self) -> WouldDeadlock | None:
        """Return what the current task is told, if it is an agent's."""
        agents = self._instance.supervisor
        within = (id for id in self._instance.cells if agents is not None and agents.is_within(id))
        return next((WouldDeadlock(id, (id, id)) for id in within), None)

    async def wait_over(self) -> None:
        """Wait until it has ended."""
        await self._over.wait()


async def open_partition(root: Supervisor, instance: Instance, name: str, child: Child) -> Partition:
    """Have the supervisor of a partition's agents run under `root`, and return the partition."""
    run: Any = child.fn
    over = trio.Event()
    try:
        ref = await root.start_child(evolve(child, fn=partial(_until_closed, run, instance, over)))
    except BaseException:
        root.terminate_child_soon(child.id)  # cancelled, it may have been started all the same
        raise
    agents = ref.value
    assert isinstance(agents, Supervisor)  # noqa: S101  # what a dynamic supervisor's ref holds
    instance.supervisor = agents
    return Partition(name, instance, root, child.id, over)


async def _until_closed(
    run: Callable[..., Awaitable[object]], instance: Instance, over: trio.Event, *args: object, task_status: Life
) -> None:
    try:
        await run(*args, task_status=task_status)
    finally:
        instance.close()
        over.set()
