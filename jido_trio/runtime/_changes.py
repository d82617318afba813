"""Changes of a durable agent between two messages, each in a commit of its own: another class, an earlier point."""

from __future__ import annotations

import logging
from typing import Any

from jido_trio.core import Agent, Rewound, RunInstruction, Signal
from jido_trio.errors import (
    Interrupted,
    InvalidDefinition,
    MigrationFailed,
    ReplayDiverged,
    StorageError,
    StorageUnknown,
    Unstorable,
)
from jido_trio.redact import said, shown
from jido_trio.runtime._archive import Due, Effect, Place
from jido_trio.runtime._book import Draft, draft, job_name
from jido_trio.runtime._effects import ActingServer
from jido_trio.runtime._rewind import Rewinding, Told
from jido_trio.runtime._upgrading import Upgrading, Wanted
from jido_trio.world import using

logger = logging.getLogger("jido_trio.runtime")


class ChangingServer(ActingServer):
    """An agent that becomes one of another class, or goes on from an earlier point, when that is wanted."""

    __slots__ = ()

    def _shall_change(self) -> bool:
        return self.kept(Upgrading) is not None or self.kept(Rewinding) is not None

    async def _change(self) -> bool:
        return await self._become() or await self._go_back()

    def change_parked(self, wanted: Wanted) -> None:
        """See `Server`. Nobody is there to commit it."""
        why = "it is parked; resume it, or stop it"
        if isinstance(wanted, Upgrading):
            cls = wanted.cls
            self._not_changed(wanted, MigrationFailed(self.id, self.initial.vsn, cls.__qualname__, cls.vsn, why))
        else:
            self._not_changed(wanted, InvalidDefinition(f"agent {shown(self.id)} can't go back: {why}", field="agent"))

    async def _changed(self, page: Draft, wanted: Wanted) -> bool:
        """Commit a change between two messages; return whether that was done. If not, the agent is as it was."""
        try:
            await page.commit()
        except StorageUnknown:
            self._book = None
            raise
        except StorageError as error:
            self._not_changed(wanted, error)
            return False
        except BaseException:
            self._book = None
            raise
        self._arm(page)
        if self.kept(type(wanted)) is wanted:
            self.let_go(type(wanted))
        return True

    def _not_changed(self, wanted: Wanted, error: Exception) -> None:
        if self.kept(type(wanted)) is wanted:
            self.let_go(type(wanted))
        wanted.over(error)

    # ---- another class

    def upgrade(self, wanted: Upgrading) -> None:
        """See `Server`. Its task does it, in a commit."""
        self.keep(wanted)
        self.wake()

    def between(self) -> None:
        """See `Server`. Its task looks by itself."""

    async def _become(self) -> bool:
        """Go on as an agent of another class, if that is wanted; return whether it was."""
        wanted = self.kept(Upgrading)
        if wanted is None:
            return False
        page = draft(self._open_book())
        try:
            upgraded = wanted.of(self._open_book().agent)
            page.become(upgraded)
            _schedule(page, type(self.initial), wanted.cls)
        except (MigrationFailed, Unstorable) as error:
            self._not_changed(wanted, error)
            return True
        self._upgraded = upgraded
        if not await self._changed(page, wanted):
            self._upgraded = None
            return True
        self._upgraded = None
        self.is_now(upgraded, upgraded)
        wanted.over()
        return True

    # ---- an earlier point

    def rewind(self, wanted: Rewinding) -> None:
        """Go on from an earlier point, as soon as no message is being handled."""
        self.keep(wanted)
        self.wake()

    async def _go_back(self) -> bool:
        """Go on from an earlier point, if that is wanted; return whether it was."""
        wanted = self.kept(Rewinding)
        if wanted is None:
            return False
        try:
            point = await wanted.past.read_on()  # also what has come since it was read: an outcome is told again, too
        except (InvalidDefinition, ReplayDiverged, StorageError) as error:
            self._not_changed(wanted, error)
            return True
        book, page = self._open_book(), draft(self._open_book())
        with using(self.instance.world):
            signal = Signal("jido.agent.rewound", {"to": point.number}, source=self.instance.source)
        rewound = Rewound(signal, point.number, point.agent.state, point.agent.strategy_state, point.timers)
        archive, now = self._inbox.archive, self.instance.world.now().timestamp()
        named = {record: archive.timer_in(record) for record in self._inbox.on_disk}
        declared = {cron.key for cron in type(book.agent).schedules}
        stays = set(map(job_name, declared))
        dropped = [record for record, name in named.items() if name and name not in stays and point.drops(name)]
        try:
            agent = rewound.apply(book.agent)[0]
            page.take(rewound, agent, once=False)
            for record in dropped:
                page.drop(record)
            for record in [each for each in book.effects if archive.input_of(each) > point.number]:
                page.done(record)
            for each in point.timers:
                if each.cron is None:
                    page.timer(each.name, Due(now + each.seconds, each.signal))
                elif each.cron.key not in declared:
                    page.job(each.cron)
            cut_off = [_cut_off(*one) for one in point.untold if archive.effect_at(one[0]) not in book.effects]
            again = [(one, page.reopen(one.place, one.effect)) for one in (*point.told, *cut_off)]
            page.seal(whole=True)
        except (TypeError, Unstorable) as error:
            self._not_changed(wanted, InvalidDefinition(f"agent {shown(self.id)} can't go back: {said(error)}"))
            return True
        number = book.number
        if not await self._changed(page, wanted):
            return True
        self.is_now(agent, agent)
        wanted.agent = agent
        self.went_back()
        for one, reopened in again:
            self._learn(one.effect.signal, one.instruction, reopened)
        self.instance.counts.accepted += 1
        self.instance.counts.handled += 1
        logger.info("agent %s went back from input %d to input %d", shown(self.id), number, point.number)
        wanted.over()
        return True


def _cut_off(place: Place, effect: Effect) -> Told:
    """Return what is told of an action with effects that was under way at a point, and that nothing runs any more."""
    asked: RunInstruction = effect.directive
    return Told(place, effect, asked.failed(Interrupted(asked.instruction.action_class.name)))


def _schedule(page: Draft, before: type[Agent[Any]], after: type[Agent[Any]]) -> None:
    """Write the jobs of another class, in the place of those of the one before."""
    declared = {cron.key for cron in after.schedules}
    for cron in before.schedules:
        if cron.key not in declared:
            page.cancel(job_name(cron.key))
    for cron in after.schedules:
        page.job(cron, declared=True)
