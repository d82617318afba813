"""The programs for service orchestration and data processing: no failure costs another anything, nor does `kill -9`."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import jido_trio
from tests.docs._uses import USES, module_of, served

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL"),
    pytest.mark.seconds(90),  # they start real programs, which start worker processes
]


def started(program, *arguments):
    return subprocess.Popen(
        [sys.executable, USES / program, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(jido_trio.__file__).parents[1])},
    )


def told(program, *arguments):
    with started(program, *arguments) as running:
        assert running.stdout is not None
        lines = running.stdout.read().splitlines()
    assert running.returncode == 0
    return lines


@pytest.fixture
def services():
    with served(module_of("services.py").Services(0)) as server:
        yield server


@pytest.mark.parametrize("program", ["orchestration.py", "orchestration_bare.py"])
def test_killed_in_the_middle_trips_go_on_and_one_that_fails_is_taken_back(tmp_path, services, program):
    arguments = tmp_path / "trips.db", f"127.0.0.1:{services.server_port}", "short-1", "long-2"
    paying, go_on = threading.Semaphore(0), threading.Event()

    def hold(request):
        if "cards" in request:
            paying.release()
            go_on.wait(30)

    services.on_request = hold
    with started(program, *arguments) as running:
        for _ in range(2):
            assert paying.acquire(timeout=30)
        running.send_signal(signal.SIGKILL)
    assert services.booked["flights"] == services.booked["hotels"] == {"short-1", "long-2"}
    go_on.set()

    lines = told(program, *arguments)

    assert sorted(lines) == [
        "long-2: {'pay': 'cards said 402'}; taken back: flight, hotel",
        "short-1: booked, 42000 cents",
    ]
    assert services.booked == {"flights": {"short-1"}, "hotels": {"short-1"}, "cards": {"short-1"}}


def test_it_is_little_more_than_half_as_long_as_the_same_in_bare_trio():
    ours, bare = (len((USES / name).read_text().splitlines()) for name in ("orchestration.py", "orchestration_bare.py"))
    assert ours < 0.6 * bare


def test_killed_in_the_middle_an_import_goes_on_and_a_row_that_kills_its_checker_is_refused(tmp_path):
    source, target, store = tmp_path / "orders.csv", tmp_path / "orders.db", tmp_path / "importer.db"
    rows = [f"n{number},{number}" for number in range(202)]
    rows[7] = "x,-5"
    source.write_text("name,cents\n" + "\n".join(rows) + "\n")
    with started("data.py", source, target, store) as program:
        assert program.stdout is not None
        assert "100 rows\n" in iter(program.stdout.readline, "")
        program.send_signal(signal.SIGKILL)
    rows[201] = "poison,1"
    source.write_text("name,cents\n" + "\n".join(rows) + "\n")

    lines = told("data.py", source, target, store)

    assert "100 rows" not in lines
    assert lines[-1].startswith("202 rows, 2 refused: ")
    assert "'7': '-5 cents are less than nothing'" in lines[-1]
    assert "'201': 'it took the checker down'" in lines[-1]
    with sqlite3.connect(target) as connection:
        (count,) = connection.execute("select count(*) from orders").fetchone()
    connection.close()
    assert count == 200
