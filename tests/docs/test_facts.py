"""The contract and the page of facts: each sentence has a test, which is there."""

import re

import pytest

from tests.docs._tables import ROOT, lines_of, named_in, rows_of

PAGES = {"contract.md": 60, "facts.md": 50, "ai/facts.md": 60}
"""How many sentences each has, at least."""

on_each_page = pytest.mark.parametrize("page", PAGES)


@on_each_page
def test_each_sentence_has_tests_that_are_there(page):
    assert [missing for row in rows_of(page) for missing in row.missing] == []


@on_each_page
def test_each_line_of_the_tables_is_a_sentence_with_a_test(page):
    rows = rows_of(page)

    assert len(rows) == len(lines_of(page)) >= PAGES[page]
    assert [row.fact for row in rows if not row.fact.endswith(".")] == []


@on_each_page
def test_nothing_is_told_twice(page):
    rows = rows_of(page)

    assert len({row.fact for row in rows}) == len(rows)


def test_the_contract_tells_of_all_it_should():
    heads = re.findall(r"^## (.+)$", (ROOT / "docs" / "contract.md").read_text(), re.MULTILINE)

    assert heads == [
        "Who owns what",
        "When a message counts as handled",
        "What a caller learns",
        "What order is kept",
        "Who is disturbed by whom",
        "Durable agents",
        "What is not promised",
    ]


def test_a_test_that_is_not_there_would_be_missed():
    assert "test_of_nothing" not in named_in("docs/test_facts.py")
    assert "test_a_test_that_is_not_there_would_be_missed" in named_in("docs/test_facts.py")
    assert named_in("docs/no_such_file.py") == set()
