"""`python -m docs.states`: write docs/supervision/states.md from the tables that supervisors go by."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

from jido_trio.supervision._rules import GOES_DOWN_WITH, MOVES, RESTARTS_AFTER
from jido_trio.supervision._slots import SlotState
from jido_trio.terms import ExitKind

PAGE = Path(__file__).resolve().parent / "supervision" / "states.md"
MEANINGS = {
    "stopped": "its spec is kept, and nothing runs (OTP's `undefined`)",
    "starting": "it runs, and hasn't said yet that it is ready",
    "running": "it is up",
    "ended": "it has ended, and its supervisor is at something else",
    "stopping": "it was asked to end",
    "restarting": "its last restart failed; another is due",
    "backing_off": "it pauses before its restart",
    "parked": "it has used up its budget",
}


def page() -> str:
    """Return the page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from ("# Which states has a child, and which moves are allowed?", "")
    yield from ("Made by `python -m docs.states` from the tables in `jido_trio/supervision/_rules.py`.", "")
    yield from ("## After which ends is it restarted?", "")
    kinds = get_args(ExitKind)
    yield f"| `restart` | {' | '.join(kinds)} |"
    yield "|---|" + ":-:|" * len(kinds)
    for restart, ends in RESTARTS_AFTER.items():
        yield f"| `{restart}` | {' | '.join('yes' if kind in ends else '' for kind in kinds)} |"
    yield from ("", "## What goes down with it?", "", "Of children a, b, c, where b has crashed:", "")
    yield from ("| `strategy` | stopped, from the right | started, from the left |", "|---|---|---|")
    for strategy, goes_down in GOES_DOWN_WITH.items():
        abc: Any = "abc"  # it takes a slice, whatever of
        down: Sequence[Any] = goes_down(abc, 1)
        stopped = ", ".join(child for child in reversed(down) if child != "b")
        yield f"| `{strategy}` | {stopped} | {', '.join(map(str, down))} |"
    yield from ("", "## States", "", "| state | means |", "|---|---|")
    for state in get_args(SlotState):
        yield f"| `{state}` | {MEANINGS[state]} |"
    yield from ("", "```mermaid", "stateDiagram-v2")
    for before, moves in MOVES.items():
        yield from (f"    {before} --> {after}" for after in moves)
    yield from ("```", "", "## Moves", "", "| from | to | by |", "|---|---|---|")
    for before, moves in MOVES.items():
        yield from (f"| `{before}` | `{after}` | {why} |" for after, why in moves.items())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
