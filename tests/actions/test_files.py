"""Files below one folder: what is read and written, and every way out of it that was tried."""

import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jido_trio import InvalidDefinition, Permanent
from jido_trio.actions.outside import CopyFile, DeleteFile, Files, ListFolder, MakeFolder, MoveFile, ReadFile, WriteFile
from jido_trio.core import Action
from jido_trio.errors import ActionError
from jido_trio.runtime import run


@pytest.fixture
def folder(tmp_path):
    """A folder with a file beside it that nobody may read."""
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "outside").mkdir()
    root = tmp_path / "root"
    (root / "notes").mkdir(parents=True)
    (root / "notes" / "a.txt").write_text("hello")
    return root


async def do(action: Action, folder: Path, **bounds: Any) -> Any:
    return await run(action, resources={Files: Files(folder, **bounds)})


async def no(action: Action, folder: Path, **bounds: Any) -> str:
    with pytest.raises(Permanent) as refused:
        await do(action, folder, **bounds)
    return str(refused.value)


async def test_files_are_written_read_copied_moved_listed_and_deleted(folder):
    assert await do(WriteFile(path="b.txt", text="grüß"), folder) == {"path": "b.txt", "bytes": 6}
    assert (await do(ReadFile(path="./b.txt"), folder))["text"] == "grüß"
    await do(WriteFile(path="b.txt", text="!", mode="append"), folder)
    await do(MakeFolder(path="x/y"), folder)
    await do(MakeFolder(path="x/y"), folder)
    await do(CopyFile(path="b.txt", to="x/y/c.txt"), folder)
    await do(MoveFile(path="b.txt", to="x/d.txt"), folder)
    assert (folder / "x/y/c.txt").read_text() == (folder / "x/d.txt").read_text() == "grüß!"
    assert (await do(ListFolder(path="x"), folder))["entries"] == [
        {"name": "d.txt", "kind": "file", "size": 7},
        {"name": "y", "kind": "folder", "size": (folder / "x/y").stat().st_size},
    ]
    await do(DeleteFile(path="x/d.txt"), folder)
    assert [entry["name"] for entry in (await do(ListFolder(), folder))["entries"]] == ["notes", "x"]


async def test_a_file_that_is_there_is_not_created_and_one_that_is_not_is_not_read(folder):
    assert "File exists" in await no(WriteFile(path="notes/a.txt", text="", mode="create"), folder)
    assert (folder / "notes/a.txt").read_text() == "hello"
    assert "No such file" in await no(ReadFile(path="notes/b.txt"), folder)
    await do(WriteFile(path="notes/b.txt", text="new", mode="create"), folder)
    assert (folder / "notes/b.txt").read_text() == "new"


PATHS = [
    "../secret.txt",
    "notes/../../secret.txt",
    "/etc/passwd",
    "//etc/passwd",
    "notes/..",
    "..",
    "a\0b",
    "",
    ".",
    "a" * 4097,
]


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
async def test_a_path_that_may_lead_out_is_refused(folder, path):
    with pytest.raises(ActionError):
        await do(ReadFile(path=path), folder)
    for make in (
        lambda: WriteFile(path=path, text="x"),
        lambda: DeleteFile(path=path),
        lambda: CopyFile(path="notes/a.txt", to=path),
        lambda: MoveFile(path="notes/a.txt", to=path),
        lambda: MoveFile(path=path, to="notes/b.txt"),
    ):
        with pytest.raises(ActionError):
            await do(make(), folder)
    assert (folder.parent / "secret.txt").read_text() == "secret"
    assert (folder / "notes/a.txt").read_text() == "hello"


async def test_no_link_is_followed_wherever_it_is(folder):
    (folder / "file").symlink_to(folder.parent / "secret.txt")
    (folder / "out").symlink_to(folder.parent)
    (folder / "within").symlink_to(folder / "notes")
    (folder / "dangling").symlink_to(folder.parent / "new.txt")
    for action in (
        ReadFile(path="file"),
        ReadFile(path="out/secret.txt"),
        ReadFile(path="within/a.txt"),
        WriteFile(path="out/new.txt", text=""),
        WriteFile(path="dangling", text="", mode="create"),
        WriteFile(path="dangling", text="", mode="append"),
        WriteFile(path="file", text=""),
        ListFolder(path="out"),
        MakeFolder(path="out/new"),
        CopyFile(path="file", to="copied"),
        MoveFile(path="out/secret.txt", to="moved"),
        MoveFile(path="file", to="moved"),
    ):
        await no(action, folder)
    assert sorted(path.name for path in folder.parent.iterdir()) == ["outside", "root", "secret.txt"]
    assert (folder.parent / "secret.txt").read_text() == "secret"
    await do(DeleteFile(path="file"), folder)  # the link itself
    assert (folder.parent / "secret.txt").exists()


