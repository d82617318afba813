"""Walk: an agent goes through one step after the other, and everything that laws ask about is noted on the way.

It happens in a process that is good for nothing else (`_bench`), so whatever a step does to its process, no other step
and no other walk is touched by it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from types import FunctionType, MethodType
from typing import Any, Self, TypeAlias

import attrs
from attrs import AttrsInstance, evolve, frozen

from jido_trio.core import Action, Agent, Direct, Error, RunInstruction, Signal, Unrouted
from jido_trio.core.inner import checkpointed, invariants_of, restored
from jido_trio.data import pack, unpack
from jido_trio.doors import watched
from jido_trio.errors import ActionError, InvalidResult
from jido_trio.redact import shown, shown_error
from jido_trio.testing._own_laws import Judges, OwnLaw
from jido_trio.testing._told import PLAIN, differing, told
from jido_trio.testing._twins import EQUAL, Twin, twin_of, twins_of
from jido_trio.world import Derived

Step: TypeAlias = Any
"""A signal, which is received; or whatever `cmd` takes."""


@frozen(eq=False)
class Trial:
    """An agent, and what it is to go through."""

    agent: Agent[Any]
    steps: tuple[Step, ...]
    warm: tuple[Step, ...] = ()
    """What the process goes through beforehand, with an agent of its own."""
    laws: tuple[OwnLaw, ...] = ()
    """Laws and models that its author has."""
    may_change_state: bool = False
    """Whether a plugin that is tried may change the agent's state in `on_result`."""

    def made_there(self) -> Self:
        """Return the same trial, whose agent is made anew in the process that it is handed to.

        Raises:
            LookupError: Its agent isn't as new.
        """
        new = type(self.agent).new(self.agent.id)
        if _ADDRESS.sub("", told(new)) != _ADDRESS.sub("", told(self.agent)):
            raise LookupError
        anew: Any = _Anew(type(self.agent), self.agent.id)
        return evolve(self, agent=anew)


_ADDRESS = re.compile("0x[0-9a-f]+")


class _Anew:
    """An agent that is made where it is unpickled."""

    def __init__(self, cls: type[Agent[Any]], id: str) -> None:
        self.made_of = (cls, id)

    def __reduce__(self) -> tuple[Any, ...]:
        return _made_anew, self.made_of


def _made_anew(cls: type[Agent[Any]], id: str) -> Agent[Any]:
    return cls.new(id)


@frozen
class Seen:
    """What was noted at one step. Texts are empty where there is nothing to say."""

    result: str = ""
    """The whole agent and all directives, as text."""
    error: str = ""
    """The exception that left it."""
    raised_by: str = ""
    """What raises it, as code, where that isn't the step itself."""
    again: str = ""
    """What came out the second time, if that is something else."""
    twin: str = ""
    """What came of which agent and step that are equal to these, and other objects, if that is something else."""
    touched: str = ""
    """What became of the agent or the step that it was given, if anything did."""
    doings: tuple[str, ...] = ()
    """What was done beside computing."""
    invalid: str = ""
    """Why the new state is none."""
    broken: str = ""
    """The invariant that doesn't hold any more."""
    own: str = ""
    """The law of its author that is broken, or the model that doesn't agree."""
    state: str = ""
    """The new state, as text."""
    unstorable: str = ""
    """Why an agent that is declared durable can't be stored, or what comes back."""
    refused: str = ""
    """What an action returned that doesn't fit, and so is an error, and no part of the state."""
    agent_touched: bool = False
    """Whether it is the agent of which something became something else."""


@frozen
class Walk:
    """What was noted on the way."""

    steps: tuple[Seen, ...] = ()
    """The first is how a life begins, if the strategy has a word in it."""
    apart: str = ""
    """How a list of all steps differs from one after the other."""
    none: str = ""
    """Which of its own invariants the agent that it begins with doesn't fit, so that nothing is gone through."""

    @property
    def outcomes(self) -> tuple[str, ...]:
        """What came out of each step, as text."""
        return tuple(one.result or one.error for one in self.steps)


_ENOUGH = 1.0
"""Seconds of the processor after which a walk goes no further: notes of large agents take much longer than these do."""


