"""What commands say where a class of a journal isn't there: the option that names its module, or what else to do."""

import shutil
import subprocess
import sys

import pytest
import trio

from jido_trio.cli import main
from jido_trio.storage import Put, open_sqlite

SHOP = """
from attrs import frozen
from jido_trio import Action, Agent, Context, Result


@frozen
class Item:
    name: str


@frozen
class State:
    items: tuple[Item, ...] = ()


class Add(Action, name="add"):
    what: str

    def run(self, context: Context[State]) -> Result:
        return {"items": (*context.state.items, Item(self.what))}


class Order(Agent[State], name="order", routes={"add": Add}, durable=True):
    pass
"""
ORDERED = """
import sys, trio
from jido_trio import Jido, Signal
from jido_trio.storage import open_sqlite
from shop_of_imports import Order

async def program():
    async with Jido("shop", storage=open_sqlite(sys.argv[1])) as jido:
        order = await jido.start_agent(Order, id="o-1")
        for name in "abc":
            await order.call(Signal("add", {"what": name}))

trio.run(program)
"""
FOLDING = [
    ["journal", "replay", "shop.db", "o-1"],
    ["journal", "diff", "shop.db", "o-1", "1", "2"],
    ["journal", "whatif", "shop.db", "o-1", "--without", "1"],
    ["journal", "compact", "shop.db", "o-1", "--keep", "1"],
    ["replay", "shop.db", "o-1"],
]
"""Commands that need the class."""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a module and the journal of an agent of a class in it, made by another process."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "shop_of_imports.py").write_text(SHOP)
    (folder / "ordered.py").write_text(ORDERED)
    subprocess.run([sys.executable, "ordered.py", "shop.db"], cwd=folder, check=True)
    return folder


@pytest.fixture
def shop(made, tmp_path, monkeypatch):
    """The same for one test; this process knows nothing of the module."""
    for name in ("shop_of_imports.py", "shop.db"):
        shutil.copy(made / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    sys.modules.pop("shop_of_imports", None)


async def run(*args: str) -> int:
    """Run a command as a process would: outside of this run of Trio."""
    return await trio.to_thread.run_sync(main, args)


@pytest.mark.parametrize("command", FOLDING, ids=" ".join)
async def test_a_command_that_needs_a_class_names_the_option_that_gives_it(shop, capsys, command):
    assert await run(*command) == 2
    told = capsys.readouterr().err
    assert "needs the class 'shop_of_imports:Order': give --import shop_of_imports, in the folder" in told


@pytest.mark.parametrize("command", FOLDING[:-1], ids=" ".join)
async def test_what_the_option_names_is_found_in_the_folder_of_the_command(shop, command):
    assert await run(*command, "--import", "shop_of_imports") == 0


async def test_a_conversation_is_looked_for_in_the_folder_of_the_command_too(shop, capsys):
    assert await run("replay", "shop.db", "o-1", "--import", "shop_of_imports") == 2
    assert "is of Order, which speaks with no models" in capsys.readouterr().err


async def test_verify_goes_on_and_names_the_option_of_each(shop, capsys):
    assert await run("journal", "verify", "shop.db") == 1
    assert "give --import shop_of_imports" in capsys.readouterr().out


async def test_what_is_to_be_changed_is_imported_before_the_journal_is_read(shop, capsys):
    assert await run("journal", "whatif", "shop.db", "o-1", "--with", "shop_of_imports:Order") == 0
    assert capsys.readouterr().out == "no difference in 3 inputs\n"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--with", "shop_of_imports"], "--with: 'shop_of_imports' names no class: write module:Class"),
        (["--with", "nowhere:Order"], "--with: module 'nowhere' can't be imported"),
        (["--action", "add"], "--action: 'add' names no change: write PATTERN=module:Action"),
        (["--action", "add=shop_of_imports:Order"], "--action: there is no class of Action at"),
    ],
)
async def test_a_change_that_is_none_is_said_with_its_option(shop, capsys, options, told):
    assert await run("journal", "whatif", "shop.db", "o-1", "--import", "shop_of_imports", *options) == 2
    assert told in capsys.readouterr().err


async def test_a_class_that_is_gone_from_its_module_is_said(shop, capsys):
    (shop / "shop_of_imports.py").write_text(SHOP.replace("class Order", "class Basket"))
    assert await run("journal", "replay", "shop.db", "o-1", "--import", "shop_of_imports") == 1
    told = capsys.readouterr().err
    assert (
        "needs the class 'shop_of_imports:Order', and module 'shop_of_imports' has no Order; if it was renamed" in told
    )


async def test_a_class_of_a_program_without_a_name_can_not_be_given(shop, capsys):
    async with open_sqlite("shop.db") as storage:
        for record in await storage.scan("shop/", "shop0"):
            await storage.commit([Put(record.key, record.value.replace(b"shop_of_imports:", b"__main__:"))])
    assert await run("journal", "replay", "shop.db", "o-1") == 1
    told = capsys.readouterr().err
    assert "needs the class '__main__:Order', of a program that had no name" in told
    assert "--import" not in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "call the command in the folder that has it, or install it"),
        ("raise SystemExit(3)", "can't be imported: SystemExit: 3"),
        ("import no_such_module_of_others", "No module named 'no_such_module_of_others'\n"),
    ],
)
async def test_a_module_that_can_not_be_imported_is_said_with_the_option_and_why(shop, capsys, text, told):
    if text is not None:
        (shop / "torn_of_imports.py").write_text(text)
    assert await run("journal", "replay", "shop.db", "o-1", "--import", "torn_of_imports") == 2
    err = capsys.readouterr().err
    assert "--import: module 'torn_of_imports' can't be imported" in err
    assert told in err


@pytest.mark.parametrize("numbers", [["replay", "--upto", "9"], ["replay", "--upto", "-1"], ["diff", "1", "9"]])
async def test_a_number_beyond_the_journal_is_said_before_anything_is_folded(shop, capsys, monkeypatch, numbers):
    def fold(*_: object) -> object:
        raise AssertionError("it was folded")

    monkeypatch.setattr("jido_trio.cli._journal.replay", fold)
    what, *rest = numbers
    assert await run("journal", what, "shop.db", "o-1", "--import", "shop_of_imports", *rest) == 2
    assert f"input {numbers[-1]}: the journal of o-1 goes from 0 to 3; give a number within" in capsys.readouterr().err
