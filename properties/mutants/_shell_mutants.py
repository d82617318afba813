"""Ways to break what a running supervisor does with its children, their tasks and their errors."""

from __future__ import annotations

from properties.mutants._mutant import Mutant

EXITS = (
    Mutant(
        "giving_up_is_a_crash",
        "A transient supervisor that gave up is restarted.",
        "_exit.py",
        "DELIBERATE = (Shutdown, RestartIntensityExceeded)",
        "DELIBERATE = (Shutdown,)",
    ),
    Mutant(
        "a_crash_beside_a_shutdown_is_one",
        "A crash that comes in one group with a Shutdown is not noticed.",
        "_exit.py",
        "error.split(DELIBERATE)[1] is None",
        "error.split(DELIBERATE)[0] is not None",
    ),
)

LIVES = (
    Mutant(
        "children_not_shielded",
        "Cancelling the block cancels all children at once, in no order.",
        "_life.py",
        "trio.CancelScope(shield=True)",
        "trio.CancelScope(shield=False)",
    ),
    Mutant(
        "brutal_is_polite",
        "A child declared brutal is asked, and has five seconds.",
        "_life.py",
        'now if limit == "brutal" else now + limit\n'
        '        if limit == "brutal":\n'
        "            self.kill()\n"
        "        elif self.on_stop is None:",
        'now + 5 if limit == "brutal" else now + limit\n        if self.on_stop is None:',
    ),
    Mutant(
        "traps_are_ignored",
        "A child that traps its stop is cancelled without being asked.",
        "_life.py",
        "        elif self.on_stop is None:\n            self.cancelled_to_stop = True",
        "        elif True:\n            self.cancelled_to_stop = True",
    ),
    Mutant(
        "trap_has_no_limit",
        "A child that traps its stop may take for ever.",
        "_life.py",
        "            self.scope.deadline = self.kill_at\n",
        "",
    ),
    Mutant(
        "unasked_cancel_is_a_shutdown",
        "A transient child that somebody cancelled is not restarted.",
        "_life.py",
        'return "shutdown" if self.cancelled_to_stop and trio.current_time() <= self.kill_at else "killed"',
        'return "shutdown"',
    ),
    Mutant(
        "a_late_stop_is_a_timely_one",
        "A child that overran its limit counts as one that obeyed.",
        "_life.py",
        'return "shutdown" if self.cancelled_to_stop and trio.current_time() <= self.kill_at else "killed"',
        'return "shutdown" if self.cancelled_to_stop else "killed"',
    ),
    Mutant(
        "start_timeout_goes_on",
        "A child that was ready in time is killed when its start_timeout is over.",
        "_life.py",
        "        self.scope.deadline = math.inf\n        self._owner",
        "        self._owner",
    ),
    Mutant(
        "renewed_while_stopping",
        "A child that crashes while it stops counts as gone before it has cleaned up.",
        "_life.py",
        "return not self.stopping and self._owner.life_renewed(self, error)",
        "return self._owner.life_renewed(self, error)",
    ),
)

EVENTS = (
    Mutant(
        "wall_clock",
        "Restarts are counted by the machine's clock instead of the one given.",
        "_supervisor.py",
        "self._now = self._clock()",
        'self._now = __import__("time").monotonic()',
    ),
    Mutant(
        "messages_do_not_wait",
        "Calls break into what the supervisor is at.",
        "_supervisor.py",
        "elif self._messages and not self._tree.busy:",
        "elif self._messages:",
    ),
    Mutant(
        "posts_jump_the_queue",
        "A restart that fails for ever lets no call through.",
        "_supervisor.py",
        "self._messages.append(post.message)",
        "self._messages.appendleft(post.message)",
    ),
    Mutant(
        "interrupt_is_a_crash",
        "Ctrl-C in a child is answered by a restart.",
        "_supervisor.py",
        "        if error is not None and not isinstance(error, Exception):\n            self._interrupted(error)\n"
        "        life.end(error)\n",
        "        if error is not None and not isinstance(error, Exception):\n"
        "            error = RuntimeError(repr(error))\n"
        "        life.end(error)\n",
    ),
    Mutant(
        "renewal_not_counted",
        "A child that restarts in place may crash as often as it likes.",
        "_supervisor.py",
        "        self._fact(_exited(life))\n        life.renewing = False\n",
        "        window = self._tree.window\n"
        "        self._fact(_exited(life))\n        life.renewing = False\n"
        "        self._tree = Tree(self._tree.flags, self._tree.slots, window, self._tree.plan, self._tree.phase)\n",
    ),
    Mutant(
        "late_return_not_noticed",
        "A child that returns without being ready counts as one that was.",
        "_supervisor.py",
        "if life.ready or life.stopping or not life.child.reports_ready:",
        "if life.ready or life.stopping or error is None or not life.child.reports_ready:",
    ),
)

