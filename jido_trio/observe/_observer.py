"""Observers: who sees all instances that are made in a context, as a simulation does."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from jido_trio.observe._event import Level
from jido_trio.observe._ring import Ring


class Observer(Protocol):
    """Sees instances and their events."""

    @property
    def level(self) -> Level:
        """How much of its events each instance has to keep, at least."""
        ...

    def opened(self, instance: object) -> Ring:
        """Take note of an instance; return where its events go."""
        ...


_observer: ContextVar[Observer | None] = ContextVar("jido_trio.observer", default=None)


def current_observer() -> Observer | None:
    """Return who sees what is made in this context, if anybody does."""
    return _observer.get()


@contextmanager
def observing(observer: Observer) -> Generator[None]:
    """Have `observer` see all instances that are made inside of the block."""
    token = _observer.set(observer)
    try:
        yield
    finally:
        _observer.reset(token)
