"""The path of an SQLite file: what is none, and what is said where it can't be opened."""

import os
import tempfile
from pathlib import Path

import pytest

from jido_trio.errors import InvalidDefinition, StorageFailed
from jido_trio.storage import Put, Record, open_sqlite


@pytest.fixture
def ours():
    """A folder of a user who may not do everything; until the test is over, that is who runs it."""
    user = os.geteuid() or 65534
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, user, -1)
        me = os.geteuid()
        os.seteuid(user)
        try:
            yield Path(folder)
        finally:
            Path(folder).chmod(0o700)
            os.seteuid(me)


@pytest.mark.parametrize("path", ["", ":memory:", "a\0b", "\ud800", b"shop.db", None, 5], ids=ascii)
async def test_what_is_no_path_of_a_file_is_refused(path):
    with pytest.raises(InvalidDefinition, match="path="):
        async with open_sqlite(path):
            pass


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("none/shop.db", r"Make the folder '.*none' first"),
        ("folder", r"It is a folder: give the path of a file, as '.*folder/jido\.db'"),
        ("file/shop.db", r"'.*file' is no folder"),
        ("file/none/shop.db", r"Make the folder '.*file/none' first"),
        ("x" * 300, "Give a shorter path"),
        ("loop/shop.db", "Look at the path"),
        ("loop", "Look at the path"),
        ("link", r"Make the folder '.*gone' first"),
    ],
    ids=[
        "no folder",
        "a folder",
        "below a file",
        "far below a file",
        "long",
        "below a loop",
        "a loop",
        "a link to nowhere",
    ],
)
async def test_what_is_in_the_way_of_a_file_is_said_and_what_to_do(tmp_path, name, told):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "link").symlink_to("gone/shop.db")
    with pytest.raises(StorageFailed, match=rf"unable to open.*Nothing was changed\. .*{told}"):
        async with open_sqlite(tmp_path / name):
            pytest.fail("it can't be opened")


@pytest.mark.parametrize("mode", [0o000, 0o200])
async def test_a_file_that_may_not_be_read_and_written_is_said_with_who_may_not(ours, mode):
    async with open_sqlite(ours / "shop.db"):
        pass
    (ours / "shop.db").chmod(mode)
    with pytest.raises(
        StorageFailed, match=rf"Let the user of this process \({os.geteuid()}\) read and write the file"
    ):
        async with open_sqlite(ours / "shop.db"):
            pytest.fail("it may not be opened")


async def test_a_file_that_may_only_be_read_is_read_and_a_commit_is_refused_with_who_may_not(ours):
    async with open_sqlite(ours / "shop.db") as storage:
        await storage.commit([Put("a", b"1")])
    (ours / "shop.db").chmod(0o400)
    async with open_sqlite(ours / "shop.db") as storage:
        assert await storage.get("a") == Record("a", 1, b"1")
        with pytest.raises(StorageFailed, match="read and write the file"):
            await storage.commit([Put("a", b"2")])


@pytest.mark.parametrize("name", ["new.db", "shop.db"])
async def test_a_folder_that_may_not_be_written_to_is_said(ours, name):
    async with open_sqlite(ours / "shop.db"):
        pass
    ours.chmod(0o500)
    with pytest.raises(StorageFailed, match=rf"write to the folder '{ours}', where more files are kept"):
        async with open_sqlite(ours / name):
            pytest.fail("it may not be opened")


async def test_a_folder_that_may_not_be_entered_is_said(ours):
    (ours / "secret").mkdir()
    (ours / "secret").chmod(0)
    with pytest.raises(StorageFailed, match="enter the folders of that path"):
        async with open_sqlite(ours / "secret" / "shop.db"):
            pytest.fail("it may not be opened")
