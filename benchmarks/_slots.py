"""What `decide` takes, by the number of children: each figure in microseconds for one decision.

python -m benchmarks._slots [SIZE ...]
"""

import gc
import sys
from collections.abc import Callable, Iterable
from time import process_time_ns

import trio

from jido_trio.supervision import Child
from jido_trio.supervision import _events as ev
from jido_trio.supervision._decide import decide
from jido_trio.supervision._flags import Flags
from jido_trio.supervision._tree import Tree

SIZES = (10, 10_000, 200_000, 1_000_000)
LAPS = 10_000
"""So many restarts and calls are timed, whatever the size."""


class _Still:
    """A passive child that does nothing."""

    def begin(self, life: object) -> None: ...
    def stop(self, life: object) -> None: ...
    def kill(self, life: object) -> None: ...


def _timed(laps: int, do: Callable[[], object]) -> float:
    gc.collect()
    gc.disable()
    began = process_time_ns()
    do()
    took = process_time_ns() - began
    gc.enable()
    return took / laps / 1000


def costs(size: int, *, kind: str, passive: bool) -> dict[str, float]:
    """Return what each kind of decision takes with so many children."""
    tree = Tree(Flags(kind=kind, max_restarts=1_000_000))  # type: ignore[arg-type]  # static or pool
    tree, _ = decide(tree, ev.Boot(()), 0.0)
    made = [Child(f"child-{n}", _Still() if passive else trio.sleep_forever) for n in range(size)]

    def start() -> None:
        nonlocal tree
        for child in made:
            tree, _ = decide(tree, ev.StartChild(0, child), 0.0)

    def restart() -> None:
        nonlocal tree
        for lap in range(LAPS):
            n = lap % size
            tree, _ = decide(tree, ev.ChildExited(f"child-{n}", 1 + lap // size, "crash"), 0.0)

    def ask(request: ev.Request) -> Callable[[], None]:
        def do() -> None:
            decide(tree, request, 0.0)

        return do

    def stop() -> None:
        nonlocal tree
        tree, commands = decide(tree, ev.StopTree(), 0.0)
        waiting = list(reversed(commands))
        while waiting:
            command = waiting.pop()
            if isinstance(command, ev.StopLife):
                tree, commands = decide(tree, ev.ChildExited(command.child, command.incarnation, "shutdown"), 0.0)
                waiting += reversed(commands)
        assert tree.phase == "ended"

    return {
        "start": _timed(size, start),
        "restart": _timed(LAPS, restart),
        "count_children": _timed(1, ask(ev.CountChildren(1))),
        "which_children": _timed(size, ask(ev.WhichChildren(1))),
        "list": _timed(size, lambda: list(tree.slots)),
        "stop": _timed(size, stop),
    }


def lines(sizes: Iterable[int]) -> Iterable[str]:
    """Yield a line for each size and kind of supervisor."""
    for size in sizes:
        for kind, passive in (("pool", True), ("pool", False), ("static", False)):
            figures = "  ".join(f"{name} {took:7.2f}" for name, took in costs(size, kind=kind, passive=passive).items())
            yield f"{size:>9,} {kind:6} {'passive' if passive else 'tasks':7}  {figures}"


if __name__ == "__main__":
    for line in lines([int(size) for size in sys.argv[1:]] or SIZES):
        print(line, flush=True)
