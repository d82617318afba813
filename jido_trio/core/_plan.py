"""Plans: steps that depend on each other, checked before anything runs; and how far a run of one is, as a value.

A `Plan` says what there is to do. A `PlanRun` is a reducer: `start` and `after` return the run as it is then, and the
instructions that are to be run now. Whoever carries those out and tells of the outcomes runs the plan: `run_plan` in
one go; or an agent, whose state the run is a part of, step by step, over deaths if it is durable.

A run goes `new` -> `running` -> `done`, unless a step fails that mustn't. Then it is `failing` until those under way
have ended; `undoing`, one step at a time, the last one done first; and `failed`.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Any, Literal, TypeAlias, get_args

import attrs
from attrs import evolve, field, frozen

from jido_trio import checks
from jido_trio.core._action import Action
from jido_trio.core._context import Context
from jido_trio.core._directives import Outcome, RunInstruction
from jido_trio.core._drawing import Drawing, Edge, Node
from jido_trio.core._instruction import Instruction
from jido_trio.data import FrozenDict, Misfit, freeze, schema_of, thaw
from jido_trio.errors import ActionError, InvalidDefinition, InvalidInstruction, InvalidParams
from jido_trio.redact import said, shown, shown_error
from jido_trio.world import current

OnFailure: TypeAlias = Literal["undo", "stop", "skip"]
"""What a failure of a step does. "undo": the plan fails, and what was done is undone. "stop": it fails, and what was
done stays. "skip": steps that need it are left out, the others go on."""


def _frozen(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidDefinition(f"the params and opts of a step are mappings, not {shown(value)}")
    try:
        return freeze(value)  # type: ignore[no-any-return]  # a mapping stays one
    except Misfit as misfit:
        raise InvalidDefinition(f"the params of a step are plain data: {misfit}") from None


def _names(names: str | Iterable[str]) -> tuple[str, ...]:
    given: object = names
    if isinstance(given, str):
        return (given,)
    if not isinstance(given, Iterable) or isinstance(given, bytes | Mapping):
        raise InvalidDefinition(f"needs={shown(given)} of a step must be the names of others, in a list")
    found = tuple(given)
    odd = [name for name in found if not (isinstance(name, str) and name)]
    if odd:
        raise InvalidDefinition(f"needs of a step must be the names of others, and {shown(odd[0])} is none")
    return found


@frozen(init=False)
class From:
    """In the params of a step: what another step returned, or what is at a path in it."""

    step: str
    path: tuple[str | int, ...]

    def __init__(self, step: str, *path: str | int) -> None:
        given: object = step
        if not (isinstance(given, str) and given):
            raise InvalidDefinition(f"From({shown(step)}) must name a step")
        for each in path:
            if not isinstance(each, str | int):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise InvalidDefinition(f"From({shown(step)}): {shown(each)} is no key and no index of what it returns")
        self.__attrs_init__(step, path)  # pyright: ignore[reportAttributeAccessIssue]  # attrs makes it


@frozen
class Step:
    """A step of a plan: an action with its parameters, some of them from other steps."""

    name: str
    action: type[Action]
    params: Mapping[str, Any] = field(factory=dict, converter=_frozen)
    needs: tuple[str, ...] = field(default=(), converter=_names, kw_only=True)
    """Steps that must be done before, beside those that its params are from."""
    on_failure: OnFailure = field(default="undo", kw_only=True)
    opts: Mapping[str, Any] = field(factory=dict, converter=_frozen, kw_only=True)
    """As those of an `Instruction`."""

    def __attrs_post_init__(self) -> None:
        given: object = self.action
        name: object = self.name
        if not (isinstance(name, str) and name):
            raise InvalidDefinition(f"a step can't be called {shown(self.name)}: give it a name")
        if not (isinstance(given, type) and issubclass(given, Action)) or given.is_abstract or given.is_input:
            raise InvalidDefinition(f"step {shown(self.name)} has {shown(given)}: give a class of actions with a run")
        checks.one_of(f"step {shown(self.name)}", "on_failure", self.on_failure, get_args(OnFailure))
        try:
            Instruction(self.action, opts=self.opts)
        except InvalidInstruction as wrong:
            raise InvalidDefinition(f"step {shown(self.name)}: {said(wrong)}", field="opts") from None
        self._check_params()

    def _check_params(self) -> None:
        known = schema_of(self.action)
        missing = [name for name in known.required if name not in self.params]
        literal = {name: value for name, value in self.params.items() if not list(_froms(value))}
        unknown = [name for name in self.params if name not in known.names and name not in literal]
        try:
            self.action.check_some(literal)
        except Misfit as misfit:
            raise InvalidDefinition(f"step {shown(self.name)}: {misfit}") from None
        if unknown:
            hint = checks.did_you_mean(unknown[0], known.names)
            raise InvalidDefinition(f"step {shown(self.name)}: {self.action.name} has no {shown(unknown[0])}{hint}")
        if missing:
            raise InvalidDefinition(f"step {shown(self.name)}: {self.action.name} needs {', '.join(missing)}")

    @cached_property
    def after(self) -> tuple[str, ...]:
        """All steps that must be done before."""
        return tuple(dict.fromkeys((*self.needs, *(each.step for each in _froms(self.params)))))


def _froms(value: object) -> Iterable[From]:
    if isinstance(value, From):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _froms(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _froms(each)


@frozen(init=False)
class Plan:
    """Steps that depend on each other.

    Raises:
        InvalidDefinition: Two steps have one name; one needs a step that isn't there, or itself, by way of others.
    """

    steps: tuple[Step, ...]

    def __init__(self, *steps: Step) -> None:
        self.__attrs_init__(steps)  # pyright: ignore[reportAttributeAccessIssue]  # attrs makes it
        for each in steps:
            if not isinstance(each, Step):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise InvalidDefinition(f"a plan is made of steps, not of {shown(each)}")
        needs = dict[str, tuple[str, ...]]()
        for each in steps:
            if each.name in needs:
                raise InvalidDefinition(f"two steps are called {shown(each.name)}: give each a name of its own")
            needs[each.name] = each.after
        for name, needed in ((name, needed) for name, after in needs.items() for needed in after):
            if needed not in needs:
                hint = checks.did_you_mean(needed, needs)
                raise InvalidDefinition(f"step {shown(name)} needs {shown(needed)}, which is no step{hint}")
        circle = _circle(needs)
        if circle:
            raise InvalidDefinition(f"steps need each other in a circle: {said(' -> '.join(circle))}")

    def __getitem__(self, name: str) -> Step:
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> Mapping[str, Step]:
        return {each.name: each for each in self.steps}

    @property
    def phases(self) -> tuple[tuple[str, ...], ...]:
        """The names of the steps in phases: those of one need only what is in phases before it."""
        needs = {each.name: each.after for each in self.steps}
        phase = dict[str, int]()
        for name in TopologicalSorter(needs).static_order():
            phase[name] = 1 + max((phase[needed] for needed in needs[name]), default=-1)
        phases: list[list[str]] = [[] for _ in range(max(phase.values(), default=-1) + 1)]
        for name in needs:
            phases[phase[name]].append(name)
        return tuple(map(tuple, phases))

    def drawing(self) -> Drawing:
        """Return the plan as a picture: an arrow leads from each step to those that need it."""
        nodes = [Node(each.name, _label(each)) for each in self.steps]
        edges = [Edge(needed, each.name) for each in self.steps for needed in each.after]
        return Drawing(tuple(nodes), tuple(edges))


def _label(step: Step) -> str:
    name = said(step.name, 60)
    return name if name == step.action.name else f"{name}\n{step.action.name}"


def _circle(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the names of a circle, the first one again at its end; nothing if there is none."""
    seen = set[str]()
    for start in needs:
        path, to_see = dict[str, None](), [(start, False)]
        while to_see:
            name, left = to_see.pop()
            if left:
                path.popitem()
                seen.add(name)
            elif name in path:
                return [*list(path)[list(path).index(name) :], name]
            elif name not in seen:
                path[name] = None
                to_see += [(name, True), *((each, False) for each in reversed(needs[name]))]
    return []


