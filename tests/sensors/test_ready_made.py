"""Ready-made sensors, each at the real thing: files, processes, sockets."""

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from jido_trio import Action, Agent, Context, Jido, Result, Signal
from jido_trio.core import StartSensor
from jido_trio.errors import InvalidDefinition
from jido_trio.runtime import wait_state
from jido_trio.sensors import Heartbeat, ProcessLines, SocketLines, TailLines
from jido_trio.sensors._lines import LineBuffer, _Tail


@frozen
class Heard:
    lines: list[Any] = field(factory=list)


class Hear(Action):
    line: str | None = None
    cut: bool = False

    def run(self, context: Context[Heard]) -> Result:
        return {"lines": [*context.state.lines, self.line]}


class Ended(Action):
    tag: str
    sensor: str
    reason: str
    meta: dict[str, Any]

    def run(self, context: Context[Heard]) -> Result:
        return {"lines": [*context.state.lines, f"{self.tag} {self.reason}"]}


ROUTES = {"line": Hear, "jido.sensor.heartbeat": Hear, "jido.agent.sensor.exit": Ended}


def hearing(sensor: Any, **options: Any) -> type[Agent[Heard]]:
    class Hearing(Agent[Heard], routes=ROUTES, sensors=[StartSensor("s", sensor, **options)]): ...

    return Hearing


async def heard(ref: Any, *lines: Any) -> None:
    with trio.fail_after(20):
        await wait_state(ref, lambda state: state.lines == list(lines), timeout=20)


def is_there(path: str) -> bool:
    return Path(path).exists()


async def connected(path: str) -> trio.SocketStream:
    with trio.fail_after(10):
        while True:
            try:
                return await trio.open_unix_socket(path)
            except OSError:
                await trio.sleep(0.01)


async def test_an_interval_sends_a_signal_in_each(autojump_clock):
    async with Jido() as jido:
        ref = await jido.start_agent(hearing(Heartbeat(seconds=5)))
        await trio.sleep(11)
        assert len(ref.agent.state.lines) == 2


async def test_lines_that_are_appended_to_a_file_are_sent_over_rotation_and_cutting(tmp_path):
    path = tmp_path / "log"
    path.write_text("old\n")
    async with Jido() as jido:
        ref = await jido.start_agent(hearing(TailLines(path=str(path), seconds=0.01)))
        await jido.start_agent(hearing(TailLines(path=str(tmp_path / "nothing"))))
        await trio.sleep(0.1)
        with path.open("a") as file:
            file.write("one\r\ntw")
        await heard(ref, "one")
        with path.open("a") as file:
            file.write("o\n")
        await heard(ref, "one", "two")
        path.rename(tmp_path / "log.1")
        path.write_text("three\n")
        await heard(ref, "one", "two", "three")
        path.write_text("4\n")
        await heard(ref, "one", "two", "three", "4")


def test_what_a_file_was_given_last_is_read_before_the_one_that_takes_its_place(tmp_path):
    path = tmp_path / "log"
    path.write_text("one\n")
    tail = _Tail(str(path))
    assert tail.read() == b"one\n"
    with path.open("a") as file:
        file.write("late\n")
        path.rename(tmp_path / "log.1")
        file.write("later, and no end")
    assert tail.read() == b"late\nlater, and no end"
    assert tail.read() == b""
    path.write_text("two\n")
    assert tail.read() is None
    assert tail.read() == b"two\n"
    tail.close()


def test_a_file_that_is_cut_is_read_from_its_beginning(tmp_path):
    path = tmp_path / "log"
    tail = _Tail(str(path))
    tail.skip()
    assert tail.read() == b""
    path.write_text("one\n")
    assert tail.read() == b"one\n"
    path.write_text("")
    assert tail.read() is None
    path.write_text("two\n")
    assert tail.read() == b"two\n"
    tail.close()
    tail.close()


