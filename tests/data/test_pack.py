"""What is kept as bytes comes back as it was, of the same classes; what can't be kept is refused with its place."""

import json
import math
import subprocess
import sys
from collections import namedtuple
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag
from uuid import UUID

import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

from jido_trio import Agent, Emit, Error, Instruction, RunInstruction, Schedule, Signal, SpawnAgent, Stop, ToAgent
from jido_trio.actions import MarkCompleted, Progress
from jido_trio.data import Misfit, class_name, freeze, named_class, pack, unpack
from jido_trio.errors import ActionError, InvalidParams


class Colour(Enum):
    RED = "r"
    GREEN = (1, 2)


class Rights(Flag):
    READ = 1
    WRITE = 2


Point = namedtuple("Point", "x y")  # noqa: PYI024  # an untyped one is a tuple, too


@frozen
class Odd:
    """A converter that isn't the same twice, a private field, one that isn't asked for, one under another name."""

    text: str = field(converter=lambda text: text + "!")
    _hidden: int = 3
    made: int = field(init=False, default=7)
    kind: str = field(default="k", alias="kind_")


VALUES = [
    None,
    True,
    0,
    -1,
    2**62,
    -(2**200),
    10**5000,  # Python refuses to read so many decimal digits
    1.5,
    "",
    "é\ud800\0",
    b"\xff\0",
    (),
    (1, ("a",)),
    freeze([1, [2, {"a": None}]]),
    freeze({"a": (1,), "b": {1, 2}, "c": {}}),
    freeze({1: "one"}),
    freeze({1: "one", "$": 2, (1, 2): 3}),
    frozenset({1, "a", (2,)}),
    datetime(2026, 11, 25, 12, tzinfo=UTC),
    datetime(2026, 10, 25, 2, 30, fold=1),  # noqa: DTZ001  # naive ones are kept, too
    date(2026, 1, 1),
    time(12, 30, 1, 5),
    timedelta(days=-1, microseconds=3),
    Decimal("1.10"),
    UUID(int=5),
    1 + 2j,
    Colour.GREEN,
    Rights.READ | Rights.WRITE,
    Point(1, (2,)),
    Odd("a"),
    Progress(status="x", last_answer=(1, 2)),
    MarkCompleted,
    MarkCompleted(result={"a": [1]}),
    Instruction(MarkCompleted, {"result": 5}, {"k": 1}),
    RunInstruction(Instruction(MarkCompleted)),
    Signal("a.b", {"x": [1, (2,)]}, subject="s", extensions={"n": 1}),
    Emit("a", dispatch=[ToAgent("b")]),
    Schedule(1.5, "later"),
    Stop("done"),
    SpawnAgent(Agent, "tag", meta={"a": 1}),
    Error(ActionError("no", details={"a": [1]}, retryable=True)),
    InvalidParams("add", ["x"]),
]


def same(one: object, other: object) -> bool:
    return one == other and type(one) is type(other)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_as_it_was(value):
    assert same(unpack(pack(value)), value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
        lambda inner: st.lists(inner).map(freeze) | st.dictionaries(st.text(), inner).map(freeze),
    )
)
def test_plain_data_comes_back_as_it_was(value):
    assert same(unpack(pack(value)), value)


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_infinity_comes_back(value):
    assert unpack(pack(value)) == value


def test_not_a_number_comes_back():
    assert math.isnan(unpack(pack(math.nan)))


@pytest.mark.parametrize("fold", [0, 1])
def test_of_an_hour_that_comes_twice_the_same_one_comes_back(fold):
    assert unpack(pack(datetime(2026, 10, 25, 2, 30, fold=fold))).fold == fold  # noqa: DTZ001


def test_a_converter_is_not_asked_again():
    assert unpack(pack(Odd("a"))).text == "a!"


def test_equal_sets_are_equal_bytes():
    assert pack(frozenset([0, 8])) == pack(frozenset([8, 0]))  # which Python goes through in the order they came


def test_it_is_json_that_can_be_read():
    assert json.loads(pack(freeze({"total": 5, "items": ["a"]}))) == {"total": 5, "items": ["a"]}


