"""Actions: frozen values whose fields are their parameters, and what they may return.

`def run` is pure and runs inside `cmd`. `async def run` has effects: `cmd` only says that it is to be run, the runtime
runs it, and what came of it goes through `cmd` again.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias, TypeVar

import attrs
from typing_extensions import dataclass_transform

from jido_trio.annotations import annotations_of, signature_of
from jido_trio.core._described import Described
from jido_trio.core._policy import Policy
from jido_trio.data import Misfit, Schema, freeze, schema_of
from jido_trio.errors import InvalidDefinition, InvalidParams, InvalidResult
from jido_trio.redact import shown


@attrs.frozen
class Effect:
    """The base of our state operations and directives. To a type checker, a list of several is one of effects.

    Yours may be, as `ResultOf` asks for, but need not: any frozen attrs value that is no state operation is a
    directive.
    """


def _kept(value: Any, effect: Any, field: "attrs.Attribute[Any]") -> Any:
    try:
        return freeze(value)
    except Misfit as misfit:
        what = f"{type(effect).__name__}: {field.name} can't be kept: {misfit}"
        raise InvalidDefinition(what, field=field.name, value=value) from None


KEPT = attrs.Converter(_kept, takes_self=True, takes_field=True)
"""For the fields of effects that are as free as data: frozen, or refused as a wrong option is."""

Result: TypeAlias = (
    Mapping[str, object]
    | attrs.AttrsInstance
    | Sequence[attrs.AttrsInstance]
    | tuple[Mapping[str, object] | attrs.AttrsInstance | None, attrs.AttrsInstance | Sequence[object] | None]
    | None
)
"""What `run` may return: changes (merged deeply), a new state, None for no change; effects, one or several; or a
pair of the two. (A list of several classes is one of objects for type checkers, so its items are checked by `cmd`.)"""

Change = TypeVar("Change")

ResultOf: TypeAlias = Change | Effect | list[Effect] | tuple[Change | None, Effect | Sequence[Effect] | None] | None
"""The same for a type checker that shall see more: `ResultOf[CartChanges]`, where that is a TypedDict, takes no other
changes, so a misspelt key is found. Directives of your own derive from `Effect`, so that they can be told from those.
"""

A = TypeVar("A", bound="Action")

_METADATA = frozenset(
    {"name", "description", "category", "tags", "vsn", "output", "run", "is_async", "is_abstract", "replies", "policy"}
)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(attrs.field,))
class Action(Described):
    """Something an agent can do. Subclass it: annotated fields are the parameters, `run` is what happens.

    A subclass is a frozen attrs class; values are checked against the annotations when they are made, and their
    containers frozen. A class without `run` is abstract: for others to extend.

    One with effects may have methods `before(self, context)`, `after(self, context, result)`, which returns the result,
    `on_error(self, context, error)` and `undo(self, context, result)`, each an `async def`; docs/effects.md says when
    they are called.

    It may have a method `reply(self, agent)`, a pure `def`: what it returns of the agent as the action left it is what
    `ref.call` of a value of the class returns.

    Args:
        name: What tools, logs and errors call it; the class name in snake_case if not given.
        description: For people and language models; the first line of the class's docstring if not given.
        category: A word to group actions by.
        tags: Words to find actions by.
        vsn: The action's version, free-form.
        output: A frozen attrs class that changes returned by `run` must fit. They may hold more than it names, and
            `run` may return a value of it in the place of changes.
        policy: How it is run, if it has effects; what a class declares, its subclasses have.
        idempotent: Whether it does no harm to run it twice. A durable agent has such an action run again when it died
            meanwhile; others come back as `Interrupted`.

    Raises:
        InvalidDefinition: When the class is made.
    """

    name: ClassVar[str] = "action"
    output: ClassVar[type[attrs.AttrsInstance] | None] = None
    is_async: ClassVar[bool] = False
    idempotent: ClassVar[bool] = False
    """Whether an action with effects may be run again when nobody knows whether it was done."""
    policy: ClassVar[Policy | None] = None
    """How the runtime runs it."""
    is_managed: ClassVar[bool] = False
    """Whether it has a policy, or a method `before`, `after` or `on_error`."""
    is_abstract: ClassVar[bool] = True
    is_input: ClassVar[bool] = False
    replies: ClassVar[bool] = False
    """Whether a call of it returns what its `reply` says."""
    _record: ClassVar[Schema[Any]]
    _output: ClassVar[Schema[Any] | None] = None

    def __init_subclass__(
        cls,
        *,
        name: str | None = None,
        description: str | None = None,
        category: str | None = None,
        tags: Iterable[str] | None = None,
        vsn: str | None = None,
        output: type[attrs.AttrsInstance] | None = None,
        policy: Policy | None = None,
        idempotent: bool | None = None,
    ) -> None:
        super().__init_subclass__()
        cls._describe("action", name, description=description, category=category, tags=tags, vsn=vsn)
        cls.idempotent = cls.idempotent if idempotent is None else bool(idempotent)
        cls.is_abstract, cls.is_async = _kind_of_run(cls)
        cls.policy = _checked_policy(cls, policy) or cls.policy
        hooks = [name for name in HOOKS if callable(getattr(cls, name, None))]
        cls.is_managed = cls.policy is not None or bool(hooks)
        if hooks and not cls.is_abstract and not cls.is_async:
            raise InvalidDefinition(f"{cls.__qualname__}.{hooks[0]} {_FOR_EFFECTS}")
        for hook in (*hooks, "undo"):
            if callable(getattr(cls, hook, None)) and not inspect.iscoroutinefunction(getattr(cls, hook)):
                raise InvalidDefinition(f"{cls.__qualname__}.{hook} must be an `async def`, as it is awaited")
        _refuse_metadata_as_fields(cls)
        # slots=True would make a second class here, and attrs can't freeze a class whose base is frozen already.
        attrs.frozen(cls, slots=False, init=False, kw_only=True)
        cls.replies = _has_reply(cls)
        cls._record = schema_of(cls)
        if output is not None:
            cls.output, cls._output = output, schema_of(output)

    def __init__(self, /, *unnamed: object, **params: object) -> None:
        if unnamed:
            raise _by_name(type(self), unnamed)
        try:
            record = self._record
        except AttributeError:
            raise TypeError(_ITSELF) from None
        try:
            if record.construct is None or record.late:
                record.fill(self, params)
            else:  # the quick way; it can't fill what is there already
                vars(self).update(vars(record.make(params)))
        except Misfit as misfit:
            raise InvalidParams(self.name, misfit.problems) from None

    __init__.by_schema = True  # type: ignore[attr-defined]  # so that `_record.make` may fill it, too

    @classmethod
    def check_some(cls, params: Mapping[str, object]) -> None:
        """Refuse parameters that don't fit, with a Misfit; others may still be to come."""
        cls._record.check_some(params)


