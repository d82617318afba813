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

When the end of the tree begins, its plan replaces the one under way. Starts and stops that belonged to that one go on,
and what becomes of them is noted, but moves nothing on: the plan of the end goes by its own steps. Messages are void
from then on, and calls refused.

The tables are in `_rules`, the calls in `_calls`. Read on with `_on_exit`: all else serves what follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, get_args

from jido_trio.supervision._backoff import Backoff
from jido_trio.supervision._calls import CALLS, Reaction
from jido_trio.supervision._events import (
    AnswerCall,
    Boot,
    Booted,
    ChildExited,
    ChildStarted,
    ChildStartFailed,
    Closed,
    Due,
    Event,
    Fact,
    Finish,
    Forget,
    Ignored,
    KillTree,
    NotStarted,
    Post,
    QueuedExit,
    ReportEnd,
    Request,
    Resume,
    Running,
    StartLife,
    StopLife,
    StopTree,
    TreeBootFailed,
    TreeCommand,
    TreeGaveUp,
    TreeMessage,
    TreeOutcome,
    TreeShutDown,
    TreeStopped,
    TryAgain,
    Wait,
)
from jido_trio.supervision._rules import ABNORMAL, RESTARTS_AFTER, restart_steps
from jido_trio.supervision._slots import Slot
from jido_trio.supervision._tree import (
    Answering,
    Booting,
    Down,
    Ending,
    Hold,
    Holding,
    Phase,
    Plan,
    Purpose,
    Restarting,
    Step,
    Tree,
    Up,
)
from jido_trio.supervision._window import Window
from jido_trio.terms import ExitKind

Decision: TypeAlias = tuple[Tree, tuple[TreeCommand, ...]]


def decide(tree: Tree, event: Event, now: float) -> Decision:
    """Return the tree after `event` at time `now`, and what must be done, in order.

    Facts may come at any moment, messages only while the tree isn't busy.
    """
    return _DECISIONS[tree.phase][type(event)](tree, event, now)


# A life ends by itself.


def _on_exit(tree: Tree, event: ChildExited, now: float) -> Decision:
    slot = tree.slots.get(event.child)
    if slot is None or slot.incarnation != event.incarnation:
        return tree, ()
    if slot.state == "stopping":
        return _on_stopped(tree, slot, event.exit)
    if slot.state != "running":
        return tree, ()
    if event.lasted:
        slot = slot.remembering(lasted=event.lasted, failures=slot.failures, window=slot.window)
    if tree.plan is not None:
        return tree.put(slot.now("ended", event.exit)), (Post(QueuedExit(event.child, slot.rank, slot.incarnation)),)
    return _after_exit(tree, slot, event.exit, now, in_vain=event.in_vain)


def _on_queued_exit(tree: Tree, event: QueuedExit, now: float) -> Decision:
    slot = tree.slots.get(event.child)
    if slot is None or slot.exit is None or (slot.rank, slot.incarnation) != (event.rank, event.incarnation):
        return tree, ()  # meanwhile it was stopped, or even forgotten and added anew
    return _after_exit(tree, slot, slot.exit, now)


def _after_exit(tree: Tree, slot: Slot, exit: ExitKind, now: float, *, in_vain: bool = False) -> Decision:
    child = slot.child
    told = exit in ABNORMAL or child.restart == "permanent"
    reports = (ReportEnd(child.id, slot.incarnation, "running", exit),) if told else ()
    if exit in RESTARTS_AFTER[child.restart]:
        if in_vain and child.backoff is None:
            return tree.put(slot.now("parked")), reports
        return _restart(tree, slot, exit, now, reports)
    return _after_last_exit(tree, slot, reports)


def _after_last_exit(tree: Tree, slot: Slot, commands: tuple[TreeCommand, ...]) -> Decision:
    """A child has ended for good: that may be the end of the supervisor."""
    tree, gone = _clear(tree, slot)
    if slot.child.significant and _shuts_down(tree):
        return _end_tree(tree, TreeShutDown(slot.child.id), (*commands, *gone))
    return tree, (*commands, *gone)


