"""WatchFiles: what is added, changed and deleted in a folder, as the operating system tells it."""

import importlib
from contextlib import aclosing
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import attrs
import trio

from jido_trio.core import Sensing, Sensor
from jido_trio.extras import require

_above_0: Any = attrs.validators.gt(0)


class WatchFiles(Sensor):
    """Sends what changes in a folder, or of a file: `{"change": "added", "path": path}`, "modified" or "deleted".

    It needs the extra `watch`. A path that isn't there, is deleted, or is another one than at the beginning, is a crash
    of the sensor, so it is looked for again after a pause. Changes that come close together come in the order of their
    paths, and several of one file may come as one.
    """

    path: str
    type: str = "changed"
    names: str = "*"
    """Which files are meant, by their names: as `*.csv`."""
    deep: bool = True
    """Whether folders below it are watched, too."""
    seconds: float = attrs.field(default=1.6, validator=_above_0)
    """How long changes are gathered, at most, while more and more come."""

    async def run(self, sensing: Sensing) -> None:
        """Watch until it is stopped."""
        require("watch", "watchfiles", part="sensors")
        failed: OSError | None = None
        over = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_set_at_the_end, over)
            try:
                await self._tell(sensing, over)
            except OSError as error:
                failed = error
            nursery.cancel_scope.cancel()
        if failed is not None:
            raise failed

    async def _tell(self, sensing: Sensing, over: trio.Event) -> None:
        which = await self._which()
        async with aclosing(self._changes(over)) as changes:
            async for some in changes:
                for path, change in sorted((path, change.raw_str()) for change, path in some):
                    if fnmatchcase(Path(path).name, self.names):
                        await sensing.emit(self.type, {"change": change, "path": path})
                if await self._which() != which:
                    raise FileNotFoundError(f"{self.path} is another one than at the beginning")

    def _changes(self, over: trio.Event) -> Any:
        watchfiles: Any = importlib.import_module("watchfiles")
        return watchfiles.awatch(
            self.path,
            watch_filter=None,
            debounce=max(1, round(self.seconds * 1000)),
            stop_event=over,
            yield_on_timeout=True,
            recursive=self.deep,
            force_polling=False,
        )

    async def _which(self) -> tuple[int, int]:
        status = await trio.Path(self.path).stat()
        return status.st_dev, status.st_ino


async def _set_at_the_end(over: trio.Event) -> None:
    """Have the thread that waits for changes, and can't be cancelled, return."""
    try:
        await trio.sleep_forever()
    finally:
        over.set()
