import json
from typing import Any

import attrs
import pytest

from jido_trio.demo._documents import Document
from jido_trio.demo._facts import facts_of
from jido_trio.demo._report import Began, Chaos, Crash, Run, as_json, as_text, percentile, report_of, short
from jido_trio.demo._work import Settled

FACTS = facts_of(Document("in/a", "text", "a", "The lamp cost £3.50."))
DONE = Settled("in/a", "w1", FACTS, ("GBP 3.50",))
REFUSED = Settled("in/b", "w1", refused="file is empty")


def run(**changes: Any):
    defaults: dict[str, Any] = {
        "documents": ("in/a", "in/b"),
        "settled": (REFUSED, DONE),
        "incarnations": {"w1": 1},
        "seconds": 2,
    }
    return Run("in", **defaults | changes)


def crash(agent="w1", incarnation=1, at=1.0, *, killed=False):
    return Crash(agent, incarnation, at, "ValueError: x", killed)


def test_documents_are_reported_in_the_order_of_the_folder():
    report = report_of(run(documents=("in/b", "in/a")))
    assert (report.done, report.refused, report.missing) == ((DONE,), (REFUSED,), ())


def test_a_document_settled_twice_counts_once():
    report = report_of(run(settled=(DONE, REFUSED, DONE)))
    assert report.done == (DONE,)
    assert report.totals.documents == 1


def test_a_document_neither_done_nor_refused_is_lost():
    report = report_of(run(settled=(DONE,)))
    assert report.lost == ("in/b",)
    assert not report.ok


def test_after_ctrl_c_what_is_missing_is_unfinished_and_not_lost():
    report = report_of(run(settled=(DONE,), interrupted=True))
    assert (report.lost, report.missing) == ((), ("in/b",))
    assert report.ok


def test_a_worker_restarted_for_its_own_crashes_is_in_order():
    crashes = (crash(), crash(incarnation=2, killed=True))
    report = report_of(run(incarnations={"w1": 3, "w2": 1}, crashes=crashes))
    assert [(row.crashes, row.kills, row.untouched) for row in report.workers] == [(1, 1, False), (0, 0, True)]
    assert report.ok


def test_an_untouched_worker_that_was_restarted_is_not():
    report = report_of(run(incarnations={"w1": 2, "w2": 2}, crashes=(crash(),)))
    assert [row.accounted_for for row in report.workers] == [True, False]
    assert not report.ok
    assert "WRONG" in as_text(report)


def test_a_supervisor_that_gave_up_is_not_in_order():
    report = report_of(run(gave_up="too many restarts"))
    assert not report.ok
    assert "GAVE UP: too many restarts" in as_text(report)


def test_a_restart_takes_from_the_crash_to_the_next_life_of_the_same_worker():
    began = (Began("w1", 0.0), Began("w2", 0.0), Began("w2", 1.25), Began("w1", 1.5))
    report = report_of(run(began=began, crashes=(crash(at=1.0), crash("w2", at=1.0, killed=True))))
    assert report.latencies == (0.5, 0.25)


def test_a_crash_after_which_no_life_began_is_not_measured():
    assert report_of(run(began=(Began("w1", 0.0),), crashes=(crash(),))).latencies == ()


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 1), (50, 50), (99, 99), (99.5, 100), (100, 100)], ids=lambda value: f"{value}"
)
def test_a_percentile_is_one_of_the_values(percent, expected):
    assert percentile(range(100, 0, -1), percent) == expected


def test_the_percentile_of_one_value_is_that_value():
    assert percentile([7.0], 99) == 7.0


def test_the_json_has_the_documented_keys_and_counts():
    document = json.loads(
        as_json(report_of(run(chaos=Chaos(0.5, 7), crashes=(crash(killed=True),), incarnations={"w1": 2})))
    )
    assert list(document) == [
        "version", "input", "seconds", "interrupted", "gave_up", "ok", "documents", "done", "refused", "unfinished",
        "lost", "totals", "workers", "restarts", "messages", "chaos", "store",
    ]  # fmt: skip
    assert document["documents"] == {"found": 2, "done": 1, "refused": 1, "unfinished": 0, "lost": 0}
    assert document["refused"] == [{"path": "in/b", "worker": "w1", "reason": "file is empty"}]
    assert document["done"][0]["facts"]["words"] == FACTS.words
    assert document["chaos"] == {"every": 0.5, "seed": 7, "kills": 1}


def test_without_restarts_there_is_nothing_to_measure():
    report = report_of(run())
    assert json.loads(as_json(report))["restarts"] == {"n": 0, "median": None, "p99": None, "seconds": []}
    assert "nothing to measure" in as_text(report)


def test_the_text_tells_counts_reasons_and_lives():
    text = as_text(
        report_of(run(crashes=(crash(),), incarnations={"w1": 2}, began=(Began("w1", 0), Began("w1", 1.002))))
    )
    assert "2 documents in 2.00 s: 1 done, 1 refused, 0 lost" in text
    assert "b  file is empty" in text
    assert "1 crash, 0 kills" in text
    assert "median 2.00 ms, p99 2.00 ms (n=1)" in text


def test_a_crash_whose_life_is_not_over_yet_is_no_restart_that_is_missing():
    ended, ending = crash(), attrs.evolve(crash(), incarnation=2)
    report = report_of(run(crashes=(ended, ending), incarnations={"w1": 2}))
    assert [(row.crashes, row.accounted_for) for row in report.workers] == [(1, True)]


def test_the_text_leaves_out_the_reasons_where_they_have_been_told_already():
    text = as_text(report_of(run()), refusals=False)
    assert "file is empty" not in text
    assert "Refused: 1, each told above with its reason" in text


def test_reasons_and_last_words_stay_on_one_line():
    refused = Settled("in/a", "w1", refused="bad\nLOST\x1b[2J")
    text = as_text(report_of(run(documents=("in/a",), settled=(refused,), gave_up="x\ny")))
    assert "bad\\nLOST\\x1b[2J" in text
    assert "GAVE UP: x\\ny" in text


def test_of_many_refused_documents_the_text_lists_the_first():
    many = tuple(Settled(f"in/{number}", "w1", refused="empty") for number in range(100))
    text = as_text(report_of(run(documents=tuple(one.path for one in many), settled=many)))
    assert "... and 60 more" in text


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("in/x/a", "x/a"),
        ("out/a", "out/a"),
        ("in/a\udcff", "a\\udcff"),
        ("in/a\n\x1b[31mb\u202e", "a\\n\\x1b[31mb\\u202e"),
    ],
)
def test_a_path_is_shown_within_its_folder_and_printable(path, shown):
    assert short(path, "in") == shown


def test_what_became_of_all_messages_is_told():
    report = report_of(run(messages={"accepted": 12, "handled": 10, "dead_lettered": 2, "waiting": 0}))

    assert "Messages: 12 accepted, each with one fate: 10 handled, 2 dead-lettered" in as_text(report)
    assert json.loads(as_json(report))["messages"]["handled"] == 10
