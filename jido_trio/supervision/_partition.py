"""Partition supervisors: N copies of one child, and a key that always leads to the same one.

For what may be cut into parts that know nothing of each other: a part that crashes, or is busy, concerns its own keys.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from hashlib import blake2b
from typing import TypeAlias

from attrs import frozen

from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown
from jido_trio.supervision._block import Block
from jido_trio.supervision._child import Child
from jido_trio.supervision._flags import Flags
from jido_trio.supervision._inspect import SupervisorView
from jido_trio.supervision._nested import Nested
from jido_trio.supervision._open import root
from jido_trio.supervision._report import Sink
from jido_trio.supervision._spec import SupervisorSpec
from jido_trio.supervision._supervisor import ChildRef, Supervisor
from jido_trio.terms import Restart, ShutdownLimit

PARTITIONS = 8
"""How many partitions there are unless it is said."""

PartitionKey: TypeAlias = int | str | bytes | tuple["PartitionKey", ...]
"""What leads to a partition: values whose bytes are the same in every process."""


def partition_index(key: PartitionKey, count: int) -> int:
    """Return which of `count` partitions `key` belongs to: the same in every process, on every machine, for ever.

    An integer leads to itself modulo `count`; any other key to its BLAKE2b hash (8 bytes, big endian) modulo `count`.
    Python's own `hash` differs from one process to the next.

    Raises:
        InvalidDefinition: The key is none of int, str, bytes, or a tuple of those.

    Source: Elixir `PartitionSupervisor`, which takes `:erlang.phash2`. Differs: keys are not any term, since not every
    Python object has bytes that stay the same.
    """
    if isinstance(key, int):
        return key % count
    return int.from_bytes(blake2b(_bytes(key), digest_size=8).digest(), "big") % count


def _bytes(key: object) -> bytes:
    """Return `key` as bytes, another for each: with its kind, and a tuple's parts with their lengths."""
    match key:
        case str():
            return b"s" + key.encode("utf-8", "surrogatepass")
        case bytes():
            return b"b" + key
        case int():
            return b"i%d" % key
        case tuple():
            parts = [_bytes(part) for part in key]
            return b"t" + b"".join(b"%d:%s" % (len(part), part) for part in parts)
        case _:
            raise InvalidDefinition(
                f"{shown(key)} can't lead to a partition: give an int, a str, bytes, or a tuple of those, "
                "str(key) for one",
                field="key",
                value=key,
            )


@frozen(eq=False)
class PartitionSupervisor:
    """A running partition supervisor; `open_partition_supervisor` makes one."""

    _supervisor: Supervisor
    count: int
    """How many partitions there are."""

    @property
    def name(self) -> str:
        """What it is called in errors and reports."""
        return self._supervisor.name

    @property
    def partitions(self) -> tuple[ChildRef, ...]:
        """Each partition, in order."""
        return tuple(map(self._ref, range(self.count)))

    def partition_for(self, key: PartitionKey) -> ChildRef:
        """Return the partition that `key` belongs to; it stays the same over its lives, see `partition_index`.

        The `value` of the ref is what its current life has to offer, the `Supervisor` for one: ask for it each time,
        for the next life has another.

        Raises:
            InvalidDefinition: The key is none of int, str, bytes, or a tuple of those.
        """
        return self._ref(partition_index(key, self.count))

    def _ref(self, index: int) -> ChildRef:
        return self._supervisor.child(str(index))

    def tree(self) -> SupervisorView:
        """Return what the supervisor and its partitions are at, as plain data."""
        return self._supervisor.tree()

    async def wait(self) -> None:
        """Wait until the supervisor has ended."""
        await self._supervisor.wait()

    def stop(self) -> None:
        """Begin to stop: all partitions, in reverse order. Returns at once; `wait` for the end."""
        self._supervisor.stop()


def open_partition_supervisor(
    make: Callable[[int], Child],
    partitions: int = PARTITIONS,
    *,
    max_restarts: int = 3,
    max_seconds: float = 5,
    name: str = "partitions",
    shutdown: float | None = None,
    on_report: Sink | None = None,
) -> AbstractAsyncContextManager[PartitionSupervisor]:
    """Start N copies of a child and keep them running until the block is left; one is restarted alone.

    Entering and leaving are those of `open_supervisor`.

    Args:
        make: Returns the child for partition 0, 1, ...; its id is that number, as in `Child(str(index), fn)`.
        partitions: How many there are, from start to end.
        max_restarts: Restarts, over all partitions, tolerated within `max_seconds`.
        max_seconds: Length of that window, in seconds of Trio's clock.
        name: What it is called in errors and reports.
        shutdown: Seconds for stopping everything; what still runs then is cancelled. None sets no limit.
        on_report: Called with each `CrashReport` and `OverrunReport`. Default: they are logged, see `FoldedLog`.

    Raises:
        InvalidDefinition: An option is wrong, or `make` returned a child with another id; nothing was started.
        StartFailed: A partition failed while starting.
        RestartIntensityExceeded: More than `max_restarts` restarts; its cause is the last crash.

    Source: Elixir `PartitionSupervisor`. Differs: the default number is fixed, as a program should do the same on
    machines with more cores, and the number can't be changed while it runs.
    """
    spec = _spec(make, partitions, Flags(max_restarts=max_restarts, max_seconds=max_seconds), name, shutdown)
    return _block(root(spec, on_report))


def partition_supervisor_child(
    id: str,
    make: Callable[[int], Child],
    partitions: int = PARTITIONS,
    *,
    max_restarts: int = 3,
    max_seconds: float = 5,
    restart: Restart = "permanent",
    shutdown: ShutdownLimit = None,
    on_report: Sink | None = None,
) -> Child:
    """Return a child that is a partition supervisor; the `value` of its ref is the `PartitionSupervisor`.

    Its options are those of `open_partition_supervisor` and `Child`.
    """
    spec = _spec(make, partitions, Flags(max_restarts=max_restarts, max_seconds=max_seconds), id)
    return Nested(spec, on_report, block=_block).child(restart, shutdown)


def _spec(
    make: Callable[[int], Child], partitions: object, flags: Flags, name: str, shutdown: float | None = None
) -> SupervisorSpec:
    if not isinstance(partitions, int) or isinstance(partitions, bool) or partitions < 1:
        raise InvalidDefinition(
            f"partitions={partitions!r} of supervisor {name!r} must be a whole number, 1 or more",
            field="partitions",
            value=partitions,
        )
    return SupervisorSpec(tuple(_copy(make, index) for index in range(partitions)), flags, name, shutdown)


def _copy(make: Callable[[int], Child], index: int) -> Child:
    child = make(index)
    if getattr(child, "id", str(index)) != str(index):  # what is no child at all is refused as such by the spec
        raise InvalidDefinition(
            f"the child for partition {index} must have the id {str(index)!r}, not {child.id!r}: "
            "lambda index: Child(str(index), fn)",
            field="make",
            value=child.id,
        )
    return child


def _block(supervisor: Supervisor) -> Block[PartitionSupervisor]:
    return Block(supervisor, PartitionSupervisor(supervisor, len(supervisor.spec.children)))
