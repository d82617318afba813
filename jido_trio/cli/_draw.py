"""`jido-trio draw`: an agent as a picture. A machine is drawn as its table; other agents as their routes."""

import argparse
import sys
from pathlib import Path
from typing import Any

from jido_trio.cli._output import say
from jido_trio.cli._target import agent_at
from jido_trio.core import Agent, Drawing, Edge, Fsm, Node
from jido_trio.errors import InvalidDefinition

CODES = "exit code: 0 it is drawn; 2 wrong usage, or there is no such agent; 130 ended by Ctrl-C"
USAGE = 2


def add_draw(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.epilog = CODES
    parser.add_argument("target", metavar="TARGET", help="module:Agent")
    parser.add_argument("--svg", metavar="FILE", help="write an SVG there, in the place of Mermaid to the output")
    parser.set_defaults(run=_draw)


def _draw(options: argparse.Namespace) -> int:
    try:
        drawing = drawing_of(agent_at(options.target))
        if options.svg is None:
            say(drawing.mermaid().rstrip("\n"))
        else:
            Path(options.svg).write_text(drawing.svg(), encoding="utf-8")
    except (InvalidDefinition, OSError) as error:
        print(f"jido-trio: {error}", file=sys.stderr)
        return USAGE
    return 0


def drawing_of(cls: type[Agent[Any]]) -> Drawing:
    """Return the picture of an agent class."""
    own = getattr(cls.strategy, "own", cls.strategy)  # that of an agent with plugins is around its own
    if isinstance(own, Fsm):
        return own.drawing()
    nodes = [Node("", cls.name, "start")]
    edges = []
    for number, route in enumerate(cls.router.routes):
        name = route.target.action_class.name
        nodes.append(Node(f"{number}", name))
        edges.append(Edge("", f"{number}", route.pattern + (" [when]" if route.when is not None else "")))
    return Drawing(tuple(nodes), tuple(edges))
