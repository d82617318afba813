"""Reading documents: what becomes text, and what is refused for which reason."""
# ruff: noqa: RUF001 - letters of other alphabets are the subject

import gzip
import os
import socket
import zlib
from html.parser import HTMLParser
from pathlib import Path

import pytest

from jido_trio.demo._documents import (
    SAMPLES,
    Limits,
    NoDocuments,
    Unreadable,
    find_documents,
    parse_document,
    read_document,
    supported,
)
from jido_trio.errors import ActionError

BROKEN = {
    "budget.csv": "CSV row 7 has 5 fields, header has 4",
    "clipping.json": "not valid JSON: line 1, column 1: Expecting value",
    "cyrillic.txt": "damaged: UTF-8 but for invalid continuation byte at byte 172",
    "download.pdf": "not a PDF: it begins like HTML",
    "empty.txt": "file is empty",
    "feed.xml": "not valid XML: mismatched tag: line 6, column 47",
    "half.pdf": "PDF is truncated: its end mark %%EOF is missing",
    "laughs.xml": "XML that defines entities of its own is refused: 'a0'",
    "letter.txt": "not text: it is a PNG image",
    "loans.jsonl": "not valid JSON: line 3: Expecting ',' delimiter",
    "locked.pdf": "PDF is encrypted: it needs a password",
    "members.json": "not valid JSON: line 9, column 76: Unterminated string starting at",
    "noise.txt": "binary file of unknown kind",
    "scan.pdf": "PDF without text: only pictures, perhaps scans, on 1 page",
    "scrambled.pdf": "PDF is damaged: no page can be found in it",
}


DEFAULT = Limits()


def text_of(name, data):
    return parse_document(name, data).text


def refusal(name, data, limits=DEFAULT):
    with pytest.raises(Unreadable) as caught:
        parse_document(name, data, limits)
    return caught.value.reason


def pdf(content, extra=b""):
    """A PDF of one page, without the cross-reference table, which readers rebuild."""
    return (
        b"%%PDF-1.4\n1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj\n"
        b"2 0 obj <</Type /Pages /Kids [3 0 R] /Count 1>> endobj\n"
        b"3 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 4 0 R"
        b" /Resources <</Font <</F <</Type /Font /Subtype /Type1 /BaseFont /Helvetica>> >> >> >> endobj\n"
        b"4 0 obj <</Length %d %s>> stream\n%s\nendstream endobj\n"
        b"trailer <</Root 1 0 R>>\nstartxref\n0\n%%%%EOF\n" % (len(content), extra, content)
    )


@pytest.mark.parametrize(("name", "reason"), BROKEN.items())
def test_a_broken_sample_is_refused_for_its_own_reason(name, reason):
    with pytest.raises(Unreadable) as caught:
        read_document(SAMPLES / "broken" / name)
    assert caught.value.reason == reason


def test_every_broken_sample_has_its_reason_above():
    assert {path.name for path in (SAMPLES / "broken").iterdir()} == set(BROKEN)


