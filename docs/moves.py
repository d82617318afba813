"""`python -m docs.moves`: write what may become of a child into docs/supervision/moves.md, from the tables."""

from collections.abc import Iterator
from pathlib import Path

from jido_trio.supervision._rules import MOVES, RESTARTS_AFTER, ROW_STATES

PAGE = Path(__file__).parent / "supervision" / "moves.md"
BEGINS, ENDS = "<!-- from the tables: python -m docs.moves -->", "<!-- end of the tables -->"

ENDINGS = ("normal", "shutdown", "killed", "crash")


def _restarts() -> Iterator[str]:
    yield "| a child that is | returns | raises `Shutdown` | is killed | crashes |"
    yield "|---|---|---|---|---|"
    for restart, ends in RESTARTS_AFTER.items():
        yield " | ".join((f"| `{restart}`", *("restarted" if end in ends else "not" for end in ENDINGS))) + " |"


def _diagram() -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield "    [*] --> stopped"
    for state, ways in MOVES.items():
        for to in ways:
            yield f"    {state} --> {to}"
    yield "```"


def _ways() -> Iterator[str]:
    yield "| from | `which_children` says | to | when |"
    yield "|---|---|---|---|"
    for state, ways in MOVES.items():
        for number, (to, why) in enumerate(ways.items()):
            first = (f"`{state}`", f"`{ROW_STATES[state]}`") if number == 0 else ("", "")
            yield f"| {first[0]} | {first[1]} | `{to}` | {why} |"


def tables() -> str:
    """Return the part of the page that is made."""
    return "\n".join((BEGINS, "", *_restarts(), "", *_diagram(), "", *_ways(), "", ENDS))


def renewed(page: str) -> str:
    """Return the page with its tables made anew."""
    before, _, rest = page.partition(BEGINS)
    return before + tables() + rest.partition(ENDS)[2]


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
