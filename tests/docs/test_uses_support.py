"""The program for customer support: each mail is answered, also if it is killed with -9 while money goes out."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import jido_trio
from tests.docs._uses import USES, module_of, served

DESK = USES / "support_desk"
MONEY = 'Ann Lee <ann@example.org>: refund {"order": "A-17"}? [y/N]'
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL"),
    pytest.mark.seconds(90),  # it starts real programs
]


@pytest.fixture
def shop():
    with served(module_of("support_desk/shop.py").Shop(0)) as server:
        yield server


@pytest.fixture
def start(tmp_path, shop):
    environment = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}
    environment["PYTHONPATH"] = str(Path(jido_trio.__file__).parents[1])

    def started():
        return subprocess.Popen(
            [
                sys.executable,
                DESK / "support.py",
                tmp_path / "desk.db",
                DESK / "tickets.mbox",
                f"127.0.0.1:{shop.server_port}",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    return started


def answer(program, line):
    """Wait until a person is asked, and answer."""
    assert MONEY in iter(lambda: program.stdout.readline().rstrip("\n"), "")
    program.stdin.write(f"{line}\n")
    program.stdin.flush()


def test_killed_while_money_goes_out_it_goes_on_and_the_money_goes_once(start, shop):
    paying, go_on = threading.Event(), threading.Event()

    def hold(request):
        if request.startswith("PUT"):
            paying.set()
            go_on.wait(30)

    shop.on_request = hold
    with start() as program:
        answer(program, "y")
        assert paying.wait(30)
        program.send_signal(signal.SIGKILL)
    go_on.set()

    with start() as program:
        lines, _ = program.communicate(timeout=60)  # nobody is asked again

    assert program.returncode == 0
    assert sorted(lines.splitlines()) == [
        "gift-card@example.org: A gift card is valid for three years, and can't be paid out.",
        "lost-parcel@example.org: Your money is on its way.",
        'new-address@example.org: Under "My account", until the parcel has left. After that nobody can change it.',
    ]
    assert list(shop.refunds.values()) == ["A-17"]


@pytest.mark.long
def test_who_is_not_allowed_gets_no_money(start, shop):
    with start() as program:
        answer(program, "n")
        lines, _ = program.communicate(timeout=60)

    assert "lost-parcel@example.org: We can't send your money back." in lines.splitlines()
    assert shop.refunds == {}


@pytest.mark.long
def test_a_shop_that_is_down_is_told_to_the_model(start, shop):
    shop.busy = 1_000
    with start() as program:
        lines, _ = program.communicate(timeout=60)

    assert lines.count("example.org: ") == 3
    assert MONEY not in lines
