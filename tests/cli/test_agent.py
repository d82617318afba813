"""`jido-trio agent`: an agent carried from one storage to another."""

import json
import socket
import subprocess
import sys

import pytest
import trio

from jido_trio import Jido, Signal
from jido_trio.cli import main
from jido_trio.storage import Put, open_sqlite
from tests.runtime.durable import Order


async def ordered(path) -> None:
    async with Jido("shop", storage=open_sqlite(path)) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await order.call(Signal("add", {"price": 5}))


async def total(path, id: str, instance: str = "shop") -> int:
    async with Jido(instance, storage=open_sqlite(path)) as jido:
        return (await jido.thaw(Order, id)).agent.state.total


@pytest.fixture
def shop(tmp_path):
    trio.run(ordered, tmp_path / "shop.db")
    return tmp_path


def run(capsys, *args: object) -> tuple[int, str, str]:
    code = main(["agent", *map(str, args)])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_an_agent_is_carried_into_a_new_file(shop, capsys):
    told = "shop  o-1  tests.runtime.durable:Order  at input 1, "
    for command in (
        ["export", shop / "shop.db", "o-1", shop / "o-1.agent"],
        ["show", shop / "o-1.agent"],
        ["import", shop / "new.db", shop / "o-1.agent"],
    ):
        code, out, err = run(capsys, *command)
        assert (code, err) == (0, "")
        assert out.startswith(told)
    assert trio.run(total, shop / "new.db", "o-1") == 5


def test_it_gets_another_id_and_instance(shop, capsys):
    run(capsys, "export", shop / "shop.db", "o-1", shop / "o-1.agent")
    code, out, _ = run(
        capsys, "import", shop / "shop.db", shop / "o-1.agent", "--as", "o-2", "--instance", "other", "--json"
    )
    assert code == 0
    assert (json.loads(out)["instance"], json.loads(out)["agent_id"]) == ("other", "o-2")
    assert trio.run(total, shop / "shop.db", "o-2", "other") == 5


def test_what_is_there_or_missing_is_told_of(shop, capsys):
    run(capsys, "export", shop / "shop.db", "o-1", shop / "o-1.agent")
    for command, code, told in (
        (["export", shop / "shop.db", "o-1", shop / "o-1.agent"], 1, "File exists"),
        (["export", shop / "shop.db", "o-9", shop / "o-9.agent"], 2, "no agent has the id 'o-9'"),
        (["export", shop / "no.db", "o-1", shop / "o-9.agent"], 2, "there is no file"),
        (["import", shop / "shop.db", shop / "o-1.agent"], 1, "the storage has an agent 'o-1' already"),
        (["import", shop / "shop.db", shop / "shop.db"], 1, "can't be imported"),
        (["show", shop / "no.agent"], 1, "No such file"),
    ):
        found, out, err = run(capsys, *command)
        assert (found, out) == (code, "")
        assert told in err


def test_an_agent_is_deleted(shop, capsys):
    code, out, err = run(capsys, "delete", shop / "shop.db", "o-1")
    assert (code, out, err) == (0, "shop  o-1  deleted\n", "")
    code, _, err = run(capsys, "delete", shop / "shop.db", "o-1")
    assert code == 2
    assert "o-1" in err


def test_that_is_told_as_json(shop, capsys):
    code, out, _ = run(capsys, "delete", shop / "shop.db", "o-1", "--json")
    assert (code, json.loads(out)) == (0, {"instance": "shop", "agent": "o-1", "deleted": True})


def test_an_agent_whose_process_runs_is_not_deleted_unless_that_is_forced(shop, capsys):
    async def taken_by(pid: int) -> None:
        async with open_sqlite(shop / "shop.db") as storage:
            who = json.dumps({"who": f"{socket.gethostname()} {pid}"}).encode()
            await storage.commit([Put("shop/agent/o-1/now/owner", who)])

    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        trio.run(taken_by, other.pid)
        code, _, err = run(capsys, "delete", shop / "shop.db", "o-1")
        assert code == 1
        assert f"{other.pid} has it. Stop it first" in err
        assert run(capsys, "delete", shop / "shop.db", "o-1", "--force")[0] == 0
