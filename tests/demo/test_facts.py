"""Facts: counts, frequent words, dates, amounts, and their totals."""
# ruff: noqa: RUF001 - letters of other alphabets are the subject

from itertools import permutations

import pytest

from jido_trio.demo._amounts import amounts_in
from jido_trio.demo._dates import dates_in
from jido_trio.demo._documents import SAMPLES, Document, read_document
from jido_trio.demo._facts import TOP, Totals, add, facts_of


def facts(text):
    return facts_of(Document("a.txt", "text", "A title", text))


def test_words_are_counted_with_their_apostrophes_and_case_aside():
    found = facts("Don't stop. DON'T, l’eau l’eau")
    assert (found.words, found.distinct_words, found.characters) == (5, 3, 30)


def test_words_with_combining_marks_stay_whole():
    assert facts("हिन्दी हिन्दी कुतُب").words == 3
    assert facts("cafe\u0301s cafés").top_words == (("cafés", 2),)


def test_underscores_set_words_apart():
    assert facts("snake_case").words == 2


def test_chinese_and_japanese_count_characters_and_rank_short_runs_of_one_script():
    found = facts("灯台の海図。灯台のカタログ。これはとてもとても長い漢字連続文字列例である")
    assert found.words == 34
    assert found.top_words == (("灯台", 2), ("カタログ", 1), ("海図", 1))


def test_frequent_words_have_four_letters_and_ties_are_alphabetical():
    assert facts("the the the pear Fig plum PLUM apple 2024 2024 ab12 " + "x" * 41).top_words == (
        ("plum", 2),
        ("apple", 1),
        ("pear", 1),
    )


def test_no_more_than_ten_frequent_words_are_kept():
    assert len(facts(" ".join("word" + letter for letter in "abcdefghijklmnop")).top_words) == TOP == 10


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two! Three?", 3),
        ("He said “Go.” She went.", 2),
        ("Pi is 3.14 here", 1),
        ("A heading\n \nA text", 2),
        ("Wait... what?!", 2),
        ("一。二！三", 3),
        ("هل؟ نعم.", 2),
        ("... !!! \n\n ...", 0),
        ("", 0),
    ],
)
def test_sentences_are_told_by_punctuation_and_blank_lines(text, count):
    assert facts(text).sentences == count


def test_the_average_word_length_is_rounded_and_zero_for_no_words():
    assert facts("a bb bb").average_word_length == 1.67
    assert facts("--").average_word_length == 0


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2024-03-12T10:00", "2024-03-12"),
        ("2024/3/2", "2024-03-02"),
        ("12.03.2024", "2024-03-12"),
        ("1.2.2024", "2024-02-01"),
        ("3/14/2025", "2025-03-14"),
        ("14/3/2025", "2025-03-14"),
        ("14-03-2025", "2025-03-14"),
        ("4/4/2025", "2025-04-04"),
        ("14 March 2024", "2024-03-14"),
        ("14th of Sept. 2024", "2024-09-14"),
        ("March 14, 2024", "2024-03-14"),
        ("JULY 4th, 2024", "2024-07-04"),
        ("14. März 2024", "2024-03-14"),
        ("14.Dez. 2024", "2024-12-14"),
        ("le 1er août 2024", "2024-08-01"),
        ("3 de mayo de 2024", "2024-05-03"),
        ("3 de mayo del 2024", "2024-05-03"),
        ("12-Mar-2024", "2024-03-12"),
        ("2024年3月12日", "2024-03-12"),
        ("٢٠٢٤-٠٣-١٢", "2024-03-12"),
    ],
)
def test_a_date_with_one_reading_becomes_iso(text, date):
    assert dates_in(f"On {text}, they came.") == (date,)


def test_a_date_with_two_readings_stays_as_written():
    assert dates_in("due 3/4/2025 or 03-04-2025") == ("3/4/2025", "03-04-2025")


