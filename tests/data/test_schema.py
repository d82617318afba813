"""How values of attrs classes are made and changed: what attrs allows, each by an example."""

from attrs import field, frozen

from jido_trio.data import schema_of


def test_fields_by_keyword_may_stand_before_others():
    @frozen
    class Mixed:
        a: int = field(kw_only=True, default=1)
        b: int = 2

    schema = schema_of(Mixed)

    assert schema.make({"b": 3}) == Mixed(3, a=1)
    assert schema.merge(Mixed(3, a=1), {"a": 5}) == Mixed(3, a=5)
