"""Ways to break what a supervisor decides."""

from __future__ import annotations

from properties.mutants._mutant import Mutant

RESTART_TYPES = (
    Mutant(
        "transient_restarted_after_normal",
        "A task that finished its work is started again, for ever.",
        "_decide.py",
        '"transient": frozenset({"killed", "crash"}),',
        '"transient": frozenset({"normal", "killed", "crash"}),',
    ),
    Mutant(
        "transient_gone_after_kill",
        "A transient child that was killed stays dead.",
        "_decide.py",
        '"transient": frozenset({"killed", "crash"}),',
        '"transient": frozenset({"crash"}),',
    ),
    Mutant(
        "permanent_gone_after_shutdown",
        "A service that ended on purpose is never seen again.",
        "_decide.py",
        '"permanent": frozenset({"normal", "shutdown", "killed", "crash"}),',
        '"permanent": frozenset({"normal", "killed", "crash"}),',
    ),
    Mutant(
        "permanent_gone_after_normal",
        "A service whose function returned is never seen again.",
        "_decide.py",
        '"permanent": frozenset({"normal", "shutdown", "killed", "crash"}),',
        '"permanent": frozenset({"shutdown", "killed", "crash"}),',
    ),
    Mutant(
        "temporary_restarted",
        "A crashed temporary child comes back.",
        "_decide.py",
        '"temporary": frozenset(),',
        '"temporary": frozenset({"crash"}),',
    ),
    Mutant(
        "temporary_kept",
        "Specs of temporary children that have ended pile up.",
        "_decide.py",
        'if slot.child.restart == "temporary" or tree.flags.is_pool:',
        "if tree.flags.is_pool:",
    ),
    Mutant(
        "pool_keeps_ended",
        "A pool fills up with children that have ended.",
        "_decide.py",
        'if slot.child.restart == "temporary" or tree.flags.is_pool:',
        'if slot.child.restart == "temporary":',
    ),
    Mutant(
        "stopped_children_are_forgotten",
        "A child that was terminated can't be restarted: its spec is gone.",
        "_decide.py",
        'return tree.put(slot.now("stopped")), ()\n\n\n# ---- a child ends by itself',
        "return tree.without(slot.child.id), (Forget(slot.child.id),)\n\n\n# ---- a child ends by itself",
    ),
)

STRATEGIES = (
    Mutant(
        "rest_for_one_restarts_everything",
        "Children that the crashed one depends on are restarted too.",
        "_decide.py",
        '"rest_for_one": lambda order, at: order[at:],',
        '"rest_for_one": lambda order, at: order,',
    ),
    Mutant(
        "rest_for_one_restarts_nothing_else",
        "Children that depend on the crashed one go on with its dead life.",
        "_decide.py",
        '"rest_for_one": lambda order, at: order[at:],',
        '"rest_for_one": lambda order, at: order[at : at + 1],',
    ),
    Mutant(
        "one_for_all_spares_the_earlier",
        "Children before the crashed one are not restarted with it.",
        "_decide.py",
        '"one_for_all": lambda order, at: order,',
        '"one_for_all": lambda order, at: order[at:],',
    ),
    Mutant(
        "one_for_one_restarts_the_rest",
        "A crash takes down siblings that have nothing to do with it.",
        "_decide.py",
        'steps = (Up(slot.child.id),) if strategy == "one_for_one" else _group(tree, slot, strategy)',
        'steps = _group(tree, slot, "rest_for_one" if strategy == "one_for_one" else strategy)',
    ),
    Mutant(
        "group_goes_down_in_order",
        "In a group restart those depended upon are stopped before those that depend.",
        "_decide.py",
        "for child in reversed(down) if child.id != slot.child.id]",
        "for child in down if child.id != slot.child.id]",
    ),
    Mutant(
        "group_comes_up_in_reverse",
        "In a group restart children start before those that they depend on.",
        "_decide.py",
        '*(Up(child.id) for child in down if child.restart != "temporary")',
        '*(Up(child.id) for child in reversed(down) if child.restart != "temporary")',
    ),
    Mutant(
        "group_revives_temporary",
        "A group restart starts temporary siblings again.",
        "_decide.py",
        'return (*stops, *(Up(child.id) for child in down if child.restart != "temporary"))',
        'stops = [stop for stop in stops if tree.slots.get(stop.children[0]).child.restart != "temporary"]\n'
        "    return (*stops, *(Up(child.id) for child in down))",
    ),
    Mutant(
        "group_leaves_temporary_running",
        "A group restart does not take temporary siblings down.",
        "_decide.py",
        'GOES_DOWN_WITH[strategy](order, at) if other.state != "parked"]',
        'GOES_DOWN_WITH[strategy](order, at) if other.child.restart != "temporary" or other.child.id == slot.child.id]',
    ),
    Mutant(
        "group_forgets_the_stopped",
        "A sibling that had been terminated doesn't come back with its group.",
        "_decide.py",
        'GOES_DOWN_WITH[strategy](order, at) if other.state != "parked"]',
        "GOES_DOWN_WITH[strategy](order, at) if other.alive or other.child.id == slot.child.id]",
    ),
    Mutant(
        "group_revives_the_parked",
        "A child put aside for its budget comes back whenever a sibling crashes.",
        "_decide.py",
        'GOES_DOWN_WITH[strategy](order, at) if other.state != "parked"]',
        "GOES_DOWN_WITH[strategy](order, at)]",
    ),
)

