"""`jido-trio replay`: a conversation that was kept is shown, and gone through with other answers."""

import io
import json
import sys

import pytest

from jido_trio.cli import main
from tests.cli import planners


@pytest.fixture
def log(tmp_path, monkeypatch, capsys):
    """The file of a talk in which a hotel was booked."""
    path = str(tmp_path / "chat.db")
    monkeypatch.setattr(sys, "stdin", io.StringIO("book the Grand\ny\n"))
    planner = planners.kept(planners.CODED, "It is booked.")
    assert main(["chat", f"tests.cli.planners:{planner}", "--log", path, "--json"]) == 0
    talked = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    kinds = [line["kind"] for line in talked]
    assert kinds[:3] + kinds[-2:] == ["approval", "tool", "result", "text", "end"]
    return path


@pytest.fixture
def replay(log, capsys):
    def run(*options):
        code = main(["replay", log, *options])
        written = capsys.readouterr()
        return code, (written.out + written.err).splitlines()

    return run


def test_it_shows_what_was_said_and_done(replay):
    code, lines = replay()
    assert code == 0
    assert lines[0].endswith("asks: book the Grand")
    assert lines[1:-1] == [
        "  call 1.1 of m",
        '  it wants book {"hotel": "Grand", "code": "***"} (call_1_1)',
        "  call_1_1 is allowed by terminal",
        "  call_1_1 is run",
        '  call_1_1 returns: {"hotel": "Grand"}',
        "  call 2.1 of m",
        "  it says: It is booked.",
    ]
    assert lines[-1].endswith("is answered (2 calls, 1 tools, 43 tokens)")


def test_the_same_log_is_the_same_text_byte_for_byte_and_holds_no_secret(replay):
    first = replay("--json")
    assert replay("--json") == first
    assert "s3cret" not in str(first)
    events = [json.loads(line) for line in first[1]]
    assert [event["event"] for event in events] == [
        "Asked", "Called", "Replied", "Approved", "Begun", "Returned", "Called", "Replied", "Ended",
    ]  # fmt: skip


def answers(tmp_path, *lines):
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    return str(path)


def test_whatif_with_nothing_else_is_what_was(replay, tmp_path):
    _, was = replay()
    code, lines = replay("--whatif", answers(tmp_path))
    assert code == 0
    assert lines[:-1] == was[:-1]  # but for the tokens


def test_whatif_another_answer_was_given_it_goes_on_from_there(replay, tmp_path):
    code, lines = replay("--whatif", answers(tmp_path, {"call": 1, "text": "The Grand is full."}))
    assert code == 0
    assert "  it says: The Grand is full." in lines
    assert " is answered" in lines[-1]


def test_a_text_or_calls_that_are_null_are_none(replay, tmp_path):
    _, lines = replay("--whatif", answers(tmp_path, {"call": 1, "text": None, "calls": [["bok", {}]]}))
    assert "None" not in str(lines)
    _, lines = replay("--whatif", answers(tmp_path, {"call": 1, "text": "Full.", "calls": None}))
    assert "  it says: Full." in lines


def test_a_line_of_answers_ends_where_it_ends_whatever_is_in_its_text(replay, tmp_path):
    path = tmp_path / "answers.jsonl"
    told = json.dumps({"call": 1, "text": "full\u2028\u0085up"}, ensure_ascii=False)
    path.write_bytes(f"\ufeff{told}\r\n\r\n".encode())
    code, lines = replay("--whatif", str(path))
    assert code == 0
    assert "  it says: full\\u2028\\x85up" in lines


def test_whatif_ends_where_nobody_knows_and_says_what_to_add(replay, tmp_path):
    code, lines = replay(
        "--whatif", answers(tmp_path, {"call": 1, "calls": [["book", {"hotel": "Ritz", "code": "x"}]]})
    )
    assert code == 0
    assert lines[-1].startswith("it ends here, and wants: book, or that somebody allows it")
    code, lines = replay(
        "--whatif",
        answers(
            tmp_path,
            {"call": 1, "calls": [["book", {"hotel": "Ritz", "code": "x"}]]},
            {"tool": "book", "arguments": {"hotel": "Ritz", "code": "x"}, "returns": "full", "error": True},
        ),
    )
    assert "  call_1_1 says no: full" in lines
    assert lines[-1] == 'it ends here, and wants: call 2 of m: say {"call": 2, "text": ...}'


@pytest.mark.parametrize("line", ['"x"', "[]", '{"call": "two"}', '{"tool": "book"}', "{", '{"call": 1, "calls": [1]}'])
def test_an_answer_that_is_none_is_named_by_its_line(replay, tmp_path, line):
    path = tmp_path / "answers.jsonl"
    path.write_text(line)
    code, [told] = replay("--whatif", str(path))
    assert code == 2
    assert "line 1 of" in told


def test_what_can_not_be_replayed_is_said_in_a_line(replay, tmp_path):
    assert replay("nobody")[0] == 2
    assert replay("--whatif", str(tmp_path / "none"))[0] == 2
