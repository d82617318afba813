"""Actions outside of agents, and within other actions: `run`, `start_run`, and `Map`, which runs one for many items."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from typing import Any, Literal

import attrs
import trio
from attrs import define, field, frozen

from jido_trio import checks
from jido_trio.core import Action, Context, Instruction, NoState, Outcome, Resources, Result
from jido_trio.core.inner import check_result
from jido_trio.errors import ActionCancelled, ActionError, InvalidDefinition
from jido_trio.redact import shown, shown_error
from jido_trio.runtime._attempts import BARE, Limits, managed
from jido_trio.runtime._job import JobContext
from jido_trio.runtime._life_tasks import open_plain_nursery

_SHARED: trio.lowlevel.RunVar[Limits] = trio.lowlevel.RunVar("jido_trio.limits")


@frozen(slots=False)
class Alone(Context[Any, Any]):
    """What an action is told that runs for no agent."""

    _on_progress: Callable[[object], object] | None = field(
        default=None, kw_only=True, repr=False, eq=False, alias="on_progress"
    )

    def progress(self, data: object = None) -> None:
        """See `Context`: whoever runs the action is told."""
        if self._on_progress is not None:
            self._on_progress(data)


async def run(
    action: Action | Instruction,
    context: Context[Any] | Mapping[str, Any] | None = None,
    *,
    state: object = None,
    resources: Mapping[Any, Any] | None = None,
    on_progress: Callable[[object], object] | None = None,
) -> Result:
    """Return what an action returns, run here and now, as its policy says, for no agent or within another action.

    It is a checkpoint. The agent whose action calls it is not changed by the result.

    Args:
        action: The action, or an instruction with options.
        context: The context of the action that calls it, to be passed on; or what `context[...]` is to find.
        state: What `context.state` is to be.
        resources: What `context.resources` is to find.
        on_progress: Told of what the action gives to `context.progress`.

    Raises:
        ActionError: It failed for good.
        InvalidDefinition: It is no action, or the context, the resources or `on_progress` is none.
    """
    instruction = _instruction(action)
    bound: Any = instruction.bind()
    given = _context(context, instruction, state, resources, on_progress)
    if not bound.is_async:
        await trio.lowlevel.checkpoint()
        result = bound.run(given)
        check_result(type(bound), result)
        return result  # type: ignore[no-any-return]
    policy = (bound.policy or BARE).overridden(instruction.opts)
    return await managed(bound, given, policy, _limits(given))


def _instruction(action: object) -> Instruction:
    if isinstance(action, Instruction):
        return action
    if isinstance(action, Action):
        return Instruction(action)
    raise InvalidDefinition(f"{shown(action)} can't be run: give an action, or an Instruction")


def _context(
    given: Context[Any] | Mapping[str, Any] | None,
    instruction: Instruction,
    state: object,
    resources: Mapping[Any, Any] | None,
    on_progress: Callable[[object], object] | None,
) -> Context[Any]:
    if isinstance(given, Context):
        extra = {**given.extra, **instruction.context}
        return attrs.evolve(given, extra=extra) if instruction.context else given
    if not isinstance(given, Mapping | None):
        raise checks.refused("run", "context", given, "must be that of an action, or a mapping")
    checks.called_at_once("run", "on_progress", on_progress, takes="what the action tells of", or_none="None")
    extra = {**(given or {}), **instruction.context}
    found = Resources(resources)
    return Alone(state if state is not None else NoState(), None, None, extra, found, on_progress=on_progress)


def _limits(context: Context[Any]) -> Limits:
    """Return those of the instance, or those that all share that run for no agent."""
    if isinstance(context, JobContext):
        return context.limits
    try:
        return _SHARED.get()
    except LookupError:
        limits = Limits()
        _SHARED.set(limits)
        return limits


@define(eq=False)
class Run:
    """An action that `start_run` has started."""

    name: str
    """The action's."""
    _scope: trio.CancelScope = field(factory=trio.CancelScope, repr=False)
    _done: trio.Event = field(factory=trio.Event, repr=False)
    _result: Any = field(default=None, repr=False)
    _error: ActionError | None = field(default=None, repr=False)
    _reason: str = field(default="", repr=False)

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._done.is_set()

    def cancel(self, reason: str = "it was asked to") -> None:
        """Cancel it, if it hasn't ended; who waits for it is raised `ActionCancelled`."""
        if not self.done and not self._scope.cancel_called:
            self._reason = reason
            self._scope.cancel()

    async def wait(self) -> Any:
        """Return what the action returned; any number of tasks may ask, and more than once.

        Raises:
            ActionError: It failed for good, or was cancelled.
        """
        await self._done.wait()
        if self._error is not None:
            raise copy(self._error)
        return self._result

    async def _live(self, action: Action | Instruction, options: Mapping[str, Any]) -> None:
        try:
            with self._scope:
                self._result = await run(action, **options)
                return
            self._error = ActionCancelled(self.name, self._reason)
        except ActionError as error:
            self._error = error
        except BaseException as error:
            self._error = ActionCancelled(self.name, f"its nursery was: {shown_error(error)}")
            raise
        finally:
            self._done.set()


def start_run(nursery: trio.Nursery, action: Action | Instruction, context: Any = None, **options: Any) -> Run:
    """Run an action in a task of a nursery, and return at once what it can be awaited and cancelled by.

    A failure that the action declares is for who waits; a bug leaves the nursery.

    Args:
        nursery: Where it runs.
        action: As `run` takes it.
        context: As `run` takes it.
        **options: As `run` takes them.

    Raises:
        InvalidDefinition: The nursery is none, it is no action, or `run` refuses an option.
    """
    if not isinstance(nursery, trio.Nursery):
        raise checks.refused("start_run", "nursery", nursery, "must be a nursery of Trio, open")
    handle = Run(_instruction(action).action_class.name)
    nursery.start_soon(handle._live, action, {"context": context, **options})  # noqa: SLF001  # of this module
    return handle


class Map(Action, name="map", description="Runs an action for each of several items"):
    """One action for many items, so many at a time; returns `{"results": [...]}` in the order of the items."""

    action: type[Action]
    items: tuple[Mapping[str, Any], ...]
    """The parameters of each run."""
    limit: int = field(default=10, validator=attrs.validators.ge(1))
    """So many run at once."""
    on_failure: Literal["stop", "collect"] = "stop"
    """"stop": the first failure cancels the others, and is that of the whole. "collect": all are run, and `results` are
    an `Outcome` each. What is no failure but a crash is one of the whole in either way."""

    async def run(self, context: Context[Any]) -> Result:
        """Run it for each."""
        results: list[Any] = [None] * len(self.items)
        waiting = iter(enumerate(self.items))
        failures: list[ActionError] = []

        async def work(scope: trio.CancelScope) -> None:
            for index, params in waiting:
                instruction = Instruction(self.action, params)
                try:
                    result = await run(instruction, context)
                    results[index] = result if self.on_failure == "stop" else Outcome(instruction, result)
                except ActionError as error:
                    results[index] = Outcome(instruction, None, error)
                    if self.on_failure == "stop":
                        failures.append(error)
                        scope.cancel()
                        return

        async with open_plain_nursery() as nursery:
            for _ in range(min(self.limit, len(self.items))):
                nursery.start_soon(work, nursery.cancel_scope)
        if failures:
            raise failures[0]
        return {"results": results}
