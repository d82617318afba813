"""Faults of the runtime that break a law, each of which the laws alone must find: no other test is asked.

What judges them are programs, scripts and crashes at random, and what must hold whatever happens.
"""

from __future__ import annotations

from properties.mutants._mutant import Mutant

JUDGES = (
    "properties/test_programs.py",
    "properties/test_ledger.py",
    "properties/test_runtime.py",
)
"""Who is asked about them."""


def _law(name: str, does: str, within: str, old: str, new: str) -> Mutant:
    return Mutant(f"law_{name}", does, within, old, new, part="runtime", judges=JUDGES)


LOST = (
    _law(
        "restart_loses_the_mailbox",
        "What waits for an agent is lost when it crashes.",
        "LivingServer.begin",
        "self._tasks = None",
        "self._tasks = None\nif life.incarnation > 1:\n    self.mailbox.queue = None",
    ),
    _law(
        "restart_loses_the_first",
        "The first message that waits is lost when an agent crashes.",
        "LivingServer.begin",
        "self._tasks = None",
        "self._tasks = None\nif life.incarnation > 1:\n    self.mailbox.take()",
    ),
    _law(
        "turn_loses_its_last",
        "An agent whose turn is over loses a message.",
        "Server.serve",
        "done += 1",
        "done += 1\nif done == 3:\n    take()",
    ),
    _law(
        "full_mailbox_takes_more",
        "A full mailbox takes what is sent all the same.",
        "Cell.offer",
        "mailbox.taken >= mailbox.capacity",
        "False",
    ),
    _law(
        "parked_call_forgotten",
        "A caller that waits for room is forgotten.",
        "Mailbox.park_call",
        "self._parked[call] = None",
        "pass",
    ),
    _law(
        "admits_one_too_few",
        "Who waits for room gets it only when there is more than enough.",
        "Mailbox._admit",
        "self.taken < self.capacity",
        "self.taken < self.capacity - 1",
    ),
    _law(
        "place_not_given_on",
        "A place that gets free goes to nobody who waits for it.",
        "Mailbox.take",
        "if self._parked is not None:\n    self._admit()",
        "pass",
    ),
    _law(
        "withdrawn_place_not_given_on",
        "The place of a call that nobody waits for any more goes to nobody.",
        "Mailbox.withdraw",
        "self._admit()",
        "None",
    ),
    _law(
        "queued_agent_forgotten",
        "An idle agent that is sent something never has its turn.",
        "Cell.offer",
        "self.instance.run_queue.add(self)",
        "None",
    ),
    _law(
        "own_signal_wakes_nobody",
        "An agent that hears of a timer while it is idle never has its turn.",
        "Cell.wake",
        "self.instance.run_queue.add(self)",
        "None",
    ),
    _law(
        "rests_with_work_to_do",
        "An agent whose turn is over is idle, though more waits.",
        "LivingServer._rest",
        "self.mailbox.queue is None and self.mailbox.urgent is None and self._pending is None",
        "self.mailbox.urgent is None and self._pending is None",
    ),
    _law(
        "outcome_lost_between_turns",
        "An agent whose turn is over is idle, though an outcome waits.",
        "LivingServer._rest",
        "self.mailbox.queue is None and self.mailbox.urgent is None and self._pending is None",
        "self.mailbox.queue is None and self._pending is None",
    ),
    _law(
        "end_loses_casts",
        "What waits for an agent that stops is lost without a word.",
        "Cell.close",
        "self._give_up(list(self.mailbox.close(self.refusal)), self.closed)",
        "self.mailbox.close(self.refusal)",
    ),
    _law(
        "end_forgets_parked_senders",
        "Who waits for room of an agent that stops waits for ever.",
        "Mailbox.close",
        "sender.settle(refusal())",
        "None",
    ),
    _law(
        "emit_waits_for_nobody",
        "An emit that waits for room waits for ever at a mailbox that has got some.",
        "Post._when_there_is_room",
        "not cell.offer(signal)",
        "True",
    ),
    _law(
        "timers_die_with_a_life",
        "The schedules of an agent are lost when it crashes.",
        "Cell.again",
        "belonging.again()",
        "belonging.gone('crash')",
    ),
    _law(
        "sender_waits_after_interpreter",
        "An agent whose directives took time never goes on.",
        "Server._go_on",
        "self._rest()",
        "None",
    ),
)

