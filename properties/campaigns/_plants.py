"""Planted faults of durable agents: each breaks one promise, and the campaign must find it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import evolve

from jido_trio.core.inner import first_due
from jido_trio.runtime import _commit as commits
from jido_trio.runtime import _durable as durable
from jido_trio.runtime._archive import Archive
from jido_trio.runtime._book import Book, Draft
from jido_trio.runtime._durable import DurableServer
from jido_trio.runtime._effects import ActingServer
from jido_trio.storage import Delete, DeleteRange, Put, SqliteStorage

_write = Archive.write
_claim = Archive.claim
_commit = Draft.commit
_act = DurableServer._act


def _without(unwanted: Callable[[Any], bool]) -> Callable[[], None]:
    """Leave some operations out of all commits."""

    async def write(self: Archive, ops: Any) -> None:
        await _write(self, [op for op in ops if not unwanted(op)])

    return lambda: setattr(Archive, "write", write)


def _is(kind: type, where: str) -> Callable[[Any], bool]:
    return lambda op: isinstance(op, kind) and f"/{where}/" in getattr(op, "key", "")


def _bit_by_bit() -> None:
    async def write(self: Archive, ops: Any) -> None:
        for op in ops:
            await _write(self, [op])

    Archive.write = write  # type: ignore[method-assign]


def _told_before_written() -> None:
    async def commit(self: Draft) -> None:
        book, number = self._book, self._book.number
        if self.number != number and number % 3 == 0:  # each third is only in memory until the next
            book.agent, book.number, self._ops = self.agent, self.number, []
            for id, tick in self._ids.items():
                book.remember(id, tick=tick)
            return
        await _commit(self)

    Draft.commit = commit  # type: ignore[method-assign]


def _acts_twice() -> None:
    async def act(self: ActingServer, signal: Any, steps: Any, before: Any) -> None:
        await _act(self, signal, [step for step in steps for _ in range(2)], before)

    DurableServer._act = act  # type: ignore[method-assign]


def _acts_before_the_commit() -> None:
    planned = durable.planned  # type: ignore[attr-defined]

    async def plan(cell: DurableServer, page: Any, signal: Any, directives: Any) -> Any:
        plan = await planned(cell, page, signal, directives)
        steps = [step for step in plan.steps if step.record]
        await _act(cell, signal, [type(step)(step.directive, "") for step in steps], cell.agent)
        return plan

    durable.planned = plan  # type: ignore[attr-defined, assignment]


def _notes_late() -> None:
    async def act(self: ActingServer, signal: Any, steps: Any, before: Any) -> None:
        await _act(self, signal, [type(step)(step.directive, "") for step in steps], before)
        for step in steps:
            if step.record:
                await self._note(step.record)

    DurableServer._act = act  # type: ignore[method-assign]


def _misses_ticks() -> None:
    commits.due_at_start = lambda _id, cron, _due, now: first_due(cron, now)  # type: ignore[attr-defined, assignment]


def _not_taken_up(what: str) -> Callable[[], None]:
    async def claim(self: Archive, begin: Any, who: str, remembers: int) -> Any:
        found = await _claim(self, begin, who, remembers)
        return evolve(found, **{what: type(getattr(found, what))()})

    return lambda: setattr(Archive, "claim", claim)


def _forgets_that_it_died() -> None:
    async def claim(self: Archive, begin: Any, who: str, remembers: int) -> Any:
        return evolve(await _claim(self, begin, who, remembers), is_new=True)

    Archive.claim = claim  # type: ignore[method-assign]


def _takes_out_but_one() -> None:
    done = Draft.done

    def take_out(self: Draft, record: str) -> None:
        if not self._done:
            done(self, record)

    Draft.done = take_out  # type: ignore[method-assign]


def _cut(change: Callable[[Book, Any], Any]) -> Callable[[], None]:
    cut = Book.cut

    def changed(self: Book, agent: Any, number: int) -> list[Any]:
        return [other for op in cut(self, agent, number) if (other := change(self, op)) is not None]

    return lambda: setattr(Book, "cut", changed)


def _too_far(book: Book, op: Any) -> Any:
    last = book.bases[-1] if book.bases else 0
    return evolve(op, end=book.archive.past(last + 2)) if isinstance(op, DeleteRange) else op


def _every_other_group() -> None:
    """A group is committed with the next one, and answered at once."""

    def do(self: SqliteStorage, group: Any) -> Any:
        db = self._connection
        begun = db.in_transaction
        if not begun:
            db.execute("BEGIN IMMEDIATE")
        done = [(job, self._do_one(job, db)) for job in group]
        if begun:
            db.execute("COMMIT")
        return done

    SqliteStorage._do = do  # type: ignore[method-assign]


PLANTS: Mapping[str, Callable[[], None]] = {
    "a signal that was cast isn't written": _without(_is(Put, "inbox")),
    "a signal that was handled stays in the inbox": _without(_is(Delete, "inbox")),
    "a schedule isn't written": _without(_is(Put, "timer")),
    "a schedule that was handled stays": _without(_is(Delete, "timer")),
    "an effect isn't written": _without(_is(Put, "effect")),
    "an effect that was done isn't noted": _without(_is(Delete, "effect")),
    "an input isn't written": _without(_is(Put, "past")),
    "signals in the inbox aren't taken up": _not_taken_up("inbox"),
    "schedules aren't taken up": _not_taken_up("timers"),
    "effects that are open aren't taken up": _not_taken_up("effects"),
    "ids of signals aren't taken up": _not_taken_up("ids"),
    "a life after a death begins all effects anew": _forgets_that_it_died,
    "of the signals of a commit one is taken out": _takes_out_but_one,
    "signals to other agents aren't written": lambda: setattr(Draft, "send", lambda self, to, record, signal: None),
    "ticks that were missed aren't made up": _misses_ticks,
    "a commit is done bit by bit": _bit_by_bit,
    "callers are answered before it is written": _told_before_written,
    "effects are done twice": _acts_twice,
    "effects are done before the commit": _acts_before_the_commit,
    "effects are noted when all are done": _notes_late,
    "unknown effects are done again": lambda: setattr(DurableServer, "_may_repeat", lambda self, directive: True),
    "unknown effects are never done again": lambda: setattr(DurableServer, "_may_repeat", lambda self, _: False),
    "signals that come again are handled again": lambda: setattr(Draft, "knows", lambda self, _: False),
    "the journal is cut one input too far": _cut(_too_far),
    "the journal is cut, and has nothing to begin with": _cut(lambda _, op: None if isinstance(op, Put) else op),
    "a group is answered before it is committed": _every_other_group,
}
