"""A PostgreSQL database: the promises, shared by two, and what becomes of commits when the server goes away."""

import tempfile
from pathlib import Path

import pytest
import trio

from jido_trio.errors import (
    Conflict,
    InvalidDefinition,
    StorageCorrupt,
    StorageFailed,
    StorageLocked,
    StorageNewer,
    StorageUnknown,
)
from jido_trio.storage import Check, Put, Record
from jido_trio.testing import check_storage
from tests.storage.postgres import program, serving

psycopg = pytest.importorskip("psycopg")
from jido_trio.storage.postgres import open_postgres  # noqa: E402  # only where psycopg is installed

pytestmark = pytest.mark.skipif(program("initdb") is None, reason="no PostgreSQL is installed here")


@pytest.fixture(scope="module")
def server():
    with tempfile.TemporaryDirectory(prefix="pg") as folder, serving(Path(folder) / "s") as running:
        yield running


def ask(server, query: str) -> None:
    with psycopg.connect(server.conninfo, autocommit=True) as db:
        db.execute(query)


def test_it_keeps_the_promises(server):
    check_storage(lambda name: open_postgres(server.conninfo, table=name), examples=4)


async def test_two_that_share_a_table_see_each_others_commits_and_never_overwrite(server):
    async with open_postgres(server.conninfo, table="two") as one, open_postgres(server.conninfo, table="two") as other:
        await one.commit([Put("a", b"1", expected=0)])
        assert await other.get("a") == Record("a", 1, b"1")
        with pytest.raises(Conflict) as refused:
            await other.commit([Put("b", b"1"), Put("a", b"2", expected=0)])
        assert (refused.value.key, refused.value.expected, refused.value.found) == ("a", 0, 1)
        assert await one.get("b") is None


async def test_of_many_who_expect_the_same_revision_one_wins(server):
    won = []

    async def try_it(storage, number):
        try:
            await storage.commit([Put("place", b"%d" % number, expected=0)])
        except Conflict:
            return
        won.append(number)

    async with open_postgres(server.conninfo, table="race") as one, open_postgres(server.conninfo, table="race") as two:
        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(try_it, (one, two)[number % 2], number)
        found = await one.get("place")
    assert found is not None
    assert [found.value] == [b"%d" % number for number in won]


async def test_a_record_that_is_not_there_can_be_checked(server):
    async with open_postgres(server.conninfo, table="absent") as storage:
        await storage.commit([Check("owner", 0), Put("a", b"1")])
        with pytest.raises(Conflict):
            await storage.commit([Check("owner", 1), Put("a", b"2")])


async def test_a_table_of_another_program_is_refused_and_left_alone(server):
    ask(server, "CREATE TABLE songs (name text)")
    with pytest.raises(StorageCorrupt, match="another program"):
        async with open_postgres(server.conninfo, table="songs"):
            pytest.fail("it is another's")


async def test_a_table_of_a_later_version_is_refused(server):
    async with open_postgres(server.conninfo, table="later"):
        pass
    ask(server, "COMMENT ON TABLE later IS 'jido_trio 2'")
    with pytest.raises(StorageNewer, match="format 2"):
        async with open_postgres(server.conninfo, table="later"):
            pytest.fail("it is newer")


async def test_a_damaged_record_is_an_error_and_never_a_missing_one(server):
    async with open_postgres(server.conninfo, table="damaged") as storage:
        await storage.commit([Put("a", b"1"), Put("b", b"1")])
        ask(server, "UPDATE damaged SET value = '2' WHERE key = 'a'")
        with pytest.raises(StorageCorrupt, match="'a' is not as it was written"):
            await storage.get("a")
        assert await storage.get("b") == Record("b", 1, b"1")


async def test_another_process_that_stays_in_a_commit_is_said(server):
    async with open_postgres(server.conninfo, table="held", lock_timeout=0.05) as storage:
        with psycopg.connect(server.conninfo) as other:
            other.execute("SELECT pg_advisory_xact_lock(hashtext('jido_trio'), hashtext('held'))")
            with pytest.raises(StorageLocked, match="more lock_timeout"):
                await storage.commit([Put("a", b"1")])
        await storage.commit([Put("a", b"1")])
        assert await storage.get("a") == Record("a", 1, b"1")


@pytest.mark.parametrize(
    ("conninfo", "options"),
    [
        (5, {}),
        ("", {"table": ""}),
        ("", {"table": None}),
        ("", {"table": "a\0b"}),
        ("", {"table": "x" * 57}),
        ("", {"lock_timeout": "5"}),
    ],
)
async def test_a_wrong_option_is_refused_before_a_server_is_asked(conninfo, options):
    with pytest.raises(InvalidDefinition, match=f"{next(iter(options), 'conninfo')}=.* of open_postgres must"):
        async with open_postgres(conninfo, **options):
            pytest.fail("the option is wrong")


async def test_a_name_of_a_table_may_be_as_long_as_can_be(server):
    async with open_postgres(server.conninfo, table="x" * 56) as storage:
        await storage.commit([Put("a", b"1")])
        assert await storage.get("a") == Record("a", 1, b"1")


async def test_a_server_that_is_not_there_is_said():
    with pytest.raises(StorageFailed, match="Nothing was changed"):
        async with open_postgres("host=/nowhere dbname=postgres"):
            pytest.fail("there is no server")


async def test_a_server_that_goes_away_and_comes_back_is_gone_on_with():
    with tempfile.TemporaryDirectory(prefix="pg") as folder, serving(Path(folder) / "s") as server:
        async with open_postgres(server.conninfo) as storage:
            await storage.commit([Put("a", b"1")])
            server.stop("immediate")
            with pytest.raises(StorageUnknown, match="may have been done"):
                await storage.commit([Put("a", b"2")])
            with pytest.raises(StorageFailed, match="Nothing was changed"):
                await storage.commit([Put("a", b"3")])
            server.start()
            assert await storage.get("a") == Record("a", 1, b"1")
            await storage.commit([Put("a", b"4")])
            assert await storage.get("a") == Record("a", 2, b"4")


async def test_a_connection_that_broke_in_the_middle_of_a_group_is_given_up_and_the_next_commit_has_a_new_one(server):
    async with open_postgres(server.conninfo, table="stuck") as storage:
        await storage.commit([Put("a", b"1")])
        stuck = storage._db.pgconn  # as a server leaves it that dies between a query and its answer
        stuck.enter_pipeline_mode()
        stuck.send_query_params(b"SELECT 1", [])
        with pytest.raises(StorageUnknown):
            await storage.commit([Put("a", b"2")])
        await storage.commit([Put("a", b"3")])
        assert await storage.get("a") == Record("a", 2, b"3")


async def test_a_job_that_raises_whatever_it_may_leaves_no_caller_waiting(server, monkeypatch):
    def broken(self, cursor):
        raise ZeroDivisionError

    async with open_postgres(server.conninfo, table="broken") as storage:
        with monkeypatch.context() as patched:
            patched.setattr(type(storage), "_answer", broken)
            with pytest.raises(StorageUnknown, match="ZeroDivisionError"):
                await storage.commit([Put("a", b"1")])
        await storage.commit([Put("a", b"2")])
        assert await storage.get("a") == Record("a", 2, b"2")
