"""One agent, alive. Imports the leaves, `core` and `supervision`.

A signal meets the files in this order: `_ref` (call, cast), `_messages` and `_mailbox` (what waits), `_mailbox_rules`,
`_cell` (what an agent is over all its lives), `_run_queue` (whose turn it is), `_server` (receive, answer, carry out),
`_interpreter` (what a directive is given), then the file of the effect: `_post`, `_family`, `_timers`, `_tasks` (with
`_job`, `_lanes`, `_attempts`, `_worker_process`; `_run`, `_run_plan` without an agent), `_life`, each with the
interpreters of its directives. Around them `_life_tasks` (the tasks of a life),
`_clock` (timers, deadlines), `_fates` (what became of messages), `_crash` (what an agent was at). A durable agent's
server has layers: `_commit` (what is read and written), `_effects` (what is done then), `_changes` and `_hibernation`,
and `_durable` (its turns); below them `_plan`, `_inbox`, `_archive` and `_book` (what follows, what waits, their
records), `_suspects`, `_history` and `_rehearsal` (their journals), `_upgrading`, `_upgrade` and `_rewind` (another
class, or an earlier point, for those that run), `_rest` and `_wakers` (those that rest). `_waiting` (who waits for a
state), `_directory` (agents by id), `_agents` (what can be done with them), `_partition` (tenants) and `_jido` (the
instance that opens all of it).

Of the server, `_lives` has how a life begins and ends, and of which class the agent is then, `_work` the directives
that are being carried out.

`_batches` sends many messages in one go; `_deadlines` travel with them; `_settling` knows what still follows from one;
`_waits` knows which agents wait for each other, `_works` for whom those wait that work for one;
`_busy` which of them keeps the event loop busy.

`_agent_file` makes a file of an agent, `_forget` removes one. `_threads` keeps threads.
"""

from jido_trio.runtime._agent_file import AgentFile, export_agent, import_agent, read_agent_file
from jido_trio.runtime._agents import Agents
from jido_trio.runtime._crash import AgentCrash
from jido_trio.runtime._family import get_children
from jido_trio.runtime._fates import DeadDirective, DeadLetter, Ledger, log_dead_directive, log_dead_letter
from jido_trio.runtime._forget import forget_agent
from jido_trio.runtime._history import (
    Journal,
    JournalInfo,
    JournalPages,
    JournalReader,
    compact_journal,
    journal_info,
    journal_names,
    list_journals,
    open_journal,
    read_entries,
    read_journal,
)
from jido_trio.runtime._inspect import ActionView, AgentView, JidoView, MailboxView
from jido_trio.runtime._interpreter import Runtime, interpret
from jido_trio.runtime._jido import Jido, Service
from jido_trio.runtime._mailbox_rules import MailboxRules
from jido_trio.runtime._partition import Partition
from jido_trio.runtime._progress import Update, listen_progress
from jido_trio.runtime._ref import AgentRef
from jido_trio.runtime._rehearsal import Rehearsal, Rehearsed, rehearse
from jido_trio.runtime._run import Map, Run, run, start_run
from jido_trio.runtime._run_plan import run_plan
from jido_trio.runtime._sensors import inject
from jido_trio.runtime._settling import Settled
from jido_trio.runtime._shadow import ShadowDifference, log_shadow_difference
from jido_trio.runtime._threads import ThreadStore
from jido_trio.runtime._waiting import Completion, await_all, await_any, await_child, await_completion, wait_state

__all__ = [
    "ActionView",
    "AgentCrash",
    "AgentFile",
    "AgentRef",
    "AgentView",
    "Agents",
    "Completion",
    "DeadDirective",
    "DeadLetter",
    "Jido",
    "JidoView",
    "Journal",
    "JournalInfo",
    "JournalPages",
    "JournalReader",
    "Ledger",
    "MailboxRules",
    "MailboxView",
    "Map",
    "Partition",
    "Rehearsal",
    "Rehearsed",
    "Run",
    "Runtime",
    "Service",
    "Settled",
    "ShadowDifference",
    "ThreadStore",
    "Update",
    "await_all",
    "await_any",
    "await_child",
    "await_completion",
    "compact_journal",
    "export_agent",
    "forget_agent",
    "get_children",
    "import_agent",
    "inject",
    "interpret",
    "journal_info",
    "journal_names",
    "list_journals",
    "listen_progress",
    "log_dead_directive",
    "log_dead_letter",
    "log_shadow_difference",
    "open_journal",
    "read_agent_file",
    "read_entries",
    "read_journal",
    "rehearse",
    "run",
    "run_plan",
    "start_run",
    "wait_state",
]
