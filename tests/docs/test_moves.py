"""The page on what may become of a child is made from the tables."""

from docs.moves import PAGE, renewed


def test_the_page_is_current():
    page = PAGE.read_text(encoding="utf-8")
    assert renewed(page) == page, "python -m docs.moves"


def test_what_is_written_by_hand_stays():
    made = renewed("before\n<!-- from the tables: python -m docs.moves -->\nold\n<!-- end of the tables -->\nafter")
    assert made.startswith("before\n")
    assert made.endswith("\nafter")
    assert "old" not in made
