"""Typed frozen values: how they are made of plain data, changed, frozen and told apart. Imports leaves, never Trio.

`_problem` is what is wrong, and where; `_freeze` makes data that nobody can change; `_codec` makes values of plain data
and back; `_schema` makes and changes the values of one attrs class.
"""

from jido_trio.data._codec import (
    Misfit,
    register_structure_hook,
    register_unstructure_hook,
    structure,
    structurer,
    unstructure,
)
from jido_trio.data._fingerprint import fingerprint
from jido_trio.data._freeze import FrozenDict, FrozenList, freeze, thaw
from jido_trio.data._schema import Schema, is_frozen, said, schema_of, under

__all__ = [
    "FrozenDict",
    "FrozenList",
    "Misfit",
    "Schema",
    "fingerprint",
    "freeze",
    "is_frozen",
    "register_structure_hook",
    "register_unstructure_hook",
    "said",
    "schema_of",
    "structure",
    "structurer",
    "thaw",
    "under",
    "unstructure",
]