class UndoStep(Action, name="undo_step", description="Takes back what a step of a plan has done"):
    """Undo what an action has done."""

    action: type[Action]
    params: Mapping[str, Any]
    result: object = None

    async def run(self, context: Context[Any]) -> None:
        """Call its `undo`; whatever goes wrong is a failure, so that the other steps are undone all the same."""
        action: Any = Instruction(self.action, self.params).bind()
        try:
            await action.undo(context, self.result)
        except ActionError:
            raise
        except Exception as error:
            raise ActionError(shown_error(error)) from error


Status: TypeAlias = Literal["new", "running", "failing", "undoing", "done", "failed"]


@frozen
class PlanRun:
    """How far a run of a plan is; plain data, for the state of an agent or for anything else."""

    plan: Plan
    limit: int = 10
    """So many steps are under way at once."""
    status: Status = field(default="new", kw_only=True)
    results: Mapping[str, Any] = field(factory=FrozenDict, kw_only=True)
    """Of the steps that are done."""
    params: Mapping[str, Any] = field(factory=FrozenDict, kw_only=True)
    """Those that each step was begun with."""
    done: tuple[str, ...] = field(default=(), kw_only=True)
    """In the order of their ends."""
    running: tuple[str, ...] = field(default=(), kw_only=True)
    skipped: tuple[str, ...] = field(default=(), kw_only=True)
    failed: Mapping[str, str] = field(factory=FrozenDict, kw_only=True)
    """The steps that failed, and with which words."""
    undone: tuple[str, ...] = field(default=(), kw_only=True)
    """The steps that were taken back."""
    not_undone: Mapping[str, str] = field(factory=FrozenDict, kw_only=True)
    """The steps that could not be taken back, and why."""
    id: str = field(default="", kw_only=True)
    """Goes with each step that is asked for, so that no outcome of another run is taken for one of this."""

    def __attrs_post_init__(self) -> None:
        checks.whole("a run of a plan", "limit", self.limit, least=1)
        checks.text("a run of a plan", "id", self.id, blank=True)

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to come."""
        return self.status in ("done", "failed")

    def start(self) -> "tuple[PlanRun, list[RunInstruction]]":
        """Return the run, begun, and what is to be run now."""
        return _next(evolve(self, status="running")) if self.status == "new" else (self, [])

    def after(self, outcome: Outcome) -> "tuple[PlanRun, list[RunInstruction]]":
        """Return the run after the outcome of a step, and what is to be run now; one that isn't expected is ignored."""
        name, undo = outcome.meta.get("step"), bool(outcome.meta.get("undo"))
        is_of_this_run = outcome.meta.get("run", "") == self.id
        if not is_of_this_run or name not in self.running or undo is not (self.status == "undoing"):
            return self, []
        run = evolve(self, running=tuple(each for each in self.running if each != name))
        return _next(_after_undo(run, name, outcome) if undo else _after_step(run, name, outcome))


