"""Errors are values: whatever class they are of, they compare, hash, copy and pickle, and their text never fails."""

import copy
import pickle
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Self

import pytest
from attrs import define, field, frozen, has

from jido_trio import errors
from jido_trio.core import Error
from jido_trio.data import Misfit
from jido_trio.supervision import Shutdown


class OutOfStock(errors.ActionError):
    """As most are written: an `__init__` that makes the message."""

    def __init__(self, item: str, left: int) -> None:
        super().__init__(f"{item}: {left} left", details={"left": left})
        self.item = item


class Bare(errors.ActionError):
    """Forgets to call the `__init__` of its base."""

    def __init__(self, item: str) -> None:
        self.item = item


class MadeByNew(errors.ActionError):
    def __new__(cls, item: str, *, strict: bool) -> Self:
        return super().__new__(cls, item)

    def __init__(self, item: str, *, strict: bool) -> None:
        super().__init__(f"{item} {strict}")


@define
class Overdrawn(errors.ActionError):
    account: str
    cents: int = field(kw_only=True)

    def __str__(self) -> str:
        return f"{self.account} has {self.cents} too few"


@frozen
class Closed(errors.ActionError):
    account: str

    def __str__(self) -> str:
        return f"{self.account} is closed"


@frozen(slots=False)
class Named(errors.ActionError):
    message: str


class NotThere(errors.ActionError, LookupError):
    __slots__ = ("__secret", "where")

    def __init__(self, where: str) -> None:
        super().__init__(f"nothing at {where}")
        self.where, self.__secret = where, "s"


class NoFile(errors.ActionError, OSError):
    def __init__(self, path: str) -> None:
        super().__init__(f"no file {path}", retryable=True)


@define(slots=False, eq=False)
class Busy(errors.Transient, ConnectionError):
    host: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.host} is busy"


