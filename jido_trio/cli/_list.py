"""`jido-trio list`: the actions, agents, plugins and sensors there are."""

import argparse
import json
import sys
from pathlib import Path

from jido_trio.cli._output import say
from jido_trio.discovery import KINDS, discover
from jido_trio.redact import said

CODES = "exit code: 0 all could be imported; 1 some could not, and are named; 2 wrong usage; 130 ended by Ctrl-C"
UNLOADED = 1


def add_list(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.epilog = CODES
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help="modules and packages")
    parser.add_argument("--kind", choices=KINDS, help="only these")
    parser.add_argument("--name", metavar="TEXT", help="only those with this in their names")
    parser.add_argument("--category", metavar="WORD", help="only those of this category")
    parser.add_argument("--tag", metavar="WORD", help="only those with this tag")
    parser.add_argument("--json", action="store_true", help="print one JSON document, and nothing else")
    parser.set_defaults(run=_list)


def _list(options: argparse.Namespace) -> int:
    sys.path.insert(0, str(Path.cwd()))
    discovery = discover(*options.packages)
    found = discovery.list(options.kind, name=options.name, category=options.category, tag=options.tag)
    if options.json:
        unloaded = [{"name": each.name, "why": each.why} for each in discovery.unloaded]
        say(json.dumps({"found": [each.as_data() for each in found], "unloaded": unloaded}))
    else:
        for each in found:
            say(f"{each.kind:7} {each.name:24} {said(each.path)}  {said(each.description)}".rstrip())
        if not found:
            print(f"jido-trio: {_nothing(options)}", file=sys.stderr)
        for one in discovery.unloaded:
            print(f"jido-trio: {said(one.name)} can't be imported: {one.why}", file=sys.stderr)
    return UNLOADED if discovery.unloaded else 0


def _nothing(options: argparse.Namespace) -> str:
    if options.kind or options.name or options.category or options.tag:
        return "nothing there is of that kind, name, category and tag"
    where = ", ".join(map(said, options.packages)) or "what is installed, by its entry points"
    return f"no action, agent, plugin or sensor is in {where}: name a module or a package that has some"
