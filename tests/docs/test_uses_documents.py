"""The program for document processing: what is wrong with one file costs no other anything, nor does `kill -9`."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import jido_trio

PROGRAM = Path(__file__).parents[2] / "docs/uses/documents.py"
ROOT = PROGRAM.parents[2]
SAMPLES = ROOT / "jido_trio/demo/samples"


def started(folder, store):
    return subprocess.Popen(
        [sys.executable, PROGRAM, folder, store],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(jido_trio.__file__).parents[1])},
    )


def outcome(folder, store):
    """Run it to the end, and return the files that it processed, and what it says at the end."""
    with started(folder, store) as program:
        assert program.stdout is not None
        lines = program.stdout.read().splitlines()
    assert program.returncode == 0
    done = {line.removeprefix("done: ") for line in lines if line.startswith("done: ")}
    return done, [line for line in lines if not line.startswith("done: ")]


def test_of_real_documents_each_is_counted_or_refused_with_its_reason(tmp_path):
    done, told = outcome(SAMPLES, tmp_path / "shelf.db")

    assert done == {str(path) for path in SAMPLES.rglob("*") if path.is_file()}
    assert any(line.startswith(f"refused: {SAMPLES}/broken/half.pdf") and "PdfStreamError" in line for line in told)
    assert "29 documents" in told[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes with names, and no SIGKILL")
def test_killed_in_the_middle_it_goes_on_with_what_is_left_and_tells_the_same_in_the_end(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number}.txt").write_text("word " * number)
    (folder / "broken.json").write_text("{")
    slow = folder / "slow.txt"
    os.mkfifo(slow)  # whoever reads it waits for somebody who writes
    with started(folder, tmp_path / "shelf.db") as program:
        assert program.stdout is not None
        for _ in range(21):
            assert program.stdout.readline().startswith("done: ")
        program.send_signal(signal.SIGKILL)
    slow.unlink()
    slow.write_text("at last")

    done, told = outcome(folder, tmp_path / "shelf.db")
    _, undisturbed = outcome(folder, tmp_path / "other.db")

    assert done == {str(slow)}
    assert told[-1] == undisturbed[-1] == "21 documents, 192 words, 1 refused"
