"""The public API: what `__all__` says is there, sorted, documented, and all there is."""

import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

import jido_trio
from jido_trio import errors

MODULES = ["jido_trio", "jido_trio.core", "jido_trio.runtime", "jido_trio.supervision"]
FOLDERS = sorted(path.parent.name for path in Path(jido_trio.__file__).parent.glob("*/__init__.py"))


def modules() -> list[ModuleType]:
    return [importlib.import_module(name) for name in MODULES]


by_name = pytest.mark.parametrize("module", modules(), ids=MODULES)


def exported(module: ModuleType) -> set[str]:
    """The names that a facade has from below: neither private, nor modules; those included that are imported late."""
    public = {name for name in dir(module) if not name.startswith("_")}
    return {name for name in public if not inspect.ismodule(getattr(module, name))}


@by_name
def test_all_is_sorted_and_names_nothing_twice(module):
    assert module.__all__ == sorted(set(module.__all__))


@by_name
def test_all_is_complete_and_names_nothing_that_is_not_there(module):
    assert exported(module) == set(module.__all__)


@by_name
def test_every_public_class_and_function_says_what_it_is_for(module):
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isroutine(value):
            assert own_docstring(value), f"{module.__name__}.{name}"


@by_name
def test_every_public_method_says_what_it_does(module):
    for name in module.__all__:
        value = getattr(module, name)
        if not inspect.isclass(value):
            continue
        for method, function in vars(value).items():
            if not method.startswith("_") and written_here(value, function):
                assert function.__doc__, f"{module.__name__}.{name}.{method}"


def own_docstring(value: object) -> str | None:
    """The docstring, unless attrs made it."""
    return vars(value).get("__doc__") if inspect.isclass(value) else inspect.getdoc(value)


def written_here(cls: type, function: object) -> bool:
    """Whether a class's attribute is a method with a body of its own: some are made, by attrs or by us."""
    return inspect.isfunction(function) and function.__qualname__ == f"{cls.__qualname__}.{function.__name__}"


def test_a_public_name_means_one_thing_wherever_it_is_imported_from():
    meanings: dict[str, dict[int, str]] = {}
    for folder in FOLDERS:
        module = importlib.import_module(f"jido_trio.{folder}")
        for name in getattr(module, "__all__", ()):
            meanings.setdefault(name, {})[id(getattr(module, name))] = folder
    for name, error in exceptions().items():
        meanings.setdefault(name, {})[id(error)] = "errors"
    twice = {name: sorted(found.values()) for name, found in meanings.items() if len(found) > 1}
    assert twice == {  # each is the word of its field
        "Budget": ["ai", "supervision"],  # of money; of restarts
    }


def test_the_facade_names_only_what_a_folder_makes_public():
    below = {name for module in modules()[1:] for name in module.__all__} | set(exceptions())
    assert set(jido_trio.__all__) <= below


def exceptions() -> dict[str, type[Exception]]:
    return {
        name: value for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, Exception)
    }


def drawn() -> dict[str, int]:
    """The tree in the docstring of errors: names, and how deep they stand."""
    tree = re.findall(r"^    ((?:[|+ ] )*)(\w+)", errors.__doc__ or "", re.MULTILINE)
    return {name: len(branch) // 2 for branch, name in tree}


def test_the_tree_of_errors_shows_every_exception():
    assert set(drawn()) == set(exceptions())


def test_the_tree_of_errors_shows_which_is_a_kind_of_which():
    parents: list[str] = []
    for name, depth in drawn().items():
        del parents[depth:]
        if parents:
            assert exceptions()[name].__bases__[0].__name__ == parents[-1], name
        parents.append(name)


@pytest.mark.parametrize("name", sorted(exceptions()))
def test_every_exception_says_when_it_is_raised(name):
    assert exceptions()[name].__doc__
