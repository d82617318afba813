"""Probe: what somebody's code would do to this process, found out in a fork of it that is good for nothing else."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable
from contextlib import suppress


def ends_its_process(call: Callable[[], object], seconds: float) -> str:
    """Return how a call ends its process, or that it takes too long; "" if it does neither, or that can't be told.

    What it prints goes nowhere. Only the main thread should ask, where processes can fork.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of other threads: the fork has no use for them
        child = os.fork()
    if not child:
        try:
            _alone(seconds)
            with suppress(BaseException):  # who calls it in earnest will tell
                call()
            os.write(writing, b".")
        finally:
            os._exit(0)
    os.close(writing)
    try:
        _, status = os.waitpid(child, 0)
        return "" if _came_back(reading) else _told(os.waitstatus_to_exitcode(status), seconds)
    finally:
        os.close(reading)


def _alone(seconds: float) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _came_back(reading: int) -> bool:
    os.set_blocking(reading, False)  # a process that it has left behind may hold the other end
    with suppress(BlockingIOError):
        return os.read(reading, 1) == b"."
    return False


def _told(code: int, seconds: float) -> str:
    if code == -signal.SIGALRM:
        return f"it takes longer than {seconds:g} s"
    return f"it ends the process, with {code}" if code >= 0 else f"it ends the process, by {_name(-code)}"


def _name(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
