"""Rate limits: what a provider takes of all who call it, whatever agent or model they call it for."""

from __future__ import annotations

from collections import deque
from contextlib import AbstractAsyncContextManager
from typing import Never

import trio
from attrs import define, field, frozen

from jido_trio import checks
from jido_trio.ai._client import (
    SENDING,
    ModelClient,
    ModelFailure,
    ModelReply,
    ModelRequest,
    Sending,
    Tell,
    check_client,
    holding,
)


@define(eq=False, init=False)
class RateLimit:
    """A limit that clients share: `limit = RateLimit(calls=60)`, `Model("large", limit.of(OpenAI()))`.

    Who comes first is served first. What a provider says to wait, after a refusal, all of them wait.

    Args:
        calls: Calls that may begin within `seconds`; None for any number.
        seconds: Length of that time.
        at_once: Calls that may be in flight; None for any number.

    Raises:
        InvalidDefinition: An option is wrong.
    """

    _calls: int | None
    _seconds: float
    _at_once: int | None
    _now: _Run | None

    def __init__(self, *, calls: int | None = None, seconds: float = 60, at_once: int | None = None) -> None:
        checks.whole("a rate limit", "calls", calls, least=1, or_none="None for any number")
        checks.seconds("a rate limit", "seconds", seconds, above_zero=True)
        checks.whole("a rate limit", "at_once", at_once, least=1, or_none="None for any number")
        self._calls = calls
        self._seconds = seconds
        self._at_once = at_once
        self._now = None

    def __copy__(self) -> RateLimit:
        return self  # what is copied keeps to the same limit

    def __deepcopy__(self, _memo: object) -> RateLimit:
        return self

    def __reduce__(self) -> Never:
        raise TypeError("a rate limit holds within one process, so it can't be pickled: make one in each")

    def __repr__(self) -> str:
        calls, at_once = self._calls or "any", self._at_once or "any"
        return f"<RateLimit {calls} calls in {self._seconds:g} s, {at_once} at once>"

    def of(self, client: ModelClient) -> ModelClient:
        """Return a client that keeps to the limit.

        Raises:
            InvalidDefinition: It is no client, or keeps to this limit already.
        """
        check_client("a rate limit", client)
        if isinstance(client, _Limited) and client.limit is self:
            raise checks.refused("a rate limit", "client", client.client, "keeps to this limit already: say it once")
        return _Limited(client, self)

    async def stream(self, client: ModelClient, request: ModelRequest, tell: Tell) -> ModelReply | ModelFailure:
        """Have a client reply when it is its turn."""
        run = self._of_this_run()
        sending = SENDING.get() or Sending()
        sending.waits = True
        async with run.room:
            async with run.turn:
                await self._wait(run)
                run.begun.append(trio.current_time())
            sending.waits = False
            reply = await client.stream(request, tell)
        if isinstance(reply, ModelFailure) and reply.retry_after is not None:
            run.closed_until = max(run.closed_until, trio.current_time() + reply.retry_after)
        return reply

    async def _wait(self, run: _Run) -> None:
        while True:
            full = self._calls is not None and len(run.begun) == self._calls
            opens = max(run.closed_until, run.begun[0] + self._seconds if full else -1)
            if opens <= trio.current_time():
                return
            await trio.sleep_until(opens)

    def _of_this_run(self) -> _Run:
        token = trio.lowlevel.current_trio_token()
        if self._now is None or self._now.token is not token:  # each run has a clock of its own
            room = trio.CapacityLimiter(self._at_once or float("inf"))
            self._now = _Run(token, room, deque(maxlen=self._calls or 1))
        return self._now


@define(eq=False)
class _Run:
    """The limit in one run of Trio."""

    token: trio.lowlevel.TrioToken
    room: trio.CapacityLimiter
    begun: deque[float]
    """When the last calls began, the oldest first."""
    turn: trio.Lock = field(factory=trio.Lock)
    closed_until: float = -1


@frozen
class _Limited:
    """A client within a limit."""

    client: ModelClient
    limit: RateLimit

    def held(self) -> AbstractAsyncContextManager[None]:
        """See `ModelClient`."""
        return holding([self.client])

    async def stream(self, request: ModelRequest, tell: Tell) -> ModelReply | ModelFailure:
        """See `ModelClient`."""
        return await self.limit.stream(self.client, request, tell)