async def test_a_link_that_is_put_into_the_way_meanwhile_leads_nowhere(folder):
    inside, aside = folder / "swap", folder / "aside"
    inside.mkdir()
    (inside / "secret.txt").write_text("harmless")
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            inside.rename(aside)
            inside.symlink_to(folder.parent)
            inside.unlink()
            aside.rename(inside)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(150):
            try:
                assert (await do(ReadFile(path="swap/secret.txt"), folder))["text"] == "harmless"
                await do(WriteFile(path="swap/new.txt", text="x"), folder)
            except Permanent:
                pass
    finally:
        over.set()
        thread.join()
    assert not (folder.parent / "new.txt").exists()


async def test_what_waits_for_somebody_is_no_file(folder):
    os.mkfifo(folder / "pipe")
    assert "is no file" in await no(ReadFile(path="pipe"), folder)
    await no(WriteFile(path="pipe", text="x"), folder)
    await no(WriteFile(path="pipe", text="x", mode="append"), folder)
    await no(ReadFile(path="notes"), folder)
    await no(WriteFile(path="notes", text=""), folder)
    await no(DeleteFile(path="notes"), folder)


async def test_no_more_is_read_written_or_listed_than_allowed(folder):
    assert "more than 4 bytes" in await no(ReadFile(path="notes/a.txt"), folder, max_bytes=4)
    await no(WriteFile(path="b", text="12345"), folder, max_bytes=4)
    await do(WriteFile(path="b", text="1234"), folder, max_bytes=4)
    await no(WriteFile(path="b", text="5", mode="append"), folder, max_bytes=4)
    assert "more than 1 entries" in await no(ListFolder(), folder, max_entries=1)


async def test_what_is_read_only_is_not_written(folder):
    for action in (
        WriteFile(path="b", text=""),
        DeleteFile(path="notes/a.txt"),
        MakeFolder(path="b"),
        CopyFile(path="notes/a.txt", to="b"),
        MoveFile(path="notes/a.txt", to="b"),
    ):
        assert "read-only" in await no(action, folder, read_only=True)
    assert await do(ReadFile(path="notes/a.txt"), folder, read_only=True)


async def test_nothing_is_allowed_without_a_folder():
    with pytest.raises(Permanent, match=r"give the instance resources=\{Files: Files"):
        await run(ReadFile(path="a"))


async def test_text_that_is_none_is_a_failure(folder):
    (folder / "bytes").write_bytes(b"\xff")
    assert "no such text" in await no(ReadFile(path="bytes"), folder)
    assert (await do(ReadFile(path="bytes", encoding="latin-1"), folder))["text"] == "ÿ"


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InvalidDefinition, match="is no folder"):
        Files(tmp_path / "none")


def test_readers_see_the_old_text_or_the_new_one(folder, monkeypatch):
    import trio

    monkeypatch.setattr(os, "replace", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left")))

    async def main() -> None:
        assert "No space left" in await no(WriteFile(path="notes/a.txt", text="new"), folder)

    trio.run(main)
    assert [path.name for path in (folder / "notes").iterdir()] == ["a.txt"]
    assert (folder / "notes/a.txt").read_text() == "hello"


NAMES = st.sampled_from(["..", ".", "", "notes", "a.txt", "out", "file", "secret.txt", "\0", "/", "~", "\udcff", "new"])


@given(
    st.lists(NAMES, max_size=6).map("/".join),
    st.sampled_from(["read", "write", "append", "copy", "move", "make", "delete"]),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_path_nothing_outside_is_read_or_changed(tmp_path_factory, path, how):
    import trio

    base = tmp_path_factory.mktemp("fuzz")
    (base / "secret.txt").write_text("secret")
    root = base / "root"
    (root / "notes").mkdir(parents=True)
    (root / "notes" / "a.txt").write_text("hello")
    (root / "out").symlink_to(base)
    (root / "file").symlink_to(base / "secret.txt")
    action: Any = {
        "read": lambda: ReadFile(path=path),
        "write": lambda: WriteFile(path=path, text="x"),
        "append": lambda: WriteFile(path=path, text="x", mode="append"),
        "copy": lambda: CopyFile(path=path, to="copied"),
        "move": lambda: MoveFile(path="notes/a.txt", to=path),
        "make": lambda: MakeFolder(path=path),
        "delete": lambda: DeleteFile(path=path),
    }[how]

    async def main() -> Any:
        try:
            return await do(action(), root)
        except ActionError:
            return None

    found = trio.run(main)
    assert "secret" not in str(found and found.get("text"))
    assert not (root / "copied").exists() or (root / "copied").read_text() != "secret"
    assert (base / "secret.txt").read_text() == "secret"
    assert sorted(each.name for each in base.iterdir()) == ["root", "secret.txt"]
