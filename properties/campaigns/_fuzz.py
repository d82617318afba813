"""Fuzzing: one door of the package after the other is given whatever comes, for so many minutes. None may break.

A `Door` takes what Hypothesis draws and does with it what the package promises; what it raises has gone wrong. Each
round has another seed. Where `atheris` is installed, the last third of the time is its: libFuzzer changes bytes, is
led by which lines of the package were reached, and Hypothesis makes the same examples of those bytes.

Memory is looked at after each round. It may grow while caches are filled; after that no more than `MAY_GROW`.
"""

from __future__ import annotations

import gc
import os
import re
import resource
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from attrs import define, frozen
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
MINUTES = 10.0
EXAMPLES = 500
"""Of a round."""
LONGEST = 5.0
"""Seconds of the processor for one example."""
WARM = 4
"""Rounds after which caches are full."""
MAY_GROW = 64 * 1024 * 1024
"""Bytes, since then."""
GUIDED_MEGABYTES = 2048
"""What a process that atheris leads may have, all in all."""

_PAGE = os.sysconf("SC_PAGE_SIZE")


@frozen
class Door:
    """One way into the package: what is drawn for it, and what is done with that."""

    name: str
    drawn: st.SearchStrategy[Any]
    enter: Callable[[Any], None]
    """Raises what is a fault."""

    def property(self, examples: int = EXAMPLES, *, shrink: bool = True) -> Any:
        """Return what Hypothesis runs."""

        def entered(drawn: Any) -> None:
            began = time.thread_time()
            self.enter(drawn)
            took = time.thread_time() - began
            assert took < LONGEST, f"it took {took:.1f} s of the processor"

        bounds = settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate, *([Phase.shrink] if shrink else [])],
            suppress_health_check=list(HealthCheck),
        )
        return bounds(given(self.drawn)(entered))


@define
class Account:
    """What a campaign has come to."""

    rounds: int = 0
    guided: int = 0
    """Examples by atheris."""
    warm: int = 0
    """Bytes of memory when the caches were full."""
    now: int = 0

    @property
    def grown(self) -> int:
        """Bytes since the caches were full."""
        return max(0, self.now - self.warm) if self.warm else 0

    def told(self) -> str:
        """Return it as a line."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        return (
            f"{self.rounds * EXAMPLES:,} examples in {self.rounds} rounds, {self.guided:,} by atheris; "
            f"memory {self.now / 2**20:.0f} MB, {self.grown / 2**20:.1f} more than after {WARM} rounds, "
            f"at most {peak} MB"
        )


def campaign(door: Door, minutes: float = MINUTES, *, guided: bool | None = None) -> Iterator[tuple[str, str | None]]:
    """Enter a door until the time is over; generate each round with what is wrong, and the account at the end.

    Args:
        door: What is fuzzed.
        minutes: The budget, of which atheris has a third.
        guided: Whether atheris takes part; if it is installed, unless said.
    """
    with_atheris = find_spec("atheris") is not None if guided is None else guided
    account, ends = Account(), time.monotonic() + minutes * 60 * (2 / 3 if with_atheris else 1)
    while time.monotonic() < ends:
        account.rounds += 1
        yield f"round {account.rounds}", _round(door, account)
    if with_atheris:
        yield "by atheris", _by_atheris(door, minutes * 60 / 3, account)
    print(f"fuzz-{door.name}: {account.told()}")


def _round(door: Door, account: Account) -> str | None:
    try:
        seed(account.rounds)(door.property())()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
        return "\n".join(_faults(error))
    gc.collect()
    account.now = memory()
    if account.rounds == WARM:
        account.warm = account.now
    return f"memory has grown by {account.grown:,} bytes" if account.grown > MAY_GROW else None


def _faults(error: Exception) -> Iterator[str]:
    """Generate what went wrong, and by which example."""
    if isinstance(error, ExceptionGroup):
        for each in error.exceptions:
            yield from _faults(each)
    else:
        last = traceback.extract_tb(error.__traceback__)[-1]
        yield f"{type(error).__qualname__}: {str(error)[:1000]} ({last.filename}:{last.lineno})"
        yield from getattr(error, "__notes__", ())


def memory() -> int:
    """Return the bytes of memory that this process has now."""
    if not Path("/proc/self/statm").exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


# ---- by atheris


def _by_atheris(door: Door, seconds: float, account: Account) -> str | None:
    command = [sys.executable, "-m", "properties.campaigns._guided", door.name, str(max(1, round(seconds)))]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    told = ran.stderr + ran.stdout
    runs = re.search(r"stat::number_of_executed_units: (\d+)", told)
    account.guided = int(runs.group(1)) if runs else 0
    return told[-3000:] if ran.returncode else None


def guided_options(seconds: int) -> Sequence[str]:
    """Return libFuzzer's options for so many seconds."""
    return [
        f"-max_total_time={seconds}",
        f"-rss_limit_mb={GUIDED_MEGABYTES}",
        "-max_len=4096",
        "-timeout=60",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
