"""What `jido-trio demo` takes. What it does needs more than the package alone, and is imported when it runs."""

import argparse
import importlib

from jido_trio.cli._numbers import count, seconds
from jido_trio.extras import MissingExtra

CODES = (
    "exit code: 0 every document is done or refused, and no worker was restarted but for its own crashes; "
    "1 they are not, or the report couldn't be written; 2 wrong usage, or nothing to read; 130 ended by Ctrl-C; "
    "141 whoever read the output has closed it"
)


def add_demo(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.epilog = CODES
    parser.add_argument("--input", metavar="DIR", help="the folder, read with all below it (default: shipped samples)")
    parser.add_argument("--workers", type=count, default=4, metavar="N", help="how many agents read (default: 4)")
    parser.add_argument("--chaos", action="store_true", help="kill workers at random while they read")
    parser.add_argument("--chaos-every", type=seconds, metavar="SECONDS", help="between two kills (default: 0.15)")
    parser.add_argument("--seed", type=int, metavar="N", help="of the chaos: whom it kills, and when")
    parser.add_argument("--json", action="store_true", help="print the report as one JSON document, and nothing else")
    parser.add_argument("--store", metavar="FILE", help="keep the run in a file: killed in the middle, it goes on")
    parser.add_argument("--inspect", metavar="SOCKET", help="let `jido-trio inspect SOCKET` look at it while it runs")
    parser.set_defaults(fail=parser.error, run=_demo)


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
