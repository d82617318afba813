import json
import subprocess
import sys
from contextlib import asynccontextmanager
from io import StringIO

import pytest
import trio
from pypdf import PdfWriter
from trio.testing import wait_all_tasks_blocked

from jido_trio.demo._documents import Unreadable
from jido_trio.demo._pool import COMMAND, Readers, ReadingCrashed
from jido_trio.demo._process import answer, serve
from jido_trio.errors import RestartIntensityExceeded
from jido_trio.supervision import open_supervisor

READER = (sys.executable, "-c")

# A reader that answers without reading, so that a test is about the pool alone; "sleep" and "die" do what they say.
IMITATION = """
import json, os, sys, time
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    path = json.loads(line)
    if path == "die":
        os._exit(9)
    if path == "sleep":
        time.sleep(3600)
    if path == "pages":
        print(json.dumps({"page": 1, "of": 2}), flush=True)
        print(json.dumps({"page": 2, "of": 2}), flush=True)
    print(json.dumps({"unreadable": f"{path} by {os.getpid()}"}), flush=True)
"""


@asynccontextmanager
async def open_readers(count, command=COMMAND):
    """Have processes read, inside of the block."""
    readers = Readers(count, command)
    async with open_supervisor(readers.services(), on_report=lambda _report: None):
        yield readers


def imitations(count):
    return open_readers(count, (*READER, IMITATION))


async def reader_of(readers, path):
    with pytest.raises(Unreadable) as refusal:
        await readers.read(path)
    return refusal.value.reason.partition(" by ")[2]


async def test_a_document_is_read_in_another_process(tmp_path):
    (tmp_path / "a.txt").write_text("The lamp cost £3.50.")
    async with open_readers(1) as readers:
        facts = await readers.read(str(tmp_path / "a.txt"))
    assert facts.amounts == (("GBP", "3.50"),)


async def test_a_process_reads_one_document_after_the_other():
    async with imitations(1) as readers:
        assert await reader_of(readers, "a") == await reader_of(readers, "b")


async def test_how_far_it_is_is_told():
    far: list[str] = []
    async with imitations(1) as readers:
        with pytest.raises(Unreadable, match="pages by"):
            await readers.read("pages", far.append)
    assert far == ["page 1 of 2", "page 2 of 2"]


async def test_reading_that_is_cancelled_ends_with_its_process_and_another_takes_its_place():
    async with imitations(1) as readers:
        before = await reader_of(readers, "a")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(readers.read, "sleep")
            await wait_all_tasks_blocked()  # until it waits for the answer
            nursery.cancel_scope.cancel()
        assert await reader_of(readers, "a") != before


async def test_a_process_that_dies_crashes_who_asked_and_is_replaced():
    async with imitations(1) as readers:
        with pytest.raises(ReadingCrashed, match="exit code 9"):
            await readers.read("die")
        assert await reader_of(readers, "a")


async def test_processes_that_can_not_start_are_an_error_and_no_wait():
    with pytest.raises(RestartIntensityExceeded) as gave_up:
        async with open_readers(2, (*READER, "raise SystemExit(3)")) as readers:
            await readers.read("a")
    assert "exit code 3" in str(gave_up.value.__cause__)


def test_an_answer_tells_why_a_document_can_not_be_read():
    assert answer("/no/such/file") == {"unreadable": "no such file: it has vanished, or never was"}


def test_a_bug_in_a_reader_is_an_answer_and_not_the_end(monkeypatch):
    def facts_of(_document):
        raise KeyError("key")

    monkeypatch.setattr("jido_trio.demo._process.facts_of", facts_of)
    assert answer(__file__) == {"crash": "KeyError: 'key'"}


def test_a_process_answers_line_by_line_whatever_a_path_is_made_of():
    said = StringIO()
    serve(StringIO(json.dumps("/no\n\udcff") + "\n"), said)
    ready, told = map(json.loads, said.getvalue().splitlines())
    assert ready == {"ready": True}
    assert "no such file" in told["unreadable"]


def test_a_process_tells_of_each_page_of_a_long_pdf(tmp_path):
    book = PdfWriter()
    for _ in range(3):
        book.add_blank_page(100, 100)
    book.write(tmp_path / "book.pdf")
    said = StringIO()
    serve(StringIO(json.dumps(str(tmp_path / "book.pdf")) + "\n"), said)
    _ready, *pages, last = map(json.loads, said.getvalue().splitlines())
    assert pages == [{"page": page, "of": 3} for page in (1, 2, 3)]
    assert "only pictures" in last["unreadable"]


def in_a_process_of_its_own(program):
    """Run a program that knows `answer` and `limit_memory`, and return what it prints."""
    head = "from jido_trio.demo._process import answer, limit_memory\n"
    ran = subprocess.run([*READER, head + program], capture_output=True, text=True, check=True, timeout=60)
    return ran.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_document_that_unfolds_to_more_memory_than_allowed_is_refused_and_the_next_is_read(tmp_path):
    (tmp_path / "a.json").write_text("[" + "[]," * 3_000_000 + "[]]")
    (tmp_path / "b.json").write_text('["one"]')
    told = in_a_process_of_its_own(f"""if True:
        limit_memory(220 << 20)
        for name in ("a.json", "b.json"):
            print(answer({str(tmp_path)!r} + "/" + name))
    """)
    first, second = told.splitlines()
    assert "MiB of memory to read" in first
    assert "'kind': 'json'" in second


@pytest.mark.skipif(sys.platform == "win32", reason="Windows can't tell")
@pytest.mark.parametrize("unit", ["<b>x", "<p>The lamp was lit. "])
def test_the_memory_for_a_page_is_a_few_times_its_size_however_many_elements_it_has(tmp_path, unit):
    (tmp_path / "a.html").write_text(unit * (1_000_000 // len(unit)))
    taken = in_a_process_of_its_own(f"""if True:
        import resource
        peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        answer({str(tmp_path)!r} + "/no.html")
        before = peak()
        assert "facts" in answer({str(tmp_path)!r} + "/a.html")
        print((peak() - before) * 1024)
    """)
    assert int(taken) < 20 * 1_000_000
