"""Two runs of the same benchmarks: what has changed, and what is noise.

What is compared is the ratio to bare Trio in each round, not times: a machine that is slower for a while slows both
sides. A change counts if the rounds of the two runs don't lie among each other by chance (the exact rank-sum test of
Wilcoxon, Mann and Whitney, at one in a hundred for the whole comparison), and if it is above 5 %: runs in two processes
differ by that much for no reason that a round shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import product
from math import comb
from statistics import median
from typing import Literal, TypeAlias

from attrs import frozen

from jido_trio.bench._measure import Comparison
from jido_trio.bench._table import Run

Verdict: TypeAlias = Literal["slower", "faster", "noise", "too few rounds", "same"]

CHANCE = 0.01
"""That anything is said of two runs that differ in nothing."""
LEAST = 0.05
"""A smaller change than this part is noise."""


@frozen
class Change:
    """A benchmark in two runs."""

    name: str
    to: str
    """What it is a ratio to."""
    before: float
    after: float
    verdict: Verdict
    chance: float
    """That rounds which differ in nothing would lie so far apart."""

    @property
    def part(self) -> float:
        """By which part it has changed: 0.1 is a tenth more."""
        return self.after / self.before - 1


def changes(before: Run, after: Run) -> Sequence[Change]:
    """Return what became of each benchmark that is in both runs."""
    pairs = [(one, other) for one, other in product(before.comparisons, after.comparisons) if one.name == other.name]
    shared = [(one, other, ratio.to) for one, other in pairs for ratio in one.ratios[:1] if _rounds(other, ratio.to)]
    return tuple(_change(one, other, to, CHANCE / len(shared)) for one, other, to in shared)


def _rounds(comparison: Comparison, to: str) -> Sequence[float]:
    """Return the ratio in each round."""
    for bare in comparison.bare:
        if bare.name == to:
            return [mine / theirs for mine, theirs in zip(comparison.ours.rounds, bare.rounds, strict=True)]
    return ()


def _change(before: Comparison, after: Comparison, to: str, level: float) -> Change:
    one, other = _rounds(before, to), _rounds(after, to)
    chance = chance_of(one, other)
    middles = median(one), median(other)
    part = middles[1] / middles[0] - 1
    verdict: Verdict
    if max(abs(ratio / middles[0] - 1) for ratio in (*one, *other)) < 1e-3:
        verdict = "same"
    elif 2 / comb(len(one) + len(other), len(one)) > level:
        verdict = "too few rounds"
    elif chance > level or abs(part) < LEAST:
        verdict = "noise"
    else:
        verdict = "slower" if part > 0 else "faster"
    return Change(before.name, to, *middles, verdict, chance)


def chance_of(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the chance that two samples of one thing lie as far apart as these, or further."""
    n, m = len(one), len(other)
    u = sum((a > b) + (a == b) / 2 for a, b in product(one, other))
    least = min(u, n * m - u)
    ways = sum(_ways(n, m, below) for below in range(int(least) + 1))
    return float(min(1.0, 2 * ways / comb(n + m, n)))


@cache
def _ways(n: int, m: int, u: int) -> int:
    """Return in how many orders of both samples just so many pairs are the wrong way round."""
    if u < 0:
        return 0
    if n == 0 or m == 0:
        return int(u == 0)
    return _ways(n - 1, m, u - m) + _ways(n, m - 1, u)


def as_text(before: Run, after: Run, found: Sequence[Change]) -> str:
    """Return the changes as a table, the greatest first."""
    rows = [("benchmark", "beside", "before", "after", "change", "", "by chance")]
    for change in sorted(found, key=lambda each: -abs(each.part)):
        ratios = f"{change.before:.2f}x", f"{change.after:.2f}x", f"{change.part:+.1%}"
        rows.append((change.name, change.to, *ratios, change.verdict, f"{change.chance:.2g}"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*_differences(before, after), *lines])


def _differences(before: Run, after: Run) -> Sequence[str]:
    told = []
    if before.machine != after.machine:
        told += [f"before: {before.machine}", f"after:  {after.machine}"]
    if before.quick or after.quick:
        told.append("a run was quick: its figures mean little")
    if before.cpu != after.cpu:
        told.append("one run counts the processor's time, the other real time: they can't be compared")
    return told
