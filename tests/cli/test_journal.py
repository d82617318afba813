"""`jido-trio journal`: what durable agents have on disk, shown, folded, checked and cut."""

import json

import pytest
import trio

from jido_trio import Jido, Signal
from jido_trio.cli import main
from jido_trio.errors import AgentNotFound, Conflict, InvalidDefinition
from jido_trio.runtime import compact_journal, list_journals, read_journal
from jido_trio.storage import MemoryStorage, Put, open_sqlite
from tests.runtime.durable import Order


async def ordered(storage, *prices: int) -> None:
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1", state={"total": 100})
        await jido.start_agent(Order, id="o/2")
        for price in prices:
            await order.call(Signal("add", {"price": price}))


@pytest.fixture
def path(tmp_path):
    where = tmp_path / "shop.db"
    trio.run(ordered, open_sqlite(where), 1, 2, 3)
    return str(where)


def run(capsys, *args: str) -> tuple[int, str]:
    code = main(["journal", *args])
    return code, capsys.readouterr().out


def test_list_names_the_agents(capsys, path):
    code, out = run(capsys, "list", path)
    assert code == 0
    assert (
        out
        == "shop  o-1  tests.runtime.durable:Order  at input 3\nshop  o/2  tests.runtime.durable:Order  at input 0\n"
    )
    assert json.loads(run(capsys, "list", path, "--json")[1])[1]["agent"] == "o/2"


def test_show_gives_the_inputs_in_order(capsys, path):
    code, out = run(capsys, "show", path, "o-1")
    assert code == 0
    assert out == '1  add  {"price": 1}\n2  add  {"price": 2}\n3  add  {"price": 3}\n'


def test_replay_shows_the_state_after_an_input(capsys, path):
    assert json.loads(run(capsys, "replay", path, "o-1", "--json")[1]) == {"total": 106, "notes": []}
    assert json.loads(run(capsys, "replay", path, "o-1", "--upto", "1")[1]) == {"total": 101, "notes": []}


def test_diff_shows_what_changed_between_two_inputs(capsys, path):
    assert run(capsys, "diff", path, "o-1", "1", "3") == (0, "total: 101 -> 106\n")


def test_export_is_lines_of_json(capsys, path):
    lines = run(capsys, "export", path, "o-1")[1].splitlines()
    assert json.loads(lines[0])["class"] == "tests.runtime.durable:Order"
    assert [json.loads(line)["number"] for line in lines[1:]] == [1, 2, 3]


def test_verify_says_that_all_is_as_it_was(capsys, path):
    code, out = run(capsys, "verify", path)
    assert (code, out.splitlines()[0]) == (0, "shop  o-1  3 inputs, all as they were")


async def broken(path) -> None:
    async with open_sqlite(path) as storage:
        record = await storage.get("shop/agent/o-1/past/0000000000000002")
        assert record is not None
        await storage.commit([Put(record.key, record.value.replace(b'"price":2', b'"price":5'))])


def test_verify_finds_the_input_that_leads_to_another_state(capsys, path):
    trio.run(broken, path)
    code, out = run(capsys, "verify", path, "o-1")
    assert code == 1
    assert "at input 2" in out


def test_compact_lets_go_of_the_first_inputs_and_the_rest_still_folds(capsys, path):
    assert run(capsys, "compact", path, "o-1", "--keep", "1") == (0, "2 inputs are gone\n")
    assert run(capsys, "show", path, "o-1")[1] == '3  add  {"price": 3}\n'
    assert json.loads(run(capsys, "replay", path, "o-1")[1])["total"] == 106
    assert run(capsys, "compact", path, "o-1", "--keep", "1")[1] == "0 inputs are gone\n"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["show", "FILE", "nobody"], "no agent has the id 'nobody'"),
        (["replay", "FILE", "o-1", "--upto", "9"], "goes from 0 to 3"),
        (["list", "nowhere.db"], "there is no file"),
        (["list", "FILE", "--import", "no_such_module"], "No module named 'no_such_module'"),
    ],
)
def test_what_is_not_there_is_said(capsys, path, args, says):
    assert main(["journal", *(path if arg == "FILE" else arg for arg in args)]) == 2
    assert says in capsys.readouterr().err


async def test_the_journal_is_folded_from_where_it_begins(autojump_clock):
    storage = MemoryStorage()
    await ordered(storage, *range(1, 8))
    journal = await read_journal(storage, "shop", "o-1")
    assert (journal.number, len(journal.entries), journal.at().state.total) == (0, 7, 128)
    assert await compact_journal(storage, "shop", "o-1", keep=3) == 4
    journal = await read_journal(storage, "shop", "o-1")
    assert (journal.number, journal.begin.state.total, journal.at().state.total) == (4, 110, 128)
    with pytest.raises(InvalidDefinition, match="goes from 4 to 7"):
        journal.at(3)
    await ordered(storage, 100)
    assert (await read_journal(storage, "shop", "o-1")).at().state.total == 228


async def test_a_journal_is_not_cut_while_another_starts_the_agent(autojump_clock):
    class Racing(MemoryStorage):
        async def commit(self, ops) -> None:
            await super().commit([Put("shop/agent/o-1/now/owner", b"{}")])
            await super().commit(ops)

    storage = Racing()
    storage.commit = super(Racing, storage).commit  # type: ignore[method-assign]
    await ordered(storage, 1, 2)
    del storage.commit
    with pytest.raises(Conflict):
        await compact_journal(storage, "shop", "o-1", keep=0)


async def test_an_empty_storage_has_no_journals_and_no_agent(autojump_clock):
    assert await list_journals(MemoryStorage()) == ()
    with pytest.raises(AgentNotFound):
        await read_journal(MemoryStorage(), "shop", "o-1")
