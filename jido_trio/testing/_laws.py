"""The laws of agents and of plugins, each a sentence about all trials and what tells that one breaks it.

What is told of a trial is read from notes of it (`_walk`, `_plugin_walk`), which were taken in other processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from attrs import frozen

from jido_trio.core import Agent
from jido_trio.core.inner import invariants_of
from jido_trio.testing._bench import Bench
from jido_trio.testing._sandbox import Died, Unhandable
from jido_trio.testing._subject import AgentUnderTest
from jido_trio.testing._told import differing
from jido_trio.testing._walk import ONCE_MORE, Seen, Trial, Walk, parted

Broken: TypeAlias = Callable[[Bench, Trial], str | None]
"""Says what is wrong at a trial, if something is."""


@frozen
class Law:
    """A sentence about all trials."""

    name: str
    sentence: str
    broken: Broken
    skipped: Callable[[AgentUnderTest], str | None] = lambda _: None
    """Why it doesn't concern a subject, if it doesn't."""
    remarkable: Callable[[Seen], str] = lambda _: ""
    """What its author should know though it holds, if anything."""
    proof: Callable[[Walk], str] = lambda _: ""
    """A line of code that shows what is wrong of what came out of the last step, see `code_of`."""


def _each(walk: Walk | Died) -> Iterator[tuple[int, Seen]]:
    return iter(() if isinstance(walk, Died) else enumerate(walk.steps, start=1))


def _first(walk: Walk | Died, tell: Callable[[Seen], str]) -> str | None:
    for _, seen in _each(walk):
        if what := tell(seen):
            return what
    return None


def _deterministic(bench: Bench, trial: Trial) -> str | None:
    here = bench.here(trial)
    what = _first(here, lambda seen: f"first {seen.again}" if seen.again else "")
    what = what or _first(here, lambda seen: seen.twin)
    if what is not None or isinstance(here, Died):
        return what
    what = _parting(here, bench.elsewhere(trial))
    return f"in another process, directory, time zone, locale and environment: {what}" if what else None


def _parting(walk: Walk, others: tuple[str, ...] | Died) -> str:
    """Return where what came out of the same steps begins to differ."""
    if isinstance(others, Died):
        return ""
    pairs = zip(walk.outcomes, others, strict=False)
    return next((where for one, other in pairs if (where := parted(one, other))), "")


def _pure(bench: Bench, trial: Trial) -> str | None:
    here = bench.here(trial)
    return _first(here, lambda seen: f"changes what it was given: {seen.touched}" if seen.touched else "") or _first(
        here, lambda seen: "; ".join([*dict.fromkeys(seen.doings)][:_DOINGS])
    )


_DOINGS = 3
"""So many things that are done beside computing are told: the first may be just a part of what the others are."""


def _total(bench: Bench, trial: Trial) -> str | None:
    here = bench.here(trial)
    if isinstance(here, Unhandable):
        return None
    return here.why if isinstance(here, Died) else _first(here, lambda seen: seen.error)


def _closed(bench: Bench, trial: Trial) -> str | None:
    return _first(bench.here(trial), lambda seen: seen.invalid)


def _invariant(bench: Bench, trial: Trial) -> str | None:
    return _first(bench.here(trial), lambda seen: seen.broken)


def _own(bench: Bench, trial: Trial) -> str | None:
    return _first(bench.here(trial), lambda seen: seen.own)


def _sequential(bench: Bench, trial: Trial) -> str | None:
    here = bench.here(trial)
    return (here.apart or None) if isinstance(here, Walk) else None


def _serialisable(bench: Bench, trial: Trial) -> str | None:
    return _first(bench.here(trial), lambda seen: seen.unstorable)


def _independent(bench: Bench, trial: Trial) -> str | None:
    here = bench.here(trial)
    what = "" if isinstance(here, Died) else _parting(here, bench.warmed(trial))
    return f"in a fresh process, and after the same steps in another order: {what}" if what else None


def _noted(law: str) -> Broken:
    def broken(bench: Bench, trial: Trial) -> str | None:
        notes = bench.plugged(trial)
        return None if isinstance(notes, Died) else notes.broken.get(law)

    return broken


def _mounted(bench: Bench, trial: Trial) -> str | None:
    here = bench.plugged(trial)
    if isinstance(here, Died):
        return here.why
    if "mounted" in here.broken:
        return here.broken["mounted"]
    there = bench.plugged_elsewhere(trial)
    if isinstance(there, Died) or there.begun == here.begun:
        return None
    return f"in another process, directory, time zone, locale and environment: {differing(here.begun, there.begun)}"


def _no_plugin(subject: AgentUnderTest) -> str | None:
    return None if subject.is_plugin else "it is no plugin"


def _hooked(subject: AgentUnderTest) -> str | None:
    cls = subject.cls
    if type(cls.strategy).run is not type(Agent.strategy).run:
        return "its strategy, or a plugin, looks at whole commands"
    if cls.cmd is not Agent.cmd:
        return "its cmd is one of its own"
    hooked = cls.on_before_cmd is not Agent.on_before_cmd or cls.on_after_cmd is not Agent.on_after_cmd
    return "a hook looks at whole commands" if hooked else None


def _unlike_again(walk: Walk) -> str:
    if walk.steps[-1].again:
        return "assert {same} == (after, directives)"
    return "assert {more} == {more}" if walk.steps[-1].twin.startswith(ONCE_MORE) else ""


def _disproved(walk: Walk) -> str:
    name, _, _ = walk.steps[-1].broken.partition(" ")
    return f"assert after.{name}()" if name else ""


LAWS: Mapping[str, Law] = {
    law.name: law
    for law in (
        Law("total", "nothing but declared failures leaves cmd", _total, proof=lambda walk: walk.steps[-1].raised_by),
        Law(
            "deterministic",
            "the same agent and command give the same answer, anywhere",
            _deterministic,
            proof=_unlike_again,
        ),
        Law(
            "pure",
            "cmd does nothing but compute, and leaves alone what it is given",
            _pure,
            proof=lambda walk: "assert agent == {before}" if walk.steps[-1].agent_touched else "",
        ),
        Law(
            "closed",
            "the new state is one that the agent's class allows",
            _closed,
            remarkable=lambda seen: f"but {seen.refused}" if seen.refused else "",
        ),
        Law(
            "invariant",
            "what the agent's invariants say holds after every command",
            _invariant,
            lambda subject: None if any(invariants_of(subject.cls)) else "the agent has no @invariant",
            proof=_disproved,
        ),
        Law(
            "own",
            "what its author's laws and models say holds at every command",
            _own,
            lambda subject: None if subject.laws else "the agent has no @law and no @model",
        ),
        Law(
            "sequential",
            "a list of commands does what they do one after the other",
            _sequential,
            _hooked,
            proof=lambda walk: "together, directives = {new}.cmd({steps})" if walk.apart else "",
        ),
        Law("independent", "nothing is kept from call to call outside of the agent", _independent),
        Law(
            "serialisable",
            "what is to be stored comes back as it was",
            _serialisable,
            lambda subject: None if subject.cls.durable is not None else "the agent isn't declared durable",
        ),
    )
}
LAWS_OF_PLUGINS: Mapping[str, Law] = {
    law.name: law
    for law in (
        Law("mounted", "what it brings to a new agent is the same each time, anywhere", _mounted, _no_plugin),
        Law(
            "sliced",
            "its slice stays of its class, and comes back from storage as it was",
            _noted("sliced"),
            _no_plugin,
        ),
        Law(
            "hooks",
            "its hooks answer what they are asked for, or say no by an ActionError",
            _noted("hooks"),
            _no_plugin,
        ),
        Law(
            "apart",
            "it changes no slice but its own, and the agent's state by what its actions return",
            _noted("apart"),
            _no_plugin,
        ),
        Law("beneath", "signals that aren't below its name are none of its own", _noted("beneath"), _no_plugin),
        Law(
            "renamed",
            "it does the same under another name, and beside another of its class",
            _noted("renamed"),
            lambda subject: _no_plugin(subject) or ("it is a singleton" if subject.is_singleton else None),
        ),
    )
}
