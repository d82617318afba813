"""Actions with a policy: attempts, pauses, limits that several share, and what is done when an action has failed.

From the outside in: `total` seconds for all of it; `before`; attempt after attempt, each behind its breaker and its
limits; `after`; and, whatever it failed with at last, `on_error`. What is waited for counts for `total`, not for the
`timeout` of an attempt.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any, TypeVar

import trio
from attrs import define, evolve, field

from jido_trio.core import Action, AtOnce, Breaker, Context, Policy, Rate, Result
from jido_trio.core.inner import Gate, check_result
from jido_trio.errors import ActionError, ActionTimedOut, BreakerOpen, InvalidDefinition, UndoFailed
from jido_trio.redact import shown, shown_error
from jido_trio.runtime._deadlines import DEADLINE
from jido_trio.runtime._worker_process import in_worker
from jido_trio.world import World, current

T = TypeVar("T")
L = TypeVar("L")

BARE = Policy()
"""Of actions that have hooks only."""


@define(eq=False)
class Pace:
    """A rate under way."""

    _rate: Rate
    _turn: trio.StrictFIFOLock = field(factory=trio.StrictFIFOLock)
    _starts: list[float] = field(factory=list)
    """The last ones, as many as may be in one period."""

    async def wait(self) -> None:
        """Wait until one more may start."""
        async with self._turn:
            if len(self._starts) == self._rate.runs:
                await trio.sleep_until(self._starts[0] + self._rate.seconds)
                del self._starts[0]
            self._starts.append(trio.current_time())


@define(eq=False)
class Fuse:
    """A breaker under way."""

    breaker: Breaker
    gate: Gate = field(factory=Gate)

    def check(self, action: str, name: str) -> None:
        """Refuse a run that isn't let through now."""
        wait = self.gate.wait(self.breaker, trio.current_time())
        if wait is not None:
            raise BreakerOpen(action, name, wait)

    @contextmanager
    def entered(self) -> Generator[None]:
        """Count a run, and how it goes."""
        self.gate = self.gate.entered(self.breaker)
        well: bool | None = None
        try:
            yield
            well = True
        except ActionError as error:
            well = not error.retryable
            raise
        except Exception:
            well = False
            raise
        finally:
            self.gate = self.gate.left(self.breaker, trio.current_time(), well=well)


@define(eq=False)
class Limits:
    """The limits that the actions of an instance share, by kind and name."""

    _instance: Any = None
    _made: dict[tuple[type, str], tuple[object, Any]] = field(factory=dict)

    @property
    def world(self) -> World:
        """Where chance comes from."""
        return current() if self._instance is None else self._instance.world

    def of(self, declared: Rate | AtOnce | Breaker, action: str, make: Callable[[], L]) -> L:
        """Return the limit of a name; one that is declared otherwise elsewhere is refused."""
        name = declared.name or action
        known, made = self._made.setdefault((type(declared), name), (evolve(declared, name=name), make()))
        if evolve(declared, name=name) != known:
            raise InvalidDefinition(
                f"two actions share the limit {shown(name)}, and declare it differently: "
                f"{shown(known)} and {shown(declared)}"
            )
        return made  # type: ignore[no-any-return]


async def managed(action: Any, context: Context[Any], policy: Policy, limits: Limits) -> Result:
    """Return what the action returns, run as its policy says.

    Raises:
        ActionError: It failed for good.
    """
    try:
        with _ends_within(policy.total):
            return await _within(policy.total, action.name, _begun, action, context, policy, limits)
    except ActionError as error:
        if not hasattr(action, "on_error"):
            raise
        failure = error
    try:
        await _made_up_for(action, context, policy, failure)
        raise failure
    finally:
        del failure  # which holds this very frame


async def _begun(action: Any, context: Context[Any], policy: Policy, limits: Limits) -> Result:
    if hasattr(action, "before"):
        await action.before(context)
    result = await _tried(action, context, policy, limits)
    if hasattr(action, "after"):
        result = await action.after(context, result)
    check_result(type(action), result)
    return result


async def _tried(action: Action, context: Context[Any], policy: Policy, limits: Limits) -> Result:
    attempt = 0
    while True:
        try:
            return await _attempted(action, context, policy, limits)
        except BreakerOpen:
            raise  # to wait for it here would be what a breaker is against
        except ActionError as error:
            pause = policy.pause(attempt, limits.world.random.random() if policy.jitter else 0)
            late = trio.current_time() + pause >= (DEADLINE.get() or math.inf)
            if not error.retryable or attempt >= policy.max_retries or late:
                raise
        await trio.sleep(pause)
        attempt += 1


async def _attempted(action: Action, context: Context[Any], policy: Policy, limits: Limits) -> Result:
    async with AsyncExitStack() as stack:
        fuse = None
        if policy.breaker is not None:
            breaker = policy.breaker
            name = breaker.name or action.name
            fuse = limits.of(breaker, action.name, lambda: Fuse(breaker))
            fuse.check(action.name, name)
        if policy.at_once is not None:
            runs = policy.at_once.runs
            limiter = limits.of(policy.at_once, action.name, lambda: trio.CapacityLimiter(runs))
            await stack.enter_async_context(_borrowed(limiter))
        if policy.rate is not None:
            rate = policy.rate
            await limits.of(rate, action.name, lambda: Pace(rate)).wait()
        if fuse is not None:
            fuse.check(action.name, fuse.breaker.name or action.name)  # it may have opened meanwhile
            stack.enter_context(fuse.entered())
        if policy.in_process:
            return await _within(policy.timeout, action.name, in_worker, action, context, policy.memory)
        return await _within(policy.timeout, action.name, action.run, context)  # type: ignore[attr-defined]


@asynccontextmanager
async def _borrowed(limiter: trio.CapacityLimiter) -> AsyncGenerator[None]:
    token = object()  # a task may hold several
    await limiter.acquire_on_behalf_of(token)
    try:
        yield
    finally:
        limiter.release_on_behalf_of(token)


async def _within(seconds: float | None, name: str, async_fn: Callable[..., Awaitable[T]], *args: Any) -> T:
    if seconds is None:
        return await async_fn(*args)
    with trio.move_on_after(seconds):
        return await async_fn(*args)
    raise ActionTimedOut(name, seconds)


@contextmanager
def _ends_within(seconds: float | None) -> Generator[None]:
    """Have what is called and run inside end then, too."""
    if seconds is None:
        yield
        return
    token = DEADLINE.set(min(DEADLINE.get() or math.inf, trio.current_time() + seconds))
    try:
        yield
    finally:
        DEADLINE.reset(token)


async def _made_up_for(action: Any, context: Context[Any], policy: Policy, error: ActionError) -> None:
    try:
        await _within(policy.undo_timeout, action.name, action.on_error, context, error)
    except Exception as undoing:  # noqa: BLE001  # of whatever kind: it is told of with the failure
        raise UndoFailed(action.name, error.message, shown_error(undoing)) from error
