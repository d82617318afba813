"""What classes say of themselves is looked at when they are declared: words are text, and tags are several."""

from typing import Any

import pytest

from jido_trio.core import Action, Agent, Plugin, Sensor
from jido_trio.errors import InvalidDefinition


class Base(Agent, description="Counts", category="numbers", tags=["a"], vsn="1"):
    """An agent."""


@pytest.mark.parametrize("kind", [Action, Agent, Plugin, Sensor])
@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"vsn": 2}, "vsn=2 of {kind} Made must be a text"),
        ({"vsn": ""}, "vsn='' of {kind} Made must say something"),
        ({"vsn": ["1"]}, "must be a text"),
        ({"description": 5}, "description=5 of {kind} Made must be a text"),
        ({"description": "\ud800"}, "must be text that UTF-8 can write"),
        ({"category": b"x"}, "category=b'x' of {kind} Made must be a text"),
        ({"tags": "one"}, "tags='one' of {kind} Made must be several words, not one: write tags=['one']"),
        ({"tags": 5}, "tags=5 of {kind} Made must be several words, as a list"),
        ({"tags": {"a": 1}}, "must be several words, as a list"),
        ({"tags": b"ab"}, "must be several words, as a list"),
        ({"tags": ["a", 1]}, "tags=1 of {kind} Made must be a text"),
        ({"tags": ["a", " "]}, "tags=' ' of {kind} Made must say something"),
    ],
)
def test_words_about_a_class_that_are_none_are_refused_when_it_is_declared(kind, said, told):
    options: dict[str, Any] = {"name": "made", **said}
    with pytest.raises(InvalidDefinition) as refused:
        type("Made", (kind,), {}, **options)
    assert told.format(kind=kind.__name__.lower()) in str(refused.value)
    assert refused.value.field == next(iter(said))


def test_what_a_class_does_not_say_it_has_from_its_base():
    class Made(Base, name="made", description="", tags=()):
        pass

    assert (Made.description, Made.category, Made.tags, Made.vsn) == ("Counts", "numbers", ("a",), "1")


def test_tags_come_as_whatever_can_be_gone_through():
    class Made(Agent, tags=(each for each in "ab")):
        pass

    assert Made.tags == ("a", "b")