def _clear(tree: Tree, slot: Slot) -> Decision:
    """No life is in that slot; temporary children and those of pools are forgotten."""
    if slot.child.restart == "temporary" or tree.flags.is_pool:
        return tree.without(slot.child.id), (Forget(slot.child.id),)
    return tree.put(slot.now("stopped")), ()


def _shuts_down(tree: Tree) -> bool:
    """Whether the end of a significant child is the end of the supervisor."""
    if tree.flags.auto_shutdown == "all_significant":
        return tree.slots.significant == 0
    return tree.flags.auto_shutdown == "any_significant"


# It comes back.


def _restart(tree: Tree, slot: Slot, exit: ExitKind, now: float, commands: tuple[TreeCommand, ...]) -> Decision:
    """Answer the end of a child, or a restart that failed: count it, and bring the child back, or give up."""
    if slot.window is not None:
        spent = slot.window.add(now)
        slot = slot.remembering(lasted=slot.lasted, failures=slot.failures, window=spent)
        if spent.exceeded:
            return _on_spent_budget(tree, slot, exit, commands)
    child = slot.child
    if child.backoff is not None:
        return _back_off(tree, slot, child.backoff, commands)
    window = tree.window
    if child.counts_above:
        window = tree.window.add(now)
        if window.exceeded:
            return _give_up(tree.counting(window), slot, window, exit, commands)
    if (child.reports_ready and not child.is_passive) or tree.flags.restart_strategy != "one_for_one":
        return _bring_back(tree.counting(window), slot, commands)
    # What `_bring_back` comes to where nothing has to be waited for; nearly all restarts are of this kind.
    up = slot.next_life("running")
    return tree.counting(window, up), (*commands, StartLife(child, up.incarnation))


def _bring_back(tree: Tree, slot: Slot, commands: tuple[TreeCommand, ...] = ()) -> Decision:
    """Start the child, and what goes down and up with it."""
    steps = restart_steps(tree, slot)
    return _begin(tree.put(slot.now("stopped")), steps, Restarting(), commands)


def _give_up(tree: Tree, slot: Slot, window: Window, exit: ExitKind, commands: tuple[TreeCommand, ...]) -> Decision:
    tree, gone = _clear(tree, slot)
    outcome = TreeGaveUp(slot.child.id, window.count, window.max_restarts, window.max_seconds, exit)
    return _end_tree(tree, outcome, (*commands, *gone))


def _on_spent_budget(tree: Tree, slot: Slot, exit: ExitKind, commands: tuple[TreeCommand, ...]) -> Decision:
    assert slot.window is not None and slot.child.budget is not None  # noqa: PT018, S101  # it was spent
    match slot.child.budget.exhausted:
        case "escalate":
            return _give_up(tree, slot, slot.window, exit, commands)
        case "park":
            return tree.put(slot.now("parked")), commands
        case "stop":
            return _after_last_exit(tree, slot, commands)


def _back_off(tree: Tree, slot: Slot, backoff: Backoff, commands: tuple[TreeCommand, ...]) -> Decision:
    """Take down what goes down with the child, then wait; the child comes back with `Due`."""
    failures = 0 if slot.lasted >= backoff.reset_after else slot.failures
    slot = slot.now("backing_off").remembering(lasted=0.0, failures=failures + 1, window=slot.window)
    wait = Wait(Due(slot.child.id, slot.rank, slot.incarnation), backoff.pause(failures), backoff.jitter)
    downs = [step for step in restart_steps(tree, slot) if isinstance(step, Down)]
    return _begin(tree.put(slot), downs, Restarting(), (*commands, wait))


def _on_due(tree: Tree, event: Due, now: float) -> Decision:
    slot = tree.slots.get(event.child)
    if slot is None or slot.state != "backing_off" or (slot.rank, slot.incarnation) != (event.rank, event.incarnation):
        return tree, ()  # meanwhile it was stopped, or started
    return _bring_back(tree, slot)


