"""The bench: the processes in which agents are tried, and what is remembered of what they answered.

Every law reads the same notes of a trial, so a trial is walked through once in each process, whoever asks. A search
that found nothing is remembered as well: the search of another law would go through the same trials.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import cached_property
from typing import Self

import attrs
from attrs import frozen
from hypothesis import HealthCheck, Phase, settings

from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown
from jido_trio.testing._plugin_walk import PluginNotes
from jido_trio.testing._sandbox import Died, Gone, Sandbox, Unhandable, in_brackets
from jido_trio.testing._subject import AgentUnderTest
from jido_trio.testing._told import told
from jido_trio.testing._walk import Trial, Walk
from jido_trio.testing._weigh import Swelling, Weighing, Weight
from jido_trio.world import current

EXAMPLES = 100
"""Trials for a law, if nobody says otherwise; half as many again begin in any state."""
STEPS = 12
"""Steps of a trial at most, if nobody says otherwise."""


@frozen
class How:
    """How hard to try, see `conformance`."""

    examples: int = EXAMPLES
    seed: int = 0
    kept: str | None = None
    steps: int = STEPS
    until: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether the time for trials has passed."""
        return self.until is not None and current().now() >= self.until

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


_HASHES = (4242, 77)
"""Hash seeds of the other processes. There are two: a few names are in the same order in one of them, by chance."""


def _one_of(processes: Sequence[Sandbox], trial: Trial) -> Sandbox:
    return processes[zlib.crc32(told((trial.agent, trial.steps)).encode("utf-8", "replace")) % len(processes)]


def _warmed(trial: Trial) -> Trial:
    return attrs.evolve(trial, warm=tuple(reversed(trial.steps)))


class Bench:
    """The processes in which agents are tried.

    Args:
        modules: What is imported in them.
        all_laws: Whether all laws will be tried, so that what they ask for may be worked on before they do.
        on_trial: Called before each trial is gone through, with how many there were with it.
    """

    def __init__(
        self, modules: Sequence[str], *, all_laws: bool = False, on_trial: Callable[[int], None] = lambda _: None
    ) -> None:
        self._all_laws, self._on_trial = all_laws, on_trial
        self._told: set[str] = set()
        """The trials that were gone through. As text: sets are pickled in an order that is another in each process."""
        self._died = False
        self._stack = ExitStack()
        self._searched: dict[tuple[str, How, bool], tuple[AgentUnderTest, Sequence[Trial]]] = {}
        self._modules = modules
        self._here = self._stack.enter_context(Sandbox(modules))
        if all_laws:
            self._elsewhere  # noqa: B018  # they import while the first trials are gone through here

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @cached_property
    def _elsewhere(self) -> Sequence[Sandbox]:
        return [self._stack.enter_context(Sandbox(self._modules, elsewhere=seed)) for seed in _HASHES]

    @property
    def trials(self) -> int:
        """How many trials were gone through."""
        return len(self._told)

    def begin(self, trial: Trial) -> None:
        """Have what laws ask about a trial be worked on, in all processes at the same time."""
        if not self._all_laws or (self._died and isinstance(self.here(trial), Died)):
            return  # of one that died, nothing is asked elsewhere
        self._here.begin("walk", trial)
        _one_of(self._elsewhere, trial).begin("outcomes", trial)
        self._here.begin("outcomes", _warmed(trial))

    def here(self, trial: Trial) -> Walk | Died:
        """Return what is noted of a trial."""
        if self._here.known("walk", trial) is None:
            self._told.add(told((trial.agent, trial.steps)))
            self._on_trial(len(self._told))
        answer: Walk | Died = self._here.ask("walk", trial)
        self._died = self._died or isinstance(answer, Died)
        return answer

    def dies_at_leisure(self, trial: Trial) -> bool:
        """Return whether a trial dies that has all the time that one may take."""
        return isinstance(self._here.ask_again("walk", trial), Died)

    def check_it_can_be_handed(self, subject: AgentUnderTest) -> None:
        """Raise unless an agent of its class, as it begins, can be tried in another process.

        Raises:
            InvalidDefinition: It can't, or its module ended the process when it was imported there.
        """
        answer = self.here(Trial(subject.cls.new("a"), ())) if subject.fresh() is not None else None
        if isinstance(answer, Gone):
            raise InvalidDefinition(
                f"{shown(subject.name)} can't be imported where it would be tried: {answer.why}",
                field="agent",
                value=subject.cls,
            )
        if isinstance(answer, Unhandable):
            raise InvalidDefinition(
                f"{shown(subject.name)} can't be handed to the process in which it is tried{in_brackets(answer.error)}"
                ": put its classes at the top of a module that can be imported there, as the program itself "
                "(`__main__`) can not, and have their values be such as `pickle` reads again",
                field="agent",
                value=subject.cls,
            )

    def known(self, trial: Trial) -> Walk | Died | None:
        """Return what was noted of a trial, if it was asked for."""
        return self._here.known("walk", trial)  # type: ignore[no-any-return]  # or Died

    def elsewhere(self, trial: Trial) -> tuple[str, ...] | Died:
        """Return what comes out of its steps in another process: which of them, follows from the trial."""
        return _one_of(self._elsewhere, trial).ask("outcomes", trial)  # type: ignore[no-any-return]  # or Died

    def warmed(self, trial: Trial) -> tuple[str, ...] | Died:
        """Return what comes out of its steps once the process has gone through them the other way round."""
        return self._here.ask("outcomes", _warmed(trial))  # type: ignore[no-any-return]  # or Died

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

    def weigh(self, weighing: Weighing) -> Sequence[Weight] | Died:
        """Return what a step takes by size."""
        return self._here.ask("weigh", weighing)  # type: ignore[no-any-return]  # or Died

    def swell(self, swelling: Swelling) -> Sequence[int] | Died:
        """Return how large a state is after each of some equal steps."""
        return self._here.ask("swell", swelling)  # type: ignore[no-any-return]  # or Died