@pytest.mark.parametrize(
    "text",
    [
        "31/02/2020",
        "2023-02-29",
        "13/14/2020",
        "0000-01-01",
        "April 31, 2024",
        "Aprİl 3, 2024",
        "1.2.24",
        "12024-03-12",
        "1.2.3.2024",
        "KP-2024-0031",
    ],
)
def test_what_no_calendar_has_is_no_date(text):
    assert dates_in(text) == ()


def test_dates_are_distinct_and_in_the_order_of_the_text():
    assert dates_in("5 May 2024, 2023-01-01, 05.05.2024") == ("2024-05-05", "2023-01-01")


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("€1,234.56", ("EUR", "1234.56")),
        ("1.234,56 €", ("EUR", "1234.56")),
        ("1 234,50 EUR", ("EUR", "1234.50")),
        ("CHF 1'234.00", ("CHF", "1234.00")),
        ("US$ 5", ("USD", "5")),
        ("$0.125", ("$", "0.125")),
        ("1.234 €", ("EUR", "1234")),
        ("£1234.567", ("GBP", "1234.567")),
        ("£1,234.567", ("GBP", "1234.567")),
        ("1.234.567 EUR", ("EUR", "1234567")),
        ("1\u202f234 EUR", ("EUR", "1234")),
        ("-€5.00", ("EUR", "-5.00")),
        ("EUR -5.00", ("EUR", "-5.00")),
        ("12,000円", ("JPY", "12000")),
        ("EUR50", ("EUR", "50")),
    ],
)
def test_an_amount_is_read_in_either_style(text, amount):
    assert amounts_in(f"They paid {text} for it.") == (amount,)


def test_a_range_is_no_negative_amount():
    assert amounts_in("10-20 €") == (("EUR", "20"),)


def test_a_sign_between_two_numbers_belongs_to_the_one_it_touches():
    assert amounts_in("room 5 $10") == (("$", "10"),)


@pytest.mark.parametrize("text", ["THE 5", "5 eur", "EURO 5", "v1.2.3 EUR", "5", "€", "EUR"])
def test_what_has_no_currency_or_no_number_is_no_amount(text):
    assert amounts_in(text) == ()


def test_amounts_are_distinct_and_in_the_order_of_the_text():
    assert amounts_in("£2, £1, GBP 2") == (("GBP", "2"), ("GBP", "1"))


def test_the_facts_of_a_letter_are_those_a_reader_would_note():
    found = facts_of(read_document(SAMPLES / "letters" / "harbour-master.txt"))
    assert (found.kind, found.title) == ("text", "Kestrel Point Library")
    assert found.dates == ("2024-03-14", "2024-02-02", "2019-09-03", "2024-04-09")
    assert found.amounts == (("GBP", "4850.00"), ("GBP", "3000"), ("GBP", "1275.50"))


# Texts on which a pattern that tries twice would take minutes: the suite's timeout would tell.
@pytest.mark.parametrize(
    "unit",
    [
        *("a", "12 mar ", "\ud800"),
        *(
            pytest.param(unit, marks=pytest.mark.long)
            for unit in (".", " ", "\n ", "1", "1 ", "e\u0327\u0301", "1,", "a'", "€", "\u0301", "漢", '!"')
        ),
    ],
)
def test_a_megabyte_made_to_mislead_the_patterns_takes_no_longer_than_another(unit):
    text = unit * (1_000_000 // len(unit))
    assert facts(text).characters == len(text)


def test_totals_are_the_sums_over_all_documents():
    documents = (facts("Some words. More words"), facts("words £1"))
    totals = add(add(Totals(), documents[0]), documents[1])
    assert totals == Totals(2, 30, 6, 3, {"text": 2}, {"more": 1, "some": 1, "words": 3})
    assert totals.top_words == (("words", 3), ("more", 1), ("some", 1))


def test_totals_are_the_same_in_any_order():
    documents = [facts("pear plum"), facts("plum apple. Plum"), facts_of(Document("b", "csv", "b", "fig tree"))]
    sums = []
    for order in permutations(documents):
        totals = Totals()
        for document in order:
            totals = add(totals, document)
        sums.append(totals)
    assert sums[1:] == sums[:-1]
    assert sums[0].kinds == {"text": 2, "csv": 1}
