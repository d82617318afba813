"""Operations are checked when they are made."""

import pytest

from jido_trio.errors import InvalidDefinition
from jido_trio.storage import Check, Delete, DeleteRange, Put, within


@pytest.mark.parametrize("key", ["", 5, None, b"a", "a\0", "\ud800", "k" * 1001])
def test_what_is_no_key_is_refused(key):
    for make in (lambda: Put(key, b""), lambda: Delete(key), lambda: Check(key, 1), lambda: DeleteRange("a", key)):
        with pytest.raises(InvalidDefinition, match="is no key"):
            make()


@pytest.mark.parametrize("value", ["text", None, bytearray(b"x"), 5])
def test_a_value_is_bytes(value):
    with pytest.raises(InvalidDefinition, match="must be bytes"):
        Put("a", value)


@pytest.mark.parametrize("revision", [-1, True, "1", 1.0])
def test_a_revision_is_a_whole_number(revision):
    for make in (lambda: Put("a", b"", revision), lambda: Delete("a", revision), lambda: Check("a", revision)):
        with pytest.raises(InvalidDefinition, match="must be a revision"):
            make()


def test_a_check_needs_a_revision():
    with pytest.raises(InvalidDefinition, match="must be a revision"):
        Check("a", None)  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["p", "p/", "p/\U0010fffe", "pz"])
def test_within_has_all_keys_of_a_prefix(key):
    start, end = within("p")
    assert start <= key < end


@pytest.mark.parametrize("key", ["o\U0010ffff", "q", "P"])
def test_within_has_no_other_key(key):
    start, end = within("p")
    assert not start <= key < end
