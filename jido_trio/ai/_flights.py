"""What is in flight: calls of models and tools, as tasks of a supervised service that outlive an agent's life.

After each decision is committed, a `Sync` makes what is in flight equal to what is wanted: it starts what is missing,
and cancels what nobody wants any more. A flight sends its own outcome to the agent; a durable agent has it on disk
before the flight ends, whatever the agent is at. So an agent that crashes finds its call still flying, or its outcome
waiting.

`Desk` is what is kept of that for one agent, over all of its lives.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol, TypeAlias, cast

import trio
from attrs import define, evolve, field, frozen

from jido_trio.ai._budget import share
from jido_trio.ai._client import ModelFailure, ModelReply, Tell
from jido_trio.ai._conversation import (
    AskApproval,
    CallModel,
    Conversation,
    RunTool,
    expiry_key,
    flight_key,
    known_by,
    lost,
    wanted,
)
from jido_trio.ai._events import CallFailed, ChatEvent, Compacted, Replied
from jido_trio.ai._inputs import NoReply, Recover, Reply, StartTool, ToolResult
from jido_trio.ai._letters import Letters, clean
from jido_trio.ai._messages import Prompt
from jido_trio.ai._parts import Parts
from jido_trio.ai._readable import Readable
from jido_trio.ai._render import render
from jido_trio.ai._rules import Rules
from jido_trio.ai._tooling import Backing, Tooling
from jido_trio.ai._tools import problem_of
from jido_trio.core import Agent, Effect, Instruction
from jido_trio.core.inner import own_state
from jido_trio.errors import (
    AgentNotFound,
    CallError,
    InvalidDefinition,
    MailboxFull,
    StorageError,
    SupervisorStopped,
)
from jido_trio.redact import said, shown, shown_error
from jido_trio.runtime import AgentRef, Agents, Runtime, interpret
from jido_trio.runtime.inner import cell_of, is_scheduled, works_for
from jido_trio.terms import ExitKind

LOG = logging.getLogger("jido_trio.ai")

NEEDS_MODELS = "needs them as a service of its instance: Jido(..., services=[Models(...)])"

TOOLS_AT_ONCE = 8
"""Tools of one agent that are run at the same time; others wait."""

PATIENCE = 10.0
"""Seconds that a tool has to end when it is cancelled; beyond, it is reported."""


class Caller(Protocol):
    """Calls models by the names that agents use."""

    async def call(self, prompt: Prompt, key: str, tell: Tell) -> ModelReply | ModelFailure:
        """Have a model reply, once."""
        ...


class Flights:
    """The flights of an instance, in the nursery of its service."""

    def __init__(self, instance: Any) -> None:
        self.agents = Agents(instance)
        self.source: str = instance.source
        self._caller: Caller | None = None
        self._nursery: trio.Nursery | None = None

    def use(self, caller: Caller) -> None:
        """Call models by this."""
        if self._caller is not None:
            raise InvalidDefinition("an instance has one service of models: give all of them as one Models(...)")
        self._caller = caller

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Hold the flights, until it is cancelled: the body of the service."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                self._nursery = None
                nursery.cancel_scope.cancel()

    def start(self, async_fn: Callable[..., Awaitable[object]], *args: object, name: str) -> None:
        """Begin a flight."""
        if self._nursery is None:
            raise InvalidDefinition(f"an agent that speaks with models {NEEDS_MODELS}")
        self._nursery.start_soon(_alone, async_fn, args, name, name=name)

    async def dismiss(self, member: str) -> None:
        """Stop an agent of a team that has ended."""
        with suppress(AgentNotFound, SupervisorStopped):
            await self.agents.stop_agent(member)

    @property
    def has_caller(self) -> bool:
        """Whether the instance has models among its services."""
        return self._caller is not None

    @property
    def caller(self) -> Caller:
        """What calls the models."""
        assert self._caller is not None  # noqa: S101  # flights begin in its service
        return self._caller


@frozen
class Begin(Effect):
    """A life begins: see what is in flight, and tell the agent of what was lost."""

    ends_with_process = True


@frozen
class Sync(Effect):
    """Make what is in flight equal to what is wanted."""

    ends_with_process = True

    events: tuple[ChatEvent, ...] = ()
    recovered: tuple[str, ...] = ()
    """Keys of lost flights of which the agent knows now."""
    bugs: tuple[str, ...] = ()
    """Of tools that ran within the agent, as they are logged."""


@interpret.register
def _(_directive: Begin, runtime: Runtime) -> None:
    desk_of(runtime.cell).begin(runtime)


@interpret.register
def _(directive: Sync, runtime: Runtime) -> None:
    desk_of(runtime.cell).sync(runtime, directive)


def desk_of(cell: Any) -> Desk:
    """Return what is kept of the flights of an agent, by its place in its instance."""
    desk: Desk | None = cell.kept(Desk)
    if desk is None:
        desk = Desk(AgentRef(cell), cell.instance.part(Flights))
        cell.keep(desk)
    return desk


Outcome: TypeAlias = Reply | NoReply | ToolResult
"""What a flight comes to."""


@define(eq=False)
class _Flight:
    """A call or a tool, until the agent knows what it came to."""

    cause: object = None
    """What it was begun for. Another flight has the same key where the agent has gone back, and went on otherwise."""
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    outcome: Outcome | None = None
    """What the agent was sent."""
    over: bool = False
    """Whether it has been told, or can't be."""


