"""Actions as tools: a JSON schema that says how one is called, and the action that a call from outside stands for."""

import json
import re
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from attrs import field, frozen

from jido_trio import checks
from jido_trio.core._action import Action, maker_of
from jido_trio.data import Form, Unread, form_of, pointer, thaw
from jido_trio.errors import InvalidArguments, InvalidDefinition, UnfitArgument
from jido_trio.redact import said, shown, shown_json

A_co = TypeVar("A_co", bound=Action, covariant=True)
A = TypeVar("A", bound=Action)


@frozen(kw_only=True)
class ToolLimits:
    """What the arguments of a call may measure; larger ones are refused unread."""

    characters: int = 100_000
    """Of the text; of all texts and keys together where the arguments are a mapping."""
    values: int = 10_000
    """Of all kinds, containers and what is in them."""
    depth: int = 20
    """Containers within each other."""

    def __attrs_post_init__(self) -> None:
        for each in ("characters", "values", "depth"):
            checks.whole("the limits of a tool", each, getattr(self, each), least=1)
        if self.depth > _DEEPEST:
            raise checks.refused("the limits of a tool", "depth", self.depth, f"must be at most {_DEEPEST}")


_DEEPEST = 50
"""Of nested arguments; the stack bears more, but no caller needs it."""


@frozen
class ToolSpec(Generic[A_co]):
    """An action as a tool for whoever speaks JSON; `tool_of` makes it."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """A JSON schema (2020-12) of an object, frozen plain data."""
    action: type[A_co]
    strict: bool = False
    limits: ToolLimits = ToolLimits()
    form: Form = field(kw_only=True, eq=False, repr=False)
    """How arguments are read."""

    @property
    def category(self) -> str | None:
        """The action's category."""
        return self.action.category

    @property
    def tags(self) -> tuple[str, ...]:
        """The action's tags."""
        return self.action.tags

    def read(self, arguments: object) -> A_co:
        """Return the action that a call with these arguments stands for.

        Args:
            arguments: JSON as text or bytes, or what was read of it, a mapping. No text at all is no arguments.

        Raises:
            InvalidArguments: They don't fit; its `as_data()` tells a model why.
        """
        try:
            if isinstance(arguments, str | bytes | bytearray):
                if len(arguments) > self.limits.characters:
                    raise _too_large("characters", self.limits.characters, ())
                arguments = _parsed(arguments, self.limits)
            _measured(arguments, self.limits)
            return self.form.read(arguments)  # type: ignore[no-any-return]  # an action of that class
        except Unread as unread:
            raise InvalidArguments(self.name, unread.problems) from None

    def as_function(self) -> dict[str, Any]:
        """Return the tool as plain data, as the APIs of model providers describe a function."""
        described = {"name": self.name, "description": self.description, "parameters": thaw(self.parameters)}
        return described | ({"strict": True} if self.strict else {})


def tool_of(
    action: type[A],
    *,
    strict: bool = False,
    name: str | None = None,
    description: str | None = None,
    limits: ToolLimits | None = None,
) -> ToolSpec[A]:
    """Return an action as a tool.

    Args:
        action: The action's class. Its fields, their types, defaults and attrs validators become the schema; what is
            said of a field is `Annotated[int, Doc("...")]`, or `metadata={"description": "..."}`.
        strict: Whether the schema is in the strict form that model providers ask for: all properties are required, and
            null is given for the default.
        name: What the tool is called; the action's name if not given.
        description: For models; the action's own if not given.
        limits: What the arguments may measure.

    Raises:
        InvalidDefinition: The action can't be run or called, a field has no JSON form, or the name is none for a tool.
    """
    given: object = action
    if not (isinstance(given, type) and issubclass(given, Action)):
        raise InvalidDefinition(f"{shown(action)} is no tool: give a class of actions")
    if action.is_abstract or action.is_input:
        raise InvalidDefinition(f"action {action.name!r} ({action.__qualname__}) is no tool: it has no run of its own")
    chosen: object = action.name if name is None else name
    if not (isinstance(chosen, str) and _NAME.fullmatch(chosen)):
        raise InvalidDefinition(
            f"a tool can't be called {shown(chosen)}: models take 1 to 64 letters, digits, `_` and `-`. Give it a name="
        )
    checks.flag(f"tool {chosen!r}", "strict", strict)
    form = form_of(action, maker_of(action), strict=strict)
    told = action.description if description is None else description
    return ToolSpec(chosen, told, form.schema, action, strict, limits or ToolLimits(), form=form)


_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def _parsed(text: str | bytes | bytearray, limits: ToolLimits) -> object:
    if not text.strip():
        return {}
    try:
        return json.loads(text, parse_constant=_no_number, parse_int=_int, object_pairs_hook=_object)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise Unread([UnfitArgument("", "JSON", "text that is no JSON", said(error, 200))]) from None
    except RecursionError:
        raise _too_large("containers within each other", limits.depth, ()) from None


def _no_number(text: str) -> object:
    raise Unread([UnfitArgument("", "JSON", f"{text}, which is no JSON")])


def _int(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:  # Python reads no number of so many
        got = f"one of {len(digits.lstrip('-'))} digits"
        raise Unread([UnfitArgument("", f"a number up to {_LARGEST:g}", got)]) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Unread([UnfitArgument("", "each property once", f"{shown_json(twice, 80)} twice")])
    return made


def _measured(value: object, limits: ToolLimits) -> None:
    """Refuse what is no JSON, or too large, without going deeper than the limit."""
    room = {"characters": limits.characters, "values": limits.values}
    to_see: list[tuple[object, tuple[str | int, ...]]] = [(value, ())]
    while to_see:
        each, path = to_see.pop()
        _take(room, limits, "values", 1, path)
        if isinstance(each, Mapping):
            inner: list[tuple[Any, Any]] = list(each.items())
        elif isinstance(each, list | tuple):
            inner = list(enumerate(each))
        else:
            _take(room, limits, "characters", len(each) if isinstance(each, str) else 0, path)
            _refuse_what_is_no_json(each, path)
            continue
        if len(path) >= limits.depth:
            raise _too_large("containers within each other", limits.depth, path)
        for key, one in inner:
            if isinstance(each, Mapping):
                if not isinstance(key, str):
                    raise Unread([UnfitArgument(pointer(path), "keys that are text", shown(key, 80))])
                _take(room, limits, "characters", len(key), path)
            to_see.append((one, (*path, key)))


def _take(room: dict[str, int], limits: ToolLimits, what: str, amount: int, path: tuple[str | int, ...]) -> None:
    room[what] -= amount
    if room[what] < 0:
        raise _too_large(what, getattr(limits, what), path)


def _too_large(what: str, most: int, path: tuple[str | int, ...]) -> Unread:
    return Unread([UnfitArgument(pointer(path), f"at most {most} {what}", "more")])


def _refuse_what_is_no_json(value: object, path: tuple[str | int, ...]) -> None:
    if value is None or isinstance(value, str):
        return
    if not isinstance(value, int | float):
        raise Unread([UnfitArgument(pointer(path), "JSON", shown_json(value, 80))])
    if not abs(value) <= _LARGEST:
        raise Unread([UnfitArgument(pointer(path), f"a number up to {_LARGEST:g}", shown_json(value, 80))])


_LARGEST = 1.7976931348623157e308
"""What a float can be: JSON has no bound, but nobody agrees on numbers beyond."""
