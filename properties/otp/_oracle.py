"""The installed Erlang/OTP as an engine: real supervisors do what a scenario says.

Starting Erlang takes half a second, a scenario a few milliseconds: keep an `Oracle` open for many questions.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Timer
from typing import IO

from attrs import define

from properties.otp._canonical import canonical
from properties.otp._codec import parse_trace, scenario_line
from properties.otp._scenario import Scenario
from properties.otp._trace import Trace

PROGRAM = Path(__file__).with_name("oracle.escript")
NEEDS = "no Erlang/OTP with Elixir here (`escript` and `elixir` on the PATH): apt-get install erlang-base elixir"

PATIENCE = 60.0
"""Seconds of true time for one scenario; the slowest ones take one."""


class OracleError(RuntimeError):
    """Erlang is missing, or ended before it answered."""


@cache
def version() -> str | None:
    """Return which Erlang/OTP and Elixir are installed; None when there is none that the oracle can use."""
    if shutil.which("escript") is None:
        return None
    asked = subprocess.run(["escript", str(PROGRAM), "--version"], capture_output=True, text=True, check=False)
    return asked.stdout.strip() if asked.returncode == 0 else None


def available() -> bool:
    """Whether the oracle can be asked on this machine."""
    return version() is not None


@define(eq=False)
class Oracle:
    """One running Erlang that answers scenarios one by one; an `Engine`."""

    _process: subprocess.Popen[str]
    _complaints: IO[str]

    def __call__(self, scenario: Scenario, /) -> Trace:
        """Return the canonical trace of the scenario on the real supervisors."""
        if self._process.stdin is None or self._process.stdout is None:
            raise OracleError("this oracle was opened without pipes; use open_oracle()")
        try:
            self._process.stdin.write(scenario_line(scenario) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._died(scenario) from None
        # A scenario that Erlang never finishes must not hang the caller: a dead Erlang ends the read.
        patience = Timer(PATIENCE, self._process.kill)
        patience.start()
        try:
            answer = self._process.stdout.readline()
        finally:
            patience.cancel()
        if not answer:
            raise self._died(scenario)
        return canonical(scenario, parse_trace(answer, f"the oracle's answer to {scenario.id}"))

    def _died(self, scenario: Scenario) -> OracleError:
        self._process.wait()
        self._complaints.seek(0)
        why = self._complaints.read()[-2000:].strip() or f"killed, if it took longer than {PATIENCE:g} s"
        return OracleError(f"Erlang ended at scenario {scenario.id}: {why}")


@contextmanager
def open_oracle(*, schedulers: int = 1) -> Iterator[Oracle]:
    """Open an Erlang that lives as long as the block."""
    if not available():
        raise OracleError(NEEDS)
    env = os.environ | {"ERL_ZFLAGS": f"+S {schedulers}:{schedulers}"}
    command = ["escript", str(PROGRAM), "-"]
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, text=True, env=env
        ) as process,
    ):
        yield Oracle(process, complaints)


def run(scenarios: Iterable[Scenario], *, processes: int = 2, schedulers: int = 1) -> list[Trace]:
    """Return the scenarios' traces, in the same order, from several Erlangs at once."""
    everything = list(scenarios)
    shares = [everything[start::processes] for start in range(min(processes, len(everything)))]
    traces: list[Trace | None] = [None] * len(everything)
    with ThreadPoolExecutor(max_workers=max(1, len(shares))) as pool:
        for start, share in enumerate(pool.map(lambda share: _run_share(share, schedulers), shares)):
            traces[start::processes] = share
    return [trace for trace in traces if trace is not None]


def _run_share(scenarios: Sequence[Scenario], schedulers: int) -> list[Trace]:
    with open_oracle(schedulers=schedulers) as oracle:
        return [oracle(scenario) for scenario in scenarios]
