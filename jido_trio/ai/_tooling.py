"""A tool as it is run beside its agent, and the text that a model is told of what it did, whatever that is."""

from __future__ import annotations

import json
import logging
from traceback import format_exception
from typing import Any

import trio
from attrs import frozen

from jido_trio.ai._budget import Budget, Spent
from jido_trio.ai._conversation import RunTool
from jido_trio.ai._inputs import ToolResult
from jido_trio.ai._letters import clean
from jido_trio.ai._rules import Rules
from jido_trio.core import Action, Agent, Context, Resources
from jido_trio.data import Misfit, unstructure
from jido_trio.errors import ActionError, InvalidArguments
from jido_trio.redact import said, secret_texts, shown, shown_error, without
from jido_trio.runtime import Agents, run

LOG = logging.getLogger("jido_trio.ai")

BACKING = "jido_trio.ai.backing"


@frozen
class Backing:
    """What a tool has that asks other agents."""

    agents: Agents
    team: set[str]
    """Ids of those that were asked."""
    share: Budget
    """What it may spend on them."""


@frozen
class Consulted:
    """What another agent answered."""

    text: str
    spent: Spent
    error: bool = False
    final: bool = False


@frozen
class Tooling:
    """A tool that is to be run, for whom, and with what."""

    agent: Agent[Any]
    resources: Resources
    rules: Rules
    want: RunTool
    backing: Backing | None = None
    """None where it is run for no conversation."""

    async def run(self, key: str) -> ToolResult:
        """Run it, and return what the model is told, whatever it does."""
        tool = self.rules.tool(self.want.name)
        if tool is None:
            return self._error(f"there is no tool {shown(self.want.name, 100)}")
        try:
            action: Any = tool.made(self.want.arguments)
        except InvalidArguments as unfit:
            return self._error(said(unfit))
        extra = {"call": key, BACKING: self.backing}
        context = Context(self.agent.state, self.agent, None, extra, self.resources, key=key)
        with trio.move_on_after(self.seconds):
            try:
                return self._result(await (action.run(context) if action.policy is None else run(action, context)))
            except ActionError as error:
                return self._error(said(error, hide=secret_texts(action)))
            except Exception as error:  # noqa: BLE001  # it is told, and logged
                bug = bug_of(error, action)
                LOG.error("tool %s (%s) of agent %s has a bug: %s", self.want.name, self.want.id, self.agent.id, bug)  # noqa: TRY400
                return self._error(f"the tool failed: {shown_error(error, hide=secret_texts(action))}")
        return self.overdue

    @property
    def seconds(self) -> float:
        """How long it may take."""
        tool = self.rules.tool(self.want.name)
        return float("inf") if tool is None or tool.timeout is None else tool.timeout

    @property
    def overdue(self) -> ToolResult:
        """What the model is told if it takes longer."""
        return self._error(f"it took longer than {self.seconds:g} seconds, and was cancelled. It may have happened.")

    def _result(self, value: object) -> ToolResult:
        if isinstance(value, Consulted):
            return ToolResult(
                id=self.want.id, content=clean(value.text), error=value.error, spent=value.spent, final=value.final
            )
        try:
            return ToolResult(id=self.want.id, content=as_content(value))
        except ValueError as error:
            LOG.error("tool %s of agent %s returned what is no JSON: %s", self.want.name, self.agent.id, said(error))  # noqa: TRY400
            return self._error("the tool returned what can't be told: it is no JSON")

    def _error(self, content: str) -> ToolResult:
        return ToolResult(id=self.want.id, content=content, error=True)


def bug_of(error: Exception, action: Action) -> str:
    """Return the traceback of a bug in a tool, as it is logged: without the secrets that it was given."""
    return without("".join(format_exception(error)), secret_texts(action))


def as_content(value: object) -> str:
    """Return what a tool returned as the text that a model is told.

    Raises:
        ValueError: It is neither text nor plain data.
    """
    if isinstance(value, str):
        return clean(value)
    try:
        return clean(json.dumps(unstructure(value), ensure_ascii=False, allow_nan=False))
    except (TypeError, ValueError, RecursionError, Misfit) as error:
        raise ValueError(f"{shown(value, 80)}: {said(error)}") from None
