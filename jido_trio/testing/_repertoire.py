"""Repertoire: the actions that an agent class can be told to do."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Collection, Iterator
from typing import Any, get_args, get_origin

import attrs

from jido_trio.core import Action, Agent, Context, Outcome
from jido_trio.data import schema_of
from jido_trio.errors import InvalidDefinition


def repertoire(cls: type[Agent[Any]], given: Collection[Any] = ()) -> tuple[type[Action], ...]:
    """Return what its routes lead to, and the other actions in its module that take its state.

    Actions that wait for an outcome are none of these, unless it is among what is `given`.

    Raises:
        InvalidDefinition: There is none.
    """
    every = _every(cls)
    found = tuple(action for action in every if not waits_for_an_outcome(action, given))
    if every and not found:
        raise InvalidDefinition(
            f"agent {cls.name!r} can't be told anything but outcomes of what has run: give some, "
            f"overrides={{({every[0].__name__}, 'outcome'): ...}}"
        )
    if not found:
        raise InvalidDefinition(
            f"agent {cls.name!r} can't be told anything: it has no routes, and no action in module "
            f"{cls.__module__} takes Context[{cls.record.cls.__name__}]"
        )
    return found


def is_mute(cls: type[Agent[Any]]) -> bool:
    """Tell whether an agent class can't be told anything, or only outcomes of what has run."""
    return all(waits_for_an_outcome(action, ()) for action in _every(cls))


def _every(cls: type[Agent[Any]]) -> tuple[type[Action], ...]:
    return tuple(dict.fromkeys([*routed(cls), *_beside(cls)]))


def routed(cls: type[Agent[Any]]) -> Iterator[type[Action]]:
    """Return the actions that its routes lead to, but for those that only the runtime can tell of."""
    for route in cls.router.routes:
        if not of_the_runtime(route.target.action_class):
            yield route.target.action_class


def of_the_runtime(action: type[Action]) -> bool:
    """Tell whether an input is what became of something that ran: nobody else can make one that fits."""
    own = action.__module__.startswith(f"{Action.__module__.partition('.')[0]}.core.")
    return own and action.is_input and bool(schema_of(action).required)


def waits_for_an_outcome(action: type[Action], given: Collection[Any]) -> bool:
    """Tell whether an action must be told what became of something that ran, and nobody has given that.

    Only the code that has run knows what its result looks like, and that isn't run.
    """
    held: Any = action
    needed = schema_of(held).required
    names = [str(one.alias) for one in attrs.fields(held) if one.type is Outcome and str(one.alias) in needed]
    return bool(names) and not {action, Outcome, *((action, name) for name in names)} & set(given)


def _beside(cls: type[Agent[Any]]) -> Iterator[type[Action]]:
    """Return the actions in the agent's module that say they are for its state; all if it is the only agent there.

    Those that are routed to by another agent there are that one's.
    """
    here = [one for one in vars(sys.modules[cls.__module__]).values() if isinstance(one, type)]
    here = [one for one in here if one.__module__ == cls.__module__]
    others = [one for one in here if issubclass(one, Agent) and one is not cls]
    of_others = {action for other in others for action in routed(other)}
    for action in here:
        if issubclass(action, Action) and not action.is_abstract and action not in of_others:
            state = state_of(action)
            if state in (cls.record.cls, cls._state_type) or (state is None and not others):
                yield action


def state_of(action: type[Action]) -> Any:
    """Return the state that an action says it is for, by the annotation of its context; None if it says none."""
    try:
        run: Any = action.run  # type: ignore[attr-defined]  # it is concrete
        hints = inspect.get_annotations(run, eval_str=True)
    except Exception:  # noqa: BLE001 - a name that isn't there at run time
        return None
    for hint in hints.values():
        origin: Any = get_origin(hint)
        if origin is Context:
            return get_args(hint)[0]
    return None
