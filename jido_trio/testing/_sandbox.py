"""Sandbox: a process in which agents are tried, each trial in a fork of its own.

What an agent's code does to its process (globals that remember, a patched module, an exit) is gone with the fork, so
every trial begins alike, and what came out follows from the trial alone. A trial that takes too long is killed.

The process is Python with this module: requests come in at its standard input, answers go out at what was its standard
output; what the code prints goes nowhere. Where processes can't fork, all trials happen in one.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pickle
import select
import signal
import struct
import subprocess
import sys
import tempfile
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self, TypeAlias

from attrs import Factory, define, field, frozen

from jido_trio.core import Agent
from jido_trio.doors import guard_clock, guard_command, guard_output, import_watched
from jido_trio.redact import shown_error
from jido_trio.testing._carrier import agent_of
from jido_trio.testing._plugin_walk import plugin_walk
from jido_trio.testing._specimens import SPECIMENS, Tally
from jido_trio.testing._twins import learn_constants
from jido_trio.testing._walk import Trial, outcomes, walk
from jido_trio.testing._weigh import swell, weigh

SECONDS = 10.0
"""A trial that waits for longer doesn't end, as far as anybody can tell."""
WORK = 4.0
"""The same of one that works, in seconds of the processor: that a busy machine keeps it waiting isn't its fault."""
_AFTERWARDS, _IN_THE_END = 0.1, 0.02
"""That part of both once a trial hasn't ended, and once `_MANY` haven't: or they would take nearly all the time."""
_MANY = 5
_ROOM = 2.0
"""So many times as long as those that ended may take one of which it isn't known, at least."""
_PATIENCE = 8.0
"""Seconds that trials which didn't end may take together, until none has more time for what others took."""
_LOOKS, _PAUSE = 5, 0.1
"""So often it is looked whether a late trial works, and how long after each other: a busy machine keeps it waiting."""

_IMPORTED = 60
"""Seconds in which the modules must be imported, or there is no process for trials."""
_ENDING = 2.0
"""Seconds that a process has to end the trial that it is at, and itself."""

