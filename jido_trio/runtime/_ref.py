"""AgentRef: how others speak to an agent. It is the same over all lives of the agent."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from typing import Any, Generic, Literal, TypeVar, overload

import trio
from attrs import frozen

from jido_trio import checks
from jido_trio.core import Action, Agent, Instruction, Replying, Sent, Signal, carrier
from jido_trio.errors import CallTimeout, InvalidDefinition, JidoError
from jido_trio.redact import shown
from jido_trio.runtime._batches import call_all, cast_all
from jido_trio.runtime._cell import CALL_TIMEOUT
from jido_trio.runtime._deadlines import DEADLINE, checked, remaining, timed
from jido_trio.runtime._inspect import AgentView, view_of_agent
from jido_trio.runtime._messages import Call
from jido_trio.runtime._server import Server
from jido_trio.runtime._settling import Settled, not_settled, settling_of
from jido_trio.runtime._waits import HELD, waiting_for
from jido_trio.world import using

AgentT = TypeVar("AgentT", bound=Agent[Any])
Reply = TypeVar("Reply")


@frozen
class AgentRef(Generic[AgentT]):
    """An agent of an instance. Refs to the same agent are equal; one to an agent that was stopped stays stopped."""

    _cell: Server

    def __repr__(self) -> str:
        cell = self._cell
        state = cell.closed or f"incarnation {cell.incarnation}, {len(cell.mailbox)} queued"
        return f"<AgentRef {shown(cell.id)} {state}>"

    @property
    def id(self) -> str:
        """The agent's id."""
        return self._cell.initial.id

    @property
    def incarnation(self) -> int:
        """How often the agent was started."""
        return self._cell.incarnation

    @property
    def agent(self) -> AgentT:
        """The agent as its last `cmd` left it. Reading it sends nothing and waits for nothing."""
        agent: Any = self._cell.agent
        return agent  # type: ignore[no-any-return]  # a cell holds agents of one class

    @property
    def running(self) -> bool:
        """Whether it takes messages; also while it is being restarted."""
        return not self._cell.closed

    def inspect(self) -> AgentView:
        """Return what the agent is at, as plain data; at any moment, and also when it has ended."""
        return view_of_agent(self._cell)

    @overload
    async def call(
        self,
        message: Replying[AgentT, Reply],
        *,
        timeout: float | None = CALL_TIMEOUT,
        deadline: float | None = None,
        check: Literal[True] = True,
    ) -> Reply: ...

    @overload
    async def call(
        self,
        message: Sent,
        *,
        timeout: float | None = CALL_TIMEOUT,
        deadline: float | None = None,
        check: bool = True,
    ) -> AgentT: ...

    @overload
    async def call(
        self,
        message: Sent,
        *,
        timeout: float | None = CALL_TIMEOUT,
        deadline: float | None = None,
        check: bool = True,
        until: Literal["settled"],
    ) -> Settled[AgentT]: ...

    @trio.lowlevel.enable_ki_protection
    async def call(
        self,
        message: Any,
        *,
        timeout: float | None = CALL_TIMEOUT,
        deadline: float | None = None,
        check: bool = True,
        until: Literal["settled"] | None = None,
    ) -> Any:
        """Send `message` and return the agent as its `cmd` left it; its directives are carried out afterwards.

        Args:
            message: A signal, which goes where the routes lead; or an action, which is run whether or not a route leads
                to it. Calls and casts are handled in the order in which they came. An action that has a `reply` is
                answered with that in the place of the agent.
            timeout: Seconds to wait, for room in the mailbox and for the answer; None waits for ever.
            deadline: When the time of the message is over, in seconds of Trio's clock: for the wait, in the place of
                the default timeout, and for calls that are made while the agent does what follows from the message.
                Made for a message that has one, a call has no later one.
            check: Whether to raise what the action declares as a failure; else the agent is returned, whatever came of
                it: as it was, if the action said no.
            until: "settled" waits until all that follows is done: directives, async actions, and what their outcomes
                lead to. It returns the agent as it is then, with the outcomes.

        Raises:
            ActionError: The action said no, or its parameters or its result don't fit. It has changed nothing, and the
                agent's error policy is told. Of several actions of one signal it is the first that said no.
            AgentCrashed: The agent crashed while it handled the message; it may have acted.
            AgentStopped: The agent is, or was, stopped before it came to the message.
            CallTimeout: No answer in time. A message that still waited is withdrawn.
            MailboxFull: There is no room, and the agent's mailbox has the rule not to wait for it.
            NoRoute: None of the agent's routes matches.
            InvalidDefinition: `check` is neither True nor False.
            NotSettled: The message was handled, but not all that follows was done in time. It goes on.
            RuntimeError: The agent lives in another thread, or in another run of Trio.
            TypeError: The message is neither signal nor action, or the timeout is no number.
            ValueError: The timeout is no time, or `until` is something else.
            WouldDeadlock: The agent waits for the interpreter that calls it, or for one that waits for that.
        """
        if timeout is not CALL_TIMEOUT and timeout is not None:
            _check_timeout(timeout)
        if check is not True:
            checks.flag("call", "check", check)
        cell = self._cell
        signal: Any = message
        if deadline is not None or DEADLINE.get() is not None:
            return await self._in_time(message, timeout, deadline, check=check, until=until)
        if until is not None:
            return await self._settled(_signal_of(cell, message), timeout, until, check=check)
        if signal.__class__ is not Signal or not cell.instance.is_here():
            signal = _signal_of(cell, message)
            if check and _replies(message):
                return message.reply(await self.call(signal, timeout=timeout))
        await trio.lowlevel.checkpoint_if_cancelled()
        if cell.state != "idle":
            return await _answered(cell, Call(signal, cell.id, check=check), timeout)
        answer: Any = cell.instance.context.copy().run(cell.answer, signal, check=check)
        await trio.lowlevel.cancel_shielded_checkpoint()
        if isinstance(answer, JidoError):
            raise answer
        if answer.__class__ is Call:
            with waiting_for(cell):
                return await _waited_for(cell, answer, timeout)
        return answer

    @trio.lowlevel.enable_ki_protection
    async def cast(self, message: Sent, *, deadline: float | None = None) -> None:
        """Send a signal or an action.

        It returns once that is in the mailbox, which may have to get room first, or is handled already.

        A durable agent has it on disk then: it will be handled, whatever dies.

        Args:
            message: A signal or an action.
            deadline: When its time is over, in seconds of Trio's clock: the agent passes it over if it comes to it
                later, and calls that are made for it end then.

        Raises:
            CallTimeout: There was no room before the deadline, or it is over already. Nothing was sent.
            InvalidDefinition: The deadline is no time; or the agent is durable, and handles what it was sent.
            AgentStopped: The agent is stopped.
            MailboxFull: There is no room, and the agent's mailbox has the rule not to wait for it.
            OwnershipLost: The agent is durable, and was started elsewhere.
            StorageError: The agent is durable, and the message couldn't be written.
            Unstorable: The agent is durable, and the message can't be kept.
            RuntimeError: The agent lives in another thread, or in another run of Trio.
            WouldDeadlock: There is no room, and the agent waits for the interpreter that casts, or for one that waits
                for that.
        """
        cell = self._cell
        signal: Any = message
        if signal.__class__ is not Signal or not cell.instance.is_here():
            signal = _signal_of(cell, message)
        if deadline is not None:
            await self._cast_in_time(_timed(cell, signal, deadline), deadline)
            return
        await trio.lowlevel.checkpoint_if_cancelled()
        if cell.state == "idle":
            cell.instance.context.copy().run(cell.answer, signal, waits=False)
            await trio.lowlevel.cancel_shielded_checkpoint()
        else:
            await cell.accept(signal)

    async def _in_time(
        self,
        message: Any,
        timeout: float | None,
        deadline: float | None,
        *,
        check: bool,
        until: Literal["settled"] | None,
    ) -> Any:
        cell = self._cell
        signal = _signal_of(cell, message)
        by, seconds = _limits(timeout, deadline)
        if seconds == 0:
            raise CallTimeout(cell.id, 0)
        call: Any = self.call
        token = DEADLINE.set(None)
        try:
            answer = await call(_with_deadline(cell, signal, by), timeout=seconds, check=check, until=until)
        finally:
            DEADLINE.reset(token)
        return message.reply(answer) if check and until is None and _replies(message) else answer

    async def _settled(self, signal: Signal, seconds: float | None, until: object, *, check: bool) -> Settled[AgentT]:
        if until != "settled":
            raise ValueError(f"until={shown(until)} must be 'settled', or left out to wait for `cmd` alone")
        cell, deadline = self._cell, trio.current_time() + (math.inf if seconds is None else seconds)
        with settling_of(cell).waiting(signal) as waiter:
            await self.call(signal, timeout=seconds, check=check)
            with trio.move_on_at(deadline), waiting_for(cell):
                return await waiter.wait()
            raise not_settled(cell, waiter, seconds or 0)

    @overload
    async def call_many(
        self,
        messages: Iterable[Replying[AgentT, Reply]],
        *,
        timeout: float | None = CALL_TIMEOUT,
        deadline: float | None = None,
        check: Literal[True] = True,
    ) -> list[Reply | JidoError]: ...

    @overload
    async def call_many(
        self,
        messages: Iterable[Sent],
        *,
        timeout: float | None = CALL_TIMEOUT,
        deadline: float | None = None,
        check: bool = True,
    ) -> list[AgentT | JidoError]: ...

    @trio.lowlevel.enable_ki_protection
    async def call_many(
        self,
        messages: Iterable[Any],
        *,
        timeout: float | None = CALL_TIMEOUT,
        deadline: float | None = None,
        check: bool = True,
    ) -> list[Any]:
        """Send several messages in one go, and return what each came to, in order: the agent, or what `call` raises.

        It takes less than as many calls. Other messages may come in between. Cancelled, it withdraws those that wait.

        Args:
            messages: Signals and actions; all are looked at before the first is sent.
            timeout: Seconds to wait for all together; None waits for ever.
            deadline: When the time of all is over, see `call`.
            check: Whether an action that says no comes to what it said; else it comes to the agent.

        Raises:
            InvalidDefinition: `check` is neither True nor False.
            RuntimeError: The agent lives in another thread, or in another run of Trio.
            TypeError: One of them is neither signal nor action. None was sent.
            ValueError: The timeout is no time.
            WouldDeadlock: The agent waits for the interpreter that calls it, or for one that waits for that.
        """
        if timeout is not None:
            _check_timeout(timeout)
        checks.flag("call_many", "check", check)
        cell = self._cell
        cell.instance.check_here()
        sent = _several(messages)
        signals = [_signal_of(cell, message) for message in sent]
        late = False
        if deadline is not None or DEADLINE.get() is not None:
            by, timeout = _limits(timeout, deadline)
            late = timeout == 0
            signals = [_with_deadline(cell, signal, by) for signal in signals]
        await trio.lowlevel.checkpoint()
        if late:
            return [CallTimeout(cell.id, 0) for _ in sent]
        answers = await call_all(cell, signals, timeout, check=check)
        return list(map(_reply_of, sent, answers)) if check else answers

    async def _cast_in_time(self, signal: Signal, deadline: float) -> None:
        seconds = remaining(deadline)
        with trio.move_on_at(deadline):
            await self.cast(signal)
            return
        raise CallTimeout(self._cell.id, seconds)

    @trio.lowlevel.enable_ki_protection
    async def cast_many(self, messages: Iterable[Sent]) -> None:
        """Send several messages, in order; return once the last is in the mailbox, or is handled already.

        Args:
            messages: Signals and actions; all are looked at before the first is sent.

        Raises:
            CallError: As `cast`, for one of them; those before it stay sent, as a note of the error says. So they do
                when it is cancelled. A durable agent has the other errors of `cast`, with that note, too.
            RuntimeError: The agent lives in another thread, or in another run of Trio.
            TypeError: One of them is neither signal nor action. None was sent.
        """
        cell = self._cell
        cell.instance.check_here()
        signals = [_signal_of(cell, message) for message in _several(messages)]
        await trio.lowlevel.checkpoint()
        await cast_all(cell, signals)

    @trio.lowlevel.enable_ki_protection
    def cast_nowait(self, message: Sent, *, deadline: float | None = None) -> None:
        """Send a signal or an action, at once or not at all.

        Args:
            message: A signal or an action.
            deadline: When its time is over, see `cast`.

        Raises:
            CallTimeout: The deadline is over already.
            InvalidDefinition: The deadline is no time; or the agent is durable, and handles what it was sent.
            MailboxFull: There is no room.
            AgentStopped: The agent is stopped.
            RuntimeError: The agent lives in another thread, or in another run of Trio.
        """
        cell = self._cell
        signal: Any = message
        if signal.__class__ is not Signal or not cell.instance.is_here():
            signal = _signal_of(cell, message)
        if deadline is not None:
            signal = _timed(cell, signal, deadline)
        if not cell.offer(signal):
            raise cell.refusal_now()


