"""An agent that does all there is to do, and a run of it that any process can repeat."""

import random
from typing import Any

from attrs import evolve, field, fields, frozen

from jido_trio.core import (
    Action,
    Agent,
    Context,
    DeleteKeys,
    DeletePath,
    Emit,
    Instruction,
    ReplaceState,
    Result,
    Schedule,
    SetPath,
    SetState,
    Signal,
    Stop,
)
from jido_trio.data import fingerprint
from jido_trio.errors import ActionError
from jido_trio.world import current


@frozen
class Owner:
    name: str = "nobody"
    marks: list[int] = field(factory=list)


@frozen
class Ledger:
    count: int = 0
    owner: Owner = Owner()
    notes: dict[str, Any] = field(factory=dict)
    tags: frozenset[str] = frozenset()


FIELDS = {each.name for each in fields(Ledger)}


class Change(Action):
    """Returns what it was given for fields that there are, right or wrong; for others it would be a bug."""

    changes: dict[str, Any] = field(factory=dict)

    def run(self, context: Context[Ledger]) -> Result:
        return {name: value for name, value in self.changes.items() if name in FIELDS}


class Operate(Action):
    words: list[str] = field(factory=list)
    number: int = 0

    def run(self, context: Context[Ledger]) -> Result:
        operations = {
            "set": SetState({"notes": {"n": self.number}}),
            "replace": ReplaceState(evolve(context.state, count=self.number)),
            "delete": DeleteKeys(["count", "notes"]),
            "path": SetPath("notes.a.b", [self.number]),
            "cut": DeletePath("notes.a.b"),
            "misfit": SetPath("count", "many"),
        }
        return [operations[word] for word in self.words if word in operations]


class Tell(Action):
    times: int = 1

    def run(self, context: Context[Ledger]) -> Result:
        world = current()
        told = [Emit("told", {"draw": world.random.random(), "tags": sorted(context.state.tags)}) for _ in range(3)]
        return {"count": context.state.count + self.times}, [*told, Schedule(1, "again"), Stop()]


class Refuse(Action):
    message: str = "no"

    def run(self, context: Context[Ledger]) -> Result:
        raise ActionError(self.message, details={"count": context.state.count})


class Fetch(Action):
    url: str = "/"

    async def run(self, context: Context[Ledger]) -> Result:
        return {"notes": {"url": self.url}}


class Keeper(Agent[Ledger]): ...


ACTIONS: tuple[type[Action], ...] = (Change, Operate, Tell, Refuse, Fetch)


def some_command(draw: random.Random) -> Any:
    """Return what `cmd` might be given."""
    words = draw.choices(["set", "replace", "delete", "path", "cut", "misfit"], k=draw.randrange(4))
    tags = draw.sample(["red", "green", "blue", "white", "black"], k=3)
    singles: list[Any] = [
        Tell,
        Tell(times=draw.randrange(5)),
        (Operate, {"words": words, "number": draw.randrange(9)}, {"who": "me"}),
        Instruction(Change, {"changes": {"tags": frozenset(tags), "owner": {"name": tags[0]}}}),
        Change(changes={"notes": {tag: {"deep": [tag]} for tag in tags}}),
        (Change, {"changes": {"count": "x", "cuont": 1}}),
        (Tell, {"tmes": 1}),
        Refuse(message=tags[0]),
        Fetch(url=tags[1]),
        "nonsense",
    ]
    return draw.choice(singles) if draw.random() < 0.5 else draw.choices(singles[:-1], k=3)


def answers(seed: int, count: int = 200) -> bytes:
    """Return all that an agent became and wanted in `count` commands, one after the other."""
    draw, agent, seen = random.Random(seed), Keeper.new("keeper"), []
    for number in range(count):
        signal = Signal("go", id=str(number), time="2024-05-06T07:08:09Z") if draw.random() < 0.5 else None
        agent, directives = agent.cmd(some_command(draw), signal=signal)
        seen.append((agent, directives))
    return fingerprint(seen)
