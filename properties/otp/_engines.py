"""The engines that the command line knows, by name.

An engine of ours takes one line: a name, and a function whose context manager yields the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TypeAlias

from properties.otp._engine import Engine
from properties.otp._oracle import open_oracle
from properties.otp._reducer import open_reducer
from properties.otp._shell import open_shell

OpenEngine: TypeAlias = Callable[[], AbstractContextManager[Engine]]

ENGINES: Mapping[str, OpenEngine] = {"erl": open_oracle, "reducer": open_reducer, "trio": open_shell}
"""`erl` is the oracle itself: replaying a recording on it asks whether this machine's OTP still agrees."""


def chosen(name: str, engines: Mapping[str, OpenEngine] = ENGINES) -> dict[str, OpenEngine]:
    """Return the engine of that name; for "both", every one of ours (the oracle, where there is none)."""
    if name != "both":
        return {name: engines[name]}
    return {ours: engine for ours, engine in engines.items() if ours != "erl"} or dict(engines)
