"""`jido-trio journal`: what durable agents have on disk, shown, folded, checked and cut."""

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import trio
from attrs import field, frozen

from jido_trio import Agent, Jido, Secret, Signal
from jido_trio.cli import _progress, _store, main
from jido_trio.core import Entry, Heard, mark_of
from jido_trio.errors import AgentNotFound, Conflict, InvalidDefinition
from jido_trio.runtime import compact_journal, list_journals, read_journal, wait_state
from jido_trio.runtime._archive import Snapshot, archive_of
from jido_trio.storage import Delete, MemoryStorage, Op, Put, open_sqlite
from tests.runtime.durable import Add, Order


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


@frozen
class Odd:
    """What JSON has no form for."""

    lasts: timedelta = timedelta(seconds=90)
    weights: Mapping[tuple[int, int], bytes] = field(factory=lambda: {(1, 2): b"x"})
    most: float = float("inf")
    name: str = "n" * 2000
    token: Secret[str] = "the-token"


class Odder(Agent[Odd], routes={"odd": Add}, durable=True): ...


def test_replay_shows_a_state_of_any_values_whole_and_without_its_secrets(capsys, tmp_path):
    async def odd() -> None:
        async with Jido("shop", storage=open_sqlite(tmp_path / "odd.db")) as jido:
            await jido.start_agent(Odder, id="o-1")

    trio.run(odd)
    code, out = run(capsys, "replay", str(tmp_path / "odd.db"), "o-1", "--json")
    assert code == 0
    told = json.loads(out)
    assert told["token"] == "***"
    assert told["name"] == "n" * 2000
    assert (told["lasts"], told["weights"]) == (repr(timedelta(seconds=90)), {"(1, 2)": "b'x'"})
    assert told["most"] == "inf"


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


# whatif


def test_whatif_shows_the_first_difference_of_another_class_field_by_field(capsys, path):
    code, out = run(capsys, "whatif", path, "o-1", "--with", "tests.cli.orders:Taxed")
    assert code == 0
    assert out.splitlines() == [
        "the first difference is at input 2:",
        "  total: 103 -> 104",
        "2 of 3 inputs differ; at the end:",
        "  total: 106 -> 108",
    ]


def test_whatif_takes_another_action_for_a_route(capsys, path):
    out = run(capsys, "whatif", path, "o-1", "--action", "add=tests.cli.orders:AddTaxed", "--json")[1]
    what = json.loads(out)
    assert (what["inputs"], what["diverged"], what["raised"], what["first"]["number"]) == (3, 2, False, 2)
    assert what["end"] == [{"path": "total", "before": "106", "after": "108", "text": "total: 106 -> 108"}]


def test_whatif_leaves_out_an_input_by_its_number_or_by_the_id_of_its_signal(capsys, path):
    by_number = run(capsys, "whatif", path, "o-1", "--without", "1")[1]
    assert by_number.splitlines()[-1] == "  total: 106 -> 105"
    id = json.loads(run(capsys, "show", path, "o-1", "--json")[1].splitlines()[0])["input"]["signal"]["id"]
    assert run(capsys, "whatif", path, "o-1", "--without", id)[1] == by_number


def test_whatif_ends_where_the_other_code_raises(capsys, path):
    args = ["whatif", path, "o-1", "--action", "add=tests.cli.orders:AddBroken"]
    assert run(capsys, *args)[1].splitlines() == [
        "the first difference is at input 2:",
        "  ZeroDivisionError",
        "it goes no further",
    ]
    assert json.loads(run(capsys, *args, "--json")[1])["first"]["error"] == "ZeroDivisionError"


