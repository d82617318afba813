"""What a change costs, by the size of what is there: it shall grow with what changes, not with the rest.

python -m benchmarks.sizes [SIZE ...]

Each row is microseconds of processor time, the least of several rounds. Beside a change of one key stands a plain copy
of the dict, and beside an addition that of the tuple, which nobody can do without who keeps the old one.
"""

import sys
from collections.abc import Callable
from time import process_time_ns

from attrs import evolve, field, frozen

from jido_trio import Action, Agent, Context, Emit, Result
from jido_trio.core import freeze

SIZES = (10, 1_000, 100_000)
ROUNDS = 7


@frozen
class Line:
    amount: int = 0


@frozen
class Ledger:
    count: int = 0
    entries: dict[str, int] = field(factory=dict)
    lines: tuple[Line, ...] = ()


class Tell(Action):
    """Changes one field, and emits a signal that has nothing to do with the entries."""

    def run(self, context: Context[Ledger]) -> Result:
        return {"count": context.state.count + 1}, Emit("counted", {"count": context.state.count})


class Enter(Action):
    """Changes one entry."""

    def run(self, context: Context[Ledger]) -> Result:
        return {"entries": {"0": context.state.count}}


class Count(Action):
    """Returns the whole state, of which one field is new."""

    def run(self, context: Context[Ledger]) -> Result:
        return evolve(context.state, count=context.state.count + 1)


class Write(Action):
    """Adds a value to a tuple of them, as an agent keeps what happened."""

    def run(self, context: Context[Ledger]) -> Result:
        return {"lines": (*context.state.lines, Line(context.state.count))}


class LedgerAgent(Agent[Ledger]): ...


def least(do: Callable[[], object], laps: int) -> float:
    """Return microseconds of processor time for one `do`, in the best of several rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = process_time_ns()
        for _ in range(laps):
            do()
        best = min(best, (process_time_ns() - began) / laps / 1000)
    return best


def costs(size: int) -> dict[str, float]:
    """Return what each change costs in a state with so many entries."""
    plain = {str(number): number for number in range(size)}
    lines = tuple(map(Line, range(size)))
    agent = LedgerAgent.new("ledger", {"entries": plain, "lines": lines})
    frozen_entries = agent.state.entries
    laps = max(5, 20_000 // size)
    return {
        "cmd: change one field, emit": least(lambda: agent.cmd(Tell()), laps),
        "cmd: a whole state, one field new": least(lambda: agent.cmd(Count()), laps),
        "cmd: change one entry": least(lambda: agent.cmd(Enter()), laps),
        "a copy of the dict": least(lambda: dict(plain), laps),
        "cmd: add a value to a tuple": least(lambda: agent.cmd(Write()), laps),
        "a tuple with one more": least(lambda: (*lines, Line(1)), laps),
        "freeze what is frozen": least(lambda: freeze(frozen_entries), laps),
        "an agent of frozen entries": least(lambda: LedgerAgent.new("l", {"entries": frozen_entries}), laps),
    }


def main(arguments: list[str]) -> None:
    """Print a row for each kind of change, a column for each size."""
    sizes = [int(argument.replace(",", "")) for argument in arguments] or list(SIZES)
    columns = [costs(size) for size in sizes]
    print(f"{'entries':36}", *(f"{size:>12,}" for size in sizes))
    for kind in columns[0]:
        print(f"{kind:36}", *(f"{column[kind]:12.1f}" for column in columns))


if __name__ == "__main__":
    main(sys.argv[1:])