def walk(trial: Trial) -> Walk:
    """Go through a trial; not at all if the agent it begins with is none, by its own invariants."""
    if why := disagrees(trial.agent):
        return Walk(none=why)
    agent, seen, ended = trial.agent, _begun(trial.agent), trial.agent
    judges = Judges(trial.laws, agent)
    began = used()
    for step in () if any(one.error for one in seen) else trial.steps:
        if used() > began + _ENOUGH:
            return Walk(tuple(seen))
        one, ended = _step(agent, step, judges)
        seen.append(one)
        if one.error:
            break
        agent = ended
    apart = _apart(trial.agent, trial.steps, agent) if seen and not seen[-1].error else ""
    return Walk(tuple(seen), apart)


def outcomes(trial: Trial) -> tuple[str, ...]:
    """Go through a trial as `walk` does, and note no more than what comes out of each step, as text."""
    if disagrees(trial.agent):
        return ()
    agent = trial.agent
    began = used()
    sibling = evolve(agent, id=f"{agent.id}-sibling")
    for step in (*trial.warm, *trial.warm):
        sibling, _, _ = attempted(sibling, step)
        attempted(agent, step)
        if used() > began + _ENOUGH:
            break
    texts = [] if _begins_plainly(agent) else [_beginning(agent)]
    began = used()
    for step in () if any(text.startswith(_RAISED) for text in texts) else trial.steps:
        if used() > began + _ENOUGH:
            break
        after, directives, answers, error = _answered(agent, step)
        texts.append(error or told((after, directives, *answers)))
        if error:
            break
        agent = after
    return tuple(texts)


def _begins_plainly(agent: Agent[Any]) -> bool:
    """Tell whether how a life begins is no matter of code of its author's."""
    return type(agent).strategy.__class__.init is Direct.init


def _begun(agent: Agent[Any]) -> list[Seen]:
    """Return what is noted as a life begins with an agent; nothing if it begins plainly."""
    if _begins_plainly(agent):
        return []
    twin = twin_of(agent)
    before = told(agent)
    with watched() as doings:
        text = _beginning(agent)
    if text.startswith(_RAISED):
        return [Seen(error=text, doings=tuple(doings))]
    now, again = told(agent), _beginning(agent)
    unlike = "" if twin is None else parted(text, _beginning(twin))
    return [
        Seen(
            text,
            again=parted(text, again),
            twin=f"{EQUAL}: {unlike}" if unlike else "",
            touched="" if now == before else differing(before, now),
            doings=tuple(doings),
            state=told(agent.state),
        )
    ]


_RAISED = "as a life begins: "


def _beginning(agent: Agent[Any]) -> str:
    try:
        return told(type(agent).strategy.init(agent))
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:  # noqa: ASYNC103, BLE001 - whatever it is, it is what is looked for
        return f"{_RAISED}{shown_error(error)}"  # noqa: ASYNC104 - no Trio runs here


def _step(agent: Agent[Any], step: Step, judges: Judges) -> tuple[Seen, Agent[Any]]:
    before = told((agent, step))
    twins = twins_of(agent, step, sets="set(" in before)
    began = used()
    with watched() as doings:
        after, directives, error = attempted(agent, step)
        answers, error, raised_by = ((), error, "") if error else _answers(after, step, directives)
    text = error or told((after, directives, *answers))
    now = told((agent, step))
    touched = "" if now == before else differing(before, now)
    if error:
        return Seen(error=error, raised_by=raised_by, touched=touched, doings=tuple(doings)), agent
    again = _text(agent, step)
    return (
        Seen(
            text,
            "",
            "",
            parted(text, again),
            _unlike(twins, text, after, step, began),
            touched,
            tuple(doings),
            _invalid(after),
            disagrees(after),
            judges.broken(agent, step, after, directives),
            told(after.state),
            _unstorable(after, directives) if after.durable is not None else "",
            _refused(directives),
            bool(touched) and not before.startswith(f"tuple({told(agent)}, "),
        ),
        after,
    )


