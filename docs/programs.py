"""`python -m docs.programs FOLDER`: write the Python blocks of each page as one program, for a type checker.

A block keeps its line numbers, so what a checker says of `docs_agents.py:93` is about line 93 of docs/agents.md.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FENCE = "```"


def pages() -> Iterator[Path]:
    """The pages of the documentation, in order; those that are generated hold no programs."""
    yield ROOT / "README.md"
    yield from sorted((ROOT / "docs").rglob("*.md"))


def program(page: str) -> str:
    """Return the blocks of Python in a page, in order; every other line is empty."""
    lines, inside = [], False
    for line in page.splitlines():
        if line.startswith(FENCE):
            inside = not inside and line == f"{FENCE}python"
            lines.append("")
        else:
            lines.append(line if inside else "")
    return "\n".join(lines) + "\n"


def write_programs(folder: Path) -> list[Path]:
    """Write a program for each page that has one, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for page in pages():
        text = program(page.read_text(encoding="utf-8"))
        if text.strip():
            name = "_".join(page.relative_to(ROOT).with_suffix("").parts).replace("-", "_")
            path = folder / f"{name}.py"
            path.write_text(text, encoding="utf-8")
            written.append(path)
    return written


if __name__ == "__main__":
    write_programs(Path(sys.argv[1]))
