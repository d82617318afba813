"""The layers: what may import what, and that the checks below would notice if it did."""

import ast
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

import jido_trio

pytestmark = pytest.mark.workshop

PACKAGE = Path(jido_trio.__file__).parent
LEAVES = {"annotations", "checks", "doors", "errors", "extras", "redact", "terms", "world"}
MAY_IMPORT = {
    "redact": set[str](),
    "doors": set[str](),
    "extras": set[str](),
    "terms": set[str](),
    "annotations": set[str](),
    "world": set[str](),
    "errors": {"redact", "terms"},
    "checks": {"errors", "redact"},
    "data": {"checks", "errors", "redact"},
    "core": LEAVES | {"data"},
    "actions": LEAVES | {"core"},
    "storage": {"checks", "errors", "extras", "redact", "world"},
    "observe": LEAVES,
    "supervision": LEAVES,
    "plugins": LEAVES | {"core"},
    "bus": LEAVES | {"core", "observe", "supervision"},
    "runtime": LEAVES | {"bus", "core", "data", "observe", "storage", "supervision"},
    "groups": LEAVES | {"core", "runtime", "storage", "supervision"},
    "ai": LEAVES | {"core", "data", "observe", "runtime", "storage", "supervision"},
    "testing": LEAVES | {"ai", "core", "data", "groups", "observe", "runtime", "storage", "supervision"},
    "discovery": LEAVES | {"core"},
    "sensors": LEAVES | {"core"},
}
"""What each part may import besides itself, those among them that are still to come; parts that aren't named here are
for people, and may import anything."""

WITHOUT_TRIO = {"core", "data", "discovery", "observe", "plugins", *LEAVES}
"""Parts whose code runs anywhere."""

DOORS = {("cli", "bench"), ("cli", "demo")}
"""Who may look behind the names that another part gives out: the command line is the demo's own door."""

FACADE = "__init__"
FOR_PEOPLE = {"__main__", "bench", "cli", "demo", "pytest_plugin", "testing"}
"""Nobody else imports these."""

OF_THIS_MACHINE = {"time", "random", "uuid", "secrets"}
"""Modules in which two runs differ."""

HARMLESS = {"uuid.UUID"}
"""Of these, what only holds a value."""


def part_of(path: Path, package: Path) -> str:
    """Return the folder or module right below the package."""
    return path.relative_to(package).parts[0].removesuffix(".py")


@cache
def parsed(path: Path) -> ast.Module:
    """Return a file as a syntax tree."""
    return ast.parse(path.read_text())


@cache
def imported_names(path: Path, package: Path) -> Sequence[str]:
    """Every dotted name that a file imports, wherever in it, with relative imports made absolute."""
    return tuple(_imported_names(path, package))


def _imported_names(path: Path, package: Path) -> Iterator[str]:
    here = (package.name, *path.relative_to(package).parent.parts)
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) + 1 - node.level] if node.level else ()
            module = (*base, node.module) if node.module else base
            yield from (".".join((*module, alias.name)) for alias in node.names)


@cache
def parts_of(package: Path) -> frozenset[str]:
    """Return the parts of a package."""
    return frozenset(part_of(other, package) for other in package.glob("*"))


def own_parts(path: Path, package: Path) -> Iterator[str]:
    """The parts of the package that a file imports; the facade if it names none."""
    parts = parts_of(package)
    for name in imported_names(path, package):
        top, _, rest = name.partition(".")
        if top == package.name:
            part = rest.partition(".")[0]
            yield part if part in parts - {FACADE} else FACADE


def upward(path: Path, package: Path) -> list[str]:
    """The parts that a file imports and may not."""
    part = part_of(path, package)
    if part == FACADE:
        return [other for other in own_parts(path, package) if other in FOR_PEOPLE]
    if part in MAY_IMPORT:
        return [other for other in own_parts(path, package) if other not in MAY_IMPORT[part] | {part}]
    return [other for other in own_parts(path, package) if other == FACADE and part not in FOR_PEOPLE]


def impure(path: Path, package: Path) -> list[str]:
    """What a file imports that isn't pure, and must be."""
    if part_of(path, package) not in WITHOUT_TRIO:
        return []
    tops = {name.partition(".")[0] for name in imported_names(path, package)}
    return sorted(tops & {"trio", "threading", "asyncio", "socket", "logging"})


def prying(path: Path, package: Path) -> list[str]:
    """The private files and names of other parts that a file imports."""
    part = part_of(path, package)
    return [
        name
        for name in imported_names(path, package)
        if name.startswith(f"{package.name}.")
        for other, *below in [name.split(".")[1:]]
        if other != part and any(one.startswith("_") and not one.endswith("__") for one in below)
        if (part, other) not in DOORS
    ]


def unrepeatable(path: Path, package: Path) -> list[str]:
    """Where a file asks the machine itself for time, ids or randomness."""
    if part_of(path, package) in {"world", "bench", "demo", "cli"}:
        return []
    names = set(imported_names(path, package)) - HARMLESS
    tops = [name for name in names if name.partition(".")[0] in OF_THIS_MACHINE]
    calls = [
        node.attr
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today", "urandom"}
        if isinstance(node.value, ast.Name) and node.value.id in {"datetime", "date", "os"}
    ]
    return tops + calls


def late(path: Path, package: Path) -> list[str]:
    """Imports inside of functions, or for type checkers only."""
    return [
        ast.unparse(node)
        for scope in ast.walk(parsed(path))
        if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.If)
        for node in ast.walk(scope)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]


