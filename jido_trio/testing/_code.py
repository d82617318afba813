"""Code: values as Python that makes them, to be pasted into a test."""

from __future__ import annotations

import copy
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
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


def code_of(trial: Trial, *, then: str = "", state: str = "", of: Iterable[object] = ()) -> str:
    """Return a program that does what the trial does.

    Args:
        trial: What it does.
        then: A line that shows what is wrong of what came out, where that doesn't show by itself. In it stand `{new}`
            for the agent as it began, `{steps}` for a list of all steps, `{step}` for the last one, `{same}` for what
            the agent answers to that once more, `{more}` for what the one after it answers, and `{before}` for a copy
            of the agent from before the last step.
        state: What the agent is made of, as code, where that is shorter than the state that it holds.
        of: Classes and modules that it names.
    """
    names: set[Any] = set(of)
    new = _made(trial.agent, names, state)
    steps = [_code(step, names) for step in trial.steps]
    answers = [f"agent.{_told_by(step)}({code})" for step, code in zip(trial.steps, steps, strict=True)]
    lines = [f"agent = {new}", *(f"agent, _ = {answer}" for answer in answers[:-1])]
    if "{before}" in then:
        names.add(copy)
        lines.append("before = copy.deepcopy(agent)")
    lines += [f"after, directives = {answer}" for answer in answers[-1:]]
    if then:
        meant = {"new": new, "steps": f"[{', '.join(steps)}]", "step": steps[-1], "same": answers[-1]}
        meant |= {"more": f"after{answers[-1].removeprefix('agent')}", "before": "before"}
        lines.append(_MEANT.sub(lambda found: meant[found[1]], then))
    return "\n".join([*_imports(names), "", *lines])


_MEANT = re.compile(r"\{(new|steps?|same|more|before)\}")


def _told_by(step: object) -> str:
    return "receive" if isinstance(step, Signal) else "cmd"


def code_of_many(make: Callable[[int], object], size: int, names: set[Any]) -> str:
    """Return code for a container of so many items, made by a rule; "" if none is seen in two of them.

    What the code names is added to `names`.
    """
    one, other = (_item_at(make, number, names) for number in (_ONE, _OTHER))
    if one.replace(str(_ONE), str(_OTHER)) != other or not other:
        return ""
    item = _QUOTED.sub(lambda found: f"f{found[0].replace(str(_ONE), '{n}')}", one).replace(str(_ONE), "n")
    if item == "n":
        return f"list(range({size}))"
    brackets = "{}" if isinstance(make(1), Mapping) else "[]"
    return f"{brackets[0]}{item} for n in range({size}){brackets[1]}"


_ONE, _OTHER = 97, 89
"""Numbers that stand in no other part of the code of an item."""
_QUOTED = re.compile(rf"'[^'{{}}\\]*{_ONE}[^'{{}}\\]*'")


def _item_at(make: Callable[[int], Any], number: int, names: set[Any]) -> str:
    """Return the code of one item, or of a pair in a mapping; "" where the number isn't by itself in it."""
    made = make(number + 1)
    code = _code(dict([[*made.items()][number]]) if isinstance(made, Mapping) else [[*made][number]], names)[1:-1]
    return "" if f"{number}." in code or "b'" in code else code


def _made(agent: Agent[Any], names: set[Any], held: str) -> str:
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
    if held:
        return f"{made_by}.new({agent.id!r}, {held})"
    given = attrs.asdict(agent.state, recurse=False)
    defaults = {field.name for field in attrs.fields(type(agent.state)) if _is_default(field, given[field.name])}
    changed = {name: value for name, value in given.items() if name not in defaults}
    state = f", {_code(changed, names)}" if changed else ""
    return f"{made_by}.new({agent.id!r}{state})"


def _is_default(field: attrs.Attribute[Any], value: object) -> bool:
    default: Any = field.default
    if hasattr(default, "takes_self"):  # a factory
        made = None if default.takes_self else default.factory()
        return not default.takes_self and _are_equal(made, value)
    return default is not attrs.NOTHING and type(default) is type(value) and _are_equal(default, value)


def _are_equal(one: Any, other: Any) -> bool:
    """Tell whether two values are equal, or told alike: of arrays it can't be said which are equal."""
    try:
        return bool(one == other) or told(one) == told(other)
    except Exception:  # noqa: BLE001 - of whatever is in a state
        return told(one) == told(other)


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
    if isinstance(value, str) and kind is str and len(value) > _LONG and value == value[0] * len(value):
        return f"{value[0]!r} * {len(value)}"
    if kind in (str, bytes, int, float, bool, complex, type(None)):
        return repr(value)
    return _of_library(value, names)


_PLAIN: tuple[Any, ...] = (str, bytes, int, float)
_LONG = 40
"""A text of one character that is longer is shown by how often it is repeated."""


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
