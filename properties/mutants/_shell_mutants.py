"""Ways to break what a running supervisor does with its children, their tasks and their errors."""

from __future__ import annotations

from properties.mutants._mutant import Mutant

EXITS = (
    Mutant(
        "giving_up_is_a_crash",
        "A transient supervisor that gave up is restarted.",
        "DELIBERATE",
        "(Shutdown, RestartIntensityExceeded)",
        "(Shutdown,)",
    ),
    Mutant(
        "a_crash_beside_a_shutdown_is_one",
        "A crash that comes in one group with a Shutdown is not noticed.",
        "exit_kind",
        "error.split(DELIBERATE)[1] is None",
        "error.split(DELIBERATE)[0] is not None",
    ),
)

LIVES = (
    Mutant(
        "children_not_shielded",
        "Cancelling the block cancels all children at once, in no order.",
        "ActiveLife.scope",
        "True",
        "False",
    ),
    Mutant(
        "brutal_is_polite",
        "A child declared brutal is asked, and has five seconds.",
        "ActiveLife.stop",
        "if limit == 'brutal':\n"
        "    self.kill()\n"
        "elif self.on_stop is None:\n"
        "    self.cancelled_to_stop = True\n"
        "    self.scope.cancel(f'supervisor stops child {self.child.id!r}')\n"
        "else:\n"
        "    self.scope.deadline = self.kill_at\n"
        "    self.on_stop()",
        "self.kill_at = now + 5\n"
        "if self.on_stop is None:\n"
        "    self.cancelled_to_stop = True\n"
        "    self.scope.cancel()\n"
        "else:\n"
        "    self.scope.deadline = self.kill_at\n"
        "    self.on_stop()",
    ),
    Mutant(
        "traps_are_ignored",
        "A child that traps its stop is cancelled without being asked.",
        "ActiveLife.stop",
        "self.on_stop is None",
        "True",
    ),
    Mutant(
        "trap_has_no_limit",
        "A child that traps its stop may take for ever.",
        "ActiveLife.stop",
        "self.scope.deadline = self.kill_at",
        "pass",
    ),
    Mutant(
        "unasked_cancel_is_a_shutdown",
        "A transient child that somebody cancelled is not restarted.",
        "ActiveLife._exit",
        "'shutdown' if self.cancelled_to_stop and trio.current_time() <= self.kill_at else 'killed'",
        "'shutdown'",
    ),
    Mutant(
        "a_late_stop_is_a_timely_one",
        "A child that overran its limit counts as one that obeyed.",
        "ActiveLife._exit",
        "self.cancelled_to_stop and trio.current_time() <= self.kill_at",
        "self.cancelled_to_stop",
    ),
    Mutant(
        "start_timeout_goes_on",
        "A child that was ready in time is killed when its start_timeout is over.",
        "ActiveLife.started",
        "self.scope.deadline = math.inf",
        "pass",
    ),
)

EVENTS = (
    Mutant(
        "wall_clock",
        "Restarts are counted by the machine's clock instead of the one given.",
        "Pump.run",
        "self._clock",
        "__import__('time').monotonic",
    ),
    Mutant(
        "messages_do_not_wait",
        "Calls break into what the supervisor is at.",
        "Pump.run",
        "messages and self.tree.plan is None",
        "messages",
    ),
    Mutant(
        "posts_jump_the_queue",
        "A restart that fails for ever lets no call through.",
        "Shell._post_later",
        "self.pump.messages.append",
        "self.pump.messages.appendleft",
    ),
    Mutant(
        "interrupt_is_a_crash",
        "Ctrl-C in a child is answered by a restart.",
        "parted",
        "if not isinstance(error, BaseExceptionGroup):\n    return error, None",
        "if not isinstance(error, BaseExceptionGroup):\n    return None, RuntimeError(repr(error))",
    ),
    Mutant(
        "late_return_not_noticed",
        "A child that returns without being ready counts as one that was.",
        "ActiveLife._end",
        "self.ready or self.stopping or not self.child.reports_ready",
        "self.ready or self.stopping or error is None or not self.child.reports_ready",
    ),
)

