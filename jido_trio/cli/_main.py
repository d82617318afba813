"""The command line: what it takes, and which exit code comes of it."""

import argparse
import importlib
import math
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version

from jido_trio.cli._agent import add_agent
from jido_trio.cli._bench import BENCH, add_bench
from jido_trio.cli._chat import CHAT, add_chat
from jido_trio.cli._check import CHECK, add_check
from jido_trio.cli._draw import DRAW, add_draw
from jido_trio.cli._inspect import inspect
from jido_trio.cli._journal import add_journal
from jido_trio.cli._list import LIST, add_list
from jido_trio.cli._new import GEN, NEW, add_gen, add_new
from jido_trio.cli._output import output
from jido_trio.cli._replay import REPLAY, add_replay
from jido_trio.cli._upgrade import add_upgrade
from jido_trio.extras import MissingExtra

USAGE, INTERRUPTED = 2, 130
"""Exit codes. 130: Ctrl-C, as shells have it."""


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
    parser = _parser()
    try:
        options = parser.parse_args(argv)
        if options.command is None:
            parser.print_help()
            return USAGE
        return int(options.run(options))
    except SystemExit as wanted:  # argparse leaves this way
        return int(wanted.code or 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="jido-trio", description="Fault-tolerant agents on Trio.")
    parser.add_argument("--version", action="version", version=f"jido-trio {version('jido-trio')}")
    commands = parser.add_subparsers(dest="command", metavar="command")
    _add_demo(commands.add_parser("demo", help=_DEMO, description=_DEMO, epilog=_CODES))
    add_new(commands.add_parser("new", help=NEW))
    add_gen(commands.add_parser("gen", help=GEN))
    add_check(commands.add_parser("check", help=CHECK))
    add_bench(commands.add_parser("bench", help=BENCH))
    add_chat(commands.add_parser("chat", help=CHAT))
    add_replay(commands.add_parser("replay", help=REPLAY))
    add_draw(commands.add_parser("draw", help=DRAW))
    add_list(commands.add_parser("list", help=LIST))
    add_journal(commands.add_parser("journal", help=_JOURNAL, description=_JOURNAL))
    add_agent(commands.add_parser("agent", help=_AGENT, description=_AGENT))
    add_upgrade(commands.add_parser("upgrade", help=_UPGRADE, description=_UPGRADE, epilog=_UPGRADE_CODES))
    _add_inspect(commands.add_parser("inspect", help=_INSPECT, description=_INSPECT, epilog=_INSPECT_CODES))
    return parser


_DEMO = "Read a folder of documents with supervised agents, whatever is wrong with the files or happens to the agents."
_CODES = (
    "exit code: 0 every document is done or refused, and no worker was restarted but for its own crashes; "
    "1 they are not, or the report couldn't be written; 2 wrong usage, or nothing to read; 130 ended by Ctrl-C; "
    "141 whoever read the output has closed it"
)


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", metavar="DIR", help="the folder, read with all below it (default: shipped samples)")
    parser.add_argument("--workers", type=_count, default=4, metavar="N", help="how many agents read (default: 4)")
    parser.add_argument("--chaos", action="store_true", help="kill workers at random while they read")
    parser.add_argument("--chaos-every", type=_seconds, metavar="SECONDS", help="between two kills (default: 0.15)")
    parser.add_argument("--seed", type=int, metavar="N", help="of the chaos: whom it kills, and when")
    parser.add_argument("--json", action="store_true", help="print the report as one JSON document, and nothing else")
    parser.add_argument("--store", metavar="FILE", help="keep the run in a file: killed in the middle, it goes on")
    parser.add_argument("--inspect", metavar="SOCKET", help="let `jido-trio inspect SOCKET` look at it while it runs")
    parser.set_defaults(fail=parser.error, run=_demo)


_JOURNAL = "Read what durable agents have on disk: their inputs, and the states that these lead to."
_AGENT = "Carry a durable agent from one storage to another, as a file, or remove one for good."
_UPGRADE = (
    "Rehearse an upgrade: fold new code over the journals on disk, and tell where it differs. Nothing is changed."
)
_UPGRADE_CODES = (
    "exit code: 0 all agents go over, and would have done the same; 1 some don't; 2 wrong usage, or the storage can't "
    "be used; 130 ended by Ctrl-C"
)
_INSPECT = "Show what the agents of a running program are at: of one that has Jido(inspect=SOCKET)."
_INSPECT_CODES = (
    "exit code: 0 it was shown, or the program that was watched has ended; 2 wrong usage, or there is nothing to be "
    "seen; 130 ended by Ctrl-C"
)


def _add_inspect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("socket", metavar="SOCKET", help="the path that the program gave")
    parser.add_argument("--agent", metavar="ID", help="one agent, with its state")
    parser.add_argument("--limit", type=_many, default=100, metavar="N", help="how many agents to name (default: 100)")
    parser.add_argument("--json", action="store_true", help="print one JSON document, and nothing else")
    parser.add_argument(
        "--watch", type=_seconds, nargs="?", const=1.0, metavar="SECONDS", help="again and again (default: each second)"
    )
    parser.set_defaults(fail=parser.error, run=inspect)


def _many(text: str) -> int:
    return int(_checked(text, int, lambda value: 0 <= value <= 1_000_000, "a whole number from 0 to 1000000"))


def _count(text: str) -> int:
    return int(_checked(text, int, lambda value: 1 <= value <= 1000, "a whole number from 1 to 1000"))


def _seconds(text: str) -> float:
    return _checked(text, float, lambda value: 0.01 <= value < math.inf, "a number of seconds, 0.01 or more")


def _checked(text: str, read: Callable[[str], float], fits: Callable[[float], bool], expected: str) -> float:
    try:
        value = read(text)
    except ValueError:
        value = math.nan
    if not fits(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not {expected}")
    return value


def _demo(options: argparse.Namespace) -> int:
    for name in ("chaos_every", "seed"):
        if getattr(options, name) is not None and not options.chaos:
            options.fail(f"--{name.replace('_', '-')} is about the chaos: give --chaos, too")
    try:
        importlib.import_module("jido_trio.demo")  # tells what to install, if there is something
        demo = importlib.import_module("jido_trio.cli._demo")
    except MissingExtra as error:
        return int(options.fail(str(error)))
    return int(demo.demo(options))