INTENSITY = (
    Mutant(
        "gives_up_one_early",
        "One restart less is tolerated than promised.",
        "_window.py",
        "return self.count > self.max_restarts",
        "return self.count >= self.max_restarts",
    ),
    Mutant(
        "boundary_restart_dropped",
        "A restart exactly max_seconds ago does not count.",
        "_window.py",
        "if old[first] >= oldest:",
        "if old[first] > oldest:",
    ),
    Mutant(
        "window_emptied_by_luck",
        "Whether an old restart counts depends on how the window came to be.",
        "_window.py",
        "if first < len(old) and old[first] >= now - self.max_seconds:",
        "if first < len(old):",
    ),
    Mutant(
        "used_drops_the_boundary",
        "The view shows one restart less than the supervisor counts.",
        "_window.py",
        "then >= now - self.max_seconds",
        "then > now - self.max_seconds",
    ),
    Mutant(
        "restarts_never_expire",
        "A supervisor gives up over restarts that happened long ago.",
        "_window.py",
        "oldest = now - self.max_seconds\n",
        "oldest = now - 1_000_000\n",
    ),
    Mutant(
        "window_per_child",
        "Every child may be restarted max_restarts times: ten sick children are never given up.",
        "_decide.py",
        "    if slot.window is not None:\n"
        "        spent = slot.window.add(now)\n"
        "        slot = evolve(slot, window=spent)\n"
        "        if spent.exceeded:\n"
        "            return _exhausted(tree, slot, spent, commands)\n"
        "    if slot.child.backoff is not None:\n"
        "        return _back_off(tree, slot, slot.child.backoff, commands)\n"
        "    window = tree.window.add(now)\n",
        "    if slot.child.backoff is not None:\n"
        "        return _back_off(tree, slot, slot.child.backoff, commands)\n"
        "    window = (slot.window or Window(tree.flags.max_restarts, tree.flags.max_seconds)).add(now)\n"
        "    slot = evolve(slot, window=window)\n",
    ),
    Mutant(
        "siblings_count_each",
        "The restart of a group of five uses up five restarts.",
        "_decide.py",
        "    window = tree.window.add(now)\n",
        "    window = tree.window\n"
        '    for _ in "1" if tree.flags.restart_strategy == "one_for_one" else tree.slots:\n'
        "        window = window.add(now)\n",
    ),
    Mutant(
        "failed_restart_not_counted",
        "A child that can't be started again is tried for ever.",
        "_decide.py",
        "    return _restart(tree, slot, now)\n",
        "    return _bring_back(tree, slot, Restarting())\n",
    ),
    Mutant(
        "failed_restart_swallowed",
        "A child whose restart failed once is never tried again, and nobody is told.",
        "_decide.py",
        "(*told, Post(TryAgain(id)))",
        "told",
    ),
    Mutant(
        "failed_restart_not_reported",
        "Nobody learns why a child doesn't come back.",
        "_decide.py",
        "(*told, Post(TryAgain(id)))",
        "(*told[1:], Post(TryAgain(id)))",
    ),
    Mutant(
        "tried_again_in_place",
        "While a restart fails again and again no call is answered.",
        "_decide.py",
        'return tree.put(slot.now("restarting")).at(None), (*told, Post(TryAgain(id)))',
        'return _restart(tree.put(slot.now("restarting")).at(None), slot, now, told)',
    ),
    Mutant(
        "gives_up_and_keeps_the_children",
        "A supervisor that gave up leaves its pool's children running.",
        "_decide.py",
        "steps = (Down(ids),) if together else tuple(Down((id,)) for id in reversed(ids))",
        "steps = () if together and isinstance(outcome, TreeGaveUp) else (Down(ids),) if together"
        " else tuple(Down((id,)) for id in reversed(ids))",
    ),
)

