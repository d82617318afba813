"""Ways to break what a supervisor decides."""

from __future__ import annotations

from properties.mutants._mutant import Mutant

RESTART_TYPES = (
    Mutant(
        "transient_restarted_after_normal",
        "A task that finished its work is started again, for ever.",
        "RESTARTS_AFTER",
        "{'killed', 'crash'}",
        "{'normal', 'killed', 'crash'}",
    ),
    Mutant(
        "transient_gone_after_kill",
        "A transient child that was killed stays dead.",
        "RESTARTS_AFTER",
        "{'killed', 'crash'}",
        "{'crash'}",
    ),
    Mutant(
        "permanent_gone_after_shutdown",
        "A service that ended on purpose is never seen again.",
        "RESTARTS_AFTER",
        "{'normal', 'shutdown', 'killed', 'crash'}",
        "{'normal', 'killed', 'crash'}",
    ),
    Mutant(
        "permanent_gone_after_normal",
        "A service whose function returned is never seen again.",
        "RESTARTS_AFTER",
        "{'normal', 'shutdown', 'killed', 'crash'}",
        "{'shutdown', 'killed', 'crash'}",
    ),
    Mutant(
        "temporary_restarted",
        "A crashed temporary child comes back.",
        "RESTARTS_AFTER",
        "frozenset()",
        "frozenset({'crash'})",
    ),
    Mutant(
        "temporary_kept",
        "Specs of temporary children that have ended pile up.",
        "_down",
        "slot.child.restart == 'temporary' or tree.flags.is_pool",
        "tree.flags.is_pool",
    ),
    Mutant(
        "pool_keeps_ended",
        "A pool fills up with children that have ended.",
        "_down",
        "slot.child.restart == 'temporary' or tree.flags.is_pool",
        "slot.child.restart == 'temporary'",
    ),
    Mutant(
        "stopped_children_are_forgotten",
        "A child that was terminated can't be restarted: its spec is gone.",
        "_down",
        "(tree.put(slot.now('stopped')), ())",
        "(tree.without(slot.child.id), (Forget(slot.child.id),))",
    ),
)

STRATEGIES = (
    Mutant(
        "rest_for_one_restarts_everything",
        "Children that the crashed one depends on are restarted too.",
        "GOES_DOWN_WITH",
        "order[at:]",
        "order",
    ),
    Mutant(
        "rest_for_one_restarts_nothing_else",
        "Children that depend on the crashed one go on with its dead life.",
        "GOES_DOWN_WITH",
        "order[at:]",
        "order[at:at + 1]",
    ),
    Mutant(
        "one_for_all_spares_the_earlier",
        "Children before the crashed one are not restarted with it.",
        "GOES_DOWN_WITH",
        "lambda order, at: order",
        "lambda order, at: order[at:]",
    ),
    Mutant(
        "one_for_one_restarts_the_rest",
        "A crash takes down siblings that have nothing to do with it.",
        "_bring_back",
        "(Up(slot.child.id),) if strategy == 'one_for_one' else _group(tree, slot, strategy)",
        "_group(tree, slot, 'rest_for_one' if strategy == 'one_for_one' else strategy)",
    ),
    Mutant(
        "group_goes_down_in_order",
        "In a group restart those depended upon are stopped before those that depend.",
        "_group",
        "reversed(down)",
        "down",
    ),
    Mutant(
        "group_comes_up_in_reverse",
        "In a group restart children start before those that they depend on.",
        "_group",
        "(Up(child.id) for child in down if child.restart != 'temporary')",
        "(Up(child.id) for child in reversed(down) if child.restart != 'temporary')",
    ),
    Mutant(
        "group_revives_temporary",
        "A group restart starts temporary siblings again.",
        "_group",
        "return (*stops, *(Up(child.id) for child in down if child.restart != 'temporary'))",
        "stops = [stop for stop in stops if tree.slots.get(stop.children[0]).child.restart != "
        "'temporary']\n"
        "return (*stops, *(Up(child.id) for child in down))",
    ),
    Mutant(
        "group_leaves_temporary_running",
        "A group restart does not take temporary siblings down.",
        "_group",
        "other.state != 'parked'",
        "other.child.restart != 'temporary' or other.child.id == slot.child.id",
    ),
    Mutant(
        "group_forgets_the_stopped",
        "A sibling that had been terminated doesn't come back with its group.",
        "_group",
        "other.state != 'parked'",
        "other.alive or other.child.id == slot.child.id",
    ),
    Mutant(
        "group_revives_the_parked",
        "A child put aside for its budget comes back whenever a sibling crashes.",
        "_group",
        "[other.child for other in GOES_DOWN_WITH[strategy](order, at) if other.state != 'parked']",
        "[other.child for other in GOES_DOWN_WITH[strategy](order, at)]",
    ),
)

