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
        "_clear",
        "slot.child.restart == 'temporary' or tree.flags.is_pool",
        "tree.flags.is_pool",
    ),
    Mutant(
        "pool_keeps_ended",
        "A pool fills up with children that have ended.",
        "_clear",
        "slot.child.restart == 'temporary' or tree.flags.is_pool",
        "slot.child.restart == 'temporary'",
    ),
    Mutant(
        "stopped_children_are_forgotten",
        "A child that was terminated can't be restarted: its spec is gone.",
        "_clear",
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
        "restart_steps",
        ('if strategy == "one_for_one":\n    return (Up(slot.child.id),)\n'),
        ('if strategy == "one_for_one":\n    strategy = "rest_for_one"\n'),
    ),
    Mutant(
        "group_goes_down_in_order",
        "In a group restart those depended upon are stopped before those that depend.",
        "restart_steps",
        "reversed(down)",
        "down",
    ),
    Mutant(
        "group_comes_up_in_reverse",
        "In a group restart children start before those that they depend on.",
        "restart_steps",
        "(Up(child.id) for child in down if child.restart != 'temporary')",
        "(Up(child.id) for child in reversed(down) if child.restart != 'temporary')",
    ),
    Mutant(
        "group_revives_temporary",
        "A group restart starts temporary siblings again.",
        "restart_steps",
        "return (*stops, *(Up(child.id) for child in down if child.restart != 'temporary'))",
        "stops = [stop for stop in stops if tree.slots.get(stop.children[0]).child.restart != "
        "'temporary']\n"
        "return (*stops, *(Up(child.id) for child in down))",
    ),
    Mutant(
        "group_leaves_temporary_running",
        "A group restart does not take temporary siblings down.",
        "restart_steps",
        "other.state != 'parked'",
        "other.child.restart != 'temporary' or other.child.id == slot.child.id",
    ),
    Mutant(
        "group_forgets_the_stopped",
        "A sibling that had been terminated doesn't come back with its group.",
        "restart_steps",
        "other.state != 'parked'",
        "other.alive or other.child.id == slot.child.id",
    ),
    Mutant(
        "group_revives_the_parked",
        "A child put aside for its budget comes back whenever a sibling crashes.",
        "restart_steps",
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
        (
            "if slot.window is not None:\n"
            "    spent = slot.window.add(now)\n"
            "    slot = slot.remembering(lasted=slot.lasted, failures=slot.failures, window=spent)\n"
            "    if spent.exceeded:\n"
            "        return _on_spent_budget(tree, slot, exit, commands)\n"
            "child = slot.child\n"
            "if child.backoff is not None:\n"
            "    return _back_off(tree, slot, child.backoff, commands)\n"
            "window = tree.window\n"
            "if child.counts_above:\n"
            "    window = tree.window.add(now)\n"
            "    if window.exceeded:\n"
            "        return _give_up(tree.counting(window), slot, window, exit, commands)\n"
        ),
        (
            "child = slot.child\n"
            "if child.backoff is not None:\n"
            "    return _back_off(tree, slot, child.backoff, commands)\n"
            "window = (slot.window or Window(tree.flags.max_restarts, tree.flags.max_seconds)).add(now)\n"
            "slot = slot.remembering(lasted=slot.lasted, failures=slot.failures, window=window)\n"
            "if window.exceeded:\n"
            "    return _give_up(tree.counting(window), slot, window, exit, commands)\n"
        ),
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
        "_on_try_again",
        '_restart(tree, slot, "crash", now, ())',
        "_bring_back(tree, slot)",
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
        "_end_tree",
        "(Down(ids),) if tree.flags.is_pool else tuple(Down((id,)) for id in reversed(ids))",
        "() if tree.flags.is_pool and isinstance(outcome, TreeGaveUp) else (Down(ids),) if tree.flags.is_pool else "
        "tuple(Down((id,)) for id in reversed(ids))",
    ),
)