def _unlike(twins: Sequence[Twin], text: str, after: Agent[Any], step: Step, began: float) -> str:
    """Return how it matters whether an agent and a step are these, or equal ones; nothing if they have worked long."""
    for twin in twins:
        if used() > began + _ENOUGH:
            return ""
        if what := parted(text, _text(twin.agent, twin.step)):
            return f"{twin.words}: {what}"
    for twin in twins[:1] if used() <= began + _ENOUGH else ():
        if what := parted(_text(after, step), _text(after, twin.step)):
            return f"{ONCE_MORE}: {what}"
    return ""


ONCE_MORE = "the very same once more, and an equal one"


def _answers(agent: Agent[Any], step: Step, directives: Sequence[AttrsInstance]) -> tuple[tuple[object, ...], str, str]:
    """Return what callers are replied, and what follows from errors; what that raises, if no `ActionError`; by whom."""
    answers = list[object]()
    for code, ask in (*_replies(agent, step), *_policies(agent, directives)):
        try:
            answers.append(ask())
        except ActionError as error:
            return (error,), "", ""
        except (KeyboardInterrupt, MemoryError):
            raise
        except BaseException as error:  # noqa: ASYNC103, BLE001 - whatever it is, it is what is looked for
            return (), shown_error(error), code  # noqa: ASYNC104 - no Trio runs here
    return tuple(answers), "", ""


def _replies(agent: Agent[Any], step: Step) -> Iterator[tuple[str, Callable[[], object]]]:
    reply = getattr(step, "reply", None)
    if isinstance(step, Action) and callable(reply):
        yield "{step}.reply(after)", partial(reply, agent)


def _policies(agent: Agent[Any], directives: Sequence[AttrsInstance]) -> Iterator[tuple[str, Callable[[], object]]]:
    policy: Any = type(agent).error_policy
    if isinstance(policy, FunctionType | MethodType | partial):
        for at, one in enumerate(directives):
            if isinstance(one, Error):
                yield f"type(after).error_policy(directives[{at}], after)", partial(policy, one, agent)


def attempted(agent: Agent[Any], step: Step) -> tuple[Any, Sequence[AttrsInstance], str]:
    """Return the agent after a step, its directives, and the exception that left it, as text."""
    try:
        answer = agent.receive(step) if isinstance(step, Signal) else agent.cmd(step)
        after, directives = (agent, ()) if isinstance(answer, Unrouted) else answer
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:  # noqa: ASYNC103, BLE001 - whatever it is, it is what is looked for
        return agent, (), shown_error(error)  # noqa: ASYNC104 - no Trio runs here
    return after, directives, ""


def _answered(agent: Agent[Any], step: Step) -> tuple[Any, Sequence[AttrsInstance], tuple[object, ...], str]:
    """Return the agent after a step, its directives, what follows from these, and the exception that left any of it."""
    after, directives, error = attempted(agent, step)
    answers, error, _ = ((), error, "") if error else _answers(after, step, directives)
    return after, directives, answers, error


def _text(agent: Agent[Any], step: Step) -> str:
    after, directives, answers, error = _answered(agent, step)
    return error or told((after, directives, *answers))


def parted(one: str, other: str) -> str:
    """Return where what came out twice differs; nothing if it doesn't, or the stack was too short for one of both.

    How deep code may go depends on how deep it begins, and that is a matter of who calls it.
    """
    if one == other or one.startswith(_TOO_DEEP) or other.startswith(_TOO_DEEP):
        return ""
    return differing(one, other)


_TOO_DEEP = RecursionError.__name__


def _invalid(agent: Agent[Any]) -> str:
    try:
        valid = agent.validate()
        _validate(agent.state)
        return "" if told(valid.state) == told(agent.state) else differing(told(agent.state), told(valid.state))
    except Exception as error:  # noqa: BLE001 - of a validator, too
        return shown_error(error)


def _validate(value: Any) -> None:
    """Have all validators look at a value once more: a constructor has them do so, and what goes around it doesn't."""
    if type(value) in PLAIN:
        return
    if attrs.has(type(value)):
        attrs.validate(value)
        for field in attrs.fields(type(value)):
            _validate(getattr(value, field.name, None))
    elif isinstance(value, Mapping):
        for pair in value.items():
            _validate(pair)
    elif isinstance(value, list | tuple | AbstractSet):
        for item in value:
            _validate(item)


