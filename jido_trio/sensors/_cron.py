"""CronTicks: a signal at each time of a cron expression, for who wants that as a sensor, and not as a schedule."""

import attrs
import trio

from jido_trio.core import Sensing, Sensor, times_of
from jido_trio.world import current


def _expression(_: object, __: object, cron: str) -> None:
    times_of(cron, "UTC")


def _zone(_: object, __: object, timezone: str) -> None:
    times_of("@daily", timezone)


class CronTicks(Sensor):
    """Sends `{"due": time}` at each time of a cron expression, by the clock of a time zone.

    Times that came while the agent was busy, or the sensor didn't run, are skipped. A schedule of the agent is the same
    with more: it is kept on disk, and makes up what was missed.
    """

    cron: str = attrs.field(validator=_expression)
    timezone: str = attrs.field(default="UTC", validator=_zone)
    type: str = "tick"

    async def run(self, sensing: Sensing) -> None:
        """Send ticks until it is stopped."""
        times, moment = times_of(self.cron, self.timezone), current().now()
        while True:
            due = times.after(moment)
            while (seconds := (due - current().now()).total_seconds()) > 0:  # noqa: ASYNC110  # nobody tells of a clock
                await trio.sleep(min(seconds, _LOOK))
            await sensing.emit(self.type, {"due": due.isoformat()})
            moment = max(due, current().now())


_LOOK = 60.0
"""Seconds after which the clock is looked at again: somebody may have set it."""
