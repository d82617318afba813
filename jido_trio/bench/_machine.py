"""What the figures were taken on: they mean nothing without."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

from attrs import frozen


@frozen
class Machine:
    """A machine, its Python, and the libraries measured."""

    cpu: str
    cores: int
    system: str
    python: str
    versions: dict[str, str]

    def __str__(self) -> str:
        libraries = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        return f"{self.cpu}, {self.cores} cores, {self.system}; Python {self.python}; {libraries}"


def this_machine() -> Machine:
    """Return the machine that this runs on."""
    versions = {name: version(name) for name in ("jido-trio", "trio", "attrs")}
    return Machine(
        _cpu(), os.cpu_count() or 1, f"{platform.system()} {platform.machine()}", platform.python_version(), versions
    )


def load() -> float | None:
    """Return how many processes wanted to run over the last minute; None where the system doesn't tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown processor"
