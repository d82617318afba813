"""The command as people run it: real processes, real files, real time."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from jido_trio.cli import main

COMMAND = [sys.executable, "-m", "jido_trio.cli"]


def demo(*arguments):
    return subprocess.run([*COMMAND, "demo", *arguments], capture_output=True, text=True, timeout=120, check=False)


def report(*arguments):
    ran = demo(*arguments, "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def plain():
    """The report of a run without any option."""
    return report()


def test_the_samples_are_read_and_the_broken_ones_refused(plain):
    count = plain["documents"]
    assert count["done"] + count["refused"] == count["found"] > 0
    assert {Path(one["path"]).parent.name for one in plain["refused"]} == {"broken"}


def test_each_message_had_one_fate(plain):
    count = plain["messages"]
    assert count["accepted"] == sum(number for fate, number in count.items() if fate != "accepted") > 0
    assert count["waiting"] == 0


def test_a_socket_that_cannot_be_is_wrong_usage(tmp_path):
    ran = demo("--inspect", str(tmp_path))
    assert ran.returncode == 2
    assert "there is a file or a folder, and no socket" in ran.stderr


def test_the_bug_in_the_summary_meets_a_sample_and_only_its_worker_is_restarted(plain):
    assert [Path(one["path"]).name for one in plain["done"] if one["careful"]] == ["2024-04-09-board.md"]
    assert sorted(worker["restarts"] for worker in plain["workers"]) == [0, 0, 0, 1]
    assert plain["restarts"]["n"] == 1


def test_under_chaos_nothing_is_lost(plain):
    every = plain["seconds"] / 10  # as often as this machine has time to start what is killed anew
    told = report("--chaos", "--chaos-every", f"{every:.3f}", "--seed", "7")
    assert told["chaos"]["kills"] > 0
    assert told["documents"]["done"] == plain["documents"]["done"]
    for worker in told["workers"]:
        assert worker["incarnation"] == 1 + worker["crashes"] + worker["kills"]


def test_any_folder_will_do():
    told = report("--input", str(Path(sysconfig.get_path("stdlib"), "email")), "--workers", "2")
    assert told["documents"]["found"] >= 20
    assert told["documents"]["lost"] == 0


@pytest.fixture(scope="module")
def lines():
    """What a run without any option writes into a pipe; colours are forced, and a pipe gets none all the same."""
    command, environment = [*COMMAND, "demo"], os.environ | {"FORCE_COLOR": "1"}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0
    return ran.stdout


def test_into_a_pipe_go_plain_lines_even_where_colours_are_forced(lines):
    assert "\x1b" not in lines
    assert "refused broken/empty.txt: file is empty" in lines
    assert "0 lost" in lines


def test_a_refusal_is_told_once(lines):
    assert lines.count("broken/empty.txt") == 1
    assert lines.count("file is empty") == 1


def test_chaos_kills_somebody_while_the_samples_are_read():
    assert report("--chaos")["chaos"]["kills"] > 0


def test_names_and_reasons_can_not_draw_on_the_terminal(tmp_path):
    for name in ("esc\x1b[31m.txt", "bell\x07.txt", "two\nLOST.txt", "cr\r.txt", "rtl\u202e.txt", "byte\udcff.txt"):
        (tmp_path / name).touch()
    ran = demo("--input", str(tmp_path), "--workers", "1")
    assert re.findall("[^\n\\x20-\\x7e]", ran.stdout) == []
    assert not re.search("^LOST", ran.stdout, re.MULTILINE)
    assert "6 documents" in ran.stdout


def test_a_reader_that_goes_away_ends_it_quietly(tmp_path):
    for number in range(2_000):
        (tmp_path / f"{number}.txt").touch()
    command = [*COMMAND, "demo", "--input", tmp_path, "--workers", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk here that is always full")
@pytest.mark.parametrize("arguments", [[], ["--json"]], ids=["lines", "json"])
def test_a_full_disk_is_told_in_a_line(arguments, tmp_path):
    (tmp_path / "empty.txt").touch()
    with Path("/dev/full").open("w") as full:
        command = [*COMMAND, "demo", "--input", str(tmp_path), "--workers", "1", *arguments]
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert ran.returncode == 1
    assert ran.stderr == "jido-trio: can't write the output: No space left on device\n"


def test_a_terminal_that_calls_itself_dumb_gets_lines(tmp_path):
    (tmp_path / "empty.txt").touch()
    code, screen = on_a_terminal(*COMMAND, "demo", "--input", str(tmp_path), "--workers", "1", kind="dumb")
    assert code == 0
    assert "\x1b" not in screen
    assert "refused empty.txt: file is empty" in screen


def test_a_terminal_shows_the_tree_and_then_the_report():
    code, screen = on_a_terminal(*COMMAND, "demo")
    assert code == 0
    assert "\x1b[" in screen
    assert "incarnation 1" in screen
    assert "coordinator" in screen
    assert "0 lost" in screen


def on_a_terminal(*command, kind="xterm-256color"):
    """Run a command with a terminal of 100 columns, and return its exit code and all that it wrote."""
    ours, theirs = pty.openpty()
    size = {"COLUMNS": "100", "LINES": "40", "TERM": kind}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=os.environ | size) as process:
        os.close(theirs)
        written = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                written += os.read(ours, 65_536)
            except OSError:  # how Linux says that nobody writes any more
                break
    os.close(ours)
    return process.returncode, written.decode()


def test_ctrl_c_ends_it_with_what_was_done_so_far(tmp_path):
    Path(tmp_path, "0.txt").touch()
    Path(tmp_path, "1.txt").write_text("the lamp is lit " * 20_000, encoding="utf-8")
    for number in range(2, 500):
        Path(tmp_path, f"{number}.txt").symlink_to("1.txt")
    with subprocess.Popen([*COMMAND, "demo", "--input", tmp_path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)  # at a moment when half a minute's work is still to be done
        rest = process.stdout.read()
    assert first == "refused 0.txt: file is empty\n"
    assert "1 refused" in rest
    assert "unfinished (interrupted)" in rest
    assert process.returncode == 130


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--input", "/no/such/folder"], "there is no such folder"),
        (["--workers", "0"], "not a whole number from 1"),
        (["--workers", "many"], "not a whole number from 1"),
        (["--chaos", "--chaos-every", "0"], "not a number of seconds"),
        (["--chaos-every", "1"], "give --chaos, too"),
        (["--seed", "1"], "give --chaos, too"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_told_and_ends_with_2(arguments, complaint, capsys):
    assert main(["demo", *arguments]) == 2
    assert complaint in capsys.readouterr().err


def test_a_folder_without_documents_is_wrong_usage(tmp_path, capsys):
    assert main(["demo", "--input", str(tmp_path)]) == 2
    assert "no documents in" in capsys.readouterr().err


def test_a_folder_that_may_not_be_listed_is_wrong_usage_and_nothing_is_counted(tmp_path, monkeypatch, capsys):
    def denied(*_args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", denied)
    assert main(["demo", "--input", str(tmp_path)]) == 2
    told = capsys.readouterr()
    assert "it may not be listed: Permission denied" in told.err
    assert told.out == ""


def test_without_the_extra_it_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "jido_trio.demo", raising=False)
    monkeypatch.setitem(sys.modules, "rich", None)
    assert main(["demo"]) == 2
    assert "pip install 'jido-trio[demo]'" in capsys.readouterr().err


def test_without_a_command_it_tells_the_commands(capsys):
    assert main([]) == 2
    assert "demo" in capsys.readouterr().out


def test_the_version_is_told_without_loading_what_only_the_demo_needs():
    program = (
        "import sys; from jido_trio.cli import main; code = main(['--version']); "
        "sys.exit(code or bool({'rich', 'pypdf', 'chardet', 'webencodings'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0
    assert ran.stdout.startswith("jido-trio ")
