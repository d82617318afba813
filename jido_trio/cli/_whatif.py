"""What may be changed for `jido-trio journal whatif`, from what its arguments say."""

from __future__ import annotations

import types
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from attrs import evolve

from jido_trio.checks import did_you_mean
from jido_trio.cli._store import class_at
from jido_trio.core import Action, Agent, Difference, Divergence, Entry
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown


def import_changes(instead: str | None, actions: Sequence[str]) -> None:
    """Import what is to be changed: often the module of the journal's own class, and better refused before a long fold.

    Raises:
        InvalidDefinition: There is no such class or action.
    """
    if instead is not None:
        class_at("--with", instead, Agent)
    for each in actions:
        _, is_change, place = each.partition("=")
        if not is_change:
            raise InvalidDefinition(f"--action: {shown(each)} names no change: write PATTERN=module:Action")
        class_at("--action", place, Action)


def changed_class(cls: type[Agent[Any]], instead: str | None, actions: Sequence[str]) -> type[Agent[Any]]:
    """Return the class at `instead`, or `cls`, with other actions for some of its routes, each "pattern=module:Action".

    Raises:
        InvalidDefinition: There is no such class, action or route.
    """
    if instead is not None:
        cls = class_at("--with", instead, Agent)
    wanted: dict[str, type[Action]] = {}
    for each in actions:
        pattern, _, place = each.partition("=")
        patterns = [route.pattern for route in cls.router.routes]
        if pattern not in patterns:
            known = ", ".join(patterns) or "none"
            raise InvalidDefinition(
                f"--action {shown(each)}: {cls.__qualname__} has no route {shown(pattern)}"
                f"{did_you_mean(pattern, patterns)}; it has {known}"
            )
        wanted[pattern] = class_at("--action", place, Action)
    if not wanted:
        return cls
    routes = [
        evolve(route, target=wanted[route.pattern]) if route.pattern in wanted else route for route in cls.router.routes
    ]
    name: Any = {"name": cls.name, "routes": routes}
    return types.new_class(cls.__qualname__, (cls,), name)


def left_out(entry: Entry, wanted: Collection[str]) -> set[str]:
    """Return by which of the wanted names an input is meant: its number, or the id of its signal."""
    return {str(entry.number), entry.input.signal.id} & set(wanted)


def plain_differences(differences: Iterable[Difference]) -> list[dict[str, str]]:
    """Return differences as plain data."""
    return [
        {"path": each.path, "before": shown(each.before), "after": shown(each.after), "text": str(each)}
        for each in differences
    ]


def plain_divergence(divergence: Divergence | None) -> dict[str, Any] | None:
    """Return a divergence as plain data."""
    if divergence is None:
        return None
    return {
        "number": divergence.number,
        "why": divergence.why,
        "error": divergence.error,
        "differences": plain_differences(divergence.differences),
    }
