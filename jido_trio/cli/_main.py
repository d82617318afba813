"""The command line: which commands there are, and which exit code comes of one.

What a command takes and does is imported when it is the one that is asked for.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from importlib.metadata import version

from jido_trio.cli._output import output

USAGE, INTERRUPTED = 2, 130
"""Exit codes. 130: Ctrl-C, as shells have it."""

_COMMANDS = {
    "demo": (
        "Read a folder of documents with supervised agents, whatever is wrong with the files or happens to the agents."
    ),
    "new": (
        "Make a project: a package with an agent, its tests, its laws, a benchmark, and one command that checks it all."
    ),
    "gen": "Add an agent, an action, a sensor or a plugin to a project, with its tests.",
    "check": "Try the laws of agents on yours, and those of plugins: nobody has to write a test.",
    "bench": (
        "Measure what agents cost, as ratios to bare Trio in the same run; your own, too. Or compare two such runs."
    ),
    "chat": "Speak with an agent that speaks with models.",
    "replay": "Show a conversation that was kept, or how it would go if a model said something else. Nothing is sent.",
    "draw": "Draw an agent or a plan: as text for Mermaid, or as an SVG file.",
    "list": "List the actions, agents, plugins and sensors of packages, and of what is installed.",
    "journal": "Read what durable agents have on disk: their inputs, and the states that these lead to.",
    "agent": "Carry a durable agent from one storage to another, as a file, or remove one for good.",
    "upgrade": (
        "Rehearse an upgrade: fold new code over the journals on disk, and tell where it differs. Nothing is changed."
    ),
    "inspect": "Show what the agents of a running program are at: of one that has Jido(inspect=SOCKET).",
}
"""Each command's help. A command `x` has a module `_x`, and there `add_x`, which adds what it takes to its parser."""
_ELSEWHERE = {"demo": "_demo_options", "gen": "_new"}
"""In which modules the others are."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run `jido-trio` with these arguments, those of the process if None, and return its exit code."""
    codes: list[int] = []
    try:
        with output(codes):
            codes.append(_run(argv))
    except KeyboardInterrupt:  # before there was anything to report, or a second time
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    return codes[-1]


def _run(argv: Sequence[str] | None) -> int:
    words = sys.argv[1:] if argv is None else argv
    parser = _parser(next((word for word in words if not word.startswith("-")), None))
    try:
        options = parser.parse_args(words)
        if options.command is None:
            parser.print_help()
            return USAGE
        return int(options.run(options))
    except SystemExit as wanted:  # argparse leaves this way
        return int(wanted.code or 0)


def _parser(asked: str | None) -> argparse.ArgumentParser:
    """Return what reads the command line, and knows all of the command that is asked for."""
    parser = argparse.ArgumentParser(prog="jido-trio", description="Fault-tolerant agents on Trio.")
    parser.add_argument("--version", action="version", version=f"jido-trio {version('jido-trio')}")
    commands = parser.add_subparsers(dest="command", metavar="command")
    for name, help in _COMMANDS.items():
        command = commands.add_parser(name, help=help, description=help)
        if name == asked:
            module = importlib.import_module(f"jido_trio.cli.{_ELSEWHERE.get(name, f'_{name}')}")
            getattr(module, f"add_{name}")(command)
    return parser
