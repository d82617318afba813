"""Keyed agents, and agents that are put to rest."""

from typing import assert_type

from attrs import frozen

from jido_trio import Agent, Jido, Signal
from jido_trio.groups import Keyed, KeyedStatus, open_keyed
from jido_trio.runtime import AgentFile, AgentRef
from jido_trio.storage import encrypted, open_sqlite
from jido_trio.storage.encryption import AesGcm


@frozen
class Basket:
    items: tuple[str, ...] = ()


class Customer(Agent[Basket], durable=True): ...


class Patron(Agent[Basket], durable=True): ...


def keep(key: bytes) -> Jido:
    Jido("shop", storage=encrypted(open_sqlite("shop.db"), key))  # wrong
    return Jido("shop", storage=encrypted(open_sqlite("shop.db"), AesGcm(key)))


async def use(jido: Jido) -> None:
    async with open_keyed(jido, Customer, name="customers", idle=60, limit=1000) as customers:
        assert_type(customers, Keyed[Customer])
        assert_type(await customers.get("ada"), AgentRef[Customer])
        async with customers.attach("ada") as ada:
            assert_type(ada.agent.state.items, tuple[str, ...])
        assert_type(await customers.call("ada", Signal("put")), Customer)
        assert_type(customers.status(), KeyedStatus)
        assert_type(await customers.upgrade(Patron), Keyed[Patron])
        await customers.upgrade(Basket)  # wrong
        await customers.get(5)  # wrong
        await customers.call("ada", "put")  # wrong
    await jido.hibernate("ada")
    assert_type(await jido.thaw(Customer, "ada"), AgentRef[Customer])
    await jido.thaw(Basket, "ada")  # wrong
    await jido.thaw(Customer)  # wrong
    assert_type(await jido.export_agent("ada", "ada.agent"), AgentFile)
    await jido.import_agent(Customer, "ada.agent", id="bob")
    await jido.import_agent("ada.agent")  # wrong