DOUBLED = (
    _law(
        "message_stays_in_the_mailbox",
        "A message that was handled is handled again.",
        "Mailbox.take",
        "message = queue.popleft()",
        "message = queue.popleft() if len(queue) != 2 else queue[0]",
    ),
    _law(
        "fatal_message_comes_again_unasked",
        "The message that crashed an agent is handled by the next life.",
        "Server._comes_again",
        "mailbox.put_back(message, times)\nreturn True",
        "mailbox.put_back(message, times)\nreturn False",
    ),
    _law(
        "emit_twice",
        "What an agent emits arrives twice.",
        "Post._deliver",
        "not cell.offer(signal)",
        "not (cell.offer(signal) and cell.offer(signal))",
    ),
    _law(
        "withdrawn_call_is_handled",
        "A call that nobody waits for any more is handled all the same.",
        "Mailbox.take",
        "if message.settled:\n    self._gaps -= 1\n    continue",
        "pass",
    ),
    _law(
        "late_call_counts_whatever_it_was",
        "A call that is late is counted, also if it was never accepted.",
        "Call.expire",
        "self.mailbox.withdraw(self)",
        "(self.mailbox.withdraw(self) or True)",
    ),
    _law(
        "dead_letter_is_kept_when_sent_again",
        "A dead letter that is sent again stays one.",
        "DeadLetters.take",
        "self.kept.remove(kept)",
        "None",
    ),
    _law(
        "kill_ends_the_next_life",
        "A kill that comes after a crash ends the next life, too.",
        "Server._handle",
        "incarnation == self.incarnation and self.instance.supervisor is not None",
        "self.instance.supervisor is not None",
    ),
    _law(
        "outcome_for_another_life",
        "A life is given the outcome of what a former one asked for.",
        "Server._handle",
        "message.incarnation != self.incarnation",
        "False",
    ),
)

STALE = (
    _law(
        "cancelled_schedule_is_heard",
        "A schedule that was cancelled comes all the same.",
        "Schedules.cancel",
        "timer.cancel()",
        "None",
    ),
    _law(
        "due_schedule_is_heard",
        "A schedule that was cancelled when it was due, and waited, is heard.",
        "Schedules.cancel",
        "self._cell.mailbox.take_back(message)",
        "None",
    ),
    _law(
        "replaced_schedule_is_heard",
        "A schedule in whose place another came is heard.",
        "Schedules.add",
        "self.cancel(key)",
        "None",
    ),
    _law(
        "schedules_outlive_a_stop",
        "The schedules of an agent that was stopped go on.",
        "Schedules.gone",
        "timer.cancel()",
        "None",
    ),
    _law(
        "state_outlives_a_crash",
        "A fresh life begins with the state of the one before.",
        "beginning",
        "cell.initial",
        "cell.agent",
    ),
    _law(
        "committed_state_is_lost",
        "An agent that keeps its state loses it in a crash.",
        "Committed.base",
        "return self.cell.agent",
        "return self.cell.initial",
    ),
    _law(
        "answer_is_of_before",
        "A caller is given the agent as it was before its message.",
        "Server.answer",
        "return agent",
        "return before",
    ),
    _law(
        "queued_answer_is_of_before",
        "A caller that had to wait is given the agent as it was before its message.",
        "Server._receive",
        "self._told(directives) if call.check and directives else self.agent",
        "before",
    ),
)

