"""Thread, memory and identity as plugins: singletons that hold nothing until something is put there."""

from collections.abc import Mapping
from typing import Any

import attrs
from attrs import frozen

from jido_trio.core import Action, Context, Identity, Memory, Plugin, Result, Thread
from jido_trio.errors import ActionError, InvalidDefinition


@frozen
class ThreadSlice:
    """What was said and done, in order."""

    thread: Thread | None = None


class AppendEntry(Action, name="thread_append"):
    """Append an entry to the thread."""

    kind: str = attrs.field(default="note", validator=attrs.validators.min_len(1))
    payload: Mapping[str, Any] = attrs.field(factory=dict)

    def run(self, context: Context[Any, Any]) -> Result:
        """Return the longer thread."""
        thread = context.agent.plugin(ThreadPlugin).thread or Thread.new()
        return ThreadPlugin.change({"thread": thread.append({"kind": self.kind, "payload": self.payload})})


class ThreadPlugin(Plugin[ThreadSlice], name="thread", singleton=True):
    """Keeps a thread: `thread.append` appends an entry. With `record` each action that was done is one, too."""

    record: bool = False
    """Whether an entry of kind "action" tells of each action that changed the agent: its name, and those of its
    parameters; never what they held."""

    def routes(self) -> Mapping[str, Any]:
        """Return the route to its action."""
        return {"append": AppendEntry}

    def on_result(self, action: Action, before: Any, after: Any) -> Any:
        """Return the agent with an entry for what it has done."""
        if not self.record or isinstance(action, AppendEntry):
            return after
        thread = after.plugin(ThreadPlugin).thread or Thread.new()
        params = [each.name for each in attrs.fields(type(action))]  # type: ignore[arg-type]  # it is an attrs class
        entry = {"kind": "action", "payload": {"action": action.name, "params": params}}
        return after.with_plugin(ThreadPlugin, {"thread": thread.append(entry)})


@frozen
class MemorySlice:
    """What the agent knows."""

    memory: Memory | None = None


class Remember(Action, name="memory_put"):
    """Put a value into a space of the memory."""

    key: str
    value: Any
    space: str = "world"

    def run(self, context: Context[Any, Any]) -> Result:
        """Return the memory with it, if there is such a space and it is a mapping."""
        memory = context.agent.plugin(MemoryPlugin).memory or Memory.new()
        try:
            return MemoryPlugin.change({"memory": memory.put_in(self.space, self.key, self.value)})
        except InvalidDefinition as error:
            raise ActionError(str(error)) from error


class MemoryPlugin(Plugin[MemorySlice], name="memory", singleton=True):
    """Keeps a memory: `memory.put` puts a value under a key of a space."""

    def routes(self) -> Mapping[str, Any]:
        """Return the route to its action."""
        return {"put": Remember}


@frozen
class IdentitySlice:
    """Who the agent is."""

    identity: Identity | None = None


class GrowOlder(Action, name="identity_grow_older"):
    """Grow older by years and days."""

    years: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    days: int = attrs.field(default=0, validator=attrs.validators.ge(0))

    def run(self, context: Context[Any, Any]) -> Result:
        """Return the older identity."""
        identity = context.agent.plugin(IdentityPlugin).identity or Identity.new()
        return IdentityPlugin.change({"identity": identity.evolve(years=self.years, days=self.days)})


class IdentityPlugin(Plugin[IdentitySlice], name="identity", singleton=True):
    """Keeps an identity: `identity.evolve` has it grow older by `years` and `days`."""

    def routes(self) -> Mapping[str, Any]:
        """Return the route to its action."""
        return {"evolve": GrowOlder}