def _on_try_again(tree: Tree, event: TryAgain, now: float) -> Decision:
    slot = tree.slots.get(event.child)
    if slot is None or slot.state != "restarting":
        return tree, ()
    return _restart(tree, slot, "crash", now, ())


# A plan moves on.


def _begin(tree: Tree, steps: Sequence[Step], purpose: Purpose, commands: tuple[TreeCommand, ...] = ()) -> Decision:
    return _advance(tree, Plan(tuple(steps), purpose), commands)


def _advance(tree: Tree, plan: Plan, commands: tuple[TreeCommand, ...] = ()) -> Decision:
    """Take the steps of the plan until one has to be waited for, or none is left."""
    done = list(commands)
    for at in range(plan.at, len(plan.steps)):
        match plan.steps[at]:
            case Down(children):
                tree, more, waiting = _stop_step(tree, children)
            case Up(child):
                tree, more, waiting = _start_step(tree, child)
            case Hold():
                more, waiting = (), 1
        done += more
        if waiting:
            return tree.at(plan.under_way(at, waiting)), tuple(done)
    return _after_last_step(tree.at(None), plan.purpose, tuple(done))


def _step_done(tree: Tree, plan: Plan, commands: tuple[TreeCommand, ...] = ()) -> Decision:
    return _advance(tree, plan.under_way(plan.at + 1, 0), commands)


def _stop_step(tree: Tree, children: Sequence[str]) -> tuple[Tree, Sequence[TreeCommand], int]:
    """Stop what runs of these children; return how many have to be waited for, too."""
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
        tree, gone = _clear(tree, slot)
        commands += gone
    return tree, commands, waiting


def _start_step(tree: Tree, child: str) -> tuple[Tree, Sequence[TreeCommand], int]:
    """Start that child; return whether it has to be waited for, too."""
    slot = tree.slots.get(child)
    assert slot is not None, child  # noqa: S101  # a plan starts only children that the tree has
    waits = slot.child.reports_ready
    up = slot.next_life("starting" if waits else "running")
    return tree.put(up), (StartLife(up.child, up.incarnation),), int(waits)


def _after_last_step(tree: Tree, purpose: Purpose, commands: tuple[TreeCommand, ...]) -> Decision:
    match purpose:
        case Booting():
            return tree.entering("up"), (*commands, Booted())
        case Answering(request, result) | Restarting(Answering(request, result)):
            return tree, (*commands, AnswerCall(request, result))
        case Ending(outcome):
            return tree.entering("ended"), (*commands, Finish(outcome))
        case _:
            return tree, commands


# What was started is up, or never will be.


def _on_start(tree: Tree, event: ChildStarted, now: float) -> Decision:
    slot = tree.slots.get(event.child)
    if slot is None or slot.incarnation != event.incarnation or slot.state != "starting":
        return tree, ()
    tree = tree.put(slot.now("running"))
    return _step_done(tree, tree.plan) if tree.plan is not None else (tree, ())


def _on_start_failed(tree: Tree, event: ChildStartFailed, now: float) -> Decision:
    slot = tree.slots.get(event.child)
    if slot is None or slot.incarnation != event.incarnation:
        return tree, ()
    match slot.state:
        case "stopping":
            return _on_stopped(tree, slot, "shutdown")
        case "running" if slot.child.is_passive:
            return _never_was(tree, slot, event)
        case "starting" if tree.plan is not None and event.ignored:
            return _nothing_to_run(tree, slot, tree.plan)
        case "starting" if tree.plan is not None:
            return _not_started(tree, slot, tree.plan, now)
        case _:
            return tree, ()


def _never_was(tree: Tree, slot: Slot, event: ChildStartFailed) -> Decision:
    """A passive child that was taken for running failed to begin, or has nothing to run."""
    id, incarnation = slot.child.id, slot.incarnation
    if event.ignored:
        return _clear(tree, slot)
    report = ReportEnd(id, incarnation, "starting", "crash")
    if incarnation == 1:
        return tree.without(id), (report, Forget(id))
    return tree.put(slot.now("restarting")), (report, Post(TryAgain(id)))


