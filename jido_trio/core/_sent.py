"""What agents are sent: a signal, which goes where the routes lead; or an action, which is run.

An action travels as a signal that carries it, `jido.action.` and its name: so it waits, is stored, replayed, counted
and told of as every signal is. Only a value in this program is one to be run: what came from outside is plain data,
whatever its type says, and goes where the routes lead.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, TypeVar

from jido_trio.core._action import Action
from jido_trio.core._instruction import Instruction
from jido_trio.core._signal import Signal, new_signal

Sent: TypeAlias = Signal | Action | Instruction
"""What an agent can be sent."""

AgentT_contra = TypeVar("AgentT_contra", contravariant=True)
Reply_co = TypeVar("Reply_co", covariant=True)


class Replying(Protocol[AgentT_contra, Reply_co]):
    """An action that says what a call of it returns."""

    def reply(self, agent: AgentT_contra, /) -> Reply_co:
        """Return it, of the agent as the action left it."""
        ...


CARRIER = "jido.action."
"""What the types of signals that carry an action begin with."""

Receive: TypeAlias = Callable[[Any, Signal, Any], Any]
"""Takes an agent, a signal, and that signal as the cause."""


def carrier(command: Action | Instruction, source: str) -> Signal:
    """Return the signal that an action is sent as."""
    action = command.action_class if isinstance(command, Instruction) else type(command)
    return new_signal(CARRIER + action.name, command, source)


def carried(signal: Signal | None) -> Action | Instruction | None:
    """Return the action that a signal carries, if it does."""
    if signal is not None and isinstance(signal.data, Action | Instruction) and signal.type.startswith(CARRIER):
        return signal.data
    return None


def unwrapping(receive: Receive) -> Receive:
    """Return what has an agent run the action that a signal carries, and leaves other signals to `receive`."""

    def run_or_receive(agent: Any, signal: Signal, cause: Any) -> Any:
        command = carried(signal)
        return receive(agent, signal, cause) if command is None else agent.cmd(command, signal=signal)

    return run_or_receive
