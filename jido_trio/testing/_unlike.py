"""Values that can be made one time and not another, as a validator, a converter or a default remembers."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis.errors import Flaky


class Unlike(Exception):
    """The same values could be made one time and not another."""


@contextmanager
def unlike_told() -> Iterator[None]:
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
