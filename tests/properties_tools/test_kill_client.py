"""The client of the kill campaigns gives up a program that refuses for ever, and says what was refused."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from jido_trio.storage import open_memory
from properties.campaigns import _kills
from properties.campaigns._kill_points import Kill
from properties.campaigns._kills import Once, Operation, Run, Seen, Wrong

pytestmark = [
    pytest.mark.workshop,
    pytest.mark.skipif(os.name != "posix", reason="processes are killed and forked as POSIX has it"),
]

REFUSES = """
import json, os
while lines := os.read(0, 65536):
    for line in lines.splitlines():
        refused = {"refused": json.loads(line)["number"], "why": "the disk is full"}
        os.write(1, (json.dumps(refused) + "\\n").encode())
"""


class Restarted:
    """A server that is killed and started again."""

    def kill(self) -> None: ...

    def restart(self) -> None: ...


class Refusing(Run):
    """Its program refuses whatever it is asked."""

    def program(self, kill: Kill) -> tuple[int, int, int]:
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        started = subprocess.Popen([sys.executable, "-c", REFUSES], stdin=theirs_in, stdout=theirs_out)
        os.close(theirs_in)
        os.close(theirs_out)
        started.returncode = 0  # whoever plays waits for its end
        return started.pid, ours_in, ours_out


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_program_that_refuses_again_and_again_is_given_up_with_what_it_says(monkeypatch):
    monkeypatch.setattr(_kills, "PATIENCE", 0.2)
    run = Refusing(open_memory, Once, Path("none"), None, Restarted())  # type: ignore[arg-type]
    asked = [Operation(1, "take", "one", cast=True), Operation(2, "take", "one", cast=False)]
    with pytest.raises(Wrong, match=r"nothing was acknowledged; \[1, 2\] were refused, the first as: the disk is full"):
        run.play(asked, Kill("the server", 0.1))


def test_what_was_handled_twice_is_told_with_how_many_inputs_lay_between():
    seen = Seen()
    for number, ticks in [(1, 0), (2, 0), (3, 90), (1, 100)]:
        changed = _kills.also(Seen(seen.numbers, seen.ticked, tuple(range(ticks))), number)
        seen = Seen(changed["numbers"], changed["ticked"])
    run = Run(open_memory, Once, Path("none"), None, ticked={"one": [*seen.ticked]})
    assert [number for number, times in Counter(seen.numbers).items() if times > 1] == [1]
    told = _kills._between(run, "one", seen.numbers, 1)
    assert told == "1 with at least 102 inputs between; it remembers 80"
