"""`jido-trio inspect` of a real program in another process, over a real socket."""

import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
import trio.testing
from attrs import frozen

from jido_trio import Action, Agent, Context, Instruction, Jido, Result, RunInstruction, Signal
from jido_trio.cli import main
from jido_trio.cli._inspect import _as_text, ask

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys, trio
from attrs import frozen
from jido_trio import Action, Agent, Child, Jido, Secret, Signal, SpawnAgent

@frozen
class Desk:
    title: str = "none"
    key: Secret[str] = "canary-of-the-desk"

class Write(Action):
    title: str
    def run(self, context):
        return {"title": self.title}

class Hire(Action):
    def run(self, context):
        return SpawnAgent(Clerk, "clerk", id="bob")

class Clerk(Agent[Desk], routes={"write": Write, "hire": Hire}): ...

async def clock(task_status):
    task_status.started()
    await trio.sleep_forever()

async def main():
    async with Jido("office", inspect=sys.argv[1], services=[Child("clock", clock)]) as jido:
        ann = await jido.start_agent(Clerk, id="ann")
        await ann.call(Signal("write", {"title": "a\\x1b[31m letter"}))
        await ann.call(Signal("hire"))
        await trio.testing.wait_all_tasks_blocked()
        print("up", flush=True)
        await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)

