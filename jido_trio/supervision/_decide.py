"""What a supervisor decides: `decide(tree, event, now) -> (tree, commands)`. Pure; OTP's rules and nothing else.

Theory of operation. An OTP supervisor is one process that does one thing after the other: while it starts or stops a
child it waits, and whatever else happens lies in its mailbox. Here the waiting is data. What the supervisor is at is a
`Plan`: steps, the first of which is under way, and the purpose that says what follows the last. A tree with a plan is
*busy*: facts about the step under way move the plan on, messages wait with whoever drives `decide`.

The joint case is a child that ends while the supervisor is busy with another. OTP finds the exit signal in its mailbox
later, unless it stops that child first: then the signal is consumed by the stop. So an end that comes too early marks
the slot as "ended", and a `QueuedExit` is posted; a stop of an ended child is done at once, and the `QueuedExit`, when
its turn comes, finds no such slot in that state, and is void. The same comparison voids everything that is out of date:
nothing that was stopped comes back.

A restart that fails is not retried in place but posted as `TryAgain`: other messages come first, and each try counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from attrs import evolve

from jido_trio.supervision._backoff import Backoff
from jido_trio.supervision._child import Child
from jido_trio.supervision._events import (
    AnswerCall,
    Boot,
    Booted,
    ChildExited,
    ChildRow,
    ChildStarted,
    ChildStartFailed,
    Closed,
    CountChildren,
    Counts,
    DeleteChild,
    Done,
    Due,
    Event,
    Finish,
    Forget,
    GetChildSpec,
    Ignored,
    KillTree,
    NotStarted,
    Post,
    QueuedExit,
    Refused,
    ReportEnd,
    Request,
    RestartChild,
    Resume,
    Running,
    StartChild,
    StartLife,
    StopLife,
    StopTree,
    Suspend,
    TerminateChild,
    TreeBootFailed,
    TreeCommand,
    TreeGaveUp,
    TreeMessage,
    TreeOutcome,
    TreeShutDown,
    TreeStopped,
    TryAgain,
    Wait,
    WhichChildren,
)
from jido_trio.supervision._slots import ALIVE, Slot, SlotState
from jido_trio.supervision._tree import (
    Answering,
    Booting,
    Down,
    Ending,
    Hold,
    Holding,
    Plan,
    Purpose,
    Restarting,
    Step,
    Tree,
    Up,
)
from jido_trio.supervision._window import Window
from jido_trio.terms import ExitKind, Refusal, Restart, RestartStrategy

RESTARTS_AFTER: Mapping[Restart, frozenset[ExitKind]] = {
    "permanent": frozenset({"normal", "shutdown", "killed", "crash"}),
    "transient": frozenset({"killed", "crash"}),
    "temporary": frozenset(),
}
"""The ends that are answered by a restart, for each restart type (OTP `supervisor:do_restart/3`)."""

GOES_DOWN_WITH: Mapping[RestartStrategy, Callable[[Sequence[Slot], int], Sequence[Slot]]] = {
    "one_for_one": lambda order, at: order[at : at + 1],
    "one_for_all": lambda order, at: order,
    "rest_for_one": lambda order, at: order[at:],
}
"""The children that are stopped and started with the one at index `at`, in start order."""

ABNORMAL: frozenset[ExitKind] = frozenset({"killed", "crash"})

ROW_STATES: Mapping[SlotState, Literal["running", "restarting", "undefined"]] = {
    "stopped": "undefined",
    "starting": "running",
    "running": "running",
    "ended": "running",  # not handled yet: OTP still lists its pid
    "stopping": "running",
    "restarting": "restarting",
    "backing_off": "restarting",
    "parked": "undefined",
}

Decision: TypeAlias = tuple[Tree, tuple[TreeCommand, ...]]


def decide(tree: Tree, event: Event, now: float) -> Decision:
    """Return the tree after `event` at time `now`, and what must be done, in order.

    Facts may come at any moment, messages only while the tree isn't busy.
    """
    if tree.phase in ("ending", "ended") and isinstance(event, TreeMessage):
        return tree, (AnswerCall(event.request, Closed()),) if isinstance(event, Request) else ()
    return _DECISIONS[type(event)](tree, event, now)


def _down(tree: Tree, slot: Slot) -> Decision:
    """No life is in that slot; temporary children and those of pools are forgotten."""
    if slot.child.restart == "temporary" or tree.flags.is_pool:
        return tree.without(slot.child.id), (Forget(slot.child.id),)
    return tree.put(slot.now("stopped")), ()


# ---- a child ends by itself


def _exited(tree: Tree, event: ChildExited, now: float) -> Decision:
    slot = tree.slots.get(event.child)
    if slot is None or slot.incarnation != event.incarnation:
        return tree, ()
    if slot.state == "stopping":
        return _went_down(tree, slot, event.exit)
    if slot.state != "running":
        return tree, ()
    if event.lasted:
        slot = evolve(slot, lasted=event.lasted)
    if tree.plan is not None:
        return tree.put(slot.now("ended", event.exit)), (Post(QueuedExit(event.child, slot.rank, slot.incarnation)),)
    return _ended(tree, slot, event.exit, now)


def _ended_before(tree: Tree, event: QueuedExit, now: float) -> Decision:
    slot = tree.slots.get(event.child)
    if slot is None or slot.exit is None or (slot.rank, slot.incarnation) != (event.rank, event.incarnation):
        return tree, ()  # meanwhile it was stopped, or even forgotten and added anew
    return _ended(tree, slot, slot.exit, now)


def _ended(tree: Tree, slot: Slot, exit: ExitKind, now: float) -> Decision:
    child = slot.child
    told = exit in ABNORMAL or child.restart == "permanent"
    reports = (ReportEnd(child.id, slot.incarnation, "running", exit),) if told else ()
    if exit in RESTARTS_AFTER[child.restart]:
        return _restart(tree, slot, now, reports)
    tree, gone = _down(tree, slot)
    return _closing(tree, child, (*reports, *gone))


def _closing(tree: Tree, child: Child, commands: tuple[TreeCommand, ...]) -> Decision:
    """A child has ended for good: that may be the end of the supervisor."""
    if child.significant and _closes(tree):
        return _end(tree, TreeShutDown(child.id), commands)
    return tree, commands


def _closes(tree: Tree) -> bool:
    """Whether the end of a significant child is the end of the supervisor."""
    if tree.flags.auto_shutdown == "all_significant":
        return tree.slots.significant == 0
    return tree.flags.auto_shutdown == "any_significant"


def _restart(tree: Tree, slot: Slot, now: float, commands: tuple[TreeCommand, ...] = ()) -> Decision:
    """Answer the end of a child, or a restart that failed: count it, and bring the child back, or give up."""
    if slot.window is not None:
        spent = slot.window.add(now)
        slot = evolve(slot, window=spent)
        if spent.exceeded:
            return _exhausted(tree, slot, spent, commands)
    if slot.child.backoff is not None:
        return _back_off(tree, slot, slot.child.backoff, commands)
    window = tree.window.add(now)
    if window.exceeded:
        return _give_up(evolve(tree, window=window), slot, window, commands)
    if (slot.child.reports_ready and not slot.child.is_passive) or tree.flags.restart_strategy != "one_for_one":
        return _bring_back(evolve(tree, window=window), slot, Restarting(), commands)
    # What `_bring_back` comes to where nothing has to be waited for; nearly all restarts are of this kind.
    up = slot.next_life("running")
    tree = Tree(tree.flags, tree.slots.put(up), window, None, tree.phase)
    return tree, (*commands, StartLife(slot.child, up.incarnation))


def _bring_back(tree: Tree, slot: Slot, purpose: Purpose, commands: tuple[TreeCommand, ...] = ()) -> Decision:
    """Start the child, and what goes down and up with it."""
    tree = tree.put(slot.now("stopped"))
    strategy = tree.flags.restart_strategy
    steps = (Up(slot.child.id),) if strategy == "one_for_one" else _group(tree, slot, strategy)
    return _begin(tree, steps, purpose, commands)


def _give_up(tree: Tree, slot: Slot, window: Window, commands: tuple[TreeCommand, ...]) -> Decision:
    tree, gone = _down(tree, slot)
    outcome = TreeGaveUp(slot.child.id, window.count, window.max_restarts, window.max_seconds)
    return _end(tree, outcome, (*commands, *gone))


def _exhausted(tree: Tree, slot: Slot, window: Window, commands: tuple[TreeCommand, ...]) -> Decision:
    """A child has used up its budget."""
    match slot.child.budget.exhausted if slot.child.budget is not None else "escalate":
        case "escalate":
            return _give_up(tree, slot, window, commands)
        case "park":
            return tree.put(slot.now("parked")), commands
        case "stop":
            tree, gone = _down(tree, slot)
            return _closing(tree, slot.child, (*commands, *gone))


def _back_off(tree: Tree, slot: Slot, backoff: Backoff, commands: tuple[TreeCommand, ...]) -> Decision:
    """Take down what goes down with the child, then wait; the child comes back with `Due`."""
    failures = 0 if slot.lasted >= backoff.reset_after else slot.failures
    slot = evolve(slot.now("backing_off"), failures=failures + 1, lasted=0)
    wait = Wait(Due(slot.child.id, slot.rank, slot.incarnation), backoff.pause(failures), backoff.jitter)
    strategy = tree.flags.restart_strategy
    tree = tree.put(slot)
    if strategy == "one_for_one":
        return tree.at(None), (*commands, wait)
    downs = [step for step in _group(tree, slot, strategy) if isinstance(step, Down)]
    return _begin(tree, downs, Restarting(), (*commands, wait))


def _due(tree: Tree, event: Due, now: float) -> Decision:
    slot = tree.slots.get(event.child)
    if slot is None or slot.state != "backing_off" or (slot.rank, slot.incarnation) != (event.rank, event.incarnation):
        return tree, ()  # meanwhile it was stopped, or started
    return _bring_back(tree, slot, Restarting())


def _group(tree: Tree, slot: Slot, strategy: RestartStrategy) -> tuple[Step, ...]:
    """What a group restart takes: down in reverse, up in order; temporary ones don't come back, parked ones stay."""
    order = tuple(tree.slots)
    at = next(index for index, other in enumerate(order) if other.child.id == slot.child.id)
    down = [other.child for other in GOES_DOWN_WITH[strategy](order, at) if other.state != "parked"]
    stops = [Down((child.id,)) for child in reversed(down) if child.id != slot.child.id]
    return (*stops, *(Up(child.id) for child in down if child.restart != "temporary"))