INTENSITY = (
    Mutant(
        "gives_up_one_early",
        "One restart less is tolerated than promised.",
        "Window.exceeded",
        "self.count > self.max_restarts",
        "self.count >= self.max_restarts",
    ),
    Mutant(
        "boundary_restart_dropped",
        "A restart exactly max_seconds ago does not count.",
        "Window.add",
        "old[first] >= oldest",
        "old[first] > oldest",
    ),
    Mutant(
        "window_emptied_by_luck",
        "Whether an old restart counts depends on how the window came to be.",
        "Window.add",
        "first < len(old) and old[first] >= now - self.max_seconds",
        "first < len(old)",
    ),
    Mutant(
        "used_drops_the_boundary",
        "The view shows one restart less than the supervisor counts.",
        "Window.used",
        "then >= now - self.max_seconds",
        "then > now - self.max_seconds",
    ),
    Mutant(
        "restarts_never_expire",
        "A supervisor gives up over restarts that happened long ago.",
        "Window.add",
        "oldest = now - self.max_seconds",
        "oldest = now - 1000000",
    ),
    Mutant(
        "window_per_child",
        "Every child may be restarted max_restarts times: ten sick children are never given up.",
        "_restart",
        "if slot.window is not None:\n"
        "    spent = slot.window.add(now)\n"
        "    slot = evolve(slot, window=spent)\n"
        "    if spent.exceeded:\n"
        "        return _exhausted(tree, slot, spent, commands)\n"
        "if slot.child.backoff is not None:\n"
        "    return _back_off(tree, slot, slot.child.backoff, commands)\n"
        "window = tree.window.add(now)",
        "if slot.child.backoff is not None:\n"
        "    return _back_off(tree, slot, slot.child.backoff, commands)\n"
        "window = (slot.window or Window(tree.flags.max_restarts, tree.flags.max_seconds)).add(now)\n"
        "slot = evolve(slot, window=window)",
    ),
    Mutant(
        "siblings_count_each",
        "The restart of a group of five uses up five restarts.",
        "_restart",
        "window = tree.window.add(now)",
        "window = tree.window\n"
        "for _ in '1' if tree.flags.restart_strategy == 'one_for_one' else tree.slots:\n"
        "    window = window.add(now)",
    ),
    Mutant(
        "failed_restart_not_counted",
        "A child that can't be started again is tried for ever.",
        "_try_again",
        "_restart(tree, slot, now)",
        "_bring_back(tree, slot, Restarting())",
    ),
    Mutant(
        "failed_restart_swallowed",
        "A child whose restart failed once is never tried again, and nobody is told.",
        "_not_started",
        "(*told, Post(TryAgain(id)))",
        "told",
    ),
    Mutant(
        "failed_restart_not_reported",
        "Nobody learns why a child doesn't come back.",
        "_not_started",
        "*told",
        "*told[1:]",
    ),
    Mutant(
        "tried_again_in_place",
        "While a restart fails again and again no call is answered.",
        "_not_started",
        "(tree.put(slot.now('restarting')).at(None), (*told, Post(TryAgain(id))))",
        "_restart(tree.put(slot.now('restarting')).at(None), slot, now, told)",
    ),
    Mutant(
        "gives_up_and_keeps_the_children",
        "A supervisor that gave up leaves its pool's children running.",
        "_end",
        "(Down(ids),) if together else tuple((Down((id,)) for id in reversed(ids)))",
        "() if together and isinstance(outcome, GaveUp) else (Down(ids),) if together else "
        "tuple((Down((id,)) for id in reversed(ids)))",
    ),
)

