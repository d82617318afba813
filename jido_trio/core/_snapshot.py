"""Snapshots: how far an agent is, as its strategy says it, in words that are the same for all strategies."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

import attrs
from attrs import Attribute, field, frozen

from jido_trio import checks
from jido_trio.core._action import KEPT
from jido_trio.core._context import NOTHING

Status: TypeAlias = Literal["idle", "running", "waiting", "success", "failure"]
"""How far an agent is: nothing begun; at work; for others to go on; done, well or badly."""


def _check_status(_: object, __: "Attribute[Any]", status: object) -> None:
    checks.one_of("a snapshot", "status", status, get_args(Status))


@frozen
class Snapshot:
    """How far an agent is, as its strategy says it."""

    status: Status = field(default="idle", validator=_check_status)
    result: Any = field(default=None, converter=KEPT)  # type: ignore[misc]  # a Converter
    """What came of it, once it is done."""
    details: Mapping[str, Any] = field(default=NOTHING, converter=KEPT)  # type: ignore[misc]  # a Converter
    """Whatever else the strategy has to say, as plain data."""

    @property
    def done(self) -> bool:
        """Whether nothing more is to come: success or failure."""
        return self.status in ("success", "failure")

    @property
    def active(self) -> bool:
        """Whether it is under way: running or waiting."""
        return self.status in ("running", "waiting")


def snapshot_of(agent: Any) -> Snapshot:
    """Return how far an agent is.

    Its strategy says it, in a method `snapshot(agent)`. One without that is idle, with the fields of its
    `strategy_state` as the details.
    """
    return snapshot_by(type(agent).strategy, agent)


def snapshot_by(strategy: Any, agent: Any) -> Snapshot:
    """Return how far an agent is, as that strategy says it."""
    say = getattr(strategy, "snapshot", None)
    if say is not None:
        return say(agent)  # type: ignore[no-any-return]  # a Snapshot
    kept = agent.strategy_state
    if isinstance(kept, Mapping):
        return Snapshot(details=kept)
    if kept is not None and attrs.has(type(kept)):
        return Snapshot(details=attrs.asdict(kept, recurse=False))
    return Snapshot(details=NOTHING if kept is None else {"strategy_state": kept})