def _nothing_to_run(tree: Tree, slot: Slot, plan: Plan) -> Decision:
    tree, gone = _clear(tree, slot)
    id = slot.child.id
    match plan.purpose:
        case Answering(request):
            return tree.at(None), (*gone, AnswerCall(request, Ignored(id)))
        case Restarting(Answering(request, Running(child))) if child == id:
            plan = plan.meant_for(Restarting(Answering(request, Ignored(id))))
    return _step_done(tree, plan, gone)


def _not_started(tree: Tree, slot: Slot, plan: Plan, now: float) -> Decision:
    id, incarnation = slot.child.id, slot.incarnation
    report = ReportEnd(id, incarnation, "starting", "crash")
    match plan.purpose:
        case Answering(request, new=True):
            tree = tree.without(id).at(None)
            return tree, (report, Forget(id), AnswerCall(request, NotStarted(id, incarnation)))
        case Answering(request):
            tree = tree.put(slot.now("stopped")).at(None)
            return tree, (report, AnswerCall(request, NotStarted(id, incarnation)))
        case Restarting(asked):
            told = (report, AnswerCall(asked.request, NotStarted(id, incarnation))) if asked is not None else (report,)
            if slot.child.backoff is not None:
                return _restart(tree.at(None), slot, "crash", now, told)
            return tree.put(slot.now("restarting")).at(None), (*told, Post(TryAgain(id)))
        case _:
            return _end_tree(tree.put(slot.now("stopped")), TreeBootFailed(id), (report,))


# What was told to stop has ended.


def _on_stopped(tree: Tree, slot: Slot, exit: ExitKind) -> Decision:
    unasked = exit == "crash" or (exit == "killed" and slot.child.shutdown != "brutal")
    reports = (ReportEnd(slot.child.id, slot.incarnation, "stopping", exit),) if unasked else ()
    tree, gone = _clear(tree, slot)
    plan = tree.plan
    if plan is None or not plan.awaits_stop_of(slot.child.id):
        return tree, (*reports, *gone)  # its stop was begun by a plan that the end of the tree has replaced
    if plan.waiting > 1:
        return tree.at(plan.under_way(plan.at, plan.waiting - 1)), (*reports, *gone)
    return _step_done(tree, plan, (*reports, *gone))


# The tree as a whole begins, waits and ends.


def _on_boot(tree: Tree, event: Boot, now: float) -> Decision:
    for child in event.children:
        tree = tree.add(child)
    return _begin(tree, [Up(child.id) for child in event.children], Booting())


def _on_resume(tree: Tree, event: Resume, now: float) -> Decision:
    if tree.plan is None or not isinstance(tree.plan.purpose, Holding):
        return tree, ()
    return tree.at(None), ()


def _on_stop_tree(tree: Tree, event: StopTree, now: float) -> Decision:
    return _end_tree(tree, TreeStopped(), _refuse_interrupted(tree))


def _end_tree(tree: Tree, outcome: TreeOutcome, commands: tuple[TreeCommand, ...] = ()) -> Decision:
    """Stop all children: in reverse start order, one after the other; those of a pool all together."""
    ids = tuple(slot.child.id for slot in tree.slots)
    steps = (Down(ids),) if tree.flags.is_pool else tuple(Down((id,)) for id in reversed(ids))
    return _begin(tree.entering("ending"), steps, Ending(outcome), commands)


