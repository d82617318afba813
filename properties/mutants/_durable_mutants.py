"""Faults of durable agents: of the commit, the inbox and the plan. The tests of durability must find them."""

from __future__ import annotations

from properties.mutants._mutant import Mutant

JUDGES = (
    "tests/runtime/test_durable_directives.py",
    "tests/runtime/test_durable.py",
    "tests/runtime/test_hibernation.py",
    "properties/test_durable.py",
)
"""Who is asked about them."""


def _fault(name: str, does: str, within: str, old: str, new: str) -> Mutant:
    return Mutant(f"durable_{name}", does, within, old, new, part="runtime", judges=JUDGES)


COMMIT = (
    _fault(
        "message_stays_on_disk",
        "A message that was handled is in the inbox at the next start.",
        "DurableServer._received",
        "page.done(record)\ntaken.append(Taken(message, signal, agent))",
        "taken.append(Taken(message, signal, agent))",
    ),
    _fault(
        "directives_alone_stay_on_disk",
        "A message that led to directives is handled again at the next start.",
        "DurableServer._by_itself",
        "plan = await planned(self, page, signal, alone.directives)\npage.done(record_of(message))",
        "plan = await planned(self, page, signal, alone.directives)",
    ),
    _fault(
        "fatal_message_stays_on_disk",
        "The message that crashed an agent comes again at the next start.",
        "DurableServer._by_itself",
        "page.done(record_of(message))\ntold = self._crashed(crash, alone.before, signal)",
        "told = self._crashed(crash, alone.before, signal)",
    ),
    _fault(
        "handled_twice_if_sent_twice",
        "A signal that is sent again is handled again.",
        "DurableServer._received",
        "is_once(message) and page.knows(signal.id)",
        "False",
    ),
    _fault(
        "answers_before_the_state",
        "A committed state isn't the agent's.",
        "CommittingServer._commit",
        "self.initial = self.agent = page.agent",
        "self.initial = page.agent",
    ),
    _fault(
        "crash_begins_before_what_was_committed",
        "A crash loses what was committed since the start.",
        "CommittingServer._commit",
        "self.initial = self.agent = page.agent",
        "self.agent = page.agent",
    ),
    _fault(
        "failed_commit_loses_messages",
        "Messages whose commit failed are lost.",
        "CommittingServer._uncommitted",
        "self.mailbox.return_all(back)",
        "None",
    ),
    _fault(
        "failed_commit_keeps_the_book",
        "After a commit of which nobody knows whether it was done, nobody looks.",
        "CommittingServer._uncommitted",
        "self._book = None",
        "pass",
    ),
    _fault(
        "effects_are_never_noted",
        "An effect that was done is unknown at the next start.",
        "ActingServer._noted",
        "await self._note(step.record)",
        "None",
    ),
    _fault(
        "keys_of_effects_are_lost",
        "An interpreter is not told the key of its effect.",
        "ActingServer._do",
        "runtime = evolve(runtime, key=_known_by(step.record, runtime.signal))",
        "pass",
    ),
    _fault(
        "keys_of_effects_come_again",
        "The key of an effect is that of another one, of the agent that was there before.",
        "_known_by",
        "f'{signal.source} {signal.id}'",
        "''",
    ),
    _fault(
        "loser_goes_on",
        "An agent that was started elsewhere goes on here.",
        "CommittingServer._give_way",
        "stop_soon(self, lost)",
        "None",
    ),
    _fault(
        "cast_returns_before_the_disk",
        "A cast returns though the signal isn't on disk.",
        "CommittingServer.accept",
        "await inbox.archive.write([inbox.archive.waiting(record, signal, once=True)])",
        "None",
    ),
)

INBOX = (
    _fault(
        "records_come_in_twice",
        "A message that is here comes in a second time when the disk is read again.",
        "Inbox.arrive",
        "not self._cell.closed and message.record not in self._here",
        "not self._cell.closed",
    ),
    _fault(
        "room_is_never_given_back",
        "Whoever casts waits for ever once so many were cast.",
        "Inbox.forget",
        "self.room.release()",
        "None",
    ),
    _fault(
        "inbox_on_disk_is_not_read",
        "What was in the inbox at a death is not handled.",
        "Inbox.take_over",
        "self.arrive(Kept(waiting.signal, record, waiting.once))",
        "None",
    ),
    _fault(
        "timers_on_disk_are_not_armed",
        "Schedules are lost at a death.",
        "Inbox.take_over",
        "self.arm(record, due)",
        "None",
    ),
    _fault(
        "cancelled_timers_fire",
        "A schedule that was cancelled comes all the same.",
        "Inbox.disarm",
        "timer.cancel()",
        "None",
    ),
)

PLAN = (
    _fault(
        "signals_are_not_part_of_the_commit",
        "A signal to another durable agent is lost if the process dies after the commit.",
        "_emitted",
        "page.send(archive, record, directive.signal)",
        "None",
    ),
    _fault(
        "schedules_have_one_name",
        "Of two schedules without a key the second takes the place of the first.",
        "planned",
        "f'{page.number}.{index}'",
        "f'{page.number}'",
    ),
    _fault(
        "directives_behind_a_stop_are_planned",
        "Directives behind a stop are carried out.",
        "planned",
        "isinstance(directive, Stop)",
        "False",
    ),
)

DURABLE = (*COMMIT, *INBOX, *PLAN)