@frozen
class Holder:
    value: object


@pytest.mark.parametrize("value", [object(), lambda: None, open, json], ids=["object", "lambda", "builtin", "module"])
def test_what_cant_be_kept_is_refused_with_its_place(value):
    with pytest.raises(Misfit, match=r"can't be kept.* @ value\[1\]"):
        pack(Holder((1, value)))


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"$new": 1}, "means nothing to this version"),
        ({"$error": "builtins:int", "args": [], "state": {}}, "'builtins:int' is no error of ours any more"),
    ],
    ids=["a tag", "an error"],
)
def test_what_another_version_wrote_is_told_by_name(record, told):
    with pytest.raises(Misfit, match=told):
        unpack(json.dumps(record).encode())


def test_a_class_made_in_a_function_is_refused():
    @frozen
    class Local: ...

    with pytest.raises(Misfit, match="isn't found again by its name"):
        pack(Local())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff",
        b'{"$nonsense":1}',
        b'{"$int":"x"}',
        b'{"$tuple":5}',
        b'{"$bytes":"?"}',
        b'{"$datetime":"x","fold":0}',
        b'{"$decimal":"x"}',
        b'{"$timedelta":["x"]}',
        b'{"$dict":[1]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_such_value_is_a_misfit_and_nothing_else(data):
    with pytest.raises(Misfit):
        unpack(data)


@pytest.mark.parametrize("name", ["os:system", "no.such:Thing", "json:JSONDecoder.nothing", 5, "", "json"])
def test_a_name_that_is_no_class_is_refused(name):
    with pytest.raises(Misfit, match="there is no class"):
        named_class(name)


def test_a_class_that_is_no_attrs_class_is_not_made():
    with pytest.raises(Misfit, match="no attrs class"):
        unpack(b'{"$":"subprocess:Popen","args":"true"}')


def test_other_fields_than_the_class_has_are_told_by_name():
    name = class_name(Holder)
    with pytest.raises(Misfit, match=r"missing value unknown other"):
        unpack(json.dumps({"$": name, "other": 1}).encode())


@pytest.mark.parametrize("value", [complex("inf"), complex(1, float("-inf")), {complex(2, 3): 1}])
def test_complex_numbers_come_back_also_those_that_are_not_finite(value):
    assert unpack(pack(value)) == value


def test_what_is_written_is_json_as_it_always_was():
    value = {"a": 1, "b": [None, True, 1.5, "é\n"], "c": (2**70, -1), 3: frozenset({2, 1}), "$d": b"x"}
    assert pack(value) == (
        b'{"$dict":[["a",1],["b",[null,true,1.5,"\\u00e9\\n"]],["c",{"$tuple":[{"$int":"0x400000000000000000"},-1]}],'
        b'[3,{"$set":[1,2]}],["$d",{"$bytes":"eA=="}]]}'
    )


SCRIPT = """
import sys
from attrs import frozen
from jido_trio.data import fingerprint, pack, unpack

@frozen
class Paid:
    cents: int

if __name__ == "__main__":
    print(fingerprint(Paid(5)).hex(), pack(Paid(5)).decode())
else:
    kept = pack(Paid(5))
    print(fingerprint(unpack(kept)).hex(), kept.decode())
"""


def test_a_value_of_a_script_is_the_same_as_where_the_script_is_imported(tmp_path):
    (tmp_path / "bill.py").write_text(SCRIPT)
    ways = [["bill.py"], ["-m", "bill"], ["-c", "import bill"]]
    said = [
        subprocess.run([sys.executable, *way], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        for way in ways
    ]
    assert said[0].split()[1] == '{"$":"bill:Paid","cents":5}'
    assert len(set(said)) == 1


def test_a_value_of_what_is_typed_in_is_kept_within_the_process():
    typed = SCRIPT + "\nassert unpack(pack(Paid(5))) == Paid(5)"
    ran = subprocess.run([sys.executable, "-c", typed], capture_output=True, text=True, check=True)
    assert '{"$":"__main__:Paid","cents":5}' in ran.stdout
