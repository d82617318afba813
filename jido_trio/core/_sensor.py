"""Sensors: what watches the world for an agent, and tells it by signals. How one is declared; there is no Trio here."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any, ClassVar, Protocol, TypeAlias

import attrs
from typing_extensions import dataclass_transform

from jido_trio.annotations import signature_of
from jido_trio.core._described import Described
from jido_trio.core._resources import Resources
from jido_trio.core._signal import Signal
from jido_trio.data import Misfit, Schema, schema_of
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown


class Sensing(Protocol):
    """What a sensor is given while it runs."""

    agent_id: str
    """Whose it is."""
    tag: str
    """What the agent calls it."""
    resources: Resources
    """What the instance was given as `resources`."""

    def emit(self, signal: Signal | str, data: object = None) -> Awaitable[None]:
        """Send the agent a signal, or one of that type. To be awaited: it waits for room in the agent's mailbox."""
        ...


Function: TypeAlias = Callable[..., AsyncIterator[Any] | Awaitable[None]]
"""A sensor that is a function: an async generator, or an async function, of its config."""


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(attrs.field,))
class Sensor(Described):
    """Something that watches. Subclass it: annotated fields are its config, `run` is one life of it.

    `async def run(self, sensing)` is an async generator, which yields signals or `(type, data)`; or it returns at its
    end and sends by `await sensing.emit(...)`. It runs in a supervised task: what leaves it is a crash of the sensor,
    which is then begun anew; the agent isn't disturbed. When it returns it has ended, and the agent is told.

    A subclass is a frozen attrs class, whose values are checked against the annotations when they are made.

    Raises:
        InvalidDefinition: When the class is made, or a value whose config doesn't fit.
    """

    name: ClassVar[str] = "sensor"
    _record: ClassVar[Schema[Any]]

    def __init_subclass__(
        cls,
        *,
        name: str | None = None,
        description: str | None = None,
        category: str | None = None,
        tags: Iterable[str] | None = None,
        vsn: str | None = None,
    ) -> None:
        super().__init_subclass__()
        cls._describe("sensor", name, description=description, category=category, tags=tags, vsn=vsn)
        run = getattr(cls, "run", None)
        if run is not None and not (inspect.iscoroutinefunction(run) or inspect.isasyncgenfunction(run)):
            raise InvalidDefinition(f"sensor {cls.__qualname__}: run must be an `async def`, of self and sensing")
        attrs.frozen(cls, slots=False, init=False, kw_only=True)
        cls._record = schema_of(cls)

    def __init__(self, /, **config: object) -> None:
        if not hasattr(self, "run"):
            raise InvalidDefinition(f"sensor {type(self).__qualname__} has no run: give it one, or make a subclass")
        try:
            self._record.fill(self, config)
        except Misfit as misfit:
            raise InvalidDefinition(f"config of sensor {self.name!r} doesn't fit: {misfit}", field="config") from None


def checked_sensor(owner: str, sensor: object, config: Mapping[str, Any]) -> Sensor | Function:
    """Return the sensor that is meant: a value, which is made where a class and its config were given.

    Raises:
        InvalidDefinition: It is none, or its config doesn't fit.
    """
    if isinstance(sensor, Sensor):
        if config:
            raise InvalidDefinition(f"{owner}: {shown(sensor)} has its config already; give its class to go with one")
        return sensor
    if isinstance(sensor, type) and issubclass(sensor, Sensor):
        return sensor(**config)
    if inspect.isasyncgenfunction(sensor) or inspect.iscoroutinefunction(sensor):
        try:
            signature_of(sensor).bind(**config)
        except TypeError as error:
            raise InvalidDefinition(f"{owner}: config={shown(config)} doesn't fit {shown(sensor)}: {error}") from None
        return sensor
    raise InvalidDefinition(
        f"{owner}: sensor={shown(sensor)} must be a Sensor, its class, or an async generator function",
        field="sensor",
        value=sensor,
    )