ENDS = (
    Mutant(
        "end_of_an_earlier_life_counts",
        "A late word of a dead life takes down the one that runs.",
        "_exited",
        "slot is None or slot.incarnation != event.incarnation",
        "slot is None",
    ),
    Mutant(
        "ends_interrupt_what_is_under_way",
        "A crash during a group restart breaks that restart off.",
        "_exited",
        "tree.plan is not None",
        "False",
    ),
    Mutant(
        "posted_end_not_voided",
        "A child that was stopped meanwhile is restarted, because of the end that had to wait.",
        "_ended_before",
        "if slot is None or slot.exit is None or (slot.rank, slot.incarnation) != (event.rank, "
        "event.incarnation):\n"
        "    return (tree, ())\n"
        "return _ended(tree, slot, slot.exit, now)",
        "if slot is None:\n    return (tree, ())\nreturn _ended(tree, slot, slot.exit or 'crash', now)",
    ),
    Mutant(
        "posted_end_of_a_namesake",
        "A new child is taken for dead because an earlier one of its id was.",
        "_ended_before",
        "slot is None or slot.exit is None or (slot.rank, slot.incarnation) != (event.rank, event.incarnation)",
        "slot is None or (slot.exit is None and slot.incarnation != event.incarnation)",
    ),
    Mutant(
        "any_end_moves_the_plan_on",
        "A stop that was begun for a call ends the waiting for another child.",
        "_awaits_end",
        "only == child",
        "True",
    ),
    Mutant(
        "kills_go_untold",
        "A child that was killed is restarted without a report.",
        "_ended",
        "exit in ABNORMAL",
        "exit == 'crash'",
    ),
    Mutant(
        "returned_service_goes_untold",
        "A permanent child that keeps returning is restarted without a word.",
        "_ended",
        "exit in ABNORMAL or child.restart == 'permanent'",
        "exit in ABNORMAL",
    ),
    Mutant(
        "reported_after_the_restart",
        "The report of a crash comes when the next life is already under way.",
        "_restart",
        "(*commands, StartLife(slot.child, up.incarnation))",
        "(StartLife(slot.child, up.incarnation), *commands)",
    ),
    Mutant(
        "killed_at_its_limit_goes_untold",
        "A child that had to be killed because it wouldn't stop is not reported.",
        "_went_down",
        "exit == 'crash' or (exit == 'killed' and slot.child.shutdown != 'brutal')",
        "exit == 'crash'",
    ),
    Mutant(
        "brutal_stop_is_reported",
        "Every child declared brutal looks like a crash at each shutdown.",
        "_went_down",
        "exit == 'crash' or (exit == 'killed' and slot.child.shutdown != 'brutal')",
        "exit in ('crash', 'killed')",
    ),
    Mutant(
        "crash_before_the_stop_goes_untold",
        "A child that crashed just before it was stopped with its group is not reported.",
        "_take_down",
        "slot.exit in ABNORMAL",
        "False",
    ),
)

SIGNIFICANT = (
    Mutant(
        "anyone_is_significant",
        "The end of any child is the end of the supervisor.",
        "_closing",
        "child.significant and _closes(tree)",
        "_closes(tree)",
    ),
    Mutant(
        "restarting_counts_as_gone",
        "all_significant ends the supervisor while a significant child is about to come back.",
        "_Table._count",
        "state != 'stopped'",
        "state in ALIVE",
    ),
    Mutant(
        "all_significant_is_any",
        "The first significant child to end takes the supervisor down, not the last.",
        "_closes",
        "tree.slots.significant == 0",
        "True",
    ),
    Mutant(
        "any_significant_is_never",
        "auto_shutdown any_significant does nothing.",
        "_closes",
        "tree.flags.auto_shutdown == 'any_significant'",
        "False",
    ),
    Mutant(
        "terminate_closes",
        "To terminate a significant child ends the supervisor.",
        "_plan_done",
        "return idle, (*commands, AnswerCall(request, result))",
        "commands = (*commands, AnswerCall(request, result))\n"
        "if isinstance(result, Done) and _closes(idle):\n"
        "    return _end(idle, AutoShutdown(''), commands)\n"
        "return idle, commands",
    ),
)

