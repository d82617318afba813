"""Conformance: laws that every agent class should obey, tried on one with no test of its author's.

A law is about a trial: an agent, and steps that it goes through. Hypothesis makes trials, first such as begin with an
agent as it begins, then such as begin in any state that the types allow; and it shrinks a trial at which a law breaks.
What happens in a trial is found out in another process (`_sandbox`), so this one is never touched by what it tries.
All laws read the same notes of a trial, and trials follow from a seed: a law costs next to nothing once the first has
been tried.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from jido_trio.core import Agent
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown
from jido_trio.testing._bench import EXAMPLES, STEPS, Bench, How
from jido_trio.testing._bounded import BOUNDED, bounded
from jido_trio.testing._laws import LAWS, LAWS_OF_PLUGINS
from jido_trio.testing._own_laws import OwnLaw
from jido_trio.testing._search import tried
from jido_trio.testing._strategies import Overrides
from jido_trio.testing._subject import AgentUnderTest, subject_of
from jido_trio.testing._verdicts import Conformance, LawVerdict

NAMES = (*LAWS, BOUNDED)
"""Laws in the order in which they are tried."""
PLUGIN_NAMES = tuple(LAWS_OF_PLUGINS)
"""Laws that are about plugins, tried after the others."""


def conformance(
    agent: type[Agent[Any]] | AgentUnderTest,
    *,
    laws: Collection[str] | None = None,
    examples: int = EXAMPLES,
    seed: int = 0,
    overrides: Overrides | None = None,
    also: Sequence[OwnLaw] = (),
    kept: str | None = None,
    steps: int = STEPS,
    until: datetime | None = None,
    progress: Callable[[LawVerdict], None] = lambda _: None,
    on_trial: Callable[[int], None] = lambda _: None,
) -> Conformance:
    """Try the laws on an agent class, and return what became of each.

    Args:
        agent: The class; or an `AgentUnderTest`, which may be an action or a plugin, too.
        laws: Names of those to try; if None `NAMES`, and for a plugin `PLUGIN_NAMES`, too.
        examples: Trials for each law; half as many again begin in any state.
        seed: What the trials follow from.
        overrides: What to generate instead for a class, or for a field of one: `{Take: ..., (Put, "count"): ...}`.
        also: Laws and models about it that aren't in its module.
        kept: A folder for failures, which are tried first the next time; none are kept if None.
        steps: Of a trial, at most.
        until: When no trial is begun any more, in UTC: laws for which there was no time are skipped, and say so.
        progress: Called with each verdict, when it is known.
        on_trial: Called before each trial, with how many there were with it.

    Raises:
        InvalidDefinition: It is no agent class, or can't be told anything; or there is no such law.
    """
    subject = agent if isinstance(agent, AgentUnderTest) else subject_of(agent, overrides, also)
    wanted = names_for(subject, laws)
    how = How(examples, seed, kept, steps, until)
    verdicts: list[LawVerdict] = []
    with Bench(subject.modules, all_laws=laws is None, on_trial=on_trial) as bench:
        for name in wanted:
            verdicts.append(judged(bench, subject, name, how))
            progress(verdicts[-1])
        return Conformance(subject.name, tuple(verdicts), bench.trials)


def names_for(subject: AgentUnderTest, laws: Collection[str] | None = None) -> Sequence[str]:
    """Return the laws that are tried on a subject: those that were asked for, or all that are about its kind.

    Raises:
        InvalidDefinition: There is no such law.
    """
    if laws is None:
        return (*NAMES, *PLUGIN_NAMES) if subject.is_plugin else NAMES
    known = (*NAMES, *PLUGIN_NAMES)
    unknown = set(laws) - set(known)
    if unknown:
        raise InvalidDefinition(
            f"there is no law {shown(min(unknown))}: choose from {', '.join(known)}", field="laws", value=laws
        )
    return [name for name in known if name in laws]


def judged(bench: Bench, subject: AgentUnderTest, law: str, how: How) -> LawVerdict:
    """Return what becomes of one law."""
    if law == BOUNDED:
        return bounded(bench, subject, how)
    return tried(bench, subject, LAWS[law] if law in LAWS else LAWS_OF_PLUGINS[law], how)


def check_agent(
    agent: type[Agent[Any]],
    *,
    laws: Collection[str] | None = None,
    examples: int = EXAMPLES,
    seed: int = 0,
    overrides: Overrides | None = None,
    also: Sequence[OwnLaw] = (),
) -> None:
    """Fail unless an agent class obeys the laws: the same as `conformance`, for a test.

    Raises:
        AssertionError: A law is broken; the text has the counterexample.
        InvalidDefinition: It is no agent class, or can't be told anything.
    """
    report = conformance(agent, laws=laws, examples=examples, seed=seed, overrides=overrides, also=also)
    if not report.holds:
        raise AssertionError(str(report))