@pytest.mark.parametrize(
    ("name", "kind", "title", "part"),
    [
        ("README.txt", "text", "The samples of jido-trio demo", "a bug."),
        ("data/budget.csv", "csv", "budget", "Glass, wire, and a man from Hull"),
        ("data/invoice.xml", "xml", "Facture 2024-0117", "de préférence en €."),
        ("data/kasse.csv", "csv", "kasse", "Rahmenholz, Eiche\t218,40 €"),
        ("data/loans.jsonl", "jsonl", "loans", "item: Les feux de la côte"),
        ("data/members.json", "json", "Members of the library, spring 2024", "remark: Elected unopposed — twice."),
        ("data/tides.tsv", "tsv", "tides", "Kestrel Point\t2024-04-30\t"),
        ("letters/bodega.txt", "text", "Puerto Gaviota, 3 de mayo de 2024", "«Hoy no se enciende»"),
        ("letters/bouquiniste.md", "text", "Lettre d’une bouquiniste", "s’appelait Noël"),
        ("letters/harbour-master.txt", "text", "Kestrel Point Library", "the pencil is in our safe"),
        ("letters/kartensammlung.txt", "text", "Stadtbücherei am Süderhafen", "Jürgen Möhlenbrück"),
        (
            "letters/note-for-monday.txt",
            "text",
            "Note for whoever opens up on Monday",
            "Café money for the week: €24.60",
        ),
        ("letters/risala.txt", "text", "السيدة إينيس هالوران المحترمة", "سبع خرائط"),
        ("letters/tegami.txt", "text", "灯台図書館の皆様", "港資料館"),
        ("minutes/2024-04-09-board.md", "text", "Minutes of the board, 9 April 2024", "The cat's view"),
        ("minutes/acta.org", "text", "Acta de la asociación de amigos del faro", "Se levanta la sesión."),
        ("minutes/protokoll.rst", "text", "Protokoll der Kartenrunde", "Die Runde dankt der Köchin."),
        ("papers/annual-report.pdf", "pdf", "Kestrel Point Library: annual report 2023", "Margaret Yeo"),
        ("papers/catalogue-numbers.txt", "text", "Kestrel Point Library P. Quill", "both are wrong"),
        ("papers/catalogue.log", "text", "catalogue", "KeyError: 2042"),
        ("papers/invoice-lamp.pdf", "pdf", "Invoice 5521: one lamp, restored", "£1,275.50"),
        ("papers/programme.pdf", "pdf", "Häfen im Nebel – Programm, programme, programa", "Туманные гавани"),
        ("web/feed.xml", "xml", "News from Kestrel Point Library", "which always does."),
        ("web/guestbook.html", "html", "Guest book", "It was my coat first. — the cat"),
        ("web/index.html", "html", "Kestrel Point Library – Opening hours and events", "We don’t bite."),
        ("web/postupleniya.html", "html", "Морская библиотека: новые поступления", "одну о кошках"),
        ("web/tenjikai.htm", "html", "港資料館 展示会のご案内", "灯台守の日誌"),
    ],
)
def test_a_sample_is_read_as_its_kind_with_title_and_text(name, kind, title, part):
    document = read_document(SAMPLES / name)
    assert (document.kind, " ".join(document.title.split())) == (kind, title)
    assert part in document.text


def test_the_samples_are_small_and_all_of_them_are_found():
    found = find_documents(SAMPLES)
    assert len(found) == 42
    assert sum(path.stat().st_size for path in found) < 500_000


def test_a_document_knows_where_it_came_from():
    document = read_document(str(SAMPLES / "README.txt"))
    assert (document.path, document.name) == (str(SAMPLES / "README.txt"), "README.txt")


GERMAN = "Grüße aus der Bücherei: für größere Bände zahlt man jährlich 12,50, für die übrigen nichts."
RUSSIAN = "Уважаемые читатели, библиотека закрыта до понедельника. Спасибо за терпение."
JAPANESE = "図書館は月曜日まで閉まっています。ご協力ありがとうございます。"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_text_is_read_in_each_encoding_that_can_be_told(encoding):
    assert text_of("a.txt", GERMAN.encode(encoding)) == GERMAN


@pytest.mark.parametrize("encoding", ["koi8-r", "cp866", "iso8859-5"])
def test_cyrillic_text_tells_its_encoding(encoding):
    assert text_of("a.txt", RUSSIAN.encode(encoding)) == RUSSIAN


@pytest.mark.parametrize("encoding", ["shift_jis", "euc_jp", "iso2022_jp"])
def test_japanese_text_tells_its_encoding(encoding):
    assert text_of("a.txt", JAPANESE.encode(encoding)) == JAPANESE


def test_an_encoding_is_told_by_the_lines_that_are_more_than_ascii_however_far_down():
    assert text_of("a.txt", b"plain words\n" * 30_000 + GERMAN.encode("cp1252")).endswith(GERMAN)
    assert text_of("a.txt", b"plain words " * 30_000 + GERMAN.encode("cp1252")).endswith(GERMAN)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Grüße, ça va?", "cp1252"),
        ("Proszę przesłać książkę do Łodzi, gdyż właściciel żąda jeszcze pieniędzy.", "iso8859-2"),
        ("El señor Muñoz pidió más", "cp850"),
        ("Biblioteca va fi închisă până luni; mulţumim pentru răbdare.", "cp1250"),
    ],
)
def test_text_that_does_not_tell_its_encoding_is_refused_rather_than_guessed(text, encoding):
    assert "text in an unknown encoding: not UTF-8, it declares no charset" in refusal("a.txt", text.encode(encoding))


