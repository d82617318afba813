"""A run of benchmarks, and how it is read: as text, as Markdown, as JSON."""

import json
from collections.abc import Iterable, Sequence

from attrs import asdict, frozen

from jido_trio.bench._machine import Machine
from jido_trio.bench._measure import Comparison, Measured
from jido_trio.data import structurer


@frozen
class Run:
    """Benchmarks that were run one after the other on one machine."""

    machine: Machine
    load: tuple[float | None, float | None]
    """Before and after."""
    rounds: int
    quick: bool
    comparisons: tuple[Comparison, ...]
    cpu: bool = False
    """Whether times are the processor's; those of other processes are real time all the same."""


HEADER = ("benchmark", "", "p50", "p99", "p99.9", "spread", "ratio", "bounds")

Row = Sequence[str]


def rows(comparison: Comparison) -> Iterable[Row]:
    """Give a row for ours, with its unit, and one for each baseline, with the ratio to it."""
    yield (comparison.name, comparison.ours.name, *_figures(comparison.ours, comparison.unit), "", "")
    for number, (bare, ratio) in enumerate(zip(comparison.bare, comparison.ratios, strict=True)):
        bounds = _bounds(comparison) if number == 0 else ""
        yield ("", f"beside {bare.name}", *_figures(bare, comparison.unit), f"{ratio.ratio:.2f}x", bounds)


def _figures(measured: Measured, unit: str) -> tuple[str, ...]:
    times = (measured.p50, measured.p99, measured.p999)
    return (*(_number(time, unit) for time in times), f"{measured.spread:.0%}")


def _number(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.2f} {unit}" if value < 10 else f"{value:.1f} {unit}"


def _bounds(comparison: Comparison) -> str:
    if comparison.must is None:
        return ""
    aim = "" if comparison.aim is None else f", aim {comparison.aim:g}x"
    return f"must {comparison.must:g}x {'reached' if comparison.reached else 'MISSED'}{aim}"


def as_text(run: Run) -> str:
    """Return the run as a table in plain text."""
    table = [HEADER, *(row for comparison in run.comparisons for row in rows(comparison))]
    widths = [max(len(row[column]) for row in table) for column in range(len(HEADER))]
    lines = ["  ".join(_aligned(row, widths)).rstrip() for row in table]
    return "\n".join([str(run.machine), conditions(run), "", *lines, "", *_legend(run)])


def _aligned(row: Row, widths: Sequence[int]) -> Iterable[str]:
    for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
        yield cell.rjust(width) if 2 <= column <= 6 else cell.ljust(width)


def _legend(run: Run) -> Iterable[str]:
    yield "What is timed:"
    for comparison in run.comparisons:
        yield f"  {comparison.name}: {comparison.title}; {comparison.ours.does}"
        for bare in comparison.bare:
            yield f"    beside {bare.name}: {bare.does}"
        for missing in comparison.missing:
            yield f"    SKIPPED {missing}"


def as_markdown(run: Run) -> str:
    """Return the run as a table in Markdown."""
    lines = [
        "| benchmark | p50 | p99 | p99.9 | spread | beside | its p50 | ratio | bounds |",
        "|---|--:|--:|--:|--:|---|--:|--:|---|",
    ]
    for comparison in run.comparisons:
        (_, _, *ours, _, _), *others = rows(comparison)
        for number, (bare, row) in enumerate(zip(comparison.bare, others, strict=True)):
            mine = [comparison.title, *ours] if number == 0 else [""] * 5
            lines.append("| " + " | ".join([*mine, f"{bare.name}: {bare.does}", row[2], row[6], row[7]]) + " |")
    return "\n".join(lines)


def as_bounds(run: Run) -> str:
    """Return what must be, and whether it is, as a table in Markdown."""
    lines = ["| | ours | beside it | | ratio | must | aim |", "|---|--:|---|--:|--:|--:|--:|"]
    for comparison in run.comparisons:
        if comparison.must is not None and comparison.bare:
            bare, unit = comparison.bare[0], comparison.unit
            aim = "" if comparison.aim is None else f"{comparison.aim:g}x"
            must = f"{comparison.must:g}x: {'reached' if comparison.reached else 'missed'}"
            ours, theirs = _number(comparison.ours.p50, unit), _number(bare.p50, unit)
            ratio = f"{comparison.ratios[0].ratio:.2f}x"
            lines.append(f"| {comparison.title} | {ours} | {bare.does} | {theirs} | {ratio} | {must} | {aim} |")
    return "\n".join(lines)


def conditions(run: Run) -> str:
    """Say how loaded the machine was, and how much was measured."""
    before, after = ("unknown" if load is None else f"{load:.1f}" for load in run.load)
    quick = "; quick: the figures mean little" if run.quick else ""
    clock = "; processor time, but for Erlang" if run.cpu else ""
    return f"load {before} before, {after} after; medians of {run.rounds} rounds{clock}{quick}"


def as_json(run: Run) -> str:
    """Return the run as JSON, with each round's p50; `reached` is said, not to be worked out again."""
    data = asdict(run)
    for comparison, plain in zip(run.comparisons, data["comparisons"], strict=True):
        plain["reached"] = comparison.reached
    return json.dumps(data, indent=1, ensure_ascii=False)


def read(text: str) -> Run:
    """Return the run that `as_json` wrote."""
    data = json.loads(text)
    for comparison in data["comparisons"]:
        del comparison["reached"]  # follows from the rest
    run: Run = structurer(Run)(data)
    return run