ENDING = (
    Mutant(
        "stops_in_start_order",
        "At the end a database is closed before those that still write to it.",
        "_end",
        "reversed(ids)",
        "ids",
    ),
    Mutant(
        "stops_all_at_once",
        "At the end children are not waited for before those they depend on are stopped.",
        "_end",
        "tree.flags.is_pool",
        "True",
    ),
    Mutant(
        "pool_stops_one_by_one",
        "A pool of a thousand slow children takes a thousand times as long to stop.",
        "_end",
        "tree.flags.is_pool",
        "False",
    ),
    Mutant(
        "every_stop_is_brutal",
        "No child gets the time to say goodbye.",
        "_take_down",
        "slot.child.shutdown",
        "'brutal'",
    ),
    Mutant(
        "stop_twice_starts_over",
        "A second stop hides why the supervisor ended.",
        "_stop_tree",
        "tree.phase in ('ending', 'ended')",
        "tree.phase == 'ended'",
    ),
    Mutant(
        "kill_only_asks",
        "A supervisor whose time is over waits all the same.",
        "_kill_tree",
        "'brutal'",
        "slot.child.shutdown",
    ),
    Mutant(
        "interrupted_call_unanswered",
        "Whoever asked for something when the supervisor stopped waits for ever.",
        "_refuse_interrupted",
        "return (AnswerCall(request, Closed()),)",
        "return ()",
    ),
    Mutant(
        "boot_goes_on_past_a_failure",
        "A tree comes up with holes in it.",
        "_not_started",
        "_end(tree.put(slot.now('stopped')), TreeBootFailed(id), (report,))",
        "_advance(_step_done(tree.put(slot.now('stopped'))), (report,))",
    ),
    Mutant(
        "boot_does_not_wait",
        "Children start before those they depend on are ready.",
        "_bring_up",
        "up.state == 'starting'",
        "up.state == 'starting' and (not isinstance(tree.plan.purpose, Booting))",
    ),
)

CALLS = (
    Mutant(
        "already_started_and_present_swapped",
        "start_child says that a child runs when it is stopped, and the other way round.",
        "_start_child",
        "'already_started' if ROW_STATES[slot.state] == 'running' else 'already_present'",
        "'already_present' if ROW_STATES[slot.state] == 'running' else 'already_started'",
    ),
    Mutant(
        "restarting_is_already_started",
        "start_child says that a child runs when its restart has failed.",
        "_start_child",
        "ROW_STATES[slot.state] == 'running'",
        "ROW_STATES[slot.state] != 'undefined'",
    ),
    Mutant(
        "running_child_deleted",
        "delete_child forgets a child that still runs, and nobody ever stops it.",
        "_delete_child",
        "slot, refusal = _stopped(tree, event.child)\n"
        "if slot is None or refusal is not None:\n"
        "    return _refuse(tree, event.request, event.child, refusal or 'not_found')",
        "slot = tree.slots.get(event.child)\n"
        "if slot is None:\n"
        "    return _refuse(tree, event.request, event.child, 'not_found')",
    ),
    Mutant(
        "restart_child_overtakes_the_restart",
        "restart_child starts a child that is being restarted, so that it may live twice.",
        "_stopped",
        "match ROW_STATES[slot.state]:\n"
        "    case 'undefined':\n"
        "        return (slot, None)\n"
        "    case state:\n"
        "        return (None, state)",
        "match ROW_STATES[slot.state]:\n"
        "    case 'undefined' | 'restarting':\n"
        "        return (slot, None)\n"
        "    case state:\n"
        "        return (None, state)",
    ),
    Mutant(
        "terminate_leaves_the_next_try",
        "A terminated child comes back, because its restart was tried again.",
        "_take_down",
        "_down(tree, slot)",
        "_down(tree, slot) if slot.state != 'restarting' else (tree, ())",
    ),
    Mutant(
        "terminate_of_an_earlier_life_hits_the_later",
        "Whoever stops a child that it knew stops its successor.",
        "_terminate_child",
        "event.incarnation in (None, slot.incarnation) or slot.state == 'restarting'",
        "True or event.incarnation in (None, slot.incarnation) or slot.state == 'restarting'",
    ),
    Mutant(
        "failed_new_child_kept",
        "A child that never started blocks its id.",
        "_not_started",
        "case Answering(request, new=True)",
        "case Answering(request, new=None)",
    ),
    Mutant(
        "failed_restart_child_forgotten",
        "restart_child that fails once loses the spec.",
        "_not_started",
        "evolve(tree.put(slot.now('stopped')), plan=None)",
        "evolve(tree.without(id), plan=None)",
    ),
    Mutant(
        "max_children_off_by_one",
        "One child more than max_children is taken.",
        "_start_child",
        "len(tree.slots) >= tree.flags.max_children",
        "len(tree.slots) > tree.flags.max_children",
    ),
    Mutant(
        "max_children_counts_the_living",
        "While children are being restarted their places are given away.",
        "_start_child",
        "len(tree.slots)",
        "sum((other.alive for other in tree.slots))",
    ),
    Mutant(
        "children_listed_oldest_first",
        "which_children has the order turned round.",
        "rows_of",
        "reversed(tuple(tree.slots))",
        "tree.slots",
    ),
    Mutant(
        "dead_children_are_active",
        "count_children counts children whose end was not handled yet.",
        "_count_children",
        "sum(states.get(state, 0) for state in ALIVE)",
        "len(slots) - restarting - states.get('stopped', 0)",
    ),
    Mutant(
        "suspend_holds_nothing",
        "A suspended supervisor goes on as if nothing had been said.",
        "_advance",
        "match tree.plan.step:\n"
        "    case Down(children):\n"
        "        tree, more = _take_down(tree, children)\n"
        "    case Up(child):\n"
        "        tree, more = _bring_up(tree, child)\n"
        "    case Hold():\n"
        "        return (tree, tuple(done))",
        "match tree.plan.step:\n"
        "    case Down(children):\n"
        "        tree, more = _take_down(tree, children)\n"
        "    case Up(child):\n"
        "        tree, more = _bring_up(tree, child)\n"
        "    case Hold():\n"
        "        more = ()",
    ),
)

