"""The check of an interpreter: what it finds, and whom it leaves alone."""

from typing import Any

import pytest
import trio
from attrs import field, frozen
from hypothesis import strategies as st

from jido_trio.core import Stop
from jido_trio.errors import InvalidDefinition
from jido_trio.runtime import Runtime, interpret
from jido_trio.testing import check_interpreter


@frozen
class Waits:
    how: str = field(default="well")


@interpret.register
async def _(directive: Waits, runtime: Runtime) -> None:
    if directive.how == "crash":
        raise ZeroDivisionError("a bug")
    if directive.how == "hang":
        await trio.sleep_forever()
    if directive.how == "stop":
        runtime.do(Stop())
    await trio.sleep(0.5)


@frozen
class Changes:
    seen: list[int] = field(factory=list)


@interpret.register
def _(directive: Changes, runtime: Runtime) -> None:
    directive.seen.append(1)


@frozen
class Leaves:
    pass


@interpret.register
async def _(directive: Leaves, runtime: Runtime) -> None:
    trio.lowlevel.spawn_system_task(trio.sleep_forever)


@frozen
class Unknown:
    pass


def only(how: str) -> Any:
    return st.just(Waits(how))


def test_directives_that_take_their_time_or_stop_their_agent_are_left_alone():
    check_interpreter(only("well"), examples=15)
    check_interpreter(only("stop"), examples=15)
    check_interpreter(only("crash"), crashes=(ZeroDivisionError,), examples=15)


@pytest.mark.parametrize(
    ("directive", "why"),
    [
        (only("crash"), "it crashes its agent: .*a bug"),
        (only("hang"), "doesn't answer within 60 s afterwards"),
        (st.builds(Changes), "the directive was changed"),
        (Leaves, "it leaves a task behind: .*sleep_forever"),
        (Unknown, "it crashes its agent: .*UnknownDirective"),
    ],
    ids=["crash", "hang", "changed", "task", "unknown"],
)
def test_what_an_agent_may_not_expect_is_found(directive, why):
    with pytest.raises(BaseException, match=why):
        check_interpreter(directive, seconds=60, examples=15)


def test_seconds_that_are_none_are_refused():
    with pytest.raises(InvalidDefinition, match="seconds=0"):
        check_interpreter(Waits, seconds=0)
