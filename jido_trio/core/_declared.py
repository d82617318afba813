"""What the class of an agent declares, checked when the class is made: its schedules, sensors, strategy and routes."""

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve

from jido_trio.core._directives import Cron, StartSensor
from jido_trio.core._input import Input
from jido_trio.core._instruction import Instruction, normalize
from jido_trio.core._plugged import Plugged
from jido_trio.core._router import Route, Router
from jido_trio.core._strategy import Tick
from jido_trio.data import Misfit
from jido_trio.errors import InvalidDefinition, InvalidInstruction
from jido_trio.redact import shown

TICK = "jido.strategy.tick"
"""The type of the signal that a strategy is told its next step by."""

OF_STRATEGIES = 50
"""The priority of routes that a strategy brings, unless it says otherwise: they come before an agent's own."""


def checked_schedules(owner: str, schedules: Iterable[Cron], router: Router | None) -> tuple[Cron, ...]:
    """Return the jobs of a class; `router` is that of its routes, None if it receives in a way of its own."""
    found: dict[str, Cron] = {}
    for cron in [schedules] if isinstance(schedules, str | Cron) else schedules:
        if not isinstance(cron, Cron):
            raise InvalidDefinition(
                f"{owner}: schedules={shown(cron)} is no Cron: write "
                'schedules=[Cron("0 9 * * *", Signal("report.due"))]',
                field="schedules",
                value=cron,
            )
        if cron.key in found:
            raise InvalidDefinition(
                f"{owner}: two of its schedules have the key {shown(cron.key)}: give one of them another",
                field="schedules",
                value=cron,
            )
        if router is not None and not router.matching(cron.message.type):
            known = ", ".join(map(shown, router.patterns)) or "none"
            raise InvalidDefinition(
                f"{owner}: no route matches {shown(cron.message.type)}, which its schedule "
                f"{shown(cron.cron)} sends; its routes: {known}",
                field="schedules",
                value=cron,
            )
        found[cron.key] = cron
    return tuple(found.values())


def checked_sensors(owner: str, sensors: Any) -> tuple[StartSensor, ...]:
    """Return the sensors of a class."""
    given = [StartSensor(*each) for each in sensors.items()] if isinstance(sensors, Mapping) else list(sensors)
    tags: set[str] = set()
    for each in given:
        if not isinstance(each, StartSensor):
            raise InvalidDefinition(
                f"{owner}: sensors={shown(each)} is no StartSensor: give these, or a mapping of tags",
                field="sensors",
                value=each,
            )
        if each.tag in tags:
            raise InvalidDefinition(f"{owner}: two of its sensors have the tag {shown(each.tag)}")
        tags.add(each.tag)
    return tuple(given)


def checked_strategy(owner: str, strategy: object) -> Any:
    """Return the strategy of a class."""
    if isinstance(strategy, type) or not all(callable(getattr(strategy, name, None)) for name in ("init", "run")):
        raise InvalidDefinition(f"{owner}: strategy {shown(strategy)} is no value with the methods init and run")
    inputs: object = getattr(strategy, "inputs", ())
    if not isinstance(inputs, tuple) or not all(isinstance(one, type) and issubclass(one, Input) for one in inputs):
        raise InvalidDefinition(
            f"{owner}: inputs {shown(inputs)} of strategy {shown(strategy)} are no tuple of Input classes"
        )
    return strategy


def router_of(owner: str, strategy: Any, routes: Iterable[Route]) -> Router:
    """Return what leads signals to the instructions of a class: by routes of its own, and by those of its strategy."""
    found = (*routes, *_routes_of(strategy))
    return Router(evolve(route, target=_target(owner, strategy, route)) for route in found)


def _routes_of(strategy: Any) -> tuple[Route, ...]:
    """Return the routes that a strategy brings."""
    if isinstance(strategy, Plugged):
        return (*_routes_of(strategy.own), *strategy.routes)
    given = getattr(strategy, "routes", ())
    routes = Router(given).routes
    if isinstance(given, Mapping):
        routes = tuple(evolve(route, priority=OF_STRATEGIES) for route in routes)
    if Tick in getattr(strategy, "inputs", ()):
        routes = (*routes, Route(TICK, Tick, OF_STRATEGIES))
    return routes


def _target(owner: str, strategy: Any, route: Route) -> Instruction:
    try:
        (instruction,) = normalize([route.target])
        if isinstance(instruction.action, type):
            instruction.action.check_some(instruction.params)
    except (InvalidInstruction, Misfit) as error:
        raise InvalidDefinition(f"{owner}, route {route.pattern!r}: {error}") from None
    action = instruction.action_class
    if action.is_input and action not in getattr(strategy, "inputs", ()):
        raise InvalidDefinition(
            f"{owner}, route {route.pattern!r}: strategy {shown(strategy)} takes no input "
            f"{action.name!r}: name it in the `inputs` of the strategy, or route to an action"
        )
    return instruction
