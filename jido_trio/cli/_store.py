"""The storage that a command names, and the classes that its arguments name."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from base64 import b64decode, urlsafe_b64decode
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal, TypeVar

import trio

from jido_trio.errors import AgentNotFound, InvalidDefinition, RecordRefused
from jido_trio.redact import said, shown, shown_error
from jido_trio.runtime import JournalInfo, journal_info
from jido_trio.runtime.inner import instances_with
from jido_trio.storage import Storage, encrypted, open_sqlite

T = TypeVar("T")

KEY = "JIDO_TRIO_KEY"
"""The environment variable with the key of an encrypted storage."""

ENCRYPTED = b"J1"
"""What begins what `AesGcm` has encrypted."""


@asynccontextmanager
async def opened(
    where: str, verify: Literal["none", "full"] = "none", *, key_file: str | None = None, new: bool = False
) -> AsyncIterator[Storage]:
    """Open a storage, an encrypted one with the key in a file, or in the environment.

    Args:
        where: A file, or the address of a PostgreSQL server.
        verify: See `open_sqlite`.
        key_file: The file with the key.
        new: Whether a file that isn't there is made.

    Raises:
        InvalidDefinition: There is no such file, or nothing is in it; there is no key, or it is none.
        MissingExtra: What it takes to speak with PostgreSQL, or to decrypt, isn't installed.
        StorageError: It can't be opened, or not with this key.
    """
    keys = await _keys(key_file)
    async with _plain(where, verify, new=new) as storage:
        if keys:
            encryption = importlib.import_module("jido_trio.storage.encryption")
            async with encrypted(storage, encryption.AesGcm(*keys)) as readable:
                yield readable
            return
        if any(record.value.startswith(ENCRYPTED) for record in await storage.scan("\x01", "\U0010ffff", 1)):
            raise InvalidDefinition(
                f"{shown(where)} is encrypted: put its key into the environment variable {KEY}, or give --key-file PATH"
            )
        yield storage


async def _keys(key_file: str | None) -> list[bytes]:
    """Return the key and those before it: each a line, in hexadecimal or Base64."""
    if key_file is not None:
        try:
            text, where = await trio.Path(key_file).read_text(), f"the file {shown(key_file)}"
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidDefinition(f"the key can't be read: {shown_error(error)}", field="key_file") from None
    else:
        text, where = os.environ.get(KEY, ""), f"the environment variable {KEY}"
    keys = list(map(_key, text.split()))
    if None in keys or (key_file is not None and not keys):
        raise InvalidDefinition(
            f"{where} must have a key of 16, 24 or 32 bytes, in hexadecimal or Base64, and below it those that were "
            "replaced; what is there isn't shown"
        )
    return [key for key in keys if key is not None]


def _key(text: str) -> bytes | None:
    for read in (bytes.fromhex, lambda text: b64decode(text, validate=True), urlsafe_b64decode):
        with suppress(ValueError):
            key = read(text)
            if len(key) in {16, 24, 32}:
                return key
    return None


def add_storage(command: argparse.ArgumentParser) -> None:
    """Say how the key of an encrypted storage is given: its text is no argument, as others see those."""
    command.add_argument(
        "--key-file",
        metavar="PATH",
        help=f"a file with the key of an encrypted storage (default: the environment variable {KEY})",
    )


@asynccontextmanager
async def _plain(where: str, verify: Literal["none", "full"], *, new: bool) -> AsyncIterator[Storage]:
    """Open the storage that is there already: a file, or the address of a PostgreSQL server.

    Raises:
        InvalidDefinition: There is no such file, or nothing is in it.
        MissingExtra: What it takes to speak with PostgreSQL isn't installed.
        StorageError: It can't be opened.
    """
    if where.startswith(("postgresql://", "postgres://")):
        postgres = importlib.import_module("jido_trio.storage.postgres")
        async with postgres.open_postgres(where) as storage:
            yield storage
        return
    path = trio.Path(where)
    exists = await path.exists()
    if not exists and not new:
        raise InvalidDefinition(f"there is no file {shown(where)}", field="storage", value=where)
    is_empty = exists and await path.is_file() and not (await path.stat()).st_size
    if is_empty and not await trio.Path(f"{where}-wal").exists():
        raise InvalidDefinition(f"the file {shown(where)} is empty: no storage", field="storage", value=where)
    async with open_sqlite(where, verify=verify) as storage:
        yield storage


async def the_agent(storage: Storage, agent_id: str, instance: str | None) -> JournalInfo:
    """Return the one agent that is meant.

    Raises:
        AgentNotFound: There is none.
        InvalidDefinition: There are several.
        RecordRefused: Its snapshot can't be read.
        StorageError: The storage can't be read.
    """
    if instance is not None:
        return await journal_info(storage, instance, agent_id)
    names = await instances_with(storage, agent_id)
    if not names:
        raise AgentNotFound(agent_id)
    name, *others = names
    if others:
        some = ", ".join(map(shown, names[:5]))
        raise InvalidDefinition(f"several instances have an agent {shown(agent_id)}: say --instance, one of {some}")
    return await journal_info(storage, name, agent_id)


def import_all(modules: Iterable[str]) -> None:
    """Import the modules that `--import` names, those of the folder where the command was called among them.

    Raises:
        InvalidDefinition: One can't be imported.
    """
    sys.path.insert(0, str(Path.cwd()))
    for module in modules:
        _imported("--import", module)


def _imported(option: str, module: str) -> None:
    try:
        importlib.import_module(module)
    except (Exception, SystemExit) as error:
        is_absent = isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}.")
        where = "; call the command in the folder that has it, or install it" if is_absent else ""
        why = f"module {shown(module)} can't be imported: {shown_error(error)}{where}"
        raise InvalidDefinition(f"{option}: {why}") from error


def not_imported(error: BaseException) -> bool:
    """Whether a record needs a class of a module that wasn't imported."""
    return isinstance(error, RecordRefused) and error.missing.partition(":")[0] not in {"", *sys.modules}


def explained(error: BaseException) -> str:
    """Return what went wrong, for people who gave arguments: they can name the module of a class that is missing."""
    if not isinstance(error, RecordRefused) or not error.missing:
        return str(error)
    module, _, name = error.missing.partition(":")
    what = f"the record {shown(error.key)} needs the class {shown(error.missing)}"
    if module == "__main__":
        return f"{what}, of a program that had no name to import it by; put the class into a module, and run that again"
    if not_imported(error):
        return f"{what}: give --import {said(module)}, in the folder that has this module, or with it installed"
    return f"{what}, and module {shown(module)} has no {said(name)}; if it was renamed, keep the old name for it there"


def class_at(option: str, place: str, kind: type[T]) -> type[T]:
    """Return the class at `module:Class`, which an option named; its module is imported.

    Raises:
        InvalidDefinition: There is none, or it is of another kind.
    """
    module, colon, name = place.partition(":")
    if not (module and colon and name):
        raise InvalidDefinition(f"{option}: {shown(place)} names no class: write module:Class")
    _imported(option, module)
    found: object = sys.modules[module]
    for part in name.split("."):
        found = getattr(found, part, None)
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise InvalidDefinition(f"{option}: there is no class of {kind.__name__} at {shown(place)}")
    return found
