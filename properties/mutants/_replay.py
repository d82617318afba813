"""A fast look at Erlang's recordings, on both engines, that ends at the first difference."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from properties.otp._codec import Recording, read_recordings
from properties.otp._compare import mismatch
from properties.otp._engines import ENGINES
from properties.otp._planted import BROAD, DEEP, EDGES, SLOW_STARTS

SHARES = {"reducer": 4, "trio": 29}
"""Of the recordings, one in so many is replayed on each engine; of the edges all are."""


def main() -> int:
    """Replay until something differs; print where, and return 1 then."""
    edges = list(read_recordings(EDGES))
    others = [each for path in (BROAD, DEEP, SLOW_STARTS) for each in read_recordings(path)]
    for engine, share in SHARES.items():
        if found := _first_difference(engine, [*edges, *others[::share]]):
            print(f"{engine} {found}")
            return 1
    return 0


def _first_difference(engine: str, chosen: Sequence[Recording]) -> str | None:
    with ENGINES[engine]() as replay:
        for recording in chosen:
            print(f"{engine} {recording.scenario.id}", file=sys.stderr)
            if mismatch(engine, replay, recording):
                return recording.scenario.id
    return None


if __name__ == "__main__":
    sys.exit(main())
