"""Sensors of agents: tasks that watch the world, and tell the agent by signals. StartSensor, StopSensor.

A sensor is a child of the supervisor that the agents have, too, and is begun anew after a crash with pauses that get
longer. It belongs to the agent's place, not to one of its lives: a crash of the agent doesn't disturb it, and what it
sends waits in the mailbox. It ends with the agent. A sensor that sends more than the agent handles waits for room.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Mapping
from contextlib import aclosing
from itertools import chain, count
from typing import Any, cast

from attrs import define, field, frozen

from jido_trio.core import Resources, Signal, StartSensor, StopSensor
from jido_trio.core.inner import checked_sensor
from jido_trio.errors import ActionError, AgentStopped, JidoError
from jido_trio.redact import said, shown
from jido_trio.runtime._cell import Cell
from jido_trio.runtime._interpreter import Runtime, interpret
from jido_trio.runtime._messages import News
from jido_trio.runtime._ref import AgentRef, cell_of
from jido_trio.supervision import Backoff, Budget, Child
from jido_trio.terms import ExitKind
from jido_trio.world import using

BACKOFF = Backoff(first=0.1, cap=30)
"""Pauses before a sensor is begun anew, unless its start says otherwise."""

AT_ONCE = Budget(max_restarts=3, max_seconds=5, exhausted="stop")
"""How often a sensor without pauses may crash."""

WITH_PAUSES = Budget(max_restarts=1_000, max_seconds=5, exhausted="stop")
"""The same with pauses, which are limit enough."""


@frozen(eq=False)
class _Sensing:
    """What a sensor is given; see `Sensing`."""

    agent_id: str
    tag: str
    resources: Resources
    _cell: Cell = field(repr=False)

    @property
    def source(self) -> str:
        return f"{self._cell.instance.source}/agent/{self.agent_id}/sensor/{self.tag}"

    def emit(self, signal: Signal | str, data: object = None) -> Awaitable[None]:
        """See `Sensing`."""
        return self.pass_on(signal if isinstance(signal, Signal) else (signal, data))

    async def pass_on(self, item: object) -> None:
        """Send the agent what a sensor has yielded."""
        match item:
            case Signal():
                signal = item
            case (str() as kind, data):
                with using(self._cell.instance.world):
                    signal = Signal(kind, data, source=self.source)
            case _:
                raise TypeError(f"sensor {shown(self.tag)} yielded {shown(item)}: yield a Signal, or (type, data)")
        await AgentRef(cast("Any", self._cell)).cast(signal)


@define(eq=False)
class _Runner:
    """A sensor of an agent, while it is wanted."""

    owner: Sensors
    asked: StartSensor
    id: str
    """Of the child, under the supervisor of the agents."""

    async def run(self) -> None:
        """Be one life of the sensor."""
        cell, asked = self.owner.cell, self.asked
        sensing = _Sensing(cell.id, asked.tag, cell.instance.resources, cell)
        sensor: Any = checked_sensor("StartSensor", asked.sensor, asked.config)
        try:
            with using(cell.instance.world):
                ran = sensor(**asked.config) if inspect.isfunction(sensor) else sensor.run(sensing)
            if hasattr(ran, "__aiter__"):
                async with aclosing(ran):
                    async for item in ran:
                        await sensing.pass_on(item)
            else:
                await ran
        except AgentStopped as stopped:
            if stopped.agent_id != cell.id or not cell.closed:
                raise  # another agent, that the sensor speaks to
            # It ends with its own, which may be a moment before.

    def gone(self, exit: ExitKind) -> None:
        """Take note that it has ended for good."""
        self.owner.ended(self, exit)


@define(eq=False)
class Sensors:
    """The sensors of one agent, over all its lives."""

    cell: Cell
    _by_tag: dict[str, _Runner] = field(factory=dict)

    def start(self, asked: StartSensor) -> None:
        """Start a sensor.

        Raises:
            ActionError: Its tag is in use and it shall not replace what has it, or the instance stops.
        """
        instance = self.cell.instance
        known = self._by_tag.get(asked.tag)
        if known is not None and not asked.replace:
            raise ActionError(f"agent {shown(self.cell.id)} has a sensor with tag {shown(asked.tag)} already")
        name = f"{self.cell.id}/sensor/{asked.tag}"
        id = next(id for id in chain([name], (f"{name}-{number}" for number in count(2))) if not instance.has(id))
        runner = _Runner(self, asked, id)
        try:
            instance.running().start_child_soon(_child(id, runner, asked))
        except JidoError as error:
            what = f"agent {shown(self.cell.id)} can't have sensor {shown(asked.tag)}"
            raise ActionError(f"{what}: {said(error)}") from None
        instance.others[id] = runner
        self._by_tag[asked.tag] = runner
        if known is not None:
            self._end(known)

    def stop(self, tag: str) -> None:
        """Begin to stop a sensor, whose tag is free from now on."""
        runner = self._by_tag.pop(tag, None)
        if runner is not None:
            self._end(runner)

    def _end(self, runner: _Runner) -> None:
        supervisor = self.cell.instance.supervisor
        if supervisor is not None:
            supervisor.terminate_child_soon(runner.id)

    def ended(self, runner: _Runner, exit: ExitKind) -> None:
        """Take note that a sensor has ended for good, whether it was stopped or not."""
        if self._by_tag.get(runner.asked.tag) is not runner:
            return
        del self._by_tag[runner.asked.tag]
        asked, instance = runner.asked, self.cell.instance
        sensor = asked.sensor
        named = sensor.name if hasattr(sensor, "name") else getattr(sensor, "__name__", "")
        data = {"tag": asked.tag, "sensor": named, "reason": exit, "meta": asked.meta}
        with using(instance.world):
            self.cell.put(News(Signal("jido.agent.sensor.exit", data, source=instance.source)))
        if asked.link and exit == "crash" and instance.supervisor is not None:
            instance.supervisor.kill_child(self.cell.id)

    async def inject(self, tag: str, item: object) -> None:
        """Send what the sensor with that tag might have."""
        await _Sensing(self.cell.id, tag, self.cell.instance.resources, self.cell).pass_on(item)

    def inspect(self) -> Mapping[str, object]:
        """Return the tags of the sensors."""
        return {"sensors": sorted(self._by_tag)}

    def up(self) -> None:
        """See `Belonging`. Those of the class begin."""
        for asked in type(self.cell.initial).sensors:
            if asked.tag not in self._by_tag:
                self.start(asked)

    def again(self) -> None:
        """See `Belonging`."""

    def gone(self, exit: ExitKind) -> None:
        """See `Belonging`."""
        for tag in tuple(self._by_tag):
            self.stop(tag)


def _child(id: str, runner: _Runner, asked: StartSensor) -> Child:
    default = isinstance(asked.backoff, str) and asked.backoff == "default"
    backoff = BACKOFF if default else cast("Backoff | None", asked.backoff)  # checked with the child's spec
    restart = "temporary" if asked.link else asked.restart
    return Child(id, runner.run, restart=restart, backoff=backoff, budget=AT_ONCE if backoff is None else WITH_PAUSES)


def _sensors_of(cell: Cell) -> Sensors:
    sensors = cell.kept(Sensors)
    if sensors is None:
        sensors = Sensors(cell)
        cell.keep(sensors)
    return sensors


async def inject(agent: AgentRef[Any], tag: str, item: object) -> None:
    """Send an agent what a sensor of it might have yielded: a signal, or (type, data). For tests; there need be none.

    Raises:
        CallError: The agent has ended.
        TypeError: A sensor can't yield that.
    """
    cell = cell_of(agent)
    await (cell.kept(Sensors) or Sensors(cell)).inject(tag, item)


@interpret.register
def _(directive: StartSensor, runtime: Runtime) -> None:
    _sensors_of(runtime.cell).start(directive)


@interpret.register
def _(directive: StopSensor, runtime: Runtime) -> None:
    sensors = runtime.cell.kept(Sensors)
    if sensors is not None:
        sensors.stop(directive.tag)
