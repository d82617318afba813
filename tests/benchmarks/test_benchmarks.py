"""That the benchmarks run and what they tell has its form; never how long anything took."""

import json
import math
from xml.etree import ElementTree as ET

import pytest

from benchmarks.__main__ import main
from benchmarks._catalog import BENCHMARKS, run
from benchmarks._measure import Benchmark, Contender, compare
from benchmarks._stopwatch import Stopwatch, percentile
from benchmarks._table import as_json
from benchmarks.compare import Library, Skipped, _erlang, _interpreter, _unless_skipped, table
from benchmarks.plot import main as plot
from benchmarks.plot import read


def fixed(name, values):
    return Contender(name, "gives what it was told to", lambda size: list(values[:size]))


def compared(ours, bare, *, target=None, rounds=3):
    benchmark = Benchmark("a", "a benchmark", fixed("ours", ours), (fixed("bare", bare),), target=target)
    return compare(benchmark, rounds=rounds, size=len(ours))


@pytest.mark.parametrize("name", sorted(BENCHMARKS))
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
    assert told["rounds"] == len(comparison["ours"]["rounds"]) == 2
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


def test_a_target_is_reached_up_to_its_very_ratio():
    assert compared([6.0] * 20, [2.0] * 20, target=3).reached is True
    assert compared([6.2] * 20, [2.0] * 20, target=3).reached is False
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
    assert names == ["restart-child / loop", "restart-child / task", "restart-child / nursery", "cmd / evolve"]
    assert all(f"{ratio.ratio:.2f}x" in page for comparison in result.comparisons for ratio in comparison.ratios)


def test_what_is_not_there_to_compare_with_is_skipped_and_named(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "/nonexistent")
    assert list(_unless_skipped("Erlang/OTP", _erlang)) == []
    assert "SKIPPED Erlang/OTP: no `escript` on PATH" in capsys.readouterr().err


def test_an_interpreter_that_does_not_run_is_as_good_as_none(tmp_path, monkeypatch):
    placeholder = tmp_path / "python3.13"
    placeholder.write_text("#!/bin/sh\necho not installed >&2\nexit 127\n")
    placeholder.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(Skipped, match="not installed"):
        _interpreter(Library("any", "any", "python3.13", "does nothing"))


def test_a_comparison_sets_each_beside_ours_and_beside_the_loop():
    benchmark = Benchmark("a", "a", fixed("ours", [6.0] * 20), (fixed("loop", [2.0] * 20), fixed("peer", [12.0] * 20)))
    rows = table(compare(benchmark, rounds=2, size=20)).splitlines()
    assert "| peer | 12.0 µs |  | 2.00x | 6.00x |" in rows[-1]
