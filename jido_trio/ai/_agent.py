"""ChatAgent: an agent whose strategy is a conversation. What it is told goes to `decide`; pure tools run at once."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from attrs import evolve, frozen
from typing_extensions import TypeVar

from jido_trio import checks
from jido_trio.ai._budget import Budget
from jido_trio.ai._conversation import AskApproval, Conversation, RunTool, expiry_key, known_by, wanted
from jido_trio.ai._decide import decided
from jido_trio.ai._events import ChatEvent
from jido_trio.ai._flights import Begin, Sync
from jido_trio.ai._inputs import (
    Approve,
    Ask,
    CancelRequest,
    ChatInput,
    Deny,
    NoReply,
    Recover,
    Reply,
    StartTool,
    ToolResult,
)
from jido_trio.ai._models import Models
from jido_trio.ai._rules import Busy, OnLost, Rules, check_rules
from jido_trio.ai._skills import Skills
from jido_trio.ai._tooling import as_content, bug_of
from jido_trio.ai._tools import Tool, checked_tools
from jido_trio.core import (
    Action,
    Agent,
    ApplyOutcome,
    CancelSchedule,
    Context,
    Direct,
    Durable,
    Instruction,
    NoState,
    Outcome,
    Schedule,
    Signal,
    run_instruction,
)
from jido_trio.errors import ActionError, InvalidArguments, InvalidDefinition
from jido_trio.redact import said, secret_texts, shown_error

State = TypeVar("State", default=NoState)

Directives = tuple[Any, ...]


EXPIRED = "jido.ai.approval.expired"
"""The signal that comes when nobody has allowed a tool in time."""


WRITTEN_WHOLE = 65_536
"""Bytes of a conversation from which on it isn't written with each input: it is not heard so often as other agents."""


@frozen
class Chatting(Direct):
    """Goes on with a conversation, which is the strategy's state. Actions are run as by `Direct`."""

    rules: Rules
    routes: ClassVar[Mapping[str, Any]] = {EXPIRED: Deny}
    inputs: ClassVar = (Ask, Reply, NoReply, StartTool, ToolResult, Approve, Deny, CancelRequest, Recover)

    def init(self, agent: Any) -> tuple[Any, Directives]:
        """Return the agent with its conversation, new or as it was left, and have its flights looked after."""
        if agent.strategy_state is None:
            agent = evolve(agent, strategy_state=Conversation())
        return agent, (Begin(),)

    def run(self, agent: Any, instructions: Sequence[Instruction], signal: Signal | None) -> tuple[Any, Directives]:
        """Return the agent after all instructions, and what is to be done."""
        directives: list[Any] = []
        for instruction in instructions:
            if instruction.action_class.is_input:
                given: Any = instruction.bind()
                agent, more = self._told(agent, given, signal)
            else:
                agent, more = super().run(agent, [instruction], signal)
            directives += more
        return agent, tuple(directives)

    def _told(self, agent: Any, given: ChatInput, signal: Signal | None) -> tuple[Any, Directives]:
        asked = self._approvals(agent.strategy_state)
        agent, events = self._decided(agent, given)
        effects: list[Any] = []
        bugs: tuple[str, ...] = ()
        lost, retimed = (given.lost, given.retimed) if isinstance(given, Recover) else ((), ())
        while (pure := self._next_pure(agent.strategy_state, lost)) is not None:
            tool, want = pure
            agent, begun = self._decided(agent, StartTool(id=want.id))
            agent, result, more, bug = _run_pure(agent, tool, want, signal)
            bugs += bug
            agent, returned = self._decided(agent, result)
            events += begun + returned
            effects += more
        waiting = self._approvals(agent.strategy_state)
        effects += [CancelSchedule(expiry_key(id)) for id, seconds in asked.items() if seconds and id not in waiting]
        effects += [_timed(id, waiting[id]) for id in waiting if id in retimed or (waiting[id] and id not in asked)]
        return agent, (*effects, Sync(events, lost, bugs))

    def _approvals(self, c: Conversation) -> Mapping[str, float | None]:
        """Return the calls that somebody must allow, each with the seconds in which that must be, if there are any."""
        asked = (want for want in wanted(self.rules, c) if isinstance(want, AskApproval))
        tools = ((want.id, self.rules.tool(want.name)) for want in asked)
        return {id: tool.expires for id, tool in tools if tool is not None}

    def _decided(self, agent: Any, given: ChatInput) -> tuple[Any, tuple[ChatEvent, ...]]:
        c, events = decided(self.rules, agent.strategy_state, given)
        return type(agent)(agent.id, agent.state, c), events

    def _next_pure(self, c: Conversation, lost: Sequence[str]) -> tuple[Tool, RunTool] | None:
        """Return the next tool that runs within `cmd`. One that began beside it, as it was then, must be lost first."""
        for want in wanted(self.rules, c):
            if isinstance(want, RunTool) and (want.id not in c.begun or want.id in lost):
                tool = self.rules.tool(want.name)
                if tool is not None and not tool.action.is_async:
                    return tool, want
        return None


