"""Agents: what can be done with the agents of an instance, or of a partition of it."""

from __future__ import annotations

from os import PathLike
from typing import Any, TypeVar

import trio

from jido_trio.core import Agent, Migration
from jido_trio.runtime._agent_file import AgentFile, export_agent, import_agent
from jido_trio.runtime._cell import Instance
from jido_trio.runtime._directory import Directory
from jido_trio.runtime._fates import DeadLetter, Ledger
from jido_trio.runtime._inspect import JidoView, view_of_instance
from jido_trio.runtime._mailbox_rules import MailboxRules
from jido_trio.runtime._ref import AgentRef, id_of
from jido_trio.runtime._specs import AGENT_BUDGET
from jido_trio.runtime._upgrade import Upgrades
from jido_trio.supervision import Backoff, Budget
from jido_trio.terms import AfterCrash, Restart, ShutdownLimit

AgentT = TypeVar("AgentT", bound=Agent[Any])


class Agents:
    """Agents that are started, stopped, killed and found by id: those of a `Jido`, or of a `Partition` of it."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._directory = Directory(instance)

    async def start_agent(
        self,
        agent: type[AgentT] | AgentT,
        *,
        id: str | None = None,
        state: object = None,
        restart: Restart = "permanent",
        shutdown: ShutdownLimit = 5,
        mailbox_size: int | None = None,
        mailbox: MailboxRules | None = None,
        backoff: Backoff | None = None,
        budget: Budget | None = AGENT_BUDGET,
        after_crash: AfterCrash | None = None,
        max_handle_time: float | None = None,
        default_dispatch: object = None,
    ) -> AgentRef[AgentT]:
        """Start an agent under supervision and return its ref once it is up.

        Args:
            agent: Its class; or an agent, with which each of its lives then begins.
            id: Unique among the agents that live; a fresh one if not given.
            state: A state, or what is different from the defaults, for a class.
            restart: "permanent" is restarted after each crash, "transient" too, "temporary" never.
            shutdown: Seconds to finish what it is at when it is stopped; "brutal" for none, None for no limit.
            mailbox_size: How many messages may wait.
            mailbox: What happens to messages when the mailbox is full, and at a restart; without rules, senders wait
                for room, and what waits is kept.
            backoff: Pauses before its restarts; None restarts at once.
            budget: Restarts that it may have by itself, and what follows when it has more: it is parked after 100 in 5
                seconds, unless told otherwise. These don't count against the instance's `max_restarts`. None sets no
                limit but the instance's.
            after_crash: What its next life begins with: "fresh", with the initial state; "committed", with the state
                before the signal that it crashed at. None is what its class says, "fresh" if that says nothing.
            max_handle_time: Seconds that the directives of one signal may take; an interpreter that takes longer is a
                crash. None is what its class says, no limit if that says nothing.
            default_dispatch: Where signals go that it emits without a target: `ToAgent(id)`, `ToParent()`, a list of
                these. None is what its class says, the agent itself if that says nothing.

        Raises:
            DuplicateAgent: An agent with that id lives.
            InvalidDefinition: The state doesn't fit, or an option is wrong.
            StartFailed: Its strategy raised when the first life was to begin. The cause is what it raised.
            SupervisorStopped: The instance isn't running.
        """
        handling = mailbox_size, mailbox, after_crash, max_handle_time, default_dispatch
        return await self._directory.start(agent, id, state, handling, (restart, shutdown, backoff, budget))

    async def stop_agent(self, agent: AgentRef[Any] | str, reason: object = "normal") -> None:
        """Stop an agent, given by ref or id, and return when it has ended. Stopped agents are never restarted.

        It finishes the signal it is at; those that still wait are answered with `AgentStopped` or are dead letters.

        Raises:
            AgentNotFound: No such agent lives.
            SupervisorStopped: The instance itself stops; the agent ends with it.
            WouldDeadlock: It waits for the interpreter that calls this, or its end for the async action that does.
        """
        await self._directory.stop(agent, reason)

    async def hibernate(self, agent: AgentRef[Any] | str) -> None:
        """Stop a durable agent, given by ref or id, with its state on disk, and return when it has ended.

        It handles what waits for it, and waits for its actions with effects. Then it ends, and `thaw` or `start_agent`
        go on without folding its inputs. It is the same as with `stop_agent` if the agent is parked, or pauses before
        its restart.

        Raises:
            AgentNotFound: No such agent lives.
            InvalidDefinition: The agent isn't durable.
            OwnershipLost: It was started elsewhere.
            StorageError: Its state couldn't be written; it runs on.
            SupervisorStopped: The instance isn't running.
            Unstorable: Part of its state can't be kept; it runs on.
            WouldDeadlock: It waits for the interpreter or the async action that calls this.

        Source: `Jido.hibernate`. Differs: it takes the agent itself, and what is stored is never behind the agent.
        """
        await self._directory.hibernate(agent)

    async def thaw(
        self,
        agent: type[AgentT],
        id: str,
        *,
        restart: Restart = "permanent",
        shutdown: ShutdownLimit = 5,
        mailbox_size: int | None = None,
        backoff: Backoff | None = None,
        budget: Budget | None = AGENT_BUDGET,
        max_handle_time: float | None = None,
    ) -> AgentRef[AgentT]:
        """Start a durable agent that was started before, where it was. The options are those of `start_agent`.

        `start_agent` does the same, and starts one fresh of which nothing is on disk.

        Args:
            agent: Its class.
            id: The one that it was started with.
            restart: See `start_agent`.
            shutdown: See `start_agent`.
            mailbox_size: See `start_agent`.
            backoff: See `start_agent`.
            budget: See `start_agent`.
            max_handle_time: See `start_agent`.

        Raises:
            AgentNotFound: It was never started.
            DuplicateAgent: It lives.
            InvalidDefinition: The class isn't durable, the instance has no storage, or an option is wrong.
            RecordRefused: A record of it can't be used. Nothing was changed.
            ReplayDiverged: The code comes to another state than is recorded. Nothing was changed.
            StorageError: See `Storage`.
            SupervisorStopped: The instance isn't running.

        Source: `Jido.thaw`.
        """
        handling = mailbox_size, None, None, max_handle_time, None
        return await self._directory.thaw(agent, id, handling, (restart, shutdown, backoff, budget))

    async def export_agent(self, agent: AgentRef[Any] | str, path: str | PathLike[str]) -> AgentFile:
        """Write a durable agent, given by ref or id, into a new file, whether it runs or not; see `export_agent`.

        Raises:
            AgentNotFound: Nothing of it is on disk.
            Conflict: It changes all the time; hibernate it first.
            FileExistsError: There is such a file. Any other `OSError`: it can't be written.
            InvalidDefinition: The instance has no storage.
            StorageError: See `Storage.scan`.
            SupervisorStopped: The instance isn't running.
        """
        return await export_agent(self._directory.storage(), self._instance.name, id_of(agent), path)

    async def import_agent(
        self, agent: type[Agent[Any]], path: str | PathLike[str], *, id: str | None = None
    ) -> AgentFile:
        """Put the agent of a file into the storage of the instance; `thaw` or `start_agent` starts it.

        Args:
            agent: Its class, by which everything is read, and its last inputs are folded, before anything is written.
            path: A file that `export_agent` wrote.
            id: The id that it gets; that of the file if not given.

        Raises:
            AgentFileRefused: The file is damaged, or isn't for this class or version.
            AgentKept: There is an agent of that id.
            InvalidDefinition: The instance has no storage, or the class isn't durable.
            OSError: The file can't be read.
            StorageError: See `Storage.commit`.
            SupervisorStopped: The instance isn't running.

        Nothing was changed then.
        """
        storage = self._directory.storage(agent)
        return await import_agent(storage, self._instance.name, path, id=id, agent=agent)

    async def forget(self, agent: AgentRef[Any] | str) -> None:
        """Remove all that is on disk of a durable agent that doesn't run, for good: its next start is fresh.

        Its state, journal, inbox, timers and jobs are gone in one commit; threads that it has saved stay.

        Raises:
            AgentLives: It runs: here, or in another process of this machine that has started it. Stop it first.
            AgentNotFound: There is nothing of it on disk.
            InvalidDefinition: The instance has no storage.
            StorageError: See `Storage`.
            SupervisorStopped: The instance isn't running.
        """
        await self._directory.forget(agent)

    async def upgrade(
        self,
        old: type[Agent[Any]],
        new: type[AgentT],
        *,
        agent: AgentRef[Any] | str | None = None,
        migrate: Migration | None = None,
    ) -> tuple[AgentRef[AgentT], ...]:
        """Have all agents of class `old` go on as agents of class `new`, and return their refs, which hold on.

        Each changes between two messages: what waits waits, its children, its timers and its tasks stay, and its
        callers notice nothing. Its state goes through the migrations of the new class; so does the state that its lives
        begin with. That of a durable agent is committed as one of the new class. If any state can't be brought over
        nothing is changed.

        Agents of subclasses are left alone, and so are durable agents that don't run: those are brought over when they
        are started as `new`, if that says `Durable(formerly=[old])`.

        Args:
            old: The class that they have.
            new: The class that they shall have.
            agent: The one that is meant, by ref or id; all of the class if not given.
            migrate: See `migrated`.

        Raises:
            AgentNotFound: No such agent lives.
            InvalidDefinition: One of the classes is durable and the other isn't, or the agent isn't one of `old`.
            SupervisorStopped: The instance isn't running.
            UpgradeFailed: Some couldn't become ones of the new class; these go on as they were.
            WouldDeadlock: One of them waits for the interpreter that calls this.
        """
        self._instance.running()
        only = None if agent is None else self._directory.cell(agent)
        cells = await self._instance.part(Upgrades).run(old, new, only, migrate)
        return tuple(AgentRef(cell) for cell in cells)

    async def rewind(self, agent: AgentRef[AgentT] | str, *, to: int) -> AgentT:
        """Have a durable agent go on from an earlier point, as it was after the input of that number; return it so.

        It goes back between two messages. What came after that point stays in its journal, as a branch that was left,
        and nothing is carried out again. Signals for later are those of the point, as far from due as they were then.
        What an action with effects comes to that was begun after the point isn't told to it; what one that was under
        way at the point has come to since is told again. Messages that wait are handled on the new branch. What was
        sent or done in the world isn't undone.

        Args:
            agent: The agent, by ref or id.
            to: The number of an input, as `jido-trio journal show` tells it; 0 is the beginning.

        Raises:
            AgentNotFound: No such agent lives.
            AgentStopped: It has ended meanwhile.
            InvalidDefinition: It isn't durable, is parked, or its journal doesn't go back so far.
            RecordRefused: A record of its journal can't be used.
            ReplayDiverged: The code comes to other states than its journal says.
            StorageError: See `Storage`; the agent is as it was.
            SupervisorStopped: The instance isn't running.
            WouldDeadlock: It waits for the interpreter that calls this.
        """
        return await self._directory.rewind(agent, to)  # type: ignore[return-value]  # of the class that its ref says

    async def resume_agent(self, agent: AgentRef[Any] | str) -> None:
        """Begin the next life of an agent that is parked, or that pauses before its restart. A running one runs on.

        Raises:
            AgentNotFound: No such agent lives.
            SupervisorStopped: The instance isn't running.
        """
        await self._directory.resume(agent)

    @trio.lowlevel.enable_ki_protection
    def kill_agent(self, agent: AgentRef[Any] | str) -> None:
        """Cancel the agent's current life, as OTP's `exit(Pid, kill)`: a crash, answered by its restart type.

        What waits for the agent and is due already comes before; then, if that life has crashed, nothing happens.

        Raises:
            AgentNotFound: No such agent lives.
            SupervisorStopped: The instance isn't running.
        """
        self._directory.kill(agent)

    def whereis(self, id: str) -> AgentRef[Any] | None:
        """Return the ref of the agent with that id, or None.

        Raises:
            TypeError: It is no text.
        """
        return self._directory.ref(id)

    def list_agents(self) -> tuple[AgentRef[Any], ...]:
        """Return the refs of all agents, in the order in which they were started."""
        return self._directory.refs()

    def ledger(self) -> Ledger:
        """Return how many messages were accepted, and what became of them; also after the instance was left."""
        return self._instance.ledger()

    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """Return the last signals that nobody handled, oldest first; also after the instance was left."""
        return tuple(self._instance.dead_letters.kept)

    @trio.lowlevel.enable_ki_protection
    def resend(self, letter: DeadLetter) -> None:
        """Send the signal of a dead letter again, to the agent that has the id now; the letter is kept no more.

        Raises:
            AgentNotFound: No agent has that id.
            MailboxFull: There is no room.
            SupervisorStopped: The instance isn't running.
            TypeError: It is no dead letter.
        """
        self._directory.resend(letter)

    def inspect(self) -> JidoView:
        """Return what the instance is at, as plain data; at any moment, and also before and after it runs.

        Raises:
            RuntimeError: It runs in another thread, or in another run of Trio.
        """
        self._instance.check_here_while_up()
        return view_of_instance(self._instance)
