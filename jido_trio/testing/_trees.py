"""Strategies of supervision: trees of any shape, and scripts of how their children fail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import trio
from attrs import frozen
from hypothesis import strategies as st

from jido_trio.checks import refused, whole
from jido_trio.checks import seconds as check_seconds
from jido_trio.errors import InvalidDefinition
from jido_trio.supervision import At, Child, Every, Fault, StartFails, nested_spec, supervisor_child

CrashScript: TypeAlias = Mapping[str, tuple[Fault, ...]]
"""How children fail, by their path: what `forecast` takes."""


@frozen
class Tree:
    """A supervisor's children and flags, as `open_supervisor` and `forecast` take them."""

    children: tuple[Child, ...]
    strategy: Literal["one_for_one", "one_for_all", "rest_for_one"] = "one_for_one"
    max_restarts: int = 3
    max_seconds: float = 5
    """Seconds in which so many are tolerated."""

    @property
    def flags(self) -> Mapping[str, Any]:
        """What goes beside the children, by name."""
        return {"strategy": self.strategy, "max_restarts": self.max_restarts, "max_seconds": self.max_seconds}

    @property
    def paths(self) -> tuple[str, ...]:
        """The children that are no supervisors, each by its path: "a", or "group/b" below the supervisor "group"."""
        return tuple(workers_of(self.children))


async def _idle(_: str) -> None:
    await trio.sleep_forever()


def trees(
    live: Callable[[str], Awaitable[object]] = _idle, *, max_children: int = 4, max_depth: int = 2
) -> st.SearchStrategy[Tree]:
    """Generate trees of supervision: strategies, restarts, tolerances, supervisors below supervisors.

    Args:
        live: What each child that is no supervisor does; it is given the path of the child.
        max_children: Children below one supervisor, at most.
        max_depth: Supervisors below each other, at most; 1 has no supervisor below another.

    Raises:
        InvalidDefinition: A number is less than 1.
    """
    for name, number in (("max_children", max_children), ("max_depth", max_depth)):
        whole("trees", name, number, least=1)
    return _trees(live, max_children, max_depth)


_NAMES = "abcdefghijklmnopqrstuvwxyz"
_FLAGS: st.SearchStrategy[Mapping[str, Any]] = st.fixed_dictionaries(
    {
        "strategy": st.sampled_from(["one_for_one", "one_for_all", "rest_for_one"]),
        "max_restarts": st.integers(0, 4),
        "max_seconds": st.integers(1, 12).map(lambda n: n / 4),
    }
)
_RESTARTS: st.SearchStrategy[Any] = st.sampled_from(["permanent", "transient", "temporary"])


@st.composite
def _trees(draw: st.DrawFn, live: Callable[[str], Awaitable[object]], most: int, depth: int) -> Tree:
    def child(above: str, name: str, left: int) -> Child:
        path = f"{above}{name}"
        if left > 1 and draw(st.integers(0, 3)) == 3:
            below = children(f"{path}/", left - 1)
            return supervisor_child(name, below, restart=draw(_RESTARTS), **draw(_FLAGS))
        return Child(name, live, path, restart=draw(_RESTARTS))

    def children(above: str, left: int) -> list[Child]:
        names = [_NAMES[n % 26] * (n // 26 + 1) for n in range(draw(st.integers(1, most)))]
        return [child(above, name, left) for name in names]

    return Tree(tuple(children("", depth)), **draw(_FLAGS))


def crash_scripts(tree: Tree | Sequence[Child], *, seconds: float = 10) -> st.SearchStrategy[CrashScript]:
    """Generate how the children of a tree fail: again and again, at some times, when they start.

    Times are quarters of seconds, so that failures happen together, too.

    Args:
        tree: A tree, or the children of a supervisor.
        seconds: When crashes happen at the latest.

    Raises:
        InvalidDefinition: It has no child that could fail, or less than a quarter of a second to fail in.
    """
    paths = sorted(workers_of(tree.children if isinstance(tree, Tree) else tree))
    if not paths:
        raise InvalidDefinition("crash_scripts: the tree has no child that could fail", field="tree", value=tree)
    check_seconds("crash_scripts", "seconds", seconds)
    if seconds < 0.25:
        raise refused("crash_scripts", "seconds", seconds, "must be 0.25 or more: crashes come at quarters of a second")
    quarters = st.integers(1, int(seconds * 4)).map(lambda n: n / 4)
    numbers = st.lists(st.integers(1, 5), min_size=1, max_size=3, unique=True).map(tuple)
    fault = st.one_of(
        st.lists(quarters, min_size=1, max_size=4).map(lambda times: At(tuple(sorted(times)))),
        quarters.map(Every),
        numbers.map(StartFails),
        st.integers(2, 6).map(lambda since: StartFails((), since)),
    )
    several = st.lists(fault, min_size=1, max_size=2).map(tuple)
    return st.dictionaries(st.sampled_from(paths), several, max_size=len(paths))


def workers_of(children: Sequence[Child], above: str = "") -> Iterator[str]:
    """Generate the paths of the children that are no supervisors."""
    for child in children:
        spec = nested_spec(child)
        if spec is None:
            yield f"{above}{child.id}"
        else:
            yield from workers_of(spec.children, f"{above}{child.id}/")
