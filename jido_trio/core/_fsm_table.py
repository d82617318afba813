"""The table of a machine: its states and transitions, and what must be so for it to hold together.

It is checked when it is written: each state can be come to, and left unless it is final; no transition leaves a final
state, and none stands behind one that takes all it would take.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeAlias

import attrs
from attrs import field, frozen

from jido_trio import checks
from jido_trio.core._action import Action
from jido_trio.core._drawing import Drawing, Edge, Node
from jido_trio.core._instruction import Instruction, normalize
from jido_trio.errors import ActionError, InvalidDefinition
from jido_trio.redact import said, shown

Guard: TypeAlias = Callable[[Any, Any], bool]

ANY = "*"
"""As a source: each state that isn't final."""


def _text(owner: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if not isinstance(value, str) or not value or value == ANY:
        must = 'must be a text that is not empty, and not "*", which is all states'
        raise checks.refused(type(owner).__name__, attribute.name, value, must)


def _text_or_none(owner: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if value is not None:
        _text(owner, attribute, value)


def _at_once(given: Any, state: Any, attribute: "attrs.Attribute[Any]") -> Instruction | None:
    if given is None:
        return None
    where = f"state {shown(state.name)}: {attribute.name}"
    try:
        (instruction,) = normalize([given])
        action = instruction.bind()
    except ActionError as error:
        raise InvalidDefinition(f"{where}={shown(given)} can't be run: {said(error)}") from None
    if action.is_async or action.is_input:
        raise InvalidDefinition(f"{where}={shown(given)} must be an action with a `def run`, which runs at once")
    return instruction


_AT_ONCE = attrs.Converter(_at_once, takes_self=True, takes_field=True)


@frozen
class FsmState:
    """A state of a machine, where its name doesn't say all: `FsmState("paid", entry=SendReceipt)`."""

    name: str = field(validator=_text)
    entry: Any = field(default=None, converter=_AT_ONCE, kw_only=True)  # type: ignore[misc]  # a Converter
    """An action with a `def run` that is run whenever a transition comes to the state, the last part of the step."""
    exit: Any = field(default=None, converter=_AT_ONCE, kw_only=True)  # type: ignore[misc]  # a Converter
    """One that is run whenever a transition leaves the state, the first part of the step."""
    final: Literal["success", "failure"] | None = field(default=None, kw_only=True)
    """What it means that the machine has come here for good; None where it goes on."""

    def __attrs_post_init__(self) -> None:
        if self.final is not None:
            checks.one_of(f"state {shown(self.name)}", "final", self.final, ("success", "failure"))


def _sources(given: Any) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, Iterable) else (given,)
    odd = [name for name in names if not (isinstance(name, str) and name)]
    if odd:
        raise checks.refused("a transition", "source", odd[0], "must be the name of a state, or a list of names")
    return names


def _can_be_run(action: object) -> bool:
    is_action = isinstance(action, type) and issubclass(action, Action)
    return is_action and not action.is_abstract and not action.is_input  # type: ignore[attr-defined]


@frozen
class Transition:
    """In a state, an action may come, and leads to another state: `Transition("open", Pay, "paid")`."""

    source: tuple[str, ...] = field(converter=_sources)
    """The states in which the action may come, one or several; "*" is each state that isn't final."""
    action: type[Action]
    target: str | None = field(default=None, validator=_text_or_none)
    """The state that it leads to. None stays where it is, and neither leaves nor enters a state."""
    when: Guard | None = field(default=None, kw_only=True)
    """Takes the agent's state and the action, and tells whether this transition is the one. Pure, as `cmd` is."""
    on_error: str | None = field(default=None, validator=_text_or_none, kw_only=True)
    """The state to come to when the action says no; None stays where it is."""

    def __attrs_post_init__(self) -> None:
        action = self.action
        if not _can_be_run(action):
            raise checks.refused("a transition", "action", action, "must be an action class that can be run")
        takes = "the agent's state and the action, and tells whether this is the one"
        checks.called_at_once(self.title, "when", self.when, takes=takes, or_none="None for always")

    @property
    def title(self) -> str:
        """What errors call it."""
        return f"transition {', '.join(self.source)} -{self.action.name}-> {self.target or 'same'}"


def states_of(given: Iterable[str | FsmState]) -> tuple[FsmState, ...]:
    """Return states that were given by name or whole."""
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        raise InvalidDefinition(f"Fsm: states={shown(given)} must be a list of names and FsmStates")
    return tuple(each if isinstance(each, FsmState) else FsmState(each) for each in given)


def transitions_of(given: Any) -> tuple[Transition, ...]:
    """Return transitions, once they are some."""
    if not isinstance(given, Iterable):
        raise InvalidDefinition(f"Fsm: transitions={shown(given)} must be a list of Transitions")
    transitions: tuple[Transition, ...] = tuple(given)
    for each in transitions:
        if not isinstance(each, Transition):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidDefinition(f"Fsm: {shown(each)} is no Transition")
    return transitions


@frozen
class Table:
    """States and transitions.

    Raises:
        InvalidDefinition: They don't hold together.
    """

    states: tuple[FsmState, ...]
    transitions: tuple[Transition, ...]
    initial: str
    """The state that a machine begins in; the first one if it is "" when it is made."""
    by_name: Mapping[str, FsmState] = field(init=False)
    by_action: Mapping[type[Action], tuple[Transition, ...]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        by_action: dict[type[Action], tuple[Transition, ...]] = {}
        for transition in self.transitions:
            by_action[transition.action] = (*by_action.get(transition.action, ()), transition)
        put: Any = object.__setattr__
        put(self, "by_name", {state.name: state for state in self.states})
        put(self, "by_action", by_action)
        if not self.initial and self.states:
            put(self, "initial", self.states[0].name)
        _check(self)

    def leaves(self, transition: Transition, state: str) -> bool:
        """Whether it is one from that state."""
        if state in transition.source:
            return True
        return ANY in transition.source and self.by_name[state].final is None

    def takes(self, state: str) -> tuple[str, ...]:
        """Return the names of the actions that some transition takes in that state."""
        return tuple(dict.fromkeys(each.action.name for each in self.transitions if self.leaves(each, state)))

    def drawing(self) -> Drawing:
        """Return the table as a picture."""
        nodes = [Node(state.name, _label(state), _kind(self, state)) for state in self.states]
        edges = [
            Edge(state.name, target, f"{each.action.name}{mark}")
            for each in self.transitions
            for state in self.states
            if self.leaves(each, state.name)
            for target, mark in _drawn(each, state.name)
        ]
        return Drawing(tuple(nodes), tuple(edges), is_machine=True)


def _check(table: Table) -> None:
    names = [state.name for state in table.states]
    if not names:
        raise InvalidDefinition("Fsm: states=[] must name at least one state")
    for name in names:
        if names.count(name) > 1:
            raise InvalidDefinition(f"Fsm: state {shown(name)} is declared twice")
    _known(table, "initial", table.initial)
    for transition in table.transitions:
        _check_transition(table, transition)
    _check_order(table)
    _check_reach(table)


def _known(table: Table, what: str, name: str) -> None:
    known = [state.name for state in table.states]
    if name not in known:
        raise InvalidDefinition(
            f"Fsm: {what} names state {shown(name)}, which isn't declared (known: {', '.join(known)})"
            f"{checks.did_you_mean(name, known)}"
        )


def _check_transition(table: Table, transition: Transition) -> None:
    title = transition.title
    if not transition.source:
        raise InvalidDefinition(f"Fsm: {title} has no source: name a state")
    for source in transition.source:
        if source == ANY:
            continue
        _known(table, title, source)
        if table.by_name[source].final is not None:
            raise InvalidDefinition(f"Fsm: {title} leaves state {shown(source)}, which is final")
    for name in (transition.target, transition.on_error):
        if name is not None:
            _known(table, title, name)


def _check_order(table: Table) -> None:
    """Refuse what is never taken, as one before it takes all."""
    for name in table.by_name:
        taken: set[type[Action]] = set()
        for transition in table.transitions:
            if not table.leaves(transition, name):
                continue
            if transition.action in taken:
                raise InvalidDefinition(
                    f"Fsm: {transition.title} is never taken in state {shown(name)}: one before it takes every "
                    f"{transition.action.name}. Give that one a `when`, or take one away"
                )
            if transition.when is None:
                taken.add(transition.action)


def _check_reach(table: Table) -> None:
    ways: dict[str, set[str]] = {state.name: set() for state in table.states}
    for transition in table.transitions:
        for name in ways:
            if table.leaves(transition, name):
                ways[name] |= {each for each in (transition.target, transition.on_error) if each is not None}
    reached, new = {table.initial}, [table.initial]
    while new:
        more = ways[new.pop()] - reached
        reached |= more
        new += sorted(more)
    for state in table.states:
        if state.name not in reached:
            raise InvalidDefinition(
                f"Fsm: state {shown(state.name)} can't be reached from {shown(table.initial)}: "
                "a transition to it is missing"
            )
        if state.final is None and not any(table.leaves(each, state.name) for each in table.transitions):
            raise InvalidDefinition(
                f"Fsm: no way leads out of state {shown(state.name)}: give it a transition, or declare it final, "
                f'FsmState({shown(state.name)}, final="success")'
            )


def _label(state: FsmState) -> str:
    parts = [
        f"{word} / {action.action_class.name}"
        for word, action in (("entry", state.entry), ("exit", state.exit))
        if action is not None
    ]
    return "\n".join([state.name, *parts])


def _kind(table: Table, state: FsmState) -> Literal["start", "end", "plain"]:
    if state.final is not None:
        return "end"
    return "start" if state.name == table.initial else "plain"


def _drawn(transition: Transition, source: str) -> Iterable[tuple[str, str]]:
    guard = f" [{getattr(transition.when, '__name__', 'when')}]" if transition.when is not None else ""
    if guard == " [<lambda>]":
        guard = " [when]"
    yield transition.target or source, guard
    if transition.on_error is not None and transition.on_error != source:
        yield transition.on_error, " / says no"
