"""Rates: how often the laws find each planted defect, and how often they accuse an agent without one, by seed.

The tests try one seed. What is found by luck would be lost with the next version of Hypothesis.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from attrs import field, frozen

from jido_trio.testing import NAMES, subject_of
from jido_trio.testing._bench import Bench, How
from jido_trio.testing._conformance import judged
from properties.conformance import correct, defects

RUNS = 20
"""Seeds, if nobody says otherwise."""
EXAMPLES = 25
"""Trials for a law, as in the tests; `jido-trio check` has four times as many."""


@frozen
class Rates:
    """What was found, and what wasn't."""

    found: Counter[str] = field(factory=Counter)
    """In how many runs each defect was found, by one of its laws."""
    missed: list[str] = field(factory=list)
    accused: list[str] = field(factory=list)


RATES = Rates()
"""Those of the last campaign."""


def campaign(runs: int = RUNS, share: int = 1) -> Iterator[tuple[str, str | None]]:
    """Try each defect, and each correct agent, with so many seeds; generate what was tried with what is wrong.

    Of the correct agents one of `share` is tried in each run: all laws of one take as long as ten defects.
    """
    with Bench([correct.__name__, defects.__name__]) as bench:
        for seed in range(1, runs + 1):
            how = How(EXAMPLES, seed)
            for cls, laws in defects.DEFECTS.items():
                found = any(judged(bench, subject_of(cls), law, how).outcome == "broken" for law in sorted(laws))
                RATES.found[cls.__name__] += found
                if not found:
                    RATES.missed.append(f"{cls.__name__} (seed {seed})")
                yield f"{cls.__name__} with seed {seed}", None if found else "it isn't found"
            for cls in correct.CORRECT[seed % share :: share]:
                subject = subject_of(cls)
                accused = [law for law in NAMES if judged(bench, subject, law, how).outcome == "broken"]
                RATES.accused.extend(f"{cls.__name__}: {law} (seed {seed})" for law in accused)
                yield f"{cls.__name__} with seed {seed}", f"it is accused by {', '.join(accused)}" if accused else None


def lines() -> Iterator[str]:
    """Generate the summary."""
    tried = len(RATES.missed) + RATES.found.total()
    yield f"  {RATES.found.total()} of {tried} planted defects found; missed: {', '.join(RATES.missed) or 'none'}"
    yield f"  accused without a defect: {', '.join(RATES.accused) or 'none'}"
