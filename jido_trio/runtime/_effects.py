"""Effects: the directives of a durable agent are carried out, and each that reaches out is noted when it is done.

What a death left open is gone on with by the next life, or told of: see `_commit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from typing import Any

import trio
from attrs import evolve

from jido_trio.core import Agent, Instruction, RunInstruction, Signal
from jido_trio.errors import Interrupted
from jido_trio.redact import shown
from jido_trio.runtime._archive import Effect
from jido_trio.runtime._book import draft
from jido_trio.runtime._cell import Instance
from jido_trio.runtime._commit import CommittingServer
from jido_trio.runtime._inbox import Inbox
from jido_trio.runtime._interpreter import Runtime
from jido_trio.runtime._mailbox_rules import MailboxRules
from jido_trio.runtime._messages import Outcome
from jido_trio.runtime._plan import Do, Plan
from jido_trio.runtime._tasks import under_way
from jido_trio.runtime._wakers import Wakers
from jido_trio.runtime._work import CRASHED, CUT_OFF, STOPS, awaited, interpreted


class ActingServer(CommittingServer):
    """An agent whose directives are carried out after the commit that they are part of."""

    __slots__ = ("_begun",)

    def __init__(self, agent: Agent[Any], instance: Instance, mailbox_size: int, rules: MailboxRules | None) -> None:
        super().__init__(agent, instance, mailbox_size, rules)
        self._begun: set[str] = set()
        """Notes of effects that lives of this process have begun with."""

    def _sent(self, plan: Plan) -> None:
        """Take note of what the commit has done."""
        for id, message in plan.sent:
            receiver = self.instance.cells.get(id)
            inbox = receiver.kept(Inbox) if receiver is not None else None
            if inbox is not None:
                inbox.arrive(message)
            elif receiver is None:
                self.instance.part(Wakers).wake(id)

    async def _act(self, signal: Signal, steps: Sequence[Do], before: Agent[Any]) -> None:
        """Carry out directives, and note those that are done."""
        life, plain = self.life, Runtime(self.agent, signal, self, self)
        for number, step in enumerate(steps):
            if self.life is not life or self.ending:
                self._lose_steps(signal, steps[number:], STOPS if self.ending else CUT_OFF)
                return
            try:
                await self._do(step, plain)
            except trio.Cancelled:
                self._lose_steps(signal, steps[number:], CUT_OFF, begun=True)
                raise
            except BaseException as error:  # noqa: BLE001  # a bug of whatever kind: the supervisor decides
                crash = error
            else:
                await self._noted(step, signal, steps[number + 1 :])
                continue
            self._lose_steps(signal, steps[number + 1 :], CRASHED)
            try:
                directives = tuple(each.directive for each in steps)
                self._crash(life, crash, before, signal, self.agent, directives, number)
            finally:
                del crash
            return

    async def _do(self, step: Do, runtime: Runtime) -> None:
        """Carry out a directive; an action with effects is begun."""
        if step.record:
            runtime = evolve(runtime, key=_known_by(step.record, runtime.signal))
            begun = partial(self._begun.add, step.record)
            if isinstance(step.directive, RunInstruction):
                tell = partial(self._learn, runtime.signal, record=step.record)
                under_way(self).start(step.directive, runtime, tell, begun)
                return
            begun()
        if self._tasks is not None:
            self._tasks.at = step.directive
        waits = self.instance.context.copy().run(interpreted, step.directive, runtime)
        if waits is not None:
            await awaited(waits, runtime)
        if self._tasks is not None:
            self._tasks.at = None

    async def _noted(self, step: Do, signal: Signal, rest: Sequence[Do]) -> None:
        """Note that a directive is done, if it has a note that its end takes out."""
        if not step.record or isinstance(step.directive, RunInstruction):
            return
        try:
            await self._note(step.record)
        except BaseException:
            self._lose_steps(signal, rest, CUT_OFF)
            raise

    def _lose_steps(self, signal: Signal, steps: Sequence[Do], reason: str, *, begun: bool = False) -> None:
        """Tell of those that are never carried out: not of what is on disk, which the next life goes on with."""
        lost = tuple(step.directive for step in steps if not step.record)
        self._lose(signal, lost, reason, begun=begun and not steps[0].record)

    async def _note(self, record: str) -> None:
        """Note that an effect is done."""
        page = draft(self._open_book())
        page.done(record)
        await self._commit(page, ())
        self._begun.discard(record)

    def _learn(self, signal: Signal, tell: Instruction, record: str) -> None:
        self._inbox.learn(Outcome(signal, tell, self.incarnation, record))

    # ---- what a death left open

    async def _take_up(self) -> None:
        """Go on with the effects that a death left open, or tell of them."""
        if self._suspects is not None:
            await self._suspects.note()
        thawed, self._thawed, self._fresh = self._thawed, False, False
        first = True
        for record, effect in tuple(self._open_book().effects.items()):
            if self._inbox.has(record):  # its outcome waits
                continue
            unknown = record in self._begun or (thawed and first)
            first = first and isinstance(effect.directive, RunInstruction)
            if unknown and (not self._may_repeat(effect.directive) or await self._is_hopeless(record)):
                await self._leave(record, effect)
            else:
                await self._act(effect.signal, [Do(effect.directive, record)], self.agent)

    async def _is_hopeless(self, record: str) -> bool:
        return self._suspects is not None and await self._suspects.is_hopeless(record, self._is_open)

    def _may_repeat(self, directive: object) -> bool:
        if self._options.effects == "at_least_once":
            return True
        return isinstance(directive, RunInstruction) and directive.instruction.action_class.idempotent

    async def _leave(self, record: str, effect: Effect) -> None:
        """Tell of an effect of which nobody knows whether it was done."""
        if isinstance(effect.directive, RunInstruction):
            error = Interrupted(effect.directive.instruction.action_class.name)
            self._learn(effect.signal, effect.directive.failed(error), record)
            return
        await self._note(record)
        what = shown(effect.directive)
        self.instance.undeliverable(
            self.id,
            effect.signal,
            f"the agent died while it carried out {what}; whether that was done isn't known, and it isn't done again",
        )


def _known_by(record: str, signal: Signal) -> str:
    """Return what those that an effect reaches know it by: the same when it is carried out again, and that of no other.

    The number of its input is not enough: inputs are counted anew where the agent begins anew, in another file, say.
    """
    return f"{record}/{sha256(f'{signal.source} {signal.id}'.encode()).hexdigest()[:16]}"