MAKERS: list[Callable[[str], Any]] = [
    lambda text: errors.InvalidDefinition(text, field="f", value=[text]),
    lambda text: errors.ActionError(text, details={"a": [1]}, retryable=True),
    errors.InvalidInstruction,
    lambda text: errors.InvalidParams("add", [text]),
    lambda text: errors.InvalidArguments("add", (errors.UnfitArgument("/x", text, "1"),)),
    lambda text: errors.InvalidResult("add", [text]),
    lambda text: errors.ActionTimedOut(text, 2.0),
    lambda text: errors.ActionCancelled("add", text),
    lambda text: errors.BreakerOpen("add", text, 2.5),
    lambda text: errors.UndoFailed("add", text, text),
    lambda text: errors.PlanFailed({"a": text}, ("b", "c"), ("b",), {"c": text}),
    lambda text: errors.WorkerDied("add", text),
    lambda text: errors.ActionCrashed("add", "chat", text),
    lambda text: errors.LaneBroken("add", text),
    lambda text: errors.PluginRefused("slack", "on_signal", text),
    lambda text: errors.TransitionRefused("ship", "open", text),
    lambda text: errors.LaneFull("add", text, 3),
    lambda text: errors.Interrupted(text),
    lambda text: errors.Permanent(text, details={"a": [1]}),
    lambda text: errors.Transient(text, details={"a": [1]}),
    lambda text: Busy(text, 3.0),
    lambda text: errors.UnknownField("add", [text]),
    errors.InvalidSignal,
    lambda text: errors.AgentCrashed(text, 1, "ValueError: x"),
    lambda text: errors.AgentStopped("a", text),
    lambda text: errors.CallTimeout(text, 2.0),
    lambda text: errors.NotSettled(text, 2.0, (text,)),
    lambda text: errors.WouldDeadlock(text, (text, "b", text)),
    lambda text: errors.MailboxFull(text, 3),
    lambda text: errors.NoRoute(text, "t", ("x", "y")),
    errors.AgentNotFound,
    errors.DuplicateAgent,
    lambda text: errors.ReplayDiverged("a", 3, text),
    lambda text: errors.MigrationFailed(text, text, text, None, text),
    lambda text: errors.MigrationFailed(text, None, text, text, text),
    lambda text: errors.UpgradeFailed(text, {text: text}, ()),
    lambda text: errors.UpgradeFailed(text, {text: text, "b": text}, (text,)),
    lambda text: errors.WaitTimeout(text, 2.0, "idle", 3, 1),
    lambda text: errors.NoWorkerFree(text, 5, 2.5),
    lambda text: errors.ThreadConflict(text, text),
    lambda text: errors.NotDecrypted(text, text),
    lambda text: errors.AgentFileRefused(text, text),
    lambda text: errors.AgentKept(text),
    lambda text: errors.AgentLives(text, text),
    lambda text: errors.ThawFailed(text, text, text),
    lambda text: errors.NoRoomForKey(text, text, 5, 2, 2.5),
    lambda text: errors.KeyedClosed(text),
    lambda text: errors.PoolClosed(text),
    lambda text: errors.UnknownDirective("a", text),
    lambda text: errors.HandledTooLong(text, "t", 2.0),
    errors.StorageError,
    lambda text: errors.Conflict(text, 1, 2),
    errors.StorageClosed,
    lambda text: errors.StorageCorrupt("s", text),
    lambda text: errors.StorageFailed("s", text),
    errors.StorageLocked,
    lambda text: errors.StorageNewer(text, 2, 1),
    lambda text: errors.StorageUnknown("s", text),
    lambda text: errors.RecordRefused("k", text),
    lambda text: errors.Unstorable("a", text),
    lambda text: errors.OwnershipLost(text),
    lambda text: errors.StartFailed("s", "c", text),
    lambda text: errors.RestartIntensityExceeded(text, "c", 4, 3, 5.0),
    lambda text: errors.ChildRefused("s", text, "start_child", "running"),
    errors.SupervisorStopped,
    lambda text: errors.TaskCrashed("s", "t", text),
    lambda text: errors.TaskStopped("s", "t", text),
    lambda text: errors.TaskTimedOut("s", text, 1.0, stopped=True),
    errors.CallError,
    lambda text: errors.TaskError("s", text),
    errors.JidoError,
    errors.SupervisionError,
    errors.ErrorValue,
    Shutdown,
    lambda text: Misfit([text, "y @ z"]),
    lambda text: OutOfStock(text, 2),
    Bare,
    lambda text: MadeByNew(text, strict=True),
    lambda text: Overdrawn(text, cents=5),
    Closed,
    Named,
    NotThere,
    NoFile,
]


def pickled(protocol: int, error: Any) -> Any:
    return pickle.loads(pickle.dumps(error, protocol))


WAYS: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {protocol}": partial(pickled, protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)},
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("make", MAKERS, ids=lambda make: type(make("x")).__name__)
def test_an_error_comes_back_as_it_was(make, way):
    error = make("x")
    error.add_note("a note")

    again = way(error)

    assert type(again) is type(error)
    assert again is not error
    assert again == error
    assert hash(again) == hash(error)
    assert (str(again), repr(again), again.args) == (str(error), repr(error), error.args)
    assert again.__notes__ == ["a note"]


def test_every_class_of_errors_is_among_these():
    classes = {cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, BaseException)}
    assert classes <= {type(make("x")) for make in MAKERS}


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: type(make("x")).__name__)
def test_errors_are_equal_when_class_and_facts_are(make):
    assert make("x") == make("x")
    assert make("x") != make("y")
    assert make("x") != "x"
    assert {make("x"), make("x"), make("y")} == {make("x"), make("y")}


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: type(make("x")).__name__)
def test_an_error_can_be_raised_and_keeps_what_is_hung_on_it(make):
    with pytest.raises(type(make("x"))) as caught:
        raise make("x") from ValueError("why")

    assert str(caught.value.__cause__) == "why"
    assert caught.value == make("x")


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    __str__ = __repr__


