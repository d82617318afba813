"""The pytest plugin: laws of agents as tests, an instance in virtual time, crashes that nobody claimed, a time limit.

pytest loads it wherever jido_trio is installed, so it imports nothing of ours. What a run asks for is in
`jido_trio.testing`, and is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

_LAWS = "jido_trio.testing._pytest_laws"
_RUNS = "jido_trio.testing._pytest_runs"
_USES = ("jido", "jido_heard", "simulated")
"""Fixtures whose tests fail if something crashes that nobody claims."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what can be asked for."""
    group = parser.getgroup("jido", "agents of jido_trio")
    group.addoption(
        "--jido-conformance",
        action="append",
        default=[],
        metavar="TARGET",
        help="try the laws of agents on module:Agent, or on the agents of a module; each law is a test",
    )
    group.addoption("--jido-examples", type=int, default=100, metavar="N", help="trials for each law (default: 100)")
    group.addoption("--jido-seed", type=int, default=0, metavar="N", help="what trials and simulations follow from (0)")
    group.addoption(
        "--jido-time-limit",
        type=float,
        default=None,
        metavar="SECONDS",
        help="real seconds that a test, its setup and its end may take, each; then it fails, with the stacks of all",
    )
    parser.addini("jido_unclaimed", "'fail' has tests fail that leave crashes or dead letters unclaimed", default="")
    parser.addini("jido_time_limit", "real seconds that a test, its setup and its end may take, each", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Bring in the laws, if they are asked for."""
    _limit(config)
    if config.getini("jido_unclaimed") not in ("", "fail"):
        raise pytest.UsageError(f"jido_unclaimed = {config.getini('jido_unclaimed')}: write 'fail', or nothing")
    if config.option.jido_examples < 1:
        raise pytest.UsageError(f"--jido-examples {config.option.jido_examples}: give a whole number, 1 or more")
    if config.getoption("jido_conformance"):
        _part(config, _LAWS)


def _part(config: pytest.Config, name: str) -> Any:
    """Return a part of ours, imported now if it wasn't."""
    if not config.pluginmanager.has_plugin(name):
        config.pluginmanager.import_plugin(name)
    return config.pluginmanager.get_plugin(name)


def _limit(config: pytest.Config) -> float | None:
    given = config.getoption("jido_time_limit")
    text = config.getini("jido_time_limit")
    try:
        limit = given if given is not None else float(text) if text else None
    except ValueError:
        limit = -1.0
    if limit is not None and not limit > 0:
        raise pytest.UsageError(f"jido_time_limit = {given if given is not None else text}: give seconds, above 0")
    return limit


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Hold a test to its time, and to what it leaves unclaimed."""
    with _held(item), _heard(item):
        result = yield
    _claimed(item)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Hold what comes before a test to its time; what crashes there, the test may claim."""
    with _held(item), _heard(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Hold what comes after a test to its time, and to what it leaves unclaimed."""
    with _held(item), _heard(item):
        result = yield
    _claimed(item)
    return result


def _held(item: pytest.Item) -> AbstractContextManager[Any]:
    limit = _limit(item.config)
    if limit is None:
        return nullcontext()
    held: AbstractContextManager[Any] = _part(item.config, _RUNS).within(limit)
    return held


def _hears(item: pytest.Item) -> bool:
    strict = item.config.getini("jido_unclaimed") == "fail"
    return strict or any(_is_ours(fixture) for name in _USES for fixture in _fixtures_of(item).get(name, ()))


def _heard(item: pytest.Item) -> AbstractContextManager[Any]:
    if not _hears(item):
        return nullcontext()
    heard: AbstractContextManager[Any] = _part(item.config, _RUNS).hearing(item)
    return heard


def _claimed(item: pytest.Item) -> None:
    if _hears(item):
        _part(item.config, _RUNS).heard_of(item).check()


def _fixtures_of(item: pytest.Item) -> Mapping[str, Sequence[pytest.FixtureDef[Any]]]:
    """Return the fixtures that a test uses, by name; the last of each name is the one that counts."""
    info = getattr(item, "_fixtureinfo", None)  # what pytest itself goes by; there is no public name for it
    return {name: found[-1:] for name, found in info.name2fixturedefs.items()} if info is not None else {}


def _is_ours(fixture: pytest.FixtureDef[Any]) -> bool:
    """Whether it is one of this module, and none of the same name in the tests."""
    return getattr(fixture.func, "__module__", None) == __name__


async def _jido(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """Return an open instance in virtual time, whose ids follow from the name of the test; it is closed at the end.

    A crash or a dead letter that the test doesn't claim, by `jido_heard`, fails it. Needs pytest-trio, and that the
    test asks for its `autojump_clock`, too.
    """
    async with _part(request.config, _RUNS).instance(request.node.nodeid) as instance:
        yield instance  # noqa: ASYNC119 - pytest-trio closes its fixtures


_jido._force_trio_fixture = True  # type: ignore[attr-defined]  # noqa: SLF001 - what pytest_trio.trio_fixture does
jido = pytest.fixture(name="jido")(_jido)


@pytest.fixture
def jido_heard(request: pytest.FixtureRequest) -> Any:
    """Return what crashed, and which signals were lost, in this test; whoever asks for them claims them."""
    return _part(request.config, _RUNS).heard_of(request.node)


@pytest.fixture
def simulated(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Return `simulate`, with the seed of `--jido-seed`: `simulated(app)` runs an async function in a simulation.

    What crashes in it, and isn't claimed by `jido_heard`, fails the test.
    """
    part = _part(request.config, _RUNS)
    run: Callable[..., Any] = part.simulated(part.heard_of(request.node), request.config.getoption("jido_seed"))
    return run
