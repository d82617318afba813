"""Drawings: nodes and arrows as text for Mermaid, and as an SVG of our own, which needs no browser.

The SVG is in layers, from top to bottom. Arrows that would close a circle don't count for the layout; a node stands one
layer below the lowest of those that lead to it; within a layer nodes stand near those that lead to them. That is
Sugiyama's method without its finer points, and enough for what people declare by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Literal, TypeAlias

from attrs import frozen

Kind: TypeAlias = Literal["plain", "start", "end"]


@frozen
class Node:
    """A box."""

    name: str
    label: str
    """What is written in it; lines are separated by line feeds."""
    kind: Kind = "plain"
    """Whether it is where things begin, or end."""


@frozen
class Edge:
    """An arrow, from node to node by their names."""

    source: str
    target: str
    label: str = ""


@frozen
class Drawing:
    """Nodes and the arrows between them."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    is_machine: bool = False
    """Whether the nodes are states of a machine, which Mermaid draws otherwise than a flow."""

    def mermaid(self) -> str:
        """Return the drawing as text for Mermaid, which Markdown pages on many sites show as a picture."""
        names = {node.name: f"n{number}" for number, node in enumerate(self.nodes)}
        return "\n".join([*(_state_diagram if self.is_machine else _flowchart)(self, names), ""])

    def svg(self) -> str:
        """Return the drawing as an SVG document."""
        return _svg(self)


# Mermaid -----------------------------------------------------------------------------------------------------------


def _state_diagram(drawing: Drawing, names: Mapping[str, str]) -> Iterable[str]:
    yield "stateDiagram-v2"
    for node in drawing.nodes:
        yield f'    state "{_quoted(node.label)}" as {names[node.name]}'
    yield from (f"    [*] --> {names[node.name]}" for node in drawing.nodes if node.kind == "start")
    for edge in drawing.edges:
        label = f" : {_quoted(edge.label)}" if edge.label else ""
        yield f"    {names[edge.source]} --> {names[edge.target]}{label}"
    yield from (f"    {names[node.name]} --> [*]" for node in drawing.nodes if node.kind == "end")


def _flowchart(drawing: Drawing, names: Mapping[str, str]) -> Iterable[str]:
    yield "flowchart TD"
    for node in drawing.nodes:
        opening, closing = ("([", "])") if node.kind == "start" else ("[", "]")
        yield f'    {names[node.name]}{opening}"{_quoted(node.label)}"{closing}'
    for edge in drawing.edges:
        label = f'|"{_quoted(edge.label)}"|' if edge.label else ""
        yield f"    {names[edge.source]} -->{label} {names[edge.target]}"


def _quoted(text: str) -> str:
    """Return a text that ends neither its quotes nor its line."""
    coded = "".join(letter if letter.isalnum() or letter in _PLAIN else f"#{ord(letter)};" for letter in text)
    return coded.replace("\n", "<br/>")


_PLAIN = " _-/*.,+()\n"


# SVG ---------------------------------------------------------------------------------------------------------------

LETTER, LINE, PAD, ACROSS, DOWN, MARGIN = 7.5, 18, 14, 90, 80, 50
"""In units of the picture: the width of a letter, the height of a line, what is left free around texts and boxes."""


_HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
    'viewBox="0 0 {width:g} {height:g}" font-family="sans-serif" font-size="13">\n'
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
    'orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="#444"/></marker></defs>'
)


@frozen
class _Box:
    node: Node
    x: float
    """Of its middle."""
    y: float
    """Of its upper side."""
    width: float
    height: float


def _svg(drawing: Drawing) -> str:
    boxes = _placed(drawing)
    width = max((box.x + box.width / 2 for box in boxes.values()), default=0) + MARGIN + ACROSS
    height = max((box.y + box.height for box in boxes.values()), default=0) + MARGIN
    return "\n".join(
        [
            _HEAD.format(width=width, height=height),
            '<rect width="100%" height="100%" fill="white"/>',
            *_lines(drawing, boxes),
            *(_drawn(box) for box in boxes.values()),
            "</svg>",
            "",
        ]
    )


def _placed(drawing: Drawing) -> dict[str, _Box]:
    rows = _rows(drawing)
    sizes = {node.name: _size(node) for node in drawing.nodes}
    widths = [sum(sizes[node.name][0] for node in row) + ACROSS * (len(row) - 1) for row in rows]
    widest, y, boxes = max(widths, default=0.0), float(MARGIN), dict[str, _Box]()
    for row, taken in zip(rows, widths, strict=True):
        x = MARGIN + ACROSS / 2 + (widest - taken) / 2
        for node in row:
            width, height = sizes[node.name]
            boxes[node.name] = _Box(node, x + width / 2, y, width, height)
            x += width + ACROSS
        y += max(sizes[node.name][1] for node in row) + DOWN
    return boxes


