"""Checks of options: what they let through, and what they say about the rest."""

from functools import partial

import pytest

from jido_trio.checks import called_at_once, did_you_mean, flag, nearest, one_of, seconds, share, whole
from jido_trio.errors import InvalidDefinition

WORDS = ("permanent", "transient", "temporary")


class Odd:
    """As a numpy array: compares to no bool."""

    def __eq__(self, other: object) -> object:  # type: ignore[override]
        raise ValueError("ambiguous")

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        raise ValueError("no repr")


@pytest.mark.parametrize(
    "check",
    [
        lambda: one_of("", "restart", "transient", WORDS),
        lambda: seconds("", "timeout", 0),
        lambda: seconds("", "timeout", 1e300),
        lambda: seconds("", "timeout", None, or_none="None for no limit"),
        lambda: whole("", "count", 0),
        lambda: whole("", "count", 10**400, least=1),
        lambda: whole("", "count", None, or_none="None for no limit"),
        lambda: share("", "jitter", 0),
        lambda: share("", "jitter", 1.0),
        lambda: flag("", "power_safe", False),
    ],
)
def test_what_fits_passes(check):
    check()


@pytest.mark.parametrize("value", ["Transient", None, 3, [], Odd()])
def test_a_word_that_is_not_known_is_refused(value):
    with pytest.raises(InvalidDefinition, match="is not one of 'permanent', 'transient', 'temporary'") as caught:
        one_of("child 'parser'", "restart", value, WORDS)

    assert (caught.value.field, caught.value.value) == ("restart", value) or isinstance(value, Odd)


@pytest.mark.parametrize("value", [-1, -0.5, float("nan"), float("inf"), 10**400, True, "1", None, Odd()])
def test_what_is_no_time_is_refused(value):
    with pytest.raises(InvalidDefinition, match=r"timeout=.* must be seconds, 0 or more"):
        seconds("", "timeout", value)
    with pytest.raises(InvalidDefinition, match="must be a number from 0 to 1"):
        share("", "jitter", value)


@pytest.mark.parametrize("value", ["no", "", 0, 1, None, [], Odd()])
def test_what_is_neither_true_nor_false_is_refused(value):
    with pytest.raises(InvalidDefinition, match=r"power_safe=.* of open_sqlite must be True or False") as caught:
        flag("open_sqlite", "power_safe", value)

    assert caught.value.field == "power_safe"


def test_zero_is_refused_where_it_makes_no_sense():
    with pytest.raises(InvalidDefinition, match=r"max_seconds=0 of supervisor 's' must be seconds, above 0, or None"):
        seconds("supervisor 's'", "max_seconds", 0, above_zero=True, or_none="None for ever")


@pytest.mark.parametrize("value", [-1, 0, 1.0, True, "1", None, Odd()])
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(InvalidDefinition, match=r"count=.* must be a whole number, 1 or more"):
        whole("", "count", value, least=1)


def test_the_nearest_word_is_offered():
    with pytest.raises(InvalidDefinition) as caught:
        one_of("child 'parser'", "restart", "permanant", WORDS)

    assert str(caught.value) == (
        "restart='permanant' of child 'parser' is not one of 'permanent', 'transient', 'temporary'; "
        "did you mean 'permanent'?"
    )


@pytest.mark.parametrize("word", ["zzz", 5, None, "permanent" * 100_000])
def test_no_word_is_offered_where_none_is_near(word):
    assert nearest(word, WORDS) is None
    assert did_you_mean(word, WORDS) == ""


async def waits(_: object) -> None: ...


def yields(_: object):
    yield


async def both(_: object):
    yield


class Waiting:
    async def __call__(self, _: object) -> None: ...


@pytest.mark.parametrize("function", [print, [].append, int, partial(print, 1), lambda _: None, None])
def test_what_is_called_at_once_passes(function):
    called_at_once("", "on_report", function, takes="a report", or_none="None for the log")


@pytest.mark.parametrize("function", [waits, yields, both, Waiting(), partial(waits, 1), 5, None, Odd()])
def test_what_would_do_nothing_when_it_is_called_is_refused(function):
    with pytest.raises(InvalidDefinition, match=r"on_report=.* of 'x' must be a .*takes a report"):
        called_at_once("'x'", "on_report", function, takes="a report")
