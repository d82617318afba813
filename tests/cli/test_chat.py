"""`jido-trio chat`: speak with an agent."""

import io
import json
import signal
import sys
import threading
from typing import Any

import pytest

from jido_trio.cli import main
from jido_trio.errors import StorageFailed
from tests.cli import shoppers
from tests.cli.planners import CODED, LONG, kept


@pytest.fixture
def talk(monkeypatch, capsys):
    """Say lines to an agent of tests/cli/planners.py; return the exit code, and what was written."""

    def run(agent, lines, *options):
        monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
        code = main(["chat", f"tests.cli.planners:{agent}", *options])
        written = capsys.readouterr()
        return code, written.out + written.err

    return run


def test_an_answer_is_written_without_what_would_steer_the_terminal(talk):
    assert talk("Planner", "Oslo\n") == (0, "> Snow?[2J in Oslo\n> ")


def test_a_tool_is_run_once_it_is_allowed(talk):
    code, out = talk("Booker", "book\ny\n")
    assert code == 0
    assert "run 'book' '{\"hotel\": \"Grand\"}'? [y/N]" in out
    assert '[returned \'{"hotel": "Grand"}\']' in out
    assert "It is booked." in out


def test_who_allows_a_tool_sees_all_of_its_arguments(talk):
    _, out = talk(kept(LONG), "book\n")
    assert f"""run 'book' '{{"hotel": "{"G" * 300}", "code": "***"}}'? [y/N]""" in out


def test_a_secret_argument_is_in_no_line_of_json(talk):
    _, out = talk(kept(LONG), "book\n", "--json")
    assert [json.loads(line)["kind"] for line in out.splitlines()] == ["approval", "end"]
    assert "s3cret" not in out


def test_spaces_and_joiners_that_languages_need_are_written_as_they_are(talk):
    assert talk("French", "hi\n") == (0, "> 10\u202f000\u00a0€, \u06cc\u200c\u062e\n> ")


def test_an_input_that_is_closed_is_at_its_end(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["chat", "tests.cli.planners:Planner"]) == 0
    assert capsys.readouterr().out == "> "


def test_a_failure_is_told_in_a_line(talk):
    code, out = talk("Silent", "hi\n")
    assert code == 0
    assert "[NotAnswered: 'the script is at its end']" in out


def test_a_conversation_goes_on_from_its_file(talk, tmp_path):
    log = str(tmp_path / "chat.db")
    assert talk("Kept", "hi\n", "--log", log) == (0, "> one\n> ")
    assert talk("Kept", "again\n", "--log", log) == (0, "> two\n> ")


def test_the_end_of_the_input_decides_nothing_and_the_next_talk_asks_again(talk, tmp_path):
    log = str(tmp_path / "chat.db")
    name = kept(CODED, "It is booked.")
    code, out = talk(name, "book\n", "--log", log)
    assert (code, out.count("[y/N]")) == (0, 1)
    assert out.endswith("[NeedsApproval]\n")

    code, out = talk(name, "y\n", "--log", log)
    assert (code, out.count("[y/N]")) == (0, 1)
    assert "It is booked." in out


@pytest.mark.seconds(60)
def test_servers_of_tools_are_there_those_of_teammates_too(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("Three pens\n"))
    assert main(["chat", "tests.cli.shoppers:Boss"]) == 0
    asked: Any = shoppers.MODELS["buyer"].client
    assert asked.requests[-1].prompt.messages[-1].content == "3 ordered"
    assert capsys.readouterr().out.endswith("Bought.\n> ")


def test_a_class_that_can_be_kept_needs_no_file(talk):
    assert talk(kept("one"), "hi\n") == (0, "> one\n> ")


def test_what_ends_a_talk_is_said_in_a_line(talk, monkeypatch):
    async def fails(*_: object) -> None:
        raise StorageFailed("chat.db", "the disk is full")

    monkeypatch.setattr("jido_trio.cli._chat.ask", fails)
    code, out = talk("Planner", "hi\n")
    assert code == 2
    assert out.startswith("> jido-trio: the storage 'chat.db' failed: the disk is full")


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_input_is_read_as_utf_8_in_each_locale_and_what_is_none_is_replaced(encoding, monkeypatch, capsys):
    given = io.BytesIO("Bodø\n".encode() + "Bodø\n".encode("latin-1"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(given, encoding))
    echo = [lambda prompt: prompt.messages[-1].text] * 2
    assert main(["chat", f"tests.cli.planners:{kept(*echo)}"]) == 0
    assert capsys.readouterr().out == "> Bodø\n> Bod\ufffd\n> "


class Interrupted(io.StringIO):
    """A terminal at which Control-C comes at the question, and the next line once the request is cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.cancelled = 0, threading.Event()

    def write(self, text: str) -> int:
        if "[Cancelled]" in text:
            self.cancelled.set()
        return super().write(text)

    def readline(self, *_: object) -> str:  # type: ignore[override]  # as it is there
        self.asked += 1
        if self.asked == 2:
            signal.raise_signal(signal.SIGINT)
            self.cancelled.wait(10)
        return ["book\n", "again\n", ""][self.asked - 1]


def test_control_c_at_the_question_cancels_the_request_and_takes_no_line_of_the_next(monkeypatch):
    terminal = Interrupted()
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main(["chat", f"tests.cli.planners:{kept(CODED, 'It is you again.')}"]) == 0
    assert terminal.getvalue().endswith("[Cancelled]\n> It is you again.\n> ")


@pytest.mark.parametrize(
    ("agent", "options", "says"),
    [
        ("Mute", (), "has no models"),
        ("Trip", (), "speaks with no models"),
        ("Planner", ("--log", "x.db"), "isn't kept, so --log has nothing to write: say durable=True"),
    ],
)
def test_what_can_not_be_spoken_with_is_said_in_a_line(talk, agent, options, says):
    code, out = talk(agent, "", *options)
    assert code == 2
    assert out.startswith("jido-trio: ")
    assert says in out


def test_a_module_that_is_not_there_is_said_in_a_line(capsys):
    assert main(["chat", "no_such_module:Agent"]) == 2
    assert "can't be imported" in capsys.readouterr().err