def _size(node: Node) -> tuple[float, float]:
    lines = node.label.split("\n")
    return max(len(line) for line in lines) * LETTER + 2 * PAD, len(lines) * LINE + PAD


def _rows(drawing: Drawing) -> list[list[Node]]:
    layers = _layers(drawing)
    rows: list[list[Node]] = [[] for _ in range(max(layers.values(), default=-1) + 1)]
    for node in drawing.nodes:
        rows[layers[node.name]].append(node)
    place: dict[str, float] = {}
    for row in rows:
        for number, node in enumerate(row):
            place[node.name] = number
        above = {
            node.name: [
                place[edge.source]
                for edge in drawing.edges
                if edge.target == node.name and layers[edge.source] < layers[node.name]
            ]
            for node in row
        }
        row.sort(
            key=lambda node: sum(above[node.name]) / len(above[node.name]) if above[node.name] else place[node.name]
        )
        for number, node in enumerate(row):
            place[node.name] = number
    return rows


def _layers(drawing: Drawing) -> dict[str, int]:
    """Return how far down each node stands: below all that lead to it, but for arrows that close a circle."""
    after = {node.name: [edge.target for edge in drawing.edges if edge.source == node.name] for node in drawing.nodes}
    order = _finished(after, [node.name for node in sorted(drawing.nodes, key=lambda node: node.kind != "start")])
    rank = {name: number for number, name in enumerate(order)}
    layers = dict.fromkeys(after, 0)
    for name in order:
        for target in after[name]:
            if rank[target] > rank[name]:
                layers[target] = max(layers[target], layers[name] + 1)
    return layers


def _finished(after: Mapping[str, Sequence[str]], starts: Iterable[str]) -> list[str]:
    """Return all nodes so that each stands before those it leads to, but for arrows that close a circle."""
    done: list[str] = []
    seen: set[str] = set()
    for start in starts:
        stack = [(start, iter(after[start]))] if start not in seen else []
        seen.add(start)
        while stack:
            name, rest = stack[-1]
            new = next((target for target in rest if target not in seen), None)
            if new is None:
                done.append(name)
                stack.pop()
            else:
                seen.add(new)
                stack.append((new, iter(after[new])))
    return done[::-1]


def _lines(drawing: Drawing, boxes: Mapping[str, _Box]) -> Iterable[str]:
    several: dict[tuple[str, str], list[str]] = {}
    for edge in drawing.edges:
        several.setdefault((edge.source, edge.target), []).append(edge.label)
    for (source, target), labels in several.items():
        path, x, y = _curve(boxes[source], boxes[target])
        yield f'<path d="{path}" fill="none" stroke="#444" marker-end="url(#tip)"/>'
        yield from _text([label for label in labels if label], x, y, 'fill="#06c" font-size="11"')


def _curve(source: _Box, target: _Box) -> tuple[str, float, float]:
    """Return the path of an arrow, and where its label stands."""
    below = source.y + source.height
    if source is target:
        x, y = source.x + source.width / 2, source.y + source.height / 2
        return f"M{x:g} {y - 6:g}C{x + 40:g} {y - 20:g} {x + 40:g} {y + 20:g} {x:g} {y + 6:g}", x + 34, y + 4
    if target.y > source.y:
        bend = (target.y - below) / 2
        path = f"M{source.x:g} {below:g}C{source.x:g} {below + bend:g} {target.x:g} {target.y - bend:g} "
        return f"{path}{target.x:g} {target.y:g}", (source.x + target.x) / 2, below + bend
    x1, y1 = source.x + source.width / 2, source.y + source.height / 2
    x2, y2 = target.x + target.width / 2, target.y + target.height / 2
    out = max(x1, x2) + ACROSS / 2
    return f"M{x1:g} {y1:g}C{out:g} {y1:g} {out:g} {y2:g} {x2:g} {y2:g}", out - 20, (y1 + y2) / 2


def _drawn(box: _Box) -> str:
    round, stroke = {"start": (16, 2.5), "end": (2, 2.5), "plain": (6, 1)}[box.node.kind]
    fill = {"start": "#e8f4e8", "end": "#f4e8e8", "plain": "#f4f4f8"}[box.node.kind]
    shape = (
        f'<rect x="{box.x - box.width / 2:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" '
        f'rx="{round}" fill="{fill}" stroke="#444" stroke-width="{stroke}"/>'
    )
    return "\n".join([shape, *_text(box.node.label.split("\n"), box.x, box.y + LINE, 'text-anchor="middle"')])


def _text(lines: Sequence[str], x: float, y: float, style: str) -> Iterable[str]:
    for number, line in enumerate(lines):
        yield f'<text x="{x:g}" y="{y + number * LINE:g}" {style}>{escape(line)}</text>'
