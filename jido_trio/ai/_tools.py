"""Tools: actions that a model may call. What it is told of them, and what becomes of the arguments that it writes."""

import json
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import Any, Literal, TypeAlias, get_args

from attrs import field, frozen

from jido_trio import checks
from jido_trio.ai._messages import ToolSchema
from jido_trio.core import Action, ToolSpec, tool_of
from jido_trio.errors import InvalidArguments, InvalidDefinition
from jido_trio.redact import HIDDEN, secret_fields_within, shown

Replay: TypeAlias = Literal["safe", "keyed", "once"]
"""What may be done with a tool that was running when the process died: run again; run again with the same key; not."""


@frozen
class Tool:
    """An action as a tool, and how it is to be run.

    Raises:
        InvalidDefinition: It is no action that can be run, or an option is wrong.
    """

    action: type[Action]
    replay: Replay = field(default="once", kw_only=True)
    """"once": it isn't run again, and the model is told that it may have happened. "keyed": it is run again, and finds
    the same `context.key`. "safe": it is run again."""
    approve: bool = field(default=False, kw_only=True)
    """Whether somebody must allow each run."""
    timeout: float | None = field(default=None, kw_only=True)
    """Seconds that a run may take."""
    expires: float | None = field(default=None, kw_only=True)
    """Seconds in which somebody must have allowed it, or it is denied; None to wait for ever."""
    spec: ToolSpec[Action] = field(default=None, kw_only=True, eq=False, repr=False)
    """What a model is told of it, and how its arguments are read; as the action's fields say, if not given."""
    schema: ToolSchema = field(init=False, eq=False, repr=False)
    """What a model is told of it."""

    def __attrs_post_init__(self) -> None:
        given: ToolSpec[Action] | None = self.spec
        if not isinstance(given, ToolSpec | None):
            raise checks.refused(
                f"tool {shown(self.action)}", "spec", given, "must be a ToolSpec, as tool_of(...) makes"
            )
        spec = given if given is not None else tool_of(self.action)
        owner = f"tool {spec.name!r}"
        checks.one_of(owner, "replay", self.replay, get_args(Replay))
        checks.seconds(owner, "timeout", self.timeout, above_zero=True, or_none="None for no limit")
        checks.seconds(owner, "expires", self.expires, above_zero=True, or_none="None to wait for ever")
        if self.expires is not None and not self.approve:
            raise InvalidDefinition(f"{owner} expires, but nobody is asked: say approve=True, too")
        checks.flag(owner, "approve", self.approve)
        if self.timeout is not None and not self.action.is_async:
            raise checks.refused(
                owner,
                "timeout",
                self.timeout,
                "is for `async def run`: one with `def run` waits for nothing; leave it out",
            )
        object.__setattr__(self, "spec", spec)
        schema = ToolSchema(spec.name, spec.description, spec.parameters, secret_fields_within(self.action))
        object.__setattr__(self, "schema", schema)

    def __reduce__(self) -> tuple[Any, ...]:
        """Have it made anew of what it was made of, as a schema's readers can't be pickled."""
        spec: Any = None if self.spec == tool_of(self.action) else self.spec
        options = {name: getattr(self, name) for name in ("replay", "approve", "timeout", "expires")}
        return partial(Tool, spec=spec, **options), (self.action,)

    @property
    def name(self) -> str:
        """What the model calls it: the action's name."""
        return self.spec.name

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the secret fields of the action, and of what is in its fields."""
        return self.schema.secrets

    def made(self, arguments: str) -> Action:
        """Return the action, of the arguments as a model wrote them.

        Raises:
            InvalidArguments: They don't fit; the text is for the model.
        """
        return self.spec.read(arguments)


def services_of(tools: Iterable[Tool]) -> tuple[object, ...]:
    """Return what an instance must have among its services for tools: what their actions say that they need, once."""
    return tuple(dict.fromkeys(need for tool in tools for need in getattr(tool.action, "needs", ())))


def concealed(arguments: str, secrets: Collection[str]) -> str:
    """Return the text of arguments as it may be shown: without the secret ones."""
    if not secrets:
        return arguments
    try:
        return json.dumps(_without(json.loads(arguments), secrets), ensure_ascii=False)
    except (ValueError, RecursionError):
        return HIDDEN  # who knows what is in it


def concealed_call(tools: Iterable[Tool | ToolSchema], name: str, arguments: str) -> str:
    """Return the text of a call's arguments as it may be shown; one of no tool may be meant for any of them."""
    secrets = {tool.name: tool.secrets for tool in tools}
    return concealed(arguments, secrets.get(name, frozenset[str]().union(*secrets.values())))


def _without(value: Any, secrets: Collection[str]) -> Any:
    if isinstance(value, dict):
        return {name: HIDDEN if name in secrets else _without(each, secrets) for name, each in value.items()}
    return [_without(each, secrets) for each in value] if isinstance(value, list) else value


def problem_of(tools: Sequence[Tool], name: str, arguments: str) -> str | None:
    """Return why a call can't be made, for the model; None if it can."""
    tool = next((tool for tool in tools if tool.name == name), None)
    if tool is None:
        known = [tool.name for tool in tools]
        return f"there is no tool {shown(name, 100)}{checks.did_you_mean(name, known)}"
    try:
        tool.made(arguments)
    except InvalidArguments as unfit:
        return str(unfit)
    return None


def checked_tools(owner: str, given: object) -> tuple[Tool, ...]:
    """Return tools of actions and tools.

    Raises:
        InvalidDefinition: One is neither, or two have one name.
    """
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise checks.refused(owner, "tools", given, "must be a list of actions and tools")
    tools = tuple(each if isinstance(each, Tool) else Tool(each) for each in given)
    names = [tool.name for tool in tools]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise InvalidDefinition(f"{owner} has two tools called {min(twice)!r}: give one of the actions another name")
    return tools
