"""`jido-trio draw`: an agent or a plan as a picture. A machine is drawn as its table; other agents as their routes."""

import argparse
import sys
from pathlib import Path
from typing import Any

from jido_trio.cli._output import say
from jido_trio.cli._target import value_at
from jido_trio.core import Agent, Drawing, Edge, Fsm, Node, Plan
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown

CODES = "exit code: 0 it is drawn; 2 wrong usage, or there is no such agent or plan; 130 ended by Ctrl-C"
USAGE = 2


def add_draw(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.epilog = CODES
    parser.add_argument("target", metavar="TARGET", help="module:Agent, or module:PLAN")
    parser.add_argument("--svg", metavar="FILE", help="write an SVG there, in the place of Mermaid to the output")
    parser.set_defaults(run=_draw)


def _draw(options: argparse.Namespace) -> int:
    try:
        drawing = _drawing_of(options.target)
        if options.svg is None:
            say(drawing.mermaid().rstrip("\n"))
        else:
            Path(options.svg).write_text(drawing.svg(), encoding="utf-8")
    except (InvalidDefinition, OSError) as error:
        print(f"jido-trio: {error}", file=sys.stderr)
        return USAGE
    return 0


def _drawing_of(target: str) -> Drawing:
    match value_at(target):
        case Plan() as plan:
            return plan.drawing()
        case type() as cls if issubclass(cls, Agent):
            return _drawing_of_agent(cls)
        case _:
            raise InvalidDefinition(
                f"{shown(target)} is no agent and no plan: say module:Agent, as in shop.orders:Order, or module:PLAN"
            )


def _drawing_of_agent(cls: type[Agent[Any]]) -> Drawing:
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