def _try_again(tree: Tree, event: TryAgain, now: float) -> Decision:
    slot = tree.slots.get(event.child)
    if slot is None or slot.state != "restarting":
        return tree, ()
    return _restart(tree, slot, now)


# ---- a plan moves on


def _begin(tree: Tree, steps: Sequence[Step], purpose: Purpose, commands: tuple[TreeCommand, ...] = ()) -> Decision:
    return _advance(tree.at(Plan(tuple(steps), purpose)), commands)


def _advance(tree: Tree, commands: tuple[TreeCommand, ...] = ()) -> Decision:
    """Take steps until one has to be waited for, or none is left."""
    done = list(commands)
    while tree.plan is not None and tree.plan.step is not None:
        match tree.plan.step:
            case Down(children):
                tree, more = _take_down(tree, children)
            case Up(child):
                tree, more = _bring_up(tree, child)
            case Hold():
                return tree, tuple(done)
        done += more
        if tree.plan is None or tree.plan.waiting:
            return tree, tuple(done)
        tree = _step_done(tree)
    return _plan_done(tree, tuple(done))


def _take_down(tree: Tree, children: tuple[str, ...]) -> Decision:
    commands: list[TreeCommand] = []
    waiting = 0
    for id in children:
        slot = tree.slots.get(id)
        if slot is None:
            continue
        if slot.alive:
            waiting += 1
            if slot.state != "stopping":
                commands.append(StopLife(id, slot.incarnation, slot.child.shutdown))
                tree = tree.put(slot.now("stopping"))
            continue
        if slot.exit in ABNORMAL:
            commands.append(ReportEnd(id, slot.incarnation, "running", slot.exit))
        tree, gone = _down(tree, slot)
        commands += gone
    return _waiting(tree, waiting), tuple(commands)


