"""Mutant: one way to break the project, as data, and how it finds its place in the source.

A place is a definition, by its qualified name, and in it one expression or a run of statements, compared as syntax
trees. So a mutant survives reformatting, comments, and a move to another module; a change of what it is about makes it
stale, and it says where to look.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from attrs import frozen

PACKAGE = Path("jido_trio")


class Stale(Exception):
    """A mutant no longer fits the source that it breaks."""


@frozen
class Mutant:
    """One change of the source, and what a library broken so would do."""

    name: str
    does: str
    """In one sentence, what users would see."""
    within: str
    """The qualified name of the function, class or constant that it changes, as `Supervisor._handle`."""
    old: str
    """An expression, statements, or the pattern after a `case`, that are in there exactly once."""
    new: str
    part: str = "supervision"
    """The folder or module of the package that it breaks."""
    judges: tuple[str, ...] = ()
    """Files of the tests that must catch it, and no other may; none means all that concern it."""

    def applied(self, root: Path) -> tuple[Path, str]:
        """Return the file below `root` that it changes, and that file's source, broken.

        Raises:
            Stale: What it changes isn't there exactly once; the mutant must follow the source.
        """
        with self.changed(root) as (path, tree):
            return path, ast.unparse(tree)

    @contextmanager
    def changed(self, root: Path) -> Iterator[tuple[Path, ast.Module]]:
        """Give the file below `root` that it changes, and that file's tree, which is broken within the block.

        Raises:
            Stale: As `applied`.
        """
        path, tree, _, place = self._found(root)
        with _with(place, _read(self.new), self.name):
            yield path, tree

    def lines(self, root: Path) -> tuple[Path, range, range]:
        """Return the file below `root` that it changes, the lines of what it changes, and those that are around it.

        Raises:
            Stale: As `applied`.
        """
        path, _, scope, place = self._found(root)
        around = scope.body if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef) else [scope]
        return path, _lines(place.nodes), _lines(around)

    def _found(self, root: Path) -> tuple[Path, ast.Module, ast.AST, Place]:
        sources = _sources(root / PACKAGE / self.part)
        found = [(path, tree, *place) for path, tree in sources.items() for place in self._places(tree)]
        if len(found) != 1:
            raise Stale(f"mutant {self.name!r} is stale: {self._what_is_there(sources, len(found))}\n{self.old[:500]}")
        return found[0]

    def _places(self, tree: ast.Module) -> Iterator[tuple[ast.AST, Place]]:
        for name, scope in _defined(tree):
            if name == self.within:
                yield from ((scope, place) for place in _matches(scope, _read(self.old)))

    def _what_is_there(self, sources: Mapping[Path, ast.Module], count: int) -> str:
        names = [name for tree in sources.values() for name, _ in _defined(tree)]
        if count or self.within in names:
            elsewhere = sorted(
                name
                for tree in sources.values()
                for name, scope in _defined(tree)
                if name != self.within and any(True for _ in _matches(scope, _read(self.old)))
            )
            hint = f"it is in {', '.join(elsewhere)}. " if elsewhere else ""
            return (
                f"its old code is {count} times in {self.within} of {self.part}, not once. {hint}Give it as it is now:"
            )
        near = get_close_matches(self.within, names, n=3)
        return f"{self.part} defines no {self.within}" + (f"; {', '.join(near)}?" if near else ":")


@frozen
class Place:
    """Where in a syntax tree something is: a field of a node, and in it the items of a list from `start` on."""

    node: ast.AST
    field: str
    start: int | None
    count: int

    @property
    def nodes(self) -> Sequence[ast.AST]:
        """What is there."""
        there: Any = getattr(self.node, self.field)
        return [there] if self.start is None else list(there[self.start : self.start + self.count])


def _lines(nodes: Sequence[Any]) -> range:
    return range(nodes[0].lineno, nodes[-1].end_lineno + 1)


def _sources(part: Path) -> Mapping[Path, ast.Module]:
    files = [part.with_suffix(".py")] if part.with_suffix(".py").exists() else sorted(part.rglob("*.py"))
    return {path: _parsed(path, path.stat().st_mtime_ns) for path in files}


@cache
def _parsed(path: Path, _changed: int) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _defined(tree: ast.Module) -> Sequence[tuple[str, ast.AST]]:
    return tuple(_definitions(tree))


def _definitions(tree: ast.AST, above: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Every function and class, and every constant of a module or class, with its qualified name."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield above + name, node
                yield from _definitions(node, f"{above}{name}.")
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                if isinstance(tree, ast.Module | ast.ClassDef):
                    yield above + name, node
            case ast.stmt():
                yield from _definitions(node, above)


def _read(text: str) -> Sequence[ast.AST]:
    """Return an expression or a pattern, as a list of one, or statements."""
    if text.startswith("case "):
        [match] = ast.parse(f"match _:\n  {text}:\n    pass").body
        assert isinstance(match, ast.Match)
        return [match.cases[0].pattern]
    body = ast.parse(text).body
    return [body[0].value] if len(body) == 1 and isinstance(body[0], ast.Expr) else body


def _matches(scope: ast.AST, wanted: Sequence[ast.AST]) -> Iterator[Place]:
    texts = [ast.dump(node) for node in wanted]
    kinds = [type(node) for node in wanted]
    for node in ast.walk(scope):
        for field, value in ast.iter_fields(node):
            items: Sequence[Any] = value if isinstance(value, list) else [value]
            for start in range(len(items) - len(wanted) + 1):
                have = items[start : start + len(wanted)]
                # A text is long to make, and nearly all are of another kind.
                if [type(item) for item in have] == kinds and [ast.dump(item) for item in have] == texts:
                    yield Place(node, field, start if isinstance(value, list) else None, len(wanted))


@contextmanager
def _with(place: Place, new: Sequence[ast.AST], name: str) -> Iterator[None]:
    """Have something else at a place of a tree; afterwards the tree is as it was."""
    before = getattr(place.node, place.field)
    kind = type(before[place.start or 0] if isinstance(before, list) else before)
    if issubclass(kind, ast.stmt):
        new = [ast.copy_location(ast.Expr(node), node) if isinstance(node, ast.expr) else node for node in new]
    if not all(_category(type(node)) is _category(kind) for node in new):
        raise Stale(f"mutant {name!r}: {_category(kind).__name__} can't become {ast.unparse(new[0])}")
    after = new[0] if place.start is None else [*before[: place.start], *new, *before[place.start + place.count :]]
    setattr(place.node, place.field, after)
    try:
        yield
    finally:
        setattr(place.node, place.field, before)


def _category(kind: type) -> type:
    return next((category for category in (ast.stmt, ast.expr, ast.pattern) if issubclass(kind, category)), object)
