"""Control-C, sent to a real process that runs a small tree."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TREE = """
import trio
from jido_trio.supervision import Child, open_supervisor, supervisor_child

async def worker(id, task_status):
    say("+" + id)
    task_status.started()
    try:
        await trio.sleep_forever()
    finally:
        with trio.CancelScope(shield=True):
            await trio.lowlevel.checkpoint()
        say("-" + id)

async def spinner(task_status):
    task_status.started()
    while True:
        await trio.lowlevel.checkpoint()

def say(word):
    print(word, flush=True)

async def main():
    group = supervisor_child("group", [Child("b", worker, "b"), Child("c", worker, "c")])
    children = [Child("a", worker, "a"), group, Child("d", worker, "d")] + EXTRA
    async with open_supervisor(children):
        say("up")
        await trio.sleep_forever()

try:
    trio.run(main)
except KeyboardInterrupt:
    say("KeyboardInterrupt")
    raise
finally:
    say("end")
"""


@contextmanager
def running(program: str) -> Iterator[subprocess.Popen[str]]:
    """Run a Python program, its output on a pipe; afterwards it is gone."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], word: str) -> list[str]:
    assert process.stdout is not None
    words = []
    for line in process.stdout:
        words.append(line.strip())
        if words[-1] == word:
            return words
    pytest.fail(f"the program ended before it said {word!r}: {words}")


# Idle, the signal reaches the block; with a spinning child it reaches whichever task runs, mostly that one.
@pytest.mark.parametrize("extra", ["[]", "[Child('spinner', spinner)]"])
@pytest.mark.skipif(sys.platform == "win32", reason="there SIGINT can't be sent to a process")
def test_control_c_takes_the_tree_down_in_reverse_order_and_ends_as_trio_does(extra):
    with running(TREE.replace("EXTRA", extra)) as process:
        started = read_until(process, "up")
        process.send_signal(signal.SIGINT)
        stopped, errors = process.communicate(timeout=30)

    assert started == ["+a", "+b", "+c", "+d", "up"]
    assert stopped.split() == ["-d", "-c", "-b", "-a", "KeyboardInterrupt", "end"]
    assert process.returncode in (-signal.SIGINT, 130)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert "ExceptionGroup" not in errors


LINGERING = TREE.replace(
    "await trio.lowlevel.checkpoint()\n        say",
    'say("closing " + id)\n            await trio.sleep(0.2)\n        say',
)


@pytest.mark.skipif(sys.platform == "win32", reason="there SIGINT can't be sent to a process")
def test_a_second_control_c_while_the_tree_goes_down_does_not_break_the_order():
    with running(LINGERING.replace("EXTRA", "[]")) as process:
        read_until(process, "up")
        process.send_signal(signal.SIGINT)
        read_until(process, "closing d")
        process.send_signal(signal.SIGINT)
        stopped, _ = process.communicate(timeout=30)

    ends = [word for word in stopped.split() if word.startswith("-")]
    assert ends[-3:] == ["-c", "-b", "-a"]  # the clean-up of d may be what it interrupts
    assert "KeyboardInterrupt" in stopped.split()
    assert process.returncode in (-signal.SIGINT, 130)