ENDS = (
    Mutant(
        "end_of_an_earlier_life_counts",
        "A late word of a dead life takes down the one that runs.",
        "_decide.py",
        "    if slot is None or slot.incarnation != event.incarnation:\n        return tree, ()\n"
        '    if slot.state == "stopping"',
        '    if slot is None:\n        return tree, ()\n    if slot.state == "stopping"',
    ),
    Mutant(
        "ends_interrupt_what_is_under_way",
        "A crash during a group restart breaks that restart off.",
        "_decide.py",
        "    if tree.plan is not None:\n        return tree.put(slot.now(",
        "    if False:\n        return tree.put(slot.now(",
    ),
    Mutant(
        "posted_end_not_voided",
        "A child that was stopped meanwhile is restarted, because of the end that had to wait.",
        "_decide.py",
        "if slot is None or slot.exit is None or (slot.rank, slot.incarnation) != (event.rank, event.incarnation):\n"
        "        return tree, ()  # meanwhile it was stopped, or even forgotten and added anew\n"
        "    return _ended(tree, slot, slot.exit, now)",
        'if slot is None:\n        return tree, ()\n    return _ended(tree, slot, slot.exit or "crash", now)',
    ),
    Mutant(
        "posted_end_of_a_namesake",
        "A new child is taken for dead because an earlier one of its id was.",
        "_decide.py",
        "slot.exit is None or (slot.rank, slot.incarnation) != (event.rank, event.incarnation)",
        "(slot.exit is None and slot.incarnation != event.incarnation)",
    ),
    Mutant(
        "any_end_moves_the_plan_on",
        "A stop that was begun for a call ends the waiting for another child.",
        "_decide.py",
        "return only == child",
        "return True",
    ),
    Mutant(
        "kills_go_untold",
        "A child that was killed is restarted without a report.",
        "_decide.py",
        'told = exit in ABNORMAL or child.restart == "permanent"',
        'told = exit == "crash" or child.restart == "permanent"',
    ),
    Mutant(
        "returned_service_goes_untold",
        "A permanent child that keeps returning is restarted without a word.",
        "_decide.py",
        'told = exit in ABNORMAL or child.restart == "permanent"',
        "told = exit in ABNORMAL",
    ),
    Mutant(
        "reported_after_the_restart",
        "The report of a crash comes when the next life is already under way.",
        "_decide.py",
        "return tree, (*commands, StartLife(slot.child, up.incarnation))",
        "return tree, (StartLife(slot.child, up.incarnation), *commands)",
    ),
    Mutant(
        "killed_at_its_limit_goes_untold",
        "A child that had to be killed because it wouldn't stop is not reported.",
        "_decide.py",
        'unasked = exit == "crash" or (exit == "killed" and slot.child.shutdown != "brutal")',
        'unasked = exit == "crash"',
    ),
    Mutant(
        "brutal_stop_is_reported",
        "Every child declared brutal looks like a crash at each shutdown.",
        "_decide.py",
        'unasked = exit == "crash" or (exit == "killed" and slot.child.shutdown != "brutal")',
        'unasked = exit in ("crash", "killed")',
    ),
    Mutant(
        "crash_before_the_stop_goes_untold",
        "A child that crashed just before it was stopped with its group is not reported.",
        "_decide.py",
        "        if slot.exit in ABNORMAL:\n",
        "        if False:\n",
    ),
)

