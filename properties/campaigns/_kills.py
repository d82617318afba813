"""kill -9 at random moments and at named points, and an independent account of what was acknowledged.

A client in this process sends operations to a program in another, over a pipe, and notes which were acknowledged. The
program has two durable agents on one storage, and is killed again and again: after a while, or by itself at the n-th
time that it comes to some point (`_kill_points`); also while it takes up what the death before has left. Or the server
of its storage is killed, and started again, while the program lives; or a second program takes its agents over. The
client starts it again, and sends again what wasn't acknowledged. Effects are lines in a file, which no kill takes back.
In two families the program does more meanwhile: its agents become ones of another class, and of the former again; or
they are put to rest and thawed.

At the end: what was acknowledged is there; nothing is there twice; each effect was done as its policy says; each second
has ticked once; and the journal, folded, gives the states that the agents have.
"""

from __future__ import annotations

import atexit
import json
import math
import os
import random
import select
import signal
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, NoReturn

import trio
from attrs import define, evolve, field, frozen

from jido_trio import Action, Agent, Context, Emit, Jido, Result, Schedule, Signal, ToAgent
from jido_trio.core import Cron, Durable
from jido_trio.errors import CallError, JidoError, OwnershipLost, RecordRefused, StorageError
from jido_trio.runtime import AgentRef, Runtime, interpret, read_journal
from jido_trio.storage import Storage, open_sqlite
from jido_trio.storage.postgres import open_postgres
from jido_trio.supervision import Backoff
from jido_trio.world import real
from properties.campaigns._kill_points import FAMILIES, SOON, Counting, Deadly, Deaths, Kill, count_groups
from properties.campaigns._plants import PLANTS
from tests.storage.postgres import Server, serving

KILLS_A_RUN = 10
"""So many kills one storage outlives before what is in it is looked at."""

OPERATIONS = 220
"""So many are sent in a run."""

AT_ONCE = {"compaction": 110}
"""So many of them a program is given that is to die in this way, as it comes there seldom; else `OFTEN`."""

OFTEN = 30

WINDOW = 12
"""So far may an operation be ahead of one that isn't acknowledged: an agent remembers ids for a while only."""

DEATHS = Deaths()


# The program that is killed


@frozen
class Seen:
    """Which operations an agent has handled, in order."""

    numbers: tuple[int, ...] = ()
    ticked: tuple[int, ...] = ()
    """For each of them, how many ticks came before."""
    ticks: tuple[int, ...] = ()
    """The seconds that it has heard of."""
    pad: str = ""
    """What makes its state so large that it isn't written each time."""


def also(seen: Seen, number: int) -> dict[str, tuple[int, ...]]:
    """Return what changes with an operation."""
    return {"numbers": (*seen.numbers, number), "ticked": (*seen.ticked, len(seen.ticks))}


class Take(Action):
    number: int

    def run(self, context: Context[Seen]) -> Result:
        return also(context.state, self.number)


@frozen
class Write:
    """An effect: a line in a file."""

    number: int
    who: str


class TakeAndWrite(Action):
    number: int

    def run(self, context: Context[Seen]) -> Result:
        writes = [Write(self.number, context.agent.id), Write(-self.number, context.agent.id)]
        return also(context.state, self.number), writes


class TakeAndSend(Action):
    number: int

    def run(self, context: Context[Seen]) -> Result:
        return also(context.state, self.number), [Emit("take", {"number": self.number}, dispatch=ToAgent("other"))]


class TakeLater(Action):
    number: int

    def run(self, context: Context[Seen]) -> Result:
        return Schedule(0.001, Signal("take", {"number": self.number}))


class Tick(Action):
    def run(self, context: Context[Seen]) -> Result:
        assert context.signal is not None
        second = datetime.fromisoformat(context.signal.time or "").timestamp()
        return {"ticks": (*context.state.ticks, int(second))}


BEGAN, FAST = real.now(), 3


def now() -> datetime:
    """Return the time of a clock that goes fast, so that there are ticks enough; for all programs the same."""
    return BEGAN + (real.now() - BEGAN) * FAST


EACH_SECOND = Cron("* * * * * *", Signal("tick"), key="second", missed="all")

ROUTES = {"tick": Tick, "take": Take, "write": TakeAndWrite, "send": TakeAndSend, "later": TakeLater}


