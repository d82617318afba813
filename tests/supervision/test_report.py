"""Reports: text that outlives what it tells of, and is never lost."""

import gc
import logging
import sys
import weakref

import pytest

from jido_trio.supervision import CrashReport, Failure, Frame, OverrunReport, log_report
from jido_trio.supervision._report import MAX_FRAMES, log_lost


class Held:
    """Something a frame holds."""


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def report_of(error: BaseException | None, exit="crash") -> CrashReport:
    failure = Failure.of(error) if error is not None else None
    return CrashReport("top", "a", 2, "running", exit, 1.5, failure)


def deep(levels: int) -> None:
    if not levels:
        raise ValueError("at the bottom")
    deep(levels - 1)


def test_a_failure_keeps_neither_the_exception_nor_its_frames_alive():
    def crash() -> weakref.ref[Held]:
        held = Held()
        try:
            raise ValueError(held)
        except ValueError as error:
            failures.append(Failure.of(error))
            return weakref.ref(held)

    failures: list[Failure] = []
    ref = crash()
    gc.collect()
    assert ref() is None
    assert "Held object" in failures[0].message


def test_a_failure_names_class_message_and_the_place_it_was_raised():
    failure = Failure.of(raised(ValueError("bad row")))
    assert (failure.type, failure.message, failure.frames[-1].function) == ("ValueError", "bad row", "raised")
    assert failure.frames[-1].file == __file__


def test_a_class_that_is_not_builtin_is_named_with_its_module():
    assert Failure.of(Unprintable()).type == f"{__name__}.Unprintable"


def test_a_str_that_raises_hides_nothing_but_itself():
    failure = Failure.of(raised(Unprintable()))
    assert failure.message == "<Unprintable, whose str raised RuntimeError>"
    assert failure.frames[-1].function == "raised"


def test_a_cause_is_kept_and_told_before_its_effect():
    try:
        try:
            raise KeyError("row")
        except KeyError as cause:
            raise ValueError("bad") from cause
    except ValueError as error:
        failure = Failure.of(error)

    text = failure.render()
    assert failure.chained == "cause"
    assert text.index("KeyError: 'row'") < text.index("direct cause") < text.index("ValueError: bad")


def test_a_context_is_kept_unless_it_was_suppressed():
    def fail(suppress: bool) -> Failure:
        try:
            try:
                raise KeyError("row")
            except KeyError:
                if suppress:
                    raise ValueError("bad") from None
                raise ValueError("bad")  # noqa: B904  # the context is the point
        except ValueError as error:
            return Failure.of(error)

    assert "During handling of the above exception" in fail(suppress=False).render()
    assert fail(suppress=True).cause is None


def test_each_exception_of_a_group_is_told():
    group = ExceptionGroup("two", [raised(ValueError("one")), ExceptionGroup("in", [raised(KeyError("two"))])])
    text = Failure.of(raised(group)).render()
    assert "ValueError: one" in text
    assert "KeyError: 'two'" in text


def test_notes_are_told():
    error = ValueError("bad")
    error.add_note("while reading row 7")
    assert "while reading row 7" in Failure.of(raised(error)).render()


def test_a_rendered_failure_says_what_python_says():
    try:
        deep(2)
    except ValueError as error:
        text = Failure.of(error).render()
    assert text.startswith("Traceback (most recent call last):\n")
    assert text.count(f'  File "{__file__}"') == 4
    assert "    deep(levels - 1)\n" in text
    assert text.endswith("\nValueError: at the bottom")


def test_of_a_long_traceback_the_newest_frames_are_kept():
    try:
        deep(MAX_FRAMES * 2)
    except ValueError as error:
        failure = Failure.of(error)
    assert len(failure.frames) == MAX_FRAMES
    assert failure.frames[-1].line == deep.__code__.co_firstlineno + 2


def test_a_circle_of_causes_comes_to_an_end():
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    assert Failure.of(first).render().count("ValueError: first") < 10


def test_crashes_of_the_same_bug_share_a_fingerprint():
    def crash(row: int) -> Failure:
        return Failure.of(raised(ValueError(f"row {row}")))

    assert crash(1).fingerprint == crash(2).fingerprint
    assert crash(1).fingerprint != Failure.of(raised(KeyError("row"))).fingerprint
    assert Failure.of(ValueError("never raised")).fingerprint == ("ValueError", None)


def test_a_crash_report_says_who_and_how():
    assert str(report_of(ValueError("bad"))) == "child 'a' of supervisor 'top' ended while running: ValueError: bad"
    assert (
        str(report_of(None, "normal"))
        == "child 'a' of supervisor 'top' ended while running: it returned, and is permanent"
    )


def test_an_overrun_says_who_since_when_and_where():
    report = OverrunReport("top", "a", 2, 7.5, (Frame("main.py", 1, "main"), Frame("worker.py", 42, "work")))
    assert str(report) == (
        "child 'a' of supervisor 'top' has ignored its stop for 7.5 s. It is at worker.py:42, in work."
    )


@pytest.mark.parametrize(
    ("report", "level"),
    [
        (report_of(raised(ValueError("bad"))), logging.ERROR),
        (report_of(None, "killed"), logging.INFO),
        (report_of(None, "normal"), logging.WARNING),
        (OverrunReport("top", "a", 1, 5, ()), logging.WARNING),
    ],
)
def test_the_log_tells_crashes_as_errors_overruns_as_warnings_and_ends_as_information(caplog, report, level):
    caplog.set_level(logging.INFO, "jido_trio.supervision")
    log_report(report)
    assert [record.levelno for record in caplog.records] == [level]
    assert str(report) in caplog.text


def test_the_log_has_the_traceback_of_a_crash(caplog):
    log_report(report_of(raised(ValueError("bad"))))
    assert "Traceback (most recent call last)" in caplog.text


def test_a_sink_that_raises_loses_neither_the_report_nor_its_own_error(caplog):
    log_lost(report_of(raised(ValueError("bad"))), OSError("disk full"))
    assert "ValueError: bad" in caplog.text
    assert "OSError: disk full" in caplog.text


def test_when_the_log_raises_too_both_go_to_stderr(capsys, monkeypatch):
    def broken(*args: object) -> None:
        raise RuntimeError("no log")

    monkeypatch.setattr(logging.getLogger("jido_trio.supervision"), "error", broken)

    log_lost(report_of(raised(ValueError("bad"))), OSError("disk full"))
    printed = capsys.readouterr().err
    assert "ValueError: bad" in printed
    assert "disk full" in printed
    assert sys.exc_info() == (None, None, None)
