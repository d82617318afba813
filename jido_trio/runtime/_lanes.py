"""Lanes: async actions of an agent that run one at a time, in the order in which they were asked for.

A lane is there while an action of it runs: each has a task of its own, which begins the next when it is done. So no two
of a lane are ever under way, and what one does to context variables the next doesn't see.

A bug of an action in a lane is no crash of the life, which would cancel what other lanes are at. It is reported, its
outcome is a failure, and its lane ends with it: those that wait behind it were meant to come after what it did, so they
are not begun, and each has a failure for its outcome. What is asked for after that begins the lane anew.

Those that wait end with the life, as those do that run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from attrs import define, field

from jido_trio.errors import ActionCrashed, LaneBroken, LaneFull
from jido_trio.redact import shown_error
from jido_trio.runtime._cell import Cell
from jido_trio.runtime._job import Job
from jido_trio.supervision import Shutdown
from jido_trio.terms import ExitKind


@define(eq=False)
class Lanes:
    """The lanes of the current life of an agent."""

    _cell: Cell
    _behind: dict[str, deque[Job]] = field(factory=dict)
    """What waits, by lane; a lane is in it as long as an action of it runs."""

    def inspect(self) -> Mapping[str, object]:
        """Return how many wait in each lane, beside the one that runs."""
        return {"lanes": {lane: len(behind) for lane, behind in self._behind.items()}}

    def add(self, lane: str, job: Job) -> None:
        """Run a job when its turn in the lane has come; at once, if nothing of the lane runs."""
        behind, capacity = self._behind.get(lane), self._cell.mailbox.capacity
        if behind is None:
            self._behind[lane] = behind = deque()
            job.runtime.start_soon(self._run, lane, behind, job)
        elif len(behind) < capacity:
            behind.append(job)
        else:
            job.failed(LaneFull(job.name, lane, capacity))

    async def _run(self, lane: str, behind: deque[Job], job: Job) -> None:
        try:
            await job.run()
        except Shutdown:
            raise
        except Exception as bug:  # noqa: BLE001  # of whatever kind: it is the lane's
            self._broken(lane, behind, job, bug)
        if not self._goes_on(job):
            return  # what waits is told of, or taken up, when that life has ended
        if behind:
            following = behind.popleft()
            # With the context variables of the instance, as it would have begun if nothing had been before it.
            self._cell.instance.context.copy().run(following.runtime.start_soon, self._run, lane, behind, following)
        else:
            del self._behind[lane]

    def _goes_on(self, job: Job) -> bool:
        """Whether the life of a job does: one that shields itself may be done when its life is over."""
        cell = self._cell
        return cell.life is not None and cell.state != "down" and cell.incarnation == job.incarnation

    def _broken(self, lane: str, behind: deque[Job], job: Job, bug: Exception) -> None:
        life = self._cell.life
        if life is not None:
            life.tell_of(bug, job.crash)
        left = list(behind)
        behind.clear()
        job.failed(ActionCrashed(job.name, lane, shown_error(bug, hide=job.crash.hidden)))
        for each in left:
            each.failed(LaneBroken(each.name, lane))

    # ---- see `Belonging`

    def up(self) -> None:
        """Take note that the first life begins."""

    def again(self) -> None:
        """Give up what waited in the life before."""
        self._give_up("the life that gave it was ended")

    def gone(self, exit: ExitKind) -> None:
        """Give up what waits."""
        self._give_up("the agent has ended")

    def _give_up(self, reason: str) -> None:
        lanes, self._behind = self._behind, {}
        for job in (job for behind in lanes.values() for job in behind):
            if not job.is_kept:
                runtime = job.runtime
                self._cell.instance.dead_directives(runtime.agent.id, runtime.signal, [job.directive], reason)


def start(job: Job) -> None:
    """Run a job: in its lane, or beside all others, where a bug of it is a crash of the life."""
    lane = job.directive.lane
    if lane is None:
        job.runtime.start_soon(_alone, job)
        return
    cell = job.runtime.cell
    lanes = cell.kept(Lanes)
    if lanes is None:
        lanes = Lanes(cell)
        cell.keep(lanes)
    lanes.add(lane, job)


async def _alone(job: Job) -> None:
    try:
        await job.run()
    except Exception:
        life = job.runtime.cell.life
        if life is not None and life.incarnation == job.incarnation and life.detail is None:
            life.detail = job.crash
        raise
