"""Fsm: an agent as a machine with states that have names, by a table that is checked when it is written.

A command is an action. The table says in which state it may come, and to which state it leads. A step of the machine is

    exit of the state that is left  ->  the action  ->  entry of the state that is come to

and is all or nothing: what says no leaves agent and machine as they were, and is an `Error`. With `on_error` the
machine then goes to a state for that, by a step without an action.

An action with effects takes time. The machine stays where it is, and is busy: commands that arrive wait in the machine,
each with its signal, in order. When the outcome comes, the step is done as above, with the result for the action; then
those that wait have their turn, up to the next one with effects. All of it is part of `cmd`, and so is in the journal
of a durable agent, and comes back with it.

A bug in what the end of an action leads to, in its own step or in a command that waited, must not be met again by each
further life: the outcome doesn't come again, and the command would still be the first in line. So the machine takes
both as dealt with, and has the agent crash by a directive, after that is committed. Those that wait have their turn in
the next life, if that keeps the machine.

Actions that no transition names are none of the machine's business. They run in each state, as by `Direct`, and wait as
all do while it is busy; only outcomes of actions that were asked for otherwise never wait.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

from attrs import AttrsInstance, evolve, field, frozen

from jido_trio import checks
from jido_trio.core._action import Action, Effect
from jido_trio.core._directives import ApplyOutcome, Error, Outcome, RunInstruction, Schedule
from jido_trio.core._drawing import Drawing
from jido_trio.core._fsm_table import FsmState, Table, Transition, states_of, transitions_of
from jido_trio.core._input import Input
from jido_trio.core._instruction import Instruction
from jido_trio.core._signal import Signal
from jido_trio.core._slices import SEEN
from jido_trio.core._snapshot import Snapshot
from jido_trio.core._strategy import applied, run_instruction
from jido_trio.errors import ActionError, Interrupted, InvalidDefinition, TransitionRefused
from jido_trio.redact import said, shown, shown_error
from jido_trio.world import current

Directives: TypeAlias = tuple[AttrsInstance, ...]

GO_ON = "jido.fsm.go_on"
"""The type of the signal by which a life gives those that wait their turns."""


# What is remembered ------------------------------------------------------------------------------------------------


@frozen
class Running:
    """The action with effects that a machine is at."""

    id: str
    """Of its run."""
    action: str
    """Its name."""
    target: str | None
    on_error: str | None


@frozen
class Waiting:
    """A command that came while the machine was busy."""

    instruction: Instruction
    signal: Signal | None


@frozen
class Machine:
    """Where a machine is: the `strategy_state` of an agent with an `Fsm`."""

    state: str
    running: Running | None = None
    waiting: tuple[Waiting, ...] = ()
    steps: int = 0
    """How many transitions were done."""
    error: str | None = None
    """What went wrong at the last command, if something did."""


# Inputs ------------------------------------------------------------------------------------------------------------


class Finished(Input, name="fsm_finished"):
    """An action with effects that the machine is at has ended."""

    outcome: Outcome


class CutOff(Input, name="fsm_cut_off"):
    """The life that an action with effects belonged to has ended. Its fields are the data of the runtime's signal."""

    id: str | None
    action: str
    instruction: Instruction
    outcome: Outcome | None
    meta: Mapping[str, Any]
    incarnation: int
    signal: str
    begun: bool


class GoOn(Input, name="fsm_go_on"):
    """A life has begun with a machine in which commands wait, and which isn't busy."""


@frozen
class Crash(Effect):
    """Have the agent crash of this, now that the machine is past it."""

    ends_with_process = True

    error: Exception = field(eq=shown_error)
    """Told from others by its text: each fold of the same inputs has an exception of its own."""


# The strategy ------------------------------------------------------------------------------------------------------


