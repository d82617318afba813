"""kill -9 on a PostgreSQL server, in small, and of that. In full: `python -m properties.campaigns kills-postgres`."""

import os

import pytest

from properties.campaigns._kill_points import FAMILIES
from properties.test_kills import deaths, divided
from tests.storage.postgres import program

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="processes are killed and forked as POSIX has it"),
    pytest.mark.skipif(program("initdb") is None, reason="no PostgreSQL is installed here"),
    pytest.mark.seconds(300),
]


CAMPAIGNS = [f"kills-postgres-{family}" for family in (*FAMILIES, "the-server")]


@pytest.mark.parametrize(("campaign", "among"), divided(CAMPAIGNS, 1))
def test_kill_9_loses_nothing_on_postgres_either(campaign, among):
    assert deaths(campaign, among) >= 6
