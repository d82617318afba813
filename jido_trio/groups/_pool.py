"""Pool: equal agents that are lent out, one to each user at a time, so that work waits instead of piling up.

A worker is lent by `async with pool.agent() as worker`, and is back when the block is left, however it is left. Who
asks while all are lent waits in line: first come, first served. The line is the back-pressure: nobody sends more than
the workers can take. A worker keeps its state from one user to the next; if it crashed meanwhile it is restarted as
every agent is, and one that ended for good is replaced when its turn comes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Generic, Literal, TypeAlias, TypeVar, get_args, overload

import trio
from attrs import define, field, frozen

from jido_trio import checks
from jido_trio.core import Action, Agent, Instruction, Replying, Sent
from jido_trio.errors import AgentNotFound, NoWorkerFree, PoolClosed, SupervisorStopped
from jido_trio.groups._instance import check_instance
from jido_trio.groups._until import within
from jido_trio.redact import shown
from jido_trio.runtime import AgentRef, Agents, Settled
from jido_trio.supervision import Budget

AgentT = TypeVar("AgentT", bound=Agent[Any])
Reply = TypeVar("Reply")

Order: TypeAlias = Literal["lifo", "fifo"]
"""Which of several free workers is lent: the one that came back last, or the one that is free the longest."""

BUDGET = Budget(max_restarts=100, max_seconds=5, exhausted="stop")
"""Of one worker. One that is parked would be lent on, in vain; one that has ended is replaced."""

CHECKOUT_TIMEOUT = 5.0
CALL_TIMEOUT = 5.0


@frozen
class PoolStatus:
    """What a pool is at, as plain data."""

    name: str
    size: int
    free: int
    lent: int
    """Workers out, those beyond `size` included."""
    overflow: int
    """Workers beyond `size`."""
    waiting: int
    """Users in line."""


@frozen(eq=False)
class Answer(Generic[AgentT]):
    """What came of one message of `Pool.map`: the agent as its `cmd` left it."""

    message: Sent
    agent: AgentT


@frozen(eq=False)
class NoAnswer:
    """One message of `Pool.map` that was not answered, and why."""

    message: Sent
    error: Exception


@define(eq=False)
class _Turn(Generic[AgentT]):
    """One user in line."""

    called: trio.Event = field(factory=trio.Event)
    worker: AgentRef[AgentT] | None = None
    """The worker that is handed over; None to start one of their own."""


@define(eq=False, repr=False)
class Pool(Generic[AgentT]):
    """The workers of a pool; `open_pool` makes one."""

    name: str
    size: int
    max_overflow: int
    order: Order
    _jido: Agents
    _agent: type[AgentT]
    _state: object
    _free: deque[AgentRef[AgentT]] = field(factory=deque)
    _line: deque[_Turn[AgentT]] = field(factory=deque)
    _lent: int = 0
    _closed: bool = False
    _started: int = 0
    """How many workers were ever started: the number in the id of the last."""

    def __repr__(self) -> str:
        return f"<Pool {self.name!r} {len(self._free)} free, {self._lent} lent, {len(self._line)} waiting>"

    @asynccontextmanager
    async def agent(self, *, timeout: float | None = CHECKOUT_TIMEOUT) -> AsyncIterator[AgentRef[AgentT]]:
        """Lend a worker for the length of the block.

        Args:
            timeout: Seconds to wait for one; 0 for not at all, None for ever.

        Raises:
            NoWorkerFree: None was free in time.
            PoolClosed: The block of the pool was left.
            SupervisorStopped: The instance isn't running.
        """
        checks.seconds(f"pool {shown(self.name)}", "timeout", timeout, or_none="None to wait for ever")
        worker = await self._checkout(timeout)
        try:
            yield worker
        finally:
            await self._checkin(worker)  # noqa: ASYNC102  # it shields itself

    @overload
    async def call(
        self,
        message: Replying[AgentT, Reply],
        *,
        timeout: float | None = CALL_TIMEOUT,
        checkout: float | None = CHECKOUT_TIMEOUT,
        deadline: float | None = None,
        check: Literal[True] = True,
    ) -> Reply: ...

    @overload
    async def call(
        self,
        message: Sent,
        *,
        timeout: float | None = CALL_TIMEOUT,
        checkout: float | None = CHECKOUT_TIMEOUT,
        deadline: float | None = None,
        check: bool = True,
    ) -> AgentT: ...

    @overload
    async def call(
        self,
        message: Sent,
        *,
        timeout: float | None = CALL_TIMEOUT,
        checkout: float | None = CHECKOUT_TIMEOUT,
        deadline: float | None = None,
        check: bool = True,
        until: Literal["settled"],
    ) -> Settled[AgentT]: ...

    async def call(
        self,
        message: Any,
        *,
        timeout: float | None = CALL_TIMEOUT,
        checkout: float | None = CHECKOUT_TIMEOUT,
        deadline: float | None = None,
        check: bool = True,
        until: Literal["settled"] | None = None,
    ) -> Any:
        """Lend a worker for one call.

        Args:
            message: What to handle, a signal or an action.
            timeout: Seconds for the answer, see `AgentRef.call`.
            checkout: Seconds to wait for a worker.
            deadline: When the time of the message is over, in seconds of Trio's clock, see `AgentRef.call`; a worker is
                waited for no longer, either.
            check: Whether to raise what the action declares as a failure.
            until: "settled" waits until all that follows from the message is done; the worker is lent as long.

        Raises:
            NoWorkerFree: None was free in time.
            ActionError: The action said no, see `AgentRef.call`.
            CallError: The call was not answered, see `AgentRef.call`.
            InvalidDefinition: The deadline is no time.
        """
        if deadline is not None and timeout is CALL_TIMEOUT:
            timeout = None  # the deadline is in its place
        async with self.agent(timeout=within(f"pool {shown(self.name)}", deadline, checkout)) as worker:
            call: Any = worker.call
            return await call(message, timeout=timeout, deadline=deadline, check=check, until=until)

    async def cast(
        self, message: Sent, *, checkout: float | None = CHECKOUT_TIMEOUT, deadline: float | None = None
    ) -> None:
        """Send a signal or an action to the next worker, and don't wait for what comes of it.

        Args:
            message: What to handle, a signal or an action.
            checkout: Seconds to wait for a worker.
            deadline: When its time is over, in seconds of Trio's clock, see `AgentRef.cast`.

        Raises:
            NoWorkerFree: None was free in time.
            CallError: It can't be sent, see `AgentRef.cast`.
            InvalidDefinition: The deadline is no time.
        """
        async with self.agent(timeout=within(f"pool {shown(self.name)}", deadline, checkout)) as worker:
            await worker.cast(message, deadline=deadline)

    def map(
        self,
        messages: Iterable[Sent],
        *,
        timeout: float | None = CALL_TIMEOUT,
        deadline: float | None = None,
        check: bool = True,
    ) -> AbstractAsyncContextManager[trio.abc.ReceiveChannel[Answer[AgentT] | NoAnswer]]:
        """Call a worker for each message, as many at once as there are workers; the results in order.

            async with pool.map(messages) as results:
                async for result in results: ...

        Each result is an `Answer` with the agent, or a `NoAnswer` with the error: what one message does is of no
        concern to the others. Messages are taken as results are read, so there may be any number of them, and memory
        doesn't grow with it. Workers are waited for without a limit. Leaving the block early cancels the calls that
        wait.

        Args:
            messages: Any iterable of signals and actions. What it raises is raised from the loop, after the results of
                the messages before.
            timeout: Seconds for each answer.
            deadline: When the time of all of them is over, in seconds of Trio's clock: a message that has no answer by
                then has a `NoAnswer`.
            check: Whether a message whose action said no has a `NoAnswer` with what it said; else it is an `Answer`.

        Raises:
            InvalidDefinition: An option is wrong.
            TypeError: The messages are no several.
        """
        within(f"pool {shown(self.name)}", deadline, 0)
        checks.flag(f"pool {shown(self.name)}", "check", check)
        given: object = messages
        if not isinstance(given, Iterable):
            raise TypeError(f"messages={shown(given)} must be several signals and actions; call sends a single one")
        if deadline is not None and timeout is CALL_TIMEOUT:
            timeout = None  # the deadline is in its place
        return trio.as_safe_channel(self._mapped)(iter(messages), timeout, deadline, check=check)

    def status(self) -> PoolStatus:
        """Return what the pool is at, at any moment."""
        overflow = max(0, len(self._free) + self._lent - self.size)
        return PoolStatus(self.name, self.size, len(self._free), self._lent, overflow, len(self._line))

    # ---- lending

    async def _checkout(self, seconds: float | None) -> AgentRef[AgentT]:
        await trio.lowlevel.checkpoint()
        self._refuse_if_closed()
        worker = self._next_free()
        if worker is None and self._lent + len(self._free) >= self.size + self.max_overflow:
            worker = await self._in_line(seconds)
        else:
            self._lent += 1
        return await self._alive(worker)

    def _next_free(self) -> AgentRef[AgentT] | None:
        if not self._free:
            return None
        return self._free.pop() if self.order == "lifo" else self._free.popleft()

    async def _in_line(self, seconds: float | None) -> AgentRef[AgentT] | None:
        """Wait for a worker that comes back; its loan goes on as this one."""
        if seconds == 0:
            raise NoWorkerFree(self.name, self.size + self.max_overflow, 0)
        turn: _Turn[AgentT] = _Turn()
        self._line.append(turn)
        try:
            with trio.move_on_after(float("inf") if seconds is None else seconds):
                await turn.called.wait()
        finally:
            if not turn.called.is_set():
                self._line.remove(turn)
        if turn.called.is_set():
            self._refuse_if_closed()
            return turn.worker
        raise NoWorkerFree(self.name, self.size + self.max_overflow, seconds or 0)

    async def _alive(self, worker: AgentRef[AgentT] | None) -> AgentRef[AgentT]:
        """Return the worker, or a new one in the place of one that has ended for good."""
        if worker is not None and worker.running:
            return worker
        try:
            return await self._start()
        except BaseException:
            self._give_back(None)
            raise

    async def _start(self) -> AgentRef[AgentT]:
        self._started += 1
        id = f"{self.name}-{self._started}"
        return await self._jido.start_agent(self._agent, id=id, state=self._state, budget=BUDGET)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise PoolClosed(self.name)

    async def _checkin(self, worker: AgentRef[AgentT]) -> None:
        surplus = len(self._free) + self._lent > self.size and not self._line
        if not surplus and not self._closed:
            self._give_back(worker)
            return
        self._lent -= 1
        await self._stop(worker)

    def _give_back(self, worker: AgentRef[AgentT] | None) -> None:
        if self._line:
            turn = self._line.popleft()
            turn.worker = worker
            turn.called.set()
            return
        self._lent -= 1
        if worker is not None:
            self._free.append(worker)

    async def _stop(self, worker: AgentRef[AgentT]) -> None:
        # Bounded by the agent's shutdown; it may have ended already.
        with trio.CancelScope(shield=True), suppress(AgentNotFound, SupervisorStopped):
            await self._jido.stop_agent(worker)

    # ---- mapping

    async def _mapped(
        self, messages: Iterable[Sent], seconds: float | None, deadline: float | None, *, check: bool
    ) -> AsyncGenerator[Answer[AgentT] | NoAnswer, None]:
        rest = iter(messages)
        under_way: deque[_Call[AgentT]] = deque()
        broken: Exception | None = None
        async with trio.open_nursery() as nursery:
            while True:
                while broken is None and len(under_way) < self.size + self.max_overflow:
                    try:
                        call = _Call[AgentT](next(rest), check)
                    except StopIteration:
                        break
                    except Exception as error:  # noqa: BLE001  # raised after the results of the messages before
                        broken = error
                        break
                    under_way.append(call)
                    nursery.start_soon(self._one, call, seconds, deadline)
                if not under_way:
                    break
                first = under_way.popleft()
                await first.done.wait()
                assert first.result is not None  # noqa: S101  # set before `done`
                yield first.result  # noqa: ASYNC101, ASYNC119  # a safe channel runs it in a nursery
        if broken is not None:
            raise broken

    async def _one(self, call: _Call[AgentT], seconds: float | None, deadline: float | None) -> None:
        try:
            message = Instruction(call.message) if isinstance(call.message, Action) else call.message  # for the agent
            agent = await self.call(message, timeout=seconds, checkout=None, deadline=deadline, check=call.check)
        except Exception as error:  # noqa: BLE001  # it is the result of this message
            call.result = NoAnswer(call.message, error)
        else:
            call.result = Answer(call.message, agent)
        call.done.set()

    # ---- the whole

    async def open(self) -> None:
        """Start the workers."""
        for _ in range(self.size):
            self._free.append(await self._start())

    async def close(self) -> None:
        """Stop those that are free, and turn away who waits; who has one yet has it stopped when it comes back."""
        self._closed = True
        while self._line:
            self._line.popleft().called.set()
        while self._free:
            await self._stop(self._free.popleft())


@define(eq=False)
class _Call(Generic[AgentT]):
    """One message of a map, and what came of it."""

    message: Sent
    check: bool
    done: trio.Event = field(factory=trio.Event)
    result: Answer[AgentT] | NoAnswer | None = None


@asynccontextmanager
async def open_pool(
    jido: Agents,
    agent: type[AgentT],
    *,
    name: str,
    size: int = 5,
    max_overflow: int = 0,
    order: Order = "lifo",
    state: object = None,
) -> AsyncIterator[Pool[AgentT]]:
    """Start `size` workers of class `agent` and lend them out until the block is left; then stop them.

    Args:
        jido: The instance that they live in.
        agent: Their class.
        name: What the pool is called in errors; its workers are `name-1`, `name-2`, ...
        size: How many workers there are.
        max_overflow: How many more are started when all are lent; they are stopped when they come back and nobody
            waits.
        order: Which free worker is lent: "lifo" the one that came back last, "fifo" the one that is free the longest.
        state: Where their state differs from the defaults.

    Raises:
        InvalidDefinition: An option is wrong; nothing was started.
        DuplicateAgent: An agent of the instance has the id of a worker; those started before it were stopped again.

    Source: Jido's agent pools (poolboy). Differs: users wait in line and can be cancelled; workers are lent to a block,
    so none is lost by a user that forgets to give it back.
    """
    owner = f"pool {shown(name)}"
    check_instance(owner, jido)
    given: object = name
    if not isinstance(given, str) or not given:
        raise checks.refused("a pool", "name", name, "must be a text that is not empty")
    checks.whole(owner, "size", size, least=1)
    checks.whole(owner, "max_overflow", max_overflow)
    checks.one_of(owner, "order", order, get_args(Order))
    pool = Pool(name, size, max_overflow, order, jido, agent, state)
    try:
        await pool.open()
        yield pool
    finally:
        await pool.close()  # noqa: ASYNC102  # it shields itself