@define(eq=False)
class _Running:
    """A tool that is run."""

    tool: Tooling
    _agent: AgentRef[Any]
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    ended: trio.Event = field(factory=trio.Event)
    result: ToolResult | None = None

    async def run(self, key: str) -> None:
        """Run it, until it is cancelled."""
        works_for(cell_of(self._agent))
        try:
            with self.scope:
                self.result = await self.tool.run(key)
        finally:
            self.ended.set()


@define(eq=False)
class Desk:
    """The flights and waiters of one agent."""

    ref: AgentRef[Any]
    _flights: Flights
    _flying: dict[str, _Flight] = field(factory=dict)
    """By its key; one that has landed stays until the agent wants it no more, or it would be begun again."""
    _held: set[str] = field(factory=set)
    """Lost, and the agent isn't told yet: not to be started again before it knows."""
    _team: set[str] = field(factory=set)
    """Ids of the agents that its tools have asked; they end with it."""
    readable: Readable = field(factory=Readable)
    _changed: trio.Event = field(factory=trio.Event)
    _room: trio.Semaphore = field(factory=lambda: trio.Semaphore(TOOLS_AT_ONCE))

    def up(self) -> None:
        """See `Belonging`."""

    def again(self) -> None:
        """See `Belonging`."""

    def gone(self, exit: ExitKind) -> None:
        """See `Belonging`. Nobody is left to tell, so nothing needs to fly."""
        for flight in self._flying.values():
            flight.scope.cancel()
        self.readable.end()
        for member in sorted(self._team):
            self._flights.start(self._flights.dismiss, member, name=f"stop of {member}")
        self._wake()

    @property
    def is_busy(self) -> bool:
        """See `Working`. What is in flight would be lost if the agent were put to rest."""
        return bool(self._held) or any(not flight.over for flight in self._flying.values())

    def inspect(self) -> Mapping[str, object]:
        """Return what is in flight."""
        return {"flights": sorted(self._flying)}

    @property
    def has_models(self) -> bool:
        """Whether calls of models may fly."""
        return self._flights.has_caller

    @property
    def changed(self) -> trio.Event:
        """Is set after the next decision."""
        return self._changed

    # Lives

    def begin(self, runtime: Runtime) -> None:
        """Tell the agent which of its flights are lost, before any of them is started again.

        What came in may have been what it crashed at, and is gone then: it is sent again. Twice is once.
        """
        for flight in self._flying.values():
            if flight.outcome is not None:
                self._flights.start(self._tell, flight.outcome, name=f"outcome for {runtime.agent.id}")
        self._find_lost(runtime.agent)
        self.sync(runtime, Sync())

    def went_back(self) -> None:
        """See `Returning`. What was begun after that point ends; what flew at it, and doesn't now, is lost."""
        rules, c = chat_of(self.ref.agent)
        causes = {want.key: _cause_of(c, want) for want in wanted(rules, c) if not isinstance(want, AskApproval)}
        for key in [key for key, flight in self._flying.items() if causes.get(key) != flight.cause]:
            self._flying.pop(key).scope.cancel()
        self.readable.forget(c)
        self._find_lost(self.ref.agent)
        self._wake()

    def became(self) -> None:
        """See `Becoming`. What waits for somebody goes by other tools, and nothing may fly that would show it."""
        self._find_lost(self.ref.agent)
        self._wake()

    def _find_lost(self, agent: Agent[Any]) -> None:
        """Tell the agent what should be in flight, and isn't; and that a call which waits has another tool by now.

        Then it fits that no more, or is to be allowed in time, or in no time any more.
        """
        rules, c = chat_of(agent)
        self._held = set(lost(rules, c, self._flying))
        waiting = [want for want in wanted(rules, c) if isinstance(want, AskApproval)]
        unfit = any(problem_of(rules.tools, want.name, want.arguments) for want in waiting)
        retimed = tuple(want.id for want in waiting if _expires(rules, want) != self._has_timer(want))
        if self._held or unfit or retimed:
            recover = Recover(lost=tuple(sorted(self._held)), retimed=retimed)
            self._flights.start(self._tell, recover, name=f"recovery of {agent.id}")

    def _has_timer(self, want: AskApproval) -> bool:
        return is_scheduled(cell_of(self.ref), expiry_key(want.id))

    def sync(self, runtime: Runtime, sync: Sync) -> None:
        """Start what is wanted and isn't in flight; cancel what isn't wanted any more; tell readers and waiters."""
        rules, c = chat_of(runtime.agent)
        self._held.difference_update(sync.recovered)
        wants = {want.key: want for want in wanted(rules, c) if not isinstance(want, AskApproval)}
        for key in [key for key in self._flying if key not in wants]:
            self._flying.pop(key).scope.cancel()
        for bug in sync.bugs:
            LOG.error("a tool of agent %s has a bug: %s", self.ref.id, bug)
        for event in sync.events:
            if isinstance(event, Replied | CallFailed | Compacted):
                self._settled(event)
            self.readable.show(rules, c, event)
        for key, want in wants.items():
            if key not in self._flying and key not in self._held:
                self._launch(runtime, rules, c, want)
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    def _settled(self, event: Replied | CallFailed | Compacted) -> None:
        """Report a call that was dearer than any that a budget foresees."""
        called = self.readable.called
        if called is None or (called.call, called.attempt) != (event.call, event.attempt):
            return
        spent, most = event.spent, called.reserved
        if spent.tokens > most.tokens or spent.money > most.money:
            LOG.warning(
                "call %s of agent %s took %d tokens and %d millionths of money, and was foreseen to take %d and %d at "
                "most; it is booked as it was. Is max_tokens= of model %r, or its price, what its provider goes by?",
                flight_key(event.call, event.attempt),
                self.ref.id,
                spent.tokens,
                spent.money,
                most.tokens,
                most.money,
                called.model,
            )

    # Flights

    def _launch(self, runtime: Runtime, rules: Rules, c: Conversation, want: CallModel | RunTool) -> None:
        flight = self._flying[want.key] = _Flight(_cause_of(c, want))
        key = known_by(self.ref.id, self._flights.source, c, want)
        if isinstance(want, CallModel):
            self.readable.called = c.called
            prompt = render(rules, c, want.model, want.purpose)
            parts = self.readable.of_call(want.call) if want.purpose == "chat" else None
            self._flights.start(self._call, flight, want, prompt, key, parts, name=f"call {want.key} of {self.ref.id}")
        else:
            limits = ((rules.budget, c.turn.spent), (c.turn.budget, c.turn.spent), (rules.total, c.spent))
            backing = Backing(self._flights.agents, self._team, share(limits, max(len(c.open), 1)))
            tool = Tooling(runtime.agent, runtime.resources, rules, want, backing)
            self._flights.start(self._run, flight, tool, key, name=f"tool {want.name} of {self.ref.id}")

    async def _call(self, flight: _Flight, want: CallModel, prompt: Prompt, key: str, parts: Parts | None) -> None:
        works_for(cell_of(self.ref))
        with flight.scope:
            await trio.sleep(want.delay)
            try:
                told = await self._flights.caller.call(
                    prompt, key, Letters(parts.tell) if parts is not None else _nobody
                )
                outcome = _told(want, told)
            except Exception as error:
                LOG.exception("call %s of agent %s: its client has a bug", want.key, self.ref.id)
                outcome = _told(want, ModelFailure(f"its client has a bug: {shown_error(error)}", "fallback"))
            await self._land(flight, outcome)

    async def _run(self, flight: _Flight, tool: Tooling, key: str) -> None:
        want = tool.want
        with flight.scope:
            async with self._room:
                await self._tell(StartTool(id=want.id))
                result = await self._result_of(tool, key)
            await self._land(flight, result)

    async def _land(self, flight: _Flight, outcome: Outcome) -> None:
        flight.outcome = outcome
        try:
            await self._tell(outcome)
        finally:
            flight.over = True

    async def _result_of(self, tool: Tooling, key: str) -> ToolResult:
        """Run a tool as a task of its own, so that one which ignores its cancellation keeps nobody waiting."""
        running = _Running(tool, self.ref)
        self._flights.start(running.run, key, name=f"run of {tool.want.id}")
        try:
            with trio.move_on_after(tool.seconds + PATIENCE):
                await running.ended.wait()
        except trio.Cancelled:
            running.scope.cancel()
            with trio.move_on_after(PATIENCE, shield=True):
                await running.ended.wait()
            raise
        finally:
            running.scope.cancel()
            if not running.ended.is_set():
                LOG.warning(
                    "tool %s (%s) of agent %s ignores its cancellation, and still runs; its call is closed, what it "
                    "does from now on is told nobody",
                    tool.want.name,
                    tool.want.id,
                    self.ref.id,
                )
        return running.result if running.result is not None else tool.overdue

    async def _tell(self, given: Recover | StartTool | Outcome) -> None:
        """Send the agent an outcome; it is on disk then, if the agent is durable."""
        pause = 0.1
        while True:
            try:
                await self.ref.cast(given)
            except (StorageError, MailboxFull) as error:  # an outcome is known by its call, so twice is once
                LOG.warning("an outcome for agent %s can't be kept yet: %s", self.ref.id, said(error))
                await trio.sleep(pause)
                pause = min(2 * pause, 10)
            except CallError as error:  # it has ended, or belongs to another process now
                LOG.info("an outcome for agent %s has no receiver: %s", self.ref.id, said(error))
                return
            else:
                return


