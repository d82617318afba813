"""Code: values as Python that makes them, to be pasted into a test."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from types import ModuleType
from typing import Any

import attrs

from jido_trio.core import Agent, Direct, Signal
from jido_trio.redact import shown
from jido_trio.testing._carrier import agent_of, agent_with, carried, is_carrier
from jido_trio.testing._told import told
from jido_trio.testing._walk import Trial


def code_of(trial: Trial, *, last: str = "") -> str:
    """Return a program that does what the trial does; `last` is said of its last line."""
    names: set[Any] = set()
    lines = [_made(trial.agent, names)]
    for at, step in enumerate(trial.steps):
        is_last = at == len(trial.steps) - 1
        how = "receive" if isinstance(step, Signal) else "cmd"
        result = "after, directives" if is_last else "agent, _"
        lines.append(f"{result} = agent.{how}({_code(step, names)}){f'  # {last}' if last and is_last else ''}")
    return "\n".join([*_imports(names), "", *lines])


def _made(agent: Agent[Any], names: set[Any]) -> str:
    cls = type(agent)
    made_by = cls.__qualname__
    if carried(cls):
        names.add(agent_with)
        plugins = (plugin if name == plugin.name else (name, plugin) for name, plugin in carried(cls))
        made_by = f"agent_with({', '.join(_code(plugin, names) for plugin in plugins)})"
    elif is_carrier(cls):
        names |= {agent_of, cls.record.cls}
        plain = type(cls.strategy) is Direct
        made_by = (
            f"agent_of({cls.record.cls.__qualname__}"
            + ("" if plain else f", strategy={_code(cls.strategy, names)}")
            + ")"
        )
    else:
        names.add(cls)
    given = attrs.asdict(agent.state, recurse=False)
    defaults = {field.name for field in attrs.fields(type(agent.state)) if _is_default(field, given[field.name])}
    changed = {name: value for name, value in given.items() if name not in defaults}
    state = f", {_code(changed, names)}" if changed else ""
    return f"agent = {made_by}.new({agent.id!r}{state})"


def _is_default(field: attrs.Attribute[Any], value: object) -> bool:
    default: Any = field.default
    if hasattr(default, "takes_self"):  # a factory
        made = None if default.takes_self else default.factory()
        return not default.takes_self and (bool(made == value) or told(made) == told(value))
    return default is not attrs.NOTHING and type(default) is type(value) and bool(default == value)


def _imports(names: set[Any]) -> list[str]:
    by_module: dict[str, set[str]] = {}
    modules = [one for one in names if isinstance(one, ModuleType)]
    for cls in names - set(modules):
        public = cls.__module__.partition("._")[0]
        module = public if hasattr(sys.modules[public], cls.__qualname__) else cls.__module__
        by_module.setdefault(module, set()).add(cls.__qualname__.partition(".")[0])
    whole = sorted(f"import {module.__name__}" for module in modules)
    return whole + [f"from {module} import {', '.join(sorted(by_module[module]))}" for module in sorted(by_module)]


def _code(value: Any, names: set[Any]) -> str:
    kind = type(value)
    if isinstance(value, Signal):
        names.add(Signal)
        return f"Signal({value.type!r}, {_code(value.data, names)}, source={value.source!r}, id={value.id!r})"
    if isinstance(value, Enum):
        names.add(kind)
        return _member(value)
    if isinstance(value, type):
        names.add(value)
        return value.__qualname__
    if attrs.has(kind):
        names.add(kind)
        fields = [field for field in attrs.fields(kind) if field.init]
        given = ((field.alias, getattr(value, field.name), field) for field in fields)
        shown_ones = (f"{alias}={_code(held, names)}" for alias, held, field in given if not _is_default(field, held))
        return f"{kind.__qualname__}({', '.join(shown_ones)})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_code(key, names)}: {_code(item, names)}" for key, item in value.items()) + "}"
    if isinstance(value, AbstractSet):
        items = sorted(_code(item, names) for item in value)
        return (
            f"{'frozenset' if isinstance(value, frozenset) else 'set'}({{{', '.join(items)}}})"
            if items
            else ("frozenset()" if isinstance(value, frozenset) else "set()")
        )
    if kind is not tuple and isinstance(value, tuple):
        names.add(kind)
        plain = _code((*value,), names)
        return f"{kind.__qualname__}{plain}" if hasattr(kind, "_fields") else f"{kind.__qualname__}({plain})"
    if isinstance(value, tuple):
        return f"({', '.join(_code(item, names) for item in value)}{',' if len(value) == 1 else ''})"
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return f"[{', '.join(_code(item, names) for item in value)}]"
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    if kind in (str, bytes, int, float, bool, complex, type(None)):
        return repr(value)
    return _of_library(value, names)


_PLAIN: tuple[Any, ...] = (str, bytes, int, float)


def _member(value: Enum) -> str:
    """Return a member of an enum by its name; flags that are combined by theirs, or by their number."""
    cls = type(value)
    names = (value.name or "").split("|")
    if set(names) <= cls.__members__.keys():
        return " | ".join(f"{cls.__qualname__}.{name}" for name in names)
    return f"{cls.__qualname__}({value.value!r})"


def _of_library(value: Any, names: set[Any]) -> str:
    """Return values whose text is code, as that of most in the standard library; of others what there is."""
    kind = type(value)
    for plain in _PLAIN:
        if isinstance(value, plain):
            names.add(kind)
            return f"{kind.__qualname__}({plain.__repr__(value)})"
    text = shown(value)
    for cls in (kind, type(getattr(value, "tzinfo", None))):
        module = sys.modules.get(cls.__module__)
        if module is not None and f"{cls.__module__}." in text:
            names.add(module)
        elif text.startswith(f"{cls.__qualname__}(") and getattr(module, cls.__qualname__, None) is cls:
            names.add(cls)
    return text