REMEMBERS = 80
"""So many inputs after it a signal that comes again is known."""

ONCE = Durable(
    snapshot_every=7, history=10, remembers=REMEMBERS, tries=None, formerly=("properties.campaigns._kills:OnceOfNext",)
)
AGAIN = evolve(ONCE, effects="at_least_once", formerly=("properties.campaigns._kills:AgainOfNext",))


class Once(Agent[Seen], routes=ROUTES, durable=ONCE, schedules=[EACH_SECOND]):
    """Its effects are done at most once."""


class OnceOfNext(Once, durable=evolve(ONCE, formerly=[Once])):
    """What it becomes, and was."""


class Again(Agent[Seen], routes=ROUTES, durable=AGAIN, schedules=[EACH_SECOND]):
    """Its effects are done at least once."""


class AgainOfNext(Again, durable=evolve(AGAIN, formerly=[Again])):
    """What it becomes, and was."""


NEXT: Mapping[type[Agent[Seen]], type[Agent[Seen]]] = {Once: OnceOfNext, Again: AgainOfNext}


Opened = Callable[[], AbstractAsyncContextManager[Storage]]


async def upgrade_for_ever(jido: Jido, kind: type[Agent[Seen]], counting: Counting) -> None:
    """Have the agents be of another class, and of the former again."""
    old, new = kind, NEXT[kind]
    while True:
        await trio.sleep(0.002)
        counting.at("before an upgrade")
        await jido.upgrade(old, new)
        counting.at("after an upgrade")
        old, new = new, old


async def rest_for_ever(
    jido: Jido, kind: type[Agent[Seen]], agents: dict[str, AgentRef[Any]], counting: Counting
) -> None:
    """Put the agents to rest, and thaw them."""
    while True:
        for name in ("one", "other"):
            await trio.sleep(0.002)
            counting.at("before a hibernation")
            await jido.hibernate(agents[name])
            counting.at("after a hibernation")
            counting.at("before a thaw")
            agents[name] = await jido.thaw(kind, name, backoff=AGAIN_SOON)
            counting.at("after a thaw")


AGAIN_SOON = Backoff(first=0.02, cap=0.2)
"""Between two lives, as the server of the storage may be away for a while."""


async def serve(
    opened: Opened, kind: type[Agent[Seen]], effects: Path, kill: Kill, pipe: tuple[int, int], *, meanwhile: str = ""
) -> None:
    """Do what comes over the pipe, and tell of it."""

    def tell(what: dict[str, Any]) -> None:
        os.write(pipe[1], (json.dumps(what) + "\n").encode())

    counting = Counting(kill, lambda point: tell({"died": point}))
    count_groups(counting)

    async def write(directive: Write, runtime: Runtime) -> None:
        former = "" if runtime.key in counting.own else " of a former life"
        counting.at(f"before an effect{former}")
        with effects.open("a", buffering=1) as file:
            file.write(json.dumps([directive.who, directive.number, runtime.key]) + "\n")
        counting.at(f"after an effect{former}")
        await trio.lowlevel.checkpoint()

    interpret.register(Write, write)
    async with opened() as storage, trio.open_nursery() as nursery:
        deadly: Any = Deadly(storage, counting)
        large = {"pad": "x" * 5000 if meanwhile == "hibernation" else ""}
        async with Jido("killed", storage=deadly, world=evolve(real, now=now)) as jido:
            agents: dict[str, AgentRef[Any]] = {}
            for name in ("one", "other"):
                agents[name] = await jido.start_agent(kind, id=name, state=large, backoff=AGAIN_SOON)
            if meanwhile == "upgrade":
                nursery.start_soon(upgrade_for_ever, jido, kind, counting)
            elif meanwhile == "hibernation":
                nursery.start_soon(rest_for_ever, jido, kind, agents, counting)
            requests = trio.lowlevel.FdStream(pipe[0])

            async def do(request: dict[str, Any]) -> None:
                if request["do"] == "look":
                    states = {name: ref.agent.state for name, ref in agents.items()}
                    seen = {name: state.numbers for name, state in states.items()}
                    ticks = {name: state.ticks for name, state in states.items()}
                    tell({"seen": seen, "ticks": ticks, "ticked": {name: each.ticked for name, each in states.items()}})
                    return
                if request["do"] == "fold":
                    tell({"folded": {name: await folded(name) for name in agents}})
                    return
                sent = Signal(request["do"], {"number": request["number"]}, id=f"op-{request['number']}")
                agent = agents[request["to"]]
                try:
                    await (agent.cast(sent) if request["cast"] else agent.call(sent))
                except (CallError, StorageError) as error:
                    tell({"refused": request["number"], "why": str(error)})
                else:
                    tell({"done": request["number"]})

            async def folded(name: str) -> object:
                try:
                    return (await read_journal(storage, "killed", name)).at().state.numbers
                except JidoError as error:
                    return str(error)

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