BACKOFF = (
    Mutant(
        "backoff_never_resets",
        "A child that failed once a year waits the longest pause each time.",
        "_back_off",
        "0 if slot.lasted >= backoff.reset_after else slot.failures",
        "slot.failures",
    ),
    Mutant(
        "backoff_always_resets",
        "Pauses never grow: a broken child floods as without a backoff.",
        "_back_off",
        "0 if slot.lasted >= backoff.reset_after else slot.failures",
        "0",
    ),
    Mutant(
        "backoff_counts_against_the_supervisor",
        "A child that backs off uses up the restarts of its siblings.",
        "_restart",
        "if slot.child.backoff is not None:\n    return _back_off(tree, slot, slot.child.backoff, commands)",
        "if slot.child.backoff is not None:\n"
        "    return _back_off(evolve(tree, window=tree.window.add(now)), slot, slot.child.backoff, "
        "commands)\n"
        "if tree.window.count and tree.window.exceeded:\n"
        "    return _give_up(tree, slot, tree.window, commands)",
    ),
    Mutant(
        "due_pause_resurrects",
        "A child that was stopped during its pause comes back when the pause is over.",
        "_due",
        "slot is None or slot.state != 'backing_off' or (slot.rank, slot.incarnation) != "
        "(event.rank, event.incarnation)",
        "slot is None",
    ),
    Mutant(
        "due_pause_of_a_namesake",
        "A pause that is out of date cuts the next one short.",
        "_due",
        "slot is None or slot.state != 'backing_off' or (slot.rank, slot.incarnation) != "
        "(event.rank, event.incarnation)",
        "slot is None or slot.state != 'backing_off'",
    ),
    Mutant(
        "backoff_leaves_the_group_up",
        "Those that depend on a crashed child run on during its pause.",
        "_back_off",
        "downs = [step for step in _group(tree, slot, strategy) if isinstance(step, Down)]",
        "downs: list[Down] = []",
    ),
    Mutant(
        "backoff_does_not_grow",
        "Each pause is as short as the first.",
        "Backoff.pause",
        "self.first * float(self.factor) ** failures",
        "self.first",
    ),
    Mutant(
        "backoff_without_a_cap",
        "A pause may be longer than the cap.",
        "Backoff.pause",
        "min(self.first * float(self.factor) ** failures, self.cap)",
        "self.first * float(self.factor) ** failures",
    ),
    Mutant(
        "budget_never_used_up",
        "A child may be restarted more often than its budget allows.",
        "_restart",
        "slot = evolve(slot, window=spent)",
        "pass",
    ),
    Mutant(
        "parked_child_restarted",
        "A child that used up its budget is restarted instead of put aside.",
        "_exhausted",
        "(tree.put(slot.now('parked')), commands)",
        "_bring_back(tree, slot, Restarting(), commands)",
    ),
    Mutant(
        "exhausted_stop_escalates_nothing",
        "A significant child stopped for its budget doesn't end its supervisor.",
        "_exhausted",
        "_closing(tree, slot.child, (*commands, *gone))",
        "(tree, (*commands, *gone))",
    ),
)

SLOTS = (
    Mutant(
        "many_children_lose_their_order",
        "After a change was turned back the order of starting is lost.",
        "_Table.ordered",
        "attrgetter('rank')",
        "lambda slot: slot.child.id",
    ),
    Mutant(
        "next_life_has_the_old_number",
        "Lives can't be told apart.",
        "Slot.next_life",
        "self.incarnation + 1",
        "max(self.incarnation, 1)",
    ),
)

REDUCER = (*RESTART_TYPES, *STRATEGIES, *INTENSITY, *ENDS, *SIGNIFICANT, *ENDING, *CALLS, *BACKOFF, *SLOTS)
