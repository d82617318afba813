"""Signals through JSON and back: nothing is lost, nothing is added."""

import json
from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from jido_trio.core import Signal, freeze, from_json_batch, thaw, to_json_batch

printable = st.text(st.characters(codec="utf-8", categories=["L", "M", "N", "P", "S", "Zs"]), min_size=1)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
times = st.datetimes(timezones=st.just(UTC))
core_names = {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data"}
names = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=20).filter(lambda n: n not in core_names)
extension_values = st.booleans() | st.integers(-(2**31), 2**31 - 1) | printable | st.binary() | times
signals = st.builds(
    Signal,
    printable,
    json_values | st.binary(),
    source=st.sampled_from(["/shop", "urn:shop:1", "https://example.com/a?b#c", "Elixir.Shop"]),
    id=printable,
    subject=st.none() | printable,
    time=st.none() | times,
    dataschema=st.sampled_from([None, "https://example.com/schema"]),
    extensions=st.dictionaries(names, extension_values, max_size=4),
)


@given(signals)
def test_a_signal_comes_back_from_json_as_it_was(signal):
    again = Signal.from_json(signal.to_json())
    assert again == signal
    assert again.to_json() == signal.to_json()
    assert type(again.data) is type(signal.data)


@given(st.lists(signals, max_size=4))
def test_a_batch_comes_back_in_its_order(batch):
    assert from_json_batch(to_json_batch(batch)) == tuple(batch)


@given(signals)
def test_the_json_is_the_envelope_and_utf_8_bytes_are_read_as_text_is(signal):
    text = signal.to_json()
    assert json.loads(text) == signal.to_dict()
    assert Signal.from_json(text.encode()) == signal


@given(json_values)
def test_frozen_data_is_equal_to_the_plain_and_thaws_to_it(value):
    frozen = freeze(value)
    assert frozen == value
    assert thaw(frozen) == value
    assert json.dumps(frozen) == json.dumps(value)
    hash(frozen)
