"""Suspects: what was left open by a death, and may be what the process died of.

A crash is the agent's, and a message that an agent crashed at doesn't come again. But one that takes the whole process
down (a fault in C code, no memory left) is on disk, and comes again at each start. Nobody can know which it was, as
nothing is written before a message is received, and nothing shall be: that would cost each message a commit.

So a start that finds something left open notes that it goes on with it (`tried`, empty), and takes the note back when
all of it is done. If the next start finds the note, the process died in between: from then on what was left is taken up
one by one, and the note counts each before it is begun. What was begun so often without coming to an end is set aside.
What an effect comes to is counted with it, and has as many tries of its own: that it was tried too often is to be told.

                           nothing left              something left
    no note                as ever                   note; as ever
    a note                 take it back              count each; one by one; set aside what is hopeless

An agent that ends in order takes the note back, too, whatever it leaves open: nothing has died then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import define

from jido_trio.runtime._archive import Archive
from jido_trio.storage import Delete, Put


@define(eq=False)
class Suspects:
    """What one start has found left open."""

    _archive: Archive
    _records: frozenset[str]
    """Signals that wait, and effects."""
    _tries: Mapping[str, int] | None
    """How often each was begun, as far as it was counted; None while there is no note."""
    _most: int | None
    """So often may one be begun; None for always."""
    is_careful: bool
    """Whether they are taken up one by one."""

    async def note(self) -> None:
        """Note that they are gone on with.

        Raises:
            OwnershipLost: Another has the agent.
            StorageError: See `Storage.commit`.
        """
        if self._tries is None and self._records:
            await self._write({})

    async def is_hopeless(self, record: str, is_open: Callable[[str], bool], *, is_outcome: bool = False) -> bool:
        """Count one that is about to be begun, or its outcome; return whether it was begun too often already.

        Raises:
            OwnershipLost: Another has the agent.
            StorageError: See `Storage.commit`.
        """
        if not self.is_careful or record not in self._records or not is_open(record):
            return False
        tries = {each: times for each, times in (self._tries or {}).items() if is_open(each)}
        times = tries.get(record, 0)
        if self._most is not None and times >= self._most * (2 if is_outcome else 1):
            return True
        await self._write({**tries, record: times + 1})
        return False

    async def are_gone(self, is_open: Callable[[str], bool]) -> bool:
        """Take the note back if all of them are done; return whether they are.

        Raises:
            OwnershipLost: Another has the agent.
            StorageError: See `Storage.commit`.
        """
        if any(map(is_open, self._records)):
            return False
        await self.take_back()
        return True

    async def take_back(self) -> None:
        """Take the note back: all are done, or the agent ends in order and nothing has died of them.

        Raises:
            OwnershipLost: Another has the agent.
            StorageError: See `Storage.commit`.
        """
        if self.are_noted:
            await self._archive.write([Delete(self._archive.tried)])
            self._tries = None

    @property
    def are_noted(self) -> bool:
        """Whether there is a note of them."""
        return self._tries is not None

    async def _write(self, tries: Mapping[str, int]) -> None:
        await self._archive.write([Put(self._archive.tried, self._archive.packed({"tries": dict(tries)}))])
        self._tries = tries


def suspects_of(
    archive: Archive, left: frozenset[str], tries: Mapping[str, int] | None, most: int | None
) -> Suspects | None:
    """Return the suspects of a start that has found `left` open, and the note of an earlier one; None without any."""
    if not left and tries is None:
        return None
    return Suspects(archive, left, tries, most, is_careful=bool(left) and tries is not None)
