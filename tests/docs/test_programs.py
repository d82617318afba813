"""The blocks of each page are a program that a user's type checker accepts."""

from docs.programs import program


def test_a_program_keeps_the_line_numbers_of_its_page():
    page = "# Title\n\n```python\na = 1\n```\n\n```console\n$ b\n```\n\n```python\nc = a\n```\n"

    assert program(page) == "\n\n\na = 1\n\n\n\n\n\n\n\nc = a\n\n"
