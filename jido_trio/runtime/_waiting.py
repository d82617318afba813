"""Waiting for what becomes of an agent, without polling.

Whoever waits leaves a predicate with the agent. It is asked after each signal that was handled, and when a life begins;
so a state that lasts but for one signal is seen, too. A waiter is woken at once when the agent has ended for good, and
is forgotten when it is cancelled or its time is over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeAlias, TypeVar

import trio
from attrs import define, field, frozen
from outcome import Error, Outcome, Value

from jido_trio import checks
from jido_trio.core import Agent
from jido_trio.errors import AgentStopped, InvalidDefinition, WaitTimeout
from jido_trio.redact import shown
from jido_trio.runtime._cell import Cell
from jido_trio.runtime._family import get_children
from jido_trio.runtime._life_tasks import open_plain_nursery
from jido_trio.runtime._ref import AgentRef, cell_of
from jido_trio.runtime._waits import waiting_for
from jido_trio.terms import ExitKind

AgentT = TypeVar("AgentT", bound=Agent[Any])

Predicate: TypeAlias = Callable[[Any], object]

WAIT_TIMEOUT = 10.0
"""Seconds that is waited for a state, unless told otherwise."""


CHILD_TIMEOUT = 30.0
"""Seconds that is waited for the work of a child, unless told otherwise."""


@frozen
class Completion:
    """How an agent's work ended, as its state tells."""

    status: Literal["completed", "failed"]
    result: Any
    """What came of it; the error, if it failed."""


@define(eq=False)
class _Waiter:
    wanted: Predicate
    task: trio.lowlevel.Task


@define(eq=False)
class Watchers:
    """Who waits for one agent; see `Belonging`."""

    cell: Cell
    waiters: list[_Waiter] = field(factory=list)

    def up(self) -> None:
        """See `Belonging`."""

    def again(self) -> None:
        """See `Belonging`."""

    def gone(self, exit: ExitKind) -> None:
        """See `Belonging`."""
        for waiter in self._all():
            trio.lowlevel.reschedule(waiter.task, Error(self.cell.refusal()))

    def changed(self, agent: Agent[Any]) -> None:
        """Wake those who have waited for this."""
        for waiter in self._all():
            told = _asked(waiter.wanted, agent)
            if told is None:
                self.add(waiter)
            else:
                trio.lowlevel.reschedule(waiter.task, told)

    def _all(self) -> list[_Waiter]:
        waiters, self.waiters = self.waiters, []
        self.cell.on_change = None
        return waiters

    def add(self, waiter: _Waiter) -> None:
        """Have one more wait."""
        self.waiters.append(waiter)
        self.cell.on_change = self.changed

    def remove(self, waiter: _Waiter) -> None:
        """Have one wait no more."""
        self.waiters.remove(waiter)
        if not self.waiters:
            self.cell.on_change = None


def _asked(wanted: Predicate, agent: Agent[Any]) -> Outcome[Agent[Any]] | None:
    """Return what the waiter is to be told, or None to let it wait on."""
    try:
        return Value(agent) if wanted(agent.state) else None
    except Exception as error:  # noqa: BLE001  # whoever asked is told that its predicate fails
        return Error(error)


async def wait_state(ref: AgentRef[AgentT], predicate: Predicate, timeout: float | None = WAIT_TIMEOUT) -> AgentT:
    """Wait until `predicate(state)` is true, and return the agent as it was then.

    It is asked about the state of now, after each signal that the agent has handled, and when a life begins.

    Args:
        ref: The agent.
        predicate: A quick function of the state. What it raises, it raises here.
        timeout: Seconds; None waits for ever.

    Raises:
        WaitTimeout: It wasn't true in time; it tells what the agent is at.
        AgentStopped: The agent has ended for good.
        RuntimeError: The agent lives in another thread, or in another run of Trio.
        WouldDeadlock: The agent waits for the interpreter that waits for it.
    """
    given: object = predicate
    if not callable(given) or checks.does_nothing(given):
        raise TypeError(f"predicate={shown(predicate)} must be a plain function of the state, a `def`")
    cell = cell_of(ref)
    checks.seconds(f"the wait for agent {shown(ref.id)}", "timeout", timeout, or_none="None to wait for ever")
    cell.instance.check_here()
    await trio.lowlevel.checkpoint()
    if cell.closed:
        raise cell.refusal()
    told = _asked(predicate, cell.agent)
    if told is None:
        with waiting_for(cell):
            told = await _told(cell, predicate, timeout)
    return told.unwrap()  # type: ignore[return-value]  # a ref's agents are of one class


async def _told(cell: Cell, predicate: Predicate, timeout: float | None) -> Outcome[Any]:
    watchers = cell.kept(Watchers)
    if watchers is None:
        watchers = Watchers(cell)
        cell.keep(watchers)
    waiter = _Waiter(predicate, trio.lowlevel.current_task())
    watchers.add(waiter)

    def give_up(_: object) -> trio.lowlevel.Abort:
        watchers.remove(waiter)
        return trio.lowlevel.Abort.SUCCEEDED

    with trio.move_on_after(math.inf if timeout is None else timeout):
        return Value(await trio.lowlevel.wait_task_rescheduled(give_up))
    raise WaitTimeout(cell.id, timeout or 0, cell.state, len(cell.mailbox), cell.incarnation)


