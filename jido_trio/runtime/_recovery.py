"""Recovery: what a life begins with.

The first life begins with the initial agent, as `new` made it or as it was given. So does each further life of an agent
that begins afresh, the default. One whose state is committed goes on from the state that its last signal left; the
signal that it crashed at has left none. In all cases the strategy's `init` has the last word.

A state may be bad in such a way that a life with it crashes as it begins: in `init`, or at the directives of it. Then
the ladder is gone down. After the first such crash the state is given one more try; after the same crash again the next
life begins afresh; and when that crashes likewise, a further life would be in vain, and the agent is parked. Whatever
the agent has handled in between shows that there is hope: the ladder begins anew.

Nor is there hope at a signal that comes again, as its mailbox's rules ask for, where receiving it has crashed the agent
twice in the same way and with the same state: what is pure goes the same way a third time. The agent is parked, and
has that signal again when it is resumed.
"""

from __future__ import annotations

import logging
from typing import Any

from attrs import AttrsInstance, define

from jido_trio.core import Agent, Began, Direct, Signal
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown, shown_error
from jido_trio.runtime._cell import Cell
from jido_trio.runtime._crash import AgentCrash
from jido_trio.runtime._secrets import secrets_of
from jido_trio.terms import ExitKind
from jido_trio.world import using

logger = logging.getLogger("jido_trio.runtime")

BEGINNING = "jido.agent.started"
"""The type of the signal that the directives of a life's beginning follow from."""


@define(eq=False)
class Committed:
    """Of an agent that keeps its state: how often in a row it crashed in the same way as a life of it began."""

    cell: Cell
    _began_with: Agent[Any] | None = None
    _crash: tuple[object, ...] | None = None
    _times: int = 0
    _fatal: tuple[object, ...] | None = None
    """The last crash at a signal that comes again: the signal's id, the way, and the agent before."""

    def base(self) -> Agent[Any]:
        """Return what the next life begins with, before its strategy has a say."""
        if self._times < 2:  # the second rung
            return self.cell.agent
        logger.warning(
            "agent %s begins afresh: twice it crashed as a life began with the state it had", shown(self.cell.id)
        )
        return self.cell.initial

    def began(self, agent: Agent[Any]) -> None:
        """Take note of what a life begins with."""
        self._began_with = agent

    def crashed(self, error: BaseException, *, at_the_beginning: bool) -> bool:
        """Take note of a crash; return whether a further life would be in vain."""
        crash = _fingerprint(error) if at_the_beginning else None
        self._times = self._times + 1 if crash is not None and crash == self._crash else int(crash is not None)
        self._crash = crash
        in_vain = self._times > 2  # below the last rung
        if in_vain:
            self._times, self._crash = 0, None  # whoever resumes it has mended something
        return in_vain

    def is_fatal_again(self, error: BaseException, crash: AgentCrash) -> bool:
        """Take note of a crash at a signal that comes again; return whether the one before was the same."""
        id, before = crash.signal.id, crash.before
        fatal = (id, _fingerprint(error), before)
        last, self._fatal = self._fatal, fatal
        again = last is not None and fatal[:2] == last[:2] and before is last[2]
        if again:
            self._fatal = None  # whoever resumes it has mended something
        return again

    def is_at_the_beginning(self, detail: object) -> bool:
        """Tell whether a life that crashed had done nothing yet."""
        return (
            isinstance(detail, AgentCrash) and detail.signal.type == BEGINNING and self.cell.agent is self._began_with
        )

    def up(self) -> None:
        """See `Belonging`."""

    def again(self) -> None:
        """See `Belonging`."""

    def gone(self, exit: ExitKind) -> None:
        """See `Belonging`."""


def _fingerprint(error: BaseException) -> tuple[object, ...]:
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return (type(error),)
    return type(error), traceback.tb_frame.f_code.co_filename, traceback.tb_lineno


def beginning(cell: Cell, incarnation: int) -> tuple[Agent[Any], tuple[AttrsInstance, ...], Signal | None]:
    """Return the agent that a life begins with, what is to be done then, and the signal that both follow from.

    There is no signal where nothing follows, and nothing is kept.
    """
    committed = cell.kept(Committed)
    base = committed.base() if committed is not None and incarnation > 1 else cell.initial
    if type(base.strategy) is Direct:
        if committed is not None:
            committed.began(base)
        return base, (), None
    started = _Started(cell, incarnation)
    try:
        agent, directives = Began.begin(base, started)
    except Exception as error:
        if committed is not None:
            committed.crashed(error, at_the_beginning=True)
        raise
    if type(agent) is not type(base) or agent.id != base.id:
        raise InvalidDefinition(
            f"the strategy of agent {shown(cell.id)} gave {shown(agent)} for a life to begin with: init returns the "
            "agent that it is given, or one with another state, and directives",
            field="strategy",
            value=agent,
        )
    if committed is not None:
        committed.began(agent)
    return agent, tuple(directives), started() if directives or cell.durable else None


@define(eq=False)
class _Started:
    """The signal of the beginning of a life, once somebody asks for it: most strategies don't."""

    _cell: Cell
    _incarnation: int
    _signal: Signal | None = None

    def __call__(self) -> Signal:
        if self._signal is None:
            self._signal = started_of(self._cell, self._incarnation)
        return self._signal


def started_of(cell: Cell, incarnation: int) -> Signal:
    """Return the signal of the beginning of a life."""
    with using(cell.instance.world):
        return Signal(BEGINNING, {"id": cell.id, "incarnation": incarnation}, source=cell.instance.source)


def is_in_vain(cell: Cell, error: BaseException, detail: object) -> bool:
    """Take note of a crash of the agent; return whether a further life would be in vain."""
    if cell.is_unreadable:
        logger.error("agent %s is parked: no life of it can begin: %s", shown(cell.id), shown_error(error))
        return True
    committed = cell.kept(Committed)
    if committed is None or not isinstance(error, Exception):
        return False
    if committed.crashed(error, at_the_beginning=committed.is_at_the_beginning(detail)):
        why = "it crashes as its lives begin, with the state it had and afresh"
    elif (
        isinstance(detail, AgentCrash)
        and detail.after is None
        and cell.mailbox.has_back(detail.signal)
        and committed.is_fatal_again(error, detail)
    ):
        why = "twice a signal crashed it in the same way with the same state, and it has that again when it is resumed"
    else:
        return False
    secrets = secrets_of(cell.agent, detail.signal if isinstance(detail, AgentCrash) else None)
    logger.error("agent %s is parked: %s: %s", shown(cell.id), why, shown_error(error, hide=secrets))
    return True