def test_whatif_says_that_nothing_differs(capsys, path):
    assert run(capsys, "whatif", path, "o-1", "--with", "tests.cli.orders:Untyped")[1] == "no difference in 3 inputs\n"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([], "say what is to be changed"),
        (["--with", "tests.cli.orders"], "write module:Class"),
        (["--with", "tests.cli.orders:Nobody"], "no class of Agent at 'tests.cli.orders:Nobody'"),
        (["--with", "tests.cli.orders:AddTaxed"], "no class of Agent"),
        (["--with", "tests.cli.nowhere:Taxed"], "module 'tests.cli.nowhere' can't be imported"),
        (["--action", "ad=tests.cli.orders:AddTaxed"], "has no route 'ad'; did you mean 'add'?"),
        (["--without", "9"], "no input has the number or the signal id 9"),
        (["--without", "nope"], "no input has the number or the signal id nope"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(capsys, path, args, says):
    assert main(["journal", "whatif", path, "o-1", *args]) == 2
    assert says in capsys.readouterr().err


def test_a_class_whose_state_is_another_needs_a_migration(capsys, path):
    assert main(["journal", "whatif", path, "o-1", "--with", "tests.runtime.durable:Renewed"]) == 1
    assert "can't become one of Renewed version '3'" in capsys.readouterr().err


# Odd stores, and the ends of a command


def test_an_empty_file_stays_one(capsys, tmp_path):
    (tmp_path / "empty.db").touch()
    assert main(["journal", "list", str(tmp_path / "empty.db")]) == 2
    assert "is empty: no storage" in capsys.readouterr().err
    assert (tmp_path / "empty.db").stat().st_size == 0


def test_what_is_no_storage_is_refused_and_left_as_it_is(capsys, tmp_path):
    (tmp_path / "letter.txt").write_text("Dear reader, " * 1000)
    assert main(["journal", "list", str(tmp_path / "letter.txt")]) == 1
    assert "letter.txt" in capsys.readouterr().err
    assert (tmp_path / "letter.txt").read_text().startswith("Dear reader")
    with closing(sqlite3.connect(tmp_path / "other.db")) as db:
        db.execute("CREATE TABLE songs (title)")
    assert main(["journal", "list", str(tmp_path / "other.db")]) == 1
    assert "a database of another program" in capsys.readouterr().err


def test_a_folder_is_no_storage(capsys, tmp_path):
    assert main(["journal", "list", str(tmp_path)]) == 1
    assert "unable to open" in capsys.readouterr().err


def test_a_storage_that_another_holds_is_told_of(capsys, path, monkeypatch):
    monkeypatch.setattr(_store, "open_sqlite", partial(open_sqlite, busy_timeout=0))
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        assert main(["journal", "list", path]) == 1
    assert "another process" in capsys.readouterr().err


def test_a_storage_of_a_later_version_is_refused(capsys, path):
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    assert main(["journal", "list", path]) == 1
    assert "99" in capsys.readouterr().err


async def put(path, key: str, old: bytes, new: bytes) -> None:
    async with open_sqlite(path) as storage:
        record = await storage.get(key)
        assert record is not None
        assert old in record.value
        await storage.commit([Put(key, record.value.replace(old, new))])


def test_a_record_of_a_later_version_is_told_of_and_the_others_are_listed(capsys, path):
    trio.run(put, path, "shop/agent/o-1/now/agent", b'"format":1', b'"format":2')
    code = main(["journal", "list", path])
    out, err = capsys.readouterr()
    assert (code, out) == (1, "shop  o/2  tests.runtime.durable:Order  at input 0\n")
    assert "its format is 2, and this jido_trio knows 1" in err
    assert main(["journal", "show", path, "o/2"]) == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"type":"add"', b'"type":7'), (b'"number":2', b'"number":5'), (b'{"id"', b'[{"id"'), (b'"entry"', b'"other"')],
)
def test_an_input_that_is_none_is_refused_where_it_is_met(capsys, path, old, new):
    trio.run(put, path, "shop/agent/o-1/past/0000000000000002", old, new)
    code = main(["journal", "show", path, "o-1"])
    out, err = capsys.readouterr()
    assert (code, out) == (1, '1  add  {"price": 1}\n')
    assert "past/0000000000000002" in err


async def without_second(path) -> None:
    async with open_sqlite(path) as storage:
        await storage.commit([Delete("shop/agent/o-1/past/0000000000000002")])


@pytest.mark.parametrize("what", ["show", "export", "replay", "verify"])
def test_a_gap_is_told_of(capsys, path, what):
    trio.run(without_second, path)
    assert main(["journal", what, path, "o-1"]) == 1
    out, err = capsys.readouterr()
    assert "has a gap" in out + err


def test_show_gives_a_part(capsys, path):
    assert run(capsys, "show", path, "o-1", "--from", "2")[1] == '2  add  {"price": 2}\n3  add  {"price": 3}\n'
    assert run(capsys, "show", path, "o-1", "--from", "2", "--upto", "2")[1] == '2  add  {"price": 2}\n'
    assert run(capsys, "show", path, "o-1", "--upto", "0")[1] == ""


def test_long_data_is_cut_for_a_reader_and_whole_for_a_machine(capsys, tmp_path):
    async def noted(storage) -> None:
        async with Jido("shop", storage=storage) as jido:
            order = await jido.start_agent(Order, id="o-1")
            await order.call(Signal("note", {"text": "x" * 1000}))

    where = str(tmp_path / "shop.db")
    trio.run(noted, open_sqlite(where))
    assert run(capsys, "show", where, "o-1")[1].endswith("xxx... 1,012 characters\n")
    assert len(run(capsys, "show", where, "o-1", "--json")[1]) > 1000


def test_what_an_action_had_given_is_told_by_its_name(capsys, tmp_path):
    async def fetched(storage) -> None:
        async with Jido("shop", storage=storage) as jido:
            order = await jido.start_agent(Order, id="o-1")
            await order.call(Signal("fetch"))
            await wait_state(order, lambda state: bool(state.notes))

    where = str(tmp_path / "shop.db")
    trio.run(fetched, open_sqlite(where))
    out = run(capsys, "show", where, "o-1")[1].splitlines()
    assert out[1].startswith("2  fetch  outcome of ")


async def filled(path, inputs: int) -> None:
    """A journal as a program would have left it, written at once."""
    async with open_sqlite(path) as storage:
        order = Order.new("o-1")
        archive = archive_of(storage, "shop", "o-1")
        await archive.claim(order, "a test", 0)
        ops: list[Op] = []
        for number in range(1, inputs + 1):
            heard = Heard(Signal("add", {"price": 1}))
            order, _ = heard.apply(order)
            ops.append(archive.entry(Entry(number, heard, mark_of(order)), ""))
        await archive.write([*ops, archive.snapshot(Snapshot(order, inputs))])


def test_a_journal_longer_than_a_page_is_gone_through_whole(capsys, tmp_path):
    where = str(tmp_path / "shop.db")
    trio.run(filled, where, 1203)
    assert len(run(capsys, "show", where, "o-1")[1].splitlines()) == 1203
    assert json.loads(run(capsys, "replay", where, "o-1")[1])["total"] == 1203
    assert json.loads(run(capsys, "replay", where, "o-1", "--upto", "1001")[1])["total"] == 1001
    assert run(capsys, "diff", where, "o-1", "1100", "2")[1] == "total: 1100 -> 2\n"
    assert run(capsys, "compact", where, "o-1", "--keep", "3")[1] == "1200 inputs are gone\n"
    assert run(capsys, "verify", where)[1] == "shop  o-1  3 inputs, all as they were\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_long_command_tells_how_far_it_has_come_on_a_terminal_and_takes_it_back(capsys, tmp_path, monkeypatch):
    where = str(tmp_path / "shop.db")
    trio.run(filled, where, 600)
    monkeypatch.setattr(_progress, "PATIENCE", timedelta())
    monkeypatch.setattr(_progress, "EVERY", timedelta())
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert run(capsys, "replay", where, "o-1", "--json")[1] == '{"total": 600, "notes": []}\n'
    assert "folded input 500 of 600" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")


ROOT = Path(__file__).parents[2]


@contextmanager
def commanded(*args: str) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "jido_trio.cli", "journal", *args]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_control_c_ends_it_with_130(tmp_path):
    where = str(tmp_path / "shop.db")
    trio.run(filled, where, 3000)
    with commanded("show", where, "o-1") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("1  add")
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.stderr is not None
        assert process.stderr.read() == "interrupted\n"
        assert process.wait(timeout=60) == 130


def test_a_reader_that_has_enough_ends_it_with_141(tmp_path):
    where = str(tmp_path / "shop.db")
    trio.run(filled, where, 3000)
    with commanded("show", where, "o-1") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("1  add")
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) == 141
