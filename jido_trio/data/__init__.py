"""Typed frozen values: how they are made of plain data, changed, frozen and told apart. Imports leaves, never Trio.

`_problem` is what is wrong, and where; `_freeze` makes data that nobody can change, and `_fingerprint` bytes of it;
`_codec` makes values of plain data and back. `_schema` is about the fields of one attrs class, `_plan` and `_merge`
about what one field holds; `_compile` writes out what is done most. `_pack` makes bytes that a storage keeps, and back.
`_shapes` and `_json` are a class as JSON Schema, and the values read by it.
"""

from jido_trio.data._codec import register_structure_hook, register_unstructure_hook, structure, structurer, unstructure
from jido_trio.data._fingerprint import fingerprint
from jido_trio.data._freeze import MAX_DEPTH, FrozenDict, FrozenList, freeze, is_frozen, thaw
from jido_trio.data._json import Form, form_of
from jido_trio.data._names import recorded_name
from jido_trio.data._pack import class_name, named_class, pack, unpack
from jido_trio.data._problem import Key, Misfit, Problem, message, under
from jido_trio.data._schema import Schema, schema_of
from jido_trio.data._shapes import Unread, pointer
from jido_trio.data._storable import unstorable

__all__ = [
    "MAX_DEPTH",
    "Form",
    "FrozenDict",
    "FrozenList",
    "Key",
    "Misfit",
    "Problem",
    "Schema",
    "Unread",
    "class_name",
    "fingerprint",
    "form_of",
    "freeze",
    "is_frozen",
    "message",
    "named_class",
    "pack",
    "pointer",
    "recorded_name",
    "register_structure_hook",
    "register_unstructure_hook",
    "schema_of",
    "structure",
    "structurer",
    "thaw",
    "under",
    "unpack",
    "unstorable",
    "unstructure",
]
