"""Commands: programs that the program allows, without a shell, within limits."""

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import trio
from attrs import field, frozen, validators

from jido_trio import checks
from jido_trio.actions.outside._allowed import allowed, is_path, texts
from jido_trio.core import Action, Context, Result
from jido_trio.errors import InvalidDefinition, Permanent, Transient
from jido_trio.redact import said, shown


@frozen
class Commands:
    """Which programs may be run, where, and how much of it.

    Raises:
        InvalidDefinition: A program isn't there, or a bound makes no sense.
    """

    programs: Mapping[str, str]
    """The path of each, by the name that it goes by."""
    folder: str | os.PathLike[str]
    """Where they run."""
    seconds: float = field(default=30.0, kw_only=True)
    """Then it is killed, and all that it has started."""
    max_bytes: int = field(default=1_000_000, kw_only=True)
    """Of what it writes, to each of its outputs; it is killed when it writes more."""
    environment: Mapping[str, str] = field(factory=dict, kw_only=True, repr=False)
    """All that it finds in its environment; nothing of the program's own."""

    def __attrs_post_init__(self) -> None:
        checks.seconds("Commands", "seconds", self.seconds, above_zero=True)
        checks.whole("Commands", "max_bytes", self.max_bytes, least=1)
        texts("Commands", "programs", self.programs)
        texts("Commands", "environment", self.environment)
        if not is_path(self.folder) or not Path(self.folder).is_dir():
            raise InvalidDefinition(f"folder={shown(self.folder)} of Commands is no folder")
        for name, path in self.programs.items():
            if not (Path(path).is_absolute() and Path(path).is_file() and os.access(path, os.X_OK)):
                raise InvalidDefinition(f"program {shown(name)} of Commands must be the whole path of a program")


class RunCommand(Action, category="command", tags=["shell"]):
    """Run a program, and return its exit code and what it wrote. No shell is asked: arguments are what they are."""

    program: str
    arguments: tuple[str, ...] = field(default=(), validator=validators.max_len(1000))
    input: str = ""

    async def run(self, context: Context[Any]) -> Result:
        """Run it to its end. A code that isn't 0 is no failure: it is returned."""
        bounds = allowed(context, Commands, self.name)
        path = bounds.programs.get(self.program)
        if path is None:
            known = ", ".join(bounds.programs) or "none"
            hint = checks.did_you_mean(self.program, bounds.programs)
            raise Permanent(f"program {shown(self.program, 80)} is refused: those allowed here are {known}{hint}")
        if any("\0" in each for each in self.arguments):
            raise Permanent("an argument of a command can't hold a NUL")
        try:
            arguments, given = [each.encode() for each in self.arguments], self.input.encode()
        except UnicodeEncodeError as error:
            raise Permanent(f"what a command is given must be text that UTF-8 can write: {said(error)}") from None
        return await _run(bounds, path, arguments, given)


async def _run(bounds: Commands, path: str, arguments: list[bytes], given: bytes) -> Result:
    try:
        process = await trio.lowlevel.open_process(
            [os.fsencode(path), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=bounds.folder,
            env=dict(bounds.environment),
            start_new_session=True,
        )
    except OSError as error:
        raise Permanent(f"command {shown(path, 80)} can't be run: {error.strerror}") from error
    found: dict[str, bytes | None] = {}
    try:
        with trio.move_on_after(bounds.seconds) as limit:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_feed, process, given)
                for name, stream in (("output", process.stdout), ("errors", process.stderr)):
                    nursery.start_soon(_read, name, stream, bounds.max_bytes, found, nursery.cancel_scope)
            if None not in found.values():
                await process.wait()
    finally:
        _kill(process)
        with trio.move_on_after(_GONE, shield=True):
            await process.wait()
    if None in found.values():
        raise Permanent(f"command {shown(path, 80)} wrote more than {bounds.max_bytes} bytes, and was killed")
    if limit.cancelled_caught:
        raise Transient(f"command {shown(path, 80)} took longer than {bounds.seconds:g} s, and was killed")
    texts = {name: (content or b"").decode("utf-8", "replace") for name, content in found.items()}
    return {"code": process.returncode, **texts}


async def _feed(process: trio.Process, given: bytes) -> None:
    assert process.stdin is not None  # noqa: S101  # it is a pipe
    async with process.stdin:
        with suppress(trio.BrokenResourceError):  # it doesn't read all of it, as it may
            await process.stdin.send_all(given)


async def _read(name: str, stream: Any, most: int, found: dict[str, bytes | None], scope: trio.CancelScope) -> None:
    content = bytearray()
    async with stream:
        async for chunk in stream:
            content += chunk
            if len(content) > most:
                found[name] = None
                scope.cancel()
                return
    found[name] = bytes(content)


def _kill(process: trio.Process) -> None:
    """Kill what still runs of it, and of what it has started."""
    with suppress(ProcessLookupError, PermissionError):  # nothing does
        os.killpg(process.pid, signal.SIGKILL)


_GONE = 5
"""Seconds until the system has done so."""
