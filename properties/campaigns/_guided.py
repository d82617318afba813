"""One door, led by atheris: `python -m properties.campaigns._guided cron 60`. libFuzzer ends the process."""

from __future__ import annotations

import importlib
import logging
import sys
import tempfile
from typing import Any


def main(name: str, seconds: int) -> None:
    """Fuzz a door for so many seconds; ends the process."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["jido_trio", "cronsim"], enable_loader_override=False):
        doors = importlib.import_module("properties.campaigns._doors").DOORS
    logging.disable()
    fuzz = importlib.import_module("properties.campaigns._fuzz")
    one: Any = doors[name].property().hypothesis.fuzz_one_input
    with tempfile.TemporaryDirectory() as kept:
        options = [f"-artifact_prefix={kept}/", *fuzz.guided_options(seconds)]
        atheris.Setup([sys.argv[0], *options], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
