"""Server: one life of an agent. It takes a message, routes it, runs `cmd`, answers, carries out the directives.

A life begins without a task of its own besides the one it runs in. As long as that is so, a crash leaves nothing that
must be torn down: once the supervisor has decided so, putting the initial agent in the place of the crashed one *is*
the restart. The first async action opens a nursery; from then on a crash ends the task, and the supervisor starts
another.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Protocol

import trio
from attrs import AttrsInstance, define, field

from jido_trio.core import (
    Agent,
    Error,
    ErrorPolicy,
    Instruction,
    RunInstruction,
    Signal,
    SpawnAgent,
    decide_error,
)
from jido_trio.errors import ActionError, AgentCrashed, NoRoute
from jido_trio.runtime._cell import Cell
from jido_trio.runtime._execute import execute
from jido_trio.runtime._interpreter import interpret
from jido_trio.runtime._message import Message
from jido_trio.runtime._timers import Timer, Timers
from jido_trio.supervision import Life

TURN = 64
"""So many messages are handled before other tasks have a turn."""


class Instance(Protocol):
    """What a server needs of the instance that it belongs to."""

    timers: Timers

    def deliver(self, sender: Cell, signal: Signal, dispatch: object) -> None:
        """Send a signal where `dispatch` says."""

    def dead_letter(self, agent_id: str, signal: Signal, reason: str) -> None:
        """Tell of a signal that nobody handles."""

    def log_error(self, agent_id: str, error: ActionError, context: str | None, problem: str | None) -> None:
        """Tell of an `Error` directive."""

    def spawn_child(self, parent: Cell, directive: SpawnAgent) -> None:
        """Begin to start a child agent."""

    def child_started(self, cell: Cell) -> None:
        """Tell the parent of an agent, if it has one, that the agent is up."""

    def stop_cell(self, id: str, reason: object) -> None:
        """Begin to stop an agent."""


async def serve(cell: Cell, instance: Instance, *, life: Life) -> None:
    """Be one life of the agent of `cell`; and the next, if it crashes and there is nothing to tear down."""
    if life.incarnation == 1:
        instance.child_started(cell)
    if life.stopping or life.killed:  # before its first step
        return
    cell.mailbox.reopen()
    life.trap_stop(cell.mailbox.stop)
    await Server(cell, instance, life).run()


@define(eq=False)
class Server:
    """One life of an agent, and the `Runtime` that its directives are interpreted with."""

    cell: Cell
    instance: Instance
    life: Life
    agent: Agent[Any] = field(init=False)
    signal: Signal = field(init=False)
    _directives: deque[AttrsInstance] = field(factory=deque)
    _ending: bool = False
    """Whether the agent gave a `Stop`."""
    _nursery: trio.Nursery | None = None
    _turn: int = 0
    """Messages and crashes since other tasks had a turn."""

    async def run(self) -> None:
        """Serve until the agent is stopped. A crash that takes more than a new agent to mend is raised."""
        while True:
            if self._turn >= TURN:
                await self._let_others_run()
            try:
                self._begin()
                stopped = await self._work()
                break
            except Exception as error:  # noqa: BLE001  # a bug of whatever kind: the supervisor decides
                crash = error
            # Outside of the except block, or the crashes of all lives would chain.
            if not self.life.renew(crash):
                raise crash
            self._turn += 1
        if not stopped:
            await self._work_with_tasks()

    # ---- the loop

    def _begin(self) -> None:
        self._directives.clear()
        self.cell.incarnation, self.cell.errors = self.life.incarnation, 0
        self.agent = self.cell.agent = self.cell.initial
        directives = self.agent.strategy.init(self.agent)[1]
        if directives:
            self.signal = Signal("jido.agent.started", {"id": self.cell.id, "incarnation": self.cell.incarnation})
        self._directives.extend(directives)

    async def _work(self) -> bool:
        """Handle messages until the agent is stopped; return False when it needs tasks first."""
        mailbox = self.cell.mailbox
        while True:
            if self._directives and not await self._carry_out():
                return False
            if self._ending:
                await mailbox.wait_stopped()
            if self._turn >= TURN:
                await self._let_others_run()
            message = mailbox.take_nowait()
            if message is None:
                self._turn = 0
                message = await mailbox.take()
                if message is None:
                    return True
            self._turn += 1
            if not message.withdrawn and message.incarnation in (None, self.life.incarnation):
                self._handle(message)

    async def _let_others_run(self) -> None:
        self._turn = 0
        await trio.lowlevel.checkpoint()

    def _handle(self, message: Message) -> None:
        self.signal = message.signal
        try:
            instructions = self._instructions(message)
            if not instructions:
                self._unrouted(message)
                return
            self.agent, directives = self.agent.cmd(instructions, signal=message.signal)
        except BaseException as error:  # whoever ends the whole program has a caller, too
            if message.reply is not None:
                message.reply.fail(AgentCrashed(self.cell.id, self.cell.incarnation, _one_line(error)))
            raise
        self.cell.agent = self.agent
        if message.reply is not None:
            message.reply.answer(self.agent)
        self._directives.extend(directives)

    def _instructions(self, message: Message) -> tuple[Instruction, ...]:
        return (
            (message.instruction,) if message.instruction is not None else self.agent.instructions_for(message.signal)
        )

    def _unrouted(self, message: Message) -> None:
        routes = [route.pattern for route in self.agent.router.routes]
        if message.reply is not None:
            message.reply.fail(NoRoute(self.cell.id, message.signal.type, routes))
        elif not message.quiet:
            self.instance.dead_letter(self.cell.id, message.signal, "no route matches")

    async def _carry_out(self) -> bool:
        """Carry out the directives; return False when the next one needs a task."""
        while self._directives:
            if self._nursery is None and isinstance(self._directives[0], RunInstruction):
                return False
            await interpret(self._directives.popleft(), self)
        return True

    # ---- tasks of its own

    async def _work_with_tasks(self) -> None:
        crash: Exception | None = None
        try:
            async with trio.open_nursery() as self._nursery:
                await self._work()
                self._nursery.cancel_scope.cancel(f"agent {self.cell.id!r} stops")
        except ExceptionGroup as crashes:
            crash = _plain(crashes)
        if crash is not None:
            raise crash

    async def _run_task(self, directive: RunInstruction, agent: Agent[Any], signal: Signal) -> None:
        try:
            tell = directive.finished(await execute(directive.instruction, agent, signal))
        except ActionError as error:
            tell = directive.failed(error)
        self.cell.mailbox.put_over(Message(signal, instruction=tell, quiet=True, incarnation=self.life.incarnation))

    # ---- what interpreters may do; see `Runtime`

    def emit(self, signal: Signal, dispatch: object = None) -> None:
        """See `Runtime`."""
        self.instance.deliver(self.cell, signal, dispatch)

    def send_later(self, seconds: float, signal: Signal) -> None:
        """See `Runtime`."""
        cell = self.cell

        def fire() -> None:
            cell.timers.discard(timer)
            cell.mailbox.put_over(Message(signal))

        timer: Timer = self.instance.timers.after(seconds, fire)
        cell.timers.add(timer)

    def spawn_agent(self, directive: SpawnAgent) -> None:
        """See `Runtime`."""
        try:
            self.instance.spawn_child(self.cell, directive)
        except ActionError as error:
            self.fail(Error(error, context="spawn"))

    def stop_child(self, tag: str, reason: object) -> None:
        """See `Runtime`."""
        child = self.cell.children.get(tag)
        if child is not None:
            self.instance.stop_cell(child, reason)

    def run_instruction(self, directive: RunInstruction) -> None:
        """See `Runtime`."""
        assert self._nursery is not None  # noqa: S101  # `_carry_out` saw to it
        name = directive.instruction.action_class.name
        # With the agent and the signal of now: when the task begins, the server may be at another.
        self._nursery.start_soon(self._run_task, directive, self.agent, self.signal, name=name)

    def fail(self, error: Error) -> None:
        """See `Runtime`."""
        self.cell.errors += 1
        policy: ErrorPolicy = type(self.agent).error_policy  # of the class: a function would be bound to the agent
        verdict = decide_error(policy, error, self.cell.errors, self.agent)
        self.instance.log_error(self.cell.id, error.error, error.context, verdict.problem)
        # What goes wrong while an error is handled is logged only: it would be sent, and go wrong, for ever.
        if verdict.emit is not None and self.signal.type != verdict.emit.signal.type:
            self.emit(verdict.emit.signal, verdict.emit.dispatch)
        if verdict.then == "crash":
            raise error.error
        if verdict.then == "stop":
            self.stop(error.error)

    def stop(self, reason: object) -> None:
        """See `Runtime`."""
        self._directives.clear()
        self._ending = True
        self.instance.stop_cell(self.cell.id, reason)


def _plain(error: Exception) -> Exception:
    """Return the one error that a group is about, or the group."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        (error,) = error.exceptions
    return error


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