async def _alone(async_fn: Callable[..., Awaitable[object]], args: tuple[object, ...], name: str) -> None:
    """Run a flight so that a bug in it ends no other."""
    try:
        await async_fn(*args)
    except Exception:
        LOG.exception("%s has a bug", name)


def _nobody(_text: str) -> None:
    """Take what nobody reads."""


def _told(want: CallModel, outcome: object) -> Reply | NoReply:
    """Return what the agent is told.

    Raises:
        TypeError: It is neither a reply nor a failure.
        InvalidParams: Something in it is of another type than it says.
    """
    made = _made(want, outcome)
    Instruction(made).bind()
    return made


def _made(want: CallModel, outcome: object) -> Reply | NoReply:
    match outcome:
        case ModelReply(text, calls, finish, usage, verbatim):
            return Reply(
                call=want.call,
                attempt=want.attempt,
                text=clean(text),
                calls=tuple(evolve(call, name=clean(call.name), arguments=clean(call.arguments)) for call in calls),
                finish=finish,
                usage=usage,
                verbatim=verbatim,
            )
        case ModelFailure(why, kind, billed, usage, retry_after):
            return NoReply(
                call=want.call,
                attempt=want.attempt,
                why=clean(why),
                kind=kind,
                billed=billed,
                usage=usage,
                retry_after=retry_after,
            )
        case _:
            raise TypeError(f"{shown(outcome, 100)} is no ModelReply and no ModelFailure")


def _expires(rules: Rules, want: AskApproval) -> bool:
    tool = rules.tool(want.name)
    return tool is not None and tool.expires is not None


def _cause_of(c: Conversation, want: CallModel | RunTool) -> object:
    return c.called if isinstance(want, CallModel) else want


def chat_of(agent: Agent[Any]) -> tuple[Rules, Conversation]:
    """Return the rules and the conversation of an agent, whether it has plugins or not."""
    return cast("Any", type(agent)).rules, own_state(agent.strategy_state)
