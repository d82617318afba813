"""Forgetting: all records of a durable agent are removed, in one commit, while nobody has it."""

from __future__ import annotations

import json
import os
import socket
import sys

from jido_trio import checks
from jido_trio.errors import AgentLives, AgentNotFound, Conflict
from jido_trio.runtime._archive import archive_of
from jido_trio.storage import Check, DeleteRange, Storage, within


async def forget_agent(storage: Storage, instance: str, agent_id: str, *, force: bool = False) -> None:
    """Remove all that a storage has of a durable agent: state, journal, inbox, timers, jobs. The next start is fresh.

    Threads and memories that it has saved under names of their own stay.

    Args:
        storage: Where it is kept.
        instance: The name of its instance.
        agent_id: Its id.
        force: Whether to do so, too, if another process of this machine that has started it still runs; if the agent
            runs there, it notices at its next commit, and stops.

    Raises:
        AgentLives: Such a process runs, or the agent was started meanwhile. Nothing was changed.
        AgentNotFound: There is nothing of it.
        InvalidDefinition: `force` is neither True nor False, or the id is none.
        StorageError: See `Storage.commit`.
    """
    checks.flag("forget_agent", "force", force)
    archive = archive_of(storage, instance, agent_id)
    owner = await storage.get(archive.owner)
    if owner is None:
        raise AgentNotFound(agent_id)
    who = _who(owner.value)
    if not force and _runs(who):
        raise AgentLives(agent_id, f"process {who}")
    try:
        await storage.commit([Check(archive.owner, owner.revision), DeleteRange(*within(archive.prefix))])
    except Conflict:
        raise AgentLives(agent_id, "who has started it just now") from None


def _who(value: bytes) -> str:
    try:
        return str(json.loads(value)["who"])
    except (ValueError, KeyError, TypeError):
        return ""  # what can't be read is removed, too


def _runs(who: str) -> bool:
    """Whether another process of this machine, which people know by that name, runs."""
    host, _, number = who.rpartition(" ")
    if host != socket.gethostname() or not number.isdecimal() or int(number) == os.getpid():
        return False
    if sys.platform == "win32":
        return False  # there a signal would end it
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
