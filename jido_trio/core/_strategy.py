"""Strategies: how an agent goes through the instructions of one `cmd`. `Direct` runs one after the other."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self, TypeVar, get_args

import attrs
from attrs import AttrsInstance

from jido_trio.core._action import Action, check_output
from jido_trio.core._context import Context
from jido_trio.core._directives import ApplyOutcome, Error, RunInstruction
from jido_trio.core._instruction import Instruction
from jido_trio.core._signal import Signal
from jido_trio.core._state_ops import ReplaceState, StateOp
from jido_trio.data import Misfit, Schema, is_frozen
from jido_trio.errors import ActionError, InvalidResult
from jido_trio.world import current


class Subject(Protocol):
    """What a strategy knows of an agent."""

    record: ClassVar[Schema[Any]]
    """How states of this agent are made and changed."""

    @property
    def state(self) -> Any:
        """The agent's state."""
        ...

    def with_state(self, state: Any) -> Self:
        """Return the agent with another state, which is not checked."""
        ...


A = TypeVar("A", bound=Subject)


class Strategy(Protocol):
    """Turns instructions into a new agent and directives; pure, as `cmd` is.

    Besides the state a strategy may use `agent.strategy_state`, which is nobody else's.
    """

    def init(self, agent: A) -> tuple[A, tuple[AttrsInstance, ...]]:
        """Return the new agent made ready, and what the runtime is to do when the agent starts."""
        ...

    def run(
        self, agent: A, instructions: Sequence[Instruction], signal: Signal | None
    ) -> tuple[A, tuple[AttrsInstance, ...]]:
        """Return the agent after `instructions`, and what is to be done; `run_instruction` runs a single one."""
        ...


@attrs.frozen
class Direct:
    """In the order given, each on the agent that the one before left.

    One that fails leaves the agent as it found it, and an `Error` in its place; those after it still run.
    """

    def init(self, agent: A) -> tuple[A, tuple[AttrsInstance, ...]]:
        """Return the agent as it is."""
        return agent, ()

    def run(
        self, agent: A, instructions: Sequence[Instruction], signal: Signal | None
    ) -> tuple[A, tuple[AttrsInstance, ...]]:
        """Return the agent after all instructions, and their directives in order."""
        directives: list[AttrsInstance] = []
        for instruction in instructions:
            try:
                agent, wanted = run_instruction(agent, instruction, signal)
            except ActionError as error:
                wanted = [Error(error, context="instruction")]
            if wanted:
                directives += wanted
        return agent, tuple(directives) if directives else ()


def run_instruction(agent: A, instruction: Instruction, signal: Signal | None) -> tuple[A, Sequence[AttrsInstance]]:
    """Return the agent after one instruction, and its directives.

    Raises:
        ActionError: The action said no, or was given or returned what doesn't fit.
    """
    action: Any = instruction.action if isinstance(instruction.action, Action) else instruction.bind()
    if action.is_async:
        named = instruction.id or current().ids()
        return agent, (RunInstruction(Instruction(action, None, instruction.context, instruction.opts, named)),)
    result = action.run(Context(agent.state, agent, signal, instruction.context))
    asked = action.outcome.instruction.action_class if type(action) is ApplyOutcome else type(action)
    return applied(agent, asked, result)


def applied(agent: A, action: type[Action], result: object) -> tuple[A, Sequence[AttrsInstance]]:
    """Return the agent after what `action` returned: the changes first, then the effects in order."""
    record, state = agent.record, agent.state
    try:
        if type(result) is dict and action.output is None:  # changes and nothing else, as mostly
            return agent.with_state(record.merge(state, result)), ()
        directives: list[AttrsInstance] = []
        change, effects = _read(action, result, record.cls)
        if change is not None:
            state = record.merge(state, change) if isinstance(change, dict) else change.apply(state, record)
        for effect in effects:
            if isinstance(effect, _STATE_OPS):
                state = effect.apply(state, record)  # pyright: ignore[reportAttributeAccessIssue]  # the five have it
            else:
                directives.append(_directive(action, effect))
    except Misfit as misfit:
        raise InvalidResult(action.name, misfit.problems) from None
    return (agent if state is agent.state else agent.with_state(state)), directives


_STATE_OPS = get_args(StateOp)
_NO_EFFECTS: tuple[object, ...] = ()


def _read(action: type[Action], result: object, state_class: type) -> tuple[Any, Iterable[object]]:
    """Tell the change (None, a dict, or an operation that is one) from the effects."""
    if _is_change(action, result, state_class):
        return _change(action, result, state_class), _NO_EFFECTS
    match result:
        case (first, second) if isinstance(result, tuple) and _is_change(action, first, state_class):
            return _change(action, first, state_class), _effects(second)
        case list() | tuple():
            return None, result
    return None, (result,)


def _is_change(action: type[Action], part: object, state_class: type) -> bool:
    if part is None or type(part) is dict or isinstance(part, (state_class, Mapping)):
        return True
    return action.output is not None and isinstance(part, action.output)


def _change(action: type[Action], part: Any, state_class: type) -> Any:
    if part is None:
        return None
    if isinstance(part, state_class):
        return ReplaceState(part)
    changes = dict(part) if isinstance(part, Mapping) else attrs.asdict(part, recurse=False)
    check_output(action, changes)
    return changes


def _effects(part: object) -> Iterable[object]:
    if part is None:
        return _NO_EFFECTS
    return part if isinstance(part, (list, tuple)) else (part,)


def _directive(action: type[Action], effect: object) -> AttrsInstance:
    cls = type(effect)
    if isinstance(effect, Action):
        problem = f"action {effect.name!r} is no effect; return RunInstruction(Instruction(it)) to have it run"
    elif not attrs.has(cls):
        problem = f"a value of class {cls.__qualname__} is none of what run returns: {_ACCEPTED}"
    elif not is_frozen(cls):
        problem = f"a value of class {cls.__qualname__} can be changed: declare its class with @attrs.frozen"
    else:
        return effect  # type: ignore[return-value]  # an attrs value
    raise InvalidResult(action.name, [problem])


_ACCEPTED = (
    "changes (a mapping), a state, None, state operations and directives (one or a list), "
    "or a pair of change and effects"
)
