"""Any bytes under any name are a document or unreadable; any text has facts, and these are stable."""

from hypothesis import given
from hypothesis import strategies as st

from jido_trio.demo._amounts import amounts_in
from jido_trio.demo._dates import dates_in
from jido_trio.demo._documents import EXTENSIONS, SAMPLES, Document, Unreadable, find_documents, parse_document
from jido_trio.demo._facts import facts_of

SAMPLE_FILES = [(path.suffix, path.read_bytes()) for path in find_documents(SAMPLES)]
MARKUP = st.sampled_from(
    ["<", ">", "<a ", "<!--", "<![", "&#", '"', "[", "{", "}", ",", ";", "\n", "\x1b[", "\\ud800", "%PDF-"]
)
NUMBERS = st.sampled_from(
    ["1", "12", "2024", "٣", ".", ",", "/", "-", " ", "€", "EUR", "march", "de", "'", "年", "\u0301"]
)

extensions = st.sampled_from([*EXTENSIONS, ".bin", ""])
texts = st.text() | st.lists(MARKUP | st.text(max_size=3)).map("".join)
notes = st.text(st.characters()) | st.lists(NUMBERS | st.text(max_size=2)).map("".join)


@st.composite
def damaged_samples(draw):
    """A sample with a piece cut out or put in, under its own extension mostly."""
    extension, data = draw(st.sampled_from(SAMPLE_FILES))
    start = draw(st.integers(0, len(data)))
    stop = draw(st.integers(start, min(len(data), start + 200)))
    return draw(st.just(extension) | extensions), data[:start] + draw(st.binary(max_size=20)) + data[stop:]


files = st.one_of(
    st.tuples(extensions, st.binary()),
    st.tuples(extensions, texts.map(lambda text: text.encode("utf-8", "replace"))),
    damaged_samples(),
)


def outcome_of(extension, data):
    try:
        return parse_document(f"file{extension}", data)
    except Unreadable as refusal:
        return refusal


@given(files)
def test_any_bytes_under_any_extension_are_a_document_or_unreadable(file):
    outcome = outcome_of(*file)
    if isinstance(outcome, Unreadable):
        assert outcome.reason.isprintable()
    else:
        assert outcome.title
        assert outcome.text.encode("utf-8")


@given(notes)
def test_any_text_has_facts_that_fit_each_other(text):
    facts = facts_of(Document("a", "text", "a", text))
    assert facts.characters == len(text)
    assert facts.distinct_words <= facts.words <= facts.characters
    assert facts.sentences <= facts.words
    assert bool(facts.words) == bool(facts.average_word_length)
    assert all(count <= facts.words for _, count in facts.top_words)


@given(notes)
def test_dates_found_once_are_found_again_in_the_same_form(text):
    dates = dates_in(text)
    assert dates_in(" ; ".join(dates)) == dates


@given(notes)
def test_amounts_found_once_are_found_again_in_the_same_form(text):
    amounts = amounts_in(text)
    assert amounts_in(" ; ".join(map(" ".join, amounts))) == amounts