async def test_what_is_no_file_is_a_crash_of_the_sensor_and_does_not_hold_it_up(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    async with Jido(on_report=lambda report: None) as jido:
        ref = await jido.start_agent(hearing(TailLines(path=str(tmp_path / "pipe")), restart="temporary"))
        await heard(ref, "s crash")


async def test_a_file_may_be_read_from_its_start(tmp_path):
    path = tmp_path / "log"
    path.write_text("one\ntwo\n")
    async with Jido() as jido:
        ref = await jido.start_agent(hearing(TailLines(path=str(path), from_start=True)))
        await heard(ref, "one", "two")


async def test_what_a_process_prints_is_sent_and_its_end_is_told():
    command = [sys.executable, "-c", "print('a'); print('b', end='')"]
    async with Jido() as jido:
        ref = await jido.start_agent(hearing(ProcessLines(command=command)))
        await heard(ref, "a", "b", "s normal")


async def test_a_process_that_fails_is_a_crash_of_the_sensor():
    command = [sys.executable, "-c", "print('a'); raise SystemExit(3)"]
    async with Jido(on_report=lambda report: None) as jido:
        ref = await jido.start_agent(hearing(ProcessLines(command=command), restart="temporary"))
        await heard(ref, "a", "s crash")


async def test_a_process_ends_with_its_agent(tmp_path):
    path = tmp_path / "pid"
    says_its_id = f"import os, time; open({str(path)!r}, 'w').write(str(os.getpid())); print('up', flush=True)"
    program = f"{says_its_id}; time.sleep(99)"
    async with Jido() as jido:
        ref = await jido.start_agent(hearing(ProcessLines(command=[sys.executable, "-c", program])))
        await heard(ref, "up")
        pid = int(path.read_text())
    assert sys.platform != "linux" or not is_there(f"/proc/{pid}")


async def test_lines_that_several_write_to_a_socket_are_sent(tmp_path):
    path = str(tmp_path / "s")
    async with Jido() as jido:
        ref = await jido.start_agent(hearing(SocketLines(path=path)))
        first, second = await connected(path), await connected(path)
        await first.send_all(b"one\n")
        await heard(ref, "one")
        await second.send_all(b"two\nthr")
        await heard(ref, "one", "two")
        await second.aclose()
        await heard(ref, "one", "two", "thr")
        await first.aclose()
    assert not is_there(path)


async def test_a_socket_that_a_dead_program_left_is_replaced(tmp_path):
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    async with Jido() as jido:
        ref = await jido.start_agent(hearing(SocketLines(path=path)))
        stream = await connected(path)
        await stream.send_all(b"here\n")
        await heard(ref, "here")
        await stream.aclose()


async def test_a_file_that_is_no_socket_is_left_alone_and_the_sensor_crashes(tmp_path):
    path = tmp_path / "s"
    path.write_text("precious")
    async with Jido(on_report=lambda report: None) as jido:
        ref = await jido.start_agent(hearing(SocketLines(path=str(path)), restart="temporary"))
        await heard(ref, "s crash")
    assert path.read_text() == "precious"


def test_lines_that_are_too_long_are_cut_and_say_so():
    lines = list(LineBuffer(3).feed(b"abcdef\nab\n\xff\n"))

    assert lines == [{"line": "abc", "cut": True}, {"line": "ab"}, {"line": "\ufffd"}]


@settings(max_examples=50)
@given(st.text(alphabet="ab\n"), st.integers(1, 5))
def test_lines_are_the_same_in_whatever_pieces_they_come(text, size):
    buffer, data = LineBuffer(100), text.encode()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    lines = [line["line"] for piece in pieces for line in buffer.feed(piece)]
    lines += [line["line"] for line in buffer.end()]

    assert lines == text.split("\n")[:-1] + [text.split("\n")[-1]] * bool(text.split("\n")[-1])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Heartbeat(seconds=0), "config of sensor 'heartbeat' doesn't fit"),
        (lambda: Heartbeat(second=1), "did you mean 'seconds'?"),  # type: ignore[call-arg]
        (lambda: ProcessLines(command=[]), "must name a program"),
    ],
)
def test_config_that_does_not_fit_is_refused_when_it_is_given(make, said):
    with pytest.raises(InvalidDefinition) as refusal:
        make()

    assert said in str(refusal.value)


def test_a_heartbeat_needs_nothing_but_its_interval():
    assert Signal(Heartbeat(seconds=1).type).type == "jido.sensor.heartbeat"
