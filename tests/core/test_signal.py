import json
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import pytest
from attrs import evolve, frozen
from attrs.exceptions import FrozenInstanceError
from hypothesis.vendor.pretty import pretty

from jido_trio.core import FrozenDict, Signal, from_json_batch, to_json_batch
from jido_trio.errors import InvalidSignal
from jido_trio.world import is_uuid7, seeded, using

EVENT = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.placed"}


def test_a_signal_needs_only_a_type():
    with using(seeded(1)) as world:
        signal = Signal("order.placed")
    assert is_uuid7(signal.id)
    assert signal.time == "2000-01-01T00:00:00.002000Z"  # the id looked at the clock before
    assert signal.specversion == "1.0"
    assert signal.source == "/jido_trio"
    assert signal.data is None
    assert world.ids() > signal.id


def test_two_signals_have_two_ids():
    assert Signal("a").id != Signal("a").id


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (None, None),
        ({}, "application/json"),
        ("", "application/json"),
        (0, "application/json"),
        (b"x", "application/octet-stream"),
    ],
)
def test_the_content_type_follows_from_the_data(data, content_type):
    assert Signal("a", data).datacontenttype == content_type


def test_a_content_type_that_is_given_stays():
    assert Signal("a", "<a/>", datacontenttype="application/xml; charset=utf-8").datacontenttype is not None
    assert Signal("a", {}, datacontenttype=None).datacontenttype is None


WRONG = [
    ("type", ""),
    ("type", None),
    ("type", 123),
    ("type", "a\x00b"),
    ("type", "a\ud800"),
    ("source", ""),
    ("source", None),
    ("source", "a b"),
    ("source", "1a:b"),
    ("source", "/a#b#c"),
    ("source", "/%zz"),
    ("source", 3),
    ("id", ""),
    ("id", None),
    ("id", 7),
    ("subject", ""),
    ("subject", 7),
    ("time", ""),
    ("time", "yesterday"),
    ("time", "2026-01-02"),
    ("time", "2026-01-02T12:00:00"),
    ("time", "2026-13-02T12:00:00Z"),
    ("time", "2026-01-02T12:00:61Z"),
    ("time", "2026-01-02 12:00:00Z"),
    ("time", "2026-01-02T24:00:00Z"),
    ("time", "2026-01-02T12:00:00+24:00"),
    ("time", "2026-01-02T12:00:00+01:60"),
    ("time", "2026-01-02T12:00:0\u0669Z"),
    ("time", "0000-01-02T12:00:00Z"),
    ("time", datetime(2026, 1, 2)),  # noqa: DTZ001 - that is the point
    ("time", 0),
    ("datacontenttype", ""),
    ("datacontenttype", "json"),
    ("datacontenttype", 3),
    ("dataschema", ""),
    ("dataschema", "/relative"),
    ("dataschema", 3),
    ("specversion", "0.3"),
    ("specversion", "1.0.1"),
    ("specversion", 1),
]


@pytest.mark.parametrize(("attribute", "value"), WRONG)
def test_a_wrong_attribute_is_named_with_its_value(attribute, value):
    with pytest.raises(InvalidSignal) as caught:
        Signal(**{"type": "a", attribute: value})
    assert str(caught.value).startswith(f"signal {attribute} is {value!r}: ")


RIGHT = [
    ("type", "com.example/übung:erstellt"),
    ("source", "https://example.com/a?b=c#d"),
    ("source", "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66"),
    ("source", "mailto:a@example.com"),
    ("source", "1-555-123-4567"),
    ("source", "Elixir.My.Module"),
    ("source", "https://[::1]:8080/%20"),
    ("id", "A234-1234-1234"),
    ("subject", "file.jpg"),
    ("time", "2026-01-02T12:00:00Z"),
    ("time", "1985-04-12t23:20:50.123456789z"),
    ("time", "1996-12-19T16:39:57-08:00"),
    ("time", "1990-12-31T23:59:60Z"),
    ("time", None),
    ("datacontenttype", "application/vnd.api+json;charset=utf-8"),
    ("dataschema", "https://example.com/schema.json"),
]


