"""Numbers that commands take, and what they say to others."""

import argparse
import math
from collections.abc import Callable


def many(text: str) -> int:
    """Read how many there are to be, at most."""
    return int(_checked(text, int, lambda value: 0 <= value <= 1_000_000, "a whole number from 0 to 1000000"))


def count(text: str) -> int:
    """Read how many there are."""
    return int(_checked(text, int, lambda value: 1 <= value <= 1000, "a whole number from 1 to 1000"))


def seconds(text: str) -> float:
    """Read a number of seconds."""
    return _checked(text, float, lambda value: 0.01 <= value < math.inf, "a number of seconds, 0.01 or more")


def _checked(text: str, read: Callable[[str], float], fits: Callable[[float], bool], expected: str) -> float:
    try:
        value = read(text)
    except ValueError:
        value = math.nan
    if not fits(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not {expected}")
    return value