def _timed(id: str, seconds: float | None) -> Schedule | CancelSchedule:
    """Return what denies a call that nobody allows in time; or what leaves it to wait."""
    if seconds is None:
        return CancelSchedule(expiry_key(id))
    denied = Signal(EXPIRED, {"id": id, "reason": f"nobody allowed it within {seconds:g} seconds"})
    return Schedule(seconds, denied, expiry_key(id))


def _run_pure(
    agent: Any, tool: Tool, want: RunTool, signal: Signal | None
) -> tuple[Any, ToolResult, Sequence[Any], tuple[str, ...]]:
    """Run a `def run` tool: its changes are the agent's, and the model is told its `reply`, or the changes.

    A bug in it is told the model, and returned to be logged: another life would come to the same.
    """
    try:
        action: Any = tool.made(want.arguments)
    except InvalidArguments as unfit:  # the tool is another one since it was asked for
        return agent, ToolResult(id=want.id, content=said(unfit), error=True), (), ()
    # What is told within the instance has its source, and comes again with the journal.
    call = known_by(agent.id, signal.source if signal is not None else "", agent.strategy_state, want)
    try:
        changes = action.run(Context(agent.state, agent, signal, {"call": call}))
        applied = Instruction(ApplyOutcome(outcome=Outcome(Instruction(action), changes)))
        after, effects = run_instruction(agent, applied, signal)
        content = as_content(action.reply(after) if action.replies else _told_of(changes, type(agent.state), action))
    except ActionError as error:
        return agent, ToolResult(id=want.id, content=said(error, hide=secret_texts(action)), error=True), (), ()
    except Exception as error:  # noqa: BLE001  # it is told, and logged
        bug = f"{want.name} ({want.id}): {bug_of(error, action)}"
        why = f"the tool failed: {shown_error(error, hide=secret_texts(action))}"
        failed = ToolResult(id=want.id, content=why, error=True)
        return agent, failed, (), (bug,)
    return after, ToolResult(id=want.id, content=content), effects, ()


def _told_of(result: object, state: type, action: Action) -> object:
    """Return the changes, of what an action returned; what it wants done is nobody else's business."""
    changes = result[0] if isinstance(result, tuple) and result else result
    kinds = (Mapping, state) if action.output is None else (Mapping, state, action.output)
    return changes if isinstance(changes, kinds) else "done"


@frozen
class _Own:
    """What a class says, or has of those that it is made of: its skills are told of in the rules."""

    instructions: str = ""
    tools: tuple[Tool, ...] = ()
    skills: Skills | None = None

    @property
    def all_instructions(self) -> str:
        """With what is told of the skills."""
        if self.skills is None:
            return self.instructions
        return f"{self.instructions}\n\n{self.skills.instructions}".strip()

    @property
    def all_tools(self) -> Sequence[Tool]:
        """With the one that loads skills."""
        return self.tools if self.skills is None else (*self.tools, self.skills.tool)