class OddText(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __format__ = __str__  # type: ignore[assignment]


OURS = [make for make in MAKERS if type(make("x")).__module__ == errors.__name__ and has(type(make("x")))]


@pytest.mark.parametrize("odd", [OddText("odd"), "two\nlines", "x" * 100_000, "\ud800"], ids=range(4))
@pytest.mark.parametrize("make", OURS, ids=lambda make: type(make("x")).__name__)
def test_the_text_of_an_error_is_one_bounded_line_whatever_its_facts_are(make, odd):
    text = str(make(odd))

    assert text.isprintable()
    assert len(text) < 11_000


@pytest.mark.parametrize("live", [threading.Lock(), lambda: None, Broken()], ids=["lock", "lambda", "broken"])
def test_a_fact_that_can_not_be_pickled_arrives_as_text(live):
    error = errors.InvalidDefinition("fn must be async", field="fn", value={"fn": live})

    again = pickle.loads(pickle.dumps(error))

    assert str(again) == str(error)
    assert isinstance(again.value, str) or isinstance(live, Broken)


def test_a_fact_that_can_not_be_copied_is_shared():
    lock = threading.Lock()
    error = errors.InvalidDefinition("m", value=lock)

    assert copy.deepcopy(error).value is lock
    assert copy.copy(error).value is lock


def test_the_facts_of_a_deep_copy_are_its_own():
    error = errors.ActionError("m", details={"rows": [1]})
    again = copy.deepcopy(error)
    error.details["rows"].append(2)

    assert again.details == {"rows": [1]}


def test_an_error_that_holds_itself_can_be_copied():
    error = errors.InvalidDefinition("m")
    error.value = error

    again = copy.deepcopy(error)

    assert again.value is again


class Array:
    def __eq__(self, other: object) -> Any:
        return self

    def __bool__(self) -> bool:
        raise ValueError("ambiguous")

    __hash__ = None  # type: ignore[assignment]


def test_facts_that_compare_to_no_bool_are_the_same_only_if_they_are_the_very_same():
    array = Array()

    assert errors.ActionError("m", details={"a": array}) == errors.ActionError("m", details={"a": array})
    assert errors.InvalidDefinition("m", value=array) == errors.InvalidDefinition("m", value=array)
    assert errors.InvalidDefinition("m", value=array) != errors.InvalidDefinition("m", value=Array())


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("error", [OutOfStock("nail", 3), Overdrawn("a", cents=5), Closed("a")], ids=repr)
def test_a_directive_that_holds_an_error_comes_back_as_it_was(error, way):
    directive = Error(error, context="instruction")

    again = way(directive)

    assert again == directive
    assert str(again.error) == str(error)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OutOfStock("nail", 3), "nail: 3 left"),
        (Overdrawn("a", cents=5), "a has 5 too few"),
        (Closed("a"), "a is closed"),
        (Named("just so"), "just so"),
        (Bare("nail"), "nail"),
        (errors.InvalidParams("add", ["bad @ x"]), "parameters of action 'add' don't fit: bad @ x"),
    ],
)
def test_a_failure_has_a_message_however_its_class_is_made(error, message):
    assert error.message == message
    assert (dict(error.details), error.retryable) == ({"left": 3} if type(error) is OutOfStock else {}, False)


def test_marked_failures_say_whether_trying_again_may_help():
    class Gone(errors.Permanent):
        def __init__(self, path: str) -> None:
            super().__init__(f"{path} is gone", details={"path": path})

    assert errors.Transient("busy").retryable
    assert Busy("a", 3).retryable
    assert not errors.Permanent("no such row").retryable
    assert (Gone("a").message, Gone("a").retryable, Gone("a").details) == ("a is gone", False, {"path": "a"})


def test_an_action_that_took_too_long_may_be_tried_again():
    assert errors.ActionTimedOut("fetch", 2).retryable
    assert errors.LaneBroken("fetch", "chat").retryable
    assert errors.LaneFull("fetch", "chat", 3).retryable
    assert not errors.ActionCrashed("fetch", "chat", "ValueError: x").retryable
