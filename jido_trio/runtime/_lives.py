"""Lives of an agent: how each begins and ends, the tasks that it has, and the class that it is of.

To its supervisor an agent is a child that needs no task; see `Passive`. A life needs one only while something of it
takes time: a directive whose interpreter is an `async def`, an action with effects. Each runs in a nursery of the life;
when the last of them is done the life needs no task again.

A crash is the agent's, wherever it happens. The supervisor is told, and decides; if it restarts the agent at once, the
next life has begun when it returns. Messages are not touched by it. A crash of a life with tasks has them cancelled
first, and nothing is handled until they have ended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from jido_trio.core import Agent, Signal
from jido_trio.errors import MigrationFailed
from jido_trio.runtime._cell import Cell, Instance
from jido_trio.runtime._crash import AgentCrash
from jido_trio.runtime._cron import jobs_of
from jido_trio.runtime._interpreter import Runtime
from jido_trio.runtime._life_tasks import LifeTasks
from jido_trio.runtime._mailbox import Mailbox
from jido_trio.runtime._mailbox_rules import MailboxRules, RuledMailbox
from jido_trio.runtime._recovery import Committed, beginning, is_in_vain, started_of
from jido_trio.runtime._secrets import secrets_of
from jido_trio.runtime._upgrading import Upgrading, Wanted
from jido_trio.runtime._waits import Wait
from jido_trio.runtime._work import CUT_OFF, Directives, Work
from jido_trio.supervision import PassiveLife


class LivingServer(Cell):
    """An agent that has lives, one after the other."""

    __slots__ = ("_pending", "_tasks", "_work", "awaits", "max_handle_time")

    awaits: tuple[Wait, ...]
    """See `Waiting`."""

    max_handle_time: float | None
    """Seconds that the directives of one signal may take; None sets no limit."""

    def __init__(
        self, agent: Agent[Any], instance: Instance, mailbox_size: int, rules: MailboxRules | None = None
    ) -> None:
        if rules is None:
            mailbox = Mailbox(mailbox_size, instance.counts)
        else:
            hidden = partial(secrets_of, agent)
            mailbox = RuledMailbox(mailbox_size, instance.counts, rules=rules, owner=agent.id, hidden=hidden)
        super().__init__(agent, instance, mailbox)
        self.awaits = ()
        self._pending: tuple[Signal, Directives, Agent[Any]] | None = None
        self._tasks: LifeTasks | None = None
        self._work: Work | None = None  # directives that a task is about to go on with
        self.max_handle_time = type(agent).max_handle_time

    def begin(self, life: PassiveLife) -> None:
        """See `Passive`."""
        try:
            agent, directives, started = beginning(self, life.incarnation)
        except Exception:
            life.detail = AgentCrash(self.agent, started_of(self, life.incarnation))
            raise
        self.life, self.incarnation, self.agent, self.ending = life, life.incarnation, agent, False
        self._tasks = None  # of a life whose task crashed
        if isinstance(self.mailbox, RuledMailbox) and life.incarnation > 1 and self.mailbox.rules.on_restart != "keep":
            self._give_up(self.mailbox.clear(), "restarted", letters=self.mailbox.rules.on_restart == "dead_letter")
        if started is not None:
            self._pending = started, directives, agent
        if self.on_change is not None:
            self.on_change(self.agent)
        self.state = "serving"
        if life.incarnation > 1:
            self.again()
        self._rest()
        if life.incarnation == 1:
            self.up()

    def stop(self, life: PassiveLife) -> None:
        """See `Passive`. It finishes the signal that it is at, with its directives."""
        if self.state not in ("serving", "waiting"):
            self._end(life)

    def kill(self, life: PassiveLife) -> None:
        """See `Passive`."""
        if self.settling is not None:
            self.settling.cut_off("it was killed meanwhile")
        self._let_go()

    def _end(self, life: PassiveLife) -> None:
        self._let_go()
        life.end()

    def _let_go(self) -> None:
        pending, work = self._pending, self._work
        self.state, self.life, self._pending, self._tasks = "down", None, None, None
        self._work = None
        if pending is not None:
            self._lose(pending[0], pending[1], CUT_OFF)
        elif work is not None:
            self._lose(work.runtime.signal, work.left, CUT_OFF)

    def _lose(self, signal: Signal, directives: Directives, reason: str, *, begun: bool = False) -> None:
        if directives:
            self.instance.dead_directives(self.id, signal, directives, reason, begun=begun)

    def _crash(self, life: PassiveLife | None, error: BaseException, *at: Any) -> None:
        if life is not None and self.life is life:
            detail = AgentCrash(*at)
            life.in_vain = is_in_vain(self, error, detail)
            self.crashing(error, detail)
            self._let_go()
            life.crashed(error, detail)

    def _rest(self) -> None:
        """Take what comes next: nothing, another turn, or the end."""
        life = self.life
        if self.state != "serving" or life is None:
            return
        if life.stopping:
            self._end(life)
        elif self.ending:
            self.state = "ending"
        elif self.mailbox.queue is None and self.mailbox.urgent is None and self._pending is None:
            self.state = "idle"
        else:
            self.state = "queued"
            self.instance.run_queue.add(self)

    # ---- tasks

    @property
    def tasks(self) -> int:
        """See `Cell`."""
        return len(self._tasks) if self._tasks is not None else 0

    @property
    def waits_for(self) -> object:
        """See `Cell`."""
        return self._tasks.at if self._tasks is not None and self.state == "waiting" else None

    def is_held(self) -> bool:
        """See `Waiting`."""
        return self._tasks is not None and self.waits() and self._tasks.is_waited_for()

    def waits(self) -> bool:
        """See `Waiting`."""
        return self.state == "waiting"

    def start_task(self, runtime: Runtime, async_fn: Callable[..., Awaitable[object]], *args: object) -> None:
        """See `Task`."""
        life = self.life
        if life is None:
            return
        if self._tasks is None:
            self._tasks = LifeTasks(self, life)
        self._tasks.start(runtime, async_fn, *args)

    # ---- another class

    def to_bring_over(self) -> tuple[Agent[Any], ...]:
        """Return the agents that have to become ones of another class: as it is now, and as its lives begin."""
        goes_on = self.life is not None or self.kept(Committed) is not None
        if goes_on and self.agent is not self.initial:
            return self.agent, self.initial
        return (self.initial,)

    def upgrade(self, wanted: Upgrading) -> None:
        """Go on as an agent of another class: now, or as soon as no message is being handled."""
        self.keep(wanted)
        if self.state in ("idle", "queued", "down"):
            self.between()

    def change_parked(self, wanted: Wanted) -> None:
        """Change as is wanted, as it has no life for now, and may have none for long."""
        self.between()

    def between(self) -> None:
        """Take note that no message is being handled: an upgrade that waits for that is done."""
        wanted = self.kept(Upgrading)
        if wanted is None:
            return
        self.let_go(Upgrading)
        try:
            brought_over = [wanted.of(agent) for agent in self.to_bring_over()]
        except MigrationFailed as error:
            wanted.over(error)
        else:
            self.is_now(brought_over[0], brought_over[-1])
            wanted.over()

    def is_now(self, agent: Agent[Any], initial: Agent[Any]) -> None:
        """Go on as this agent, and begin each further life as `initial`. What its start has said holds on."""
        before, after = type(self.initial), type(initial)
        if self.max_handle_time == before.max_handle_time:
            self.max_handle_time = after.max_handle_time
        if before.after_crash != after.after_crash and not self.durable:
            if after.after_crash == "committed":
                self.keep(Committed(self))
            else:
                self.let_go(Committed)
        self.agent, self.initial = agent, initial
        if before.schedules != after.schedules and not self.durable:
            jobs_of(self).change(before, after)
        if before is not after:
            self.became()
        if self.on_change is not None:
            self.on_change(agent)
