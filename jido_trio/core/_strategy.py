"""Strategies: how an agent goes through the instructions of one `cmd`. `Direct` runs one after the other."""

from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self, TypeVar, get_args

import attrs
from attrs import AttrsInstance

from jido_trio.core._action import Action, check_output
from jido_trio.core._context import Context
from jido_trio.core._directives import ApplyOutcome, Error, RunInstruction
from jido_trio.core._input import Input
from jido_trio.core._instruction import Instruction
from jido_trio.core._learned import Learned
from jido_trio.core._signal import Signal
from jido_trio.core._slices import see
from jido_trio.core._state_ops import StateOp
from jido_trio.data import Misfit, Schema, is_frozen
from jido_trio.errors import ActionError, InvalidInstruction, InvalidResult, UnknownField
from jido_trio.redact import shown
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

    It may have three attributes more. `inputs`, a tuple of `Input` classes, are what it takes beside actions: they
    come to `run` as instructions, with parameters that are checked as those of actions are. `routes`, a mapping of
    patterns to targets, are routes of each agent with this strategy, with priority 50; or a list of `Route`s, with
    their own. `snapshot(agent)`, a method, returns a `Snapshot`: how far the agent is.
    """

    def init(self, agent: A) -> tuple[A, tuple[AttrsInstance, ...]]:
        """Return the agent that a life begins with, and what is then to be done: for a new agent, and for each life."""
        ...

    def run(
        self, agent: A, instructions: Sequence[Instruction], signal: Signal | None
    ) -> tuple[A, tuple[AttrsInstance, ...]]:
        """Return the agent after `instructions`, and what is to be done; `run_instruction` runs a single one."""
        ...


class Tick(Input):
    """The next step of a strategy that works step by step, and has it among its `inputs`.

    A strategy that takes it has the route `jido.strategy.tick` to it. `Schedule(1, Signal("jido.strategy.tick"))` among
    the directives asks for one in a second.
    """


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
        UnknownField: It returned changes of a field that the state hasn't: a bug.
    """
    action: Any = instruction.action if isinstance(instruction.action, Action) else instruction.bind()
    if action.is_input:
        raise InvalidInstruction(f"input {action.name!r} can't be run: it is for a strategy that takes it")
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
            state = record.merge(state, change) if isinstance(change, dict) else record.replace(state, change)
        for effect in effects:
            if _is_directive[type(effect)]:
                directives.append(effect)  # type: ignore[arg-type]  # an attrs value
            elif isinstance(effect, _STATE_OPS):
                state = effect.apply(state, record)  # pyright: ignore[reportAttributeAccessIssue]  # they all have it
            else:
                raise InvalidResult(action.name, [_no_effect(effect)])
    except Misfit as misfit:
        raise unfit(action.name, misfit) from None
    see(agent, directives)
    return (agent if state is agent.state else agent.with_state(state)), directives


def unfit(action: str, misfit: Misfit) -> InvalidResult | UnknownField:
    """Return what is raised for a result that doesn't fit: a value may be wrong, a key that no state has is a bug."""
    if any(problem.is_unknown and len(problem.path) == 1 for problem in misfit.problems):
        return UnknownField(action, misfit.problems)
    return InvalidResult(action, misfit.problems)


_STATE_OPS = get_args(StateOp)
_NO_EFFECTS: tuple[object, ...] = ()

_is_directive: Learned[type, bool] = Learned(
    lambda cls: (
        is_frozen(cls) and not issubclass(cls, (Action, BaseException, Signal, *_STATE_OPS)) and not _is_agent(cls)
    )
)


def _is_agent(cls: type) -> bool:
    return isinstance(getattr(cls, "record", None), Schema)


def lone_directives(state_class: type) -> Learned[type, bool]:
    """Tell of each class whether a value of it that `run` returns is a directive, whatever action it is."""
    return Learned(lambda cls: _is_directive[cls] and not issubclass(cls, state_class))


def _read(action: type[Action], result: object, state_class: type) -> tuple[Any, Iterable[object]]:
    """Tell the change (None, a dict, or a whole state) from the effects."""
    if _is_change(action, result, state_class):
        return _change(action, result, state_class), _NO_EFFECTS
    match result:
        case (first, second) if isinstance(result, tuple) and _is_change(action, first, state_class):
            return _change(action, first, state_class), _effects(second)
        case (first, _, _, *_) if isinstance(result, tuple) and first is not None:
            if _is_change(action, first, state_class):
                raise InvalidResult(action.name, [f"a change and effects are two parts, not {len(result)}: {_PAIR}"])
        case list() | tuple():
            pass
        case _:
            return None, (result,)
    return None, result


def _is_change(action: type[Action], part: object, state_class: type) -> bool:
    cls = type(part)
    if cls is dict or part is None or issubclass(cls, state_class):
        return True
    if action.output is not None and issubclass(cls, action.output):
        return True
    return not _is_directive[cls] and isinstance(part, Mapping)


def _change(action: type[Action], part: Any, state_class: type) -> Any:
    if part is None:
        return None
    if isinstance(part, state_class):
        return part
    changes = dict(part) if isinstance(part, Mapping) else attrs.asdict(part, recurse=False)
    check_output(action, changes)
    return changes


def _effects(part: object) -> Iterable[object]:
    if part is None:
        return _NO_EFFECTS
    return part if isinstance(part, (list, tuple)) else (part,)


def _no_effect(value: object) -> str:
    """Return why something can't stand where a state operation or a directive belongs."""
    cls = type(value)
    what = f"a value of class {cls.__qualname__}"
    if isinstance(value, Action):
        return f"action {value.name!r} is no effect; return RunInstruction(Instruction(it)) to have it run"
    if isinstance(value, Signal):
        return f"signal {shown(value.type)} is no effect; return Emit(it) to have it sent"
    if _is_agent(cls):
        return f"{what} was returned: return its state, or what is to change in that"
    if isinstance(value, Mapping):
        return f"{what} among the effects: a change stands alone, or first of a pair; {_PAIR}"
    if isinstance(value, BaseException):
        return f"{what} was returned: raise it; or return Error(it) to tell of it and go on"
    if isinstance(value, Coroutine):
        value.close()  # or Python would complain that nobody awaits it
        return f"{what} was returned: declare `async def run` to await it"
    if attrs.has(cls):
        return f"{what} can be changed: declare its class with @attrs.frozen"
    return f"{what} is none of what run returns: {_ACCEPTED}"


_PAIR = "write `return changes, [effect, effect]`"
_ACCEPTED = (
    "changes (a mapping), a state, None, state operations and directives (one or a list), "
    "or a pair of change and effects"
)
