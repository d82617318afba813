"""The page on a job that died: its program is run, killed with -9 from outside, and run again, as the page shows."""

import os
import re
import signal
import subprocess
import sys

import pytest

from docs.programs import ROOT, program

PAGE = (ROOT / "docs" / "went_on.md").read_text(encoding="utf-8")
pytestmark = pytest.mark.skipif(os.name != "posix", reason="it is killed as POSIX has it")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "invoices.py").write_text(program(PAGE), encoding="utf-8")
    return tmp_path


def killed(folder, kind):
    """Run the job up to invoice 3, and kill it while it waits for the answer to that; return what it said."""
    command = [sys.executable, "invoices.py", kind, "3"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said: list[str] = []
        while not said or said[-1] != "no answer to invoice 3":
            said.append(process.stdout.readline().rstrip("\n"))
            assert said[-1], said
        process.kill()
    assert process.returncode == -signal.SIGKILL
    return [*said, "Killed"]


def again(folder, kind):
    """Run it to its end; return what it said, its log first."""
    command = [sys.executable, "invoices.py", kind]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines(), ran.stderr.splitlines()


def shown(command):
    """What the page shows after a command."""
    (block,) = [block for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL) if f"$ {command}\n" in block]
    return block.partition(f"$ {command}\n")[2].partition("\n$ ")[0].strip().splitlines()


def test_the_forgetful_job_begins_anew_and_sends_twice(folder):
    assert killed(folder, "Forgetful") == shown("python invoices.py Forgetful 3")
    assert again(folder, "Forgetful") == (shown("python invoices.py Forgetful"), [])
    sent = (folder / "sent.txt").read_text().splitlines()
    assert sent == [f"invoice {number}" for number in (1, 2, 3, 1, 2, 3, 4, 5)]


def test_the_durable_job_goes_on_and_tells_of_the_mail_that_nobody_knows_of(folder):
    assert killed(folder, "Invoices") == shown("python invoices.py Invoices 3")
    said, told = again(folder, "Invoices")
    begins, letter, done = shown("python invoices.py Invoices")
    assert (said, told) == ([begins, done], [letter])
    assert (folder / "sent.txt").read_text().splitlines() == [f"invoice {number}" for number in range(1, 6)]


def test_the_job_with_keys_sends_again_and_each_mail_arrives_once(folder):
    assert killed(folder, "KeyedInvoices") == shown("python invoices.py KeyedInvoices 3")
    assert again(folder, "KeyedInvoices") == (shown("python invoices.py KeyedInvoices"), [])
    arrived = sorted(path.read_text() for path in (folder / "outbox").iterdir())
    assert arrived == [f"invoice {number}" for number in range(1, 6)]
