"""A stopwatch. Imports nothing of ours, so that programs written with other libraries can be timed by it, too."""

from collections.abc import Callable, Iterable
from time import perf_counter_ns, thread_time_ns


class Stopwatch:
    """Laps in microseconds, each from `start` to the next `stop`."""

    clock: Callable[[], int] = staticmethod(perf_counter_ns)
    """Real time; or what the processor spent on this thread, which a busy machine doesn't lengthen."""

    def __init__(self) -> None:
        self.laps: list[float] = []
        self._began: int | None = None

    def start(self) -> None:
        """Begin a lap: the last thing done before what is to be timed."""
        self._began = self.clock()

    def stop(self) -> None:
        """End the lap; without one under way, do nothing."""
        now = self.clock()
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


def go_by_processor_time() -> None:
    """Let all stopwatches of this process count the processor's time."""
    Stopwatch.clock = staticmethod(thread_time_ns)  # pyright: ignore[reportAttributeAccessIssue]
