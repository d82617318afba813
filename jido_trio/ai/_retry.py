"""Whether a call that failed is tried again, on which model, and when."""

from attrs import frozen

from jido_trio.ai._events import Called
from jido_trio.ai._inputs import Kind
from jido_trio.ai._rules import Rules


@frozen
class Retry:
    """The next try."""

    model: str
    tries: int
    """How often that model was tried then."""
    delay: float
    """Seconds."""


def retry_after(rules: Rules, called: Called, kind: Kind, retry_after: float | None) -> Retry | None:
    """Return the next try after one that failed; None if there is none.

    A model that may be better the next time is tried `retries` times more, then its fallback as often. What the
    provider says to wait is waited, even if it is longer than our own pause; but the fallback, another provider mostly,
    doesn't wait for it.
    """
    if kind not in ("retry", "fallback"):
        return None
    if kind == "retry" and called.tries <= rules.retries:
        return Retry(called.model, called.tries + 1, max(rules.pause(called.tries), retry_after or 0))
    fallback = rules.model_rule(called.model).fallback
    return None if fallback is None else Retry(fallback, 1, 0)
