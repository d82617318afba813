"""The page of states is made from the tables, and is that of the present ones."""

from docs.states import PAGE, page
from jido_trio.supervision._rules import MOVES


def test_the_page_of_states_is_current():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m docs.states`"


def test_every_move_is_in_the_diagram_and_in_the_table():
    text = page()
    assert all(f"{a} --> {b}" in text and f"| `{a}` | `{b}` |" in text for a, to in MOVES.items() for b in to)