@frozen
class Fsm:
    """A strategy: the agent is a machine, and a command does what its table says for the state that it is in.

    `strategy=Fsm(["open", FsmState("paid", final="success")], [Transition("open", Pay, "paid")])`

    Raises:
        InvalidDefinition: The table doesn't hold together: a state that is unknown, named twice, not to be reached,
            or without a way out; a transition from a final state, or one that is never taken. It names the state.
    """

    inputs: ClassVar[tuple[type[Input], ...]] = (Finished, CutOff, GoOn)
    routes: ClassVar[Mapping[str, Any]] = {"jido.instruction.interrupted": CutOff, GO_ON: GoOn}

    states: tuple[FsmState, ...] = field(converter=states_of)
    """Names of states, or `FsmState`s; the first is the one that a machine begins in, unless `initial` says another."""
    transitions: tuple[Transition, ...] = field(converter=transitions_of)
    """Of several from one state by one action, the first is taken whose `when` says so."""
    initial: str = field(default="", kw_only=True)
    max_waiting: int = field(default=1000, kw_only=True)
    """How many commands may wait while the machine is busy; one more is refused."""
    _table: Table = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        checks.whole("Fsm", "max_waiting", self.max_waiting)
        table = Table(self.states, self.transitions, self.initial)
        put: Any = object.__setattr__
        put(self, "_table", table)
        put(self, "initial", table.initial)

    def init(self, agent: Any) -> tuple[Any, Directives]:
        """Return the agent with a machine at its beginning; one that has a machine keeps it, and goes on with it."""
        machine = agent.strategy_state
        if machine is None:
            return evolve(agent, strategy_state=Machine(self.initial)), ()
        if not isinstance(machine, Machine) or machine.state not in self._table.by_name:
            raise InvalidDefinition(
                f"agent {shown(agent.id)} is in state {shown(getattr(machine, 'state', machine))}, which its table of "
                f"states hasn't (known: {', '.join(self._table.by_name)})"
            )
        if machine.waiting and machine.running is None:
            return agent, (Schedule(0, Signal(GO_ON, source=f"/agent/{agent.id}"), key=GO_ON),)
        return agent, ()

    def run(self, agent: Any, instructions: Sequence[Instruction], signal: Signal | None) -> tuple[Any, Directives]:
        """Return the agent after all instructions, and their directives in order."""
        directives: list[AttrsInstance] = []
        for instruction in instructions:
            agent = self._take(agent, instruction, signal, directives)
        return agent, tuple(directives)

    def snapshot(self, agent: Any) -> Snapshot:
        """Return how far the machine is: its state, and what it would take there, among the details."""
        machine: Machine = agent.strategy_state
        state = self._table.by_name[machine.state]
        details = {
            "state": machine.state,
            "takes": self.takes(machine.state),
            "running": machine.running.action if machine.running is not None else None,
            "waiting": len(machine.waiting),
            "steps": machine.steps,
            "error": machine.error,
        }
        if machine.running is not None:
            return Snapshot("running", None, details)
        if state.final is not None:
            return Snapshot(state.final, machine.state, details)
        return Snapshot("idle" if machine.state == self.initial else "waiting", None, details)

    def takes(self, state: str) -> tuple[str, ...]:
        """Return the names of the actions that some transition takes in that state."""
        return self._table.takes(state)

    def drawing(self) -> Drawing:
        """Return the table as a picture."""
        return self._table.drawing()

    # ---- a command

    def _take(
        self, agent: Any, instruction: Instruction, signal: Signal | None, directives: list[AttrsInstance]
    ) -> Any:
        match instruction.action_class:
            case cls if cls is Finished or cls is CutOff:
                told: Any = instruction.bind()
                return self._ended(agent, told, signal, directives)
            case cls if cls is GoOn:
                return self._drained(agent, directives)
            case cls if cls is ApplyOutcome or not self._is_busy(agent.strategy_state):
                return self._step(agent, instruction, signal, directives)
        try:
            agent = self._queued(agent, instruction, signal)
        except ActionError as error:
            directives.append(Error(error, context="instruction"))
        return self._drained(agent, directives)

    def _is_busy(self, machine: Machine) -> bool:
        return machine.running is not None or bool(machine.waiting)

    def _queued(self, agent: Any, instruction: Instruction, signal: Signal | None) -> Any:
        machine: Machine = agent.strategy_state
        action = instruction.bind()
        if len(machine.waiting) >= self.max_waiting:
            raise TransitionRefused(action.name, machine.state, f"{len(machine.waiting)} commands wait there already")
        waits = Waiting(Instruction(action, None, instruction.context, instruction.opts, instruction.id), signal)
        return evolve(agent, strategy_state=evolve(machine, waiting=(*machine.waiting, waits)))

    def _step(
        self, agent: Any, instruction: Instruction, signal: Signal | None, directives: list[AttrsInstance]
    ) -> Any:
        on_error = None
        try:
            action = instruction.bind()
            transition = self._chosen(agent, action)
            if transition is None:
                agent, more = run_instruction(agent, instruction, signal)
                directives += more
                return agent
            on_error = transition.on_error
            if action.is_async:
                return self._begun(agent, instruction, action, transition, directives)
            return self._moved(agent, transition.target, instruction, signal, directives)
        except ActionError as error:
            return self._failed(agent, error, on_error, signal, directives)

    def _chosen(self, agent: Any, action: Action) -> Transition | None:
        """Return the transition that an action takes; None if it is none of the machine's business."""
        known = next((self._table.by_action[cls] for cls in type(action).__mro__ if cls in self._table.by_action), None)
        if known is None:
            return None
        at = agent.strategy_state.state
        there = [each for each in known if self._table.leaves(each, at)]
        for each in there:
            if each.when is None or each.when(agent.state, action) is True:
                return each
        if there:
            raise TransitionRefused(action.name, at, "its guard said no")
        takes = ", ".join(self.takes(at))
        final = self._table.by_name[at].final is not None
        why = "the state is final" if final else f"it takes {takes or 'nothing'} there"
        raise TransitionRefused(action.name, at, why)

    def _begun(
        self,
        agent: Any,
        instruction: Instruction,
        action: Action,
        transition: Transition,
        directives: list[AttrsInstance],
    ) -> Any:
        named = instruction.id or current().ids()
        asked = Instruction(action, None, instruction.context, instruction.opts, named)
        directives.append(RunInstruction(asked, result_action=Finished))
        running = Running(named, action.name, transition.target, transition.on_error)
        return evolve(agent, strategy_state=evolve(agent.strategy_state, running=running, error=None))

    def _ended(
        self, agent: Any, told: Finished | CutOff, signal: Signal | None, directives: list[AttrsInstance]
    ) -> Any:
        machine: Machine = agent.strategy_state
        running = machine.running
        instruction = told.outcome.instruction if isinstance(told, Finished) else told.instruction
        if running is None or instruction.id != running.id:
            return agent  # of a life before, whose machine is gone
        outcome = told.outcome or Outcome(instruction, error=Interrupted(running.action))
        agent = evolve(agent, strategy_state=evolve(machine, running=None))
        try:
            agent = self._learned(agent, running, outcome, signal, directives)
        except Exception as bug:  # noqa: BLE001  # of whatever kind: it is raised by the directive
            return self._past(agent, bug, directives)
        return self._drained(agent, directives)

    def _learned(
        self, agent: Any, running: Running, outcome: Outcome, signal: Signal | None, directives: list[AttrsInstance]
    ) -> Any:
        try:
            if outcome.error is not None:
                raise outcome.error
            result = _Result(outcome.instruction.action_class, outcome.result)
            return self._moved(agent, running.target, result, signal, directives)
        except ActionError as error:
            return self._failed(agent, error, running.on_error, signal, directives)

    def _drained(self, agent: Any, directives: list[AttrsInstance]) -> Any:
        """Give those that wait their turns, up to the next one that takes time, or is a bug."""
        while agent.strategy_state.running is None and agent.strategy_state.waiting:
            machine = agent.strategy_state
            first, *rest = machine.waiting
            agent = evolve(agent, strategy_state=evolve(machine, waiting=tuple(rest)))
            try:
                agent = self._step(agent, first.instruction, first.signal, directives)
            except Exception as bug:  # noqa: BLE001  # of whatever kind: it is raised by the directive
                return self._past(agent, bug, directives)
        return agent

    def _past(self, agent: Any, bug: Exception, directives: list[AttrsInstance]) -> Any:
        directives.append(Crash(bug))
        return evolve(agent, strategy_state=evolve(agent.strategy_state, error=shown_error(bug)))

    # ---- a step

    def _moved(
        self,
        agent: Any,
        target: str | None,
        work: "Instruction | _Result | None",
        signal: Signal | None,
        directives: list[AttrsInstance],
    ) -> Any:
        """Return the agent after the step. What says no, anywhere in it, leaves everything as it was."""
        machine: Machine = agent.strategy_state
        left = self._table.by_name[machine.state].exit if target is not None else None
        entered = self._table.by_name[target].entry if target is not None else None
        wanted: list[AttrsInstance] = []
        seen = SEEN.get()
        try:
            for part in (left, work, entered):
                if part is None:
                    continue
                if isinstance(part, _Result):
                    agent, more = applied(agent, part.action, part.result)
                else:
                    agent, more = run_instruction(agent, part, signal)
                wanted += more
        except BaseException:
            SEEN.set(seen)  # nor does what follows see what this step would have changed
            raise
        directives += wanted
        there = machine.state if target is None else target
        return evolve(agent, strategy_state=evolve(machine, state=there, steps=machine.steps + 1, error=None))

    def _failed(
        self,
        agent: Any,
        error: ActionError,
        on_error: str | None,
        signal: Signal | None,
        directives: list[AttrsInstance],
    ) -> Any:
        directives.append(Error(error, context="instruction"))
        if on_error is not None:
            try:
                agent = self._moved(agent, on_error, None, signal, directives)
            except ActionError as another:
                directives.append(Error(another, context="instruction"))
        return evolve(agent, strategy_state=evolve(agent.strategy_state, error=said(error)))


@frozen
class _Result:
    """What an action with effects returned, to be applied in its step."""

    action: type[Action]
    result: object