@pytest.mark.parametrize(("attribute", "value"), RIGHT)
def test_a_right_attribute_is_kept_as_it_is(attribute, value):
    assert getattr(Signal(**{"type": "a", attribute: value}), attribute) == value


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (datetime(2026, 1, 2, 12, tzinfo=UTC), "2026-01-02T12:00:00Z"),
        (datetime(2026, 1, 2, 12, 0, 0, 5, tzinfo=timezone(timedelta(hours=1))), "2026-01-02T12:00:00.000005+01:00"),
        (datetime(2026, 1, 2, 12, tzinfo=timezone(timedelta(minutes=19, seconds=32))), "2026-01-02T11:40:28Z"),
    ],
)
def test_an_aware_time_becomes_text(time, text):
    assert Signal("a", time=time).time == text


class Nowhere(tzinfo):
    def utcoffset(self, _):
        return None

    tzname = dst = utcoffset


LOCAL_MEAN_TIME = timezone(timedelta(seconds=15))


@pytest.mark.parametrize("time", [datetime(2026, 1, 2, tzinfo=Nowhere()), datetime(1, 1, 1, tzinfo=LOCAL_MEAN_TIME)])
def test_a_time_that_has_no_text_is_refused(time):
    with pytest.raises(InvalidSignal, match="signal time is"):
        Signal("a", time=time)
    with pytest.raises(InvalidSignal):
        Signal("a", extensions={"then": time})


@pytest.mark.parametrize("name", ["", "Trace", "trace_id", "trace-id", "a.b", "é", 3])
def test_a_wrong_name_of_an_extension_is_refused(name):
    with pytest.raises(InvalidSignal, match=r"extension name is .*lower-case letters"):
        Signal("a", extensions={name: "x"})


@pytest.mark.parametrize("name", ["id", "data", "time", "specversion"])
def test_a_core_attribute_is_no_extension(name):
    with pytest.raises(InvalidSignal, match=f"pass it as {name}="):
        Signal("a", extensions={name: "x"})


@pytest.mark.parametrize(
    "value",
    [None, 1.5, {"a": 1}, [1], 2**31, -(2**31) - 1, "a\x00", datetime(2026, 1, 2)],  # noqa: DTZ001
)
def test_a_wrong_value_of_an_extension_is_refused(value):
    with pytest.raises(InvalidSignal, match="signal extension trace is"):
        Signal("a", extensions={"trace": value})


@pytest.mark.parametrize("values", [5, [], None, [("a", 1)]])
def test_extensions_that_are_no_mapping_are_refused(values):
    with pytest.raises(InvalidSignal, match=r"signal extensions is .*give a mapping"):
        Signal("a", extensions=values)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (True, True),
        (2**31 - 1, 2**31 - 1),
        (-(2**31), -(2**31)),
        ("", ""),
        (b"ab", "YWI="),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00Z"),
    ],
)
def test_an_extension_is_kept_as_on_the_wire(value, kept):
    assert Signal("a", extensions={"a1": value}).extensions == {"a1": kept}


def test_a_long_value_is_shortened_in_the_message():
    with pytest.raises(InvalidSignal) as caught:
        Signal("a", source=" " * 1000)
    assert len(str(caught.value)) < 250


def test_a_signal_is_frozen_with_its_data():
    data = {"items": [1]}
    signal = Signal("a", data)
    data["items"].append(2)
    assert signal.data == {"items": [1]}
    with pytest.raises(TypeError, match="can't be changed"):
        signal.data["items"].append(2)
    with pytest.raises(FrozenInstanceError):
        signal.type = "b"  # type: ignore[misc]


def test_equal_signals_are_equal_in_everything_and_hashed_by_id():
    one = Signal("a", {"x": 1}, id="1", time=None)
    assert one == Signal("a", {"x": 1}, id="1", time=None)
    assert one != evolve(one, data={"x": 2})
    assert hash(one) == hash(evolve(one, data=[{}]))