class ChatAgent(Agent[State]):
    """An agent that speaks with models: `class Planner(ChatAgent[Trip], models=MODELS, model="fast", tools=[Weather])`.

    Its conversation is kept as its state is: in memory, over its crashes; with `durable=True`, over the process's.

    Args:
        models: The models that there are.
        model: The name of the one to call.
        instructions: What every call begins with.
        tools: Actions, or `Tool(action, ...)`. A `def run` runs within `cmd`, and its changes are the agent's; an
            `async def run` runs beside it, and what it returns is told to the model.
        answer: A frozen attrs class that answers must fit.
        repairs: How often the model may mend one that doesn't.
        budget: Of one request; 50 calls, and five times in a row the very same tools, if you say nothing.
        total: Of the whole conversation.
        busy: What becomes of a request while another is worked at: "queue", "steer" or "reject".
        on_lost: What becomes of a call of a model that was in flight when the process died: "resend" or "fail".
        retries: How often a model is tried again.
        first_pause: Seconds before that; each later pause is twice as long.
        compact_at: Bytes of a prompt from which on what was said before is made a summary; None for never.
        skills: Instructions in folders, which the model is told of by name, and loads when it needs them.
        keywords: As of any `Agent`.

    Raises:
        InvalidDefinition: When the class is made.
    """

    rules: ClassVar[Rules] = Rules()
    models: ClassVar[Models | None] = None
    """The models that the class was given."""
    _own: ClassVar[_Own] = _Own()

    def __init_subclass__(
        cls,
        *,
        models: Models | None = None,
        model: str | None = None,
        instructions: str | None = None,
        tools: Sequence[type[Action] | Tool] | None = None,
        answer: type[Any] | None = None,
        repairs: int | None = None,
        budget: Budget | None = None,
        total: Budget | None = None,
        busy: Busy | None = None,
        on_lost: OnLost | None = None,
        retries: int | None = None,
        first_pause: float | None = None,
        compact_at: int | None = None,
        skills: Skills | None = None,
        **keywords: Any,
    ) -> None:
        owner = f"agent {cls.__qualname__}"
        if not isinstance(models, Models | None):
            raise checks.refused(owner, "models", models, "must be Models(fast=Model(...))")
        if not isinstance(skills, Skills | None):
            raise checks.refused(owner, "skills", skills, "must be what skills_in(folder) returns")
        if instructions is not None:
            checks.text(owner, "instructions", instructions, blank=True)
        cls._own = own = _Own(
            instructions if instructions is not None else cls._own.instructions,
            checked_tools(owner, tools) if tools is not None else cls._own.tools,
            skills if skills is not None else cls._own.skills,
        )
        given = {
            "models": models.rules if models is not None else None,
            "model": model,
            "instructions": own.all_instructions,
            "tools": checked_tools(owner, own.all_tools),
            "answer": answer,
            "repairs": repairs,
            "budget": budget,
            "total": total,
            "busy": busy,
            "on_lost": on_lost,
            "retries": retries,
            "first_pause": first_pause,
            "compact_at": compact_at,
        }
        if models is not None:
            cls.models = models
        changes: Any = {name: value for name, value in given.items() if value is not None}
        cls.rules = evolve(cls.rules, **changes)
        check_rules(owner, cls.rules)
        if "strategy" in keywords:
            raise InvalidDefinition(f"{owner} speaks with models: that is its strategy, and it can't have another")
        keywords.setdefault("after_crash", "committed")
        if keywords.get("durable") is True:
            keywords["durable"] = Durable(snapshot_below=WRITTEN_WHOLE)
        super().__init_subclass__(strategy=Chatting(cls.rules), **keywords)
