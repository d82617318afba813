"""Service orchestration: book trips with three services, one of which fails; what was booked is taken back then.

    python services.py 8080 &
    python orchestration.py trips.db 127.0.0.1:8080 short-1 long-2

Each trip is an agent whose plan is on disk. Killed with -9 and started again, the program goes on where each trip was.
"""

import sys
from typing import Any

import trio
from attrs import frozen

from jido_trio import Action, Agent, Context, Jido, Permanent, Result
from jido_trio.actions.outside import Http, HttpRequest
from jido_trio.core import Breaker, From, Plan, PlanRun, Policy, StartPlan, Step
from jido_trio.runtime import run, wait_state
from jido_trio.storage import open_sqlite

CAREFUL = Policy(timeout=30, max_retries=4, backoff=0.05, jitter=0.5, breaker=Breaker(10, 30, name="services"))


@frozen
class Address:
    """Where the services are."""

    host: str


class Book(Action, policy=CAREFUL, idempotent=True):
    """Book with a service, by a name that it knows again: to ask twice does no harm."""

    service: str
    trip: str
    cents: int = 0

    async def run(self, context: Context[Any]) -> Result:
        answer = await self.ask("PUT", context)
        if answer["status"] != 200:
            raise Permanent(f"{self.service} said {answer['status']}")
        return {"cents": answer["json"]["cents"]}

    async def undo(self, context: Context[Any], result: Result) -> None:
        await self.ask("DELETE", context)

    async def ask(self, method: Any, context: Context[Any]) -> Any:
        url = f"http://{context.resources[Address].host}/{self.service}/{self.trip}"
        return await run(HttpRequest(url=url, method=method, json={"cents": self.cents}), context)


class Pay(Book):
    """Pay for both."""

    flight: int
    hotel: int

    async def run(self, context: Context[Any]) -> Result:
        return await run(Book(service="cards", trip=self.trip, cents=self.flight + self.hotel), context)


def plan_of(trip: str) -> Plan:
    """Flight and hotel at once, then the card; if that is declined, both are taken back."""
    return Plan(
        Step("flight", Book, {"service": "flights", "trip": trip}),
        Step("hotel", Book, {"service": "hotels", "trip": trip}),
        Step(
            "pay",
            Pay,
            {"service": "cards", "trip": trip, "flight": From("flight", "cents"), "hotel": From("hotel", "cents")},
        ),
    )


@frozen
class Journey:
    """The state of a trip."""

    plan: PlanRun | None = None


class Trip(Agent[Journey], durable=True):
    """One trip: its state is how far its plan is."""


async def travel(jido: Jido, name: str) -> None:
    trip = await jido.start_agent(Trip, id=name)
    if trip.agent.state.plan is None:
        await trip.call(StartPlan(plan=plan_of(name)))
    ended = await wait_state(trip, lambda state: state.plan is not None and state.plan.ended, timeout=None)
    journey: Any = ended.state.plan
    if journey.status == "done":
        print(f"{name}: booked, {sum(each['cents'] for each in journey.results.values())} cents", flush=True)
    else:
        print(f"{name}: {dict(journey.failed)}; taken back: {', '.join(sorted(journey.undone))}", flush=True)


async def main(store: str, host: str, *trips: str) -> None:
    allowed = {Address: Address(host), Http: Http(host, schemes="http")}
    async with (
        Jido("travel", storage=open_sqlite(store), resources=allowed) as jido,
        trio.open_nursery() as nursery,
    ):
        for name in trips:
            nursery.start_soon(travel, jido, name)


if __name__ == "__main__":
    store, host, *trips = sys.argv[1:]
    trio.run(main, store, host, *trips)
