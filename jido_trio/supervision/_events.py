"""The words between a supervisor and the world: events go into `decide`, commands come out. Pure.

Two kinds of events. A *fact* has happened, and `decide` takes it at any moment. A *message* is something to be handled
in its turn: while the tree is busy with a plan it waits, as in the mailbox of an OTP supervisor that is inside of a
child's start or stop. A tree that goes down answers requests at once, by `Closed`, and drops other messages.
"""

from typing import Literal, TypeAlias

from attrs import frozen

from jido_trio.supervision._child import Child
from jido_trio.supervision._value import value
from jido_trio.terms import ExitKind, Kind, Refusal, ShutdownLimit

# ---- facts


@frozen
class ChildStarted:
    """The life called `task_status.started`."""

    child: str
    incarnation: int


@frozen
class ChildStartFailed:
    """The life ended before it was ready; or it said that there is nothing to run (OTP's `ignore`)."""

    child: str
    incarnation: int
    ignored: bool = False


@value
class ChildExited:
    """The life ended, having lasted so many seconds; a child without a backoff needn't say how many.

    If a further life would be in vain, the child is parked rather than restarted; a supervisor that is busy can't tell.
    """

    child: str
    incarnation: int
    exit: ExitKind
    lasted: float = 0.0
    in_vain: bool = False


@frozen
class StopTree:
    """The supervisor shall stop: its parent asked, or its block was left."""


@frozen
class KillTree:
    """The supervisor's time to stop is over: whatever still runs is cancelled at once."""


@frozen
class Resume:
    """Ends what `Suspend` began."""


# ---- messages


@frozen
class Boot:
    """Start the tree: the children of its spec, in order."""

    children: tuple[Child, ...]


@frozen
class StartChild:
    """Add a child and start it."""

    request: int
    child: Child


@frozen
class TerminateChild:
    """Stop a child; its spec stays, but for temporary children and those of pools.

    With an `incarnation` only that life, or the restarts that have failed since it ended.
    """

    request: int
    child: str
    incarnation: int | None = None


@frozen
class RestartChild:
    """Start a stopped child again."""

    request: int
    child: str


@frozen
class DeleteChild:
    """Forget a stopped child."""

    request: int
    child: str


@frozen
class WhichChildren:
    """List the children, newest first."""

    request: int


@frozen
class CountChildren:
    """Count the children."""

    request: int


@frozen
class GetChildSpec:
    """Give a child's spec."""

    request: int
    child: str


@frozen
class QueuedExit:
    """Posted for a life that ended while the supervisor was busy. `rank` tells its slot from a later one of that id."""

    child: str
    rank: int
    incarnation: int


@frozen
class TryAgain:
    """Posted after a restart that failed: requests that came in between have their turn first, as in OTP."""

    child: str


@frozen
class Due:
    """The pause that `Wait` asked for is over."""

    child: str
    rank: int
    incarnation: int


@frozen
class Suspend:
    """Handle no end and no request until `Resume` (OTP's `sys:suspend`); answered once that is so."""

    request: int = 0


Fact: TypeAlias = ChildStarted | ChildStartFailed | ChildExited | StopTree | KillTree | Resume
Request: TypeAlias = (
    StartChild | TerminateChild | RestartChild | DeleteChild | WhichChildren | CountChildren | GetChildSpec | Suspend
)
TreeMessage: TypeAlias = Boot | QueuedExit | TryAgain | Due | Request
Event: TypeAlias = Fact | TreeMessage


# ---- results of requests


@frozen
class Done:
    """OTP's `ok`."""


@frozen
class Running:
    """The child runs, or started again, in that incarnation."""

    child: str
    incarnation: int


@frozen
class Ignored:
    """The child had nothing to run; OTP's `{ok, undefined}`."""

    child: str


@frozen
class NotStarted:
    """The child failed while starting."""

    child: str
    incarnation: int


@frozen
class Refused:
    """The state of the child, or the kind of the supervisor, doesn't allow it. `incarnation` is the one that runs."""

    child: str
    reason: Refusal
    incarnation: int = 0


@frozen
class Closed:
    """The supervisor goes down, or is down."""


@frozen
class ChildRow:
    """A child in `which_children`. `state` is OTP's: undefined when stopped. `incarnation` is None unless running."""

    id: str
    state: Literal["running", "restarting", "undefined"]
    incarnation: int | None
    kind: Kind


@frozen
class Counts:
    """The numbers of `count_children`."""

    specs: int
    active: int
    supervisors: int
    workers: int


CallResult: TypeAlias = Done | Running | Ignored | NotStarted | Refused | Closed | tuple[ChildRow, ...] | Counts | Child


# ---- how a supervisor ends


@frozen
class TreeStopped:
    """It was asked to."""


@frozen
class TreeShutDown:
    """Its significant children ended; `child` is the last one."""

    child: str


@frozen
class TreeGaveUp:
    """Its children restarted too often; `child` is the last one. The window is its own, or that child's budget."""

    child: str
    restarts: int
    max_restarts: int
    max_seconds: float
    exit: ExitKind = "crash"
    """How the last life of that child ended."""


@frozen
class TreeBootFailed:
    """`child` failed while the tree was being started."""

    child: str


TreeOutcome: TypeAlias = TreeStopped | TreeShutDown | TreeGaveUp | TreeBootFailed

# ---- commands


@value
class StartLife:
    """Begin that life of the child."""

    child: Child
    incarnation: int


@value
class StopLife:
    """End that life, within `limit`."""

    child: str
    incarnation: int
    limit: ShutdownLimit


@value
class ReportEnd:
    """Tell of the end of a life, before anything is done about it. `during` is what the life was at."""

    child: str
    incarnation: int
    during: Literal["starting", "running", "stopping"]
    exit: ExitKind


@frozen
class Wait:
    """Post `due` after `seconds`, and a random share of them up to `jitter`."""

    due: Due
    seconds: float
    jitter: float


@value
class Forget:
    """The child is no more: it ended for good, or was deleted."""

    child: str


@frozen
class AnswerCall:
    """Answer a request."""

    request: int
    result: CallResult


@frozen
class Post:
    """Put the message behind those that wait."""

    message: TreeMessage


@frozen
class Booted:
    """All children of the spec are up."""


@frozen
class Finish:
    """Nothing runs any more; the supervisor has ended."""

    outcome: TreeOutcome


TreeCommand: TypeAlias = StartLife | StopLife | ReportEnd | Wait | Forget | AnswerCall | Post | Booted | Finish