def _after_step(run: PlanRun, name: str, outcome: Outcome) -> PlanRun:
    if outcome.error is not None:
        return _failing(run, name, outcome.error.message)
    if not (outcome.result is None or isinstance(outcome.result, Mapping)):
        return _failing(run, name, f"a step returns data, not {shown(outcome.result, 80)}")
    return evolve(run, done=(*run.done, name), results=_with(run.results, name, outcome.result))


def _failing(run: PlanRun, name: str, why: str) -> PlanRun:
    stays = run.plan[name].on_failure == "skip" or run.status == "failing"
    return evolve(run, failed=_with(run.failed, name, why), status=run.status if stays else "failing")


def _after_undo(run: PlanRun, name: str, outcome: Outcome) -> PlanRun:
    if outcome.error is not None:
        return evolve(run, not_undone=_with(run.not_undone, name, outcome.error.message))
    return evolve(run, undone=(*run.undone, name))


def _next(run: PlanRun) -> tuple[PlanRun, list[RunInstruction]]:
    """Return the run with what follows from what it knows."""
    begun = list[RunInstruction]()
    while run.status == "running" and len(run.running) < run.limit:
        step = _ready(run)
        if step is None:
            break
        if any(name in run.failed or name in run.skipped for name in step.after):
            run = evolve(run, skipped=(*run.skipped, step.name))
        else:
            run, asked = _begun(run, step)
            begun += asked
    if run.running:
        return run, begun
    if run.status == "running":
        return evolve(run, status="done"), begun
    return _next_undo(run)