ENDS = (
    Mutant(
        "end_of_an_earlier_life_counts",
        "A late word of a dead life takes down the one that runs.",
        "_on_exit",
        "slot is None or slot.incarnation != event.incarnation",
        "slot is None",
    ),
    Mutant(
        "ends_interrupt_what_is_under_way",
        "A crash during a group restart breaks that restart off.",
        "_on_exit",
        "tree.plan is not None",
        "False",
    ),
    Mutant(
        "posted_end_not_voided",
        "A child that was stopped meanwhile is restarted, because of the end that had to wait.",
        "_on_queued_exit",
        (
            "if slot is None or slot.exit is None or "
            "(slot.rank, slot.incarnation) != (event.rank, event.incarnation):\n"
            "    return tree, ()\n"
            "return _after_exit(tree, slot, slot.exit, now)\n"
        ),
        ('if slot is None:\n    return tree, ()\nreturn _after_exit(tree, slot, slot.exit or "crash", now)\n'),
    ),
    Mutant(
        "posted_end_of_a_namesake",
        "A new child is taken for dead because an earlier one of its id was.",
        "_on_queued_exit",
        "slot is None or slot.exit is None or (slot.rank, slot.incarnation) != (event.rank, event.incarnation)",
        "slot is None or (slot.exit is None and slot.incarnation != event.incarnation)",
    ),
    Mutant(
        "any_end_moves_the_plan_on",
        "A stop that was begun for a call ends the waiting for another child.",
        "Plan.awaits_stop_of",
        "step.children[0] == child",
        "True",
    ),
    Mutant(
        "kills_go_untold",
        "A child that was killed is restarted without a report.",
        "_after_exit",
        "exit in ABNORMAL",
        "exit == 'crash'",
    ),
    Mutant(
        "returned_service_goes_untold",
        "A permanent child that keeps returning is restarted without a word.",
        "_after_exit",
        "exit in ABNORMAL or child.restart == 'permanent'",
        "exit in ABNORMAL",
    ),
    Mutant(
        "reported_after_the_restart",
        "The report of a crash comes when the next life is already under way.",
        "_restart",
        "(*commands, StartLife(child, up.incarnation))",
        "(StartLife(child, up.incarnation), *commands)",
    ),
    Mutant(
        "killed_at_its_limit_goes_untold",
        "A child that had to be killed because it wouldn't stop is not reported.",
        "_on_stopped",
        "exit == 'crash' or (exit == 'killed' and slot.child.shutdown != 'brutal')",
        "exit == 'crash'",
    ),
    Mutant(
        "brutal_stop_is_reported",
        "Every child declared brutal looks like a crash at each shutdown.",
        "_on_stopped",
        "exit == 'crash' or (exit == 'killed' and slot.child.shutdown != 'brutal')",
        "exit in ('crash', 'killed')",
    ),
    Mutant(
        "crash_before_the_stop_goes_untold",
        "A child that crashed just before it was stopped with its group is not reported.",
        "_stop_step",
        "slot.exit in ABNORMAL",
        "False",
    ),
)

SIGNIFICANT = (
    Mutant(
        "anyone_is_significant",
        "The end of any child is the end of the supervisor.",
        "_after_last_exit",
        "slot.child.significant and _shuts_down(tree)",
        "_shuts_down(tree)",
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
        "_shuts_down",
        "tree.slots.significant == 0",
        "True",
    ),
    Mutant(
        "any_significant_is_never",
        "auto_shutdown any_significant does nothing.",
        "_shuts_down",
        "tree.flags.auto_shutdown == 'any_significant'",
        "False",
    ),
    Mutant(
        "terminate_closes",
        "To terminate a significant child ends the supervisor.",
        "_after_last_step",
        "return tree, (*commands, AnswerCall(request, result))",
        (
            "commands = (*commands, AnswerCall(request, result))\n"
            'if type(result).__name__ == "Done" and _shuts_down(tree):\n'
            '    return _end_tree(tree, TreeShutDown(""), commands)\n'
            "return tree, commands\n"
        ),
    ),
)

