"""Mutant: one way to break a supervisor, as data."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

PACKAGE = Path("jido_trio/supervision")


class Stale(Exception):
    """A mutant no longer fits the source that it breaks."""


@frozen
class Mutant:
    """One change of the source, and what a supervisor broken so would do."""

    name: str
    does: str
    """In one sentence, what users would see."""
    module: str
    old: str
    """Is in the module exactly once."""
    new: str

    @property
    def path(self) -> Path:
        """The file that it changes, below the root of the project."""
        return PACKAGE / self.module

    def applied(self, source: str) -> str:
        """Return the module's source, broken.

        Raises:
            Stale: The old text isn't there exactly once; the mutant must follow the source.
        """
        count = source.count(self.old)
        if count != 1:
            raise Stale(
                f"mutant {self.name!r} is stale: its old text is {count} times in {self.path}, not once. "
                f"Give it the line as it reads now:\n{self.old}"
            )
        return source.replace(self.old, self.new)
