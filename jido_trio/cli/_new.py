"""`jido-trio new` and `jido-trio gen`: a project to begin with, and what is added to it, each with tests."""

import argparse
from pathlib import Path

from jido_trio.cli._output import say
from jido_trio.cli._template import Name, Refused, filled, name_of, names_in, requirement, write

CODES = "exit code: 0 it was written; 2 wrong usage, or something is in the way: then nothing was written"
"""What they are for, and how they end."""

KINDS = {
    "agent": "an agent with a state, an action and a route",
    "action": "an action for agents that you have",
    "sensor": "a sensor, that tells an agent something again and again",
    "plugin": "a plugin, with a state of its own, a route and a hook",
}


def add_new(parser: argparse.ArgumentParser) -> None:
    """Add what `new` takes."""
    parser.epilog = CODES
    parser.add_argument("name", metavar="NAME", help="of the package and its folder, as my_app")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--example", action="store_true", help="the counter that crashes and goes on")
    kind.add_argument("--ai", action="store_true", help="a support agent with tools, on a scripted model")
    parser.set_defaults(fail=parser.error, run=_new)


def add_gen(parser: argparse.ArgumentParser) -> None:
    """Add what `gen` takes."""
    parser.epilog = CODES
    told = "; ".join(f"{kind}: {what}" for kind, what in KINDS.items())
    parser.add_argument("kind", choices=list(KINDS), metavar="KIND", help=told)
    parser.add_argument("name", metavar="NAME", help="of the module, as order_desk; its class is OrderDesk")
    parser.set_defaults(fail=parser.error, run=_gen)


def _new(options: argparse.Namespace) -> int:
    try:
        name = name_of(options.name, "a project")
        root = _free(Path(name.module))
        made = filled("project", _kind(options), words=_words_of(name, "testing" if options.ai else ""))
        write(root, made)
    except Refused as refused:
        return int(options.fail(str(refused)))
    say(f"{root}: {len(made)} files. Now: cd {root} && ./check")
    return 0


def _free(root: Path) -> Path:
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise Refused(f"{root} is there already: take another name, or another folder to call this in")
    return root


def _kind(options: argparse.Namespace) -> str:
    if options.ai:
        return "ai"
    return "example" if options.example else "plain"


def _gen(options: argparse.Namespace) -> int:
    try:
        thing = _thing(options.name, options.kind)
        root, package = _project(Path.cwd())
        made = filled(options.kind, words=_words_of(package) | {"a_thing": thing.module, "AThing": thing.of_class})
        write(root, made)
    except Refused as refused:
        return int(options.fail(str(refused)))
    for path in made:
        say(str(root / path))
    return 0


def _thing(text: str, kind: str) -> Name:
    name = name_of(text, kind, most=30)
    for called in (name.module, name.of_class):
        if called in names_in(kind) - {"a_thing", "AThing"}:
            raise Refused(f"{text!r} is no name for {kind}: something else is called {called} in the files")
    return name


def _words_of(project: Name, extra: str = "") -> dict[str, str]:
    return {
        "my_app": project.module,
        "my-app": project.distribution,
        "{jido-trio}": requirement(extra),
        "{jido-trio[testing]}": requirement("testing"),
    }


def _project(here: Path) -> tuple[Path, Name]:
    """The project that a folder is in, and its package."""
    for root in (here, *here.parents):
        if (root / "pyproject.toml").is_file():
            packages = sorted(found.parent.name for found in root.glob("src/*/__init__.py"))
            if len(packages) != 1:
                told = ", ".join(packages) or "none"
                raise Refused(f"{root / 'src'} must hold one package, to put it into; it holds {told}")
            return root, Name(packages[0])
    raise Refused(f"{here} is in no project: there is no pyproject.toml here or above; jido-trio new NAME makes one")
