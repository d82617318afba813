"""Doors: where code that should be pure can see the machine that it runs on, or change it.

Three watches stand at them. Python's audit hooks tell of files, sockets, processes and the like, by whatever road they
are reached. A profiler sees each function of C that Python code calls: the clock, randomness, the operating system,
whatever name they were imported under. And it sees the entry into a few Python functions: the environment, the log.

What C code calls on its own (`map(time.time, ...)`) the profiler doesn't see; that the results differ shows it. An
import that happens on the way is no effect of the code that asks for it, whatever the module does meanwhile.
"""

from __future__ import annotations

import gc
import importlib
import io
import os
import sys
import sysconfig
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

__all__ = ["guard_clock", "guard_command", "guard_output", "import_watched", "watched"]

_CLOCK = "looks at the clock"
_CHANCE = "draws a random number"
_SYSTEM = "asks the operating system"
_OUTPUT = "writes to the output"
_TERMINAL = "asks what the output is, a terminal or not"

_OF_TIME = frozenset(
    [
        "time",
        "time_ns",
        "monotonic",
        "monotonic_ns",
        "perf_counter",
        "perf_counter_ns",
        "process_time",
        "process_time_ns",
        "thread_time",
        "thread_time_ns",
        "clock_gettime",
        "clock_gettime_ns",
    ]
)
_OF_DATETIME = frozenset({"now", "utcnow", "today"})
_HARMLESS_OF_OS = frozenset(
    [
        "fspath",
        "_path_normpath",
        "_path_splitroot",
        "_path_splitroot_ex",
        "_path_isdevdrive",
        "device_encoding",
        "get_terminal_size",
        "WIFEXITED",
        "WEXITSTATUS",
        "WIFSIGNALED",
    ]
)
_MODULES: Mapping[str, str] = {
    "asyncio.runners": "runs asyncio",
    "platform": "asks which machine it runs on",
    "getpass": "asks who runs it",
    "socket": "uses the network",
    "subprocess": "starts a process",
    "tempfile": "makes a file",
    "trio._core._generated_run": "asks Trio",
}
"""Python modules into which nothing pure enters."""

_QUIET = (
    "builtins.id code. compile cpython. exec function. gc. import marshal. object. array. pickle. sys._getframe "
    "sys.setprofile sys.settrace sys.monitoring sys.excepthook sys.unraisablehook sys.setrecursionlimit"
)
_HARMLESS_EVENTS = tuple(_QUIET.split())
"""Audit events that tell of no effect, or of one that is seen otherwise."""

_STDLIB = tuple(
    str(Path(path)) for name in ("stdlib", "platstdlib", "purelib", "platlib") if (path := sysconfig.get_path(name))
)
_ZONES = str(Path(sysconfig.get_path("stdlib"), "zoneinfo"))
"""What it reads of time zones is no more than what an import reads of modules."""
_OURS = str(Path(__file__).parent)


class _Watch:
    """Who is told of what happens; one at a time in a process."""

    def __init__(self) -> None:
        self.seen: list[str] | None = None
        self.calls = 0
        self.found: dict[str, object] = {}
        """What stood so when the watch began, or since an import."""
        self.importing: FrameType | None = None
        self._before: Mapping[str, object] = {}

    def note(self, what: str, frame: FrameType | None) -> None:
        if self.seen is None or _is_importing(frame):
            return
        text = f"{what}, {_place(frame)}"
        if text not in self.seen:
            self.seen.append(text)

    def begin_import(self, frame: FrameType) -> None:
        self.importing, self._before = frame, _standing()

    def end_import(self) -> None:
        """Have what an import has changed stand so: that is no effect of the code that asks for it."""
        after = _standing()
        changed = {what for what in after if what not in self._before or _differ(self._before[what], after[what])}
        self.found |= {what: after[what] for what in changed}
        self.importing, self._before = None, {}


_watch = _Watch()