TASKS = (
    Mutant(
        "context_variables_leak",
        "What one life did to context variables is seen by the next.",
        "Shell.spawn",
        "self.context.run(partial(self.nursery.start_soon, run, name=life.child.id))",
        "self.nursery.start_soon(run, name=life.child.id)",
    ),
    Mutant(
        "first_steps_in_any_order",
        "Children without task_status take their first steps in random order.",
        "Births.bear",
        "self._next is not None",
        "False",
    ),
    Mutant(
        "end_is_not_shielded",
        "Cancelling the block abandons children that are being stopped.",
        "Supervisor._close",
        "True",
        "False",
    ),
    Mutant(
        "nested_supervisor_is_not_killed",
        "A supervisor whose time is over goes on stopping politely.",
        "Block.__aexit__",
        "self.kill_if_cancelled and isinstance(left, trio.Cancelled)",
        "False",
    ),
    Mutant(
        "limit_of_the_whole_ignored",
        "Stopping may take longer than the supervisor's own limit.",
        "Supervisor._close",
        "shell.limit(shell.spec.shutdown)",
        "None",
    ),
    Mutant(
        "block_outlives_the_supervisor",
        "The block waits on when the supervisor has ended.",
        "Shell._let_go",
        "self.block.cancel('the supervisor has ended')",
        "None",
    ),
    Mutant(
        "callers_left_waiting",
        "Calls that still wait when the supervisor ends are never answered.",
        "Requests.close",
        "list(self._open)",
        "list[int]()",
    ),
    Mutant(
        "jitter_ignored",
        "Children that failed together come back together.",
        "Shell._wait",
        "wait.seconds * (1 + wait.jitter * self._random())",
        "wait.seconds",
    ),
)

TELLING = (
    Mutant(
        "cause_lost",
        "RestartIntensityExceeded doesn't say which crash was the last.",
        "Shell._cause_of",
        "self.lives[child].error",
        "None",
    ),
    Mutant(
        "error_of_the_block_swallowed",
        "An exception of the block disappears.",
        "Supervisor._leave",
        "(ours, own, left)",
        "(ours, own, None)",
    ),
    Mutant(
        "interrupt_not_raised_again",
        "A program that was told to exit by one of its children goes on.",
        "conclude",
        "if interrupts:\n"
        "    first = interrupts[0]\n"
        "    rest = [error for error in (*met, *interrupts[1:]) if type(error) is not type(first)]\n"
        "    if rest and isinstance(first.__context__, trio.Cancelled | None):\n"
        "        first.__context__ = rest[0]\n"
        "    return first",
        "pass",
    ),
    Mutant(
        "second_interrupt_makes_a_group",
        "A second Control-C while the children stop becomes a group that `except KeyboardInterrupt` misses.",
        "Supervisor._close",
        "KeyboardInterrupt",
        "ZeroDivisionError",
    ),
    Mutant(
        "unanswered_call_is_an_error_more",
        "A call in flight at the end hides the one error in a group.",
        "Supervisor._leave",
        "isinstance(left, SupervisorStopped) and self._stops.get(id(left)) is left",
        "False",
    ),
    Mutant(
        "gone_children_untold",
        "Whoever asked to be told of children that ended for good never is.",
        "Shell._forget",
        "self.on_gone is not None",
        "False",
    ),
    Mutant(
        "lives_leak",
        "Every child that ever was is kept in memory.",
        "Shell._forget",
        "self.lives.pop(id, None)",
        "self.lives.get(id)",
    ),
    Mutant(
        "auto_shutdown_is_a_crash",
        "A nested supervisor that ended by auto_shutdown is restarted though it is transient.",
        "run_nested",
        "Shutdown",
        "RuntimeError",
    ),
    Mutant(
        "overrun_told_once",
        "A child that hangs in its shutdown is named once, and then never again.",
        "Overruns._look",
        "trio.current_time() + REPEAT",
        "math.inf",
    ),
)

SHELL = (*EXITS, *LIVES, *EVENTS, *TASKS, *TELLING)
