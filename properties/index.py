"""The index of laws: which test holds which. `python -m properties.index` writes it into README.md."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE / "README.md"
_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
BEGIN = "<!-- the index, by `python -m properties.index` -->\n"


def index() -> str:
    """Return the index: for each file what it is about, and its laws by their names."""
    return "\n".join(line for path in sorted(HERE.glob("test_*.py")) for line in _lines(path))


def _lines(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    yield f"\n**[{path.stem.removeprefix('test_')}]({path.name})**: {(ast.get_docstring(tree) or '').splitlines()[0]}\n"
    yield "| law | test |\n| --- | --- |"
    for name in _laws(tree):
        yield f"| {name.rpartition('.')[2].removeprefix('test_').replace('_', ' ')} | `{name}` |"


def _laws(tree: ast.Module) -> Iterator[str]:
    """Generate the tests, the invariants of machines, and the machines whose invariants are elsewhere."""
    for node in tree.body:
        if isinstance(node, _FUNCTION) and node.name.startswith("test_"):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            yield from (f"{node.name}.{one.name}" for one in node.body if isinstance(one, _FUNCTION) and _holds(one))
        elif isinstance(node, ast.Assign) and ast.unparse(node.value).endswith(".TestCase"):
            yield ast.unparse(node.targets[0])


def _holds(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(ast.unparse(decorator).startswith("invariant(") for decorator in node.decorator_list)


def main() -> None:
    """Write the index into the page."""
    text = PAGE.read_text(encoding="utf-8").partition(BEGIN)[0]
    PAGE.write_text(text + BEGIN + index() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