def test_a_declared_charset_is_believed_when_the_bytes_are_not_utf_8():
    assert text_of("a.txt", "coding: koi8-r\nПисьмо".encode("koi8-r")) == "coding: koi8-r\nПисьмо"


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("tis-620", "cp874", "สวัสดีชาวโลก …"),
        ("windows-874", "cp874", "สวัสดีชาวโลก"),
        ("iso-8859-8-i", "iso8859-8", "שלום עולם"),
        ("iso-8859-1", "cp1252", "“Grüße” – 5 €"),
        ("iso-8859-9", "cp1254", "İstanbul’da"),
        ("x-sjis", "cp932", "東京都の天気 ①㈱"),
        ("euc-jp", "euc_jis_2004", "東京都の天気 ①"),
        ("iso-2022-jp", "iso2022_jp", "東京都の天気"),
        ("windows-949", "cp949", "안녕하세요 똠방각하"),
        ("ks_c_5601-1987", "cp949", "안녕하세요 똠방각하"),
        ("big5", "big5hkscs", "香港天氣 嘅"),
        ("big5-hkscs", "big5hkscs", "香港天氣 嘅"),
        ("gb2312", "gb18030", "图书馆 镕 €"),
        ("hz-gb-2312", "hz", "图书馆"),
        ("iso-2022-kr", "iso2022_kr", "안녕하세요"),
        ("ibm850", "cp850", "naïve café"),
        ("macintosh", "mac_roman", "naïve café"),
        ("utf-16", "utf-8", "naïve café"),
    ],
)
def test_a_declared_charset_is_read_in_it_and_in_what_is_written_by_its_name(charset, codec, text):
    page = f'<meta charset="{charset}"><title>{text}</title><p>and a line of words that are plain'.encode(codec)
    assert parse_document("a.html", page).title == text


def test_a_declared_charset_in_which_the_text_is_not_valid_is_no_reason_to_try_another():
    page = '<meta charset="shift_jis"><p>Grüße über Grüße, höflich'.encode("cp1252")
    assert refusal("a.html", page).startswith("declared as CP932, but not valid CP932: illegal multibyte sequence at")


@pytest.mark.parametrize("charset", ["idna", "nonsense", "cp037", "rot-13"])
def test_a_declared_charset_that_is_none_is_told(charset):
    data = f"charset={charset} ".encode() + "Письмо".encode("koi8-r") * 20
    assert refusal("a.txt", data) == f"text in an unknown encoding: not UTF-8, and declared as '{charset}'"


def test_utf_7_is_refused_where_it_would_make_a_difference():
    assert refusal("a.txt", b"charset=utf-7: na+AO8-ve") == "declared as UTF-7, which is not read"
    assert text_of("a.txt", b"Mail may say charset=utf-7 1+1") == "Mail may say charset=utf-7 1+1"


def test_utf_8_is_believed_whatever_is_declared():
    assert text_of("a.txt", "charset=koi8-r Grüße".encode()) == "charset=koi8-r Grüße"


@pytest.mark.parametrize(
    "damage", [b"\xc3", b"\x96 end", "été\n".encode("latin-1"), "\ud800".encode("utf-8", "surrogatepass")]
)
@pytest.mark.parametrize("before", ["", "charset=utf-8\n"])
def test_utf_8_with_a_bad_byte_is_refused_with_the_place_and_not_read_as_something_else(damage, before):
    good = (before + "Réunion à l'hôtel : 1 250,00 €.\n").encode()
    reason = refusal("a.txt", good + damage)
    assert reason.startswith("damaged: UTF-8 but for ")
    assert reason.endswith(f" at byte {len(good)}")


def test_a_western_text_in_which_two_bytes_happen_to_be_utf_8_is_still_western():
    text = f"{GERMAN} Er schrieb: „Das ist Spaß“ und ging. {GERMAN}"
    assert text_of("a.txt", text.encode("cp1252")) == text


def test_utf_16_cut_within_a_character_is_refused_with_the_place():
    data = "text".encode("utf-16")[:-1]
    assert refusal("a.txt", data) == "marked as UTF-16-LE, but not valid UTF-16-LE: truncated data at byte 6"


def test_a_byte_order_mark_before_noise_makes_no_text():
    assert refusal("a.txt", b"\xef\xbb\xbf\0\0\1\2") == "binary file of unknown kind, though it is marked as UTF-8"


def test_bytes_that_happen_to_decode_as_utf_16_make_no_text():
    assert refusal("a.txt", b"\0\1\2\3\4\5\6\7" * 8) == "binary file of unknown kind"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (pdf(b"BT /F 9 Tf (Hi) Tj ET"), "pdf"),
        (b"\xef\xbb\xbf \n<!DOCTYPE HTML><p>Hi", "html"),
        (b"<?xml version='1.0'?><a>Hi</a>", "xml"),
        (b"[section]\nkey = Hi", "text"),
    ],
)
def test_a_file_without_a_known_extension_is_told_by_how_it_begins(data, kind):
    document = parse_document("somewhere/file", data)
    assert (document.kind, "Hi" in document.text) == (kind, True)


