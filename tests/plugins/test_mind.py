"""Ready-made plugins: thread, memory, identity."""

from typing import Any

from attrs import frozen

from jido_trio import Action, Agent, Context, Result, Signal
from jido_trio.core import FrozenDict
from jido_trio.plugins import IdentityPlugin, MemoryPlugin, ThreadPlugin


@frozen
class Till:
    total: int = 0


class Sell(Action):
    price: int

    def run(self, context: Context[Till]) -> Result:
        return {"total": context.state.total + self.price}


class Shop(
    Agent[Till], plugins=[ThreadPlugin(record=True), MemoryPlugin(), IdentityPlugin()], routes={"sell": Sell}
): ...


def after(*signals: tuple[str, Any]) -> Any:
    agent: Any = Shop.new("s")
    for type, data in signals:
        agent, _ = agent.receive(Signal(type, data))
    return agent


def test_they_hold_nothing_until_something_is_put_there():
    agent = Shop.new("s")

    assert agent.plugin(ThreadPlugin).thread is None
    assert agent.plugin(MemoryPlugin).memory is None
    assert agent.plugin(IdentityPlugin).identity is None


def test_an_entry_is_appended_by_a_signal():
    thread = after(("thread.append", {"kind": "said", "payload": {"text": "hi"}})).plugin(ThreadPlugin).thread

    assert [(entry.kind, entry.payload["text"]) for entry in thread.entries] == [("said", "hi")]


def test_actions_are_recorded_with_the_names_of_their_parameters_and_not_what_they_held():
    thread = after(("sell", {"price": 4242})).plugin(ThreadPlugin).thread

    assert [(entry.kind, entry.payload) for entry in thread.entries] == [
        ("action", FrozenDict({"action": "sell", "params": ["price"]}))
    ]
    assert "4242" not in repr(thread)


def test_a_value_is_put_into_the_memory():
    assert after(("memory.put", {"key": "a", "value": 1})).plugin(MemoryPlugin).memory.get_in("world", "a") == 1


def test_an_identity_grows_older():
    assert after(("identity.evolve", {"years": 2})).plugin(IdentityPlugin).identity.age == 2
