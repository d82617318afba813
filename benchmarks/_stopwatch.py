"""A stopwatch. Imports nothing of ours, so that programs written with other libraries can be timed by it, too."""

from collections.abc import Iterable
from time import perf_counter_ns


class Stopwatch:
    """Laps in microseconds, each from `start` to the next `stop`."""

    def __init__(self) -> None:
        self.laps: list[float] = []
        self._began: int | None = None

    def start(self) -> None:
        """Begin a lap: the last thing done before what is to be timed."""
        self._began = perf_counter_ns()

    def stop(self) -> None:
        """End the lap; without one under way, do nothing."""
        now = perf_counter_ns()
        if self._began is not None:
            self.laps.append((now - self._began) / 1000)
            self._began = None

    def split(self, parts: int) -> None:
        """End the lap, in which the same was done `parts` times: the time of one counts."""
        self.stop()
        self.laps[-1] /= parts


def percentile(values: Iterable[float], percent: float) -> float:
    """Return the smallest of `values` that so many percent of them don't exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
