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
        "self.kill()",
        "(setattr(self, 'kill_at', now + 5), self.on_stop() if self.on_stop is not None else self.scope.cancel())",
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
        "messages and not self.tree.busy",
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
        "one_caller_is_answered",
        "Of the calls that still wait when the supervisor ends, only the first is answered.",
        "Requests.close",
        "list(self._open)",
        "list(self._open)[:1]",
    ),
    Mutant(
        "kill_of_what_is_stopping_counts",
        "A child that is killed while it stops is told of as killed.",
        "Supervisor.kill_child",
        "life is not None and not life.done and not life.stopping",
        "life is not None and not life.done",
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

PASSIVE = (
    Mutant(
        "siblings_fail_a_start",
        "A passive child counts as not started if a sibling fails to begin meanwhile.",
        "Shell.failed",
        "life.child is self._awaited and life.incarnation == 1",
        "self._awaited is not None",
    ),
    Mutant(
        "second_failure_wins",
        "A start that failed is answered by what failed after it.",
        "Shell.failed",
        "if life.child is self._awaited and life.incarnation == 1:\n"
        "    self._awaited, self._failure = None, life.error",
        "if self._awaited is not None:\n    self._failure = life.error",
    ),
    Mutant(
        "killed_passive_ends_normally",
        "A passive child that was killed isn't restarted if it is transient.",
        "PassiveLife._exit_without_crash",
        "'killed' if self.killed else 'normal'",
        "'normal'",
    ),
    Mutant(
        "context_variables_leak_into_passive",
        "What one life did to context variables is seen by the next one of a passive child.",
        "PassiveLife.begin",
        "self._owner.context.copy().run(self.child.fn.begin, self)",
        "self.child.fn.begin(self)",
    ),
    Mutant(
        "stopped_passive_begins",
        "A passive child that was stopped before its turn begins all the same.",
        "PassiveLife.begin",
        "self._stage != 'unborn'",
        "False",
    ),
    Mutant(
        "passive_lives_overlap",
        "The next life of a passive child begins while the task of the last one cleans up.",
        "PassiveLife._end_task_or_tell",
        "scope is not None",
        "False",
    ),
    Mutant(
        "brutal_passive_is_asked",
        "A passive child declared brutal is asked to stop.",
        "PassiveLife.stop",
        "self.kill()",
        "self.child.passive.stop(self)",
    ),
    Mutant(
        "passive_may_take_for_ever",
        "A passive child that ignores its stop is never killed.",
        "PassiveLife.look",
        "if not before:\n    self.kill()",
        "pass",
    ),
    Mutant(
        "passive_tasks_are_not_shielded",
        "Cancelling the block cancels the tasks of passive children at once.",
        "PassiveLife.run",
        "trio.CancelScope(shield=True)",
        "trio.CancelScope()",
    ),
    Mutant(
        "passive_has_two_tasks",
        "A passive life that has a task can be given another.",
        "PassiveLife.run",
        "more.scope is not None",
        "False",
    ),
    Mutant(
        "dead_passive_has_tasks",
        "A passive life that is over can be given a task.",
        "PassiveLife.run",
        "self._stage in ('failing', 'ending', 'over')",
        "False",
    ),
    Mutant(
        "passive_ends_with_its_task",
        "A passive life is over when its task returns.",
        "PassiveLife._task_ended",
        "error is not None or self.stopping",
        "True",
    ),
    Mutant(
        "stopping_passive_waits_on",
        "A passive life that was asked to stop goes on when its task has returned.",
        "PassiveLife._task_ended",
        "error is not None or self.stopping",
        "error is not None",
    ),
    Mutant(
        "second_crash_lost",
        "What the task of a crashed life raised while it was cancelled is lost.",
        "_both",
        "BaseExceptionGroup('a life crashed, and its task failed while it was cancelled', [first, second])",
        "first",
    ),
    Mutant(
        "first_crash_lost",
        "The crash that ended a life is lost if its task fails, too.",
        "_both",
        "BaseExceptionGroup('a life crashed, and its task failed while it was cancelled', [first, second])",
        "second",
    ),
    Mutant(
        "late_end_of_passive_counts",
        "A passive life that ended twice stays as it ended last.",
        "PassiveLife._end",
        "case 'unborn' | 'up'",
        "case 'unborn' | 'up' | 'ending'",
    ),
    Mutant(
        "passive_interrupt_is_a_crash",
        "Control-C in a passive child is answered by a restart.",
        "PassiveLife._tell",
        "self._owner.interrupted(interrupt)",
        "None",
    ),
    Mutant(
        "kill_that_raises_is_told_to_nobody",
        "What the kill of a passive child raises disappears.",
        "PassiveLife.kill",
        "self._owner.complain(self, error)",
        "None",
    ),
)

BACKSTOP = (
    Mutant(
        "bug_leaves_lives_running",
        "After a bug of the supervisor its children run on, and the block waits for them.",
        "Shell.broke",
        "life.kill()",
        "None",
    ),
    Mutant(
        "bug_is_swallowed",
        "A bug of the supervisor ends it as if it had been asked to end.",
        "Shell.broke",
        "self.bug = bug",
        "pass",
    ),
    Mutant(
        "stop_that_raises_is_endless",
        "A child whose on_stop raises is waited for.",
        "Shell._stop",
        "life.force()\nself.complain(life, error)",
        "self.complain(life, error)",
    ),
    Mutant(
        "on_gone_that_raises_is_told_to_nobody",
        "What on_gone raises disappears.",
        "Shell._forget",
        "log_problem('on_gone raised', error)",
        "None",
    ),
    Mutant(
        "sink_interrupt_is_swallowed",
        "Control-C in a sink changes nothing.",
        "Shell._send",
        "self.interrupted(interrupt)",
        "None",
    ),
    Mutant(
        "alarms_stop_with_the_block",
        "Cancelling the block ends pauses and limits.",
        "Alarms._run",
        "trio.CancelScope(deadline=self._next(), shield=True)",
        "trio.CancelScope(deadline=self._next())",
    ),
    Mutant(
        "later_alarms_delay_nearer_ones",
        "A pause or a limit that comes later puts off those before it.",
        "Alarms.set",
        "min(self._sleep.deadline, at)",
        "at",
    ),
    Mutant(
        "errors_of_one_end_are_dropped",
        "Of two errors that met at the end only one is raised.",
        "conclude",
        "len(met) > 1",
        "False",
    ),
    Mutant(
        "crash_beside_an_interrupt_is_lost",
        "A crash that came together with Control-C is reported to nobody.",
        "parted",
        "return interrupt, crash",
        "return interrupt, None",
    ),
    Mutant(
        "waits_for_itself",
        "A child that asks for its own stop waits for ever.",
        "Shell.would_wait_for_itself",
        "life is not None and life.is_asked_by_call and self.is_within(id)",
        "False",
    ),
    Mutant(
        "errors_are_kept_alive",
        "The exception of each last life is kept in memory.",
        "Shell._let_go_of_error",
        "life.error = life.detail = None",
        "life.detail = None",
    ),
    Mutant(
        "ended_pause_goes_on",
        "The pause of a child that was started meanwhile goes on.",
        "Shell._start",
        "self._end_pause(child)",
        "None",
    ),
)

SHELL = (*EXITS, *LIVES, *EVENTS, *TASKS, *TELLING, *PASSIVE, *BACKSTOP)