_PROGRAM = """
import json, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
path, modules, command = json.loads(sys.argv[1])
sys.path[:], sys.argv[:] = path, command or ["trial"]
from jido_trio.testing._sandbox import serve
serve(modules)
"""
_COMMAND = ["/elsewhere/bin/pytest", "--debug"]
"""What the program is called elsewhere, and given."""
_SIZE = struct.Struct("!Q")
_KEPT = ("PATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "SYSTEMROOT", "PYTHONPATH", "PYTHONHOME", "PYTHONWARNINGS")


@frozen
class Died:
    """A trial that gave no answer, and why."""

    why: str
    hastily: bool = False
    """Whether it had less time than a trial may take."""


class Gone(Died):
    """There is no process any more for trials."""


@frozen
class Unhandable(Died):
    """A trial that can't be handed to the process, where it isn't known, or can't be made of what it was written as."""

    error: str = ""
    """What it can't be made by, if that is known."""
    why: str = field(
        default=Factory(
            lambda self: f"its state can't be handed to another process{in_brackets(self.error)}", takes_self=True
        ),
        init=False,
    )


def in_brackets(error: str) -> str:
    """Return what is added to a sentence, if there is something to add."""
    return f" ({error})" if error else ""


Answer: TypeAlias = Any
"""What the function returned, or `Died`."""


class Sandbox:
    """A process for trials.

    Args:
        modules: What is imported beforehand; `module:name` for what its module makes when it is asked for it.
        elsewhere: The hash seed of a process that has another working directory, time zone, locale, environment and
            command than usual, too.
    """

    def __init__(self, modules: Sequence[str], *, elsewhere: int | None = None) -> None:
        self._known: dict[bytes, Answer] = {}
        self._begun: deque[bytes] = deque()
        self._folder = None if elsewhere is None else tempfile.TemporaryDirectory(prefix="elsewhere-")
        path = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 - as text, like the path itself
        self._process = subprocess.Popen(  # noqa: S603 - it is Python
            [sys.executable, "-c", _PROGRAM, json.dumps([path, list(modules), [] if elsewhere is None else _COMMAND])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=(
                {**os.environ, "PYTHONHASHSEED": "0"}
                if self._folder is None
                else {**_elsewhere(self._folder.name), "PYTHONHASHSEED": str(elsewhere)}
            ),
            cwd=self._folder.name if self._folder else None,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._process.terminate()
        try:
            self._process.wait(_ENDING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._folder is not None:
            self._folder.cleanup()

    def begin(self, what: str, about: object) -> None:
        """Have it be worked on meanwhile, for it will be asked for; or don't, where that could hold somebody up."""
        request = _handed(what, about)
        to = self._process.stdin
        if request is None or to is None or request in self._known or request in self._begun:
            return
        if _at_once(to.fileno(), request):
            self._begun.append(request)

    def ask(self, what: str, about: object) -> Answer:
        """Return what a function of `TRIALS` makes of a value; what was asked before isn't tried again."""
        request = _handed(what, about)
        if request is None:
            return Unhandable()
        while self._begun and request not in self._known:
            self._take_begun()
        if request not in self._known:
            self._known[request] = self._asked(request)
        anew = _made_there(what, about) if isinstance(self._known[request], Unhandable) else None
        if anew is not None and anew != request:  # it could be written, and not be read
            self._known[request] = self._asked(anew)
        return self._known[request]

    def known(self, what: str, about: object) -> Answer:
        """Return what was answered before; None if it wasn't asked."""
        request = _handed(what, about)
        return None if request is None else self._known.get(request)

    def ask_again(self, what: str, about: object) -> Answer:
        """Return what comes of a value that has all the time that a trial may take; it is what is known from now on."""
        answer, request = self.ask(what, about), _handed(what, about)
        if request is not None and isinstance(answer, Died) and answer.hastily:
            self._known[request] = answer = self._asked(_at_leisure(request))
        return answer

    def _take_begun(self) -> None:
        begun = self._begun.popleft()
        self._known[begun] = self._answered()

    def _asked(self, request: bytes) -> Answer:
        while self._begun:  # their answers come first; and both sides might wait to write
            self._take_begun()
        to = self._process.stdin
        try:
            if to is not None:
                _write(to.fileno(), request)
        except OSError:
            return self._gone()
        return self._answered()

    def _answered(self) -> Answer:
        back = self._process.stdout
        try:
            return self._gone() if back is None else pickle.loads(_read(back.fileno()))  # noqa: S301 - it is our own
        except (OSError, EOFError):
            return self._gone()

    def _gone(self) -> Gone:
        return Gone(f"the process for trials ended with {self._process.wait()}")


def _at_once(file: int, request: bytes) -> bool:
    """Write a request if a pipe takes it without delay, and return whether it did."""
    try:
        if _SIZE.size + len(request) > _PIPED or not select.select([], [file], [], 0)[1]:
            return False
        _write(file, request)
    except (OSError, ValueError):  # it is gone; or there are no pipes that can be asked, as on Windows
        return False
    return True


_PIPED = 4096
"""Bytes that a pipe takes without delay if it takes any, on Linux and macOS."""


def _handed(what: str, about: object) -> bytes | None:
    """Return a request; None if it is about what can't be handed to another process, and can't be made there."""
    with suppress(Exception):  # of whatever is in a state
        return pickle.dumps((what, False, pickle.dumps(about)))
    return _made_there(what, about)


def _made_there(what: str, about: Any) -> bytes | None:
    with suppress(Exception):  # or it can't be made there
        return pickle.dumps((what, False, pickle.dumps(about.made_there())))
    return None


def _at_leisure(request: bytes) -> bytes:
    what, _, about = pickle.loads(request)  # noqa: S301 - it is our own
    return pickle.dumps((what, True, about))


def _elsewhere(folder: str) -> Mapping[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    other = {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "HOME": folder, "USER": "elsewhere"}
    return {**kept, **other, "PYTHONUTF8": "1"}


def _write(file: int, data: bytes) -> None:
    left = memoryview(_SIZE.pack(len(data)) + data)
    while left:
        left = left[os.write(file, left) :]


def _read(file: int) -> bytes:
    (size,) = _SIZE.unpack(_exactly(file, _SIZE.size))
    return _exactly(file, size)


def _exactly(file: int, size: int) -> bytes:
    parts = []
    while size:
        part = os.read(file, min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


# ---- in the process

TRIALS: Mapping[str, Callable[[Any], Any]] = {
    "walk": walk,
    "outcomes": outcomes,
    "weigh": weigh,
    "swell": swell,
    "plugin": plugin_walk,
}


def serve(modules: Sequence[str]) -> None:
    """Answer requests until there are no more."""
    requests, answers = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    guard_clock()
    guard_command()
    guard_output()
    import_watched()
    if os.name == "posix":
        signal.alarm(_IMPORTED)
    for module in modules:
        with suppress(Exception):  # the trials will tell
            name, _, attribute = module.partition(":")
            found = importlib.import_module(name)
            getattr(found, attribute) if attribute else None
    if os.name == "posix":
        signal.alarm(0)
        importlib.import_module("resource")
    learn_constants(name.partition(":")[0] for name in modules)
    _practised()
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, _end)
    gc.collect()
    gc.freeze()  # or the collector of each fork would copy all that is there already
    while True:
        try:
            request = _read(requests)
        except EOFError:
            return
        what, at_leisure, about = pickle.loads(request)  # noqa: S301 - it is our own
        if hasattr(os, "fork"):
            _write(answers, _forked(what, about, 1.0 if at_leisure else _part(what)))
        else:
            _write(answers, _answer(what, about))


def _practised() -> None:
    """Go through a trial of our own: what our code works out on the first time, no fork has to."""
    agent: Agent[Tally] = agent_of(Tally).new("a")
    _answer("walk", pickle.dumps(Trial(agent, tuple(one() for one in SPECIMENS))))


@define
class _Pace:
    """How long trials of one kind take here."""

    hung: int = 0
    """So many didn't end."""
    longest: float = 0.0
    """Seconds of the processor that those took that ended, at most."""
    lost: float = 0.0
    """Seconds that those took together that didn't end."""


_paces: defaultdict[str, _Pace] = defaultdict(_Pace)


def _part(what: str) -> float:
    """Return that part of `WORK` and `SECONDS` which the next trial of a kind may take.

    What doesn't end in a walk does so nowhere. That others take long accuses nobody: they go through more steps.
    """
    if what == "weigh":  # there are few of them, and large states take their time
        return 1.0 if _paces[what].hung < _MANY else _AFTERWARDS
    hung = sum(_paces[kind].hung for kind in {what, "walk"})
    if not hung:
        return 1.0
    if sum(_paces[kind].lost for kind in {what, "walk"}) > _PATIENCE:
        return _IN_THE_END
    return min(max(_AFTERWARDS if hung < _MANY else _IN_THE_END, _ROOM * _paces[what].longest / WORK), 1.0)


_running: list[int] = []
"""The trial that is gone through, if one is."""


def _end(*_: object) -> NoReturn:
    """End with the trial that is gone through: nobody waits for it any more."""
    for child in _running:
        os.kill(child, signal.SIGKILL)
    os._exit(0)


def _answer(what: str, about: bytes) -> bytes:
    try:
        given = pickle.loads(about)  # noqa: S301 - it is from who started this process
    except Exception as error:  # noqa: BLE001 - its classes are in no module that can be imported, as `__main__`; or whatever
        return pickle.dumps(Unhandable(error=shown_error(error)))
    try:
        return pickle.dumps(TRIALS[what](given))
    except BaseException as error:  # noqa: ASYNC103, BLE001 - it is the answer
        return pickle.dumps(  # noqa: ASYNC104 - no Trio runs here
            Died(shown_error(error))
        )


def _forked(what: str, about: bytes, part: float) -> bytes:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(reading)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            _limited(WORK * part)
            _write(writing, _answer(what, about))
        finally:
            os._exit(0)
    _running.append(child)
    os.close(writing)
    try:
        return _waited_for(child, reading, _paces[what], part)
    finally:
        _running.clear()
        os.close(reading)


def _limited(seconds: float) -> None:
    """Have this process end once it has worked for so long."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, seconds)


def _waited_for(child: int, reading: int, pace: _Pace, part: float) -> bytes:
    ready, _, _ = select.select([reading], [], [], SECONDS * part)
    while not ready and _works(child):
        ready, _, _ = select.select([reading], [], [], 1)
    answer = b""
    if ready:
        with suppress(EOFError):
            answer = _read(reading)
    else:
        os.kill(child, signal.SIGKILL)
    _, status, took = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if answer:
        pace.longest = max(pace.longest, took.ru_utime + took.ru_stime)
        return answer
    if ready and code != -signal.SIGPROF:
        return pickle.dumps(Died(f"it ends its process, with {code}"))
    pace.hung += 1
    pace.lost += WORK * part if ready else SECONDS * part
    limit = f"{WORK * part:g} s of the processor" if ready else f"{SECONDS * part:g} s"
    return pickle.dumps(Died(f"it doesn't end within {limit}", hastily=part < 1))


def _works(child: int) -> bool:
    """Return whether a process is at work, or kept from it by others; False where that can't be told."""
    for _ in range(_LOOKS):
        try:
            state = Path(f"/proc/{child}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            return False
        if state == "R":
            return True
        select.select([], [], [], _PAUSE)
    return False
