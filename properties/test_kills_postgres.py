"""kill -9 on a PostgreSQL server, in small, and of that. In full: `python -m properties.campaigns kills-postgres`."""

import os

import pytest

from properties.campaigns._kill_points import FAMILIES
from properties.test_kills import divided, output
from tests.storage.postgres import program

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="processes are killed and forked as POSIX has it"),
    pytest.mark.skipif(program("initdb") is None, reason="no PostgreSQL is installed here"),
    pytest.mark.seconds(120),
]


@pytest.mark.parametrize("family", divided([*FAMILIES, "the-server"], 1))
def test_kill_9_loses_nothing_on_postgres_either(family):
    told = output("properties.campaigns", f"kills-postgres-{family}", "--share", "40")
    assert "\n0 went wrong" in told
    assert int(told.partition(" deaths:")[0].split()[-1]) >= 25