@contextmanager
def watched() -> Iterator[list[str]]:
    """Watch the code of the block: return a list that fills with what it does beside computing."""
    _install()
    seen: list[str] = []
    _watch.found = dict(_standing())
    before, thresholds = sys.getprofile(), gc.get_threshold()
    gc.set_threshold(0)  # what is collected meanwhile is others', and so is who listens to that
    _watch.seen, _watch.calls = seen, 0
    sys.setprofile(_profile)
    try:
        yield seen
    finally:
        sys.setprofile(before)
        _watch.seen = _watch.importing = None
        gc.set_threshold(*thresholds)
        left, found = _standing(), _watch.found
        changed = [what for what in found if what in left and _differ(found[what], left[what])]
        seen += [f"changes {what}, and leaves it so" for what in changed]


def _standing() -> Mapping[str, object]:
    """Return what all code of a process, or of a thread, has in common, and nobody tells of when it is changed."""
    held: dict[str, object] = {
        "sys.path": tuple(sys.path),
        "the recursion limit": sys.getrecursionlimit(),
        "the standard output": (id(sys.stdout), id(sys.stderr)),
        "whether garbage is collected": gc.isenabled(),
    }
    for name in _PATCHED:
        module = sys.modules.get(name)
        if module is not None:
            held[f"the module {name}"] = dict(vars(module))
    for cls in _classes():
        held[f"the class {cls.__module__}.{cls.__name__}"] = dict(vars(cls))
    for what, module_name, ask in _SETTINGS:
        module = sys.modules.get(module_name)
        if module is not None:
            held[what] = ask(module)
    return held


def _context(decimal: Any) -> object:
    context = decimal.getcontext()
    numbers = (context.prec, context.rounding, context.Emin, context.Emax, context.capitals, context.clamp)
    return (*numbers, tuple(on for _, on in sorted(context.traps.items(), key=str)))


_SETTINGS: tuple[tuple[str, str, Callable[[Any], object]], ...] = (
    ("the context of decimals", "decimal", _context),
    ("the filters of warnings", "warnings", lambda warnings: tuple(warnings.filters)),
    ("how long a number may be as text", "sys", lambda sys: getattr(sys, "get_int_max_str_digits", int)()),
    ("the namespaces of XML", "xml.etree.ElementTree", lambda xml: dict(getattr(xml, "_namespace_map", {}))),
    ("how long a field of CSV may be", "_csv", lambda csv: (csv.field_size_limit(), len(csv.list_dialects()))),
)
"""What a module tells of what is set in it: what it is called, the module, and how it is asked."""


def _classes() -> tuple[type, ...]:
    """Return the classes of the modules that are patched that can be, as they are written in Python."""
    if not _CLASSES:
        modules = [sys.modules[name] for name in _PATCHED if name in sys.modules]
        found = [one for module in modules for one in vars(module).values() if isinstance(one, type)]
        own = [one for one in dict.fromkeys(found) if one.__module__.partition(".")[0] in _PATCHED]
        _CLASSES.extend(one for one in own if one.__flags__ & _HEAP and not one.__flags__ & _IMMUTABLE)
    return tuple(_CLASSES)


_CLASSES: list[type] = []
_HEAP, _IMMUTABLE = 1 << 9, 1 << 8
"""Flags that CPython gives classes."""


def _differ(before: object, after: object) -> bool:
    """Tell whether something was changed; of a module, whose names are a dict, whether by more than an import."""
    if before == after:  # of names with the same objects it is soon told
        return False
    if not isinstance(before, dict) or not isinstance(after, dict):
        return True
    names = [name for name in {**before, **after} if before.get(name, _differ) is not after.get(name, _differ)]
    return any(not isinstance(after.get(name), ModuleType) and not name.startswith("__") for name in names)


_PATCHED = ("builtins", "datetime", "json", "math", "os", "random", "time")
"""Modules that are patched now and then."""


def import_watched() -> None:
    """Import what is watched by name, for what is imported later isn't watched where others were first."""
    for name in (*_PATCHED, *_STACK, "decimal", "_csv", "logging", "threading", "warnings"):
        importlib.import_module(name)


def guard_clock() -> None:
    """Have the functions of `time` watched that look at the clock only if they aren't given a time.

    To be called before other modules take them from there.
    """
    time = sys.modules["time"]
    for name, place in _OF_GIVEN_TIME.items():
        setattr(time, name, _guarded(getattr(time, name), name, place))


_OF_GIVEN_TIME: Mapping[str, int] = {"asctime": 0, "ctime": 0, "gmtime": 0, "localtime": 0, "strftime": 1}
"""Functions, and which argument is the time."""


