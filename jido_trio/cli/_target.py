"""What a command is about, as a class of agents, named as `module:Agent` in the folder where it is called."""

import importlib
import sys
from pathlib import Path
from typing import Any, TypeVar

from jido_trio.core import Agent
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown, shown_error

A = TypeVar("A", bound=Agent[Any])


def agent_at(target: str) -> type[Agent[Any]]:
    """Return the class of agents that `module:Agent` names; see `class_at`."""
    return class_at(target, Agent, "is no agent: say module:Agent, as in shop.orders:Order")


def class_at(target: str, kind: type[A], is_none: str) -> type[A]:
    """Return the class of a kind that `module:Agent` names.

    Raises:
        InvalidDefinition: It can't be imported, or is of another kind: it `is_none`, as the error says.
    """
    found = value_at(target)
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise InvalidDefinition(f"{shown(target)} {is_none}")
    return found


def value_at(target: str) -> object:
    """Return what `module:name` names; None if there is no such thing.

    Raises:
        InvalidDefinition: The module can't be imported.
    """
    sys.path.insert(0, str(Path.cwd()))
    module, _, name = target.partition(":")
    try:
        found: object = importlib.import_module(module) if module and name else None
        for part in name.split("."):
            found = getattr(found, part, None)
    except Exception as error:  # noqa: BLE001  # whatever a module does when it is imported
        raise InvalidDefinition(f"module {shown(module)} can't be imported: {shown_error(error)}") from None
    return found
