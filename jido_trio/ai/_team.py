"""Teams: an agent as the tool of another. It has a conversation of its own, and spends of the other's budget.

Each agent has its own one of a class, with the id `asker/name`. The id of the question is the key of the call, so
one that is run again after a death is the same request: nothing is asked or paid twice, and the tool is "safe".
"""

from contextlib import suppress
from types import new_class
from typing import Any, ClassVar

import trio

from jido_trio import checks
from jido_trio.ai._agent import ChatAgent
from jido_trio.ai._inputs import CancelRequest
from jido_trio.ai._outcome import Answered, Cancelled, ChatOutcome, NeedsApproval, NotAnswered, OutOfBudget
from jido_trio.ai._request import ask
from jido_trio.ai._tooling import BACKING, Backing, Consulted
from jido_trio.ai._tools import Tool, services_of
from jido_trio.core import Action, Context
from jido_trio.errors import ActionError, CallError, InvalidDefinition, WouldDeadlock
from jido_trio.redact import said, shown

PATIENCE = 5
"""Seconds in which a question that nobody waits for any more is cancelled."""


class _Consult(Action):
    """Ask another agent."""

    member: ClassVar[type[ChatAgent[Any]]]
    hand_over: ClassVar[bool]
    needs: ClassVar[tuple[object, ...]]
    """See `services_of`."""
    question: str

    async def run(self, context: Context[Any]) -> Any:
        """Return what it answers, and what that took."""
        backing: Backing | None = context[BACKING]
        if backing is None:
            raise ActionError("it is asked within a conversation only")
        if not self.question.strip():
            raise ActionError("the question is empty: ask something")
        id = f"{context.agent.id}/{self.name}"
        backing.team.add(id)
        ref = backing.agents.whereis(id) or await backing.agents.start_agent(self.member, id=id)
        key = str(context.key)
        try:
            request = await ask(ref, self.question, id=key, budget=backing.share)
            return self._told(await request.answer())
        except trio.Cancelled:  # it may be taken by now, though nobody was told
            with trio.move_on_after(PATIENCE, shield=True), suppress(CallError):
                await ref.cast(CancelRequest(request=key))
            raise
        except WouldDeadlock as error:
            circle = error
        except CallError as error:  # it was stopped, by the end of the instance mostly, or is too busy
            raise ActionError(f"it had no answer: {said(error)}") from error
        await ref.cast(CancelRequest(request=key))  # nobody would hear of it
        raise ActionError(said(circle)) from circle

    def _told(self, outcome: ChatOutcome) -> Consulted:
        match outcome:
            case Answered(text=text, spent=spent):
                return Consulted(text, spent, final=self.hand_over)
            case OutOfBudget(limit=limit, spent=spent):
                return Consulted(f"It had no answer: the budget of {limit} is used up.", spent, error=True)
            case NotAnswered(why=why, spent=spent):
                return Consulted(f"It had no answer: {why}", spent, error=True)
            case Cancelled(spent=spent):
                return Consulted("It was cancelled.", spent, error=True)
            case NeedsApproval():
                raise AssertionError(f"{self.member.__qualname__} has tools that somebody must allow")


def teammate(
    agent: type[ChatAgent[Any]],
    *,
    name: str | None = None,
    description: str | None = None,
    hand_over: bool = False,
    approve: bool = False,
) -> Tool:
    """Return an agent as the tool of another: the model asks it a question, and is told its answer.

    What it spends counts for the asker, too: it has a share of what is left of the asker's budgets, beside its own.

    Args:
        agent: Its class. Its models must be among those of the instance; it is started when it is first asked.
        name: Of the tool; the agent's if not given.
        description: What the model is told of it; the agent's if not given.
        hand_over: Whether its answer is the answer of the request, as it is; the asker's model isn't called again.
        approve: Whether somebody must allow each question.

    Raises:
        InvalidDefinition: It is no `ChatAgent` with models, or has tools that somebody must allow.
    """
    given: object = agent
    if not (isinstance(given, type) and issubclass(given, ChatAgent)) or given.models is None:
        raise InvalidDefinition(f"{shown(agent)} can't be a teammate: give a ChatAgent that has models")
    asking = [tool.name for tool in agent.rules.tools if tool.approve]
    if asking:
        raise InvalidDefinition(
            f"agent {agent.__qualname__} can't be a teammate: nobody would be asked to allow its tool {asking[0]!r}; "
            "say approve=True of the teammate instead"
        )
    checks.flag(f"teammate {agent.__qualname__}", "hand_over", hand_over)
    told = {
        "name": agent.name if name is None else name,
        "description": description or agent.description or f"Ask {agent.name}",
    }
    space = {"member": agent, "hand_over": hand_over, "needs": services_of(agent.rules.tools)}
    made: Any = new_class(agent.__qualname__, (_Consult,), told, lambda body: body.update(space))
    return Tool(made, replay="safe", approve=approve)
