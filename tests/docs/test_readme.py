"""The README's first program is run, killed with -9 from outside, and run again, as the page shows."""

import os
import re
import signal
import subprocess
import sys

import pytest

from docs.programs import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
FIRST_SCREEN = README.partition("## ")[0]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="it is killed as POSIX has it")


def block(language):
    """The only block of the first screen in a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", FIRST_SCREEN, re.DOTALL)
    return found


def shown():
    """What the page shows after each start."""
    _, *starts = block("console").split("$ python reader.py\n")
    return [start.splitlines() for start in starts]


@pytest.fixture
def reader(tmp_path):
    (tmp_path / "reader.py").write_text(block("python"), encoding="utf-8")

    def start():
        return subprocess.Popen([sys.executable, "reader.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)

    return start


@pytest.mark.seconds(60)
def test_killed_while_it_reads_the_second_paper_it_goes_on_with_that(reader):
    first, second = shown()

    with reader() as program:
        assert program.stdout is not None
        said: list[str] = []
        while not said or said[-1] != "paper 2 is read":
            said.append(program.stdout.readline().rstrip("\n"))
            assert said[-1], said
        program.kill()
    assert program.returncode == -signal.SIGKILL
    assert [*said, "Killed"] == first

    with reader() as program:
        again, _ = program.communicate(timeout=50)
    assert again.splitlines() == second


def test_the_papers_that_were_read_and_the_replies_that_were_had_are_not_asked_for_again():
    first, second = shown()
    both = [*first, *second]

    assert {line: both.count(line) for line in both if line.startswith("paper")} == {
        "paper 1 is read": 1,
        "paper 2 is read": 2,  # it was at that when it was killed
        "paper 3 is read": 1,
    }
    assert both.count("the model is asked") == 4
