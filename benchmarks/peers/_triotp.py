"""triotp: a supervised task that crashes, so many times. Run it where triotp is installed."""

import sys

import logbook  # type: ignore[import-not-found]
import trio
from triotp import supervisor  # type: ignore[import-not-found]

from jido_trio.bench._stopwatch import Stopwatch


def main(laps: int) -> None:
    watch = Stopwatch()

    async def life() -> None:
        watch.stop()
        if len(watch.laps) == laps:
            done.set()
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()
        watch.start()
        raise ValueError

    async def supervise() -> None:
        children = [supervisor.child_spec(id="life", task=life, args=[])]
        options = supervisor.options(max_restarts=1_000_000)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(supervisor.start, children, options)
            await done.wait()
            nursery.cancel_scope.cancel()

    done = trio.Event()
    with logbook.NullHandler().applicationbound():
        trio.run(supervise)
    print(watch.laps)


if __name__ == "__main__":
    main(int(sys.argv[1]))
