"""Between OTP's words and ours: specs, refusals, answers and exits. Both engines of ours speak through it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from attrs import define, evolve, field

from jido_trio.errors import InvalidDefinition
from jido_trio.supervision import Child, ChildRow, Counts
from jido_trio.supervision._flags import Flags
from jido_trio.terms import ExitKind, Restart, ShutdownLimit
from properties.otp._scenario import POOLS, StartChild, Supervisor, Worker
from properties.otp._scenario import Child as Spec
from properties.otp._trace import Json, Row

CLOCK_BASE_MS = 1_000_000
"""Where OTP's virtual clock starts."""

KIND_OF: Mapping[str, ExitKind] = {
    "normal": "normal",
    "shutdown": "shutdown",
    "shutdown_term": "shutdown",
    "killed": "killed",
    "error": "crash",
}
"""What an exit of that class is to a supervisor of ours."""

CLASS_OF_CRASH: Mapping[str, str] = {"kill": "killed"}
"""The class of a crash's exit, where it isn't the reason's own name."""

CLASS_WHEN_STOPPED: Mapping[str | None, str] = {
    None: "shutdown",
    "obey": "shutdown",
    "slow": "shutdown",
    "exit_normal": "normal",
    "exit_term": "shutdown_term",
    "exit_error": "error",
    "ignore": "killed",
}
"""The class of a worker's exit when it was asked to stop, by its `on_shutdown`."""

_TAGS: Mapping[str | None, str] = {
    "id": "missing_id",
    "restart": "invalid_restart_type",
    "shutdown": "invalid_shutdown",
    "strategy": "invalid_strategy",
    "max_restarts": "invalid_intensity",
    "max_seconds": "invalid_period",
    "auto_shutdown": "invalid_auto_shutdown",
    "children": "duplicate_child_name",
    "spec": "invalid_child_spec",
}


def is_pool(spec: Supervisor) -> bool:
    """Whether the children come at run time."""
    return spec.strategy in POOLS


def flags_of(spec: Supervisor) -> Flags:
    """Return our flags for the supervisor; OTP's defaults where it says nothing."""
    pool = is_pool(spec)
    strategy: Any = "one_for_one" if pool else spec.strategy
    auto_shutdown: Any = spec.auto_shutdown or "never"
    return Flags(
        kind="pool" if pool else "static",
        strategy=strategy,
        max_restarts=1 if spec.intensity is None else spec.intensity,
        max_seconds=5 if spec.period is None else spec.period,
        auto_shutdown=auto_shutdown,
        max_children=spec.max_children,
    )


def child_of(owner: Supervisor, spec: Spec, fn: Callable[..., Any], *args: object) -> Child:
    """Return our child for the spec; `fn` is given `args`, then the spec itself (what a template adds included)."""
    if isinstance(spec, Worker) and owner.template is not None:
        spec = spec.over(owner.template)
    said: dict[str, Any] = {"restart": spec.restart, "shutdown": _limit(spec.shutdown), "significant": spec.significant}
    if owner.strategy == "dynamic":
        del said["significant"]  # a DynamicSupervisor doesn't know the word
    over = {name: value for name, value in said.items() if value is not None}
    if spec.shutdown == "infinity":
        over["shutdown"] = None
    _check_as_otp(owner, spec)
    id: Any = spec.id
    return Child(id, fn, *args, spec, kind="worker" if isinstance(spec, Worker) else "supervisor", **over)


def _check_as_otp(owner: Supervisor, spec: Spec) -> None:
    """Refuse what OTP refuses and we don't, or refuse later than other things."""
    if owner.strategy == "dynamic":
        if spec.id is None:
            raise InvalidDefinition("a DynamicSupervisor calls a spec without an id no spec", field="spec")
        if spec.shutdown == 0:
            raise InvalidDefinition("a DynamicSupervisor takes no shutdown of 0", field="shutdown", value=0)
    elif spec.significant is True and owner.auto_shutdown in (None, "never") and spec.id and spec.restart in _RESTARTS:
        raise InvalidDefinition("a significant child, and auto_shutdown is never", field="significant", value=True)


_RESTARTS = (None, *get_args(Restart))


def _limit(shutdown: int | str | None) -> ShutdownLimit:
    if isinstance(shutdown, int):
        return shutdown / 1000
    limit: Any = {"brutal_kill": "brutal", "infinity": None}.get(shutdown or "", shutdown)
    return limit  # type: ignore[no-any-return]  # nonsense passes through, to be refused


