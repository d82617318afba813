"""Files that are made from templates: of a project, and of what is added to one.

A template is a file of a project that is called `my_app`, and of a thing in it that is called `a_thing`. So it reads as
what comes of it. Everything is written, or nothing: what would be written over is looked for before.
"""

import ast
import json
import keyword
import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from attrs import frozen

_TEMPLATES = files("jido_trio.cli") / "templates"
_SUFFIX = ".tmpl"
_PROGRAMS = {"check"}
"""What is to be run, as it is."""


class Refused(Exception):
    """Nothing was written, and why."""


@frozen
class Name:
    """A name that a user gave: `my_app`, in each form that files need."""

    module: str

    @property
    def distribution(self) -> str:
        """As a package is called that is installed: `my-app`."""
        return self.module.replace("_", "-")

    @property
    def of_class(self) -> str:
        """As a class is called: `MyApp`."""
        return "".join(part[0].upper() + part[1:] for part in self.module.split("_") if part)


def name_of(text: str, what: str, *, most: int = 40) -> Name:
    """Read a name of at most so many characters, with hyphens or underscores.

    Raises:
        Refused: It can't be the name of a module, or would hide another one.
    """
    name = text.replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or len(name) > most or keyword.iskeyword(name) or name.endswith("_"):
        raise Refused(
            f"{text!r} is no name for {what}: a lower-case word, or several joined by _, as order_desk, "
            f"of at most {most} characters"
        )
    if name in sys.stdlib_module_names or name in _TAKEN:
        raise Refused(f"{text!r} would hide the module {name} that others import: take another name for {what}")
    return Name(name)


_TAKEN = {"jido_trio", "trio", "attrs", "attr", "cattrs", "hypothesis", "pytest", "tests", "benchmarks", "src"}


def requirement(extra: str = "") -> str:
    """How another project asks for this package: from where it was installed, if that isn't an index."""
    name = f"jido-trio[{extra}]" if extra else "jido-trio"
    here = Distribution.from_name("jido-trio")
    told = here.read_text("direct_url.json")
    if told is None:
        return f"{name}>={here.version}"
    url = str(json.loads(told)["url"])
    return f"{name} @ {url}" if urlsplit(url).scheme == "file" else f"{name}>={here.version}"


def filled(*templates: str, words: Mapping[str, str]) -> dict[PurePosixPath, str]:
    """The files of these templates, later ones over earlier ones, with each word replaced: paths, and texts."""
    made = {}
    for template in templates:
        for path, text in _below(_TEMPLATES / template, PurePosixPath()):
            made[PurePosixPath(_replaced(str(path), words))] = _replaced(text, words)
    return made


def names_in(template: str) -> set[str]:
    """What is called by a name in the code of a template: nothing else may be called so."""
    texts = [text for path, text in _below(_TEMPLATES / template, PurePosixPath()) if path.suffix == ".py"]
    return {name for text in texts for node in ast.walk(ast.parse(text)) for name in _names_of(node)}


def _names_of(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(name) | ast.ClassDef(name) | ast.FunctionDef(name) | ast.arg(name):
            yield name
        case ast.Import(aliases) | ast.ImportFrom(names=aliases):
            yield from ((alias.asname or alias.name) for alias in aliases)


def write(root: Path, made: Mapping[PurePosixPath, str]) -> None:
    """Write files below a folder, which is made if need be.

    Raises:
        Refused: One is there already, or can't be written.
    """
    for path in made:
        if (root / path).exists():
            raise Refused(f"{root / path} is there already: nothing was written")
    try:
        for path, text in made.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
            if path.name in _PROGRAMS:
                file.chmod(0o755)
    except OSError as error:
        raise Refused(f"can't write {error.filename or root}: {error.strerror}") from error


def _below(folder: Traversable, path: PurePosixPath) -> Iterator[tuple[PurePosixPath, str]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _below(entry, path / entry.name)
        elif entry.name.endswith(_SUFFIX):
            yield path / entry.name.removesuffix(_SUFFIX), entry.read_text(encoding="utf-8")


def _replaced(text: str, words: Mapping[str, str]) -> str:
    return re.sub("|".join(map(re.escape, words)), lambda found: words[found[0]], text)
