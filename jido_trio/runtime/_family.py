"""The family of agents: children, parents, orphans. SpawnAgent, Spawn, StopChild, AdoptChild.

A child knows its parent and the tag that it has there, a parent its children by tag: each the other's cell and not its
id, so that an agent which takes the id of one that has ended is not taken for it. All agents are supervised alike; what
binds a family is news.

A child that is no agent is a worker: a task under the same supervisor, that no news is told of and that ends with its
parent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import count
from typing import Any, cast

import trio
from attrs import define, evolve, field, frozen

from jido_trio.core import AdoptChild, Error, Signal, Spawn, SpawnAgent, StopChild
from jido_trio.core.inner import StartChildren
from jido_trio.errors import ActionError, AgentNotFound, JidoError, StartFailed, SupervisionError
from jido_trio.redact import said, shown, shown_error
from jido_trio.runtime._cell import Cell, Instance
from jido_trio.runtime._failures import stop_soon
from jido_trio.runtime._interpreter import Runtime, interpret
from jido_trio.runtime._mailbox_rules import MailboxRules
from jido_trio.runtime._messages import News
from jido_trio.runtime._ref import AgentRef, cell_of
from jido_trio.runtime._secrets import secrets_of, secrets_of_start
from jido_trio.runtime._server import Server
from jido_trio.runtime._specs import AGENT_BUDGET, Handling, Options, Specs, made, server
from jido_trio.supervision import Backoff, Budget, Child
from jido_trio.terms import ExitKind, OnParentDeath
from jido_trio.world import using


@define(eq=False)
class Link:
    """What a child keeps: its parent."""

    child: Cell
    parent: Cell
    tag: str
    on_death: OnParentDeath
    meta: Mapping[str, Any]

    def inspect(self) -> Mapping[str, object]:
        """Return the parent's id."""
        return {"parent": self.parent.id}

    def up(self) -> None:
        """See `Belonging`."""
        if self.parent.on_change is not None:
            self.parent.on_change(self.parent.agent)
        _tell(self.parent, "child.started", tag=self.tag, id=self.child.id, meta=self.meta)

    def again(self) -> None:
        """See `Belonging`."""

    def gone(self, exit: ExitKind) -> None:
        """See `Belonging`."""
        children = self.parent.kept(Children)
        if children is not None and children.by_tag.get(self.tag) is self.child:
            del children.by_tag[self.tag]
        reason = (
            exit
            if self.child.stop_reason is None
            else said(self.child.stop_reason, hide=secrets_of(self.child.agent, None))
        )
        _tell(self.parent, "child.exit", tag=self.tag, id=self.child.id, reason=reason)


@define(eq=False)
class Worker:
    """A child that is no agent."""

    parent: Cell
    id: str
    """Of the child, under the supervisor of the agents."""
    tag: str | None

    def stop(self) -> None:
        """Begin to stop it."""
        supervisor = self.parent.instance.supervisor
        if supervisor is not None:
            supervisor.terminate_child_soon(self.id)

    def gone(self, exit: ExitKind) -> None:
        """Take note that it has ended for good."""
        children = self.parent.kept(Children)
        if children is not None:
            children.workers.discard(self)
            if self.tag is not None and children.by_tag.get(self.tag) is self:
                del children.by_tag[self.tag]


@define(eq=False)
class Children:
    """What a parent keeps: its children."""

    parent: Cell
    by_tag: dict[str, Cell | Worker] = field(factory=dict)
    workers: set[Worker] = field(factory=set)

    def inspect(self) -> Mapping[str, object]:
        """Return the children's ids, by tag."""
        return {"children": {tag: child.id for tag, child in self.by_tag.items()}}

    def up(self) -> None:
        """See `Belonging`."""

    def again(self) -> None:
        """See `Belonging`."""

    def gone(self, exit: ExitKind) -> None:
        """See `Belonging`."""
        for child in tuple(self.by_tag.values()):
            if isinstance(child, Cell):
                self._orphan(child)
        for worker in sorted(self.workers, key=lambda worker: worker.id):
            worker.stop()

    def _orphan(self, child: Cell) -> None:
        link = child.kept(Link)
        assert link is not None  # noqa: S101  # it is among its parent's children
        child.let_go(Link)
        if link.on_death == "stop":
            stop_soon(child, "parent stopped")
        elif link.on_death == "emit_orphan":
            _tell(child, "orphaned", parent=self.parent.id, tag=link.tag)


def parent_of(cell: Cell) -> Cell | None:
    """Return the agent's parent, if it has one."""
    link = cell.kept(Link)
    return link.parent if link is not None else None


def get_children(ref: AgentRef[Any]) -> dict[str, AgentRef[Any]]:
    """Return the children of an agent by tag, those whose start is under way included."""
    children = cell_of(ref).kept(Children)
    cells = children.by_tag.items() if children is not None else ()
    return {tag: AgentRef(cell) for tag, cell in cells if isinstance(cell, Server)}


def _children_of(cell: Cell) -> Children:
    children = cell.kept(Children)
    if children is None:
        children = Children(cell)
        cell.keep(children)
    return children


