"""Conformance: laws that every agent class should obey, tried on one with no test of its author's.

A law is about a trial: an agent, and steps that it goes through. Hypothesis makes trials, first such as begin with an
agent as it begins, then such as begin in any state that the types allow; and it shrinks a trial at which a law breaks.
What happens in a trial is found out in another process (`_sandbox`), so this one is never touched by what it tries.
All laws read the same notes of a trial, and trials follow from a seed: a law costs next to nothing once the first has
been tried.
"""

from __future__ import annotations

import hashlib
import pickle
import warnings
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

import attrs
from attrs import frozen
from hypothesis import HealthCheck, Phase, find, settings, target
from hypothesis.errors import HypothesisDeprecationWarning, NoSuchExample, Unsatisfiable
from hypothesis.strategies import SearchStrategy

from jido_trio.core import Agent
from jido_trio.core.inner import invariants_of
from jido_trio.data import unstructure
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import said, shown
from jido_trio.testing._code import code_of
from jido_trio.testing._growth import Growth, grown_fields
from jido_trio.testing._own_laws import OwnLaw
from jido_trio.testing._plugin_walk import PluginNotes
from jido_trio.testing._sandbox import Died, Sandbox, Unhandable
from jido_trio.testing._strategies import Overrides, actions
from jido_trio.testing._subject import AgentUnderTest, subject_of
from jido_trio.testing._told import told
from jido_trio.testing._walk import Seen, Trial, Walk, Weighing, differing
from jido_trio.world import seeded

EXAMPLES = 100
"""Trials for a law, if nobody says otherwise; half as many again begin in any state."""

KEPT = ".jido_trio"
"""The folder in which failures are kept, below the working directory."""


_HASHES = (4242, 77)
"""Hash seeds of the other processes. There are two: a few names are in the same order in one of them, by chance."""


def _one_of(processes: Sequence[Sandbox], trial: Trial) -> Sandbox:
    return processes[zlib.crc32(told((trial.agent, trial.steps)).encode("utf-8", "replace")) % len(processes)]


class Bench:
    """The processes in which agents are tried, with these modules imported."""

    def __init__(self, modules: Sequence[str]) -> None:
        self._stack = ExitStack()
        self._searched: dict[tuple[str, How, bool], tuple[AgentUnderTest, Sequence[Trial]]] = {}
        self._here = self._stack.enter_context(Sandbox(modules))
        self._elsewhere = [self._stack.enter_context(Sandbox(modules, elsewhere=seed)) for seed in _HASHES]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def here(self, trial: Trial) -> Walk | Died:
        """Return what is noted of a trial."""
        return self._here.ask("walk", trial)  # type: ignore[no-any-return]  # or Died

    def check_it_can_be_handed(self, subject: AgentUnderTest) -> None:
        """Raise unless an agent of its class, as it begins, can be tried in another process.

        Raises:
            InvalidDefinition: It can't.
        """
        if subject.fresh() is not None and isinstance(self.here(Trial(subject.cls.new("a"), ())), Unhandable):
            raise InvalidDefinition(
                f"{shown(subject.name)} can't be handed to the process in which it is tried: put its "
                "classes at the top of a module that can be imported",
                field="agent",
                value=subject.cls,
            )

    def known(self, trial: Trial) -> Walk | Died | None:
        """Return what was noted of a trial, if it was asked for."""
        return self._here.known("walk", trial)  # type: ignore[no-any-return]  # or Died

    def elsewhere(self, trial: Trial) -> Walk | Died:
        """Return the same of another process: which of them, follows from the trial."""
        return _one_of(self._elsewhere, trial).ask("walk", trial)  # type: ignore[no-any-return]  # or Died

    def plugged(self, trial: Trial) -> PluginNotes | Died:
        """Return what is noted of a trial of a plugin."""
        return self._here.ask("plugin", trial)  # type: ignore[no-any-return]  # or Died

    def plugged_elsewhere(self, trial: Trial) -> PluginNotes | Died:
        """Return the same of another process."""
        return _one_of(self._elsewhere, trial).ask("plugin", trial)  # type: ignore[no-any-return]  # or Died

    def searched(self, subject: AgentUnderTest, how: How, *, reachable: bool) -> Sequence[Trial]:
        """Return all trials that a search in vain went through: another law's search would go through the same."""
        held, trials = self._searched.get((subject.name, how, reachable), (None, ()))
        return trials if held is subject else ()

    def searched_in_vain(self, subject: AgentUnderTest, how: How, trials: Sequence[Trial], *, reachable: bool) -> None:
        """Remember what a search went through."""
        self._searched[subject.name, how, reachable] = (subject, trials)

    def weigh(self, weighing: Weighing) -> Sequence[tuple[int, float]] | Died:
        """Return lines and seconds by size."""
        return self._here.ask("weigh", weighing)  # type: ignore[no-any-return]  # or Died


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


