"""`jido-trio check`: what it takes. What it does needs an extra, and is imported when it is asked for (`_laws`)."""

import argparse
import importlib

from jido_trio.extras import MissingExtra

CODES = (
    "exit code: 0 no law is broken; 1 one is, and its smallest counterexample is shown; 2 it can't be checked, as it "
    "can't be imported, or is no agent, action or plugin; 130 ended by Ctrl-C"
)
"""What it is for, and how it ends."""


def add_check(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.epilog = CODES
    parser.add_argument(
        "targets",
        nargs="*",
        metavar="TARGET",
        help="module:Agent, module:Action, module:Plugin, a module, a package or a folder",
    )
    parser.add_argument("--all", action="store_true", help="all agents and plugins below the working directory")
    parser.add_argument("--law", action="append", metavar="NAME", help="only this law; may be given several times")
    parser.add_argument("--examples", type=_positive, default=100, metavar="N", help="trials for a law (default: 100)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="what the trials follow from (default: 0)")
    parser.add_argument("--minutes", type=_minutes, metavar="N", help="go on for so long, with more and longer trials")
    parser.add_argument("--forget", action="store_true", help="neither keep failures nor try kept ones first")
    parser.add_argument("--json", action="store_true", help="print one JSON document, and nothing else")
    parser.set_defaults(fail=parser.error, run=_check)


def _check(options: argparse.Namespace) -> int:
    try:
        importlib.import_module("jido_trio.testing")  # tells what to install, if there is something
        laws = importlib.import_module("jido_trio.cli._laws")
    except MissingExtra as error:
        return int(options.fail(str(error)))
    return int(laws.check(options))


def _positive(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 1000000")
    return int(text)


def _minutes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of minutes, above 0")
    return value
