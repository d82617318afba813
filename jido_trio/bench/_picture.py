"""A run of benchmarks as a picture."""

import math
from collections.abc import Iterator
from html import escape

from attrs import frozen

from jido_trio.bench._table import Run

LEFT, RIGHT, TOP, ROW, WIDTH = 300, 90, 46, 24, 900
"""Pixels: of the names, of the figures, of the axis; the height of a bar's row, and the width of it all."""


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
