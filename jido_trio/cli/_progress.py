"""How far a long command has come, told on the terminal."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from attrs import Factory, define, field

from jido_trio.world import current

PATIENCE, EVERY = timedelta(seconds=1), timedelta(seconds=0.2)
"""The time until the first word of progress, and between two."""


def _beginning() -> datetime:
    return current().now() + PATIENCE


@define(eq=False)
class Progress:
    """How far a long command has come, told on the terminal and taken back at its end; elsewhere it says nothing."""

    _what: str
    _total: int = 0
    """How far it will come at most; 0 if nobody knows."""
    _due: datetime = Factory(_beginning)
    _told: bool = field(default=False, init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.clear()

    def clear(self) -> None:
        """Take back what was told."""
        if self._told:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._told = False

    def at(self, number: int) -> None:
        """Tell how far it has come, if it is time for that."""
        now = current().now()
        if now < self._due or sys.stderr is None or not sys.stderr.isatty():
            return
        self._due, self._told = now + EVERY, True
        of = f" of {self._total:,}" if 0 < number <= self._total else ""
        print(f"\r\x1b[K{self._what} {number:,}{of}", end="", file=sys.stderr, flush=True)
