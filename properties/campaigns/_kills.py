"""kill -9 at random moments and at named points, and an independent account of what was acknowledged.

A client in this process sends operations to a program in another, over a pipe, and notes which were acknowledged. The
program has two durable agents on one storage, and is killed again and again: after a while, or by itself before or
after its n-th commit, or before or after its n-th effect. The client starts it again, and sends again what wasn't
acknowledged. Effects are lines in a file, which no kill takes back.

At the end: what was acknowledged is there; nothing is there twice; each effect was done as its policy says.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import trio
from attrs import field, frozen

from jido_trio import Action, Agent, Context, Emit, Jido, Result, Schedule, Signal, ToAgent
from jido_trio.core import Durable
from jido_trio.errors import CallError
from jido_trio.runtime import Runtime, interpret
from jido_trio.storage import Op, Storage, open_sqlite
from jido_trio.storage.postgres import open_postgres
from properties.campaigns._plants import PLANTS
from tests.storage.postgres import serving

KILLS_A_RUN = 10
"""So many kills one storage outlives before what is in it is looked at."""

OPERATIONS = 120
"""So many are sent in a run."""


# The program that is killed


@frozen
class Seen:
    """Which operations an agent has handled, in order."""

    numbers: tuple[int, ...] = ()


class Take(Action):
    number: int

    def run(self, context: Context[Seen]) -> Result:
        return {"numbers": (*context.state.numbers, self.number)}


@frozen
class Write:
    """An effect: a line in a file."""

    number: int
    who: str


class TakeAndWrite(Action):
    number: int

    def run(self, context: Context[Seen]) -> Result:
        seen = (*context.state.numbers, self.number)
        return {"numbers": seen}, [Write(self.number, context.agent.id), Write(-self.number, context.agent.id)]


class TakeAndSend(Action):
    number: int

    def run(self, context: Context[Seen]) -> Result:
        seen = (*context.state.numbers, self.number)
        return {"numbers": seen}, [Emit("take", {"number": self.number}, dispatch=ToAgent("other"))]


class TakeLater(Action):
    number: int

    def run(self, context: Context[Seen]) -> Result:
        return Schedule(0.001, Signal("take", {"number": self.number}))


ROUTES = {"take": Take, "write": TakeAndWrite, "send": TakeAndSend, "later": TakeLater}


class Once(Agent[Seen], routes=ROUTES, durable=Durable(snapshot_every=7)):
    """Its effects are done at most once."""


class Again(Agent[Seen], routes=ROUTES, durable=Durable(effects="at_least_once", snapshot_every=7)):
    """Its effects are done at least once."""


@frozen
class Kill:
    """When the program kills itself, or is killed."""

    point: str
    """before a commit, after it, before an effect, after it; or a while."""
    after: float
    """Of so many of these; or seconds."""


class Counting:
    """Counts what the program comes to, and kills it there."""

    def __init__(self, kill: Kill) -> None:
        self.kill = kill
        self.counts: Counter[str] = Counter()

    def at(self, point: str) -> None:
        self.counts[point] += 1
        if point == self.kill.point and self.counts[point] >= self.kill.after:
            os.kill(os.getpid(), signal.SIGKILL)


class Deadly:
    """A storage that kills the program before or after a commit."""

    def __init__(self, storage: Storage, counting: Counting) -> None:
        self.get, self.scan, self._commit, self._counting = storage.get, storage.scan, storage.commit, counting

    async def commit(self, ops: tuple[Op, ...]) -> None:
        self._counting.at("before a commit")
        await self._commit(ops)
        self._counting.at("after a commit")


Opened = Callable[[], AbstractAsyncContextManager[Storage]]


async def serve(opened: Opened, kind: type[Agent[Seen]], effects: Path, kill: Kill, pipe: tuple[int, int]) -> None:
    """Do what comes over the pipe, and tell of it."""
    counting = Counting(kill)

    async def write(directive: Write, runtime: Runtime) -> None:
        counting.at("before an effect")
        with effects.open("a", buffering=1) as file:
            file.write(json.dumps([directive.who, directive.number, runtime.key]) + "\n")
        counting.at("after an effect")
        await trio.lowlevel.checkpoint()

    interpret.register(Write, write)
    async with opened() as storage, trio.open_nursery() as nursery:
        deadly: Any = Deadly(storage, counting)
        async with Jido("killed", storage=deadly) as jido:
            agents = {name: await jido.start_agent(kind, id=name) for name in ("one", "other")}
            requests = trio.lowlevel.FdStream(pipe[0])

            async def do(request: dict[str, Any]) -> None:
                if request["do"] == "look":
                    tell({"seen": {name: ref.agent.state.numbers for name, ref in agents.items()}})
                    return
                sent = Signal(request["do"], {"number": request["number"]}, id=f"op-{request['number']}")
                agent = agents[request["to"]]
                try:
                    await (agent.cast(sent) if request["cast"] else agent.call(sent))
                except CallError as error:
                    tell({"refused": str(error)})
                else:
                    tell({"done": request["number"]})

            def tell(what: dict[str, Any]) -> None:
                os.write(pipe[1], (json.dumps(what) + "\n").encode())

            left = b""
            async for chunk in requests:
                *lines, left = (left + chunk).split(b"\n")
                for line in lines:
                    nursery.start_soon(do, json.loads(line))


# The client


@frozen
class Operation:
    """What the client has done."""

    number: int
    do: str
    to: str
    cast: bool

    def line(self) -> bytes:
        return json.dumps({"do": self.do, "number": self.number, "to": self.to, "cast": self.cast}).encode() + b"\n"


@frozen
class Run:
    """One storage, and what was done with it."""

    opened: Opened
    kind: type[Agent[Seen]]
    effects: Path
    plant: Callable[[], None] | None
    acknowledged: set[int] = field(factory=set)

    def program(self, kill: Kill) -> tuple[int, int, int]:
        """Start the program; return its process id and the two ends of the pipe to it."""
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        pid = os.fork()
        if not pid:
            self._be_the_program(kill, (theirs_in, theirs_out), (ours_in, ours_out))
        os.close(theirs_in)
        os.close(theirs_out)
        return pid, ours_in, ours_out

    def _be_the_program(self, kill: Kill, pipe: tuple[int, int], others: tuple[int, int]) -> NoReturn:
        try:
            for end in others:
                os.close(end)
            if self.plant is not None:
                self.plant()
            trio.run(serve, self.opened, self.kind, self.effects, kill, pipe)
            os._exit(0)
        except BaseException as error:  # noqa: BLE001  # it must not go on as a copy of the client
            os.write(2, f"the program raised {error!r}\n".encode())
            os._exit(1)

    def play(self, operations: list[Operation], kill: Kill) -> None:
        """Have the program do the operations until it dies, or all are acknowledged."""
        pid, answers, requests = self.program(kill)
        deadline = time.monotonic() + (kill.after if kill.point == "a while" else 10)
        try:
            for operation in operations:
                os.write(requests, operation.line())
        except BrokenPipeError:
            pass  # it is dead already
        wanted = {operation.number for operation in operations}
        left = b""
        while not wanted <= self.acknowledged:
            ready, _, _ = select.select([answers], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(answers, 65536) if ready else b""
            if not chunk:
                break
            *lines, left = (left + chunk).split(b"\n")
            self.acknowledged.update(answer["done"] for answer in map(json.loads, lines) if "done" in answer)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(answers)
        os.close(requests)

    def look(self, is_whole: Callable[[Mapping[str, list[int]]], bool]) -> Mapping[str, list[int]]:
        """Return what the agents have handled, once it is whole or nothing comes any more."""
        pid, answers, requests = self.program(Kill("never", 1))
        seen: dict[str, list[int]] = {}
        until = time.monotonic() + 3
        file = os.fdopen(answers)
        while time.monotonic() < until:
            os.write(requests, b'{"do": "look"}\n')
            line = file.readline()
            if not line:
                break
            seen = json.loads(line)["seen"]
            if is_whole(seen):
                time.sleep(0.05)  # for what there should be no more of
                os.write(requests, b'{"do": "look"}\n')
                seen = json.loads(file.readline())["seen"]
                break
            time.sleep(0.02)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        file.close()
        os.close(requests)
        return seen


def operations(rng: random.Random) -> list[Operation]:
    """Return what a client asks for."""
    return [
        Operation(number, rng.choice(["take", "write", "send", "later"]), "one", rng.random() < 0.5)
        for number in range(1, OPERATIONS + 1)
    ]


def kills(rng: random.Random, count: int) -> list[Kill]:
    """Return when the program dies."""
    points = ["before a commit", "after a commit", "before an effect", "after an effect", "a while"]
    chosen = [rng.choice(points) for _ in range(count)]
    return [Kill(point, rng.uniform(0.01, 0.15) if point == "a while" else rng.randint(1, 12)) for point in chosen]


def problem(run: Run, asked: list[Operation]) -> str | None:
    """Return what is wrong at the end, or None."""
    wanted = {
        "one": {each.number for each in asked},
        "other": {each.number for each in asked if each.do == "send"},
    }
    seen = run.look(lambda seen: all(set(seen[name]) >= numbers for name, numbers in wanted.items()))
    for name, numbers in wanted.items():
        counted = Counter(seen.get(name, ()))
        lost = sorted(numbers - counted.keys())
        if lost:
            return f"{name} has lost {lost}"
        twice = sorted(number for number, times in counted.items() if times > 1)
        if twice:
            return f"{name} has handled {twice} more than once"
    return _effects_wrong(run, asked)


def _effects_wrong(run: Run, asked: list[Operation]) -> str | None:
    text = run.effects.read_text() if run.effects.exists() else ""
    done = Counter(number for _, number, _ in map(json.loads, text.splitlines()))
    keys = {number: {key for _, other, key in map(json.loads, text.splitlines()) if other == number} for number in done}
    several = sorted(number for number, found in keys.items() if len(found) > 1)
    if several:
        return f"effects {several} had more than one key"
    twice = sorted(number for number, times in done.items() if times > 1)
    if run.kind is Once and twice:
        return f"effects {twice} were done more than once"
    wanted = {sign * each.number for each in asked if each.do == "write" for sign in (1, -1)}
    missing = sorted(wanted - done.keys())
    if run.kind is Again and missing:
        return f"effects {missing} were never done"
    if run.kind is Once and len(missing) > KILLS_A_RUN + 1:  # of each death, one at most is unknown
        return f"more effects are missing than there were deaths: {missing}"
    return None


def played(
    seed: int, opened: Opened, folder: Path, *, plant: str | None = None, count: int = KILLS_A_RUN
) -> str | None:
    """Play one run, and return what is wrong at its end, or None."""
    rng = random.Random(seed)
    run = Run(opened, rng.choice([Once, Again]), folder / "effects", PLANTS[plant] if plant is not None else None)
    asked = operations(rng)
    for kill in kills(rng, count):
        run.play([each for each in asked if each.number not in run.acknowledged][:30], kill)
    left = asked
    for _ in range(20):
        left = [each for each in asked if each.number not in run.acknowledged]
        if not left:
            return problem(run, asked)
        run.play(left, Kill("never", 1))
    return f"{len(left)} were never acknowledged"


def campaign(share: int = 1) -> Iterator[tuple[str, str | None]]:
    """Kill 1,000 times, or the share of that, on SQLite; give each run, and what is wrong."""
    for seed in range(max(1, 1000 // share // KILLS_A_RUN)):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            yield f"run {seed}", played(seed, lambda: open_sqlite(folder / "killed.db"), folder)  # noqa: B023


def campaign_on_postgres(share: int = 1) -> Iterator[tuple[str, str | None]]:
    """Kill 1,000 times, or the share of that, on a PostgreSQL server of our own; give each run, and what is wrong."""
    with tempfile.TemporaryDirectory(prefix="pg") as name, serving(Path(name) / "server") as server:
        for seed in range(max(1, 1000 // share // KILLS_A_RUN)):
            with tempfile.TemporaryDirectory() as folder:
                opened = partial(open_postgres, server.conninfo, table=f"run_{seed}")
                yield f"run {seed}", played(seed, opened, Path(folder))


def found(plant: str, seeds: int = 20) -> str | None:
    """Return what shows the planted fault in the first of so many runs in which it does, or None."""
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            wrong = played(seed, lambda: open_sqlite(folder / "killed.db"), folder, plant=plant)  # noqa: B023
            if wrong is not None:
                return wrong
    return None


if __name__ == "__main__":
    print(found(sys.argv[1]))
