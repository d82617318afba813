"""How an action with effects is run: how long, how often, how many at once, and what is done when it fails.

Values and pure rules; the machinery is in the runtime, and an action without a policy never comes to it.
"""

import math
from collections.abc import Mapping
from typing import Any

from attrs import evolve, field, frozen

from jido_trio import checks
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown

OVERRIDABLE = ("timeout", "total", "max_retries", "backoff", "longest_backoff", "jitter", "undo_timeout")
"""What the `opts` of an instruction may say otherwise."""


@frozen
class Rate:
    """At most so many runs in so many seconds, over all actions that name the same limit."""

    runs: int
    seconds: float = 1
    name: str = field(default="", kw_only=True)
    """Whose limit it is; the action's own if empty."""

    def __attrs_post_init__(self) -> None:
        checks.whole("a rate", "runs", self.runs, least=1)
        checks.seconds("a rate", "seconds", self.seconds, above_zero=True)
        _text("a rate", self.name)


@frozen
class AtOnce:
    """At most so many runs at once, over all actions that name the same limit; who waits longest comes first."""

    runs: int
    name: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        checks.whole("a limit", "runs", self.runs, least=1)
        _text("a limit", self.name)


@frozen
class Breaker:
    """After so many failures in a row nothing is tried for a while; then one run is let through, to see.

    A failure is a `Transient` one, a time-out or a bug: what a `Permanent` one says, the other side is up to say.
    """

    failures: int = 5
    seconds: float = 30
    """Before one is let through again."""
    name: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        checks.whole("a breaker", "failures", self.failures, least=1)
        checks.seconds("a breaker", "seconds", self.seconds, above_zero=True)
        _text("a breaker", self.name)


@frozen
class Gate:
    """What a breaker has seen."""

    failed: int = 0
    """In a row."""
    opens: float = -math.inf
    """When the next run is let through, in seconds of some clock; in the past if it is closed."""
    trying: bool = False
    """Whether the one run that is let through is under way."""

    def wait(self, breaker: Breaker, now: float) -> float | None:
        """Return how many seconds nobody is let through, 0 if it isn't known; None: somebody is, now."""
        if self.failed < breaker.failures:
            return None
        if now < self.opens:
            return self.opens - now
        return 0.0 if self.trying else None

    def entered(self, breaker: Breaker) -> "Gate":
        """Return it with one more run under way."""
        return evolve(self, trying=self.failed >= breaker.failures)

    def left(self, breaker: Breaker, now: float, *, well: bool | None) -> "Gate":
        """Return it after a run that went well, or not; None: nobody can tell, it was cancelled."""
        if well is None:
            return evolve(self, trying=False)
        if well:
            return Gate()
        return Gate(self.failed + 1, now + breaker.seconds)


def _not_negative(name: str, or_none: str = "") -> Any:
    def check(policy: object, _: object, value: object) -> None:
        checks.seconds("a policy", name, value, above_zero=bool(or_none), or_none=or_none)

    return check


@frozen(kw_only=True)
class Policy:
    """How an action with effects is run. Each part is off unless it is given. Times are seconds of Trio's clock.

    Raises:
        InvalidDefinition: A value makes no sense.
    """

    timeout: float | None = field(default=None, validator=_not_negative("timeout", "None for no limit"))
    """For one attempt; then it is cancelled, which is a failure that is retryable."""
    total: float | None = field(default=None, validator=_not_negative("total", "None for no limit"))
    """For all attempts, the pauses between them, and what it waits for; calls and runs within it end then, too."""
    max_retries: int = 0
    """How often a failure that is retryable is tried again."""
    backoff: float = field(default=0.25, validator=_not_negative("backoff"))
    """Before the first retry; doubled for each further one."""
    longest_backoff: float = field(default=30.0, validator=_not_negative("longest_backoff"))
    jitter: float = 0.0
    """Which share of a pause is left to chance: with 1 it is anything from 0 to the whole."""
    rate: Rate | None = None
    at_once: AtOnce | None = None
    breaker: Breaker | None = None
    undo_timeout: float | None = field(default=5.0, validator=_not_negative("undo_timeout", "None for no limit"))
    """For `on_error`, and for each `undo`."""
    in_process: bool = False
    """Whether each attempt runs in a worker process: for what computes long, or may take its process down."""
    memory: int | None = None
    """Bytes that the worker process may have; None for no limit. It needs `in_process`."""

    def __attrs_post_init__(self) -> None:
        checks.whole("a policy", "max_retries", self.max_retries)
        checks.share("a policy", "jitter", self.jitter)
        checks.flag("a policy", "in_process", self.in_process)
        checks.whole("a policy", "memory", self.memory, least=1, or_none="None for no limit")
        if self.memory is not None and not self.in_process:
            raise InvalidDefinition("memory= of a policy is for worker processes: it needs in_process=True")
        for name, kind in (("rate", Rate), ("at_once", AtOnce), ("breaker", Breaker)):
            value = getattr(self, name)
            if value is not None and not isinstance(value, kind):
                raise checks.refused("a policy", name, value, f"must be a {kind.__name__}, or None")

    def overridden(self, opts: Mapping[str, Any]) -> "Policy":
        """Return it with what an instruction says otherwise."""
        return evolve(self, **opts) if opts else self

    def pause(self, attempt: int, chance: float) -> float:
        """Return the seconds before the retry after that attempt, the first being 0; `chance` is from 0 to 1."""
        longest = min(self.backoff * 2.0 ** min(attempt, 1000), self.longest_backoff)
        return longest * (1 - self.jitter * chance)


def _text(owner: str, name: object) -> None:
    if not isinstance(name, str):
        raise InvalidDefinition(f"name={shown(name)} of {owner} must be text", field="name", value=name)