SIGNIFICANT = (
    Mutant(
        "anyone_is_significant",
        "The end of any child is the end of the supervisor.",
        "_decide.py",
        "if child.significant and _closes(tree):",
        "if _closes(tree):",
    ),
    Mutant(
        "restarting_counts_as_gone",
        "all_significant ends the supervisor while a significant child is about to come back.",
        "_decide.py",
        'slot.child.significant and slot.state != "stopped"',
        "slot.child.significant and slot.alive",
    ),
    Mutant(
        "all_significant_is_any",
        "The first significant child to end takes the supervisor down, not the last.",
        "_decide.py",
        "return tree.slots.significant == 0",
        "return True",
    ),
    Mutant(
        "any_significant_is_never",
        "auto_shutdown any_significant does nothing.",
        "_decide.py",
        'return tree.flags.auto_shutdown == "any_significant"',
        "return False",
    ),
    Mutant(
        "terminate_closes",
        "To terminate a significant child ends the supervisor.",
        "_decide.py",
        "            return idle, (*commands, AnswerCall(request, result))",
        "            commands = (*commands, AnswerCall(request, result))\n"
        "            if isinstance(result, Done) and _closes(idle):\n"
        '                return _end(idle, TreeShutDown(""), commands)\n'
        "            return idle, commands",
    ),
)

ENDING = (
    Mutant(
        "stops_in_start_order",
        "At the end a database is closed before those that still write to it.",
        "_decide.py",
        "else tuple(Down((id,)) for id in reversed(ids))",
        "else tuple(Down((id,)) for id in ids)",
    ),
    Mutant(
        "stops_all_at_once",
        "At the end children are not waited for before those they depend on are stopped.",
        "_decide.py",
        "together = tree.flags.is_pool",
        "together = True",
    ),
    Mutant(
        "pool_stops_one_by_one",
        "A pool of a thousand slow children takes a thousand times as long to stop.",
        "_decide.py",
        "together = tree.flags.is_pool",
        "together = False",
    ),
    Mutant(
        "every_stop_is_brutal",
        "No child gets the time to say goodbye.",
        "_decide.py",
        "StopLife(id, slot.incarnation, slot.child.shutdown)",
        'StopLife(id, slot.incarnation, "brutal")',
    ),
    Mutant(
        "stop_twice_starts_over",
        "A second stop hides why the supervisor ended.",
        "_decide.py",
        'if tree.phase in ("ending", "ended"):',
        'if tree.phase == "ended":',
    ),
    Mutant(
        "kill_only_asks",
        "A supervisor whose time is over waits all the same.",
        "_decide.py",
        'StopLife(slot.child.id, slot.incarnation, "brutal") for slot in alive',
        "StopLife(slot.child.id, slot.incarnation, slot.child.shutdown) for slot in alive",
    ),
    Mutant(
        "interrupted_call_unanswered",
        "Whoever asked for something when the supervisor stopped waits for ever.",
        "_decide.py",
        "return (AnswerCall(request, Closed()),)",
        "return ()",
    ),
    Mutant(
        "boot_goes_on_past_a_failure",
        "A tree comes up with holes in it.",
        "_decide.py",
        'return _end(tree.put(slot.now("stopped")), TreeBootFailed(id), (report,))',
        'return _advance(_step_done(tree.put(slot.now("stopped"))), (report,))',
    ),
    Mutant(
        "boot_does_not_wait",
        "Children start before those they depend on are ready.",
        "_decide.py",
        'return _waiting(tree.put(up), int(up.state == "starting"))',
        'return _waiting(tree.put(up), int(up.state == "starting" and not isinstance(tree.plan.purpose, Booting)))',
    ),
)