FATES = (
    _law(
        "accepted_uncounted",
        "What is put into a mailbox is not accepted.",
        "Mailbox.put_in_place",
        "self.counts.accepted += 1",
        "pass",
    ),
    _law(
        "own_uncounted",
        "What an agent sends itself is not accepted.",
        "Mailbox.put",
        "self.counts.accepted += 1",
        "pass",
    ),
    _law(
        "crash_counts_twice",
        "A message that crashed its agent is handled, and a dead letter.",
        "Server._not_handled",
        "counts.handled -= 1",
        "counts.accepted += 1",
    ),
    _law(
        "failed_counts_twice",
        "A call that failed is counted twice.",
        "Server._not_handled",
        "counts.failed += 1",
        "counts.failed += 2\ncounts.accepted += 1",
    ),
    _law(
        "letter_uncounted",
        "A dead letter is in no count.",
        "Instance.dead_letter",
        "self.counts.dead_lettered += 1",
        "self.counts.dropped += 1",
    ),
    _law(
        "letter_untold",
        "A dead letter is counted, and nobody is told.",
        "DeadLetters.add",
        "deliver(letter, self._box)",
        "None",
    ),
    _law(
        "withdrawn_as_expired",
        "A call whose caller was cancelled counts as one that was late.",
        "Call.withdraw",
        "self.mailbox.counts.withdrawn += 1",
        "self.mailbox.counts.expired += 1",
    ),
    _law(
        "parked_call_expires",
        "A call that never had room is counted when it is given up.",
        "Mailbox.withdraw",
        "where not in ('queued', 'back')",
        "where == 'out'",
    ),
    _law(
        "gap_waits",
        "A call that nobody waits for any more is counted as waiting.",
        "Mailbox.withdraw",
        "self._gaps += 1",
        "pass",
    ),
    _law(
        "withdrawn_keeps_its_place",
        "A call that nobody waits for any more keeps its place.",
        "Mailbox.withdraw",
        "self.taken -= 1",
        "pass",
    ),
    _law(
        "unsent_untold",
        "Directives behind one that crashed are forgotten without a word.",
        "Server._carry_out",
        "self._lose(signal, directives[number:], CRASHED)",
        "None",
    ),
    _law(
        "cut_short_untold",
        "Directives of a life that is killed while they take time are forgotten without a word.",
        "Server._carry_on",
        "self._lose(work.runtime.signal, work.left, CUT_OFF, begun=True)",
        "None",
    ),
    _law(
        "refusal_is_an_answer",
        "The caller of a message at which the agent crashed gets an answer.",
        "Server._receive",
        "told = self._crashed(crash, before, signal)",
        "told = before",
    ),
    _law(
        "emit_to_a_full_mailbox_forgotten",
        "What an agent emits to a full mailbox is accepted, and forgotten.",
        "Post._deliver",
        "self._instance.undeliverable(cell.id, signal, cell.closed or 'its mailbox is full')",
        "setattr(self._instance.counts, 'accepted', self._instance.counts.accepted + 1)",
    ),
)

ORDER = (
    _law(
        "newest_first",
        "What comes last is handled first.",
        "Mailbox.put_in_place",
        "self.queue.append(message)",
        "self.queue.appendleft(message)",
    ),
    _law(
        "parked_newest_first",
        "Of those who wait for room the last one gets it first.",
        "Mailbox._admit",
        "self._parked.popitem(last=False)",
        "self._parked.popitem(last=True)",
    ),
    _law(
        "own_first",
        "What an agent sends itself comes before what it sent itself earlier.",
        "Mailbox.put",
        "self.queue.append(message)",
        "self.queue.appendleft(message)",
    ),
    _law(
        "next_message_overtakes_directives",
        "An agent handles the next message while the directives of the one before take their time.",
        "Server._wait",
        "self.state = 'waiting'",
        "self.state = 'idle'",
    ),
)

