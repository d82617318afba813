"""Batches: many messages to one agent in one go.

While the agent is idle they are handled right here, one after the other, with a turn for the other tasks of the program
now and then. As soon as it isn't, those that are left go into the mailbox together.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import trio

from jido_trio.core import Signal
from jido_trio.errors import JidoError
from jido_trio.runtime._messages import Call
from jido_trio.runtime._run_queue import ROUND
from jido_trio.runtime._server import Server
from jido_trio.runtime._waits import refuse_circle, waiting_for


async def call_all(cell: Server, signals: Sequence[Signal], timeout: float | None, *, check: bool) -> list[Any]:
    """Send all, and return the answers, or the errors, in order."""
    refuse_circle(cell)
    waiting: list[Call] = []

    def expire() -> None:
        for call in reversed(waiting):  # or one that waits for room would get it now
            call.expire(timeout or 0)

    timer = cell.instance.timers.after(timeout, expire) if timeout is not None else None
    try:
        told = await _sent(cell, signals, waiting, check=check)
        for call in reversed(waiting):  # the last is answered last, as a rule: one wait for all of them
            if not call.settled:
                await _answered(cell, call)
    finally:
        if timer is not None:
            timer.cancel()
        for call in reversed(waiting):
            call.withdraw()
    return [each.told() if isinstance(each, Call) else each for each in told]


async def _sent(cell: Server, signals: Sequence[Signal], waiting: list[Call], *, check: bool) -> list[Any]:
    """Return what all came to so far: an answer, an error, or a call that waits."""
    told: list[Any] = []
    for number, signal in enumerate(signals, start=1):
        if cell.state == "idle":
            answer: Any = cell.instance.context.copy().run(cell.answer, signal, check=check)
            if isinstance(answer, Call):
                waiting.append(answer)
            told.append(answer)
        elif cell.closed:
            told.append(cell.refusal())
        else:
            call = Call(signal, cell.id, check=check)
            waiting.append(call)
            told.append(call)
            cell.mailbox.offer_call(call)
            cell.wake()
        if number % ROUND == 0:
            await trio.lowlevel.checkpoint()
    return told


async def _answered(cell: Server, call: Call) -> None:
    with waiting_for(cell), suppress(JidoError):  # it is among the answers
        await call.wait()


async def cast_all(cell: Server, signals: Sequence[Signal]) -> None:
    """Send all, in order.

    Raises:
        JidoError: One could not be sent.
    """
    for number, signal in enumerate(signals):
        if cell.state == "idle":
            cell.instance.context.copy().run(cell.answer, signal, waits=False)
        elif not cell.durable and cell.offer(signal):
            pass
        else:
            try:
                await cell.accept(signal)
            except JidoError as error:
                error.add_note(f"{number} of {len(signals)} messages were sent before")
                raise
        if number % ROUND == ROUND - 1:
            await trio.lowlevel.checkpoint()
