"""Parcels in their third version; what the first and the second have left on disk is in `golden`."""

from typing import Any

from attrs import frozen

from jido_trio import Action, Agent, Context, Result, Schedule, Signal
from jido_trio.core import Durable
from jido_trio.runtime import Runtime, interpret


@frozen
class ParcelState:
    """In version 1 `weight` was a text in kg, in version 2 there were only `grams`."""

    grams: int = 0
    stops: tuple[str, ...] = ()


@frozen
class Ship:
    """An effect on the world."""

    place: str


SHIPPED: list[str] = []


@interpret.register
async def _(directive: Ship, runtime: Runtime) -> None:
    SHIPPED.append(directive.place)


class Weigh(Action):
    kg: float

    def run(self, context: Context[ParcelState]) -> Result:
        return {"grams": context.state.grams + round(self.kg * 1000)}, [
            Schedule(3600, Signal("visit", {"place": "late"}), key="late")
        ]


class Visit(Action):
    place: str

    def run(self, context: Context[ParcelState]) -> Result:
        return {"stops": (*context.state.stops, self.place)}, [Ship(self.place)]


def grams(fields: Any) -> dict[str, Any]:
    return {"grams": round(float(fields["weight"]) * 1000)}


class Parcel(
    Agent[ParcelState],
    vsn="3",
    routes={"weigh": Weigh, "visit": Visit},
    durable=Durable(effects="at_least_once", migrations={"1": grams, "2": lambda fields: {**fields, "stops": ()}}),
):
    """It is weighed, and visits places."""
