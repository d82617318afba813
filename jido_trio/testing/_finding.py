"""Hypothesis, asked for a value that breaks a law.

Of each new trial it makes up to five more, in which one part is a copy of another of its kind, so that of three trials
two have no step that is new. That the same value is at two places, for which it does that, echoes see to. How it makes
them can't be said by a setting; where another version of it has no such method, it makes them as before.
"""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from hypothesis import find, settings
from hypothesis.errors import Flaky, HypothesisDeprecationWarning
from hypothesis.internal.conjecture import engine
from hypothesis.strategies import SearchStrategy

from jido_trio.world import seeded

T = TypeVar("T")


class Unlike(Exception):
    """The same values could be made one time and not another, as a validator, a converter or a default remembers."""


def found(values: SearchStrategy[T], breaks: Callable[[T], bool], how: settings, seed: int) -> T:
    """Return a value that breaks a law, as small as one was found.

    Raises:
        NoSuchExample: No value does.
        Unsatisfiable: No value could be made.
        Unlike: Hypothesis was told one thing and then another.
    """
    with warnings.catch_warnings(), _without_copies(), _unlike_told():
        warnings.simplefilter("ignore", HypothesisDeprecationWarning)  # an agent may begin by chance: a law tells
        return find(values, breaks, settings=how, random=seeded(seed).random)


@contextmanager
def _unlike_told() -> Iterator[None]:
    """Raise `Unlike` for what Hypothesis says of such values.

    With some seeds that is what its tree of choices asserts, which isn't the same tree any more.
    """
    try:
        yield
    except Flaky as error:
        raise Unlike from error
    except AssertionError as error:
        *_, (innermost, _) = traceback.walk_tb(error.__traceback__)
        if not innermost.f_globals["__name__"].startswith("hypothesis.internal."):
            raise
        raise Unlike from error


@contextmanager
def _without_copies() -> Iterator[None]:
    runner: Any = getattr(engine, "ConjectureRunner", None)
    made = getattr(runner, "generate_mutations_from", None)
    if made is None:
        yield
        return
    runner.generate_mutations_from = lambda _runner, _data: None
    try:
        yield
    finally:
        runner.generate_mutations_from = made