def test_a_binary_file_is_refused_by_the_name_of_its_kind():
    assert refusal("a.docx", b"PK\x03\x04") == "not text: it is a ZIP archive, as .docx, .xlsx, .odt and .epub are"
    assert refusal("a.log", gzip.compress(b"x")) == "not text: it is a gzip archive"
    assert refusal("a.txt", pdf(b"")) == "not text: it is a PDF"


def test_text_can_not_disturb_a_terminal_or_an_encoder():
    data = b'{"a": "\\u001b[31mred\\u001b[0m\\u0007\\ud800", "b": "x\\fy\\r\\nz"}'
    assert text_of("a.json", data) == "a: red\N{REPLACEMENT CHARACTER}\nb: x\ny\nz"


def test_a_file_without_any_text_is_refused():
    assert refusal("a.html", b"<script>let x;</script>") == "no text in this html file"
    assert refusal("a.json", b"[]") == "no text in this json file"


def test_html_is_what_a_browser_shows():
    page = b"<style>p {}</style><p>One <b>wo</b>rd<br>next<td>cell</td>after<!-- hidden --> &amp; all<script>no"
    assert text_of("a.html", page) == "One word\nnext\ncell\nafter & all"


def test_html_hides_what_says_how_a_word_is_pronounced():
    assert text_of("a.html", "<ruby>漢<rt>kan<rp>)</ruby>字".encode()) == "漢字"


def test_html_shows_what_xml_calls_character_data():
    assert text_of("a.html", b"<svg>a<![CDATA[ & b]]></svg>") == "a & b"


def test_html_with_a_script_that_closes_itself_is_shown_to_its_end():
    assert text_of("a.html", b"a<template/>b<p/>c<script></script>d") == "ab\ncd"


def test_html_left_open_at_the_end_is_closed_there():
    assert text_of("a.html", b"seen <!-- > <!-- never closed") == "seen"
    assert text_of("a.html", b"seen <a href=") == "seen"


def test_html_that_looks_like_a_file_name_or_like_xml_is_read_without_a_warning():
    assert text_of("a.html", b"index.html") == "index.html"
    assert text_of("a.html", b"<?xml version='1.0'?><rss>news</rss>") == "news"


def test_html_that_the_parser_rejects_is_refused(monkeypatch):
    def reject(*_args):
        raise AssertionError("unknown declaration")

    monkeypatch.setattr(HTMLParser, "feed", reject)  # which markup it rejects changes with Python's version
    assert refusal("a.html", b"<![x") == "not even broken HTML: a declaration in it, <!...>, makes no sense"


def test_html_is_titled_by_its_heading_when_it_has_no_title():
    assert parse_document("a.html", b"<h1>The \n sea</h1>").title == "The sea"
    assert parse_document("a.html", b"The sea").title == "a"


def test_html_is_read_in_linear_time_however_its_tags_are_left_open():
    for unit in (b"<a b='", b"<!--x>", b"<b>x", b"<div>"):
        document = parse_document("a.html", b"word " + unit * (30_000 // len(unit)))
        assert document.text.startswith("word")


def test_json_is_flattened_to_keys_and_values_with_numbers_as_written():
    data = b'{"total": 1.50, "big": 1' + b"0" * 5000 + b', "ok": true, "no": null, "tags": ["x", {"y": [1]}], "": "z"}'
    lines = text_of("a.json", data).splitlines()
    assert lines == ["total: 1.50", "big: 1" + "0" * 5000, "ok: True", "no", "tags: x", "tags", "y: 1", "z"]


def test_json_of_a_bare_value_is_read():
    assert text_of("a.json", b'["one", null, 2]') == "one\n\n2"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"a": NaN}', "not valid JSON: NaN is no JSON number"),
        (b"[" * 100_000, "not readable as JSON: nested too deeply"),
        (b'{"a": 1,\n "b" 2}', "not valid JSON: line 2, column 6: Expecting ':' delimiter"),
    ],
)
def test_json_that_is_not_valid_is_refused_with_the_place(data, reason):
    assert refusal("a.json", data) == reason