def _by_name(cls: type[Action], values: tuple[object, ...]) -> TypeError:
    if cls is Action:
        return TypeError(_ITSELF)
    names = [field.alias for field in attrs.fields(cls)]  # type: ignore[arg-type]  # every action is an attrs class
    named = ", ".join(f"{name}={shown(value, 40)}" for name, value in zip(names, values, strict=False))
    how = f"write {cls.__qualname__}({named})" if named else "it has none"
    return TypeError(f"an action takes its parameters by name: {how}")


_ITSELF = "Action itself does nothing: subclass it, with its parameters as fields and a method `run`"


def maker_of(action: type[A]) -> Callable[[Mapping[str, Any]], A]:
    """Return what makes the action of parameters that came from outside: their names may be anything.

    It raises InvalidParams if they don't fit the action's fields.
    """
    record, has_own_init = action._record, action.__init__ is not Action.__init__  # noqa: SLF001 - of this module

    def make(params: Mapping[str, Any]) -> A:
        try:
            if not has_own_init:
                return record.make(params)  # type: ignore[no-any-return]  # an action of this class
            if not all(type(name) is str for name in params):
                record.check_some(params)
        except Misfit as misfit:
            raise InvalidParams(action.name, misfit.problems) from None
        return action(**params)

    return make


def _kind_of_run(cls: type) -> tuple[bool, bool]:
    run = getattr(cls, "run", None)
    if run is None:
        return True, False
    if not callable(run) or inspect.isgeneratorfunction(run) or inspect.isasyncgenfunction(run):
        raise InvalidDefinition(f"{cls.__qualname__}.run must be a method, `def` or `async def`, that returns a result")
    if inspect.isfunction(inspect.getattr_static(cls, "run")) and not _takes_context(run):
        raise InvalidDefinition(
            f"{cls.__qualname__}.run must take the context, and nothing else: `def run(self, context)`"
        )
    return False, inspect.iscoroutinefunction(run)


def _takes_context(run: Callable[..., object]) -> bool:
    try:
        signature_of(run, follow_wrapped=False).bind(None, None)
    except TypeError:
        return False
    return True


HOOKS = ("before", "after", "on_error")
"""Methods that an action with effects may have, beside `undo`, which is for plans."""

_FOR_EFFECTS = "is for an action with effects: make its run an `async def`"


def _checked_policy(cls: type[Action], policy: object) -> Policy | None:
    if policy is None:
        return None
    if not isinstance(policy, Policy):
        raise InvalidDefinition(f"policy={shown(policy)} of {cls.__qualname__} must be a Policy")
    if not cls.is_abstract and not cls.is_async:
        raise InvalidDefinition(f"policy= of {cls.__qualname__} {_FOR_EFFECTS}")
    return policy


def _has_reply(cls: type) -> bool:
    reply = getattr(cls, "reply", None)  # fields are no attributes of the class any more
    if inspect.iscoroutinefunction(reply) or inspect.isgeneratorfunction(reply) or inspect.isasyncgenfunction(reply):
        raise InvalidDefinition(
            f"{cls.__qualname__}.reply must be a plain `def` that returns what a call of it returns"
        )
    return callable(reply)


def _refuse_metadata_as_fields(cls: type) -> None:
    for field in annotations_of(cls):
        if field in _METADATA or hasattr(Action, field):
            raise InvalidDefinition(
                f"{cls.__qualname__} can't have a field {field!r}: every action has that attribute already. "
                f"Call it {field}_ and let callers say {field}: `{field}_: ... = attrs.field(alias={field!r})`"
            )


def check_output(action: type[Action], changes: Mapping[str, object]) -> None:
    """Refuse changes that don't fit the action's output class; they may hold more than it names."""
    record = action._output  # noqa: SLF001 - the two halves of one module
    if record is None:
        return
    try:
        record.arguments({name: value for name, value in changes.items() if name in record.names})
    except Misfit as misfit:
        raise InvalidResult(action.name, [f"output {problem}" for problem in misfit.problems]) from None


def check_result(action: type[Action], result: object) -> None:
    """Refuse what an action returned whose changes don't fit its output class."""
    change = result[0] if isinstance(result, tuple) and result else result
    if isinstance(change, Mapping):
        check_output(action, change)
