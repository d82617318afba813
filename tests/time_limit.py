"""A pytest plugin: each test of this project has its time, with what `jido_trio.testing` holds tests to it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest

from jido_trio.testing._time_limit import watched


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add how long tests may take."""
    parser.addini("test_seconds", "real seconds that a test may take", type="string", default="60")
    parser.addini(
        "idle_seconds", "real seconds that a run in virtual time may stand still", type="string", default="15"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Add the mark for tests that need longer."""
    config.addinivalue_line("markers", "seconds(limit): real seconds that this test may take")


@contextmanager
def _held(item: pytest.Item) -> Iterator[None]:
    limits = [float(item.config.getini(name)) for name in ("test_seconds", "idle_seconds")]
    mark = item.get_closest_marker("seconds")
    if mark is not None:
        limits[0] = float(mark.args[0])
    if item.get_closest_marker("long") is not None:
        yield
    else:
        with watched(limits[0], limits[1]):
            yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Hold the fixtures of a test to its time."""
    with _held(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Hold a test to its time."""
    with _held(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Hold the end of a test to its time."""
    with _held(item):
        return (yield)
