"""Instructions: an action to be run, with the context and the options it is run with.

`cmd` takes shorter forms, too: an action, its class, `(class, params)`, `(class, params, context)`,
`(class, params, context, opts)`, and lists of all these.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

import attrs

from jido_trio import checks
from jido_trio.core._action import Action, maker_of
from jido_trio.core._context import NOTHING, shadowed
from jido_trio.core._policy import OVERRIDABLE
from jido_trio.data import Misfit, freeze
from jido_trio.errors import InvalidDefinition, InvalidInstruction
from jido_trio.redact import shown


def _mapping(value: object) -> Mapping[str, Any]:
    if value is None or value is NOTHING:
        return NOTHING
    try:
        return freeze(_checked_mapping(value))  # type: ignore[no-any-return]
    except Misfit as misfit:
        raise InvalidInstruction(f"params and opts are plain data: {misfit}") from None


def _checked_mapping(value: object) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    raise InvalidInstruction(f"params, context and opts are mappings, not {_class(value)}")


def _context(value: object) -> Mapping[str, Any]:
    """Return what an action is told beside its parameters; that may be a live object, which stays as it is."""
    try:
        return _mapping(freeze(value))
    except Misfit:
        return MappingProxyType(dict(value))  # type: ignore[call-overload]  # nothing else is a misfit


@attrs.frozen(init=False, slots=False)
class Instruction:
    """An action to be run. Its parameters are checked when its turn comes, so that the ones before it count.

    Raises:
        InvalidInstruction: The action is none, or is abstract; a key of the context is reserved.
    """

    action: Action | type[Action]
    params: Mapping[str, Any] = NOTHING
    """Parameters of an action given as a class; a value has its own."""
    context: Mapping[str, Any] = NOTHING
    opts: Mapping[str, Any] = NOTHING
    """For the runtime, where it runs the action: what its policy says otherwise, as timeout, max_retries, backoff."""
    id: str | None = None
    """Names one run outside of `cmd`; given when the instruction leaves `cmd`."""

    def __init__(
        self,
        action: Action | type[Action],
        params: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        opts: Mapping[str, Any] | None = None,
        id: str | None = None,
    ) -> None:
        problem = _unfit_action(action)
        if problem is None and isinstance(action, Action) and params:
            problem = f"{shown(action)} has its parameters already; give its class to go with params"
        if problem is None and (id == "" or not isinstance(id, str | None)):  # pyright: ignore[reportUnnecessaryIsInstance]
            problem = f"its id={shown(id)} must be a text, or None"
        if problem is None and context is not None:
            problem = shadowed(_checked_mapping(context))
        if problem is None and opts is not None:
            problem = _unfit_opts(_checked_mapping(opts))
        if problem is not None:
            raise InvalidInstruction(problem)
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue]  # attrs makes it
            action, _mapping(params), _context(context), _mapping(opts), id
        )

    @property
    def action_class(self) -> type[Action]:
        """The class of the action, however it was given."""
        return type(self.action) if isinstance(self.action, Action) else self.action

    def with_params(self, params: Mapping[str, Any]) -> "Instruction":
        """Return the instruction with other parameters, the rest of it as it was checked."""
        instruction = _new(Instruction)
        instruction.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue]
            self.action, _mapping(params), self.context, self.opts, self.id
        )
        return instruction

    def bind(self) -> Action:
        """Return the action with its parameters.

        Raises:
            InvalidParams: They don't fit its fields.
        """
        return self.action if isinstance(self.action, Action) else maker_of(self.action)(self.params)


def following(before: Instruction, action: type[Action], params: Mapping[str, Any]) -> Instruction:
    """Return that of another action, to be run with the context of one before it, as it was checked."""
    instruction = _new(Instruction)
    instruction.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue]
        action, _mapping(params), before.context, NOTHING, None
    )
    return instruction


Single: TypeAlias = (
    Action
    | type[Action]
    | Instruction
    | tuple[type[Action], Mapping[str, Any] | None]
    | tuple[type[Action], Mapping[str, Any] | None, Mapping[str, Any] | None]
    | tuple[type[Action], Mapping[str, Any] | None, Mapping[str, Any] | None, Mapping[str, Any] | None]
)
Command: TypeAlias = Single | Sequence[Single]
"""All that `cmd` takes for an action."""


def normalize(command: object, context: Mapping[str, Any] = NOTHING) -> tuple[Instruction, ...]:
    """Return the instructions that `command` stands for; `context` is given to all and wins over their own.

    Raises:
        InvalidInstruction: Some part of it is no action.
    """
    if isinstance(command, Action) and context is NOTHING and not command.is_abstract:
        instruction = _new(Instruction)  # what most callers say: it skips the checks that it doesn't need
        instruction.__attrs_init__(command)  # pyright: ignore[reportAttributeAccessIssue]
        return (instruction,)
    singles = command if _is_list(command) else (command,)
    instructions = tuple(_instruction(single) for single in singles)  # type: ignore[attr-defined]  # _is_list says so
    if not context:
        return instructions
    return tuple(attrs.evolve(one, context={**one.context, **context}) for one in instructions)


OPTS = OVERRIDABLE
"""What the runtime can be told about running an action."""

_new = object.__new__


def _is_list(command: object) -> bool:
    # A tuple that starts with a class is one action and its parameters; any other holds several.
    return isinstance(command, list) or (isinstance(command, tuple) and not isinstance(next(iter(command), None), type))


def _instruction(single: object) -> Instruction:
    match single:
        case Instruction():
            return single
        case Action() | type():
            return Instruction(single)
        case (type() as action, *rest) if len(rest) <= 3 and isinstance(single, tuple):
            params, context, opts = (*map(_mapping, rest), NOTHING, NOTHING, NOTHING)[:3]
            return Instruction(action, params, context, opts)
    raise InvalidInstruction(
        f"{_class(single)} is no instruction: expected an action, its class, (class, params), "
        "(class, params, context), (class, params, context, opts), an Instruction, or a list of these"
    )


def _unfit_opts(opts: Mapping[str, Any]) -> str | None:
    given: Mapping[Any, Any] = opts
    for name, value in given.items():
        if not (isinstance(name, str) and name in OPTS):
            return f"there is no option {shown(name)} (known: {', '.join(OPTS)}){checks.did_you_mean(name, OPTS)}"
        try:
            if name == "max_retries":
                checks.whole("", name, value)
            elif name == "jitter":
                checks.share("", name, value)
            else:
                checks.seconds("", name, value, or_none="None for none")
        except InvalidDefinition as refused:
            return f"option {refused}"
    return None


def _unfit_action(action: object) -> str | None:
    cls = action if isinstance(action, type) else type(action)
    if not issubclass(cls, Action):
        return f"{cls.__qualname__} is no action: subclass Action"
    if cls.is_abstract:
        return f"action {cls.name!r} ({cls.__qualname__}) has no run and can't be run: give it one, or run a subclass"
    return None


def _class(value: object) -> str:
    return "None" if value is None else f"a value of class {type(value).__qualname__}"