@frozen
class LawVerdict:
    """What became of one law."""

    law: str
    sentence: str
    outcome: Literal["holds", "broken", "skipped"]
    why: str = ""
    """What was seen at the counterexample; or why the law was not tried."""
    code: str = ""
    """The smallest counterexample, as code to paste."""
    reachable: bool | None = None
    """Whether the counterexample begins with an agent as it begins; else its state is one that the types allow."""


@frozen
class Conformance:
    """What became of all laws for one agent class."""

    agent: str
    """`module:Class`."""
    verdicts: tuple[LawVerdict, ...]

    @property
    def holds(self) -> bool:
        """Whether no law is broken."""
        return not self.broken

    @property
    def broken(self) -> tuple[LawVerdict, ...]:
        """The laws that are."""
        return tuple(verdict for verdict in self.verdicts if verdict.outcome == "broken")

    def __str__(self) -> str:
        return "\n\n".join([f"{self.agent} breaks {len(self.broken)} law(s)", *map(told_verdict, self.broken)])


def told_verdict(verdict: LawVerdict) -> str:
    """Return a broken law with its counterexample, as lines."""
    where = {True: "a state that commands lead to", False: "a state that the types allow", None: ""}
    found = f" (found in {where[verdict.reachable]})" if verdict.reachable is not None else ""
    return f"{verdict.law}: {verdict.sentence}\n  {verdict.why}{found}\n\n" + _indented(verdict.code)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.splitlines())


# ---- the laws


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
    what = what or _first(here, lambda seen: f"of an equal agent: {seen.twin}" if seen.twin else "")
    if what is not None:
        return what
    for (_, one), (_, other) in zip(_each(here), _each(bench.elsewhere(trial)), strict=False):
        if (one.result, one.error) != (other.result, other.error):
            what = differing(one.result or one.error, other.result or other.error)
            return f"in another process, directory, time zone, locale and environment: {what}"
    return None


def _pure(bench: Bench, trial: Trial) -> str | None:
    here = bench.here(trial)
    return _first(here, lambda seen: f"changes what it was given: {seen.touched}" if seen.touched else "") or _first(
        here, lambda seen: seen.doings[0] if seen.doings else ""
    )


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
    alone = bench.here(trial)
    again = bench.here(attrs.evolve(trial, warm=tuple(reversed(trial.steps))))
    for (_, one), (_, other) in zip(_each(alone), _each(again), strict=False):
        if (one.result, one.error) != (other.result, other.error):
            return "after the same steps in another order: " + differing(
                one.result or one.error, other.result or other.error
            )
    return None


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
    hooked = cls.on_before_cmd is not Agent.on_before_cmd or cls.on_after_cmd is not Agent.on_after_cmd
    return "a hook looks at whole commands" if hooked else None


