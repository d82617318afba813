"""A server of tools, run as a program: an agent's, on stdin and stdout."""

import os
import sys

import trio
from attrs import frozen

from jido_trio import Action, Agent, Jido
from jido_trio.ai.mcp import serve_stdio


@frozen
class Shop:
    orders: int = 0


class Weather(Action, description="The weather of a city"):
    city: str

    async def run(self, context):
        await trio.lowlevel.checkpoint()
        if self.city == "Atlantis":
            os._exit(3)
        sys.stdout.write("this is no message, and disturbs nobody\n")
        return {"sky": "snow", "city": self.city}


class Order(Action, description="Orders something"):
    count: int = 1

    def run(self, context):
        return {"orders": context.state.orders + self.count}

    def reply(self, after):
        return f"{after.state.orders} ordered"


class Clerk(Agent[Shop]): ...


async def main():
    async with Jido() as jido:
        await serve_stdio(await jido.start_agent(Clerk, id="clerk"), [Weather, Order])


if __name__ == "__main__":
    trio.run(main)