async def await_completion(
    ref: AgentRef[Any],
    *,
    timeout: float | None = WAIT_TIMEOUT,
    status: str = "status",
    result: str = "last_answer",
    error: str = "error",
) -> Completion:
    """Wait until the agent's state says that its work is completed, or has failed.

    Args:
        ref: The agent.
        timeout: Seconds; None waits for ever.
        status: The field that is "completed" or "failed" at the end.
        result: The field with what came of it.
        error: The field with why it failed.

    Raises:
        WaitTimeout: It wasn't in time; it tells what the agent is at.
        AgentStopped: The agent has ended for good, and its state said neither.
        InvalidDefinition: The agent's state has no field `status`, or the name of a field is none.

    Source: Jido `AgentServer.await_completion/2`; jido_trio.actions has the actions that say so.
    """
    for option, name in (("status", status), ("result", result), ("error", error)):
        checks.text("await_completion", option, name)
    if not hasattr(cell_of(ref).agent.state, status):
        raise InvalidDefinition(
            f"the state of agent {shown(ref.id)} has no field {shown(status)}; say which tells that its work is done: "
            "await_completion(ref, status='...')",
            field="status",
            value=status,
        )
    agent = await wait_state(ref, lambda state: getattr(state, status) in ("completed", "failed"), timeout)
    done: Literal["completed", "failed"] = getattr(agent.state, status)
    return Completion(done, getattr(agent.state, result if done == "completed" else error, None))


async def await_child(
    ref: AgentRef[Any],
    tag: str,
    *,
    timeout: float | None = CHILD_TIMEOUT,
    status: str = "status",
    result: str = "last_answer",
    error: str = "error",
) -> Completion:
    """Wait until the agent has a child of that tag, and until the child's work is completed or has failed.

    Its options are those of `await_completion`; the time is for both together.

    Raises:
        WaitTimeout: There was no such child in time, or its work was not done: it tells what the agent, or the child,
            is at.
        AgentStopped: The agent, or the child, has ended for good.
        InvalidDefinition: The tag is no text.
    """
    checks.text("await_child", "tag", tag)
    began = trio.current_time()
    await wait_state(ref, lambda _: tag in get_children(ref), timeout)
    left = None if timeout is None else max(0.0, began + timeout - trio.current_time())
    child = get_children(ref)[tag]
    return await await_completion(child, timeout=left, status=status, result=result, error=error)


async def await_all(
    refs: Iterable[AgentRef[Any]],
    *,
    timeout: float | None = WAIT_TIMEOUT,
    status: str = "status",
    result: str = "last_answer",
    error: str = "error",
) -> dict[str, Completion]:
    """Wait until the work of all agents is completed or has failed; return how it ended, by agent id.

    Its options are those of `await_completion`; the time is for all together.

    Raises:
        WaitTimeout, AgentStopped: Of the first agent for which there is no answer; the others are waited for no more.
    """
    ended: dict[str, Completion] = {}
    waits = _listed(refs)

    async def one(ref: AgentRef[Any]) -> None:
        ended[ref.id] = await await_completion(ref, timeout=timeout, status=status, result=result, error=error)

    await _together([(one, ref) for ref in waits])
    return {ref.id: ended[ref.id] for ref in waits}


async def await_any(
    refs: Iterable[AgentRef[Any]],
    *,
    timeout: float | None = WAIT_TIMEOUT,
    status: str = "status",
    result: str = "last_answer",
    error: str = "error",
) -> tuple[str, Completion]:
    """Wait until the work of one of the agents is completed or has failed; return its id, and how it ended.

    Its options are those of `await_completion`.

    Raises:
        WaitTimeout, AgentStopped: Of the first agent for which there is no answer.
        InvalidDefinition: There are no agents.
    """
    waits = _listed(refs)
    if not waits:
        raise InvalidDefinition("await_any needs an agent to wait for", field="refs", value=())
    first: list[tuple[str, Completion]] = []

    async def one(ref: AgentRef[Any]) -> None:
        completion = await await_completion(ref, timeout=timeout, status=status, result=result, error=error)
        first.append((ref.id, completion))
        scope.cancel("one of the agents is done")

    with trio.CancelScope() as scope:
        await _together([(one, ref) for ref in waits])
    return first[0]


def _listed(refs: Iterable[AgentRef[Any]]) -> list[AgentRef[Any]]:
    given: object = refs
    if isinstance(given, AgentRef) or not isinstance(given, Iterable):
        raise TypeError(f"refs={shown(given)} must be several refs; await_completion waits for a single agent")
    listed = list(refs)
    for ref in listed:
        cell_of(ref)
    return listed


async def _together(calls: list[tuple[Callable[[AgentRef[Any]], Any], AgentRef[Any]]]) -> None:
    """Run all; what the first of them raises is raised, alone."""
    failed: list[Exception] = []

    async def guarded(call: Callable[[AgentRef[Any]], Any], ref: AgentRef[Any]) -> None:
        try:
            await call(ref)
        except (WaitTimeout, AgentStopped, InvalidDefinition) as failure:
            failed.append(failure)
            nursery.cancel_scope.cancel("there is no answer of one agent")

    async with open_plain_nursery() as nursery:
        for call, ref in calls:
            nursery.start_soon(guarded, call, ref)
    if failed:
        raise failed[0]
