"""The known programs of the actor field, on the public API of agents.

Skynet is Alexander Temerev's; ping-pong, thread ring, fork-join, counting, big and concurrent dictionary are those of
Savina (Imam and Sarkar, 2014). Each program ends with a signal to nobody, which `on_dead_letter` gets. Its data
is the answer, and the answer is checked. Times are microseconds for each message, or for each actor made.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio
from attrs import AttrsInstance, frozen

from benchmarks._bare_field import KEYS, RING, WORKERS, parts
from jido_trio import (
    Action,
    Agent,
    Context,
    DeadLetter,
    Emit,
    Jido,
    Result,
    Route,
    Signal,
    SpawnAgent,
    Stop,
    ToAgent,
    ToParent,
)
from jido_trio.bench._stopwatch import Stopwatch
from jido_trio.core import Direct
from jido_trio.core._strategy import Subject
from jido_trio.world import current

A = TypeVar("A", bound=Subject)


def _finish(answer: int) -> Emit:
    return Emit("finished", {"answer": answer}, dispatch=ToAgent("nobody"))


def _run(program: Callable[[Jido], Awaitable[None]], *, parts: int, answer: int) -> list[float]:
    """Time `program` until somebody finishes, for each of its `parts`."""
    watch = Stopwatch()
    answers: list[object] = []

    async def main() -> None:
        finished = trio.Event()

        def hear(letter: DeadLetter) -> None:
            answers.append(letter.signal.data["answer"])
            finished.set()

        async with Jido(max_restarts=0, mailbox_size=1_000_000, on_dead_letter=hear) as jido:
            watch.start()
            await program(jido)
            await finished.wait()
            watch.split(parts)

    trio.run(main)
    if answers != [answer]:
        raise AssertionError(f"{program} should answer {answer}, and answered {answers}")
    return watch.laps


# Skynet: an actor makes ten, each of which makes ten, and so on; the leaves send their numbers up, sums come back.


@frozen
class NodeState:
    first: int = 0
    leaves: int = 1
    waiting: int = 0
    total: int = 0


class Grow(Action):
    def run(self, context: Context[NodeState]) -> Result:
        state = context.state
        if state.leaves == 1:
            return _tell(context.agent.id, state.first)
        children = parts(state.first, state.leaves)
        spawn = [
            SpawnAgent(Node, tag=str(first), state=NodeState(first=first, leaves=leaves)) for first, leaves in children
        ]
        return {"waiting": len(children)}, spawn


class Add(Action):
    number: int

    def run(self, context: Context[NodeState]) -> Result:
        state = context.state
        total, waiting = state.total + self.number, state.waiting - 1
        return {"total": total, "waiting": waiting}, _tell(context.agent.id, total) if waiting == 0 else []


def _tell(id: str, total: int) -> list[AttrsInstance]:
    told = _finish(total) if id == "root" else Emit("add", {"number": total}, dispatch=ToParent())
    return [told, Stop()]


class Growing(Direct):
    def init(self, agent: A) -> tuple[A, tuple[AttrsInstance, ...]]:
        return agent, (Emit("grow"),)


class Node(Agent[NodeState], routes={"grow": Grow, "add": Add}, strategy=Growing()): ...


def skynet(leaves: int) -> list[float]:
    """The sum over so many leaves; for each leaf."""

    async def program(jido: Jido) -> None:
        await jido.start_agent(Node, id="root", state=NodeState(leaves=leaves))

    return _run(program, parts=leaves, answer=leaves * (leaves - 1) // 2)


# Ping-pong, and a ring: a ball is passed on until it has been passed on often enough.


@frozen
class PlayerState:
    next: str = ""


class Pass(Action):
    left: int

    def run(self, context: Context[PlayerState]) -> Result:
        if self.left == 0:
            return _finish(0)
        return Emit("ball", {"left": self.left - 1}, dispatch=ToAgent(context.state.next))


class Player(Agent[PlayerState], routes={"ball": Pass}): ...


def ping_pong(messages: int) -> list[float]:
    """Two agents; for each message."""
    return _ring(messages, 2)


def thread_ring(messages: int) -> list[float]:
    """503 agents in a ring; for each message."""
    return _ring(messages, RING)


def _ring(messages: int, players: int) -> list[float]:
    watch = Stopwatch()

    async def main() -> None:
        finished = trio.Event()
        async with Jido(on_dead_letter=lambda _: finished.set()) as jido:
            for number in range(players):
                await jido.start_agent(Player, id=str(number), state={"next": str((number + 1) % players)})
            first = jido.list_agents()[0]
            watch.start()
            first.cast_nowait(Signal("ball", {"left": messages}, source="/benchmarks"))
            await finished.wait()
            watch.split(messages)

    trio.run(main)
    return watch.laps


# Fork-join: many actors are made, each does a little, and somebody counts them in.


@frozen
class Count:
    count: int = 0
    expected: int = 0


class Join(Action):
    def run(self, context: Context[Count]) -> Result:
        count = context.state.count + 1
        return {"count": count}, [_finish(count)] if count == context.state.expected else []


class Work(Action):
    def run(self, context: Context[None]) -> Result:
        return Emit("join", dispatch=ToAgent("joining"))


class Joining(Agent[Count], routes={"join": Join}): ...


class Forked(Agent, routes={"work": Work}): ...


def fork_join(actors: int) -> list[float]:
    """Made, sent a message, counted; for each actor."""

    async def program(jido: Jido) -> None:
        await jido.start_agent(Joining, id="joining", state={"expected": actors})
        for _ in range(actors):
            forked = await jido.start_agent(Forked)
            forked.cast_nowait(Signal("work", source="/benchmarks"))

    return _run(program, parts=actors, answer=actors)


# Counting: one actor tells another to count, again and again, then asks for the number.


class Produce(Action):
    left: int

    def run(self, context: Context[None]) -> Result:
        batch = min(self.left, 100)
        counts = [Emit("count", dispatch=ToAgent("counting"))] * batch
        last = Emit("produce", {"left": self.left - batch}) if self.left > batch else Emit("ask", dispatch=COUNTING)
        return [*counts, last]


class CountOne(Action):
    def run(self, context: Context[Count]) -> Result:
        return {"count": context.state.count + 1}


class Ask(Action):
    def run(self, context: Context[Count]) -> Result:
        return _finish(context.state.count)


COUNTING = ToAgent("counting")


class Producing(Agent, routes={"produce": Produce}): ...


class Counting(Agent[Count], routes={"count": CountOne, "ask": Ask}): ...


def counting(messages: int) -> list[float]:
    """From agent to agent, a hundred in a go; for each message."""

    async def program(jido: Jido) -> None:
        await jido.start_agent(Counting, id="counting")
        producing = await jido.start_agent(Producing)
        producing.cast_nowait(Signal("produce", {"left": messages}, source="/benchmarks"))

    return _run(program, parts=messages, answer=messages)


# Big: everybody sends to everybody, each with one message under way.


@frozen
class Left:
    left: int = 0


class Ping(Action):
    sender: str

    def run(self, context: Context[Left]) -> Result:
        return Emit("pong", dispatch=ToAgent(self.sender))


class Pong(Action):
    def run(self, context: Context[Left]) -> Result:
        left = context.state.left
        if left == 0:
            return Emit("join", dispatch=ToAgent("joining"))
        other = str(current().random.randrange(WORKERS))
        return {"left": left - 1}, Emit("ping", {"sender": context.agent.id}, dispatch=ToAgent(other))


class Talker(Agent[Left], routes=[Route("ping", Ping), Route("pong", Pong)]): ...


def big(messages: int) -> list[float]:
    """A hundred agents, pings to random ones and their pongs; for each message."""
    each = max(1, messages // WORKERS // 2)

    async def program(jido: Jido) -> None:
        await jido.start_agent(Joining, id="joining", state={"expected": WORKERS})
        talkers = [await jido.start_agent(Talker, id=str(number), state={"left": each}) for number in range(WORKERS)]
        for talker in talkers:
            talker.cast_nowait(Signal("pong", source="/benchmarks"))

    return _run(program, parts=2 * each * WORKERS, answer=WORKERS)


# Concurrent dictionary: many ask one actor that keeps a dictionary; each tenth request writes.


@frozen
class Shelf:
    values: dict[str, int]


class Read(Action):
    sender: str
    key: str

    def run(self, context: Context[Shelf]) -> Result:
        return Emit("answer", {"value": context.state.values[self.key]}, dispatch=ToAgent(self.sender))


class Write(Action):
    sender: str
    key: str
    value: int

    def run(self, context: Context[Shelf]) -> Result:
        answer = Emit("answer", {"value": self.value}, dispatch=ToAgent(self.sender))
        return {"values": {self.key: self.value}}, answer


class Answered(Action):
    value: int

    def run(self, context: Context[Left]) -> Result:
        left = context.state.left
        if left == 0:
            return Emit("join", dispatch=ToAgent("joining"))
        key, sender = str((left * 7919) % KEYS), context.agent.id
        request = {"sender": sender, "key": key}
        kind, data = ("write", {**request, "value": left}) if left % 10 == 0 else ("read", request)
        return {"left": left - 1}, Emit(kind, data, dispatch=SHELF)


SHELF = ToAgent("shelf")


class Shelving(Agent[Shelf], routes={"read": Read, "write": Write}): ...


class Reader(Agent[Left], routes={"answer": Answered}): ...


def dictionary(requests: int) -> list[float]:
    """A hundred agents ask one that keeps a thousand keys; for each request, answered."""
    each = max(1, requests // WORKERS)

    async def program(jido: Jido) -> None:
        await jido.start_agent(Joining, id="joining", state={"expected": WORKERS})
        await jido.start_agent(Shelving, id="shelf", state={"values": {str(key): 0 for key in range(KEYS)}})
        readers = [await jido.start_agent(Reader, state={"left": each}) for _ in range(WORKERS)]
        for reader in readers:
            reader.cast_nowait(Signal("answer", {"value": 0}, source="/benchmarks"))

    return _run(program, parts=each * WORKERS, answer=WORKERS)