ENDING = (
    Mutant(
        "stops_in_start_order",
        "At the end a database is closed before those that still write to it.",
        "_end_tree",
        "reversed(ids)",
        "ids",
    ),
    Mutant(
        "stops_all_at_once",
        "At the end children are not waited for before those they depend on are stopped.",
        "_end_tree",
        "tree.flags.is_pool",
        "True",
    ),
    Mutant(
        "pool_stops_one_by_one",
        "A pool of a thousand slow children takes a thousand times as long to stop.",
        "_end_tree",
        "tree.flags.is_pool",
        "False",
    ),
    Mutant(
        "every_stop_is_brutal",
        "No child gets the time to say goodbye.",
        "_stop_step",
        "slot.child.shutdown",
        "'brutal'",
    ),
    Mutant(
        "stop_twice_starts_over",
        "A second stop hides why the supervisor ended.",
        "_AT_THE_END",
        (
            "{\n"
            "    **_AFTER_THE_END,\n"
            "    ChildStarted: _on_start_at_the_end,\n"
            "    ChildStartFailed: _on_start_failed_at_the_end,\n"
            "    ChildExited: _on_exit_at_the_end,\n"
            "    KillTree: _on_kill_tree,\n"
            "}"
        ),
        (
            "{\n"
            "    **_AFTER_THE_END,\n"
            "    ChildStarted: _on_start_at_the_end,\n"
            "    ChildStartFailed: _on_start_failed_at_the_end,\n"
            "    ChildExited: _on_exit_at_the_end,\n"
            "    KillTree: _on_kill_tree,\n"
            "    StopTree: _on_stop_tree,\n"
            "}"
        ),
    ),
    Mutant(
        "a_start_hurries_the_end",
        "A child that gets ready while the supervisor stops breaks the order of stops.",
        "_AT_THE_END",
        (
            "{\n"
            "    **_AFTER_THE_END,\n"
            "    ChildStarted: _on_start_at_the_end,\n"
            "    ChildStartFailed: _on_start_failed_at_the_end,\n"
            "    ChildExited: _on_exit_at_the_end,\n"
            "    KillTree: _on_kill_tree,\n"
            "}"
        ),
        (
            "{\n"
            "    **_AFTER_THE_END,\n"
            "    ChildStarted: _on_start,\n"
            "    ChildStartFailed: _on_start_failed_at_the_end,\n"
            "    ChildExited: _on_exit_at_the_end,\n"
            "    KillTree: _on_kill_tree,\n"
            "}"
        ),
    ),
    Mutant(
        "a_failed_start_hurries_the_end",
        "A start that fails while the supervisor stops turns an orderly stop into an error.",
        "_AT_THE_END",
        (
            "{\n"
            "    **_AFTER_THE_END,\n"
            "    ChildStarted: _on_start_at_the_end,\n"
            "    ChildStartFailed: _on_start_failed_at_the_end,\n"
            "    ChildExited: _on_exit_at_the_end,\n"
            "    KillTree: _on_kill_tree,\n"
            "}"
        ),
        (
            "{\n"
            "    **_AFTER_THE_END,\n"
            "    ChildStarted: _on_start_at_the_end,\n"
            "    ChildStartFailed: _on_start_failed,\n"
            "    ChildExited: _on_exit_at_the_end,\n"
            "    KillTree: _on_kill_tree,\n"
            "}"
        ),
    ),
    Mutant(
        "calls_wait_for_the_end",
        "Who asks a supervisor that goes down waits until it has ended, perhaps for ever.",
        "_AFTER_THE_END",
        "dict.fromkeys(CALLS, _on_call_at_the_end)",
        "dict.fromkeys(CALLS, _void)",
    ),
    Mutant(
        "kill_only_asks",
        "A supervisor whose time is over waits all the same.",
        "_on_kill_tree",
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
        '_end_tree(tree.put(slot.now("stopped")), TreeBootFailed(id), (report,))',
        '_step_done(tree.put(slot.now("stopped")), plan, (report,))',
    ),
    Mutant(
        "boot_does_not_wait",
        "Children start before those they depend on are ready.",
        "_start_step",
        "int(waits)",
        "int(waits and slot.incarnation > 0)",
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
        (
            "slot, refusal = _at_rest(tree, event.child)\n"
            "if slot is None or refusal is not None:\n"
            '    return _refuse(tree, event.request, event.child, refusal or "not_found")\n'
        ),
        (
            "slot = tree.slots.get(event.child)\n"
            "if slot is None:\n"
            '    return _refuse(tree, event.request, event.child, "not_found")\n'
        ),
    ),
    Mutant(
        "restart_child_overtakes_the_restart",
        "restart_child starts a child that is being restarted, so that it may live twice.",
        "_at_rest",
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
        "_stop_step",
        "_clear(tree, slot)",
        '_clear(tree, slot) if slot.state != "restarting" else (tree, ())',
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
        'tree.put(slot.now("stopped")).at(None)',
        "tree.without(id).at(None)",
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
        "more, waiting = (), 1",
        "more, waiting = (), 0",
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
        ("if child.backoff is not None:\n    return _back_off(tree, slot, child.backoff, commands)\n"),
        (
            "if child.backoff is not None:\n"
            "    return _back_off(tree.counting(tree.window.add(now)), slot, child.backoff, commands)\n"
            "if tree.window.count and tree.window.exceeded:\n"
            "    return _give_up(tree, slot, tree.window, exit, commands)\n"
        ),
    ),
    Mutant(
        "due_pause_resurrects",
        "A child that was stopped during its pause comes back when the pause is over.",
        "_on_due",
        "slot is None or slot.state != 'backing_off' or (slot.rank, slot.incarnation) != "
        "(event.rank, event.incarnation)",
        "slot is None",
    ),
    Mutant(
        "due_pause_of_a_namesake",
        "A pause that is out of date cuts the next one short.",
        "_on_due",
        "slot is None or slot.state != 'backing_off' or (slot.rank, slot.incarnation) != "
        "(event.rank, event.incarnation)",
        "slot is None or slot.state != 'backing_off'",
    ),
    Mutant(
        "backoff_leaves_the_group_up",
        "Those that depend on a crashed child run on during its pause.",
        "_back_off",
        "[step for step in restart_steps(tree, slot) if isinstance(step, Down)]",
        "[]",
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
        "slot = slot.remembering(lasted=slot.lasted, failures=slot.failures, window=spent)",
        "pass",
    ),
    Mutant(
        "budget_counts_twice",
        "Children within their budgets are together too much for their supervisor.",
        "_restart",
        "child.counts_above",
        "True",
    ),
    Mutant(
        "parked_child_restarted",
        "A child that used up its budget is restarted instead of put aside.",
        "_on_spent_budget",
        "(tree.put(slot.now('parked')), commands)",
        "_bring_back(tree, slot, Restarting(), commands)",
    ),
    Mutant(
        "exhausted_stop_escalates_nothing",
        "A significant child stopped for its budget doesn't end its supervisor.",
        "_on_spent_budget",
        "_after_last_exit(tree, slot, commands)",
        "(_clear(tree, slot)[0], (*commands, *_clear(tree, slot)[1]))",
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