def test_json_lines_may_hold_the_line_separator_of_unicode_and_blank_lines():
    assert text_of("a.jsonl", '"a\u2028b"\n\n"c"\n'.encode()) == "a\u2028b\nc"


def test_a_table_with_quotes_blank_lines_and_line_ends_within_fields_is_read():
    assert text_of("a.csv", b'a;b\n\n"1\n2";"x;""y"""\n') == 'a\tb\n1\n2\tx;"y"'


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_a_field_of_a_table_may_be_as_large_as_a_document(name):
    long = "lighthouse " * 15_000
    table = f"id,text\n1,{long}\n".replace(",", "\t" if name == "a.tsv" else ",")
    assert text_of(name, table.encode()).count("lighthouse") == 15_000


def test_a_table_of_one_column_is_read():
    assert text_of("a.csv", b"name\nAnna\nBo\n") == "name\nAnna\nBo"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'a,b\n1,"2', "CSV row 2 is malformed: unexpected end of data"),
        (b'a,b\n1,"2"x\n', "CSV row 2 is malformed: ',' expected after '\"'"),
        (b"a,b\n\n1\n", "CSV row 3 has 1 fields, header has 2"),
    ],
)
def test_a_table_that_is_not_well_formed_is_refused_with_the_row(data, reason):
    assert refusal("a.csv", data) == reason


def test_xml_yields_attribute_values_and_the_first_title():
    data = b'<d xmlns:t="urn:t" total="5 EUR"><t:title>The <i>sea</i></t:title><title>No</title><p>deep</p></d>'
    document = parse_document("a.xml", data)
    assert (document.title, document.text.split()) == ("The", ["5", "EUR", "The", "sea", "No", "deep"])


@pytest.mark.parametrize("data", [pdf(b"BT (x) Tj")[:-6], pdf(b"BT (x) Tj").replace(b"%%EOF", b"")])
def test_a_pdf_without_its_end_is_refused_though_its_pages_are_whole(data):
    assert refusal("a.pdf", data) == "PDF is truncated: its end mark %%EOF is missing"


def test_a_pdf_without_its_header_is_refused():
    assert refusal("a.pdf", b"plain words") == "not a PDF: the %PDF header is missing"


def test_a_pdf_that_breaks_the_parser_is_refused_in_one_line():
    assert refusal("a.pdf", b"%PDF-1.4\n%%EOF") == "PDF is damaged: PdfReadError: startxref not found"


def test_the_reason_can_be_printed_when_the_parser_quotes_the_bytes_it_stumbled_on():
    damaged = pdf(b"\x01Gat~>", b"/Filter /ASCII85Decode")
    told = refusal("a.pdf", damaged)
    assert told.startswith("PDF is damaged: ")
    assert told.endswith("Non-Ascii85 digit found: ?")


def test_a_pdf_whose_page_tree_is_its_own_child_is_refused():
    looped = pdf(b"BT (x) Tj ET").replace(b"[3 0 R]", b"[2 0 R]")
    assert refusal("a.pdf", looped).startswith("PDF is damaged: ")


def test_a_pdf_that_unpacks_to_gigabytes_is_refused():
    bomb = zlib.compress(b" " * 80_000_000, 9)
    assert refusal("a.pdf", pdf(bomb, b"/Filter /FlateDecode")) == (
        "PDF unpacks to far more than it should: refused as a decompression bomb"
    )


def test_a_pdf_with_more_text_than_the_limit_is_refused():
    data = pdf(zlib.compress(b"BT /F 9 Tf (%s) Tj ET" % (b"word " * 900)), b"/Filter /FlateDecode")
    assert refusal("a.pdf", data, Limits(bytes=2_000)) == "PDF unpacks to more than 2000 characters of text"


def test_a_pdf_with_more_pages_than_the_limit_is_refused():
    with pytest.raises(Unreadable) as caught:
        read_document(SAMPLES / "papers" / "annual-report.pdf", Limits(pages=3))
    assert caught.value.reason == "PDF has 4 pages, more than the 3 allowed"


def test_reading_a_damaged_pdf_logs_nothing(caplog):
    refusal("a.pdf", (SAMPLES / "broken" / "scrambled.pdf").read_bytes())
    assert not caplog.records


def test_a_file_is_refused_when_it_has_one_byte_more_than_the_limit(tmp_path):
    file = tmp_path / "a.txt"
    file.write_bytes(b"12345")
    assert read_document(file, Limits(bytes=5)).text == "12345"
    with pytest.raises(Unreadable, match="larger than 4 bytes"):
        read_document(file, Limits(bytes=4))


