"""A request, as its asker holds it: parts as they come, the answer, cancel, approvals."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, TypeAlias

import trio
from attrs import field, frozen

from jido_trio import checks
from jido_trio.ai._agent import ChatAgent
from jido_trio.ai._budget import NOTHING_SPENT, Budget
from jido_trio.ai._conversation import AskApproval, joined, wanted
from jido_trio.ai._events import Ended
from jido_trio.ai._flights import NEEDS_MODELS, Desk, chat_of, desk_of
from jido_trio.ai._inputs import Approve, Ask, CancelRequest, Deny
from jido_trio.ai._outcome import ChatOutcome, NeedsApproval, NotAnswered, outcome_of
from jido_trio.ai._parts import Part, Parts
from jido_trio.ai._rules import Rules
from jido_trio.ai._tools import problem_of
from jido_trio.errors import AgentStopped, InvalidDefinition, NotSettled
from jido_trio.redact import shown
from jido_trio.runtime import AgentRef
from jido_trio.runtime.inner import cell_of, work_waiting_for
from jido_trio.world import current

UNKNOWN = "the agent doesn't know it: it never did, or that is long ago"

Asking: TypeAlias = AgentRef[Any]
"""A ref to an agent that speaks with models."""


async def ask(
    agent: Asking, text: str, *, id: str | None = None, pinned: bool = False, budget: Budget | None = None
) -> "Request":
    """Ask an agent something, and return the request; a durable agent has it on disk then.

    Args:
        agent: One of a `ChatAgent`.
        text: What is asked.
        id: Names the request: asked again with the same it is the same request. A fresh one if not given.
        pinned: Whether the text outlives compaction.
        budget: Of this request alone, beside what its class says.

    Raises:
        InvalidDefinition: It is no agent that speaks with models, or its instance has none; the text or the id says
            nothing; or another text was asked by that id.
        CallError: The agent doesn't take it.
    """
    _check_chats(agent)
    named = id if id is not None else current().ids()
    checks.text("a request", "text", text)
    checks.text("a request", "id", named)
    checks.flag("a request", "pinned", pinned)
    if not desk_of(cell_of(agent)).has_models:
        raise InvalidDefinition(f"agent {shown(agent.id)} speaks with models, and {NEEDS_MODELS}")
    after: ChatAgent[Any] = await agent.call(Ask(request=named, text=text, pinned=pinned, budget=budget))
    _, chat = chat_of(after)
    if chat.text_of(named) not in (None, text):
        raise InvalidDefinition(
            f"request {shown(named)} of agent {shown(agent.id)} was asked before, with another text: give each "
            "question an id of its own",
            field="id",
            value=named,
        )
    return Request(agent, named, is_taken=chat.knows(named))


def find_request(agent: Asking, id: str) -> "Request | None":
    """Return a request that was asked before, or None if the agent doesn't know it.

    Raises:
        InvalidDefinition: It is no agent that speaks with models.
    """
    _check_chats(agent)
    return Request(agent, id) if chat_of(agent.agent)[1].knows(id) else None


@frozen
class Request:
    """Something that was asked. Letting go of it cancels nothing."""

    agent: Asking
    id: str
    is_taken: bool = field(default=True, kw_only=True)
    """Whether the agent took it: not if another is worked at, and it takes no more than one."""

    async def answer(self, timeout: float | None = None) -> ChatOutcome:
        """Wait for what it comes to; `NeedsApproval` comes each time that nothing goes on before somebody decides.

        Args:
            timeout: Seconds to wait; None waits for ever. The request goes on, however long.

        Raises:
            AgentStopped: The agent was stopped.
            NotSettled: It has not ended in time.
            WouldDeadlock: The agent waits for what calls this: a tool, an interpreter, an async action. The request
                goes on.
            InvalidDefinition: The timeout is no time.
        """
        checks.seconds("an answer", "timeout", timeout, or_none="None to wait for ever")
        if timeout is None:
            return await self._outcome(partial(work_waiting_for, until="answer"))
        with trio.move_on_after(timeout):
            return await self._outcome(nullcontext)  # it ends in any case
        raise NotSettled(self.agent.id, timeout, (f"request {self.id}",))

    async def _outcome(self, waiting_for: Callable[[Any], AbstractContextManager[None]]) -> ChatOutcome:
        await trio.lowlevel.checkpoint()
        if not self.is_taken:
            return NotAnswered("busy: another request is worked at", "", (), NOTHING_SPENT)
        while True:
            desk = self._desk
            changed = desk.changed
            rules, c = chat_of(self.agent.agent)
            ended = c.end_of(joined(c, self.id))
            if ended is not None:
                return outcome_of(rules, ended)
            if not c.knows(self.id):
                return NotAnswered(UNKNOWN, "", (), NOTHING_SPENT)
            wants = wanted(rules, c)
            asked = tuple(want for want in wants if isinstance(want, AskApproval) and _can_be_run(rules, want))
            if asked and len(asked) == len(wants) and c.request == joined(c, self.id):
                return NeedsApproval(asked)
            if not self.agent.running:
                raise AgentStopped(self.agent.id)
            with waiting_for(cell_of(self.agent)):
                await changed.wait()

    def parts(self) -> AsyncIterator[Part]:
        """Return what gives what happens as it happens, from the start, until the request has ended.

        Whoever stops reading leaves nothing behind, and may go on later where they stopped.
        What a process that died had shown is gone; the text of an answer comes as one part then.
        """
        desk = self._desk
        _, c = chat_of(self.agent.agent)
        ended: Ended | None = c.end_of(joined(c, self.id))
        none_to_come = ended is not None or not self.agent.running
        if not c.knows(self.id) or (none_to_come and not desk.readable.has(joined(c, self.id))):
            kept = Parts()
            kept.tell(ended.text if ended is not None else "")
            kept.end()
            return kept.read()
        return desk.readable.of(joined(c, self.id)).read()

    async def cancel(self) -> None:
        """Cancel it: what is in flight is stopped, what it may have cost is booked, the conversation goes on.

        One that steered another is part of that, which is cancelled.
        """
        await self.agent.call(CancelRequest(request=self.id))

    async def approve(self, call: AskApproval | str, by: str = "") -> None:
        """Allow a call of a tool."""
        await self.agent.call(Approve(id=_id_of(call), by=by))

    async def deny(self, call: AskApproval | str, reason: str = "") -> None:
        """Forbid a call of a tool; the model is told the reason."""
        await self.agent.call(Deny(id=_id_of(call), reason=reason))

    @property
    def _desk(self) -> Desk:
        return desk_of(self.agent._cell)  # noqa: SLF001  # a desk belongs to the agent's place


def _check_chats(agent: object) -> None:
    if not isinstance(getattr(agent, "agent", None), ChatAgent):
        raise checks.refused("", "agent", agent, "must be a ref to a ChatAgent, as start_agent(...) returns")


def _can_be_run(rules: Rules, call: AskApproval) -> bool:
    """Tell whether a call fits its tool, which may be another one by now: then the model is about to be told."""
    return problem_of(rules.tools, call.name, call.arguments) is None


def _id_of(call: object) -> str:
    if isinstance(call, AskApproval):
        return call.id
    checks.text("an approval", "call", call)
    return str(call)