import trio.testing
trio.run(main)
print("down", flush=True)
"""


@contextmanager
def running(path: Path) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "up\n"
            yield process
        finally:
            process.kill()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:  # a short path: those of pytest may be too long for a socket
        yield Path(name)


@pytest.fixture
def path(folder: Path) -> Path:
    return folder / "office.sock"


@pytest.fixture(scope="module")
def office() -> Iterator[Path]:
    """The socket of a program that runs all the while, for tests that only look."""
    with tempfile.TemporaryDirectory() as name, running(Path(name) / "office.sock"):
        yield Path(name) / "office.sock"


def inspected(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["inspect", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["inspect", *map(str, arguments)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    return told.err.splitlines()[-1]


def test_the_agents_of_a_running_program_are_shown_as_text_and_as_json(office, capsys):
    text = inspected(capsys, office)
    told = json.loads(inspected(capsys, office, "--json"))

    assert text.splitlines() == [
        "instance 'office' is up: 2 agents (2 idle)",
        "messages: 3 accepted, 2 handled, 1 dropped",
        "restarts that count: 0; timers: 0; ready agents: 0",
        "services:",
        "  'clock' running, life 1",
        "agents:",
        "  'ann' Clerk, idle, life 1",
        "    'bob' Clerk, idle, life 1",
    ]
    assert [agent["id"] for agent in told["agents"]] == ["ann", "bob"]
    assert told["instance"]["ledger"]["accepted"] == 3


def test_one_agent_is_shown_with_its_state_but_for_its_secrets_and_without_control_characters(office, capsys):
    text = inspected(capsys, office, "--agent", "ann")
    told = inspected(capsys, office, "--agent", "ann", "--json")

    assert "  state: {'title': 'a\\x1b[31m letter', 'key': '***'}" in text.splitlines()
    assert "  child 'clerk': 'bob'" in text.splitlines()
    assert ("\x1b" in text + told, "canary" in text + told) == (False, False)


@frozen
class Errands:
    done: int = 0


class Run(Action):
    how_far: str

    async def run(self, context: Context[Errands]) -> Result:
        context.progress(self.how_far)
        await trio.sleep(1000)
        return {}


class Send(Action):
    def run(self, context: Context[Errands]) -> Result:
        in_lane = [RunInstruction(Instruction(Run(how_far="half")), lane="shop") for _ in range(3)]
        return [*in_lane, RunInstruction(Instruction(Run(how_far="at the bakery")))]


class Errand(Agent[Errands], routes={"send": Send}): ...


def test_async_actions_and_lanes_are_shown(path):
    async def seen() -> tuple[str, str]:
        async with Jido("office", inspect=path) as jido:
            ann = await jido.start_agent(Errand, id="ann")
            await ann.call(Signal("send"))
            await trio.testing.wait_all_tasks_blocked()
            return _as_text(await ask(str(path), None, 10)), _as_text(await ask(str(path), "ann", 10))

    whole, one = trio.run(seen)

    assert whole.splitlines()[-1] == "  'ann' Errand, idle, life 1, 2 tasks, runs run, 2 wait in lane 'shop'"
    told = [re.sub(r"for \d+\.\d s", "for a while", line) for line in one.splitlines() if "async action" in line]
    assert told == [
        "  async action run in lane 'shop', for a while: 'half'",
        "  async action run in lane 'shop', waits",
        "  async action run in lane 'shop', waits",
        "  async action run, for a while: 'at the bakery'",
    ]


def test_agents_that_are_not_named_are_counted(office, capsys):
    text = inspected(capsys, office, "--limit", 1)

    assert text.splitlines()[-2:] == ["  'ann' Clerk, idle, life 1", "  and 1 more: give --limit, or --agent ID"]


def test_an_agent_that_is_not_there_is_an_error_that_names_the_nearest(office, capsys):
    error = refused(capsys, office, "--agent", "anne")

    assert error == "jido-trio inspect: error: no agent has the id 'anne'; did you mean 'ann'?"


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
def test_a_program_is_watched_until_it_ends(path, form):
    command = [sys.executable, "-m", "jido_trio.cli", "inspect", str(path), "--watch", "0.01", *form]
    with running(path) as process, subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        seen = 0
        for line in watching.stdout:
            seen += "instance" in line
            if seen == 3 and process.poll() is None:
                process.communicate("\n")
        assert watching.wait(60) == 0

    assert seen >= 3


@pytest.mark.parametrize(("kind", "draws"), [("xterm-256color", True), ("dumb", False)])
def test_a_terminal_that_can_draws_one_picture_over_the_other(path, kind, draws):
    command = [sys.executable, "-m", "jido_trio.cli", "inspect", str(path), "--watch", "0.01"]
    ours, theirs = pty.openpty()
    size = {"COLUMNS": "100", "LINES": "40", "TERM": kind}
    with (
        running(path) as process,
        subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=os.environ | size) as watching,
    ):
        os.close(theirs)
        screen = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                screen += os.read(ours, 65_536)
            except OSError:  # how Linux says that nobody writes any more
                break
            if screen.count(b"instance") > 2 and process.poll() is None:
                process.communicate("\n")
        assert watching.wait(60) == 0
    os.close(ours)

    assert "instance 'office' is up: 2 agents" in screen.decode()
    assert (b"\x1b[" in screen) == draws


def test_watching_ends_by_control_c(office):
    command = [sys.executable, "-m", "jido_trio.cli", "inspect", str(office), "--watch"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        watching.stdout.read()
        assert watching.wait(60) == 130


def test_a_program_that_ends_takes_its_socket_along(path):
    with running(path) as process:
        assert path.stat().st_mode & 0o777 == 0o600
        out, _ = process.communicate("\n")

    assert (out, path.exists()) == ("down\n", False)


def test_a_socket_of_a_program_that_was_killed_is_told_and_the_next_program_takes_its_place(path, capsys):
    with running(path) as process:
        process.kill()
        process.wait(60)
        error = refused(capsys, path)
    with running(path):
        text = inspected(capsys, path)

    assert error.endswith("any more: the program that made it has ended")
    assert text.startswith("instance 'office' is up")


def test_what_is_no_socket_is_refused(folder, capsys):
    (folder / "file").write_text("")
    for what in (folder, folder / "file"):
        assert "is no socket; give the path that the program was given" in refused(capsys, what)
    assert "there is no" in refused(capsys, folder / "nothing")
    assert "can't be looked at" in refused(capsys, "a\0b")
    assert "can't be looked at" in refused(capsys, folder / ("x" * 300))


@contextmanager
def answering(path: Path, answer: bytes) -> Iterator[None]:
    """Have something else answer at a socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


def test_a_program_that_ends_before_it_has_answered_is_an_error(path, capsys):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(path))
        listening.listen()

        def end() -> None:
            connection, _ = listening.accept()
            connection.recv(1)  # the rest is never read, which breaks the connection
            connection.close()

        thread = threading.Thread(target=end)
        thread.start()
        assert "any more: the program that made it has ended" in refused(capsys, path)
        thread.join()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "is no instance of jido_trio, or one of another version"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "is no instance of jido_trio, or one of another version"),
        (b"[" * 100_000, "is no instance of jido_trio, or one of another version"),
        (b'{"instance": 1, "agents": []}', "what it shows is of another version"),
        (b'{"error": "\\u001b[31mred"}', "\\x1b[31mred"),
    ],
    ids=["nothing", "HTTP", "too deep", "another version", "control characters"],
)
def test_what_answers_and_is_no_instance_is_refused(path, capsys, answer, why):
    with answering(path, answer):
        error = refused(capsys, path)

    assert why in error
    assert "\x1b" not in error
