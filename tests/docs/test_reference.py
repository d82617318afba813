"""The reference is made from the docstrings, and is that of the present ones."""

import pytest

from docs.reference import FOLDER, PARTS, names, pages

pytestmark = pytest.mark.workshop


@pytest.fixture(scope="module")
def made():
    return pages()


def test_the_reference_is_current(made):
    stale = [name for name, text in made.items() if (FOLDER / name).read_text(encoding="utf-8") != text]
    assert not stale, "run `python -m docs.reference`"
    assert {path.name for path in FOLDER.iterdir()} == set(made)


@pytest.mark.parametrize("part", PARTS)
def test_every_public_name_has_an_entry(part, made):
    page = made[f"{part}.md"]
    assert [name for name in names(part) if f"## {name}\n" not in page and f"[`{name}`]" not in page] == []


def test_an_entry_has_the_signature_and_what_each_argument_and_error_means(made):
    page = made["runtime.md"]
    times = "timeout: float | None = CALL_TIMEOUT, deadline: float | None = None"
    assert f"async call(message: Sent, *, {times}, check: bool = True) -> AgentT" in page
    assert "- `MailboxFull`: There is no room." in page
