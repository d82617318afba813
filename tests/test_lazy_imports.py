"""The facade imports a name when it is used; the parts import only what they need."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import jido_trio


def loaded_by(program: str) -> set[str]:
    """The modules of ours, and Trio, that a fresh interpreter has loaded after `program`."""
    program += "\nimport sys; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return {name for name in ran.stdout.split() if name == "trio" or name.startswith("jido_trio.")}


def parts(modules: set[str]) -> set[str]:
    return {".".join(name.split(".")[:2]) for name in modules}


def test_the_facade_alone_loads_nothing():
    assert loaded_by("import jido_trio; dir(jido_trio)") == set()


@pytest.mark.parametrize("program", ["import jido_trio.core", "from jido_trio import Action, Agent, Emit, Signal"])
def test_the_pure_half_loads_neither_trio_nor_what_needs_it(program):
    assert parts(loaded_by(program)) & {"trio", "jido_trio.supervision", "jido_trio.runtime"} == set()


def test_the_supervisors_load_no_agents():
    loaded = parts(loaded_by("from jido_trio import open_supervisor"))
    assert loaded & {"jido_trio.core", "jido_trio.runtime"} == set()
    assert {"trio", "jido_trio.supervision"} <= loaded


def test_a_part_is_there_without_having_been_imported():
    assert "jido_trio.errors" in loaded_by("import jido_trio; jido_trio.errors.JidoError")


def test_a_star_gives_every_name():
    namespace: dict[str, object] = {}
    exec("from jido_trio import *", namespace)
    assert set(jido_trio.__all__) <= set(namespace)


def test_dir_tells_every_name():
    assert set(jido_trio.__all__) <= set(dir(jido_trio))


def test_a_name_that_is_not_there_is_an_attribute_error_that_knows_the_neighbours():
    with pytest.raises(AttributeError, match="has no attribute 'Agnet'") as caught:
        jido_trio.Agnet  # type: ignore[attr-defined]  # type checkers see it, too
    assert (caught.value.name, caught.value.obj) == ("Agnet", jido_trio)


def test_what_type_checkers_are_told_is_what_programs_get():
    told = dict(told_to_checkers())
    assert sorted(told) == jido_trio.__all__
    for name, part in told.items():
        assert getattr(jido_trio, name) is getattr(sys.modules[part], name), name


def told_to_checkers() -> Iterator[tuple[str, str]]:
    """Each name that the facade imports, and from where."""
    tree = ast.parse(Path(jido_trio.__file__).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from ((alias.name, str(node.module)) for alias in node.names)