def _timed(cell: Server, signal: Signal, deadline: float) -> Signal:
    """Return a signal that is cast with a deadline."""
    checked(deadline)
    if cell.durable:
        raise InvalidDefinition(
            f"agent {shown(cell.id)} is durable, and handles what was cast to it, however late: leave out deadline=",
            field="deadline",
            value=deadline,
        )
    if trio.current_time() >= deadline:
        raise CallTimeout(cell.id, 0)
    return timed(signal, deadline)


def _limits(timeout: float | None, deadline: float | None) -> tuple[float, float | None]:
    """Return the deadline of a call, and the seconds to wait."""
    by = checked(deadline)
    wanted = math.inf if timeout is None or (timeout is CALL_TIMEOUT and deadline is not None) else timeout
    seconds = min(wanted, remaining(by))
    return by, None if seconds == math.inf else seconds


def _with_deadline(cell: Server, signal: Signal, deadline: float) -> Signal:
    return signal if cell.durable else timed(signal, deadline)


def _replies(message: object) -> bool:
    return isinstance(message, Action) and message.replies


def _reply_of(message: Any, answer: Any) -> Any:
    return answer if isinstance(answer, JidoError) or not _replies(message) else message.reply(answer)


def _signal_of(cell: Server, message: object) -> Signal:
    """Return what comes into the mailbox; refuse what can't be sent, and a caller in the wrong place."""
    if not isinstance(message, Signal | Action | Instruction):
        raise TypeError(
            f"agents are sent signals and actions, not {shown(message)}; make one: Signal('type', {{'field': value}}), "
            "or a value of your action's class"
        )
    cell.instance.check_here()
    if isinstance(message, Signal):
        return message
    with using(cell.instance.world):
        return carrier(message, cell.instance.source)