@frozen(eq=False)
class Family:
    """Makes and unmakes the bonds between agents of one instance."""

    _instance: Instance

    def spawn(self, parent: Cell, directive: SpawnAgent) -> None:
        """Start a child; the parent hears of it when it is up, or of its end if its first life can't begin.

        Raises:
            ActionError: The tag or the id is in use, the state or an option doesn't fit, the agent can't be made, or
                the instance stops.
        """
        children = _children_of(parent)
        _check_tag(parent, children, directive.tag)
        try:
            agent = made(self._instance, directive.agent, directive.id, directive.state)
            cell = server(self._instance, agent, _handling(directive))
            child = self._instance.part(Specs).child(cell, *_options(directive))
            self._instance.add(cell)
        except Exception as error:  # noqa: BLE001  # a bug of the child's class is no crash of who wanted one
            hide = secrets_of_start(directive.agent, directive.state)
            raise _refused(parent, directive.tag, error, hide) from None
        cell.keep(Link(cell, parent, directive.tag, directive.on_parent_death, directive.meta))
        children.by_tag[directive.tag] = cell
        supervisor = self._instance.running()
        try:
            supervisor.start_child_nowait(child)
        except trio.WouldBlock:
            supervisor.start_child_soon(child)
        except StartFailed:
            pass  # a crash report tells why, and the parent hears of the child's end
        except SupervisionError as error:
            cell.let_go(Link)
            del children.by_tag[directive.tag]
            self._instance.forget(cell, "shutdown")
            raise _refused(parent, directive.tag, error) from None

    def work(self, parent: Cell, directive: Spawn) -> None:
        """Start a child that is no agent.

        Raises:
            ActionError: The tag is in use, it is no child, or the instance stops.
        """
        children = _children_of(parent)
        given, tag = directive.child, directive.tag
        if tag is not None:
            _check_tag(parent, children, tag)
        try:
            child = given if isinstance(given, Child) else Child(_name(given), given, restart="transient")
            name = f"{parent.id}/{tag or child.id}"
            id = next(id for id in _numbered(name) if not self._instance.has(id))
            limited = child.budget is not None or child.backoff is not None
            child = evolve(child, id=id, budget=child.budget if limited else AGENT_BUDGET)
            self._instance.running().start_child_soon(child)
        except JidoError as error:
            raise _refused(parent, tag or _name(given), error) from None
        worker = self._instance.others[id] = Worker(parent, id, tag)
        children.workers.add(worker)
        if tag is not None:
            children.by_tag[tag] = worker

    def stop(self, parent: Cell, tag: str, reason: object) -> None:
        """Begin to stop a child, whose tag is free from now on."""
        children = parent.kept(Children)
        child = children.by_tag.pop(tag, None) if children is not None else None
        if isinstance(child, Worker):
            child.stop()
        elif child is not None:
            child.leaving = True
            stop_soon(child, reason)

    def adopt(self, parent: Cell, directive: AdoptChild) -> None:
        """Give an orphan a parent, who hears of it as of a start.

        Raises:
            ActionError: There is no such agent, it has a parent, it is the parent itself, or the tag is in use.
        """
        children = _children_of(parent)
        _check_tag(parent, children, directive.tag)
        try:
            child = self._instance.find(directive.child)
        except AgentNotFound as error:
            raise _refused(parent, directive.tag, error) from None
        if child is parent or child.kept(Link) is not None:
            why = "is itself" if child is parent else "has a parent"
            raise ActionError(f"agent {shown(parent.id)} can't adopt {shown(child.id)}, which {why}")
        link = Link(child, parent, directive.tag, "stop", directive.meta)
        child.keep(link)
        children.by_tag[directive.tag] = child
        link.up()


def _options(directive: SpawnAgent) -> Options:
    default = isinstance(directive.budget, str) and directive.budget == "default"
    budget = AGENT_BUDGET if default else cast("Budget | None", directive.budget)  # checked with the child's spec
    return directive.restart, directive.shutdown, cast("Backoff | None", directive.backoff), budget


def _handling(directive: SpawnAgent) -> Handling:
    rules = cast("MailboxRules | None", directive.mailbox)  # checked with the place of the child
    return (
        directive.mailbox_size,
        rules,
        directive.after_crash,
        directive.max_handle_time,
        directive.default_dispatch,
    )


def _name(child: object) -> str:
    return str(getattr(child, "id", None) or getattr(child, "__name__", None) or type(child).__name__)


def _numbered(name: str) -> Iterator[str]:
    yield name
    for number in count(2):
        yield f"{name}-{number}"


def _check_tag(parent: Cell, children: Children, tag: str) -> None:
    if tag in children.by_tag:
        raise ActionError(
            f"agent {shown(parent.id)} has a child with tag {shown(tag)} already; stop it, or choose another tag"
        )


def _refused(parent: Cell, tag: str, error: Exception, hide: Collection[str] = ()) -> ActionError:
    why = said(error, hide=hide) if isinstance(error, JidoError) else shown_error(error, hide=hide)
    return ActionError(f"agent {shown(parent.id)} can't have the child {shown(tag)}: {why}")


def _tell(cell: Cell, what: str, **data: object) -> None:
    with using(cell.instance.world):
        signal = Signal(f"jido.agent.{what}", data, source=cell.instance.source)
    cell.put(News(signal))


@interpret.register
def _(directive: SpawnAgent, runtime: Runtime) -> None:
    try:
        runtime.part(Family).spawn(runtime.cell, directive)
    except ActionError as error:
        runtime.do(Error(error, context="spawn"))


@interpret.register
def _(directive: Spawn, runtime: Runtime) -> None:
    try:
        runtime.part(Family).work(runtime.cell, directive)
    except ActionError as error:
        runtime.do(Error(error, context="spawn"))


@interpret.register
def _(directive: StartChildren, runtime: Runtime) -> None:
    there = _children_of(runtime.cell).by_tag
    for child in directive.children:
        if child.tag not in there:  # children outlive a crash of their parent
            runtime.do(child)


@interpret.register
def _(directive: StopChild, runtime: Runtime) -> None:
    runtime.part(Family).stop(runtime.cell, directive.tag, directive.reason)


@interpret.register
def _(directive: AdoptChild, runtime: Runtime) -> None:
    try:
        runtime.part(Family).adopt(runtime.cell, directive)
    except ActionError as error:
        runtime.do(Error(error, context="adopt"))
