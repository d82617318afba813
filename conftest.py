"""Every Python block of README and docs/ is a test, run in order, one namespace a page."""

import os

from hypothesis import HealthCheck, Phase, settings
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", settings.get_profile("default"), max_examples=1_000)
settings.register_profile(
    "mutants",
    settings.get_profile("default"),
    phases=[Phase.explicit, Phase.generate],  # that one fails is enough
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

pytest_plugins = ["pytester", "tests.time_limit"]

pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
).pytest()