TASKS = (
    Mutant(
        "context_variables_leak",
        "What one life did to context variables is seen by the next.",
        "_supervisor.py",
        "self._context.run(self._start_soon, life)",
        "self._start_soon(life)",
    ),
    Mutant(
        "first_steps_in_any_order",
        "Children without task_status take their first steps in random order.",
        "_supervisor.py",
        "        if self._next_to_run is None:\n            self._spawn(life)",
        "        if True:\n            self._spawn(life)",
    ),
    Mutant(
        "end_is_not_shielded",
        "Cancelling the block abandons children that are being stopped.",
        "_supervisor.py",
        "with trio.CancelScope(shield=True):\n            self._ensure_watch()",
        "with trio.CancelScope(shield=False):\n            self._ensure_watch()",
    ),
    Mutant(
        "nested_supervisor_is_not_killed",
        "A supervisor whose time is over goes on stopping politely.",
        "_supervisor.py",
        "if kill_if_cancelled and isinstance(error, trio.Cancelled):",
        "if False:",
    ),
    Mutant(
        "limit_of_the_whole_ignored",
        "Stopping may take longer than the supervisor's own limit.",
        "_supervisor.py",
        "if self.spec.shutdown is not None:",
        "if False:",
    ),
    Mutant(
        "block_outlives_the_supervisor",
        "The block waits on when the supervisor has ended.",
        "_supervisor.py",
        'self._block.cancel(f"supervisor {self.name!r} has ended")',
        "pass",
    ),
    Mutant(
        "callers_left_waiting",
        "Calls that still wait when the supervisor ends are never answered.",
        "_supervisor.py",
        "for request in list(self._answers):",
        "for request in list[int]():",
    ),
    Mutant(
        "jitter_ignored",
        "Children that failed together come back together.",
        "_supervisor.py",
        "wait.seconds * (1 + wait.jitter * self._random())",
        "wait.seconds",
    ),
)

TELLING = (
    Mutant(
        "cause_lost",
        "RestartIntensityExceeded doesn't say which crash was the last.",
        "_supervisor.py",
        "self._cause = self._told",
        "self._cause = None",
    ),
    Mutant(
        "error_of_the_block_swallowed",
        "An exception of the block disappears.",
        "_supervisor.py",
        "for error in (self._interrupt, own, left) if",
        "for error in (self._interrupt, own) if",
    ),
    Mutant(
        "interrupt_not_raised_again",
        "A program that was told to exit by one of its children goes on.",
        "_supervisor.py",
        "for error in (self._interrupt, own, left) if",
        "for error in (own, left) if",
    ),
    Mutant(
        "second_interrupt_makes_a_group",
        "A second Control-C while the children stop becomes a group that `except KeyboardInterrupt` misses.",
        "_supervisor.py",
        "except KeyboardInterrupt as again:",
        "except ZeroDivisionError as again:",
    ),
    Mutant(
        "unanswered_call_is_an_error_more",
        "A call in flight at the end hides the one error in a group.",
        "_supervisor.py",
        "if unanswered or (",
        "if (",
    ),
    Mutant(
        "gone_children_untold",
        "Whoever asked to be told of children that ended for good never is.",
        "_supervisor.py",
        "if life is not None and self._on_gone is not None:",
        "if False:",
    ),
    Mutant(
        "lives_leak",
        "Every child that ever was is kept in memory.",
        "_supervisor.py",
        "life = self._lives.pop(id, None)",
        "life = self._lives.get(id)",
    ),
    Mutant(
        "auto_shutdown_is_a_crash",
        "A nested supervisor that ended by auto_shutdown is restarted though it is transient.",
        "_open.py",
        'raise Shutdown("auto_shutdown")',
        'raise RuntimeError("auto_shutdown")',
    ),
    Mutant(
        "overrun_told_once",
        "A child that hangs in its shutdown is named once, and then never again.",
        "_overrun.py",
        "self._lives[life] = now + REPEAT",
        "self._lives[life] = math.inf",
    ),
)

SHELL = (*EXITS, *LIVES, *EVENTS, *TASKS, *TELLING)
