"""Waiting, logging, the date."""

import logging
from typing import Any, Literal

import trio
from attrs import field, validators

from jido_trio.core import Action, Context, Result
from jido_trio.errors import ActionError
from jido_trio.redact import said
from jido_trio.world import current

_LOG = logging.getLogger("jido_trio.actions")


class Sleep(Action, category="basic", tags=["time"], idempotent=True):
    """Wait so many seconds."""

    seconds: float = field(default=1.0, validator=[validators.ge(0), validators.le(86_400)])

    async def run(self, context: Context[Any]) -> Result:
        """Wait."""
        await trio.sleep(self.seconds)
        return None


class RandomSleep(Action, category="basic", tags=["time"], idempotent=True):
    """Wait some time between two, by chance."""

    least: float = field(default=0.0, validator=[validators.ge(0), validators.le(86_400)])
    most: float = field(default=1.0, validator=[validators.ge(0), validators.le(86_400)])

    async def run(self, context: Context[Any]) -> Result:
        """Wait."""
        if self.most < self.least:
            raise ActionError(f"most={self.most:g} is less than least={self.least:g}")
        seconds = self.least + (self.most - self.least) * current().random.random()
        await trio.sleep(seconds)
        return {"seconds": seconds}


class Log(Action, category="basic", tags=["log"]):
    """Write a line into the program's log, to the logger `jido_trio.actions`."""

    message: str = field(validator=validators.max_len(10_000))
    level: Literal["debug", "info", "warning", "error"] = "info"

    async def run(self, context: Context[Any]) -> Result:
        """Log it, as one line."""
        await trio.lowlevel.checkpoint()
        _LOG.log(getattr(logging, self.level.upper()), "%s", said(self.message, 10_000))
        return None


class Today(Action, category="basic", tags=["time"], idempotent=True):
    """Tell the date, in UTC."""

    form: Literal["iso8601", "basic", "human"] = "iso8601"

    async def run(self, context: Context[Any]) -> Result:
        """Ask the world's clock."""
        await trio.lowlevel.checkpoint()
        now = current().now()
        forms = {"iso8601": "%Y-%m-%d", "basic": "%Y%m%d", "human": "%B %d, %Y"}
        return {"date": now.strftime(forms[self.form])}
