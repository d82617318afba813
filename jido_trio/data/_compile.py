"""`make` and `merge` of one class, written out field by field as attrs writes `__init__`.

Only what fits is done here. Whatever doesn't, or is odd in any way, goes through the general function again, which
tells all that is wrong: so both always agree. That is done once, by the outermost of nested classes: if each did it for
what it holds, every level would double the work.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeAlias

from attrs import frozen

from jido_trio.data._freeze import FrozenDict
from jido_trio.data._merge import Plan

Slow: TypeAlias = Callable[..., Any]
"""The general function."""


class NotQuick(Exception):
    """Something is odd: the general function may tell what."""


def refused(*_: object) -> NoReturn:
    """Leave all functions that are written out, in the place of a general one."""
    raise NotQuick


@frozen
class Written:
    """A field as it is written out."""

    name: str
    attribute: str
    plan: Plan
    exact: type | None
    """Values of this very class fit as they are."""
    required: bool
    default: Callable[[], Any] | None
    """Makes the default anew each time."""
    constant: Any
    """The default, if it is always the same."""
    kw_only: bool


_MISSING = object()


def compiled_make(construct: Callable[..., Any], fields: Sequence[Written], slow: Slow) -> Callable[[Any], Any]:
    """Return `make(values)`: a new value, defaults filled in."""
    return _filling("values", construct, fields, slow)


def compiled_fill(init: Callable[..., Any], fields: Sequence[Written], slow: Slow) -> Callable[[Any, Any], None]:
    """Return `fill(made, values)`, which makes an empty value what `make` would return."""
    return _filling("made, values", init, fields, slow)


def _filling(
    parameters: str, construct: Callable[..., Any], fields: Sequence[Written], slow: Slow
) -> Callable[..., Any]:
    space = _space(construct, fields, slow)
    lines = [f"def make({parameters}):", " if values.__class__ is not dict and values.__class__ is not FrozenDict:"]
    lines += [f"  return slow({parameters})", " found = 0", " get = values.get", " try:"]
    for number, each in enumerate(fields):
        lines.append(f"  v{number} = get({each.name!r}, MISSING)")
        lines.append(f"  if v{number} is MISSING:")
        if each.required:
            lines.append(f"   return slow({parameters})")
        elif each.default is not None:
            lines.append(f"   v{number} = default{number}()")
        else:
            lines.append(f"   v{number} = constant{number}")
        lines.append("  else:")
        lines.append("   found += 1")
        if each.exact is not None:
            lines += [f"   if v{number}.__class__ is not exact{number}:", f"    v{number} = fit{number}(v{number})"]
        else:
            lines.append(f"   v{number} = fit{number}(v{number})")
    arguments = ", ".join(filter(None, (parameters.removesuffix("values").rstrip(", "), _arguments(fields))))
    lines += ["  if found == len(values):", f"   return construct({arguments})"]
    lines += [" except Exception:", "  pass", f" return slow({parameters})"]
    return _function("make", lines, space)


def compiled_merge(
    construct: Callable[..., Any], cls: type, fields: Sequence[Written], general: Slow, slow: Slow | None = None
) -> Callable[[Any, Any], Any]:
    """Return `merge(value, changes)`: the value with changes merged into it.

    Args:
        construct: Makes a value.
        cls: The class; values of subclasses are for the general function.
        fields: Its fields.
        general: The general function.
        slow: What is called when something doesn't fit; the general function if None.
    """
    space = _space(construct, fields, slow or general) | {"cls": cls, "general": general}
    lines = ["def merge(value, changes):", " if value.__class__ is not cls:", "  return general(value, changes)"]
    lines += [" if changes.__class__ is not dict and changes.__class__ is not FrozenDict:"]
    lines += ["  return general(value, changes)", " found = 0", " get = changes.get", " try:"]
    for number, each in enumerate(fields):
        lines.append(f"  v{number} = get({each.name!r}, MISSING)")
        lines += [f"  if v{number} is MISSING:", f"   v{number} = value.{each.attribute}", "  else:", "   found += 1"]
        merged = f"v{number} = merge{number}(value.{each.attribute}, v{number})"
        if each.exact is not None:
            lines += [f"   if v{number}.__class__ is not exact{number}:", f"    {merged}"]
        else:
            lines.append(f"   {merged}")
    lines += ["  if found == len(changes):", f"   return construct({_arguments(fields)})"]
    lines += [" except Exception:", "  pass", " return slow(value, changes)"]
    return _function("merge", lines, space)


def _space(construct: Callable[..., Any], fields: Sequence[Written], slow: Slow) -> dict[str, Any]:
    space: dict[str, Any] = {"construct": construct, "slow": slow, "MISSING": _MISSING, "FrozenDict": FrozenDict}
    for number, each in enumerate(fields):
        space |= {f"fit{number}": each.plan.fit, f"merge{number}": each.plan.merge, f"exact{number}": each.exact}
        space |= {f"default{number}": each.default, f"constant{number}": each.constant}
    return space


def _arguments(fields: Sequence[Written]) -> str:
    in_order = sorted(enumerate(fields), key=lambda each: each[1].kw_only)
    return ", ".join(f"{each.name}=v{number}" if each.kw_only else f"v{number}" for number, each in in_order)


def _function(name: str, lines: Sequence[str], space: Mapping[str, Any]) -> Callable[..., Any]:
    written = dict(space)
    exec("\n".join(lines), written)  # noqa: S102 - of names that are identifiers, as attrs itself does it
    made: Callable[..., Any] = written[name]
    return made