def _bring_up(tree: Tree, child: str) -> Decision:
    slot = tree.slots.get(child)
    assert slot is not None, child  # noqa: S101  # a plan starts only children that the tree has
    up = slot.next_life("starting" if slot.child.reports_ready else "running")
    return _waiting(tree.put(up), int(up.state == "starting")), (StartLife(up.child, up.incarnation),)


def _started(tree: Tree, event: ChildStarted, now: float) -> Decision:
    slot = _starting(tree, event)
    if slot is None:
        return tree, ()
    tree = tree.put(slot.now("running"))
    return _advance(_step_done(tree)) if _awaits_start(tree.plan, event.child) else (tree, ())


def _start_failed(tree: Tree, event: ChildStartFailed, now: float) -> Decision:
    slot = tree.slots.get(event.child)
    if slot is not None and slot.incarnation == event.incarnation and slot.state == "stopping":
        return _went_down(tree, slot, "shutdown")
    if slot is not None and slot.incarnation == event.incarnation and slot.state == "running" and slot.child.is_passive:
        return _never_was(tree, slot, event)
    slot = _starting(tree, event)
    if slot is None or tree.plan is None:
        return tree, ()
    if not _awaits_start(tree.plan, event.child):
        return _never_up(tree, slot, event)
    if event.ignored:
        return _ignored(tree, slot, tree.plan)
    return _not_started(tree, slot, tree.plan, now)


