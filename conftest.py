"""Every Python block of README and docs/ is a test, run in order, one namespace a page."""

import gc
import os
import sys
from itertools import count
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.strategies import just
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

settings.register_profile("default", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", settings.get_profile("default"), max_examples=1_000)
settings.register_profile(
    "mutants",
    settings.get_profile("default"),
    max_examples=100,
    phases=[Phase.explicit, Phase.generate],  # that one fails is enough
)
settings.register_profile("laws", settings.get_profile("mutants"), max_examples=1_000)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))

pytest_plugins = ["pytester", "tests.time_limit"]

_numbers = count()


def as_module(namespace: dict[str, Any]) -> None:
    """Make a page a module, as the program of a user is: classes that are kept are found again by its name."""
    page = ModuleType(f"page_{next(_numbers)}")

    def found(name: str) -> Any:
        if name in namespace:
            return namespace[name]
        raise AttributeError(name)

    page.__dict__["__getattr__"] = found
    namespace["__name__"] = page.__name__
    sys.modules[page.__name__] = page


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    setup=as_module,
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
).pytest()


def pytest_collection_finish() -> None:
    """Leave what collecting made out of each later collection of garbage: it stays, and there is much of it.

    Hypothesis looks for who holds the generator that it makes when it is used first, and doesn't see what is left out.
    """
    find(just(1), bool, settings=settings(database=None))
    gc.collect()
    gc.freeze()