NEIGHBOURS = (
    _law(
        "crash_reported_twice",
        "A crash is reported twice.",
        "LivingServer._crash",
        "life.crashed(error, detail)",
        "(life.crashed(error, detail), self.instance.supervisor.kill_child(self.id))",
    ),
    _law(
        "child_reported_twice",
        "A parent hears twice that its child has ended.",
        "Link.gone",
        "_tell(self.parent, 'child.exit', tag=self.tag, id=self.child.id, reason=reason)",
        "[_tell(self.parent, 'child.exit', tag=self.tag, id=self.child.id, reason=reason) for _ in 'ab']",
    ),
    _law(
        "letters_of_another_partition",
        "The dead letters of a partition go to its instance.",
        "Instance.apart",
        "letters",
        "self.dead_letters",
    ),
    _law(
        "interrupted_told_twice",
        "The next life is told twice of what was under way.",
        "UnderWay.again",
        "self._cell.mailbox.put_early(News(signal), number)",
        "[self._cell.mailbox.put_early(News(signal), number) for _ in 'ab']",
    ),
)

NEWER = (
    _law(
        "lane_runs_all_at_once",
        "Async actions of one lane run side by side.",
        "Lanes.add",
        "behind is None",
        "True",
    ),
    _law(
        "lane_goes_backwards",
        "Of those that wait in a lane the last comes first.",
        "Lanes._run",
        "behind.popleft()",
        "behind.pop()",
    ),
    _law(
        "late_is_handled",
        "A message whose time is over is handled.",
        "Server._handle",
        "trio.current_time() >= deadline",
        "False",
    ),
    _law(
        "many_calls_lose_one",
        "Of many calls at once each third is never sent.",
        "_sent",
        "cell.mailbox.offer_call(call)",
        "number % 3 and cell.mailbox.offer_call(call)",
    ),
    _law(
        "many_calls_share_an_answer",
        "Of many calls at once each is told what the last came to.",
        "call_all",
        "[each.told() if isinstance(each, Call) else each for each in told]",
        "[(each.told() if isinstance(each, Call) else each) for each in told[-1:] * len(told)]",
    ),
    _law(
        "another_class_loses_the_state",
        "An agent that becomes one of another class begins anew.",
        "LivingServer.is_now",
        "self.agent, self.initial = agent, initial",
        "self.agent, self.initial = initial, initial",
    ),
    _law(
        "progress_goes_on_after_the_end",
        "The last word of an action comes after its outcome.",
        "Mailbox.put",
        "message.__class__ in URGENT",
        "message.__class__ in URGENT and message.__class__ is not Progress",
    ),
)
"""Of lanes, deadlines, batches, other classes and progress."""

SETTLED = (
    _law(
        "settled_before_an_outcome",
        "Who waits until all is settled doesn't wait for the outcome of an async action.",
        "Settling.done",
        "not self._has_outcome(signal.id)",
        "True",
    ),
    _law(
        "settled_loses_outcomes",
        "Who waits until all is settled is told of no outcomes.",
        "Settling.ended",
        "waiter.outcomes.append(outcome)",
        "None",
    ),
    _law(
        "settled_before_an_action",
        "Who waits until all is settled doesn't wait for async actions that are under way.",
        "Settling.done",
        "not waiter.under_way",
        "True",
    ),
    _law(
        "many_casts_lose_some",
        "Of many casts those that have to wait are never sent.",
        "cast_all",
        "await cell.accept(signal)",
        "await trio.lowlevel.checkpoint()",
    ),
)
"""Of what follows from a message, and of many casts."""

DURABLE = (
    _law(
        "durable_message_comes_again",
        "A message that a durable agent has handled is in its inbox at the next start.",
        "DurableServer._received",
        "page.done(record)\ntaken.append(Taken(message, signal, agent))",
        "taken.append(Taken(message, signal, agent))",
    ),
    _law(
        "durable_crash_loses_the_state",
        "A crash of a durable agent loses what was committed since the start.",
        "CommittingServer._commit",
        "self.initial = self.agent = page.agent",
        "self.agent = page.agent",
    ),
    _law(
        "durable_cast_is_not_kept",
        "A cast to a durable agent returns though the signal isn't on record.",
        "CommittingServer.accept",
        "await inbox.archive.write([inbox.archive.waiting(record, signal, once=True)])",
        "None",
    ),
)
"""Of durable agents, as random programs see them."""

LAWS = (*LOST, *DOUBLED, *STALE, *FATES, *ORDER, *NEIGHBOURS, *NEWER, *SETTLED, *DURABLE)
