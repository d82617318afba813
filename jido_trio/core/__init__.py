"""What an agent is and how it decides: values and pure functions. Imports the leaves only, and never trio."""

from jido_trio.core._frozen import FrozenDict, FrozenList, freeze, thaw
from jido_trio.core._pattern import matches
from jido_trio.core._router import Route, Router
from jido_trio.core._signal import Signal, from_json_batch, to_json_batch

__all__ = [
    "FrozenDict",
    "FrozenList",
    "Route",
    "Router",
    "Signal",
    "freeze",
    "from_json_batch",
    "matches",
    "thaw",
    "to_json_batch",
]
