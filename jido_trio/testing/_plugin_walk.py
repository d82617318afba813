"""What laws ask about a plugin, noted while an agent that has it goes through a trial. It happens in a sandbox.

The agent has been made by `agent_with`: the plugin that is tried is the last one, after a `Bystander`, which is
nobody's business, and whatever it requires. What would be without it is seen in an agent that has only those others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from jido_trio.core import Agent, Error, PluggedState, Router, Signal, Unrouted
from jido_trio.data import FrozenDict, pack, unpack, unstructure
from jido_trio.doors import watched
from jido_trio.errors import InvalidDefinition, PluginRefused
from jido_trio.redact import said, shown, shown_error
from jido_trio.testing._carrier import agent_with, carried
from jido_trio.testing._specimens import Bystander
from jido_trio.testing._told import differing, told
from jido_trio.testing._walk import Step, Trial, attempted, masked_ids, noting_draws

ANOTHER, THIRD = "as_another", "as_a_third"
"""Names that a plugin is had by beside its own."""


@frozen
class PluginNotes:
    """What was noted: by law, what is wrong with it."""

    begun: str
    """The slices that a new agent has, as text."""
    broken: Mapping[str, str]


def plugin_walk(trial: Trial) -> PluginNotes:
    """Go through a trial."""
    begun, wrong = _mounted(trial.agent)
    seen: dict[str, str] = {"mounted": wrong} if wrong else {}
    agent = trial.agent
    for step in trial.steps:
        after, directives, error = attempted(agent, step)
        if error:
            break  # `total` tells
        for law, why in (
            ("sliced", _unfit(after)),
            ("hooks", _refused(agent, directives)),
            ("beneath", _strayed(agent, step)),
            ("apart", _touched(trial, agent, step, after, directives)),
        ):
            if why:
                seen.setdefault(law, why)
        agent = after
    renamed = _renamed(trial)
    return PluginNotes(begun, {**seen, "renamed": renamed} if renamed else seen)


def _tried(agent: Agent[Any]) -> tuple[str, Any]:
    name, plugin = carried(type(agent))[-1]
    return name, plugin


def _slices(agent: Agent[Any]) -> Mapping[str, Any]:
    kept = agent.strategy_state
    return kept.slices if isinstance(kept, PluggedState) else FrozenDict()


# ---- mounted


def _mounted(agent: Agent[Any]) -> tuple[str, str]:
    """Return what a new agent has, and what is wrong with that."""
    cls, (_, plugin) = type(agent), _tried(agent)
    with watched() as doings:
        first = told(_slices(cls.new(agent.id)))
    again = told(_slices(cls.new(agent.id)))
    if doings:
        return first, f"mount {doings[0]}"
    if again != first:
        return first, f"mount gives first {differing(first, again)}"
    patterns, others = (tuple(route.pattern for route in Router(plugin.routes()).routes) for _ in range(2))
    if patterns != others:
        return first, f"routes gives first {differing(told(patterns), told(others))}"
    return first, ""


# ---- its slice


def _unfit(agent: Agent[Any]) -> str:
    name, plugin = _tried(agent)
    held = _slices(agent).get(name)
    if type(held) is not plugin.slice.cls:
        return f"the slice is {shown(held)}, and no {plugin.slice.cls.__qualname__}"
    try:
        fitting = plugin.slice.fit(unstructure(held))
    except Exception as error:  # noqa: BLE001 - a misfit, or of what was forced into it
        return f"the slice doesn't fit its class: {shown_error(error)}"
    if told(fitting) != told(held):
        return f"the slice doesn't fit its class: {differing(told(held), told(fitting))}"
    try:
        back = unpack(pack(held))
    except Exception as error:  # noqa: BLE001 - of a converter, too
        return f"the slice can't be stored: {shown_error(error)}"
    return "" if told(back) == told(held) else f"the slice comes back as another: {differing(told(held), told(back))}"


# ---- its hooks


def _refused(agent: Agent[Any], directives: Sequence[object]) -> str:
    name, _ = _tried(agent)
    for one in directives:
        if isinstance(one, Error) and isinstance(one.error, PluginRefused) and one.error.plugin == name:
            return f"{one.error.hook}: {said(one.error.reason)}"
    return ""


# ---- what isn't its own


def _is_its_own(agent: Agent[Any], type: str) -> bool:
    name, _ = _tried(agent)
    return type == name or type.startswith(f"{name}.")


def _heard(agent: Agent[Any], signal: Signal) -> Signal | None:
    """Return the signal that is routed, None if a hook refuses it."""
    strategy: Any = type(agent).strategy
    try:
        heard: Signal = strategy.heard(agent, signal)
    except Exception:  # noqa: BLE001 - `hooks` and `total` tell
        return None
    return heard


def _without(agent: Agent[Any]) -> Agent[Any]:
    """Return the same agent without the plugin."""
    others = carried(type(agent))[:-1]
    plain: Agent[Any] = agent_with(*others).new(agent.id, agent.state)
    kept = {name: held for name, held in _slices(agent).items() if name in _slices(plain)}
    return evolve(plain, strategy_state=PluggedState(plain.strategy_state.own, FrozenDict(kept)))


def _strayed(agent: Agent[Any], step: Step) -> str:
    if not isinstance(step, Signal) or _is_its_own(agent, step.type):
        return ""
    heard = _heard(agent, step)
    if heard is not None and _is_its_own(agent, heard.type):
        return f"on_signal makes {shown(step.type)} into {shown(heard.type)}, which is its own"
    if heard is None or isinstance(attempted_answer(_without(agent), step), Unrouted):
        return ""
    if isinstance(attempted_answer(agent, step), Unrouted):
        return f"{shown(step.type)} isn't routed any more, as on_signal makes it into {shown(heard.type)}"
    return ""


def attempted_answer(agent: Agent[Any], signal: Signal) -> object:
    """Return what an agent answers to a signal; the error that left it, if one did."""
    try:
        return agent.receive(signal)
    except Exception as error:  # noqa: BLE001 - `total` tells
        return error


def _touched(trial: Trial, agent: Agent[Any], step: Step, after: Agent[Any], directives: Sequence[object]) -> str:
    own, _ = _tried(agent)
    before, now = _slices(agent), _slices(after)
    of = step.type.partition(".")[0] if isinstance(step, Signal) else ""
    for name in sorted(before.keys() | now.keys()):
        if name in (own, of) and not (of == own and name == Bystander.name):
            continue
        if told(before.get(name)) != told(now.get(name)):
            return f"the slice of {shown(name)} changes: {differing(told(before.get(name)), told(now.get(name)))}"
    if after.id != agent.id:
        return f"the agent's id becomes {shown(after.id)}"
    if trial.may_change_state or (isinstance(step, Signal) and _is_its_own(agent, step.type)):
        return ""
    heard = _heard(agent, step) if isinstance(step, Signal) else step
    if heard is None or any(isinstance(one, Error) for one in directives):
        return ""
    plain, _, error = attempted(_without(agent), heard)
    if error or told(plain.state) == told(after.state):
        return ""
    return f"the agent's state isn't what its own action made of it: {differing(told(plain.state), told(after.state))}"


# ---- under other names


def _renamed(trial: Trial) -> str:
    name, plugin = _tried(trial.agent)
    if plugin.singleton:
        return ""
    drawn: list[object] = []
    with noting_draws(drawn):
        own, own_state = _told_under(name, trial, type(trial.agent))
        try:
            one, two = renamed(type(trial.agent))
            alone, alone_state = _told_under(ANOTHER, trial, one)
            pair, pair_state = _told_under(ANOTHER, trial, two)
        except InvalidDefinition as error:
            return f"it can't be had under another name: {shown_error(error)}"
    if drawn:  # numbers follow from the whole signal, its type, too
        return ""
    if alone != own or alone_state != own_state:
        return f"under another name: {differing(own + own_state, alone + alone_state)}"
    if pair != own or (pair_state != own_state and not trial.may_change_state):
        return f"beside another of its class: {differing(own + own_state, pair + pair_state)}"
    return ""


def renamed(cls: type[Agent[Any]]) -> tuple[type[Agent[Any]], ...]:
    """Return agents that have the plugin under another name, and twice.

    Raises:
        InvalidDefinition: No agent can have it so.
    """
    *others, (_, plugin) = carried(cls)
    return agent_with(*others, (ANOTHER, plugin)), agent_with(*others, (ANOTHER, plugin), (THIRD, plugin))


def _told_under(name: str, trial: Trial, cls: type[Agent[Any]]) -> tuple[str, str]:
    """Return what becomes of the slice and the agent when it has the plugin by that name, as text with its own name."""
    own, _ = _tried(trial.agent)
    agent: Agent[Any] = cls.new(trial.agent.id, trial.agent.state)
    slices: list[str] = []
    rest: list[str] = []
    for step in trial.steps:
        agent, directives, error = attempted(agent, _to(name, own, step))
        slices.append(told(_slices(agent).get(name)))
        wrong = [type(one.error).__qualname__ for one in directives if isinstance(one, Error)]
        rest.append(f"{told(agent.state)} {wrong} {error}")
    texts = (masked_ids(text).replace(name, own) for text in (" ".join(slices), " ".join(rest)))
    slice_text, rest_text = texts
    return slice_text, rest_text


def _to(name: str, own: str, step: Step) -> Step:
    if isinstance(step, Signal) and step.type.startswith(f"{own}."):
        return evolve(step, type=name + step.type.removeprefix(own))
    return step