def test_a_changed_signal_keeps_the_rest():
    one = Signal("a", {"x": 1}, subject="s", extensions={"trace": "t"})
    other = evolve(one, type="b")
    assert other.type == "b"
    assert evolve(other, type="a") == one


def test_a_signal_tells_which_one_caused_it():
    first, second = Signal("a"), Signal("b", extensions={"trace": "t"})
    assert second.cause is None
    caused = second.caused_by(first)
    assert caused.cause == first.id
    assert caused.extensions == {"trace": "t", "causationid": first.id}
    assert caused.id == second.id


def test_the_envelope_has_what_is_set_and_extensions_at_the_top():
    signal = Signal(
        "a", {"x": [1]}, id="1", source="/s", time="2026-01-02T12:00:00Z", extensions={"trace": "t", "n": 1}
    )
    assert signal.to_dict() == {
        "specversion": "1.0",
        "id": "1",
        "source": "/s",
        "type": "a",
        "time": "2026-01-02T12:00:00Z",
        "datacontenttype": "application/json",
        "trace": "t",
        "n": 1,
        "data": {"x": [1]},
    }


def test_the_envelope_is_plain_data():
    plain = Signal("a", {"x": [1]}).to_dict()
    plain["data"]["x"].append(2)
    assert plain["data"] == {"x": [1, 2]}


def test_values_of_classes_in_the_data_are_written_as_plain_data():
    @frozen
    class Item:
        price: int

    assert Signal("a", {"item": Item(3)}).to_dict()["data"] == {"item": {"price": 3}}


def test_bytes_travel_as_base64_and_come_back():
    signal = Signal("a", b"\x00\xff")
    assert signal.to_dict()["data_base64"] == "AP8="
    assert "data" not in signal.to_dict()
    assert Signal.from_json(signal.to_json()) == signal


def test_the_example_of_the_specification_is_read():
    text = """{
        "specversion": "1.0", "type": "com.example.someevent", "source": "/mycontext", "subject": null,
        "id": "C234-1234-1234", "time": "2018-04-05T17:31:00Z", "comexampleextension1": "value",
        "comexampleothervalue": 5, "datacontenttype": "application/json",
        "data": {"appinfoA": "abc", "appinfoB": 123, "appinfoC": true}
    }"""
    signal = Signal.from_json(text)
    assert signal.type == "com.example.someevent"
    assert signal.subject is None
    assert signal.extensions == {"comexampleextension1": "value", "comexampleothervalue": 5}
    assert signal.data == {"appinfoA": "abc", "appinfoB": 123, "appinfoC": True}
    assert Signal.from_json(signal.to_json()) == signal


def test_what_is_absent_stays_absent():
    signal = Signal.from_dict(EVENT)
    assert (signal.time, signal.datacontenttype, signal.data, signal.extensions) == (None, None, None, FrozenDict())
    assert signal.to_dict() == EVENT


def test_the_version_that_jido_writes_is_read_and_the_right_one_written():
    signal = Signal.from_dict(EVENT | {"specversion": "1.0.2", "jido_schema_version": 1})
    assert signal.to_dict() == EVENT


def test_data_of_any_json_type_comes_back():
    for data in ([1, 2], "text", 3, 1.5, True, False, {"a": None}, [], {}, ""):
        signal = Signal("a", data)
        assert Signal.from_json(signal.to_json()) == signal


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type"])
def test_a_missing_required_attribute_is_named(name):
    for event in ({key: value for key, value in EVENT.items() if key != name}, EVENT | {name: None}):
        with pytest.raises(InvalidSignal, match=f"signal {name} is missing"):
            Signal.from_dict(event)


@pytest.mark.parametrize("name", ["id", "source", "type", "subject", "time", "dataschema"])
def test_an_empty_attribute_is_refused_on_the_wire_too(name):
    with pytest.raises(InvalidSignal, match=f"signal {name} is ''"):
        Signal.from_dict(EVENT | {name: ""})


