"""`jido-trio demo --store FILE`: killed with -9 in the middle and started again, it goes on. Real processes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "jido_trio.cli", "demo", "--workers", "2"]


def finished(*arguments):
    ran = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def killed(lines, *arguments):
    """Start it, and kill it with -9 when it has printed so many lines."""
    command = [*COMMAND, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        for _ in range(lines):
            process.stdout.readline()
        process.kill()
    return process.returncode


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Documents of every kind that there is for the cluster: good, broken, and one that crashes a worker."""
    folder = tmp_path_factory.mktemp("letters")
    for number in range(40):
        Path(folder, f"{number:02}.txt").write_text(
            f"The lamp was lit {number} times, and cost £3.50.", encoding="utf-8"
        )
        Path(folder, f"{number:02}-empty.txt").touch()
    Path(folder, "20-mixed.txt").write_text("The lamp: £1,300.00. Insured for EUR 12,500.00.", encoding="utf-8")
    return folder


def outcome(report):
    """What a report says of the documents, and not of the processes that came to it."""
    told = json.loads(report)
    for one in (*told["done"], *told["refused"]):
        del one["worker"]
    return {key: told[key] for key in ("input", "ok", "documents", "done", "refused", "unfinished", "lost", "totals")}


@pytest.fixture(scope="module")
def undisturbed(folder):
    return outcome(finished("--input", str(folder), "--json"))


@pytest.mark.parametrize(
    "moments",
    [
        (12, 2),
        *(pytest.param(lines, marks=pytest.mark.long) for lines in ((1,), (30, 1), (12, 9, 2))),
    ],
    ids=str,
)
def test_killed_in_the_middle_and_started_again_it_ends_as_one_that_was_not(moments, folder, undisturbed, tmp_path):
    arguments = ["--input", str(folder), "--store", str(tmp_path / "demo.db")]
    for lines in moments:
        assert killed(lines, *arguments) == -9
    report = finished(*arguments, "--json")
    assert outcome(report) == undisturbed
    store = json.loads(report)["store"]
    assert store["starts"] == len(moments) + 1
    assert store["before"] > 0


@pytest.fixture(scope="module")
def over(folder, tmp_path_factory):
    """The store of a run that is over."""
    store = str(tmp_path_factory.mktemp("over") / "demo.db")
    finished("--input", str(folder), "--store", store)
    return store


def test_a_run_that_is_over_is_told_again(folder, undisturbed, over):
    report = finished("--input", str(folder), "--store", over, "--json")
    assert outcome(report) == undisturbed
    assert json.loads(report)["store"]["before"] == undisturbed["documents"]["found"]


def test_what_was_refused_before_the_kill_is_told_in_the_report(folder, tmp_path):
    arguments = ["--input", str(folder), "--store", str(tmp_path / "demo.db")]
    assert killed(5, *arguments) == -9
    told = finished(*arguments)
    assert "  00-empty.txt  file is empty" in told
    assert f"Kept in {tmp_path}/demo.db: start 2, which found" in told


def test_a_store_about_another_folder_is_refused_and_nothing_is_read(over):
    ran = subprocess.run([*COMMAND, "--store", over], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "give that folder, or another file" in ran.stderr


def test_a_file_that_is_no_store_is_wrong_usage_and_stays_as_it_is(folder, tmp_path):
    store = tmp_path / "notes.txt"
    store.write_text("these are my notes\n" * 100, encoding="utf-8")
    command = [*COMMAND, "--input", str(folder), "--store", str(store)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 2
    assert str(store) in ran.stderr
    assert store.read_text(encoding="utf-8") == "these are my notes\n" * 100
