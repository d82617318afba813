"""What can replay a scenario."""

from __future__ import annotations

from typing import Protocol

from properties.otp._scenario import Scenario
from properties.otp._trace import Trace


class Engine(Protocol):
    """Does to a tree what the scenario says, and tells what happened; each call starts from nothing."""

    def __call__(self, scenario: Scenario, /) -> Trace: ...
