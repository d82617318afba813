"""Encrypted storages in the commands: the key is in the environment or in a file, and never an argument."""

import base64
import json

import pytest
import trio

from jido_trio import Jido, Signal
from jido_trio.cli import main
from jido_trio.storage import encrypted, open_sqlite
from jido_trio.storage.encryption import AesGcm
from tests.runtime.durable import Order

KEY, OLDER, OTHER = bytes(range(32)), bytes(16), b"k" * 32


async def ordered(path, cipher) -> None:
    async with Jido("shop", storage=encrypted(open_sqlite(path), cipher)) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await order.call(Signal("add", {"price": 5}))


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.delenv("JIDO_TRIO_KEY", raising=False)
    trio.run(ordered, tmp_path / "shop.db", AesGcm(KEY))
    return tmp_path


def run(capsys, *args: object) -> tuple[int, str, str]:
    code = main([*map(str, args)])
    told = capsys.readouterr()
    return code, told.out, told.err


@pytest.mark.parametrize(
    "text", [KEY.hex(), base64.b64encode(KEY).decode(), base64.urlsafe_b64encode(KEY).decode(), f" {KEY.hex()}\n"]
)
def test_a_key_in_the_environment_opens_it(shop, capsys, monkeypatch, text):
    monkeypatch.setenv("JIDO_TRIO_KEY", text)
    code, out, err = run(capsys, "journal", "list", shop / "shop.db")
    assert (code, err) == (0, "")
    assert "o-1" in out


@pytest.mark.parametrize(
    "command",
    [
        ("journal", "list"),
        ("journal", "verify"),
        ("upgrade", "--to", "tests.runtime.durable:Order", "--rehearse"),
    ],
)
def test_a_key_in_a_file_opens_it(shop, capsys, command):
    (shop / "key").write_text(f"{KEY.hex()}\n")
    code, _, err = run(capsys, *command, shop / "shop.db", "--key-file", shop / "key")
    assert (code, err) == (0, "")


def test_keys_that_were_replaced_stand_below_the_one_of_today(shop, capsys):
    trio.run(ordered, shop / "old.db", AesGcm(OLDER))
    (shop / "keys").write_text(f"{KEY.hex()}\n{OLDER.hex()}\n")
    code, out, _ = run(capsys, "journal", "list", shop / "old.db", "--key-file", shop / "keys", "--json")
    assert code == 0
    assert json.loads(out.splitlines()[0])


def test_an_agent_is_carried_out_of_one_and_into_one(shop, capsys, monkeypatch):
    monkeypatch.setenv("JIDO_TRIO_KEY", KEY.hex())
    assert run(capsys, "agent", "export", shop / "shop.db", "o-1", shop / "o-1.agent")[0] == 0
    assert run(capsys, "agent", "import", shop / "new.db", shop / "o-1.agent")[0] == 0
    assert b"price" not in (shop / "new.db").read_bytes()
    assert run(capsys, "journal", "list", shop / "new.db")[1].count("o-1") == 1


def test_without_a_key_it_says_where_to_put_one(shop, capsys):
    code, _, err = run(capsys, "journal", "list", shop / "shop.db")
    assert code == 2
    assert "is encrypted: put its key into the environment variable JIDO_TRIO_KEY, or give --key-file" in err


def test_with_another_key_nothing_is_read(shop, capsys, monkeypatch):
    monkeypatch.setenv("JIDO_TRIO_KEY", OTHER.hex())
    code, out, err = run(capsys, "journal", "list", shop / "shop.db")
    assert (code, out) == (1, "")
    assert "another key" in err


@pytest.mark.parametrize("text", ["secret", "00", KEY.hex() + "\nsecret"])
def test_what_is_no_key_is_refused_and_not_shown(shop, capsys, monkeypatch, text):
    monkeypatch.setenv("JIDO_TRIO_KEY", text)
    code, _, err = run(capsys, "journal", "list", shop / "shop.db")
    assert code == 2
    assert "must have a key of 16, 24 or 32 bytes" in err
    assert "secret" not in err


def test_a_file_without_a_key_is_refused(shop, capsys):
    (shop / "key").write_text("")
    assert run(capsys, "journal", "list", shop / "shop.db", "--key-file", shop / "key")[0] == 2
    code, _, err = run(capsys, "journal", "list", shop / "shop.db", "--key-file", shop / "nothing")
    assert code == 2
    assert "the key can't be read" in err
