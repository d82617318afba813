"""Faults that the soaked program can be given, each of which the counter must find."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from jido_trio.core import Signal
from jido_trio.runtime._fates import Counts
from jido_trio.runtime._mailbox import Mailbox
from jido_trio.runtime._server import Server

EVERY = 30
"""One of so many messages is dealt with wrongly."""


def _replace(cls: type, **methods: Callable[..., Any]) -> None:
    for name, method in methods.items():
        setattr(cls, name, method)


def lose() -> None:
    """A message is taken out of its mailbox and forgotten, and counted as handled."""
    take, number = Mailbox.take, count(1)

    def losing(mailbox: Mailbox) -> Any:
        message = take(mailbox)
        return take(mailbox) if isinstance(message, Signal) and next(number) % EVERY == 0 else message

    _replace(Mailbox, take=losing)


def double() -> None:
    """A message is handled twice, and counted once."""
    receive, number = Server._receive, count(1)

    def doubling(server: Server, signal: Any, *rest: Any, **options: Any) -> None:
        receive(server, signal, *rest, **options)
        if next(number) % EVERY == 0 and not rest and server.life is not None and server.state == "serving":
            receive(server, signal)

    _replace(Server, _receive=doubling)


def miscount() -> None:
    """A message that is a dead letter stays counted as handled, and another is accepted for it: the sum is right."""
    not_handled, number = Server._not_handled, count(1)

    def miscounting(server: Server, *rest: Any, **options: Any) -> None:
        not_handled(server, *rest, **options)
        if next(number) % 2 == 0:
            counts: Counts = server.instance.counts
            counts.handled += 1
            counts.accepted += 1

    _replace(Server, _not_handled=miscounting)


def mislead() -> None:
    """The caller of an agent that crashed is given the agent as it was, as an answer."""
    refused = Server._crashed
    number = count(1)

    def misleading(server: Server, *rest: Any) -> Any:
        return server.agent if next(number) % 2 == 0 else refused(server, *rest)

    _replace(Server, _crashed=misleading)


PLANTS: Mapping[str, Callable[[], None]] = {
    "lost": lose,
    "doubled": double,
    "miscounted": miscount,
    "misled": mislead,
}
