"""That the benchmarks run and what they tell has its form; never how long anything took."""

import gc
import json
import math
import os
import signal
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from benchmarks.__main__ import main
from benchmarks._catalog import BENCHMARKS, run
from benchmarks._outside import PEERS, ROOT, Skipped, no_erlang, output
from benchmarks.compare import Library, _figures, _interpreter, _rows, _unless_skipped, table, table_of_rows
from benchmarks.keyed import main as keyed
from benchmarks.million import main as million
from benchmarks.plot import main as plot
from jido_trio.bench._measure import Benchmark, Contender, compare
from jido_trio.bench._stopwatch import Stopwatch, percentile
from jido_trio.bench._table import as_json, read

pytestmark = pytest.mark.workshop


@pytest.fixture(scope="module", autouse=True)
def garbage_of_other_tests():
    """Leave out of the collections, of which each turn makes one, what other tests have left."""
    gc.collect()
    gc.freeze()


def fixed(name, values):
    return Contender(name, "gives what it was told to", lambda size: list(values[:size]))


def compared(ours, bare, *, must=None, rounds=3):
    benchmark = Benchmark("a", "a benchmark", fixed("ours", ours), (fixed("bare", bare),), must=must)
    return compare(benchmark, rounds=rounds, size=len(ours))


SLOW = "hop"
"""It sends in large batches, also when it is quick."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.long] if at % 2 or name == SLOW else [])
        for at, name in enumerate(sorted(BENCHMARKS))
    ],
)
def test_a_quick_run_of_each_benchmark_gives_finite_numbers_and_a_ratio_to_each_baseline(name, tmp_path, capsys):
    main(["--quick", "--only", name, "--json", str(tmp_path / "run.json")])

    told = json.loads((tmp_path / "run.json").read_text())
    (comparison,) = told["comparisons"]
    figures = [
        number
        for measured in (comparison["ours"], *comparison["bare"])
        for number in (measured["p50"], measured["lowest"], *measured["rounds"])
    ]
    assert all(number > 0 and math.isfinite(number) for number in figures)
    assert [ratio["to"] for ratio in comparison["ratios"]] == [bare["name"] for bare in comparison["bare"]]
    assert told["rounds"] == 2
    assert len(comparison["ours"]["rounds"]) in {1, 2}  # one where a turn is long
    assert name in capsys.readouterr().out


def test_a_run_says_what_it_was_taken_on(tmp_path, capsys):
    main(["--quick", "--only", "cmd", "--json", str(tmp_path / "run.json")])

    machine = json.loads((tmp_path / "run.json").read_text())["machine"]
    assert set(machine["versions"]) == {"jido-trio", "trio", "attrs"}
    assert machine["python"] in capsys.readouterr().out


def test_an_unknown_benchmark_is_refused_by_name(capsys):
    with pytest.raises(SystemExit):
        main(["--only", "restart-everything"])
    assert "restart-everything" in capsys.readouterr().err


def test_a_ratio_is_ours_over_bare():
    assert compared([6.0] * 20, [2.0] * 20).ratios[0].ratio == 3


def test_the_first_tenth_of_a_turn_is_dropped():
    assert compared([900.0, 900.0] + [6.0] * 18, [2.0] * 20).ours.p50 == 6


def test_what_must_be_is_reached_up_to_its_very_ratio():
    assert compared([6.0] * 20, [2.0] * 20, must=3).reached is True
    assert compared([6.2] * 20, [2.0] * 20, must=3).reached is False
    assert compared([6.0] * 20, [2.0] * 20).reached is None


def test_tails_are_told_only_of_turns_long_enough_to_have_them():
    short, long = compared([1.0] * 50, [1.0] * 50), compared([1.0] * 2000, [1.0] * 2000)
    assert (short.ours.p99, short.ours.p999) == (None, None)
    assert (long.ours.p99, long.ours.p999) == (1, 1)


def test_contenders_come_first_in_turn():
    turns = []

    def noting(name):
        def sample(size):
            turns.append(name)
            return [1.0] * size

        return Contender(name, "notes its turns", sample)

    compare(Benchmark("a", "a benchmark", noting("ours"), (noting("bare"),)), rounds=2, size=10)
    assert turns == ["ours", "bare", "ours", "bare", "bare", "ours"]


def test_a_stopwatch_that_was_not_started_takes_no_lap():
    watch = Stopwatch()
    watch.stop()
    assert watch.laps == []


def test_a_percentile_is_one_of_the_values():
    assert percentile([3, 1, 2], 50) == 2
    assert percentile(range(1000), 99.9) == 999


def test_a_run_comes_back_from_its_json_as_it_was():
    result = run(["cmd"], quick=True)
    assert read(as_json(result)) == result


def test_the_page_and_the_picture_show_each_ratio(tmp_path):
    result = run(["restart-child", "cmd"], quick=True)
    (tmp_path / "run.json").write_text(as_json(result))
    plot([str(tmp_path / "run.json"), "--into", str(tmp_path)])

    page, picture = (tmp_path / "results.md").read_text(), (tmp_path / "ratios.svg").read_text()
    names = [element.text for element in ET.fromstring(picture).iter() if element.get("text-anchor") == "end"]
    assert names == ["restart-child / task", "restart-child / loop", "restart-child / nursery", "cmd / evolve"]
    assert all(f"{ratio.ratio:.2f}x" in page for comparison in result.comparisons for ratio in comparison.ratios)


def test_the_page_tells_what_must_be_and_whether_it_is(tmp_path):
    result = run(["cmd-made", "cmd"], quick=True)
    (tmp_path / "run.json").write_text(as_json(result))
    plot([str(tmp_path / "run.json"), "--into", str(tmp_path)])

    _, bounds, _ = (tmp_path / "results.md").read_text().split("\n## ")
    (row,) = (line for line in bounds.splitlines() if "µs" in line)
    assert "3x: reached" in row or "3x: missed" in row
    assert f"{result.comparisons[0].ratios[0].ratio:.2f}x" in row


@pytest.mark.parametrize("part", [["--only", "cmd"], ["--quick"]])
def test_only_a_whole_run_is_published(part, capsys):
    with pytest.raises(SystemExit):
        main(["--publish", *part])
    assert "--publish shows a whole run" in capsys.readouterr().err


def test_what_is_not_there_to_compare_with_is_skipped_and_named(monkeypatch, capsys):
    def absent():
        raise Skipped("it needs python9.9, which isn't on PATH")

    assert list(_unless_skipped("future", absent)) == []
    assert "SKIPPED future: it needs python9.9, which isn't on PATH" in capsys.readouterr().err
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "no `escript` on PATH" in str(no_erlang())


def test_an_interpreter_that_does_not_run_is_as_good_as_none(tmp_path, monkeypatch):
    placeholder = tmp_path / "python3.13"
    placeholder.write_text("#!/bin/sh\necho not installed >&2\nexit 127\n")
    placeholder.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(Skipped, match="not installed"):
        _interpreter(Library("any", "1", "python3.13", "does nothing"))


def test_a_comparison_sets_each_beside_ours_and_beside_the_loop():
    benchmark = Benchmark("a", "a", fixed("ours", [6.0] * 20), (fixed("loop", [2.0] * 20), fixed("peer", [12.0] * 20)))
    rows = table(compare(benchmark, rounds=2, size=20)).splitlines()
    assert "| peer | 12.0 µs |  | 2.00x | 6.00x |" in rows[-1]


@pytest.mark.skipif(no_erlang() is not None, reason="no Erlang")
@pytest.mark.parametrize(
    "program",
    [
        *("thread-ring", "fork-join", "dictionary", "call"),
        *(
            pytest.param(program, marks=pytest.mark.long)
            for program in ("skynet", "ping-pong", "counting", "big", "cast", "start")
        ),
    ],
)
def test_erlang_times_each_program_of_the_field(program):
    (time,) = json.loads(output(["escript", str(PEERS / "field.escript"), program, "100"]))
    assert time > 0


def test_without_erlang_its_ratio_is_left_out_and_why_is_said():
    absent = Contender("absent", "is not there", lambda _: [], missing=lambda: "nowhere to be found")
    benchmark = Benchmark("a", "a benchmark", fixed("ours", [6.0] * 20), (absent, fixed("bare", [2.0] * 20)), must=1)
    comparison = compare(benchmark, rounds=2, size=20)

    assert [ratio.to for ratio in comparison.ratios] == ["bare"]
    assert comparison.missing == ("absent: nowhere to be found",)
    assert comparison.reached is None  # what must be is about the one that isn't there


def test_the_collector_is_on_while_a_turn_runs():
    on = []

    def sample(size):
        on.append(gc.isenabled())
        return [1.0] * size

    compare(Benchmark("a", "a benchmark", Contender("ours", "looks", sample), ()), rounds=1, size=10)
    assert all(on)


def test_many_idle_agents_are_started_sent_a_message_and_stopped(capsys):
    million(["--agents", "20"])
    assert "| 20 agents | in all | for each |" in capsys.readouterr().out


def test_of_many_keys_few_are_in_memory_and_each_is_where_it_was(capsys):
    keyed(["--keys", "40", "--limit", "5", "--users", "3"])
    told = json.loads(capsys.readouterr().out)
    assert (told["keys"], told["wrong"]) == (40, 0)
    assert told["most_in_memory"] <= 5


@pytest.mark.parametrize("program", ["_jido_trio", "_bare_trio"])
def test_the_rows_of_a_counter_are_measured_and_set_into_a_table(program):
    rows = _rows({program: [sys.executable, "-c", QUICKLY.format(program=program)]}, rounds=1)

    assert set(rows[program]) == {"call", "call-100", "cast", "start", "KiB"}
    assert table_of_rows(rows).splitlines()[-1].startswith(f"| {program} | ")


QUICKLY = """import sys, runpy
sys.argv.append('quick')
runpy.run_module('benchmarks.peers.{program}', run_name='__main__')
"""


def test_figures_are_read_from_among_what_else_a_library_prints():
    assert _figures('starting\n{"call": 1.5}\nstopping\n') == {"call": 1.5}


@pytest.mark.skipif(os.name != "posix", reason="the process kills itself as POSIX has it")
def test_the_durable_counter_goes_on_where_it_died(tmp_path):
    def stepped(*args: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "benchmarks.peers._steps_jido_trio", str(tmp_path / "steps.db"), *args]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)

    died, again = stepped("5", "system", "killed"), stepped("6", "system")
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["rest"] < json.loads(died.stdout)["rest"]
