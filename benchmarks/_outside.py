"""Programs in other languages and with other libraries, each in a process of its own."""

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from jido_trio.bench._measure import Contender

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "benchmarks" / "peers"
SECONDS = 900
"""For one program, an installation too."""


class Skipped(Exception):
    """Something to compare with can't be had on this machine."""


def erlang(script: str, *arguments: str, does: str) -> Contender:
    """Return a contender that an Erlang script times, if there is Erlang."""
    command = ["escript", str(PEERS / script), *arguments]
    return Contender("Erlang/OTP", does, laps_of(command), missing=no_erlang, outside=True)


def no_erlang() -> str | None:
    """Say what is missing to run Erlang's scripts."""
    return None if shutil.which("escript") else "no `escript` on PATH; install Erlang/OTP (Debian: erlang-base)"


def laps_of(command: Sequence[str]) -> Callable[[int], list[float]]:
    """Return a function that runs `command` with a size behind it, and reads the laps from its last line."""

    def sample(size: int) -> list[float]:
        printed = output([*command, str(size)]).strip().splitlines()
        times: list[float] = json.loads(printed[-1])
        return times

    return sample


def output(command: Sequence[str]) -> str:
    """Run a command in the root of the project, and return what it prints."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=SECONDS)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip().splitlines()
        raise Skipped(f"`{' '.join(command)}` failed: {said[-1] if said else error.returncode}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Skipped(f"`{' '.join(command)}`: {error}") from None
    return done.stdout
