"""A function that returns inside of a block returns: none of ours looks as if it swallowed what is raised in it."""

import trio

from jido_trio import Agent, Child, Jido, open_supervisor
from jido_trio.groups import open_pool
from jido_trio.storage import open_memory, open_sqlite
from jido_trio.supervision import open_dynamic_supervisor, open_partition_supervisor, open_task_supervisor


class Worker(Agent): ...


async def within_a_supervisor() -> int:
    async with open_supervisor([]):
        return 1


async def within_a_dynamic_supervisor() -> int:
    async with open_dynamic_supervisor():
        return 1


async def within_a_partition_supervisor() -> int:
    async with open_partition_supervisor(lambda index: Child(f"part-{index}", trio.sleep_forever)):
        return 1


async def within_a_task() -> int:
    async with open_task_supervisor() as tasks, tasks.open_task(trio.sleep, 1):
        return 1


async def within_an_instance() -> int:
    async with Jido():
        return 1


async def within_a_pool(jido: Jido) -> int:
    async with open_pool(jido, Worker, name="workers") as pool, pool.agent():
        return 1


async def within_a_storage(path: str) -> int:
    async with open_memory(), open_sqlite(path):
        return 1


async def set_within_and_used_after() -> int:
    async with Jido() as jido, open_supervisor([]):
        number = len(jido.list_agents())
    return number
