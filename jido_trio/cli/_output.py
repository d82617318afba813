"""What the command prints, and what becomes of it when nobody takes it: `| head`, or a disk that is full."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CLOSED, UNWRITTEN = 141, 1
"""Exit codes: as shells tell of a program that SIGPIPE ended, and of any other failure."""


class Unwritten(Exception):
    """What was to be printed couldn't be; its cause is an `OSError`."""


def say(text: str) -> None:
    """Print a line, now.

    Raises:
        Unwritten: The output takes no more.
    """
    try:
        print(text, flush=True)
    except OSError as error:
        raise Unwritten from error


@contextmanager
def output(codes: list[int]) -> Iterator[None]:
    """Print what is printed inside of the block, and put an exit code into `codes` if that can't be done."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)  # a text in memory, where a caller has it, has none
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")  # names a terminal can't show
    try:
        try:
            yield
        finally:
            _flush()
    except* Unwritten as group:
        codes.append(_told(_cause(group)))


def _flush() -> None:
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        raise Unwritten from error


def _cause(group: BaseException) -> BaseException | None:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group.__cause__


def _told(error: BaseException | None) -> int:
    with suppress(OSError, AttributeError):  # what a caller has put in the place of the output may be no file
        # Or Python tries it once more at its end, and complains.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return CLOSED
    reason = error.strerror if isinstance(error, OSError) else error
    print(f"jido-trio: can't write the output: {reason}", file=sys.stderr)
    return UNWRITTEN