def id_of(agent: AgentRef[Any] | str) -> str:
    """Return the id of an agent that is given by its ref or its id.

    Raises:
        TypeError: It is neither: None, or what `new` made into the text of an id.
    """
    given: object = agent
    if isinstance(given, AgentRef):
        return given.id
    if not isinstance(given, str):
        raise TypeError(f"{shown(given)} is no ref of an agent and no id: give what start_agent returned, or a text")
    return given


def cell_of(ref: AgentRef[Any]) -> Server:
    """Return the agent's place in its instance.

    Raises:
        TypeError: It is no ref, as the None of a `whereis` that found nobody.
    """
    given: object = ref
    if not isinstance(given, AgentRef):
        raise TypeError(
            f"{shown(ref)} is no ref of an agent: give what start_agent returned, or a whereis that found it"
        )
    return ref._cell  # noqa: SLF001  # a ref is the runtime's own


def _several(messages: Iterable[Any]) -> list[Any]:
    given: object = messages
    if not isinstance(given, Iterable):
        raise TypeError(f"messages={shown(given)} must be several signals and actions; call and cast send a single one")
    return list(messages)


def _check_timeout(timeout: object) -> None:
    is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if is_number and timeout >= 0 and (timeout <= sys.float_info.max or timeout == math.inf):  # type: ignore[operator]
        return
    told = f"timeout={shown(timeout)} must be seconds, 0 or more, or None to wait for ever"
    raise ValueError(told) if is_number else TypeError(told)


async def _answered(cell: Server, call: Call, timeout: float | None) -> Any:
    """Queue the call, and return the answer or raise it."""
    if cell.closed:
        await trio.lowlevel.cancel_shielded_checkpoint()
        raise cell.refusal()
    if HELD.get() is None:
        cell.mailbox.offer_call(call)
        cell.wake()
        if timeout == CALL_TIMEOUT:
            cell.instance.deadlines.add(call)
            return await call.wait()
        return await _waited_for(cell, call, timeout)
    with waiting_for(cell):
        cell.mailbox.offer_call(call)
        cell.wake()
        return await _waited_for(cell, call, timeout)


async def _waited_for(cell: Server, call: Call, timeout: float | None) -> Any:
    """Return the answer or raise it."""
    timer = None
    if timeout == CALL_TIMEOUT:
        cell.instance.deadlines.add(call)
    elif timeout is not None:
        timer = cell.instance.timers.after(timeout, lambda: call.expire(timeout))
    try:
        return await call.wait()
    finally:
        if timer is not None:
            timer.cancel()
