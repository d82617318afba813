"""What becomes of signals that nobody handles: dead letters."""

from __future__ import annotations

import logging
from collections.abc import Callable

from attrs import frozen

from jido_trio.core import Signal
from jido_trio.redact import shown

logger = logging.getLogger("jido_trio.runtime")


@frozen
class DeadLetter:
    """A signal that was sent to an agent and that nobody will handle."""

    agent_id: str
    signal: Signal
    reason: str


def log_dead_letter(letter: DeadLetter) -> None:
    """Write the dead letter to the log `jido_trio.runtime`; where they go unless an instance is told otherwise."""
    to, signal = shown(letter.agent_id), shown(letter.signal.type)
    logger.warning("signal %s to agent %s is not handled: %s", signal, to, letter.reason)


def deliver(letter: DeadLetter, box: Callable[[DeadLetter], None]) -> None:
    """Put the letter into the box; a box that raises is logged."""
    try:
        box(letter)
    except Exception:
        to, signal = shown(letter.agent_id), shown(letter.signal.type)
        logger.exception("on_dead_letter raised for signal %s to agent %s", signal, to)
