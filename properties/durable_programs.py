"""A durable agent for random programs, and what its senders know of it.

Its actions are pure, as those of durable agents must be: what was done is in its state alone. Each message has a
number, which is in the state once if it was kept, and never if its sender was told that it is not. An async action that
follows from a message leaves its number with a minus.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import trio
from attrs import define, field, frozen

from jido_trio.core import Action, Agent, Context, Durable, Instruction, Outcome, Result, RunInstruction, Signal
from jido_trio.errors import ActionError, AgentCrashed, CallError
from jido_trio.runtime import AgentRef, DeadLetter, Partition
from jido_trio.testing._instance_laws import check_calm, check_ledger
from properties.runtime_programs import Nap

KEEPS = ("well", "well", "nap", "work", "crash", "refuse")
"""What a message asks for."""
SAFE_DOORS = ("cast", "cast many", "call", "call", "settled call", "impatient settled call")
PATIENCE = 0.4

Known: TypeAlias = Literal["sent", "kept", "not kept", "unknown"]
"""What the sender of a message knows of it."""


@frozen
class Kept:
    numbers: tuple[int, ...] = ()


class Keep(Action):
    number: int
    end: str

    def run(self, context: Context[Kept]) -> Result:
        match self.end:
            case "crash":
                raise ZeroDivisionError(f"kept {self.number}")
            case "refuse":
                raise ActionError("no")
            case "work":
                work = RunInstruction(Instruction(Later(number=self.number)), result_action=KeepLater)
                return {"numbers": (*context.state.numbers, self.number)}, work
            case "nap":
                return {"numbers": (*context.state.numbers, self.number)}, [Nap(0.5, crash=False)]
            case _:
                return {"numbers": (*context.state.numbers, self.number)}


class Later(Action):
    """What is kept later; it may be done again."""

    number: int

    async def run(self, context: Context[Kept]) -> int:
        await trio.sleep(0.5)
        return -self.number


class KeepLater(Action):
    outcome: Outcome

    def run(self, context: Context[Kept]) -> Result:
        return {"numbers": (*context.state.numbers, self.outcome.result)}


class Keeper(Agent[Kept], routes={"keep": Keep}, durable=Durable(effects="at_least_once")):
    """Keeps numbers."""


@define(eq=False)
class Safe:
    """What was sent to the durable agent, and what its senders know of that."""

    sent: dict[int, Known] = field(factory=dict)
    works: set[int] = field(factory=set)
    """Messages that lead to something later."""
    asking: set[int] = field(factory=set)
    letters: list[DeadLetter] = field(factory=list)

    async def send(self, ref: AgentRef[Any], ends: dict[int, str], door: str) -> None:
        """Send messages, and write down what is told of them."""
        self.sent |= dict.fromkeys(ends, "sent")
        self.works |= {number for number, end in ends.items() if end == "work"}
        signals = {number: Signal("keep", {"number": number, "end": end}) for number, end in ends.items()}
        if door == "cast many":
            await self._cast_many(ref, signals, ends)
        else:
            for number, signal in signals.items():
                await self._send(ref, number, signal, ends[number], door)

    async def _cast_many(self, ref: AgentRef[Any], signals: dict[int, Signal], ends: dict[int, str]) -> None:
        try:
            await ref.cast_many(list(signals.values()))
        except CallError as error:
            before = int(error.__notes__[0].split()[0])
        else:
            before = len(signals)
        for at, number in enumerate(signals):
            self.sent[number] = "not kept" if at > before else _cast(ends[number]) if at < before else "unknown"

    async def _send(self, ref: AgentRef[Any], number: int, signal: Signal, end: str, door: str) -> None:
        self.asking.add(number)
        try:
            if door == "cast":
                await ref.cast(signal)
                self.sent[number] = _cast(end)
                return
            if "settled" in door:
                seconds = PATIENCE if "impatient" in door else None
                settled = await ref.call(signal, until="settled", timeout=seconds)
                numbers = settled.agent.state.numbers
                assert (-number in numbers) == (end == "work"), f"{number} is settled with {numbers}"
            else:
                numbers = (await ref.call(signal, timeout=None)).state.numbers
            assert number in numbers, f"{number} was answered with {numbers}"
            self.sent[number] = "kept"
        except ActionError:
            self.sent[number] = "not kept"
        except CallError as error:
            self.sent[number] = _told(error, end, door)
        finally:
            self.asking.remove(number)

    def check(self, place: Partition, ref: AgentRef[Any]) -> None:
        """Fail unless the agent has all that it must have, and nothing else."""
        check_ledger(place)
        check_calm(ref)
        view, numbers = ref.inspect(), ref.agent.state.numbers
        assert len(set(numbers)) == len(numbers), f"something was kept twice: {numbers}"
        assert {abs(number) for number in numbers} <= set(self.sent), f"nobody sent all of {numbers}: {self.sent}"
        wrong = [number for number in numbers if self.sent[abs(number)] == "not kept"]
        assert wrong == [], f"{wrong} were kept, and their senders know better: {view}"
        at_rest = view.at in ("idle", "resting")
        if at_rest:
            lost = [number for number, known in self.sent.items() if known == "kept" and number not in numbers]
            assert lost == [], f"{lost} were to be kept, and are lost: {numbers}, {view}"
            assert not view.mailbox.waiting
        if at_rest and not view.actions:
            late = [number for number in self.works if number in numbers and -number not in numbers]
            assert late == [], f"what was to follow from {late} never came: {view}"


def _cast(end: str) -> Known:
    """What is known of a message that was cast, and is on record."""
    return "kept" if end in ("well", "nap", "work") else "not kept"


def _told(error: CallError, end: str, door: str) -> Known:
    """What is known of a message that a call of it was told of."""
    if end in ("crash", "refuse"):
        return "not kept"
    return "unknown" if isinstance(error, AgentCrashed) or "settled" in door or door == "cast" else "not kept"