def _awaits_start(plan: Plan | None, child: str) -> bool:
    """Whether the plan waits for that child to be up; one that the end of the tree has replaced did, but no more."""
    return plan is not None and plan.step == Up(child)


def _never_up(tree: Tree, slot: Slot, event: ChildStartFailed) -> Decision:
    """A start came to nothing that no plan waits for any more."""
    reports = () if event.ignored else (ReportEnd(event.child, event.incarnation, "starting", "crash"),)
    tree, gone = _down(tree, slot)
    return tree, (*reports, *gone)


def _never_was(tree: Tree, slot: Slot, event: ChildStartFailed) -> Decision:
    """A passive child that was taken for running failed to begin, or has nothing to run."""
    id, incarnation = slot.child.id, slot.incarnation
    if event.ignored:
        return _down(tree, slot)
    report = ReportEnd(id, incarnation, "starting", "crash")
    if incarnation == 1:
        return tree.without(id), (report, Forget(id))
    return tree.put(slot.now("restarting")), (report, Post(TryAgain(id)))


def _starting(tree: Tree, event: ChildStarted | ChildStartFailed) -> Slot | None:
    """The slot of a life that isn't up yet, if the event is about it."""
    slot = tree.slots.get(event.child)
    if slot is None or slot.incarnation != event.incarnation or slot.state != "starting":
        return None
    return slot


def _ignored(tree: Tree, slot: Slot, plan: Plan) -> Decision:
    tree, gone = _down(tree, slot)
    id = slot.child.id
    match plan.purpose:
        case Answering(request):
            return tree.at(None), (*gone, AnswerCall(request, Ignored(id)))
        case Restarting(Answering(request, Running(child))) if child == id:
            tree = evolve(tree, plan=evolve(plan, purpose=Restarting(Answering(request, Ignored(id)))))
    return _advance(_step_done(tree), gone)


def _not_started(tree: Tree, slot: Slot, plan: Plan, now: float) -> Decision:
    id, incarnation = slot.child.id, slot.incarnation
    report = ReportEnd(id, incarnation, "starting", "crash")
    match plan.purpose:
        case Answering(request, new=True):
            tree = evolve(tree.without(id), plan=None)
            return tree, (report, Forget(id), AnswerCall(request, NotStarted(id, incarnation)))
        case Answering(request):
            return evolve(tree.put(slot.now("stopped")), plan=None), (
                report,
                AnswerCall(request, NotStarted(id, incarnation)),
            )
        case Restarting(asked):
            told = (report, AnswerCall(asked.request, NotStarted(id, incarnation))) if asked is not None else (report,)
            if slot.child.backoff is not None:
                return _restart(evolve(tree, plan=None), slot, now, told)
            return tree.put(slot.now("restarting")).at(None), (*told, Post(TryAgain(id)))
        case _:
            return _end(tree.put(slot.now("stopped")), TreeBootFailed(id), (report,))


def _went_down(tree: Tree, slot: Slot, exit: ExitKind) -> Decision:
    """A child that was told to stop has ended."""
    unasked = exit == "crash" or (exit == "killed" and slot.child.shutdown != "brutal")
    reports = (ReportEnd(slot.child.id, slot.incarnation, "stopping", exit),) if unasked else ()
    tree, gone = _down(tree, slot)
    commands = (*reports, *gone)
    if tree.plan is None or not _awaits_end(tree.plan, slot.child.id):
        return tree, commands  # its stop was begun by a plan that the end of the tree has replaced
    if tree.plan.waiting > 1:
        return _waiting(tree, tree.plan.waiting - 1), commands
    return _advance(_step_done(tree), commands)