class Wrong(Exception):
    """What the program has on disk isn't what it says."""


@define
class Program:
    """A program that runs, and what it was asked."""

    pid: int
    _answers: int
    _requests: int
    operations: list[Operation]
    window: int
    waiting: deque[Operation] = field(init=False)
    outstanding: dict[int, Operation] = field(init=False, factory=dict)
    over: bool = field(init=False, default=False)
    """Whether it says nothing more."""
    _left: bytes = field(init=False, default=b"")

    def __attrs_post_init__(self) -> None:
        self.waiting = deque(self.operations)

    @property
    def has_work(self) -> bool:
        return bool(self.waiting or self.outstanding)

    def send(self) -> None:
        """Ask for more, as far as there is room."""
        try:
            while self.waiting and self.waiting[0].number < min(self.outstanding, default=math.inf) + self.window:
                operation = self.waiting.popleft()
                self.outstanding[operation.number] = operation
                os.write(self._requests, operation.line())
        except BrokenPipeError:
            pass  # it is dead, and what it said before is still to be heard

    def answers(self, seconds: float) -> list[dict[str, Any]]:
        """Return what it says within that time."""
        ready, _, _ = select.select([self._answers], [], [], max(0.0, min(seconds, 10)))
        chunk = os.read(self._answers, 65536) if ready else b""
        self.over = not chunk and (bool(ready) or seconds > 10)
        *lines, self._left = (self._left + chunk).split(b"\n")
        return [json.loads(line) for line in lines]

    def end(self) -> None:
        """Kill it, if it lives."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._answers)
        os.close(self._requests)


PATIENCE = 20
"""Seconds after which a program is given up that lives, and acknowledges nothing."""

TRIES = 3
"""So many programs in a row may end without having acknowledged anything."""

LOOKS = 100
"""So often at least is it looked what a program has handled: on a busy machine it takes its time."""

LEAVES_EFFECTS = ("after a commit with effect", "before an effect", "after an effect")

BY_CLIENT = frozenset({"a while", "taken over", "the server"})
"""Points at which the program doesn't kill itself."""


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Generate the errors of a group, or the one."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from leaves(each)
    else:
        yield error


def is_expected(error: BaseException) -> bool:
    """Whether a program may end with it: another has its agents, or its storage or its client is away."""
    return isinstance(error, OwnershipLost | StorageError | BrokenPipeError) and not isinstance(error, RecordRefused)


