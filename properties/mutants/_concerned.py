"""Which tests concern a mutant: those that come to the lines that it changes.

Every test of a part is run once on the sound project, and the lines that it comes to are written down. A mutant can
change nothing for a test that never comes there; so it meets only those that do, the quickest first. Lines that are
run when a module is imported concern every test. Tests that start another process, or trace the program themselves,
are seen to come nowhere: they are asked last, about every mutant of the part.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from attrs import frozen

from properties.mutants._mutant import Mutant

SECRETS = ("tests/test_redact_secrets.py", "tests/runtime/test_secrets.py")

BESIDE: Mapping[str, tuple[str, ...]] = {
    "redact": SECRETS,
    "supervision": (
        "properties/test_slots.py",
        "properties/test_supervis*.py",
        "tests/processes/test_signals.py",
        "tests/runtime/test_secrets.py",
    ),
    "runtime": ("properties/test_runtime.py", "properties/test_ledger.py"),
    "core": (
        "properties/test_cmd.py",
        "properties/test_compiled.py",
        "properties/test_routing.py",
        "properties/test_signal_round_trip.py",
        *SECRETS,
    ),
    "data": (
        "tests/core/test_state_ops.py",
        "tests/core/test_cmd.py",
        "properties/test_data.py",
        "properties/test_merge.py",
        *SECRETS,
    ),
}
"""What tests a part beside the folder of `tests` that mirrors it."""


def files_of(part: str, root: Path) -> tuple[str, ...]:
    """Return the files with the tests of a part."""
    patterns = (f"tests/{part}/**/test_*.py", f"tests/test_{part}.py", *BESIDE.get(part, ()))
    found = [path for pattern in patterns for path in sorted(root.glob(pattern))]
    return tuple(str(path.relative_to(root)) for path in found)


@frozen
class Recording:
    """How long each test of a part takes, in seconds, and who comes to which line."""

    seconds: Mapping[str, float]
    visitors: Mapping[str, Mapping[int, Collection[str]]]
    """By file and line; "" stands for the import."""

    def concerned(self, mutant: Mutant, root: Path) -> Sequence[str]:
        """Return the tests that the mutant can change something for, the quickest first."""
        path, exact, around = mutant.lines(root)
        by_line = self.visitors.get(str(path.relative_to(root)), {})
        # A line in the middle of a statement may never be told of.
        seen = _all(by_line, exact) or _all(by_line, around)
        chosen = set(self.seconds) if "" in seen else seen & set(self.seconds)
        in_turn = sorted(chosen, key=lambda test: (self.seconds[test], test))
        return [*in_turn, *sorted(self._elsewhere() - chosen)]

    def _elsewhere(self) -> set[str]:
        seen = {test for by_line in self.visitors.values() for tests in by_line.values() for test in tests}
        return set(self.seconds) - seen


def _all(by_line: Mapping[int, Collection[str]], lines: range) -> set[str]:
    return {test for line in lines for test in by_line.get(line, ())}


def read_recording(path: Path) -> Recording:
    """Read what `properties.mutants._plugin` wrote."""
    told = json.loads(path.read_text(encoding="utf-8"))
    tests = told["tests"]
    visitors = {
        file: {int(line): [tests[number] for number in numbers] for line, numbers in by_line.items()}
        for file, by_line in told["visitors"].items()
    }
    return Recording(told["seconds"], visitors)
