"""Identity: who an agent is, and how old. A value, for a field of an agent's state."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from attrs import evolve, field, frozen

from jido_trio import checks
from jido_trio.core._action import KEPT
from jido_trio.world import current

SHOWN = ("age", "generation", "origin")
"""What others are told of a profile."""

_YEAR = 365
"""Days."""


@frozen
class Identity:
    """A profile that changes with time; `Identity.new()` makes one."""

    created_at: datetime
    updated_at: datetime
    rev: int = 0
    """How often it was changed."""
    profile: Mapping[str, Any] = field(factory=dict, converter=KEPT)  # type: ignore[misc]  # a Converter

    @classmethod
    def new(cls, profile: Mapping[str, Any] | None = None) -> Self:
        """Return one with that profile; its `age`, in years, is None unless it is given."""
        now = current().now()
        return cls(now, now, 0, {"age": None, **(profile or {})})

    @property
    def age(self) -> int | None:
        """In years; None if nobody said."""
        age: int | None = self.profile.get("age")
        return age

    def get(self, key: str, default: Any = None) -> Any:
        """Return what the profile says."""
        return self.profile.get(key, default)

    def put(self, key: str, value: Any) -> Self:
        """Return it with something else in the profile."""
        return self._with({**self.profile, key: value})

    def evolve(self, *, years: int = 0, days: int = 0) -> Self:
        """Return it so much older: by `years`, and a year for each 365 of `days`.

        Raises:
            InvalidDefinition: Either isn't a whole number, 0 or more.
        """
        checks.whole("Identity.evolve", "years", years)
        checks.whole("Identity.evolve", "days", days)
        return self._with({**self.profile, "age": (self.age or 0) + years + days // _YEAR})

    def snapshot(self) -> Mapping[str, Any]:
        """Return what others may know: age, generation and origin, as far as they are there."""
        return {key: self.profile[key] for key in SHOWN if key in self.profile}

    def _with(self, profile: Mapping[str, Any]) -> Self:
        return evolve(self, profile=profile, rev=self.rev + 1, updated_at=current().now())
