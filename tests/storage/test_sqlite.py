"""An SQLite file: what is refused and left alone, what outlives a kill, what damage does, what goes together."""

import queue
import signal
import sqlite3
import subprocess
import sys
import threading
from typing import Any

import outcome
import pytest
import trio
import trio.testing

from jido_trio.errors import (
    Conflict,
    InvalidDefinition,
    StorageClosed,
    StorageCorrupt,
    StorageFailed,
    StorageLocked,
    StorageNewer,
    StorageUnknown,
)
from jido_trio.storage import Delete, Put, Record, SqliteStorage, open_sqlite
from jido_trio.storage._sqlite import _do_all
from jido_trio.storage._worker import Worker


@pytest.fixture
def path(tmp_path):
    return tmp_path / "shop.db"


async def filled(path, records: int = 200) -> None:
    async with open_sqlite(path) as storage:
        for number in range(0, records, 50):
            await storage.commit([Put(f"key/{number + n:04}", b"v" * 100) for n in range(50)])


async def test_a_file_that_is_no_database_is_refused_and_left_alone(path):
    path.write_text("my diary\n" * 1000)
    before = path.read_bytes()
    with pytest.raises(StorageCorrupt, match=r"shop\.db.*can't be used"):
        async with open_sqlite(path):
            pytest.fail("it is no database")
    assert path.read_bytes() == before


async def test_a_database_of_another_program_is_refused_and_left_alone(path):
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE songs (name TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StorageCorrupt, match="another program"):
        async with open_sqlite(path):
            pytest.fail("it is another's")
    assert path.read_bytes() == before


async def test_a_file_of_a_later_version_is_refused(path):
    await filled(path, 0)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 2")
    db.close()
    with pytest.raises(StorageNewer, match="format 2"):
        async with open_sqlite(path):
            pytest.fail("it is newer")