def _awaits_end(plan: Plan, child: str) -> bool:
    match plan.step:
        case Down((only,)):
            return only == child
        case Down():  # several at once are all that the tree has
            return True
        case _:
            return False


def _waiting(tree: Tree, waiting: int) -> Tree:
    assert tree.plan is not None  # noqa: S101  # only steps of a plan are waited for
    return tree.at(Plan(tree.plan.steps, tree.plan.purpose, waiting, tree.plan.at))


def _step_done(tree: Tree) -> Tree:
    assert tree.plan is not None  # noqa: S101  # only steps of a plan are done
    return tree.at(Plan(tree.plan.steps, tree.plan.purpose, 0, tree.plan.at + 1))


def _plan_done(tree: Tree, commands: tuple[TreeCommand, ...]) -> Decision:
    assert tree.plan is not None  # noqa: S101  # a plan is what has come to its end
    purpose = tree.plan.purpose
    idle = tree.at(None)
    match purpose:
        case Booting():
            return evolve(idle, phase="up"), (*commands, Booted())
        case Answering(request, result) | Restarting(Answering(request, result)):
            return idle, (*commands, AnswerCall(request, result))
        case Ending(outcome):
            return evolve(idle, phase="ended"), (*commands, Finish(outcome))
        case _:
            return idle, commands


# ---- the tree as a whole


def _boot(tree: Tree, event: Boot, now: float) -> Decision:
    slots = tree.slots
    for child in event.children:
        slots = slots.add(child)
    return _begin(evolve(tree, slots=slots), [Up(child.id) for child in event.children], Booting())


def _end(tree: Tree, outcome: TreeOutcome, commands: tuple[TreeCommand, ...] = ()) -> Decision:
    """Stop all children: in reverse start order, one after the other; those of a pool all together."""
    ids = tuple(slot.child.id for slot in tree.slots)
    together = tree.flags.is_pool
    steps = (Down(ids),) if together else tuple(Down((id,)) for id in reversed(ids))
    return _begin(evolve(tree, phase="ending"), steps, Ending(outcome), commands)


def _stop_tree(tree: Tree, event: StopTree, now: float) -> Decision:
    if tree.phase in ("ending", "ended"):
        return tree, ()
    return _end(tree, TreeStopped(), _refuse_interrupted(tree))


def _kill_tree(tree: Tree, event: KillTree, now: float) -> Decision:
    if tree.phase == "ended":
        return tree, ()
    outcome = tree.plan.purpose.outcome if tree.plan and isinstance(tree.plan.purpose, Ending) else TreeStopped()
    alive = [slot for slot in reversed(tuple(tree.slots)) if slot.alive]
    kills = tuple(StopLife(slot.child.id, slot.incarnation, "brutal") for slot in alive)
    commands = (*_refuse_interrupted(tree), *kills)
    for slot in alive:
        tree = tree.put(slot.now("stopping"))
    ids = tuple(slot.child.id for slot in tree.slots)
    return _begin(evolve(tree, phase="ending"), (Down(ids),), Ending(outcome), commands)


def _refuse_interrupted(tree: Tree) -> tuple[TreeCommand, ...]:
    match tree.plan.purpose if tree.plan is not None else None:
        case Answering(request) | Restarting(Answering(request)):
            return (AnswerCall(request, Closed()),)
        case _:
            return ()


def _suspend(tree: Tree, event: Suspend, now: float) -> Decision:
    return _begin(tree, (Hold(),), Holding(), (AnswerCall(event.request, Done()),))


def _resume(tree: Tree, event: Resume, now: float) -> Decision:
    if tree.plan is None or not isinstance(tree.plan.purpose, Holding):
        return tree, ()
    return tree.at(None), ()


# ---- requests


def _start_child(tree: Tree, event: StartChild, now: float) -> Decision:
    child = event.child
    slot = tree.slots.get(child.id)
    if slot is not None:
        there: Refusal = "already_started" if ROW_STATES[slot.state] == "running" else "already_present"
        return _refuse(tree, event.request, child.id, there, slot.incarnation)
    if tree.flags.max_children is not None and len(tree.slots) >= tree.flags.max_children:
        return _refuse(tree, event.request, child.id, "max_children")
    if child.is_passive and not event.request:  # nothing has to be waited for, and nobody waits
        tree = Tree(tree.flags, tree.slots.add(child, 1, "running"), tree.window, None, tree.phase)
        return tree, (StartLife(child, 1),)
    tree = evolve(tree, slots=tree.slots.add(child))
    return _begin(tree, (Up(child.id),), Answering(event.request, Running(child.id, 1), new=True))


