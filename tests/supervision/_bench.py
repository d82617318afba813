"""Drives the pure reducer as the shell does, without a task: facts at once, messages in their turn."""

from collections.abc import Sequence
from typing import Any

import trio
from attrs import define, field

from jido_trio.supervision import Child
from jido_trio.supervision import _events as ev
from jido_trio.supervision._flags import Flags
from jido_trio.supervision._pump import Pump
from jido_trio.supervision._tree import Tree
from jido_trio.terms import ExitKind
from properties.moves import check_moves


async def ready(*, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """A child that says when it is up."""
    task_status.started()
    await trio.sleep_forever()


def child(id: str, **options: Any) -> Child:
    """Return a child that is up as soon as it is started."""
    return Child(id, trio.sleep_forever, **options)


def children(ids: str, **options: Any) -> list[Child]:
    """Return a child for each letter."""
    return [child(id, **options) for id in ids]


@define(eq=False)
class Bench:
    """A tree and its mailbox. What it commands is said in words: "start a2" is the second life of child a.

    An obedient bench does at once what is commanded: a stopped child ends, a started one is ready.
    """

    pump: Pump = field(init=False)
    _flags: Flags
    obedient: bool = True
    now: float = 0.0
    said: list[str] = field(factory=list)
    commands: list[ev.TreeCommand] = field(factory=list)
    _requests: int = 0

    def __attrs_post_init__(self) -> None:
        self.pump = Pump(Tree(self._flags), lambda: self.now, self._carry_out)

    @property
    def tree(self) -> Tree:
        return self.pump.tree

    @classmethod
    def of(cls, boot: Sequence[Child] = (), *, obedient: bool = True, **flags: Any) -> "Bench":
        """Return a bench whose children are started."""
        bench = cls(Flags(**flags), obedient)
        bench.post(ev.Boot(tuple(boot)))
        bench.said.clear()
        return bench

    # ---- events

    def fact(self, event: ev.Fact) -> list[str]:
        """Tell a fact, and return what was commanded."""
        first = len(self.said)
        self.pump.fact(event)
        return self.said[first:]

    def post(self, message: ev.TreeMessage) -> list[str]:
        """Put a message into the mailbox, and return what was commanded."""
        first = len(self.said)
        self.pump.post(message)
        return self.said[first:]

    def ends(self, id: str, exit: ExitKind = "crash", *, at: float | None = None) -> list[str]:
        """Let the current life of child `id` end."""
        self.now = self.now if at is None else at
        return self.fact(ev.ChildExited(id, self.incarnation(id), exit))

    def starts(self, id: str) -> list[str]:
        """Let the life of child `id` say that it is up."""
        return self.fact(ev.ChildStarted(id, self.incarnation(id)))

    def fails(self, id: str, *, ignored: bool = False, at: float | None = None) -> list[str]:
        """Let the life of child `id` end before it is up."""
        self.now = self.now if at is None else at
        return self.fact(ev.ChildStartFailed(id, self.incarnation(id), ignored))

    def start_child(self, child: Child) -> list[str]:
        return self.post(ev.StartChild(self.next_request(), child))

    def terminate(self, id: str, incarnation: int | None = None) -> list[str]:
        return self.post(ev.TerminateChild(self.next_request(), id, incarnation))

    def restart(self, id: str) -> list[str]:
        return self.post(ev.RestartChild(self.next_request(), id))

    def delete(self, id: str) -> list[str]:
        return self.post(ev.DeleteChild(self.next_request(), id))

    def suspend(self) -> list[str]:
        return self.post(ev.Suspend(self.next_request()))

    def rows(self) -> tuple[ev.ChildRow, ...]:
        """Return the answer of which_children."""
        self.post(ev.WhichChildren(self.next_request()))
        answer = self._last_answer()
        assert isinstance(answer, tuple)
        return answer

    def counts(self) -> ev.Counts:
        """Return the answer of count_children."""
        self.post(ev.CountChildren(self.next_request()))
        answer = self._last_answer()
        assert isinstance(answer, ev.Counts)
        return answer

    # ---- what there is

    def incarnation(self, id: str) -> int:
        slot = self.tree.slots.get(id)
        return slot.incarnation if slot is not None else 0

    @property
    def states(self) -> dict[str, str]:
        """The state of each child, in start order."""
        return {slot.child.id: slot.state for slot in self.tree.slots}

    # ---- commands

    def next_request(self) -> int:
        self._requests += 1
        return self._requests

    def _last_answer(self) -> ev.CallResult:
        last = self.commands[-1]
        assert isinstance(last, ev.AnswerCall)
        return last.result

    def _carry_out(self, before: Tree, event: ev.Event, commands: tuple[ev.TreeCommand, ...]) -> None:
        check_moves(before, self.tree)
        for command in commands:
            self._perform(command)

    def _perform(self, command: ev.TreeCommand) -> None:
        self.commands.append(command)
        match command:
            case ev.Post(message):
                self.pump.post(message)
            case ev.StartLife(child, incarnation):
                self.said.append(f"start {child.id}{incarnation}")
                if self.obedient and child.reports_ready:
                    self.pump.fact(ev.ChildStarted(child.id, incarnation))
            case ev.StopLife(id, incarnation, limit):
                self.said.append(f"stop {id}{incarnation}")
                if self.obedient:
                    self.pump.fact(ev.ChildExited(id, incarnation, "killed" if limit == "brutal" else "shutdown"))
            case ev.ReportEnd(id, incarnation, during, exit):
                self.said.append(f"report {id}{incarnation} {during} {exit}")
            case ev.AnswerCall(request, result):
                self.said.append(f"answer {request} {_word(result)}")
            case ev.Booted():
                self.said.append("booted")
            case ev.Finish(outcome):
                self.said.append(f"finish {type(outcome).__name__}")
                self.pump.messages.clear()
            case _:
                pass  # what only a shell has to do


def _word(result: ev.CallResult) -> str:
    return result.reason if isinstance(result, ev.Refused) else type(result).__name__