def _ready(run: PlanRun) -> Step | None:
    """Return a step that may begin, or is to be skipped."""
    known = {*run.done, *run.running, *run.skipped, *run.failed}
    ended = known - {*run.running}
    return next((s for s in run.plan.steps if s.name not in known and ended.issuperset(s.after)), None)


def _begun(run: PlanRun, step: Step) -> tuple[PlanRun, list[RunInstruction]]:
    try:
        params = _filled(step.params, run.results)
        instruction = Instruction(step.action, params, opts=step.opts)
        instruction.bind()
    except (_Nothing, InvalidParams) as wrong:
        return _failing(run, step.name, str(wrong)), []
    begun = evolve(run, running=(*run.running, step.name), params=_with(run.params, step.name, params))
    return begun, [_asked(run, step, instruction, undo=False)]


def _asked(run: PlanRun, step: Step, instruction: Instruction, *, undo: bool) -> RunInstruction:
    return RunInstruction(instruction, StepDone, {"step": step.name, "undo": undo, "run": run.id})


def _next_undo(run: PlanRun) -> tuple[PlanRun, list[RunInstruction]]:
    undoes = any(run.plan[name].on_failure == "undo" for name in run.failed)
    tried = {*run.undone, *run.not_undone}
    left = [name for name in run.done if hasattr(run.plan[name].action, "undo") and name not in tried]
    if not (undoes and left):
        return evolve(run, status="failed"), []
    step = run.plan[left[-1]]
    undo = UndoStep(action=step.action, params=run.params[step.name], result=run.results[step.name])
    seconds = step.action.policy.undo_timeout if step.action.policy is not None else _UNDO
    opts = {} if seconds is None else {"timeout": seconds}
    asked = _asked(run, step, Instruction(undo, opts=opts), undo=True)
    return evolve(run, status="undoing", running=(step.name,)), [asked]


_UNDO = 5.0
"""Seconds for an `undo` of an action without a policy."""


def _with(mapping: Mapping[str, Any], name: str, value: object) -> Mapping[str, Any]:
    return freeze(mapping) | {name: value}  # type: ignore[no-any-return]


class _Nothing(Exception):
    pass


def _filled(value: Any, results: Mapping[str, Any]) -> Any:
    if isinstance(value, From):
        found = results[value.step]
        for key in value.path:
            try:
                found = found[key]
            except (LookupError, TypeError):
                raise _Nothing(f"step {value.step!r} returned nothing at {shown(key)}: {shown(found, 80)}") from None
        return thaw(found)
    if isinstance(value, Mapping):
        return {key: _filled(each, results) for key, each in value.items()}
    return [_filled(each, results) for each in value] if isinstance(value, list | tuple) else value


class StartPlan(Action, name="start_plan", description="Begins a plan, step by step"):
    """Begin a plan, in the agent's field `plan: PlanRun | None`."""

    plan: Plan
    limit: int = field(default=10, validator=attrs.validators.ge(1))

    def run(self, context: Context[Any]) -> Any:
        """Begin it."""
        run, begun = PlanRun(self.plan, self.limit, id=current().ids()).start()
        return {"plan": run}, begun


class StepDone(Action, name="step_done", description="Tells the agent of the outcome of a step of its plan"):
    """Go on with the plan in the agent's field `plan`."""

    outcome: Outcome

    def run(self, context: Context[Any]) -> Any:
        """Go on."""
        if context.state.plan is None:
            raise ActionError(f"there is no plan that step {shown(self.outcome.meta.get('step'))} could be of")
        run, begun = context.state.plan.after(self.outcome)
        return {"plan": run}, begun