def _refused(directives: Sequence[AttrsInstance]) -> str:
    errors = (one.error for one in directives if isinstance(one, Error))
    results = (error for error in errors if isinstance(error, InvalidResult))
    told = (f"what {shown(error.action)} returns is refused: {'; '.join(error.problems)}" for error in results)
    return next(told, "")


def disagrees(agent: Agent[Any]) -> str:
    """Return which invariant of an agent doesn't hold, if one doesn't."""
    for name, holds in invariants_of(type(agent)):
        try:
            if not holds(agent):
                return f"{name} doesn't hold for {shown(agent.state)}"
        except Exception as error:  # noqa: BLE001 - it can't be told
            return f"{name} can't be told: {shown_error(error)}"
    return ""


def _unstorable(agent: Agent[Any], directives: Sequence[AttrsInstance]) -> str:
    written, read = partial(checkpointed, agent), partial(restored, type(agent))
    parts: list[tuple[str, Any, Callable[[], object], Callable[[Any], object]]] = [
        ("state", agent.state, lambda: agent.state, _as_it_is),
        ("strategy_state", agent.strategy_state, written, read),
        *(("directive", one, partial(_as_it_is, one), _as_it_is) for one in directives),
    ]
    for what, value, write, read_back in parts:
        try:
            back = read_back(unpack(pack(write())))
        except Exception as error:  # noqa: BLE001 - of a converter, too
            return f"{what}: {shown_error(error)}"
        if told(back) != told(value):
            return f"{what} comes back as another: {differing(told(value), told(back))}"
    return ""


def _as_it_is(value: object) -> object:
    return value


# ---- a list


_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
"""Derived ids follow from the whole command, so those of a list are others than those of its items."""


def _apart(first: Agent[Any], steps: Sequence[Step], last: Agent[Any]) -> str:
    """Return how one `cmd` with all steps differs from one after the other; nothing where that isn't asked for."""
    cls = type(first)
    plain = type(cls.strategy).run is type(Agent.strategy).run and cls.cmd is Agent.cmd
    if not plain or cls._hooked or len(steps) < 2 or any(isinstance(s, Signal) for s in steps):
        return ""
    drawn: list[object] = []
    with noting_draws(drawn):
        after, directives, error = attempted(first, list(steps))
        one_by_one = _one_by_one(first, steps)
    if error or drawn:  # numbers follow from the whole command, too
        return "" if error.startswith(_TOO_DEEP) else error
    together, singly = _masked(after.state, directives), _masked(last.state, one_by_one)
    return "" if together == singly else differing(singly, together)


def _one_by_one(agent: Agent[Any], steps: Sequence[Step]) -> list[AttrsInstance]:
    found: list[AttrsInstance] = []
    for step in steps:
        agent, directives, _ = attempted(agent, step)
        found += directives
    return found


def _masked(state: Any, directives: Sequence[AttrsInstance]) -> str:
    kinds = [type(one).__qualname__ for one in directives if not isinstance(one, RunInstruction)]
    return masked_ids(told((state, kinds)))


def masked_ids(text: str) -> str:
    """Return a text without the ids in it that were derived."""
    return _ID.sub("<id>", text) if "-7" in text else text  # a text of thousands of numbers is soon told to have none


class noting_draws:  # noqa: N801 - it is used like a function
    """Note who asks for derived random numbers."""

    def __init__(self, into: list[object]) -> None:
        self.into = into
        self.before: Any = Derived.__dict__["random"]

    def __enter__(self) -> None:
        before, into = self.before, self.into

        def noting(world: Any) -> Any:
            into.append(world)
            return before.__get__(world)

        Derived.random = property(noting)  # type: ignore[method-assign, assignment]

    def __exit__(self, *_: object) -> None:
        Derived.random = self.before  # type: ignore[method-assign]


def used() -> float:
    """Return how long this process has worked, in seconds of the processor; 0 where that can't be told."""
    resource: Any = sys.modules.get("resource")
    if resource is None:
        return 0.0
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return float(usage.ru_utime + usage.ru_stime)  # Linux knows the sum; which part was its own, it guesses