def _on_kill_tree(tree: Tree, event: KillTree, now: float) -> Decision:
    outcome = tree.plan.purpose.outcome if tree.plan and isinstance(tree.plan.purpose, Ending) else TreeStopped()
    alive = [slot for slot in reversed(tuple(tree.slots)) if slot.alive]
    kills = tuple(StopLife(slot.child.id, slot.incarnation, "brutal") for slot in alive)
    commands = (*_refuse_interrupted(tree), *kills)
    for slot in alive:
        tree = tree.put(slot.now("stopping"))
    ids = tuple(slot.child.id for slot in tree.slots)
    return _begin(tree.entering("ending"), (Down(ids),), Ending(outcome), commands)


def _refuse_interrupted(tree: Tree) -> tuple[TreeCommand, ...]:
    match tree.plan.purpose if tree.plan is not None else None:
        case Answering(request) | Restarting(Answering(request)):
            return (AnswerCall(request, Closed()),)
        case _:
            return ()


# While it goes down, what happens is noted, and told of; only ends of lives that were asked to stop move it on.


def _on_exit_at_the_end(tree: Tree, event: ChildExited, now: float) -> Decision:
    slot = tree.slots.get(event.child)
    if slot is None or slot.incarnation != event.incarnation:
        return tree, ()
    if slot.state == "stopping":
        return _on_stopped(tree, slot, event.exit)
    if slot.state != "running":
        return tree, ()
    return tree.put(slot.now("ended", event.exit)), ()


def _on_start_at_the_end(tree: Tree, event: ChildStarted, now: float) -> Decision:
    slot = tree.slots.get(event.child)
    if slot is None or slot.incarnation != event.incarnation or slot.state != "starting":
        return tree, ()
    return tree.put(slot.now("running")), ()


def _on_start_failed_at_the_end(tree: Tree, event: ChildStartFailed, now: float) -> Decision:
    slot = tree.slots.get(event.child)
    if slot is None or slot.incarnation != event.incarnation:
        return tree, ()
    if slot.state == "stopping":
        return _on_stopped(tree, slot, "shutdown")
    if slot.state != "starting" and not (slot.state == "running" and slot.child.is_passive):
        return tree, ()
    reports = () if event.ignored else (ReportEnd(event.child, event.incarnation, "starting", "crash"),)
    tree, gone = _clear(tree, slot)
    return tree, (*reports, *gone)


def _on_call_at_the_end(tree: Tree, event: Request, now: float) -> Decision:
    return tree, (AnswerCall(event.request, Closed()),)


def _void(tree: Tree, event: Event, now: float) -> Decision:
    return tree, ()


# What is done about which event, in which phase.


def _on_call(call: Callable[[Tree, Any], Reaction]) -> Callable[[Tree, Any, float], Decision]:
    def on_call(tree: Tree, event: Request, now: float) -> Decision:
        tree, commands = call(tree, event)
        return (tree, commands) if tree.plan is None else _advance(tree, tree.plan, commands)

    return on_call


_Decisions: TypeAlias = Mapping[type, Callable[[Tree, Any, float], Decision]]

_WHILE_UP: _Decisions = {
    ChildStarted: _on_start,
    ChildStartFailed: _on_start_failed,
    ChildExited: _on_exit,
    StopTree: _on_stop_tree,
    KillTree: _on_kill_tree,
    Resume: _on_resume,
    Boot: _on_boot,
    QueuedExit: _on_queued_exit,
    TryAgain: _on_try_again,
    Due: _on_due,
    **{event: _on_call(call) for event, call in CALLS.items()},
}

_AFTER_THE_END: _Decisions = {
    **dict.fromkeys((*get_args(Fact), *get_args(TreeMessage)), _void),
    **dict.fromkeys(CALLS, _on_call_at_the_end),
}

_AT_THE_END: _Decisions = {
    **_AFTER_THE_END,
    ChildStarted: _on_start_at_the_end,
    ChildStartFailed: _on_start_failed_at_the_end,
    ChildExited: _on_exit_at_the_end,
    KillTree: _on_kill_tree,
}

_DECISIONS: Mapping[Phase, _Decisions] = {
    "new": _WHILE_UP,
    "up": _WHILE_UP,
    "ending": _AT_THE_END,
    "ended": _AFTER_THE_END,
}