def _folder(path):
    path.mkdir()


def _socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def _link_to_nothing(path):
    path.symlink_to("nothing")


def _link_to_itself(path):
    path.symlink_to(path.name)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "no such file: it has vanished, or never was"),
        (_folder, "is a folder"),
        (_socket, "not a regular file, but a device, pipe or socket"),
        (_link_to_nothing, "broken symbolic link"),
        (_link_to_itself, "the system refused: Too many levels of symbolic links"),
    ],
)
def test_a_path_that_is_no_file_is_refused_with_what_it_is(tmp_path, monkeypatch, make, reason):
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    make(Path("it"))
    with pytest.raises(Unreadable) as caught:
        read_document("it")
    assert caught.value.reason == reason


def test_a_file_that_may_not_be_read_is_refused(tmp_path, monkeypatch):
    def denied(*_args):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.txt").write_bytes(b"secret")
    monkeypatch.setattr(Path, "open", denied)  # file modes don't stop root, who runs many a test
    with pytest.raises(Unreadable, match="permission denied"):
        read_document(tmp_path / "a.txt")


@pytest.mark.parametrize("path", ["a\0b", "a\ud800b"], ids=ascii)
def test_a_path_that_no_file_can_have_is_refused(path):
    with pytest.raises(Unreadable, match="no file can have this name"):
        read_document(path)


def test_a_refusal_is_a_declared_failure_that_names_its_file():
    with pytest.raises(ActionError) as caught:
        parse_document("box/a.txt", b"")
    assert str(caught.value) == "cannot read box/a.txt: file is empty"
    assert caught.value == Unreadable("box/a.txt", "file is empty")


def test_the_name_of_a_file_that_is_not_utf_8_can_be_printed():
    document = parse_document("caf\udce9.csv", b"x\n1\n")
    assert (document.title, document.path) == ("caf\\udce9", "caf\udce9.csv")
    assert refusal("caf\udce9.txt", b"") == "file is empty"
    assert str(Unreadable("caf\udce9.txt", "file is empty")) == "cannot read caf\\udce9.txt: file is empty"


def test_a_folder_is_searched_in_depth_and_in_order_without_hidden_files_and_linked_folders(tmp_path):
    for name in ("b.txt", "a/z.bin", ".git/config", "a/.hidden", "a/deep/c"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "gone").symlink_to("nowhere")
    found = [path.relative_to(tmp_path).as_posix() for path in find_documents(tmp_path)]
    assert found == ["a/deep/c", "a/z.bin", "b.txt"]


def test_only_regular_files_that_are_not_hidden_are_supported(tmp_path):
    (tmp_path / ".hidden").touch()
    (tmp_path / "any.kind").touch()
    supported_names = {name for name in (".hidden", "any.kind", "", "missing") if supported(tmp_path / name)}
    assert supported_names == {"any.kind"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("empty", "it has no files but hidden ones; name a folder with some"),
        ("file.txt", "it is a file; name the folder it is in"),
        ("missing", "there is no such folder; check the path"),
    ],
)
def test_a_folder_without_documents_is_named_with_the_remedy(tmp_path, name, reason):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".hidden").touch()
    (tmp_path / "file.txt").touch()
    with pytest.raises(NoDocuments) as caught:
        find_documents(tmp_path / name)
    assert (caught.value.folder, caught.value.reason) == (str(tmp_path / name), reason)
    assert str(caught.value) == f"no documents in {tmp_path / name}: {reason}"


def test_when_the_folder_itself_may_not_be_listed_there_are_no_documents(tmp_path, monkeypatch):
    def denied(*_args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(NoDocuments, match="it may not be listed: Permission denied"):
        find_documents(tmp_path)


def test_a_folder_below_one_that_may_not_be_entered_can_not_be_told(tmp_path, monkeypatch):
    def denied(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", denied)
    with pytest.raises(NoDocuments, match="it may not be listed: Permission denied"):
        find_documents(tmp_path / "below")


def test_a_folder_that_may_not_be_listed_is_found_itself_and_refused_as_such(tmp_path, monkeypatch):
    closed = tmp_path / "closed"
    closed.mkdir()
    scan = os.scandir

    def scandir(path):
        if str(path) == str(closed):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)  # as above, root may list everything
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert find_documents(tmp_path) == (closed,)
    with pytest.raises(Unreadable, match="is a folder that may not be listed"):
        read_document(closed)
