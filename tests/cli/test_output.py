"""`main()` called by a program: what it prints goes wherever the program has put its output."""

import contextlib
import io

import pytest
import trio

from jido_trio import Jido
from jido_trio.cli import main
from jido_trio.storage import open_sqlite
from tests.runtime.durable import Order


@pytest.mark.parametrize("stream", [io.StringIO, lambda: io.TextIOWrapper(io.BytesIO(), "ascii")])
def test_what_is_printed_goes_into_what_stands_for_the_output(stream):
    out = stream()
    with contextlib.redirect_stdout(out):
        assert main(["--version"]) == 0
    out.seek(0)
    assert out.read().startswith("jido-trio ")


class Full(io.StringIO):
    def write(self, text: str, /) -> int:
        raise OSError(28, "No space left on device")


def test_what_stands_for_the_output_and_takes_no_more_is_told(capsys, tmp_path):
    with contextlib.redirect_stdout(Full()):
        assert main(["journal", "list", made(tmp_path)]) == 1
    assert "can't write the output: No space left on device" in capsys.readouterr().err


def made(folder) -> str:
    """Make a storage with an agent."""

    async def program() -> None:
        async with Jido(storage=open_sqlite(folder / "shop.db")) as jido:
            await jido.start_agent(Order, id="o-1")

    trio.run(program)
    return str(folder / "shop.db")
