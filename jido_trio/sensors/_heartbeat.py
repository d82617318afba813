"""Heartbeat: a signal in fixed intervals."""

from typing import Any

import attrs
import trio

from jido_trio.core import Sensing, Sensor


class Heartbeat(Sensor):
    """Sends a signal every so many seconds, the first after one interval. Intervals that were missed aren't made up."""

    seconds: float = attrs.field(validator=attrs.validators.gt(0))
    type: str = "jido.sensor.heartbeat"
    data: Any = None

    async def run(self, sensing: Sensing) -> None:
        """Send signals until it is stopped."""
        due = trio.current_time()
        while True:
            due = max(due + self.seconds, trio.current_time())
            await trio.sleep_until(due)
            await sensing.emit(self.type, self.data)
