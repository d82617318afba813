"""Errors whose `repr` raises: Trio asks for it where one leaves a task, and must not fail by that."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import trio

from jido_trio.core import Action, Agent, Context, Result, Signal
from jido_trio.errors import AgentCrashed
from jido_trio.runtime import Jido, Map, run


class Untold(Exception):
    def __repr__(self) -> str:
        raise ValueError("no repr")

    __str__ = __repr__


class UntoldExit(BaseException):
    def __repr__(self) -> str:
        raise ValueError("no repr")

    __str__ = __repr__


class Fail(Action):
    how: str = "Untold"

    async def run(self, context: Context[Any]) -> Result:
        await trio.lowlevel.checkpoint()
        error = ERRORS[self.how]()
        raise error


ERRORS: Mapping[str, Callable[[], BaseException]] = {
    "Untold": Untold,
    "UntoldExit": UntoldExit,
    "group": lambda: ExceptionGroup("several", [Untold(), ValueError("told")]),
}


class Wait(Action):
    async def run(self, context: Context[Any]) -> Result:
        await trio.sleep_forever()
        raise AssertionError("it slept")


class Odd(Agent, routes={"fail": Fail, "wait": Wait}):
    """An agent whose actions fail."""


@pytest.mark.parametrize(("how", "told"), [("Untold", f"{__name__}.Untold"), ("group", "ExceptionGroup")])
async def test_an_error_that_can_not_be_told_is_a_crash_of_its_agent_and_no_more(how, told):
    reports: list[Any] = []
    async with Jido(on_report=reports.append, on_dead_letter=lambda _: None) as jido:
        agent = await jido.start_agent(Odd, id="odd")
        await agent.call(Signal("wait"))
        with pytest.raises(AgentCrashed):
            await agent.call(Signal("fail", {"how": how}), until="settled")
        await trio.testing.wait_all_tasks_blocked()
        assert (agent.incarnation, agent.inspect().tasks) == (2, 0)
    assert [report.failure.type for report in reports] == [told]


def test_one_that_ends_the_program_ends_it_as_itself():
    async def program() -> None:
        async with Jido() as jido:
            agent = await jido.start_agent(Odd, id="odd")
            await agent.cast(Signal("fail", {"how": "UntoldExit"}))
            await trio.sleep_forever()

    with pytest.raises(UntoldExit):
        trio.run(program)


async def test_an_action_of_several_raises_it_as_it_is():
    with pytest.raises(Untold):
        await run(Map(action=Fail, items=({}, {"how": "Untold"}), limit=1))
