"""What is run against a broken copy of the project: the cheapest first, each within a time limit."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

from attrs import frozen

from properties.mutants._concerned import Recording, files_of, read_recording
from properties.mutants._mutant import Mutant

CHOSEN = "chosen.txt"
ROOT = Path(__file__).parents[2]
ENVIRONMENT = {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
COPIED = ("jido_trio", "properties", "tests", "docs", "README.md", "conftest.py", "pyproject.toml")

PYTEST = (
    *(
        "-m",
        "pytest",
        "-p",
        "properties.mutants._plugin",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:jido_trio",
        "-v",
        "-m",
        "not long",
        "--tb=no",
    ),
    "--hypothesis-seed=0",  # the same mutant meets the same examples each time
    *("-o", "idle_seconds=4"),  # most mutants that hang stand still
)


@frozen
class Check:
    """A command that must succeed, run in a copy of the project."""

    name: str
    arguments: tuple[str, ...]
    tests: tuple[str, ...] = ()
    """The ids of the tests that are to be run, in order; none means all."""
    profile: str = "mutants"
    """How Hypothesis runs: `conftest.py` has the profiles."""

    def run(self, copy: Path, limit: float) -> str | None:
        """Return what failed, or None when all is well."""
        chosen: tuple[str, ...] = ()
        if self.tests:
            (copy / CHOSEN).write_text("\n".join(self.tests), encoding="utf-8")
            chosen = ("--chosen", CHOSEN)
        environment = os.environ | ENVIRONMENT | {"PYTHONPATH": str(copy), "HYPOTHESIS_PROFILE": self.profile}
        with TemporaryFile("w+") as output:
            # A session of its own, so that a hang is killed with all its children.
            process = subprocess.Popen(
                (sys.executable, *self.arguments, *chosen),
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


def checks(mutant: Mutant, recording: Recording | None, root: Path = ROOT) -> tuple[Check, ...]:
    """Return what must notice the mutant, in the order in which it is cheapest to fail."""
    if mutant.judges:
        return (Check("laws", (*PYTEST, *_PATIENT, "-x", *mutant.judges), profile="laws"),)
    if recording is None:
        tests: tuple[Check, ...] = (Check("tests", (*PYTEST, "-x", *files_of(mutant.part, root))),)
    else:
        concerned = recording.concerned(mutant, root)
        others = sorted(set(recording.seconds).difference(concerned))  # a thread may have come there unseen
        tests = tuple(_tests(name, chosen) for name, chosen in (("tests", concerned), ("others", others)) if chosen)
    return (*tests, RECORDINGS) if mutant.part == "supervision" else tests


RECORDINGS = Check("recordings", ("-m", "properties.mutants._replay"))


def _tests(name: str, chosen: Sequence[str]) -> Check:
    files = sorted({test.partition("::")[0] for test in chosen})
    return Check(name, (*PYTEST, "-x", *files), tuple(chosen))


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


class NotGreen(Exception):
    """The checks fail without any mutant: nothing could be learned from them."""


_PATIENT = ("-o", "test_seconds=900")
LIMITS = {"laws": 1_800, "mutants": 120}
"""Seconds that a check has, by its profile: what takes longer is a hang. Most are ended earlier, by the tests' own."""


def recorded(part: str, root: Path = ROOT) -> Recording:
    """Run the tests of a part on the sound project, and return who comes to which line.

    Raises:
        NotGreen: One of them failed.
    """
    with copy_of(root) as copy:
        target = copy / "recording.json"
        if failed := Check("tests", (*PYTEST, "--record", str(target), *files_of(part, copy))).run(copy, 900):
            raise NotGreen(f"tests of {part} fail without any mutant: {failed}")
        return read_recording(target)


def judge(mutant: Mutant, recording: Recording | None = None, root: Path = ROOT) -> Verdict:
    """Break a copy of the project, and return what caught that; without a recording, ask all tests of its part.

    Raises:
        Stale: The mutant doesn't fit the source.
    """
    began = time.monotonic()
    with copy_of(root) as copy:
        asked = checks(mutant, recording, copy)
        break_in(copy, mutant)
        for check in asked:
            if failed := check.run(copy, LIMITS[check.profile]):
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
            if failed := _tests("tests", sorted(tests)).run(copy, 600):
                raise NotGreen(f"a test that caught mutants fails now and then without any: {failed}")