@pytest.mark.parametrize(
    "text", ["", "{", b"\xff\xfe\xfd", "nonsense", "NaN", '{"data": [-Infinity]}', "9" * 5000, None]
)
def test_what_is_no_json_is_an_invalid_signal(text):
    with pytest.raises(InvalidSignal, match="not JSON"):
        Signal.from_json(text)


@pytest.mark.parametrize("text", ["[]", "3", '"a"', "null"])
def test_what_is_no_object_is_an_invalid_signal(text):
    with pytest.raises(InvalidSignal, match="signal envelope is"):
        Signal.from_json(text)


@pytest.mark.parametrize(
    ("extra", "why"),
    [
        ({"data": 1, "data_base64": "YWI="}, "not both"),
        ({"data_base64": "!"}, "give Base64"),
        ({"data_base64": 3}, "give Base64"),
        ({"trace_id": "x"}, "extension name"),
        ({"trace": {"a": 1}}, "extension trace"),
    ],
)
def test_a_broken_envelope_says_what_is_wrong(extra, why):
    with pytest.raises(InvalidSignal, match=why):
        Signal.from_dict(EVENT | extra)


@pytest.mark.parametrize("data", [float("nan"), {"a": object()}, {(1, 2): 3}])
def test_data_that_is_no_json_cannot_be_written(data):
    with pytest.raises(InvalidSignal, match="can't be written as JSON"):
        Signal("a", data).to_json()


NESTED = ("[%s]", '{"a": %s}')


def nested(shape: str, depth: int) -> str:
    before, after = shape.split("%s")
    return before * depth + "1" + after * depth


@pytest.mark.parametrize("shape", NESTED)
@pytest.mark.parametrize("depth", [1, 20, 90])
def test_nested_data_goes_in_and_out(shape, depth):
    text = Signal("a", json.loads(nested(shape, depth))).to_json()
    assert Signal.from_json(text).to_json() == text


@pytest.mark.parametrize("shape", NESTED)
@pytest.mark.parametrize("depth", [300, 1000, 5000, 100_000])
def test_data_that_is_nested_too_deeply_is_refused_and_nothing_else_fails(shape, depth):
    event = json.dumps(EVENT)[:-1] + ', "data": ' + nested(shape, depth) + "}"
    for read, text in ((Signal.from_json, event), (from_json_batch, f"[{event}]")):
        with pytest.raises(InvalidSignal):
            read(text)


def test_python_data_that_is_nested_too_deeply_or_holds_itself_is_refused():
    deep: Any = []
    loop: Any = []
    for _ in range(5000):
        deep = [deep]
    loop.append(loop)
    for data in (deep, {"a": deep}, loop):
        with pytest.raises(InvalidSignal, match="data can't be kept"):
            Signal("a", data)


def test_an_int_too_large_for_json_text_is_refused_when_it_is_written():
    with pytest.raises(InvalidSignal, match="can't be written as JSON"):
        Signal("a", 10**5000).to_json()


def test_a_batch_keeps_order_and_ids():
    signals = tuple(Signal("a", n) for n in range(5))
    assert from_json_batch(to_json_batch(signals)) == signals
    assert to_json_batch([]) == "[]"


def test_a_batch_is_an_array_of_events():
    with pytest.raises(InvalidSignal, match="signal batch is"):
        from_json_batch(json.dumps(EVENT))
    with pytest.raises(InvalidSignal, match="signal envelope is 3"):
        from_json_batch("[3]")


@pytest.mark.parametrize(
    "code",
    [
        "Signal('sold', {'a': [1, 2]}, id='x', time='2024-05-06T07:08:09Z')",
        "Signal('sold', id='x', time='2024-05-06T07:08:09Z')",
        "Signal('sold', b'raw', source='/till', id='x', subject='s', time=None, extensions={'traceid': 'one'})",
    ],
)
def test_it_is_shown_as_the_call_that_makes_it_without_what_is_as_it_mostly_is(code):
    signal = eval(code)
    assert eval(" ".join(pretty(signal).split())) == signal