LAWS: Mapping[str, Law] = {
    law.name: law
    for law in (
        Law("total", "nothing but declared failures leaves cmd", _total),
        Law("deterministic", "the same agent and command give the same answer, anywhere", _deterministic),
        Law("pure", "cmd does nothing but compute, and leaves alone what it is given", _pure),
        Law("closed", "the new state is one that the agent's class allows", _closed),
        Law(
            "invariant",
            "what the agent's invariants say holds after every command",
            _invariant,
            lambda subject: None if any(invariants_of(subject.cls)) else "the agent has no @invariant",
        ),
        Law(
            "own",
            "what its author's laws and models say holds at every command",
            _own,
            lambda subject: None if subject.laws else "the agent has no @law and no @model",
        ),
        Law("sequential", "a list of commands does what they do one after the other", _sequential, _hooked),
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
BOUNDED = "bounded"
NAMES = (*LAWS, BOUNDED)
"""Laws in the order in which they are tried."""
PLUGIN_NAMES = tuple(LAWS_OF_PLUGINS)
"""Laws that are about plugins, tried after the others."""


# ---- the check


def conformance(
    agent: type[Agent[Any]] | AgentUnderTest,
    *,
    laws: Collection[str] | None = None,
    examples: int = EXAMPLES,
    seed: int = 0,
    overrides: Overrides | None = None,
    also: Sequence[OwnLaw] = (),
    kept: str | None = None,
    progress: Callable[[LawVerdict], None] = lambda _: None,
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
        progress: Called with each verdict, when it is known.

    Raises:
        InvalidDefinition: It is no agent class, or can't be told anything; or there is no such law.
    """
    subject = agent if isinstance(agent, AgentUnderTest) else subject_of(agent, overrides, also)
    wanted = names_for(subject, laws)
    how = How(examples, seed, kept)
    verdicts: list[LawVerdict] = []
    with Bench(subject.modules) as bench:
        for name in wanted:
            verdicts.append(judged(bench, subject, name, how))
            progress(verdicts[-1])
    return Conformance(subject.name, tuple(verdicts))


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
        return _bounded(bench, subject, how)
    return _tried(bench, subject, LAWS[law] if law in LAWS else LAWS_OF_PLUGINS[law], how)


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


@frozen
class How:
    """How hard to try, see `conformance`."""

    examples: int = EXAMPLES
    seed: int = 0
    kept: str | None = None

    def settings(
        self,
        *,
        share: int = 1,
        phases: Sequence[Phase] = (Phase.reuse, Phase.generate, Phase.target, Phase.shrink),
    ) -> settings:
        return settings(
            max_examples=max(self.examples // share, 1),
            database=None,  # it keeps nothing of a search that follows from a seed; see `_Kept`
            deadline=None,
            phases=phases,
            suppress_health_check=_HEALTHY,
        )


_HEALTHY = (
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
    HealthCheck.large_base_example,
    HealthCheck.too_slow,
)
"""What Hypothesis may find about the trials is no news to whoever has written the agent."""


def _tried(bench: Bench, subject: AgentUnderTest, law: Law, how: How) -> LawVerdict:
    reason = law.skipped(subject)
    if reason is not None:
        return LawVerdict(law.name, law.sentence, "skipped", reason)
    bench.check_it_can_be_handed(subject)
    for reachable in (True, False):
        trial = _counterexample(bench, subject, law, how, reachable=reachable)
        if trial is not None:
            why = law.broken(bench, trial) or "it broke once, and not when it was tried again"
            return LawVerdict(law.name, law.sentence, "broken", said(why), code_of(trial), reachable)
    return LawVerdict(law.name, law.sentence, "holds")


def _counterexample(bench: Bench, subject: AgentUnderTest, law: Law, how: How, *, reachable: bool) -> Trial | None:
    trials = subject.trials(reachable=reachable)
    if trials is None:
        return None
    kept = _Kept(how.kept, f"{subject.name} {law.name} {reachable}")
    before = kept.trial()
    if before is not None and law.broken(bench, before) is not None:
        return before
    found = _found(bench, subject, law, how, trials, reachable=reachable)
    if found is None:
        kept.forget()
        return None
    found = _without_needless_steps(bench, law, found)
    kept.keep(found)
    return found


def _found(
    bench: Bench, subject: AgentUnderTest, law: Law, how: How, trials: SearchStrategy[Trial], *, reachable: bool
) -> Trial | None:
    searched = bench.searched(subject, how, reachable=reachable)
    if searched and not any(law.broken(bench, trial) for trial in searched):
        return None
    tried: list[Trial] = []

    def is_broken(trial: Trial) -> bool:
        tried.append(trial)
        return _is_broken(bench, law, trial)

    settings = how.settings(share=1 if reachable else 2)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HypothesisDeprecationWarning)  # an agent may begin by chance: a law tells
            return find(trials, is_broken, settings=settings, random=seeded(how.seed).random)
    except (NoSuchExample, Unsatisfiable):
        bench.searched_in_vain(subject, how, tried, reachable=reachable)
        return None


def _without_needless_steps(bench: Bench, law: Law, trial: Trial) -> Trial:
    """Return a trial that breaks the law with as few of its steps; Hypothesis leaves one at times."""
    for at in reversed(range(len(trial.steps))):
        fewer = attrs.evolve(trial, steps=trial.steps[:at] + trial.steps[at + 1 :])
        if fewer.steps and law.broken(bench, fewer) is not None:
            trial = fewer
    return trial


class _Kept:
    """The file in which the smallest trial that broke a law is kept, if one did and failures are kept."""

    def __init__(self, folder: str | None, key: str) -> None:
        self._file = None if folder is None else Path(folder, hashlib.sha256(key.encode()).hexdigest()[:24])

    def trial(self) -> Trial | None:
        """Return what is kept; None if there is nothing, or it can't be made any more, as the code has changed."""
        if self._file is None or not self._file.exists():
            return None
        try:
            trial: Trial = pickle.loads(self._file.read_bytes())  # noqa: S301 - from beside the code that is imported
        except Exception:  # noqa: BLE001 - of whatever its classes are now
            return None
        return trial

    def keep(self, trial: Trial) -> None:
        """Keep a trial."""
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_bytes(pickle.dumps(trial))

    def forget(self) -> None:
        """Keep nothing."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)


def _is_broken(bench: Bench, law: Law, trial: Trial) -> bool:
    """Tell whether a law is broken; and Hypothesis, to look for more like this, in how many states the agent was."""
    broken = law.broken(bench, trial) is not None
    walk = None if broken or len(trial.steps) == 1 else bench.known(trial)
    if isinstance(walk, Walk):
        target(float(len({seen.state for seen in walk.steps})), label="states")
    return broken


# ---- what it costs

_SIZES = (64, 128, 256, 512)
_LARGE = (1024, 2048, 4096)
_STEEP = 1.6
"""Twice the size takes more than this power of two: more than in proportion, whatever is lost in rounding."""
_QUICK = 0.004
"""Seconds of the processor that tell nothing."""


def _bounded(bench: Bench, subject: AgentUnderTest, how: How) -> LawVerdict:
    sentence = "a command takes no longer than in proportion to the state"
    grown = list(grown_fields(subject.cls))
    if not grown:
        return LawVerdict(BOUNDED, sentence, "skipped", "the state has no container that grows")
    tried = False
    for action in subject.actions:
        step = _smallest(action, how)
        for name, grow in grown if step is not None else ():
            why = _steep(bench, subject, name, grow, step)
            tried = tried or why is not None
            if why:
                last = Trial(_sized(subject, name, grow, 2), (step,))
                return LawVerdict(BOUNDED, sentence, "broken", why, code_of(last), reachable=False)
    if not tried:
        return LawVerdict(BOUNDED, sentence, "skipped", "no larger state could be made that fits")
    return LawVerdict(BOUNDED, sentence, "holds")


def _steep(bench: Bench, subject: AgentUnderTest, name: str, grow: Growth, step: Any) -> str | None:
    """Return what grows too fast, "" if nothing does, None if it can't be told."""
    try:
        sizes = [_sized(subject, name, grow, size) for size in _SIZES]
        large = [_sized(subject, name, grow, size) for size in _LARGE]
    except Exception:  # noqa: BLE001 - a validator says no
        return None
    answer = bench.weigh(Weighing(tuple(sizes), step))
    if isinstance(answer, Died):
        small = [_sized(subject, name, grow, size) for size in _SMALL]
        return _endless(bench, small, name, step, answer)
    lines = [count for count, _ in answer]
    if lines[-1] > 2000 and lines[-1] > lines[-2] * 2**_STEEP and lines[-2] > lines[-3] * 2**_STEEP:
        counts = ", ".join(f"{count} at {size}" for size, count in zip(_SIZES, lines, strict=True))
        return f"{_called(step)} goes through more lines than in proportion to {name}: {counts}"
    return _slow(bench, name, large, step)


_SMALL = (2, 4, 8)


def _endless(bench: Bench, agents: Sequence[Agent[Any]], name: str, step: Any, died: Died) -> str | None:
    """Return what doesn't end at a size that others live with, and does at a small one."""
    answer = bench.weigh(Weighing(tuple(agents), step))
    if isinstance(answer, Died):
        return None
    counts = ", ".join(f"{count} at {size}" for size, (count, _) in zip(_SMALL, answer, strict=True))
    return f"{_called(step)} grows beyond all bounds with {name}: lines {counts}, and from {_SIZES[0]} on {died.why}"


def _called(step: Any) -> str:
    return type(step[0] if isinstance(step, tuple) else step).__name__


def _slow(bench: Bench, name: str, agents: Sequence[Agent[Any]], step: Any) -> str:
    seconds: list[float] = []
    for again in range(3):  # what isn't so three times is the machine's
        answer = bench.weigh(Weighing((*agents, *agents[:again]), step))
        if isinstance(answer, Died):
            return ""
        seconds = [took for _, took in answer][: len(agents)]
        if not is_steep(seconds):
            return ""
    took = ", ".join(f"{1000 * one:.1f} ms at {size}" for size, one in zip(_LARGE, seconds, strict=True))
    return f"{_called(step)} takes longer than in proportion to {name}: {took}"


def is_steep(seconds: Sequence[float]) -> bool:
    """Tell whether what takes so long, each time at twice the size, takes more than in proportion to the size."""
    before, last_but_one, last = seconds[-3:]
    return last > _QUICK and last > last_but_one * 2**_STEEP and last_but_one > before * 2**1.4


def _smallest(action: Any, how: How) -> Any:
    try:
        return find(actions(action), lambda _: True, settings=how.settings(phases=[Phase.generate, Phase.shrink]))
    except (NoSuchExample, Unsatisfiable):
        return None


def _sized(subject: AgentUnderTest, name: str, grow: Growth, size: int) -> Agent[Any]:
    fresh = subject.fresh()
    if fresh is None:
        raise LookupError(shown(subject.name))
    agent: Agent[Any] = subject.cls.new("a")
    state = dict(unstructure(agent.state))
    state[name] = grow(size)
    return subject.cls.new("a", state)