@frozen
class Run:
    """One storage, and what was done with it."""

    opened: Opened
    kind: type[Agent[Seen]]
    effects: Path
    plant: Callable[[], None] | None
    server: Server | None = None
    """Of the storage, if there is one of its own."""
    acknowledged: set[int] = field(factory=set)
    meanwhile: str = ""
    """What the program does, too: "upgrade", "hibernation" or nothing."""
    ticks: dict[str, list[int]] = field(factory=dict)
    ticked: dict[str, list[int]] = field(factory=dict)
    """For each operation that an agent has handled, how many ticks came before."""
    refused: dict[int, str] = field(factory=dict)
    """Why operations were refused the last time."""
    former: list[Program] = field(factory=list)
    """Programs that live on when their agents have been taken over, until the next one is killed."""

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
            meanwhile = self.meanwhile if kill.point != "never" else ""
            program = partial(serve, meanwhile=meanwhile)
            trio.run(program, self.opened, self.kind, self.effects, kill, pipe)
        except BaseException as error:  # noqa: BLE001  # it must not go on as a copy of the client
            # Another has taken its agents, the server is away, or the client: it is started again.
            if not all(map(is_expected, leaves(error))):
                os.write(2, f"the program raised {error!r}\n".encode())
        finally:
            os._exit(0)

    def play(self, operations: list[Operation], kill: Kill) -> None:
        """Have the program do the operations until it dies, or all are acknowledged.

        Raises:
            Wrong: The server of its storage is there again, and it refuses again and again.
        """
        program = Program(*self.program(kill), operations, 1 if self.meanwhile == "hibernation" else WINDOW)
        until = time.monotonic() + (kill.after if kill.point in BY_CLIENT else 10)
        while program.has_work and not program.over:
            program.send()
            if time.monotonic() < until:
                self._hear(program.answers(until - time.monotonic()), program)
                continue
            DEATHS.at[kill.point] += 1
            if kill.point != "the server":
                break
            assert self.server is not None
            self.server.kill()
            self.server.restart()
            self._play_on(program)
        for former in self.former:
            former.end()
        self.former.clear()
        if kill.point == "taken over":
            self.former.append(program)
        else:
            program.end()

    def _play_on(self, program: Program) -> None:
        """Have it do the rest, as it lives and its server is there again."""
        acknowledged, until = -1, 0.0
        while program.has_work and not program.over:
            program.send()
            self._hear(program.answers(math.inf), program)
            if len(self.acknowledged) > acknowledged:
                acknowledged, until = len(self.acknowledged), time.monotonic() + PATIENCE
            elif time.monotonic() > until:
                program.end()
                raise Wrong(f"for {PATIENCE} s nothing was acknowledged; {self.why(program.operations)}")

    def why(self, operations: Sequence[Operation]) -> str:
        """Return why the first of the operations that were refused was refused."""
        refused = [each.number for each in operations if each.number in self.refused]
        return f"{refused} were refused, the first as: {self.refused[refused[0]]}" if refused else "none was refused"

    def _hear(self, answers: list[dict[str, Any]], program: Program) -> None:
        for answer in answers:
            if "died" in answer:
                DEATHS.at[answer["died"]] += 1
            elif "done" in answer:
                self.acknowledged.add(answer["done"])
                program.outstanding.pop(answer["done"])
            elif "refused" in answer:
                self.refused[answer["refused"]] = answer["why"]
                program.waiting.appendleft(program.outstanding.pop(answer["refused"]))

    def look(self, is_whole: Callable[[Mapping[str, list[int]]], bool]) -> Mapping[str, list[int]]:
        """Return what the agents have handled, once it is whole or nothing comes any more."""
        for former in self.former:
            former.end()
        self.former.clear()
        pid, answers, requests = self.program(Kill("never", 1))
        seen: dict[str, list[int]] = {}
        until, looks = time.monotonic() + 3, 0
        file = os.fdopen(answers)
        while time.monotonic() < until or looks < LOOKS:
            looks += 1
            os.write(requests, b'{"do": "look"}\n')
            line = file.readline()
            if not line:
                break
            seen = json.loads(line)["seen"]
            if is_whole(seen):
                time.sleep(0.05)  # for what there should be no more of
                os.write(requests, b'{"do": "look"}\n')
                told = json.loads(file.readline())
                seen = told["seen"]
                self.ticks.update(told["ticks"])
                self.ticked.update(told["ticked"])
                os.write(requests, b'{"do": "fold"}\n')
                folded = json.loads(file.readline())["folded"]
                if folded != seen:
                    raise Wrong(f"the journals give {folded}, and the agents have {seen}")
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


def kills(rng: random.Random, family: str) -> Iterator[Kill]:
    """Generate when the program dies."""
    for number in range(KILLS_A_RUN):
        # Of what a former life has left open there must be something.
        before = family == "recovery" and number % 2 == 0
        point = rng.choice(LEAVES_EFFECTS if before else FAMILIES.get(family, (family,)))
        if point in BY_CLIENT:
            yield Kill(point, rng.uniform(0.01, 0.15))
        else:
            yield Kill(point, rng.randint(1, 2 if point in SOON else 12))


