"""Jobs: async actions that an agent asked for, and how one is run: within its timeout, again if that may help."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import trio
from attrs import define, field, frozen

from jido_trio.core import Action, Context, Emit, Instruction, Outcome, Result, RunInstruction, Signal
from jido_trio.errors import ActionCancelled, ActionError, ActionTimedOut
from jido_trio.redact import shown
from jido_trio.runtime._attempts import BARE, Limits, managed
from jido_trio.runtime._crash import AgentCrash
from jido_trio.runtime._interpreter import Runtime
from jido_trio.runtime._messages import Progress
from jido_trio.runtime._post import Post
from jido_trio.runtime._progress import Listeners, Update
from jido_trio.runtime._works import works_for
from jido_trio.terms import WhenFull
from jido_trio.world import using

_PLAIN = frozenset({"timeout"})
"""Options of an instruction that need no policy."""


@define(eq=False)
class Job:
    """An async action that a life of an agent asked for."""

    directive: RunInstruction
    runtime: Runtime
    incarnation: int
    """Of the life."""
    _tell: Callable[[Instruction], None]
    """Takes the instruction that tells the agent of the outcome."""
    _on_begun: Callable[[], None] | None = None
    begun: float | None = field(default=None, init=False)
    """When, in seconds of Trio's clock."""
    _scope: trio.CancelScope | None = field(default=None, init=False)
    """That in which it runs."""
    _cancelled: str | None = field(default=None, init=False)
    """Why it was cancelled by name."""
    _far: Any = field(default=None, init=False)
    """How far it says that it is."""
    _message: Progress | None = field(default=None, init=False)
    """What told the agent of that last."""

    @property
    def name(self) -> str:
        """The action's."""
        return self.directive.instruction.action_class.name

    @property
    def is_kept(self) -> bool:
        """Whether it is on disk, too, and begins in the next life if it doesn't in this one."""
        return bool(self.runtime.key)

    @property
    def crash(self) -> AgentCrash:
        """Tell of a crash of it."""
        return AgentCrash(self.runtime.agent, self.runtime.signal, instruction=self.directive.instruction)

    async def run(self) -> None:
        """Run the action, and tell the agent of what it returned, or of the failure it declared."""
        if self._cancelled is not None:  # while it waited
            return
        self.begun = trio.current_time()
        works_for(self.runtime.cell, is_action=True)
        if self._on_begun is not None:
            self._on_begun()
        tell = None
        try:
            with trio.CancelScope() as self._scope:
                result = await self._execute(self.directive.instruction)
                tell = self.directive.finished(result, self.incarnation)
        except ActionError as error:
            self.failed(error)
            return
        if tell is None:
            self.failed(ActionCancelled(self.name, str(self._cancelled)))
        else:
            self._tell(tell)

    def cancel(self, reason: str) -> None:
        """End it: now, if it waits; as soon as it lets itself be cancelled, if it runs."""
        if self._cancelled is not None:
            return
        self._cancelled = reason
        if self._scope is not None:
            self._scope.cancel()
        elif self.begun is None:
            self.failed(ActionCancelled(self.name, reason))

    def failed(self, error: ActionError) -> None:
        """Tell the agent of a failure."""
        self._tell(self.directive.failed(error, self.incarnation))

    def progress(self, data: object) -> None:
        """Tell the agent, and whoever listens, how far it is."""
        cell, asked = self.runtime.cell, self.directive
        if cell.life is None or cell.incarnation != self.incarnation:
            return
        told = {
            "id": asked.instruction.id,
            "action": self.name,
            "progress": data,
            "meta": asked.meta,
            "incarnation": self.incarnation,
            "signal": self.runtime.signal.id,
        }
        with using(cell.instance.world):
            signal = Signal("jido.action.progress", told, source=cell.instance.source)
        self._far = signal.data["progress"]
        if self._message is not None and self._message.waits:
            self._message.signal = signal
            cell.instance.counts.accepted += 1
            cell.instance.counts.dropped += 1
        else:
            self._message = Progress(signal, self.incarnation)
            cell.put(self._message)
        listeners = cell.kept(Listeners)
        if listeners is not None:
            listeners.tell(self, self.update(self._far))

    def update(self, data: object = None, outcome: Outcome | None = None, *, ended: bool = False) -> Update:
        """Return what those who listen are told."""
        instruction, signal = self.directive.instruction, self.runtime.signal
        return Update(self.name, instruction.id, signal.id, self.incarnation, data, outcome, ended)

    def inspect(self) -> Mapping[str, object]:
        """Return how far it is, as plain data."""
        far = shown(self._far, hide=self.crash.hidden) if self._far is not None else None
        seconds = trio.current_time() - self.begun if self.begun is not None else None
        return {"action": self.name, "lane": self.directive.lane, "seconds": seconds, "progress": far}

    async def emit(self, directive: Emit) -> None:
        """Send a signal while it runs; the agent goes on meanwhile."""
        await trio.lowlevel.checkpoint()
        cell = self.runtime.cell
        waits = cell.instance.part(Post).emit(cell, directive, aside=True)
        if waits is not None:
            await waits

    async def _execute(self, instruction: Instruction) -> Result:
        """Return what the action of `instruction` returns, run as its policy and its opts say."""
        action = instruction.bind()
        runtime = self.runtime
        agent = runtime.agent
        if not action.is_async:
            await trio.lowlevel.checkpoint()
            return self._at_once(action)
        context = JobContext(
            agent.state,
            agent,
            runtime.signal,
            instruction.context,
            runtime.resources,
            self.incarnation,
            runtime.key,
            job=self,
        )
        if action.is_managed or not _PLAIN.issuperset(instruction.opts):
            policy = (action.policy or BARE).overridden(instruction.opts)
            return await managed(action, context, policy, context.limits)
        return await _attempt(action, context, instruction.opts.get("timeout"))

    def _at_once(self, action: Action) -> Result:
        run: Any = action.run  # type: ignore[attr-defined]  # an instruction's action has one
        agent, asked = self.runtime.agent, self.directive.instruction
        return run(Context(agent.state, agent, self.runtime.signal, asked.context))  # type: ignore[no-any-return]


@frozen(slots=False)
class JobContext(Context[Any, Any]):
    """What an action with effects is told, and what it can tell while it runs."""

    _job: Job = field(kw_only=True, repr=False, eq=False, alias="job")

    @property
    def limits(self) -> Limits:
        """Those that the actions of the instance share."""
        return self._job.runtime.part(Limits)

    def progress(self, data: object = None) -> None:
        """See `Context`."""
        self._job.progress(data)

    def emit(
        self, signal: Signal | str, data: object = None, *, dispatch: object = None, when_full: WhenFull = "wait"
    ) -> Awaitable[None]:
        """See `Context`."""
        with using(self._job.runtime.cell.instance.world):
            return self._job.emit(Emit(signal, data, dispatch=dispatch, when_full=when_full))


async def _attempt(action: Action, context: Context[Any], seconds: float | None) -> Result:
    run: Any = action.run  # type: ignore[attr-defined]  # an instruction's action has one
    if seconds is None:
        return await run(context)  # type: ignore[no-any-return]
    with trio.move_on_after(seconds):
        return await run(context)  # type: ignore[no-any-return]
    raise ActionTimedOut(action.name, seconds)