def tag_of(error: InvalidDefinition) -> str:
    """Return OTP's word for what is wrong with a spec or a flag."""
    if error.field == "significant":
        return "bad_combination" if isinstance(error.value, bool) else "invalid_significant"
    return _TAGS[error.field]


# ---- answers


@define
class Names:
    """How a supervisor's children are called in a trace: by path and number of the process."""

    path: str
    spec: Supervisor
    n_of: dict[tuple[str, int], int] = field(factory=dict)
    """The number that a life of a child has, by id and incarnation."""
    failed: set[str] = field(factory=set)
    """The children whose last start failed."""
    forgotten: int = 0
    """By how much OTP's count of active children is too low, see `terminated`."""

    def terminated(self, id: str) -> list[Json]:
        """The answer to a terminate_child that found its child.

        When it found one that was being restarted, simple_one_for_one forgets to take it off its counter of those, and
        counts one active child too few from then on. We count right; here the error is put back.
        """
        if self.spec.strategy == "simple_one_for_one" and id in self.failed:
            self.forgotten += 1
        return ["ok"]

    def copy(self) -> Names:
        """Return the names as they are now."""
        return evolve(self, n_of=dict(self.n_of))

    def started(self, id: str, incarnation: int, extra: bool | None) -> list[Json]:
        """The answer to a start that gave a process."""
        return ["ok", *self.who(id, incarnation), *(["info"] if extra else [])]

    def ignored(self) -> list[Json]:
        """The answer to a start that had nothing to run."""
        return ["ignore"] if self.spec.strategy == "dynamic" else ["ok", None]

    def who(self, id: str, incarnation: int) -> list[Json]:
        """A process, as traces name it."""
        return [f"{self.path}/{id}", self.n_of[id, incarnation]]

    def refused(self, op: str, id: str, reason: str, incarnation: int) -> list[Json]:
        """The answer to a call that was refused."""
        if reason == "already_started":
            return ["error", reason, *self.who(id, incarnation)]
        if reason == "not_found" and op == "terminate_child" and self.spec.strategy == "simple_one_for_one":
            return ["ok"]  # OTP says so of any process that is dead
        return ["error", reason]

    def rows(self, rows: tuple[ChildRow, ...]) -> list[Json]:
        """The answer to which_children."""
        named = [[*self._row(row.id, row.state, row.incarnation), row.kind] for row in rows]
        return ["ok", [list(row) for row in (sorted(named, key=_erlang_order) if is_pool(self.spec) else named)]]

    def state(self, rows: tuple[ChildRow, ...]) -> tuple[Row, ...]:
        """The children as a snapshot shows them: in start order, those of a pool by key."""
        named = [self._row(row.id, row.state, row.incarnation) for row in reversed(rows)]
        return tuple(Row(*row) for row in (sorted(named, key=_erlang_order) if is_pool(self.spec) else named))

    def counts(self, counts: Counts) -> list[Json]:
        """The answer to count_children."""
        specs = 1 if self.spec.strategy == "simple_one_for_one" else counts.specs
        return [
            "ok",
            {
                "active": counts.active - self.forgotten,
                "specs": specs,
                "supervisors": counts.supervisors,
                "workers": counts.workers,
            },
        ]

    def _row(self, id: str, state: str, incarnation: int | None) -> tuple[str | None, str, int | None]:
        running = state == "running" and incarnation is not None
        shown = None if is_pool(self.spec) and not running else id  # a pool knows its restarting children by nothing
        return shown, state, self.n_of[id, incarnation] if running and incarnation is not None else None


def _erlang_order(row: Any) -> tuple[bool, Any]:
    return row[0] is not None, row


def spec_of(child: Child) -> list[Json]:
    """The answer to get_childspec."""
    shutdown: Json = "infinity"
    if child.shutdown is not None:
        shutdown = "brutal_kill" if child.shutdown == "brutal" else round(child.shutdown * 1000)
    return [
        "ok",
        {
            "id": child.id,
            "restart": child.restart,
            "shutdown": shutdown,
            "significant": child.significant,
            "type": child.kind,
        },
    ]


def wants_info(call: StartChild) -> bool | None:
    """Whether the child's start returns extra information."""
    return call.child.info if isinstance(call.child, Worker) else None