CALLS = (
    Mutant(
        "already_started_and_present_swapped",
        "start_child says that a child runs when it is stopped, and the other way round.",
        "_decide.py",
        '"already_started" if ROW_STATES[slot.state] == "running" else "already_present"',
        '"already_present" if ROW_STATES[slot.state] == "running" else "already_started"',
    ),
    Mutant(
        "restarting_is_already_started",
        "start_child says that a child runs when its restart has failed.",
        "_decide.py",
        '"already_started" if ROW_STATES[slot.state] == "running" else "already_present"',
        '"already_started" if ROW_STATES[slot.state] != "undefined" else "already_present"',
    ),
    Mutant(
        "running_child_deleted",
        "delete_child forgets a child that still runs, and nobody ever stops it.",
        "_decide.py",
        "    slot, refusal = _stopped(tree, event.child)\n"
        "    if slot is None or refusal is not None:\n"
        '        return _refuse(tree, event.request, event.child, refusal or "not_found")\n'
        "    return tree.without(event.child)",
        "    slot = tree.slots.get(event.child)\n"
        "    if slot is None:\n"
        '        return _refuse(tree, event.request, event.child, "not_found")\n'
        "    return tree.without(event.child)",
    ),
    Mutant(
        "restart_child_overtakes_the_restart",
        "restart_child starts a child that is being restarted, so that it may live twice.",
        "_decide.py",
        '        case "undefined":\n            return slot, None',
        '        case "undefined" | "restarting":\n            return slot, None',
    ),
    Mutant(
        "terminate_leaves_the_next_try",
        "A terminated child comes back, because its restart was tried again.",
        "_decide.py",
        "        tree, gone = _down(tree, slot)\n        commands += gone",
        '        tree, gone = _down(tree, slot) if slot.state != "restarting" else (tree, ())\n'
        "        commands += gone",
    ),
    Mutant(
        "terminate_of_an_earlier_life_hits_the_later",
        "Whoever stops a child that it knew stops its successor.",
        "_decide.py",
        "slot is not None and (event.incarnation in",
        "slot is not None and (True or event.incarnation in",
    ),
    Mutant(
        "failed_new_child_kept",
        "A child that never started blocks its id.",
        "_decide.py",
        "case Answering(request, new=True):",
        "case Answering(request, new=None):",
    ),
    Mutant(
        "failed_restart_child_forgotten",
        "restart_child that fails once loses the spec.",
        "_decide.py",
        'return evolve(tree.put(slot.now("stopped")), plan=None), (\n                report,',
        "return evolve(tree.without(id), plan=None), (\n                report,",
    ),
    Mutant(
        "max_children_off_by_one",
        "One child more than max_children is taken.",
        "_decide.py",
        "len(tree.slots) >= tree.flags.max_children",
        "len(tree.slots) > tree.flags.max_children",
    ),
    Mutant(
        "max_children_counts_the_living",
        "While children are being restarted their places are given away.",
        "_decide.py",
        "len(tree.slots) >= tree.flags.max_children",
        "sum(other.alive for other in tree.slots) >= tree.flags.max_children",
    ),
    Mutant(
        "children_listed_oldest_first",
        "which_children has the order turned round.",
        "_decide.py",
        "_row(slot) for slot in reversed(tuple(tree.slots))",
        "_row(slot) for slot in tree.slots",
    ),
    Mutant(
        "dead_children_are_active",
        "count_children counts children whose end was not handled yet.",
        "_decide.py",
        "sum(states.get(state, 0) for state in ALIVE)",
        'len(slots) - restarting - states.get("stopped", 0)',
    ),
    Mutant(
        "suspend_holds_nothing",
        "A suspended supervisor goes on as if nothing had been said.",
        "_decide.py",
        "            case Hold():\n                return tree, tuple(done)",
        "            case Hold():\n                more = ()",
    ),
)