def _terminate_child(tree: Tree, event: TerminateChild, now: float) -> Decision:
    slot = tree.slots.get(event.child)
    meant = slot is not None and (event.incarnation in (None, slot.incarnation) or slot.state == "restarting")
    if not meant:
        return _refuse(tree, event.request, event.child, "not_found")
    return _begin(tree, (Down((event.child,)),), Answering(event.request, Done()))


def _restart_child(tree: Tree, event: RestartChild, now: float) -> Decision:
    slot, refusal = _stopped(tree, event.child)
    if slot is None or refusal is not None:
        return _refuse(tree, event.request, event.child, refusal or "not_found")
    answering = Answering(event.request, Running(event.child, slot.incarnation + 1))
    if slot.state == "backing_off":
        return _bring_back(tree, slot, Restarting(answering))
    return _begin(tree, (Up(event.child),), answering)


def _delete_child(tree: Tree, event: DeleteChild, now: float) -> Decision:
    slot, refusal = _stopped(tree, event.child)
    if slot is None or refusal is not None:
        return _refuse(tree, event.request, event.child, refusal or "not_found")
    return tree.without(event.child), (Forget(event.child), AnswerCall(event.request, Done()))


def _stopped(tree: Tree, id: str) -> tuple[Slot | None, Refusal | None]:
    """The slot of a child that doesn't run and that nothing is about to be done with, or why there is none."""
    if tree.flags.is_pool:
        return None, "simple_one_for_one"
    slot = tree.slots.get(id)
    if slot is None:
        return None, "not_found"
    if slot.state == "backing_off":
        return slot, None
    match ROW_STATES[slot.state]:
        case "undefined":
            return slot, None
        case state:
            return None, state


def _refuse(tree: Tree, request: int, child: str, reason: Refusal, incarnation: int = 0) -> Decision:
    return tree, (AnswerCall(request, Refused(child, reason, incarnation)),)


def _which_children(tree: Tree, event: WhichChildren, now: float) -> Decision:
    return tree, (AnswerCall(event.request, rows_of(tree)),)


def rows_of(tree: Tree) -> tuple[ChildRow, ...]:
    """Return a row for each child, newest first."""
    return tuple(_row(slot) for slot in reversed(tuple(tree.slots)))


def _row(slot: Slot) -> ChildRow:
    state = ROW_STATES[slot.state]
    return ChildRow(slot.child.id, state, slot.incarnation if state == "running" else None, slot.child.kind)


def _count_children(tree: Tree, event: CountChildren, now: float) -> Decision:
    slots, states = tree.slots, tree.slots.states
    # OTP asks whether a child's process is alive; for a pool it only knows which children are being restarted.
    restarting = states.get("restarting", 0)
    active = len(slots) - restarting if tree.flags.is_pool else sum(states.get(state, 0) for state in ALIVE)
    counts = Counts(len(slots), active, slots.supervisors, len(slots) - slots.supervisors)
    return tree, (AnswerCall(event.request, counts),)


def _get_child_spec(tree: Tree, event: GetChildSpec, now: float) -> Decision:
    slot = tree.slots.get(event.child)
    if slot is None:
        return _refuse(tree, event.request, event.child, "not_found")
    return tree, (AnswerCall(event.request, slot.child),)


_DECISIONS: Mapping[type, Callable[[Tree, Any, float], Decision]] = {
    ChildExited: _exited,
    QueuedExit: _ended_before,
    ChildStarted: _started,
    ChildStartFailed: _start_failed,
    StopTree: _stop_tree,
    KillTree: _kill_tree,
    Resume: _resume,
    Boot: _boot,
    StartChild: _start_child,
    TerminateChild: _terminate_child,
    RestartChild: _restart_child,
    DeleteChild: _delete_child,
    WhichChildren: _which_children,
    CountChildren: _count_children,
    GetChildSpec: _get_child_spec,
    TryAgain: _try_again,
    Due: _due,
    Suspend: _suspend,
}