def problem(run: Run, asked: list[Operation]) -> str | None:
    """Return what is wrong at the end, or None."""
    wanted = {
        "one": {each.number for each in asked},
        "other": {each.number for each in asked if each.do == "send"},
    }
    try:
        seen = run.look(lambda seen: all(set(seen[name]) >= numbers for name, numbers in wanted.items()))
    except Wrong as wrong:
        return str(wrong)
    for name, numbers in wanted.items():
        counted = Counter(seen.get(name, ()))
        lost = sorted(numbers - counted.keys())
        if lost:
            return f"{name} has lost {lost}"
        twice = sorted(number for number, times in counted.items() if times > 1)
        if twice:
            return f"{name} has handled {twice} more than once, {_between(run, name, seen[name], twice[0])}"
    for name, ticks in run.ticks.items():
        if ticks and ticks != list(range(ticks[0], ticks[0] + len(ticks))):
            return f"{name} has heard these seconds: {ticks}"
    return _effects_wrong(run, asked)


def _between(run: Run, name: str, seen: Sequence[int], twice: int) -> str:
    """Return how far apart it was handled: a client that comes too late has forgotten ids to answer for."""
    first = seen.index(twice)
    second = seen.index(twice, first + 1)
    ticked = run.ticked[name]
    inputs = second - first + ticked[second] - ticked[first]
    return f"{twice} with at least {inputs - 1} inputs between; it remembers {REMEMBERS}"


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
    family: str, seed: int, opened: Opened, folder: Path, *, plant: str | None = None, server: Server | None = None
) -> str | None:
    """Play one run, and return what is wrong at its end, or None."""
    rng = random.Random(seed)
    planted = PLANTS[plant] if plant is not None else None
    meanwhile = family if family in ("upgrade", "hibernation") else ""
    run = Run(opened, rng.choice([Once, Again]), folder / "effects", planted, server, meanwhile=meanwhile)
    asked = operations(rng)
    try:
        for kill in kills(rng, family):
            run.play(_left(run, asked)[: AT_ONCE.get(family, OFTEN)], kill)
    except Wrong as wrong:
        return str(wrong)
    tries = 0
    while left := _left(run, asked):
        run.play(left, Kill("never", 1))
        tries = tries + 1 if len(_left(run, asked)) == len(left) else 0
        if tries == TRIES:
            return f"{len(left)} were never acknowledged; {run.why(left)}"
    return problem(run, asked)


def _left(run: Run, asked: Sequence[Operation]) -> list[Operation]:
    return [each for each in asked if each.number not in run.acknowledged]


def campaign(family: str, share: int = 1) -> Iterator[tuple[str, str | None]]:
    """Kill 1,000 times at points of a family, or the share of that, on SQLite; give each run, and what is wrong."""
    for seed in _seeds(1000 // share):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            yield f"{family}, run {seed}", played(family, seed, lambda: open_sqlite(folder / "killed.db"), folder)  # noqa: B023


def campaign_on_postgres(family: str, share: int = 1) -> Iterator[tuple[str, str | None]]:
    """Do so on a PostgreSQL server of our own; give each run, and what is wrong."""
    server = _server()
    for seed in _seeds(1000 // share):
        with tempfile.TemporaryDirectory() as folder:
            opened = partial(open_postgres, server.conninfo, table=f"{family.replace(' ', '_')}_{seed}")
            yield f"{family}, run {seed}", played(family, seed, opened, Path(folder), server=server)


@cache
def _server() -> Server:
    """Start a server for all ways; it is stopped when this process ends."""
    stack = ExitStack()
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pg"))
    server = stack.enter_context(serving(Path(folder) / "server"))
    atexit.register(stack.close)  # now, and so it comes before what would remove the folder alone
    return server


def _seeds(wanted: int) -> Iterator[int]:
    """Generate seeds until so many deaths have been died; not all kills find the program at work."""
    before = DEATHS.at.total()
    for seed in range(wanted):
        if DEATHS.at.total() - before >= wanted:
            return
        yield seed


def found(plant: str, seeds: int = 20) -> str | None:
    """Return what shows the planted fault in the first of so many runs in which it does, or None."""
    for seed in range(seeds):
        family = ON_SQLITE[seed % len(ON_SQLITE)]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            wrong = played(family, seed, lambda: open_sqlite(folder / "killed.db"), folder, plant=plant)  # noqa: B023
            if wrong is not None:
                return wrong
    return None


ON_SQLITE = tuple(FAMILIES)
ON_POSTGRES = (*FAMILIES, "the server")


if __name__ == "__main__":
    print(found(sys.argv[1]))
