"""What is run against a broken copy of the project: the cheapest first, each within a time limit."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

from attrs import frozen

from properties.mutants._mutant import Mutant

ROOT = Path(__file__).parents[2]
COPIED = ("jido_trio", "properties", "tests", "docs", "README.md", "conftest.py", "pyproject.toml")

PURE_FIRST = ("test_window.py", "test_slots.py", "test_exit.py", "test_decide.py", "test_decide_calls.py")
"""The tests of values say what is wrong in a line, and in milliseconds."""


@frozen
class Check:
    """A command that must succeed, run in a copy of the project."""

    name: str
    arguments: tuple[str, ...]

    def run(self, copy: Path, limit: float) -> str | None:
        """Return what failed, or None when all is well."""
        environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        with TemporaryFile("w+") as output:
            # A session of its own, so that a hang is killed with all its children.
            process = subprocess.Popen(
                (sys.executable, *self.arguments),
                cwd=copy,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                code: int | None = process.wait(limit)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                code = None
            output.seek(0)
            return None if code == 0 else _what_failed(output.read(), code)


def _what_failed(output: str, code: int | None) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    last = lines[-1] if lines else "no output"
    if code is None:
        tests = [line.split()[0] for line in lines if "::" in line.split()[0]]
        return f"hang in {tests[-1] if tests else last}"
    named = re.findall(r"^(?:FAILED|ERROR) (.+?)(?: - |$)", output, re.MULTILINE)
    return str(named[0]) if named else last


def checks(part: str, root: Path = ROOT) -> tuple[Check, ...]:
    """Return what must notice that a part of the package is broken, in the order in which it is cheapest to fail."""
    if part == "supervision":
        return (Check("recordings", ("-m", "properties.mutants._replay")), _tests(_of_supervision(root)))
    return (_tests(_of_runtime(root)),)


def _tests(chosen: Iterable[str]) -> Check:
    # With a fixed seed the same mutant meets the same tests each time.
    options = ("-x", "-v", "-m", "not long", "--tb=no", "-p", "no:cacheprovider", "--hypothesis-seed=0")
    return Check("tests", ("-m", "pytest", *options, *chosen))


def _of_supervision(root: Path) -> list[str]:
    signals = root / "tests" / "processes" / "test_signals.py"
    laws = [root / "properties" / "test_slots.py", *sorted((root / "properties").glob("test_supervis*.py"))]
    return _below(root, _in(root / "tests" / "supervision"), laws, [signals])


def _of_runtime(root: Path) -> list[str]:
    return _below(root, _in(root / "tests" / "runtime"), [root / "properties" / "test_runtime.py"])


def _in(folder: Path) -> list[Path]:
    return sorted(folder.rglob("test_*.py"), key=lambda path: (path.name not in PURE_FIRST, path))


def _below(root: Path, *groups: Iterable[Path]) -> list[str]:
    return [str(path.relative_to(root)) for group in groups for path in group]


@contextmanager
def copy_of(root: Path = ROOT) -> Iterator[Path]:
    """Copy what the checks need to a place where it may be broken."""
    with TemporaryDirectory(prefix="mutant-") as name:
        for each in COPIED:
            source, target = root / each, Path(name) / each
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".hypothesis"))
            else:
                shutil.copy(source, target)
        yield Path(name)


@frozen
class Verdict:
    """What became of a mutant."""

    mutant: Mutant
    caught_by: str | None
    seconds: float

    @property
    def test(self) -> str | None:
        """The test that failed, if it was one."""
        failed = self.caught_by or ""
        return failed if "::" in failed and not failed.startswith("hang") else None


@frozen
class Limits:
    """How long each check of each part may take, in seconds; beyond it counts as a hang."""

    seconds: Mapping[tuple[str, str], float]


class NotGreen(Exception):
    """The checks fail without any mutant: nothing could be learned from them."""


def measured(parts: Iterable[str], root: Path = ROOT) -> Limits:
    """Run the checks of these parts on the sound project, and return limits far above what they took.

    Raises:
        NotGreen: One of them failed.
    """
    seconds = {}
    with copy_of(root) as copy:
        for part, check in ((name, check) for name in parts for check in checks(name, copy)):
            began = time.monotonic()
            if failed := check.run(copy, 600):
                raise NotGreen(f"{check.name} of {part} fail without any mutant: {failed}")
            seconds[part, check.name] = 30 + 3 * (time.monotonic() - began)
    return Limits(seconds)


def judge(mutant: Mutant, limits: Limits, root: Path = ROOT) -> Verdict:
    """Break a copy of the project, and return what caught that.

    Raises:
        Stale: The mutant doesn't fit the source.
    """
    began = time.monotonic()
    with copy_of(root) as copy:
        break_in(copy, mutant)
        for check in checks(mutant.part, copy):
            if failed := check.run(copy, limits.seconds[mutant.part, check.name]):
                return Verdict(mutant, failed, time.monotonic() - began)
    return Verdict(mutant, None, time.monotonic() - began)


def break_in(copy: Path, mutant: Mutant) -> None:
    """Break a copy of the project."""
    path, source = mutant.applied(copy)
    path.write_text(source, encoding="utf-8")


REPEATS = 5


def hold_steady(tests: Collection[str], root: Path = ROOT) -> None:
    """Run the tests that caught mutants on the sound project, several times: one that fails by chance proves nothing.

    Raises:
        NotGreen: One of them failed.
    """
    with copy_of(root) as copy:
        for _ in range(REPEATS if tests else 0):
            if failed := _tests(sorted(tests)).run(copy, 600):
                raise NotGreen(f"a test that caught mutants fails now and then without any: {failed}")
