"""`cmd` and `receive` as one function for each action class and each signal type, made when it is first needed.

Most commands are one action, run as by `Direct` on an agent without hooks: a value that was given, or one made of the
data of a signal. For these, what the general way asks of every command is answered beforehand. Whatever is odd goes the
general way. Both ways give the same agents, directives, errors and ids; a property holds them together.
"""

from collections.abc import Callable, Mapping
from inspect import getattr_static
from typing import Any, Protocol, TypeAlias

from attrs import AttrsInstance

from jido_trio.core._action import Action, maker_of
from jido_trio.core._context import NOTHING, Context
from jido_trio.core._directives import ApplyOutcome, Error
from jido_trio.core._inside import Inside
from jido_trio.core._instruction import Instruction
from jido_trio.core._router import Router
from jido_trio.core._signal import Signal
from jido_trio.core._strategy import Direct, Strategy, applied, lone_directives, unfit
from jido_trio.data import FrozenDict, Misfit, Schema
from jido_trio.errors import ActionError
from jido_trio.world import enter, leave

Run: TypeAlias = Callable[[Any, Any, Signal | None], tuple[Any, tuple[AttrsInstance, ...]]]
"""Takes an agent, an action or a signal to make one of, and the signal that is the cause."""


class AgentClass(Protocol):
    """What is read of an agent class."""

    record: Schema[Any]
    router: Router
    strategy: Strategy

    def __call__(self, id: str, state: Any, strategy_state: Any) -> Any:
        """Return an agent."""
        ...


def for_action(cls: Any, base: type, action: type) -> Run | None:
    """Return the function for commands that are a value of the class `action`; None if these go the general way."""
    if not (_is_simple(action) and _is_plain(cls, base, ("with_state", "on_before_cmd", "on_after_cmd"))):
        return None
    return _compiled(cls, action, None)


def for_signal(cls: Any, base: type, signal_type: str) -> Run | None:
    """Return the function for signals of one type; None if these go the general way."""
    routes = cls.router.matching(signal_type)
    own = ("with_state", "on_before_cmd", "on_after_cmd", "cmd", "instructions_for")
    if len(routes) != 1 or routes[0].when is not None or not _is_plain(cls, base, own):
        return None
    target: Instruction = routes[0].target
    if target.context or target.opts or not _is_simple(target.action_class):
        return None
    return _compiled(cls, target.action_class, _maker(target))


def _is_simple(action: type) -> bool:
    return (
        issubclass(action, Action)
        and not action.is_abstract
        and not action.is_input
        and not action.is_async
        and action.output is None
        and action is not ApplyOutcome  # whose result is another action's
    )


def _is_plain(cls: Any, base: type, own: tuple[str, ...]) -> bool:
    """Tell whether agents of `cls` do as `base` says, in everything that the compiled way leaves out."""
    unchanged = all(getattr_static(cls, name) is getattr_static(base, name) for name in own)
    is_direct = getattr_static(cls.strategy, "run", None) is Direct.run
    return unchanged and is_direct and hasattr(cls, "record")


def _maker(target: Instruction) -> Callable[[Any], Action]:
    """Return what makes the action of a signal's data, as `instructions_for` and `bind` do."""
    if isinstance(target.action, Action):
        given = target.action
        return lambda _: given
    of, fixed = maker_of(target.action), target.params

    def make(data: Any) -> Action:
        if data.__class__ is not FrozenDict:
            data = NOTHING if data is None else data if isinstance(data, Mapping) else {"data": data}
        return of({**data, **fixed} if fixed else data)

    return make


def _compiled(cls: AgentClass, action: type[Action], make: Callable[[Any], Any] | None) -> Run:
    merge, name, is_lone = cls.record.merge, action.name, lone_directives(cls.record.cls)

    def run(agent: Any, given: Any, signal: Signal | None) -> tuple[Any, tuple[AttrsInstance, ...]]:
        token = enter((Inside, agent, given if make is None else None, signal))
        try:
            state = agent.state
            command = given if make is None else make(given.data)
            result = command.run(Context(state, agent, signal, NOTHING))
            if type(result) is dict:
                try:
                    state = merge(state, result)
                except Misfit as misfit:
                    raise unfit(name, misfit) from None
                return cls(agent.id, state, agent.strategy_state), ()
            if is_lone[type(result)]:
                return agent, (result,)
            agent, directives = applied(agent, action, result)
            return agent, tuple(directives)
        except ActionError as error:
            return agent, (Error(error, context="instruction"),)
        finally:
            leave(token)

    return run
