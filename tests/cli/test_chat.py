"""`jido-trio chat`: speak with an agent."""

import io
import sys

import pytest

from jido_trio.cli import main


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


def test_a_failure_is_told_in_a_line(talk):
    code, out = talk("Silent", "hi\n")
    assert code == 0
    assert "[NotAnswered: 'the script is at its end']" in out


def test_a_conversation_goes_on_from_its_file(talk, tmp_path):
    log = str(tmp_path / "chat.db")
    assert talk("Kept", "hi\n", "--log", log) == (0, "> one\n> ")
    assert talk("Kept", "again\n", "--log", log) == (0, "> two\n> ")


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