def unexplained(path: Path, package: Path) -> list[str]:
    """What goes against a rule of flake8-async, and doesn't say why."""
    lines = enumerate(path.read_text().splitlines(), start=1)
    return [f"{path.relative_to(package)}:{number}" for number, line in lines if UNEXPLAINED.search(line)]


UNEXPLAINED = re.compile(r"# noqa: (?=[A-Z0-9, ]*ASYNC)[A-Z0-9, ]+$")

CHECKS = {
    "upward": upward,
    "impure": impure,
    "prying": prying,
    "unrepeatable": unrepeatable,
    "late": late,
    "unexplained": unexplained,
}
FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_does_only_what_its_layer_may(path):
    checks = {name: check for name, check in CHECKS.items() if check is not late}
    assert {name: found for name, check in checks.items() if (found := check(path, PACKAGE))} == {}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_import_hides_in_a_function_or_from_running_programs(path):
    if path.stem != FACADE:  # which may import a name when it is used
        assert late(path, PACKAGE) == []


def test_every_part_has_its_place():
    parts = {part_of(path, PACKAGE) for path in FILES}
    assert parts <= {*MAY_IMPORT, *FOR_PEOPLE, FACADE}


@pytest.mark.parametrize(
    ("check", "file", "line"),
    [
        ("upward", "core/_bad.py", "from jido_trio.runtime import Jido"),
        ("upward", "core/_bad.py", "import jido_trio.supervision._life"),
        ("upward", "core/_bad.py", "from ..runtime import Jido"),
        ("upward", "supervision/_bad.py", "from jido_trio.core import Agent"),
        ("upward", "runtime/_bad.py", "from jido_trio import Agent"),
        ("upward", "runtime/_bad.py", "import jido_trio"),
        ("upward", "runtime/_bad.py", "from .. import Agent"),
        ("upward", "runtime/_bad.py", "from jido_trio.testing import agents"),
        ("upward", "testing/_bad.py", "from jido_trio.demo import anything"),
        ("upward", "errors.py", "from jido_trio.checks import one_of"),
        ("upward", "terms.py", "from jido_trio.errors import JidoError"),
        ("upward", "__init__.py", "from jido_trio.testing import agents"),
        ("upward", "data/_bad.py", "from jido_trio.core import Agent"),
        ("upward", "supervision/_bad.py", "from jido_trio.data import freeze"),
        ("upward", "observe/_bad.py", "from jido_trio.supervision import Child"),
        ("upward", "storage/_bad.py", "from jido_trio.core import Agent"),
        ("prying", "runtime/_bad.py", "from jido_trio.core._agent import Agent"),
        ("prying", "runtime/_bad.py", "from jido_trio.core import _agent"),
        ("prying", "runtime/_bad.py", "import jido_trio.core._agent"),
        ("prying", "runtime/_bad.py", "from ..core._agent import Agent"),
        ("prying", "runtime/_bad.py", "from jido_trio.checks import _one_of"),
        ("impure", "observe/_bad.py", "import trio"),
        ("impure", "core/_bad.py", "import trio"),
        ("impure", "data/_bad.py", "import trio"),
        ("impure", "core/_bad.py", "from trio.lowlevel import checkpoint"),
        ("impure", "world.py", "def f():\n    import trio"),
        ("unrepeatable", "runtime/_bad.py", "from time import monotonic"),
        ("unrepeatable", "core/_bad.py", "import uuid"),
        ("unrepeatable", "core/_bad.py", "from datetime import datetime\ndatetime.now()"),
        ("unrepeatable", "supervision/_bad.py", "import random"),
        ("unexplained", "core/_bad.py", "except BaseException:  # noqa: BLE001, ASYNC103"),
        ("late", "core/_bad.py", "def f():\n    from jido_trio.errors import JidoError"),
        ("late", "core/_bad.py", "if TYPE_CHECKING:\n    from jido_trio.errors import JidoError"),
    ],
)
def test_a_planted_violation_is_found(tmp_path, check, file, line):
    package = tmp_path / "jido_trio"
    for folder in ("core", "data", "demo", "observe", "runtime", "storage", "supervision", "testing"):
        (package / folder).mkdir(parents=True)
    for module in LEAVES:
        (package / f"{module}.py").touch()
    path = package / file
    path.write_text(line)

    assert CHECKS[check](path, package) != []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("runtime/_good.py", "import trio\nfrom jido_trio.core import Agent\nfrom . import _server"),
        ("core/_good.py", "from jido_trio.core._signal import _part\nfrom . import _agent"),
        ("supervision/_good.py", "from jido_trio.errors import JidoError"),
        ("core/_good.py", "pass  # noqa: ASYNC103, BLE001  # raised again"),
        ("world.py", "import random\nfrom datetime import datetime\ndatetime.now()"),
        ("core/_good.py", "from datetime import datetime\nfrom jido_trio.world import current\ncurrent().now()"),
    ],
)
def test_what_is_allowed_is_not_found(tmp_path, file, line):
    package = tmp_path / "jido_trio"
    for folder in ("core", "supervision", "runtime"):
        (package / folder).mkdir(parents=True)
    for module in LEAVES:
        (package / f"{module}.py").touch()
    path = package / file
    path.write_text(line)

    assert {name: check(path, package) for name, check in CHECKS.items() if check(path, package)} == {}
