"""An error at each command that a supervisor carries out, before it and after it, in the whole tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import trio

from jido_trio.supervision._shell import Shell
from properties.campaigns._story import STORIES, Ended, played


class Injected(Exception):
    """What no supervisor reckons with."""


def campaign(share: int = 1) -> Iterator[tuple[str, str | None]]:
    """Break one of `share` commands; generate what was broken with what is wrong then."""
    for story in STORIES:
        for after in (False, True):
            number = 0
            while True:
                ended, command = _broken(story, number, after=after)
                if command is None:
                    break
                yield f"{story} {command} ({number}, {'after' if after else 'before'} it)", wrong(ended)
                number += share


def _broken(story: str, number: int, *, after: bool) -> tuple[Ended, str | None]:
    seen: list[str] = []
    broken: list[str] = []

    def breaking(carry_out: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
        def run(shell: Any, command: Any) -> None:
            seen.append(type(command).__name__)
            now = len(seen) == number + 1
            if now:
                broken.append(seen[-1])
            if now and not after:
                raise Injected(seen[-1])
            carry_out(shell, command)
            if now:
                raise Injected(broken[-1])

        return run

    how = Shell.how
    Shell.how = {kind: breaking(carry_out) for kind, carry_out in how.items()}
    try:
        return played(story), broken[0] if broken else None
    finally:
        Shell.how = how


def wrong(ended: Ended) -> str | None:
    """Return what is wrong with how a run ended in which a command was broken."""
    if ended.hung:
        return "it waits for ever"
    if isinstance(ended.error, trio.TrioInternalError):
        return f"Trio's own code breaks: {ended.error.__cause__!r}"
    if not any(isinstance(error, Injected) for error in _all(ended.error)) and "Injected" not in str(ended.reports):
        return f"the error is swallowed: {ended.error!r}"
    return None


def _all(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
