"""The search: a trial that breaks a law, looked for by Hypothesis, shrunk, and kept for the next time.

Trials follow from a seed. First come such as begin with an agent as it begins, then such as begin in any state that the
types allow; a counterexample says which it needs.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import attrs
from attrs import define
from hypothesis import Phase, target
from hypothesis.errors import NoSuchExample, Unsatisfiable
from hypothesis.strategies import SearchStrategy

from jido_trio.redact import said
from jido_trio.testing._bench import Bench, How
from jido_trio.testing._code import code_of
from jido_trio.testing._finding import Unlike, found
from jido_trio.testing._laws import Law
from jido_trio.testing._sandbox import Died
from jido_trio.testing._subject import AgentUnderTest
from jido_trio.testing._told import told
from jido_trio.testing._verdicts import LawVerdict
from jido_trio.testing._walk import Trial, Walk

NO_TIME = "there was no time left"
UNLIKE = "the same values can be made one time and not another, as a validator, a converter or a default remembers"
_UNTARGETED = (Phase.reuse, Phase.generate, Phase.shrink)
"""How a search goes among agents in any state: of two steps there are no more states to climb to, only other ones."""


def tried(bench: Bench, subject: AgentUnderTest, law: Law, how: How) -> LawVerdict:
    """Return what becomes of a law."""
    reason = law.skipped(subject)
    if reason is not None:
        return LawVerdict(law.name, law.sentence, "skipped", reason)
    if how.is_over and not any(bench.searched(subject, how, reachable=one) for one in (True, False)):
        return LawVerdict(law.name, law.sentence, "skipped", NO_TIME)
    bench.check_it_can_be_handed(subject)
    for reachable in (True, False):
        try:
            trial = _counterexample(bench, subject, law, how, reachable=reachable)
        except Unlike:
            outcome: Literal["broken", "skipped"] = "broken" if law.name == "deterministic" else "skipped"
            return LawVerdict(law.name, law.sentence, outcome, UNLIKE)
        if trial is not None:
            why = law.broken(bench, trial) or "it broke once, and not when it was tried again"
            code = code_of(trial, then=_proof(bench, law, trial))
            return LawVerdict(law.name, law.sentence, "broken", said(why), code, reachable)
    return LawVerdict(law.name, law.sentence, "holds", *_remark(bench, subject, law, how))


def _proof(bench: Bench, law: Law, trial: Trial) -> str:
    """Return the line that shows what is wrong of what came out of the last step of a trial."""
    walk = bench.known(trial)
    return law.proof(walk) if isinstance(walk, Walk) and walk.steps else ""


def _remark(bench: Bench, subject: AgentUnderTest, law: Law, how: How) -> tuple[str, str]:
    """Return what is remarkable, at best of an agent as it begins, and the shortest trial with it, as code."""
    for trial in bench.searched(subject, how, reachable=True) if law.name == "invariant" else ():
        walk = bench.known(trial)
        if isinstance(walk, Walk) and walk.none:
            return said(f"but no agent as it begins was tried: {walk.none}"), ""
    for reachable, where in ((True, ""), (False, ", in a state that the types allow")):
        shortest = _shortest(bench, law, bench.searched(subject, how, reachable=reachable))
        if shortest is not None:
            what, trial = shortest
            return said(f"{what}{where}"), code_of(trial)
    return "", ""


def _shortest(bench: Bench, law: Law, trials: Sequence[Trial]) -> tuple[str, Trial] | None:
    """Return what is remarkable at one of some trials, and the shortest of these, with just the steps to it."""
    shortest: tuple[str, Trial] | None = None
    for trial in trials:
        walk = bench.known(trial)
        seen = walk.steps[-len(trial.steps) :] if isinstance(walk, Walk) else ()
        for at, what in enumerate(map(law.remarkable, seen)):
            if what and (shortest is None or at + 1 < len(shortest[1].steps)):
                shortest = what, attrs.evolve(trial, steps=trial.steps[: at + 1])
    return shortest


def _counterexample(bench: Bench, subject: AgentUnderTest, law: Law, how: How, *, reachable: bool) -> Trial | None:
    trials = subject.trials(reachable=reachable, longest=how.steps)
    if trials is None:
        return None
    kept = _Kept(how.kept, f"{subject.name} {law.name} {reachable}")
    before = kept.trial()
    if before is not None and law.broken(bench, before) is not None:
        return before
    trial = _broken_by(bench, subject, law, how, trials, reachable=reachable)
    if trial is None:
        kept.forget()
        return None
    kept.keep(trial)
    return trial


def _broken_by(
    bench: Bench, subject: AgentUnderTest, law: Law, how: How, trials: SearchStrategy[Trial], *, reachable: bool
) -> Trial | None:
    searched = bench.searched(subject, how, reachable=reachable)
    if searched and not any(law.broken(bench, trial) for trial in searched):
        return None
    if how.is_over and not searched:
        return None
    tried: list[Trial] = []
    broken: list[Trial] = []
    climb = _Climb()

    def is_broken(trial: Trial) -> bool:
        if climb.is_needless(trial) or (not broken and how.is_over and bench.known(trial) is None):
            return False
        tried.append(trial)
        if not broken:  # of one that breaks this law, and of smaller ones, no other law asks
            bench.begin(trial)
        if _is_broken(bench, law, trial):
            broken.append(trial)
            climb.found = climb.found or told((trial.agent, trial.steps))
        return broken[-1:] == [trial]

    settings = how.settings() if reachable else how.settings(share=2, phases=_UNTARGETED)
    try:
        smallest = found(trials, is_broken, settings, how.seed)
    except (NoSuchExample, Unsatisfiable):
        bench.searched_in_vain(subject, how, tried, reachable=reachable)
        return None
    except Unlike:
        if not broken:
            raise
        smallest = broken[-1]
    return _surely(bench, [*broken, _without_needless_steps(bench, law, smallest)])


@define
class _Climb:
    """Hypothesis climbs on to more states when it has found one, which leads nowhere any more.

    Then it begins to make it smaller, with the very one that it found.
    """

    found: str = ""
    _is_over: bool = False

    def is_needless(self, trial: Trial) -> bool:
        """Tell whether a trial is one of those that lead nowhere."""
        if not self.found or self._is_over:
            return False
        self._is_over = told((trial.agent, trial.steps)) == self.found
        return not self._is_over


def _surely(bench: Bench, found: Sequence[Trial]) -> Trial:
    """Return the smallest of those, each smaller than the last, that is no trial which had too little time."""
    ends, dies = len(found) - 1, 0
    if not isinstance(bench.known(found[-1]), Died) or bench.dies_at_leisure(found[-1]):
        return found[-1]
    while ends - dies > 1:
        middle = (ends + dies) // 2
        ends, dies = (ends, middle) if bench.dies_at_leisure(found[middle]) else (middle, dies)
    return found[dies]


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
