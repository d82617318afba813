"""Plugins: `FAULTY` have one defect each, with the laws that may find it; `ODD` look strange, and have none."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import attrs
from attrs import evolve, field, frozen

from jido_trio import Action, ActionError, Context, Cron, Emit, Result, Signal
from jido_trio.core import Plugin
from jido_trio.testing._specimens import Tally
from jido_trio.world import current

P = TypeVar("P", bound=type[Plugin[Any]])

FAULTY: dict[type[Plugin[Any]], frozenset[str]] = {}
ODD: list[type[Plugin[Any]]] = []


def planted(*laws: str) -> Callable[[P], P]:
    """Note a plugin that has a defect, which each of these laws finds."""

    def note(plugin: P) -> P:
        FAULTY[plugin] = frozenset(laws)
        return plugin

    return note


def odd(plugin: P) -> P:
    """Note a plugin that has no defect."""
    ODD.append(plugin)
    return plugin


@frozen
class Log:
    lines: list[str] = field(factory=list)
    number: int = 0
    held: Any = None


class Write(Action):
    """Adds a line to the slice of whichever plugin it came by."""

    text: str = "hello"

    def run(self, context: Context[Any, Any]) -> Result:
        name = context["plugin"]
        plugin = next(each.plugin for each in type(context.agent).strategy.mounted if each.name == name)
        lines = context.agent.plugin(type(plugin), name).lines
        return type(plugin).change({"lines": [*lines[-4:], self.text]}, name)


class Logs(Plugin[Log]):
    """What the others are made of."""

    def routes(self) -> Mapping[str, Any]:
        return {"write": Write}


# ---- faulty


_mounts = itertools.count()


@planted("mounted")
class CountsItsMounts(Logs):
    def mount(self, agent: Any) -> Mapping[str, Any]:
        return {"number": next(_mounts)}


@planted("mounted")
class MountsWhereItRuns(Logs):
    def mount(self, agent: Any) -> Mapping[str, Any]:
        return {"lines": [os.environ.get("USER", "nobody")]}


@planted("mounted")
class MountsAHash(Logs):
    def mount(self, agent: Any) -> Mapping[str, Any]:
        return {"number": hash(agent.id)}


@planted("mounted")
class MountsAtATime(Logs):
    def mount(self, agent: Any) -> Mapping[str, Any]:
        return {"lines": [f"{time.time():.3f}"]}


class KeepAFunction(Action):
    def run(self, context: Context[Any, Any]) -> Result:
        return KeepsAFunction.change({"held": len}, context["plugin"])


@planted("sliced")
class KeepsAFunction(Logs):
    def routes(self) -> Mapping[str, Any]:
        return {"write": KeepAFunction}


class ForceALine(Action):
    def run(self, context: Context[Any, Any]) -> Result:
        object.__setattr__(context.agent.plugin(ForcesItsSlice, context["plugin"]), "lines", 7)
        return {}


@planted("sliced", "pure")
class ForcesItsSlice(Logs):
    def routes(self) -> Mapping[str, Any]:
        return {"write": ForceALine}


@planted("hooks")
class ItsHookRaises(Logs):
    def on_action(self, action: Action, agent: Any, signal: Signal | None) -> Mapping[str, Any]:
        return {"kind": {"add": 1, "write": 2}[action.name]}


@planted("hooks")
class ItsHookForgetsToReturn(Logs):
    def on_emit(self, emit: Emit, agent: Any) -> Emit:
        if emit.signal.type == "told":
            return None  # type: ignore[return-value]  # the defect
        return emit


@planted("hooks")
class TakesThePlaceOfItsName(Logs):
    def on_action(self, action: Action, agent: Any, signal: Signal | None) -> Mapping[str, Any]:
        return {"agent": agent.id}


@planted("beneath")
class TakesSignalsOfOthers(Logs):
    def on_signal(self, signal: Signal, agent: Any) -> Signal:
        return evolve(signal, type="takes_signals_of_others.write", data={}) if "refuse" in signal.type else signal


@planted("beneath")
class LosesSignalsOfOthers(Logs):
    def on_signal(self, signal: Signal, agent: Any) -> Signal:
        return evolve(signal, type=f"seen.{signal.type}") if signal.type == "tally.add" else signal


@planted("apart")
class ChangesTheAgent(Logs):
    def on_result(self, action: Action, before: Any, after: Any) -> Any:
        return evolve(after, state=evolve(after.state, count=after.state.count * 2))


@planted("apart")
class ChangesANeighbour(Logs):
    def on_result(self, action: Action, before: Any, after: Any) -> Any:
        kept = after.strategy_state
        notes = kept.slices["bystander"]
        slices = type(kept.slices)({**kept.slices, "bystander": evolve(notes, heard=[*notes.heard[-3:], 0])})
        return evolve(after, strategy_state=evolve(kept, slices=slices))


class WriteToIts(Action):
    def run(self, context: Context[Any, Any]) -> Result:
        return KnowsOnlyItsOwnName.change({"lines": ["written"]})


@planted("renamed")
class KnowsOnlyItsOwnName(Logs):
    def routes(self) -> Mapping[str, Any]:
        return {"write": WriteToIts}


@planted("renamed")
class SaysWhoItIsInTheContext(Logs):
    def on_action(self, action: Action, agent: Any, signal: Signal | None) -> Mapping[str, Any]:
        return {"logger": self.name}


class CountTogether(Action):
    def run(self, context: Context[Any, Any]) -> Result:
        _together.append(1)
        return SharesACounter.change({"number": len(_together)}, context["plugin"])


_together: list[int] = []


@planted("deterministic", "independent")
class SharesACounter(Logs):
    def routes(self) -> Mapping[str, Any]:
        return {"write": CountTogether}


class Divide(Action):
    by: int = 1

    def run(self, context: Context[Any, Any]) -> Result:
        return Divides.change({"number": 100 // self.by}, context["plugin"])


@planted("total")
class Divides(Logs):
    def routes(self) -> Mapping[str, Any]:
        return {"write": Divide}


# ---- odd


@odd
class BringsNothing(Plugin): ...


@odd
class SaysNo(Logs):
    """Its hook says no, as it may."""

    def on_action(self, action: Action, agent: Any, signal: Signal | None) -> None:
        if isinstance(action, Write) and not action.text:
            raise ActionError("say something")


@odd
class MakesIds(Logs):
    """What it begins with follows from the agent."""

    def mount(self, agent: Any) -> Mapping[str, Any]:
        return {"lines": [f"log of {agent.id}"]}


class Dated(Action):
    def run(self, context: Context[Any, Any]) -> Result:
        name = context["plugin"]
        return Dates.change({"lines": [current().now().isoformat(), current().ids()]}, name), Emit(
            "dated", {"by": name}
        )


@odd
class Dates(Logs):
    """Its ids and times are derived."""

    def routes(self) -> Mapping[str, Any]:
        return {"write": Dated}

    def schedules(self) -> tuple[Cron, ...]:
        return (Cron("* * * * *", Signal("write"), key="minutely"),)


@odd
class Translates(Logs):
    """It changes what others send, as hooks may, and leaves them where they are."""

    def on_signal(self, signal: Signal, agent: Any) -> Signal:
        return evolve(signal, subject=agent.id)

    def on_emit(self, emit: Emit, agent: Any) -> Emit:
        return Emit(evolve(emit.signal, subject=agent.id), dispatch=emit.dispatch)


@odd
class Watches(Plugin[Log], singleton=True):
    """Its hook changes its own slice; it is a singleton, so it knows its name."""

    def on_result(self, action: Action, before: Any, after: Any) -> Any:
        seen = after.plugin(Watches)
        return after.with_plugin(Watches, {"number": seen.number + 1, "lines": [action.name]})


class Gift(Action):
    """Changes the agent's state, by what it returns."""

    def run(self, context: Context[Tally, Any]) -> Result:
        return {"count": context.state.count + 100}


@odd
class Gives(Plugin):
    """It has no slice, and an action for the agent."""

    def routes(self) -> Mapping[str, Any]:
        return {"**": Gift}


@odd
class HasConfig(Logs):
    """It is made of other things than text."""

    limits: dict[str, tuple[int, ...]] = attrs.field(factory=lambda: {"a": (1, 2)})
    kinds: frozenset[str] = frozenset({"x", "y"})

    def on_action(self, action: Action, agent: Any, signal: Signal | None) -> None:
        if action.name in self.kinds:
            raise ActionError("not of this kind")
