"""From Python 3.14 on annotations are read when they are asked for, so one may name what isn't there at run time."""

import sys
from textwrap import dedent
from typing import Any

import pytest
import trio
import trio.testing

from jido_trio import InvalidDefinition
from jido_trio.supervision import Child, open_supervisor

pytestmark = pytest.mark.skipif(sys.version_info < (3, 14), reason="annotations are read at once before Python 3.14")


def defined(text: str) -> dict[str, Any]:
    module: dict[str, Any] = {"__name__": __name__}
    exec(dedent(text), module)
    return module


def test_what_the_methods_of_an_action_are_annotated_with_need_not_be_there():
    module = defined("""
        from attrs import frozen
        from jido_trio import Action, Agent

        class Add(Action):
            by: int

            def run(self, context: Context[Count]) -> Result:
                return {"count": context.state.count + self.by}

        @frozen
        class Count:
            count: int = 0

        class Counter(Agent[Count], routes={"add": Add}): ...
    """)
    agent, _ = module["Counter"].cmd(module["Counter"].new("a"), module["Add"](by=2))
    assert agent.state.count == 2


def test_a_parameter_of_a_class_that_is_not_there_yet_is_refused_with_its_name_and_what_to_do():
    with pytest.raises(InvalidDefinition, match=r"of Put can't be read: name 'Item' is not defined.* above the class"):
        defined("""
            from jido_trio import Action

            class Put(Action):
                item: Item
        """)


def test_a_state_may_name_a_class_that_is_defined_before_its_agent():
    module = defined("""
        from attrs import frozen
        from jido_trio import Agent

        @frozen
        class Cart:
            items: tuple[Item, ...] = ()

        @frozen
        class Item:
            name: str

        class Shop(Agent[Cart]): ...
    """)
    assert module["Shop"].new("a", {"items": [{"name": "pen"}]}).state.items == (module["Item"]("pen"),)


async def test_what_a_child_and_a_sensor_are_annotated_with_need_not_be_there(autojump_clock):
    module = defined("""
        import trio
        from jido_trio.core import StartSensor

        async def work(task_status: trio.TaskStatus[Later]) -> Never:
            task_status.started(7)
            await trio.sleep_forever()

        async def watch(seconds: Later):
            yield "tick", {}

        sensor = StartSensor("watch", watch, {"seconds": 1})
    """)
    async with open_supervisor([Child("work", module["work"])]) as supervisor:
        await trio.testing.wait_all_tasks_blocked()
        assert supervisor.tree().children[0].id == "work"
