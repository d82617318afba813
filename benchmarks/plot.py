"""`python -m benchmarks.plot`: the figures of a run, as tables and a picture for the documentation.

python -m benchmarks --json run.json
python -m benchmarks.plot run.json

or at once: python -m benchmarks --publish
"""

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from jido_trio.bench._picture import picture
from jido_trio.bench._table import Run, as_bounds, as_markdown, conditions, read

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "benchmarks"
TABLE = "results.md"
PICTURE = "ratios.svg"


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


if __name__ == "__main__":
    main()