async def test_a_file_that_another_process_holds_is_said(path):
    await filled(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with open_sqlite(path, busy_timeout=0.01) as storage:
        with pytest.raises(StorageLocked, match="busy_timeout"):
            await storage.commit([Put("a", b"1")])
        other.execute("ROLLBACK")
        other.close()
        await storage.commit([Put("a", b"1")])
        assert await storage.get("a") == Record("a", 1, b"1")


async def test_a_full_disk_is_an_error_and_changes_nothing(path):
    async with open_sqlite(path) as storage:
        await storage.commit([Put("a", b"1")])
        (pages,) = await storage._ask(lambda db: db.execute("PRAGMA page_count").fetchone())
        await storage._ask(lambda db: db.execute(f"PRAGMA max_page_count = {pages}").fetchone())
        with pytest.raises(StorageFailed, match=r"full.*Nothing was changed. Make room"):
            await storage.commit([Put("a", b"2"), Put("b", b"x" * 100_000)])
        assert await storage.get("a") == Record("a", 1, b"1")
        await storage.commit([Put("a", b"3")])


async def test_after_a_failure_of_whatever_kind_what_was_begun_is_undone_and_the_next_is_done(path):
    def fail(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM records")
        raise OSError("the disk is gone")

    async with open_sqlite(path) as storage:
        await storage.commit([Put("a", b"1")])
        with pytest.raises(StorageFailed, match="the disk is gone"):
            await storage._ask(fail)
        await storage.commit([Put("b", b"2")])
        assert [record.key for record in await storage.scan("a", "c")] == ["a", "b"]


class Failing:
    """A connection that fails at one statement, once."""

    @classmethod
    def at(cls, storage: SqliteStorage, statement: str, code: int) -> None:
        """Have the connection of the storage fail."""
        connection: Any = cls(storage._connection, statement, code)
        storage._connection = connection

    def __init__(self, db: sqlite3.Connection, statement: str, code: int) -> None:
        self._db, self._statement, self._code = db, statement, code

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def execute(self, statement: str, *args: Any) -> sqlite3.Cursor:
        if statement == self._statement:
            self._statement = ""
            error = sqlite3.OperationalError("the disk is gone")
            error.sqlite_errorcode = self._code
            raise error
        return self._db.execute(statement, *args)


@pytest.mark.parametrize(
    ("statement", "code", "told"),
    [
        ("BEGIN IMMEDIATE", sqlite3.SQLITE_IOERR, StorageFailed),
        ("SAVEPOINT job", sqlite3.SQLITE_IOERR, StorageFailed),
        ("COMMIT", sqlite3.SQLITE_FULL, StorageFailed),
        ("COMMIT", sqlite3.SQLITE_BUSY, StorageLocked),
        ("COMMIT", sqlite3.SQLITE_IOERR, StorageUnknown),
    ],
)
async def test_wherever_a_transaction_fails_its_callers_are_told_and_the_next_one_is_done(path, statement, code, told):
    async with open_sqlite(path) as storage:
        await storage.commit([Put("a", b"1")])
        Failing.at(storage, statement, code)
        with pytest.raises(told) as failed:
            await storage.commit([Put("a", b"2")])
        assert type(failed.value) is told
        await storage.commit([Put("b", b"3")])
        assert [record.value for record in await storage.scan("a", "c")] == [b"1", b"3"]


async def test_a_roll_back_that_fails_is_made_up_for_by_the_next_one(path):
    def fail(db: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("the disk is gone")

    async with open_sqlite(path) as storage:
        Failing.at(storage, "ROLLBACK", sqlite3.SQLITE_IOERR)
        for _ in range(2):  # the second finds the transaction of the first, and ends it
            with pytest.raises(StorageFailed):
                await storage._ask(fail)
        await storage.commit([Put("a", b"1")])
        assert await storage.get("a") == Record("a", 1, b"1")


async def test_what_one_job_raises_is_no_business_of_the_others(path):
    async with open_sqlite(path) as storage:
        blocked, go_on = threading.Event(), threading.Event()

        def block(_: object) -> None:
            blocked.set()
            assert go_on.wait(20)

        def put_and_fail(db: Any) -> None:
            _do_all(db, [Put("b", b"1")])
            raise ValueError("a bug")

        async def fail() -> None:
            with pytest.raises(StorageFailed, match="a bug"):
                await storage._ask(put_and_fail)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(storage._ask, block)
            await trio.to_thread.run_sync(blocked.wait)
            nursery.start_soon(storage.commit, [Put("a", b"1")])
            nursery.start_soon(fail)
            nursery.start_soon(storage.commit, (Put("c", b"1"), Delete("c")))
            await trio.testing.wait_all_tasks_blocked()
            go_on.set()
        assert [record.key for record in await storage.scan("a", "d")] == ["a"]


async def test_whatever_the_thread_raises_its_callers_are_told_and_it_goes_on():
    class Odd(BaseException):
        pass

    def do(group: Any) -> Any:
        if any(job.work is None for job in group):
            raise Odd
        return [(job, outcome.Value(job.work)) for job in group]

    worker = Worker()
    thread = threading.Thread(target=worker.serve, args=(do,))
    thread.start()
    asked: Any = None
    with pytest.raises(Odd):
        await worker.ask(asked)
    asked = 7
    assert await worker.ask(asked) == 7
    worker.close()
    await trio.to_thread.run_sync(thread.join)


async def test_a_damaged_record_is_an_error_and_never_a_missing_one(path):
    await filled(path)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE records SET value = ? WHERE key = 'key/0007'", (b"w" * 100,))
    db.close()
    async with open_sqlite(path) as storage:
        with pytest.raises(StorageCorrupt, match="'key/0007' is not as it was written"):
            await storage.get("key/0007")
        assert await storage.get("key/0008") is not None
    with pytest.raises(StorageCorrupt, match="'key/0007'"):
        async with open_sqlite(path, verify="full"):
            pytest.fail("it is damaged")


@pytest.mark.parametrize(
    "damage",
    ["UPDATE records SET revision = 5 WHERE key = 'a'", "UPDATE records SET key = 'b' WHERE key = 'a'"],
    ids=["its revision", "its key"],
)
async def test_a_record_is_damaged_too_if_only_what_it_is_called_by_has_changed(path, damage):
    async with open_sqlite(path) as storage:
        await storage.commit([Put("a", b"1")])
    with sqlite3.connect(path) as db:
        db.execute(damage)
    db.close()
    async with open_sqlite(path) as storage:
        with pytest.raises(StorageCorrupt, match="is not as it was written"):
            await storage.scan("a", "c")


async def test_damage_of_the_structure_is_found_when_the_file_is_opened(path):
    await filled(path)
    content = bytearray(path.read_bytes())
    content[36:40] = b"\0\0\0\5"  # so many pages are free, says the header
    path.write_bytes(content)
    with pytest.raises(StorageCorrupt, match=r"[Ff]reelist"):
        async with open_sqlite(path):
            pytest.fail("it is damaged")
    async with open_sqlite(path, verify="none") as storage:
        assert await storage.get("key/0008") is not None


@pytest.mark.parametrize("how", ["cut", "zeroed", "random"])
async def test_damage_at_any_page_is_refused_or_harmless_and_never_wrong(path, how):
    await filled(path, 400)
    whole = path.read_bytes()
    wanted = {f"key/{number:04}": b"v" * 100 for number in range(400)}
    pages = len(whole) // 4096
    noise = bytes(n * 37 % 256 for n in range(4096))
    for page in range(pages):
        begin = page * 4096
        changed = {"cut": b"", "zeroed": bytes(4096) + whole[begin + 4096 :], "random": noise + whole[begin + 4096 :]}
        path.write_bytes(whole[:begin] + changed[how])
        if not path.stat().st_size:
            continue  # an empty file is a new storage, as a file that isn't there is
        try:
            async with open_sqlite(path, verify="full") as storage:
                found = {record.key: record.value for record in await storage.scan("key/", "key0")}
        except (StorageCorrupt, StorageFailed):
            continue
        assert found == wanted


KILLED = """
import sys, trio
from jido_trio.storage import Put, open_sqlite

async def main():
    async with open_sqlite(sys.argv[1]) as storage:
        number = 0
        while True:
            number += 1
            await storage.commit([Put(f"left/{number}", b"x"), Put(f"right/{number}", b"x")])
            print(number, flush=True)

trio.run(main)
"""


def kill_a_writer(path) -> int:
    """Kill a process that commits, and return the last commit that it told of."""
    killed = subprocess.Popen([sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    told = [int(killed.stdout.readline()) for _ in range(7)]
    killed.send_signal(signal.SIGKILL)
    return max([*told, *map(int, killed.communicate()[0].split())])


async def test_what_was_committed_outlives_kill_9_and_no_half_is_left(path):
    for _ in range(5):
        told = await trio.to_thread.run_sync(kill_a_writer, path)
        async with open_sqlite(path) as storage:
            left = {record.key.partition("/")[2] for record in await storage.scan("left/", "left0")}
            right = {record.key.partition("/")[2] for record in await storage.scan("right/", "right0")}
        assert left == right
        assert {str(number) for number in range(1, told + 1)} <= left


async def test_what_comes_together_is_committed_together(path):
    async with open_sqlite(path) as storage:
        commits = 0

        def count(statement: str) -> None:
            nonlocal commits
            commits += statement == "COMMIT"

        await storage._ask(lambda db: db.set_trace_callback(count))
        async with trio.open_nursery() as nursery:
            for number in range(200):
                nursery.start_soon(storage.commit, [Put(f"key/{number}", b"")])
        assert commits < 100
        assert len(await storage.scan("key/", "key0")) == 200


async def test_one_that_is_refused_leaves_those_that_were_committed_with_it(path):
    async with open_sqlite(path) as storage:
        refused = 0

        async def put(number: int) -> None:
            nonlocal refused
            try:
                await storage.commit([Put(f"key/{number}", b""), Put("one", b"", expected=0)])
            except Exception:
                refused += 1

        async with trio.open_nursery() as nursery:
            for number in range(50):
                nursery.start_soon(put, number)
        assert refused == 49
        assert len(await storage.scan("key/", "key0")) == 1


async def test_a_job_that_waits_can_be_cancelled(path):
    blocked, go_on = threading.Event(), threading.Event()

    def block(_):
        blocked.set()
        assert go_on.wait(20)

    async with open_sqlite(path) as storage, trio.open_nursery() as nursery:
        nursery.start_soon(storage._ask, block)
        await trio.to_thread.run_sync(blocked.wait)
        with trio.move_on_after(0) as scope:
            await storage.commit([Put("a", b"1")])
        assert scope.cancelled_caught
        go_on.set()
        assert await storage.get("a") is None


async def test_what_was_begun_when_it_is_closed_is_done(path):
    blocked, go_on = threading.Event(), threading.Event()

    def block(_):
        blocked.set()
        assert go_on.wait(20)

    async with open_sqlite(path) as storage, trio.open_nursery() as nursery:
        nursery.start_soon(storage._ask, block)
        await trio.to_thread.run_sync(blocked.wait)
        nursery.start_soon(storage.commit, [Put("a", b"1")])
        await trio.testing.wait_all_tasks_blocked()
        storage.close()
        go_on.set()
    async with open_sqlite(path) as storage:
        assert await storage.get("a") == Record("a", 1, b"1")


@pytest.mark.parametrize(("power_safe", "waits"), [(False, "NORMAL"), (True, "FULL")])
async def test_readers_never_wait_and_a_commit_waits_for_the_disk_if_told_to(path, power_safe, waits):
    def modes(db: sqlite3.Connection) -> list[object]:
        return [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]

    async with open_sqlite(path, power_safe=power_safe) as storage:
        assert await storage._ask(modes) == ["wal", {"NORMAL": 1, "FULL": 2}[waits]]


async def test_after_its_block_it_says_that_it_is_closed(path):
    async with open_sqlite(path) as storage:
        pass
    with pytest.raises(StorageClosed, match=r"shop\.db.*closed"):
        await storage.get("a")


async def test_no_thread_and_no_file_stay_open_after_the_block(path):
    async with open_sqlite(path):
        pass
    assert not [thread for thread in threading.enumerate() if "shop.db" in thread.name]
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("options", [{"verify": "quik"}, {"busy_timeout": -1}, {"power_safe": "no"}])
async def test_a_wrong_option_is_refused_before_a_file_is_made(path, options):
    with pytest.raises(InvalidDefinition, match=next(iter(options))):
        async with open_sqlite(path, **options):
            pytest.fail("the option is wrong")
    assert not path.exists()


class Interrupted(queue.SimpleQueue[Any]):
    """A queue at which somebody presses Control-C, right after something was put into it."""

    def put(self, item, block=True, timeout=None) -> None:
        super().put(item)
        if item is not None:
            signal.raise_signal(signal.SIGINT)


def test_control_c_between_asking_and_waiting_is_control_c_and_no_more():
    async def main() -> None:
        worker = Worker(Interrupted())
        thread = threading.Thread(target=worker.serve, args=(lambda group: [(job, outcome.Value(1)) for job in group],))
        thread.start()
        try:
            await worker.ask(lambda _: 1)
        finally:
            worker.close()
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(thread.join)
                await trio.testing.wait_all_tasks_blocked(0.01)

    with pytest.raises(KeyboardInterrupt):
        trio.run(main)


async def test_of_several_records_that_must_be_new_the_first_that_is_there_is_named_and_none_is_written(tmp_path):
    async with open_sqlite(tmp_path / "a.db") as storage:
        await storage.commit([Put("c", b"1"), Put("c", b"2"), Put("d", b"1")])
        with pytest.raises(Conflict) as refused:
            await storage.commit([Put(key, b"new", expected=0) for key in "abcde"])
        assert (refused.value.key, refused.value.expected, refused.value.found) == ("c", 0, 2)
        assert [record.key for record in await storage.scan("a", "z")] == ["c", "d"]


async def test_a_record_that_must_be_new_twice_in_a_commit_is_a_conflict(tmp_path):
    async with open_sqlite(tmp_path / "a.db") as storage:
        with pytest.raises(Conflict) as refused:
            await storage.commit([Put("a", b"1", expected=0), Put("b", b"1", expected=0), Put("a", b"2", expected=0)])
        assert (refused.value.key, refused.value.found) == ("a", 1)
        assert await storage.scan("a", "z") == []


async def test_a_lock_may_be_waited_for_as_long_as_there_is_time(path):
    async with open_sqlite(path, busy_timeout=1e300) as storage:
        assert await storage._ask(lambda db: db.execute("PRAGMA busy_timeout").fetchone()) == (1_000_000_000,)