def _guarded(function: Callable[..., Any], name: str, place: int) -> Callable[..., Any]:
    @wraps(function)
    def guarded(*args: Any) -> Any:
        if len(args) <= place or args[place] is None:
            _watch.note(f"{_CLOCK} (time.{name})", sys._getframe(1))  # noqa: SLF001 - there is no other way to the place
        return function(*args)

    return guarded


def guard_command() -> None:
    """Have the command line tell who looks at it. To be called before other modules take it from `sys`."""
    sys.argv = _Command(sys.argv)


class _Command(list[str]):
    def __getitem__(self, at: Any) -> Any:
        _watch.note(_ASKED, sys._getframe(1))  # noqa: SLF001 - there is no other way to the place
        return super().__getitem__(at)

    def __iter__(self) -> Iterator[str]:
        _watch.note(_ASKED, sys._getframe(1))  # noqa: SLF001
        return super().__iter__()

    def __contains__(self, word: object) -> bool:
        _watch.note(_ASKED, sys._getframe(1))  # noqa: SLF001
        return super().__contains__(word)

    def __len__(self) -> int:
        _watch.note(_ASKED, sys._getframe(1))  # noqa: SLF001
        return super().__len__()


_ASKED = "looks at the command line (sys.argv)"


def guard_output() -> None:
    """Have the standard outputs tell of what is written to them, by whatever road it comes there.

    What is printed into a text (`print(..., file=text)`) is nobody's matter then. To be called before other modules
    take them from `sys`.
    """
    for name, file in (("stdout", 1), ("stderr", 2)):
        raw = open(file, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - it is never closed
        heard = _Heard(raw.buffer, encoding="utf-8", errors="backslashreplace", line_buffering=True)
        raw.detach()
        setattr(sys, name, heard)
        setattr(sys, f"__{name}__", heard)
    warnings.showwarning = _warned


class _Heard(io.TextIOWrapper):
    """A standard output that tells of what is written to it."""

    def write(self, text: str) -> int:
        _watch.note(_OUTPUT, sys._getframe(1))  # noqa: SLF001 - there is no other way to the place
        return super().write(text)

    def isatty(self) -> bool:
        _watch.note(_TERMINAL, sys._getframe(1))  # noqa: SLF001 - likewise
        return super().isatty()

    def fileno(self) -> int:
        _watch.note(_TERMINAL, sys._getframe(1))  # noqa: SLF001 - likewise
        return super().fileno()


def _warned(message: Warning | str, *_: object, **__: object) -> None:
    """Tell of a warning by Python's own code, in place of showing it."""
    _watch.note(f"has a warning shown ({message})"[:200], sys._getframe(1))  # noqa: SLF001 - likewise


_installed: list[bool] = []


def _install() -> None:
    if not _installed:
        _installed.append(True)
        sys.addaudithook(_audit)


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if _watch.seen is None or (event.startswith(_HARMLESS_EVENTS) and event != "builtins.id"):
        return
    frame = sys._getframe(1)  # noqa: SLF001 - there is no other way to the place
    if event == "builtins.id":
        if _is_users(frame):
            _watch.note("looks at the address of an object (id)", frame)
    elif not (event == "open" and (_is_zone(args[0]) or _is_no_file(args[0]))):
        what = f" ({args[0]!r})" if args and isinstance(args[0], str | bytes) else ""
        _watch.note(f"does {event}{what}"[:200], frame)


def _is_zone(path: object) -> bool:
    """Tell whether a file is of the database of time zones, which C code opens."""
    zones: Any = sys.modules.get("zoneinfo")
    return zones is not None and isinstance(path, str) and path.startswith(tuple(zones.TZPATH))


def _is_no_file(path: object) -> bool:
    """Tell whether it is a name as `<unknown>`, under which C code looks for the line of a `SyntaxError` in vain."""
    return isinstance(path, str) and path.startswith("<") and path.endswith(">")


_ENOUGH = 1_000_000
"""Calls, and returns from them, after which nobody is told any more: each costs more than many calls do."""


_IMPORT: CodeType = vars(sys.modules["_frozen_importlib"])["_find_and_load"].__code__


def _profile(frame: FrameType, event: str, arg: Any) -> None:
    _watch.calls += 1
    if _watch.calls > _ENOUGH:
        sys.setprofile(None)
        return
    if event == "c_call":
        what = _of_c(frame, arg)
    elif event == "call":
        if frame.f_code is _IMPORT and _watch.importing is None:
            _watch.begin_import(frame)
        known = _of_python().get(frame.f_code)
        what = known(frame) if known is not None else _MODULES.get(frame.f_globals.get("__name__", ""))
        frame = frame.f_back or frame
    else:
        if event == "return" and frame is _watch.importing:
            _watch.end_import()
        return
    if what is not None:
        _watch.note(what, frame)


def _of_c(frame: FrameType, function: Any) -> str | None:
    """Return what a function written in C does beside computing, if anything."""
    name, module = function.__name__, getattr(function, "__module__", None) or ""
    owner = getattr(function, "__self__", None)
    if module == "time":
        return f"{_CLOCK} (time.{name})" if name in _OF_TIME else "sleeps" if name == "sleep" else None
    if module in ("posix", "nt"):
        return None if name in _HARMLESS_OF_OS else f"{_SYSTEM} (os.{name})"
    if module in _WHOLE:
        return f"{_WHOLE[module]} ({module.lstrip('_')}.{name})"
    if module in _OF_C and name in _OF_C[module]:
        return _OF_C[module][name]
    if module in _OF_USERS:
        return _OF_USERS[module].get(name) if _is_users(frame) else None
    if module == "builtins" and name == "print":
        return None if isinstance(sys.stdout, _Heard) else f"{_OUTPUT} (print)"
    if module == "_locale":
        return _of_locale(frame, name)
    if isinstance(owner, type):
        is_clock = name in _OF_DATETIME and owner.__mro__[-2].__module__ == "datetime"
        return f"{_CLOCK} ({owner.__name__}.{name})" if is_clock else None
    if owner is not None and type(owner).__module__ in ("random", "_io", "_contextvars"):
        return _of_object(frame, owner, name)
    return None


def _of_object(frame: FrameType, owner: Any, name: str) -> str | None:
    kind = type(owner)
    if kind.__module__ == "random":
        shared = getattr(sys.modules.get("random"), "_inst", None)
        return f"{_CHANCE} (random.{name})" if owner is shared or kind.__name__ == "SystemRandom" else None
    if isinstance(owner, ContextVar):
        return f"uses a context variable ({owner.name})" if _is_users(frame) else None
    outputs = [one for output in (sys.stdout, sys.stderr) for one in (output, getattr(output, "buffer", None))]
    is_output = any(one is owner for one in outputs)
    return _OUTPUT if is_output and name.startswith("write") else None


def _of_locale(frame: FrameType | None, name: str) -> str | None:
    """Return what is done to the locale: to ask for it is a matter of Python's own code, which goes through formats."""
    if frame is not None and frame.f_code.co_name == "setlocale" and frame.f_locals.get("locale") is not None:
        return "changes the locale"
    while frame is not None and frame.f_globals.get("__name__") == "locale":
        frame = frame.f_back
    return f"asks for the locale (locale.{name})" if _is_users(frame) else None


_WHOLE: Mapping[str, str] = {
    "_posixshmem": "shares memory",
    "_socket": "uses the network",
    "_tracemalloc": "asks for the memory",
    "atexit": "asks to be called at the end of the process",
    "faulthandler": "asks the interpreter",
    "fcntl": _SYSTEM,
    "grp": "asks who runs it",
    "pwd": "asks who runs it",
    "resource": "asks what the process has used",
    "select": "waits for the operating system",
    "syslog": "writes to the log",
    "termios": _SYSTEM,
}
"""Modules of C in which nothing is pure."""

_OF_C: Mapping[str, Mapping[str, str]] = {
    "builtins": {"input": "reads the input", "breakpoint": "stops"},
    "_io": {"open": "opens a file (open)", "open_code": "opens a file"},
    "io": {"open": "opens a file (open)", "open_code": "opens a file"},
    "_thread": {"start_new_thread": "starts a thread", "start_joinable_thread": "starts a thread"},
    "_uuid": {"generate_time_safe": f"{_CLOCK} and at the machine (uuid)"},
    "_signal": dict.fromkeys(
        ["alarm", "getitimer", "getsignal", "raise_signal", "setitimer", "signal"],
        "asks for signals, or changes what they do",
    ),
    "_codecs": {"register": "registers a codec", "register_error": "registers a codec"},
    "gc": {"get_objects": "looks at all objects", "get_referrers": "looks at all objects"},
    "sys": {
        "getrefcount": "counts references",
        "getallocatedblocks": "asks for the memory",
        "setswitchinterval": "changes the interpreter",
    },
    "_asyncio": dict.fromkeys(["current_task", "get_event_loop", "get_running_loop"], "asks asyncio"),
}
"""By module and name."""
_OF_USERS: Mapping[str, Mapping[str, str]] = {
    "_thread": dict.fromkeys(["_count", "get_ident", "get_native_id"], "asks for the thread"),
    "_warnings": dict.fromkeys(["warn", "warn_explicit"], "warns"),
    "gc": dict.fromkeys(["collect", "get_count", "get_stats"], "asks the garbage collector"),
    "sys": dict.fromkeys(["_current_frames", "_getframe"], "looks at the stack"),
}
"""The same, of what is done by Python's own code, too, which has its reasons."""


def _of_python() -> Mapping[CodeType, Callable[[FrameType], str | None]]:
    if not _PYTHON:
        environ: Any = type(os.environ)
        for name in ("__getitem__", "__setitem__", "__iter__", "__len__", "__delitem__"):
            _PYTHON[getattr(environ, name).__code__] = lambda _: "looks at the environment (os.environ)"
        logging: Any = sys.modules.get("logging")
        if logging is not None:
            _PYTHON.update(dict.fromkeys(_logging(logging), _if_users("writes to the log")))
            # All levels meet there.
            _PYTHON[logging.Logger._log.__code__] = lambda _: "writes to the log"  # noqa: SLF001
        for module_name, names in _STACK.items():
            codes = [vars(sys.modules[module_name])[one].__code__ for one in names if module_name in sys.modules]
            _PYTHON.update(dict.fromkeys(codes, _if_users("looks at the stack")))
        threading: Any = sys.modules.get("threading")
        if threading is not None:
            _PYTHON[threading.Condition.wait.__code__] = lambda _: "waits"
            for one in (threading.current_thread, threading.active_count, threading.enumerate):
                _PYTHON[one.__code__] = _if_users("asks for the thread")
        seed: Any = sys.modules["random"].Random.seed if "random" in sys.modules else None
        if seed is not None:
            _PYTHON[seed.__code__] = lambda frame: (
                f"{_CHANCE} (Random() without a seed)" if frame.f_locals.get("a") is None else None
            )
    return _PYTHON


def _logging(logging: Any) -> Iterator[CodeType]:
    """Return the ways to log, and to say what is logged: what isn't today is so tomorrow, when somebody looks."""
    levels = ("debug", "info", "warning", "error", "exception", "critical", "log")
    for owner in (logging, logging.Logger):
        yield from (vars(owner)[name].__code__ for name in levels)
    yield from (vars(logging.Logger)[name].__code__ for name in ("setLevel", "addHandler", "removeHandler"))
    yield from (vars(logging)[name].__code__ for name in ("basicConfig", "disable", "captureWarnings"))


def _if_users(what: str) -> Callable[[FrameType], str | None]:
    return lambda frame: what if _is_users(frame.f_back) else None


_STACK: Mapping[str, Sequence[str]] = {
    "inspect": ("currentframe", "stack", "trace"),
    "traceback": ("extract_stack", "format_stack", "print_stack"),
}
"""Functions of Python that tell who calls."""

_PYTHON: dict[CodeType, Callable[[FrameType], str | None]] = {}


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith(("<frozen importlib", _ZONES)):
            return True
        frame = frame.f_back
    return False


def _is_users(frame: FrameType | None) -> bool:
    """Tell whether code is neither Python's own, nor a package's, nor ours."""
    path = "" if frame is None else frame.f_code.co_filename
    return not path.startswith(("<", *_STDLIB, _OURS))


def _place(frame: FrameType | None) -> str:
    """Return the nearest line that is the user's own."""
    while frame is not None and not _is_users(frame):
        frame = frame.f_back
    return "somewhere" if frame is None else f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
