"""Secrets: fields that are told nowhere, and texts that are left out of free text."""

import json
from typing import Any

import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

from jido_trio.redact import HIDDEN, Secret, plain, said, secret_fields, secret_fields_within, secret_texts, shown


@frozen
class Key:
    """Has secrets, in a field, in a container, and in one that may be missing."""

    name: str
    token: Secret[str]
    parts: Secret[list[Any]] = field(factory=list)
    pin: Secret[int] | None = None


@frozen
class Ring:
    keys: tuple[Key, ...] = ()


SHAPES = {
    "alone": lambda text: text,
    "within words": "the token {} is wrong".format,
    "repr": repr,
    "repr in a repr": lambda text: repr([text]),
    "beside both quotes": lambda text: repr(f"'\"{text}"),
    "ascii": ascii,
    "JSON": json.dumps,
    "bytes": lambda text: repr(text.encode("utf-8", "replace")),
    "three times": lambda text: text * 3,
}


@given(st.text(min_size=4), st.sampled_from(sorted(SHAPES)), st.integers(0, 700), st.integers(20, 600))
def test_a_secret_that_is_known_is_in_no_text_in_whatever_shape(secret, shape, at, limit):
    secret = f"{secret}-canary"
    text = "." * at + SHAPES[shape](secret)
    hide = secret_texts((Key("k", secret), Key("b", "", [secret.encode("utf-8", "replace")])))

    for told in (said(text, limit, hide=hide), shown(text, limit, hide=hide), shown([text], limit, hide=hide)):
        assert "canary" not in told
        assert len(told) <= limit


@pytest.mark.parametrize("value", [Key("k", "canary"), [Key("k", "canary")], {"k": Ring((Key("k", "canary"),))}])
def test_a_secret_field_is_told_as_stars_in_whatever_holds_it(value):
    assert "Key(name='k', token=***, parts=***, pin=***)" in shown(value)
    assert "canary" not in json.dumps(plain(value)) + shown(value)


def test_secret_fields_are_those_whose_annotation_says_so():
    assert secret_fields(Key) == {"token", "parts", "pin"}
    assert secret_fields(Ring) == secret_fields(int) == set()


def test_secrets_of_classes_within_a_class_are_found_however_they_are_declared():
    @frozen
    class Box:
        rings: dict[str, list[Ring | None]] = field(factory=dict)
        inner: "Box | None" = None

    assert secret_fields_within(Box) == {"token", "parts", "pin"}
    assert secret_fields_within(int) == set()


def test_the_texts_of_secrets_are_those_of_all_that_is_in_them():
    key = Key("k", "first", [{"second": ("third", 4567, None, True)}], 12345)

    assert {"first", "third", "4567", "12345"} <= secret_texts({"ring": Ring((key,))})
    assert "k" not in secret_texts(key)


def test_secrets_too_short_to_be_told_from_words_are_not_searched_for():
    assert secret_texts(Key("k", "abc", [], 12)) == set()


def test_keys_that_are_said_to_be_secret_are_so_in_mappings():
    data = {"user": "ann", "inner": {"password": "canary"}}

    assert plain(data, {"password"}) == {"user": "ann", "inner": {"password": HIDDEN}}
    assert secret_texts(data, {"password"}) == {"canary"}


def test_plain_data_is_what_json_has_and_bounded():
    value = {"n": (1, 2.5, float("nan"), None, True), 5: frozenset({"x"}), "long": "y" * 5000, "many": list(range(500))}
    told = plain(value)

    assert told["n"] == [1, 2.5, "nan", None, True]
    assert told["5"] == ["x"]
    assert (len(told["long"]), len(told["many"]), told["many"][-1]) == (1003, 101, "... 400 more")


def test_a_secret_within_another_leaves_nothing_of_the_longer_one():
    assert said("is key-and-more right?", hide={"key-", "key-and-more"}) == "is *** right?"
