"""`jido-trio upgrade --rehearse`: for use before a deploy."""

import json

import pytest
import trio

from jido_trio import Jido, Signal
from jido_trio.cli import main
from jido_trio.storage import Put, open_sqlite
from tests.runtime.durable import Order

FROM = ["--from", "tests.runtime.durable:Order"]
TO = "tests.runtime.upgrades:"


async def ordered(storage) -> None:
    async with Jido("shop", storage=storage) as jido:
        for id, prices in {"o-1": [1, 2], "o-2": [1]}.items():
            order = await jido.start_agent(Order, id=id)
            for price in prices:
                await order.call(Signal("add", {"price": price}))


@pytest.fixture
def path(tmp_path):
    where = tmp_path / "shop.db"
    trio.run(ordered, open_sqlite(where))
    return str(where)


def run(capsys, path, *args: str) -> tuple[int, str]:
    code = main(["upgrade", "--rehearse", path, *args])
    return code, capsys.readouterr().out


def test_an_upgrade_that_changes_nothing_is_0(capsys, path):
    code, out = run(capsys, path, *FROM, "--to", TO + "Cents")
    assert (code, out) == (0, "2 agents of tests.runtime.durable:Order, 3 inputs: 0 differ, 0 can't go over\n")


def test_a_difference_is_told_by_agent_and_field_and_is_1(capsys, path):
    code, out = run(capsys, path, *FROM, "--to", TO + "Rounded")
    assert code == 1
    assert out.splitlines() == [
        "shop  o-1  input 2: cents: 300 -> 301",
        "2 agents of tests.runtime.durable:Order, 3 inputs: 1 differ, 0 can't go over",
    ]


def test_agents_that_cannot_go_over_are_told_of_and_are_1(capsys, path):
    code, out = run(capsys, path, *FROM, "--to", TO + "Stranded")
    assert code == 1
    assert out.splitlines()[-1].endswith("0 differ, 2 can't go over")


def test_each_agent_is_a_line_for_a_machine(capsys, path):
    code, out = run(capsys, path, *FROM, "--to", TO + "Rounded", "--json")
    first, second = map(json.loads, out.splitlines())
    assert code == 1
    assert (first["agent"], first["inputs"], first["diverged"], first["problem"]) == ("o-1", 2, 1, None)
    assert first["first"]["differences"][0] == {
        "path": "cents",
        "before": "300",
        "after": "301",
        "text": "cents: 300 -> 301",
    }
    assert (second["agent"], second["first"]) == ("o-2", None)


def test_code_that_was_changed_in_place_needs_no_old_class(capsys, path):
    code, out = run(capsys, path, "--to", "tests.runtime.durable:Order", "--instance", "shop")
    assert (code, out) == (0, "2 agents of tests.runtime.durable:Order, 3 inputs: 0 differ, 0 can't go over\n")


def test_an_instance_that_has_none_is_nothing_to_worry_about(capsys, path):
    assert run(capsys, path, *FROM, "--to", TO + "Cents", "--instance", "other")[1].startswith("0 agents")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([*FROM], "--to"),
        ([*FROM, "--to", TO + "Nobody"], "no class of Agent"),
        (["--from", "nowhere:Order", "--to", TO + "Cents"], "module 'nowhere' can't be imported"),
        ([*FROM, "--to", TO + "Cents", "--import", "nowhere"], "module 'nowhere' can't be imported"),
    ],
)
def test_what_cannot_be_rehearsed_is_2(capsys, path, args, says):
    assert main(["upgrade", "--rehearse", path, *args]) == 2
    assert says in capsys.readouterr().err


def test_a_storage_that_cannot_be_used_is_2(capsys, tmp_path):
    (tmp_path / "letter.txt").write_text("Dear reader, " * 1000)
    for name in ("nowhere.db", "letter.txt"):
        assert main(["upgrade", "--rehearse", str(tmp_path / name), *FROM, "--to", TO + "Cents"]) == 2
        assert name in capsys.readouterr().err


async def damaged(path) -> None:
    async with open_sqlite(path) as storage:
        await storage.commit([Put("shop/agent/o-1/now/agent", b"{}")])


def test_an_agent_whose_records_cannot_be_read_is_told_of(capsys, path):
    trio.run(damaged, path)
    code, out = run(capsys, path, *FROM, "--to", TO + "Cents")
    assert (code, out.splitlines()[-1][-31:]) == (1, "1 inputs: 0 differ, 1 can't go over"[-31:])
    assert "shop/agent/o-1/now/agent" in out