BACKOFF = (
    Mutant(
        "backoff_never_resets",
        "A child that failed once a year waits the longest pause each time.",
        "_decide.py",
        "failures = 0 if slot.lasted >= backoff.reset_after else slot.failures",
        "failures = slot.failures",
    ),
    Mutant(
        "backoff_always_resets",
        "Pauses never grow: a broken child floods as without a backoff.",
        "_decide.py",
        "failures = 0 if slot.lasted >= backoff.reset_after else slot.failures",
        "failures = 0",
    ),
    Mutant(
        "backoff_counts_against_the_supervisor",
        "A child that backs off uses up the restarts of its siblings.",
        "_decide.py",
        "return _back_off(tree, slot, slot.child.backoff, commands)",
        "return _back_off(evolve(tree, window=tree.window.add(now)), slot, slot.child.backoff, commands)\n"
        "    if tree.window.count and tree.window.exceeded:\n"
        "        return _give_up(tree, slot, tree.window, commands)",
    ),
    Mutant(
        "due_pause_resurrects",
        "A child that was stopped during its pause comes back when the pause is over.",
        "_decide.py",
        'if slot is None or slot.state != "backing_off" or (slot.rank, slot.incarnation)'
        " != (event.rank, event.incarnation):",
        "if slot is None:",
    ),
    Mutant(
        "due_pause_of_a_namesake",
        "A pause that is out of date cuts the next one short.",
        "_decide.py",
        'if slot is None or slot.state != "backing_off" or (slot.rank, slot.incarnation)'
        " != (event.rank, event.incarnation):",
        'if slot is None or slot.state != "backing_off":',
    ),
    Mutant(
        "backoff_leaves_the_group_up",
        "Those that depend on a crashed child run on during its pause.",
        "_decide.py",
        "downs = [step for step in _group(tree, slot, strategy) if isinstance(step, Down)]",
        "downs: list[Down] = []",
    ),
    Mutant(
        "backoff_does_not_grow",
        "Each pause is as short as the first.",
        "_backoff.py",
        "return min(self.first * float(self.factor) ** failures, self.cap)",
        "return min(self.first, self.cap)",
    ),
    Mutant(
        "backoff_without_a_cap",
        "A pause may be longer than the cap.",
        "_backoff.py",
        "return min(self.first * float(self.factor) ** failures, self.cap)",
        "return self.first * float(self.factor) ** failures",
    ),
    Mutant(
        "budget_never_used_up",
        "A child may be restarted more often than its budget allows.",
        "_decide.py",
        "        slot = evolve(slot, window=spent)\n",
        "",
    ),
    Mutant(
        "parked_child_restarted",
        "A child that used up its budget is restarted instead of put aside.",
        "_decide.py",
        'return tree.put(slot.now("parked")), commands',
        "return _bring_back(tree, slot, Restarting(), commands)",
    ),
    Mutant(
        "exhausted_stop_escalates_nothing",
        "A significant child stopped for its budget doesn't end its supervisor.",
        "_decide.py",
        "            return _closing(tree, slot.child, (*commands, *gone))",
        "            return tree, (*commands, *gone)",
    ),
)

SLOTS = (
    Mutant(
        "many_children_lose_their_order",
        "With more than a few dozen children the order of starting is lost.",
        "_slots.py",
        'key=attrgetter("rank")',
        "key=lambda slot: slot.child.id",
    ),
    Mutant(
        "next_life_has_the_old_number",
        "Lives can't be told apart.",
        "_slots.py",
        "return Slot(self.child, state, self.incarnation + 1, None,",
        "return Slot(self.child, state, max(self.incarnation, 1), None,",
    ),
)

REDUCER = (
    *RESTART_TYPES,
    *STRATEGIES,
    *INTENSITY,
    *ENDS,
    *SIGNIFICANT,
    *ENDING,
    *CALLS,
    *BACKOFF,
    *SLOTS,
)
