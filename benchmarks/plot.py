"""`python -m benchmarks.plot`: the figures of a run, as tables and a picture for the documentation.

python -m benchmarks --json run.json
python -m benchmarks.plot run.json

or at once: python -m benchmarks --publish
"""

import json
import math
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from attrs import frozen

from benchmarks._table import Run, as_bounds, as_markdown, conditions
from jido_trio.data import structurer

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "benchmarks"
TABLE = "results.md"
PICTURE = "ratios.svg"

LEFT, RIGHT, TOP, ROW, WIDTH = 300, 90, 46, 24, 900
"""Pixels: of the names, of the figures, of the axis; the height of a bar's row, and the width of it all."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Write both files."""
    parser = ArgumentParser(prog="python -m benchmarks.plot", description="A run of the benchmarks, for people.")
    parser.add_argument("run", type=Path, help="what `python -m benchmarks --json` wrote")
    parser.add_argument("--into", type=Path, default=FOLDER, help="folder of the table and the picture")
    options = parser.parse_args(arguments)
    publish(read(options.run.read_text(encoding="utf-8")), options.into)


def publish(run: Run, folder: Path = FOLDER) -> None:
    """Write the page of the run, and its picture."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TABLE).write_text(page(run), encoding="utf-8")
    (folder / PICTURE).write_text(picture(run), encoding="utf-8")


def read(text: str) -> Run:
    """Return the run that `as_json` wrote."""
    data = json.loads(text)
    for comparison in data["comparisons"]:
        del comparison["reached"]  # follows from the rest
    run: Run = structurer(Run)(data)
    return run


def page(run: Run) -> str:
    """Return the page with the table."""
    return (
        "\n\n".join(
            [
                "# Figures of one run",
                "What is measured and how, and what is not promised: see the [overview](README.md).",
                f"{run.machine}; {conditions(run)}.",
                "## What must be",
                "Ratios are ours divided by what stands beside it, p50 by p50, so less is better.",
                as_bounds(run),
                "![each benchmark beside bare Trio](ratios.svg)",
                "## All of them",
                "The known programs among them: microseconds for each message, or for each actor made.",
                as_markdown(run),
            ]
        )
        + "\n"
    )


@frozen
class Bar:
    """One ratio, from the lowest round to the highest."""

    name: str
    ratio: float
    lowest: float
    highest: float
    must: float | None


def bars(run: Run) -> tuple[Bar, ...]:
    """Return a bar for each ratio."""
    return tuple(
        Bar(
            f"{comparison.name} / {ratio.to}",
            ratio.ratio,
            ratio.lowest,
            ratio.highest,
            comparison.must if number == 0 else None,
        )
        for comparison in run.comparisons
        for number, ratio in enumerate(comparison.ratios)
    )


def picture(run: Run) -> str:
    """Return the ratios as SVG: bars from 1x on, on a logarithmic axis; a line for the rounds, a tick for a bound."""
    rows = bars(run)
    height = TOP + ROW * len(rows) + 12
    ends = [end for bar in rows for end in (bar.lowest, bar.highest, bar.must or 1)]
    axis = _Axis(math.log2(min(0.5, *ends)), math.log2(max(8.0, *ends)))
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            'font-family="sans-serif" font-size="13" role="img" aria-label="ratios to bare Trio">'
        ),
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        *_grid(axis, height),
        *(line for number, bar in enumerate(rows) for line in _bar(bar, TOP + ROW * number, axis)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


@frozen
class _Axis:
    low: float
    high: float

    def at(self, ratio: float) -> float:
        """Return where on the picture a ratio is."""
        part = (math.log2(ratio) - self.low) / (self.high - self.low)
        return round(LEFT + part * (WIDTH - LEFT - RIGHT), 1)


def _grid(axis: _Axis, height: int) -> Iterator[str]:
    yield f'<text x="{LEFT}" y="16" fill="#555">time or memory, times that of bare Trio (less is better)</text>'
    for power in range(math.ceil(axis.low), math.floor(axis.high) + 1):
        x, shade = axis.at(2.0**power), "#333" if power == 0 else "#ddd"
        yield f'<line x1="{x}" y1="{TOP - 8}" x2="{x}" y2="{height - 6}" stroke="{shade}"/>'
        yield f'<text x="{x}" y="{TOP - 12}" text-anchor="middle" fill="#555">{2.0**power:g}x</text>'


def _bar(bar: Bar, y: int, axis: _Axis) -> Iterator[str]:
    middle = y + ROW // 2
    one, end = axis.at(1), axis.at(bar.ratio)
    shade = "#c0504d" if bar.must is not None and bar.ratio > bar.must else "#4f81bd"
    left, width = min(one, end), max(abs(end - one), 1)
    yield f'<text x="{LEFT - 10}" y="{middle + 4}" text-anchor="end">{escape(bar.name)}</text>'
    yield f'<rect x="{left}" y="{y + 5}" width="{width:.1f}" height="{ROW - 10}" fill="{shade}"/>'
    yield (
        f'<line x1="{axis.at(bar.lowest)}" y1="{middle}" x2="{axis.at(bar.highest)}" y2="{middle}" '
        'stroke="black" stroke-width="1.5"/>'
    )
    if bar.must is not None:
        x = axis.at(bar.must)
        yield f'<line x1="{x}" y1="{y + 2}" x2="{x}" y2="{y + ROW - 2}" stroke="#2e7d32" stroke-width="3"/>'
    yield f'<text x="{WIDTH - RIGHT + 10}" y="{middle + 4}">{bar.ratio:.2f}x</text>'


if __name__ == "__main__":
    main()
