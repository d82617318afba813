"""The socket at which an instance shows itself: who gets an answer, and who gets none of it in the way."""

import json
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from jido_trio.errors import InvalidDefinition
from jido_trio.runtime import Jido
from tests.runtime.agents import Notebook


@pytest.fixture
def path() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield str(Path(folder, "it.sock"))


def is_socket(path: str) -> bool:
    return Path(path).is_socket()


def write(path: str) -> None:
    Path(path).write_text("mine")


def read(path: str) -> str:
    return Path(path).read_text()


def take_place(path: str) -> None:
    Path(path).unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(path)


async def asked(path: str, line: bytes) -> Any:
    async with await trio.open_unix_socket(path) as stream:
        await stream.send_all(line)
        answer = b"".join([piece async for piece in stream])
    return json.loads(answer) if answer else None


async def test_nobody_but_the_user_of_the_process_may_connect(path):
    async with Jido("it", inspect=path):
        assert stat.S_IMODE((await trio.Path(path).stat()).st_mode) == 0o600


async def test_an_agent_is_shown_with_its_state_and_all_of_them_without(path):
    async with Jido("it", inspect=path) as jido:
        await jido.start_agent(Notebook, id="a", state={"seen": ["one"]})
        one = await asked(path, b'{"agent": "a"}\n')
        every = await asked(path, b"{}\n")

    assert one["agent"]["state"] == {"seen": ["one"]}
    assert [(agent["id"], agent["state"]) for agent in every["agents"]] == [("a", None)]


@pytest.mark.parametrize(
    "line",
    [b"\n", b"nonsense\n", b"[]\n", b'{"agent": 5}\n', b'{"limit": "all"}\n', b'{"limit": -1}\n', b"[" * 9000 + b"\n"],
    ids=lambda line: line[:20],
)
async def test_who_asks_nonsense_is_told_what_to_ask(path, line):
    async with Jido("it", inspect=path):
        answer = await asked(path, line)
        assert "expected" in answer["error"]
        assert (await asked(path, b"{}\n"))["instance"]["name"] == "it"


async def test_who_asks_without_end_or_leaves_is_hung_up_on(path):
    async with Jido("it", inspect=path):
        for _ in range(20):
            (await trio.open_unix_socket(path)).socket.close()
        async with await trio.open_unix_socket(path) as stream:
            with pytest.raises(trio.BrokenResourceError):  # noqa: PT012  # the one or the other meets it
                while True:
                    await stream.send_all(b"x" * 100_000)
                    assert await stream.receive_some() == b""
        assert (await asked(path, b"{}\n"))["instance"]["name"] == "it"


async def test_who_asks_nothing_is_hung_up_on_after_a_while_and_keeps_nobody_waiting(path, mock_clock):
    async with Jido("it", inspect=path):
        silent = [await trio.open_unix_socket(path) for _ in range(12)]
        await trio.testing.wait_all_tasks_blocked(0.01)
        mock_clock.jump(6)
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert (await asked(path, b"{}\n"))["instance"]["name"] == "it"
        mock_clock.jump(6)
        for stream in silent:
            assert await stream.receive_some() == b""
            await stream.aclose()


async def test_the_socket_is_gone_when_the_instance_was_left_however(path):
    with pytest.raises(LookupError):  # noqa: PT012  # left by it
        async with Jido("it", inspect=path):
            assert is_socket(path)
            raise LookupError
    assert not is_socket(path)

    with trio.CancelScope() as scope:
        async with Jido("it", inspect=Path(path)):
            scope.cancel()
    assert not is_socket(path)


async def test_a_path_at_which_another_listens_is_refused_and_left_alone(path):
    async with Jido("one", inspect=path):
        with pytest.raises(InvalidDefinition, match="another program listens there"):
            async with Jido("two", inspect=path):
                pass
        assert (await asked(path, b"{}\n"))["instance"]["name"] == "one"


async def test_what_is_no_socket_is_left_alone(path):
    write(path)
    with pytest.raises(InvalidDefinition, match="there is a file or a folder, and no socket") as refusal:
        async with Jido("it", inspect=path):
            pass
    assert (refusal.value.field, read(path)) == ("inspect", "mine")


async def test_a_socket_in_the_place_of_ours_is_left_alone(path):
    async with Jido("it", inspect=path):
        take_place(path)
    assert is_socket(path)


async def test_a_folder_that_is_not_there_is_told(path):
    with pytest.raises(InvalidDefinition, match="can't be opened: No such file or directory"):
        async with Jido("it", inspect=f"{path}/deeper"):
            pass


@pytest.mark.parametrize("wrong", [5, "", "a\0b", b"bytes", "x" * 200], ids=repr)
def test_what_is_no_path_is_refused_when_the_instance_is_made(wrong):
    with pytest.raises(InvalidDefinition, match="inspect="):
        Jido("it", inspect=wrong)
