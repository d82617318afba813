"""Which of several errors that met is raised."""

import pytest
import trio

from jido_trio.errors import RestartIntensityExceeded, StartFailed
from jido_trio.supervision._ending import conclude, error_of, parted
from jido_trio.supervision._events import TreeBootFailed, TreeGaveUp, TreeStopped

KEYBOARD, EXIT, CRASH, OTHER = KeyboardInterrupt(), SystemExit(3), ValueError("boom"), KeyError("other")
CANCELLED = trio.Cancelled._create(source="explicit")


def group(*errors: BaseException) -> BaseExceptionGroup[BaseException]:
    return BaseExceptionGroup("some", errors)


@pytest.mark.parametrize(
    ("error", "interrupt", "crash"),
    [
        (None, None, []),
        (CRASH, None, [CRASH]),
        (EXIT, EXIT, []),
        (group(EXIT), EXIT, []),
        (group(CRASH, group(EXIT)), EXIT, [CRASH]),
        (group(ExceptionGroup("in", [CRASH]), OTHER, KEYBOARD, EXIT), KEYBOARD, [CRASH, OTHER]),
        (group(CANCELLED, CRASH), CANCELLED, [CRASH]),
        (group(CANCELLED, EXIT), EXIT, []),
    ],
)
def test_what_left_a_life_is_parted_into_an_interrupt_and_a_crash(error, interrupt, crash):
    found, rest = parted(error)
    assert found is interrupt
    assert leaves(rest) == crash


def leaves(error: BaseException | None) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for part in error.exceptions for leaf in leaves(part)]
    return [error] if error is not None else []


@pytest.mark.parametrize(
    ("interrupts", "errors", "raised"),
    [
        ([], [], []),
        ([], [None, CRASH], [CRASH]),
        ([], [CRASH, OTHER], [CRASH, OTHER]),
        ([], [CRASH, None, CANCELLED], [CRASH, CANCELLED]),
        ([KEYBOARD], [], [KEYBOARD]),
        ([EXIT, KEYBOARD], [CRASH, CANCELLED], [EXIT]),
        ([KEYBOARD, EXIT], [CANCELLED], [KEYBOARD]),
    ],
)
def test_an_interrupt_is_raised_as_it_is_and_several_errors_as_a_group(interrupts, errors, raised):
    assert leaves(conclude("top", interrupts, errors)) == raised


def test_what_an_interrupt_met_is_its_context():
    interrupt = SystemExit(3)
    assert conclude("top", [interrupt], [CRASH]) is interrupt
    assert interrupt.__context__ is CRASH


def test_a_context_of_its_own_is_kept():
    interrupt = SystemExit(3)
    interrupt.__context__ = OTHER
    conclude("top", [interrupt], [CRASH])
    assert interrupt.__context__ is OTHER


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (None, type(None)),
        (TreeStopped(), type(None)),
        (TreeBootFailed("a"), StartFailed),
        (TreeGaveUp("a", 2, 1, 5), RestartIntensityExceeded),
    ],
)
def test_the_outcome_of_a_tree_is_an_error_unless_it_was_asked_to_end(outcome, kind):
    error = error_of("top", outcome, CRASH, lambda child, error: f"{child}: {error}")
    assert type(error) is kind
    assert error is None or error.__cause__ is CRASH


@pytest.mark.parametrize(
    ("exit", "words"),
    [
        ("crash", ["crash is the cause", "backoff"]),
        ("killed", ["was killed"]),
        ("shutdown", ["on purpose", 'restart="transient"']),
        ("normal", ["returned", 'restart="transient"']),
    ],
)
def test_who_gave_up_says_by_what_end_and_what_to_do(exit, words):
    text = str(error_of("top", TreeGaveUp("a", 2, 1, 5, exit), None, lambda child, error: ""))
    assert [word for word in words if word not in text] == []
    assert ("cause" in text) is (exit == "crash")
