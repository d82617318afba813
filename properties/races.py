"""Planted races: small programs that fail in some orders of tasks, or when something crashes at the wrong moment.

`python -m properties.races` finds them by `explore` and by plain repetition, and writes both into docs/simulating.md.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median

import trio
import trio.testing
from attrs import frozen

from jido_trio import Action, ActionError, Agent, Jido, Signal, Stop
from jido_trio.errors import DuplicateAgent
from jido_trio.storage import Put, open_memory
from jido_trio.testing import (
    Exploration,
    Faults,
    Hang,
    LoseReply,
    PlannedFault,
    Raise,
    Slow,
    TearWrite,
    crash_point,
    explore,
    fault_point,
)

App = Callable[..., Awaitable[object]]
Offered = Sequence[PlannedFault]
CRASHES: Offered = (Raise(),)


@frozen
class Race:
    """A program with a race, or one that looks as if it had one."""

    name: str
    what: str
    app: App
    kills: bool = False
    faults: Offered = CRASHES


RACES: list[Race] = []
CORRECT: list[Race] = []


def race(
    what: str, *, kills: bool = False, faults: Offered = CRASHES, among: list[Race] = RACES
) -> Callable[[App], App]:
    def keep(app: App) -> App:
        among.append(Race(app.__name__.replace("_", " "), what, app, kills, faults))
        return app

    return keep


# ---- agents of the programs


@frozen
class Account:
    balance: int = 10
    holder: str = ""
    seen: tuple[str, ...] = ()


class Set(Action):
    balance: int

    def run(self, context):
        return {"balance": self.balance}


class Add(Action):
    amount: int = 1

    def run(self, context):
        return {"balance": context.state.balance + self.amount}


class Take(Action):
    amount: int = 1

    def run(self, context):
        if context.state.balance < self.amount:
            raise ActionError("not enough")
        return {"balance": context.state.balance - self.amount}


class Hold(Action):
    by: str

    def run(self, context):
        return {"holder": self.by, "seen": (*context.state.seen, self.by)}


class Close(Action):
    def run(self, context):
        return None, [Stop()]


class Bank(Agent[Account], routes={"set": Set, "add": Add, "take": Take, "hold": Hold, "close": Close}): ...


async def together(*tasks: Callable[[], Awaitable[object]]) -> None:
    async with trio.open_nursery() as nursery:
        for task in tasks:
            nursery.start_soon(task)


# ---- races


@race("two read a balance, and write what they make of it")
async def lost_update(jido: Jido) -> None:
    account = await jido.start_agent(Bank)

    async def pay() -> None:
        balance = account.agent.state.balance
        if balance == 10:
            await trio.lowlevel.checkpoint()
        await account.call(Signal("set", {"balance": balance + 5}))

    async def look() -> None:
        await trio.lowlevel.checkpoint()
        await pay()

    await together(pay, look)
    assert account.agent.state.balance == 20


@race("two see the last seat, and both take it")
async def check_then_act(jido: Jido) -> None:
    hall = await jido.start_agent(Bank, state={"balance": 1})

    async def buy(pauses: int) -> None:
        for _ in range(pauses):
            await trio.lowlevel.checkpoint()
        if hall.agent.state.balance:
            await trio.lowlevel.checkpoint()
            await hall.call(Signal("add", {"amount": -1}))

    await together(lambda: buy(0), lambda: buy(1))
    assert hall.agent.state.balance == 0


@race("who sets up and who uses are started at once")
async def used_before_it_was_set_up(jido: Jido) -> None:
    account = await jido.start_agent(Bank)

    async def set_up() -> None:
        await account.call(Signal("set", {"balance": 100}))

    async def use() -> None:
        await account.call(Signal("take", {"amount": 50}))

    await together(set_up, use)


@race("two start the agent of one id, as neither finds it")
async def started_twice(jido: Jido) -> None:
    async def get() -> None:
        if jido.whereis("shared") is None:
            await trio.lowlevel.checkpoint()
            await jido.start_agent(Bank, id="shared")

    async def get_later() -> None:
        await trio.lowlevel.checkpoint()
        await get()

    await together(get, get_later)


@race("a reader sees money that has left one account and not reached the other")
async def seen_half_done(jido: Jido) -> None:
    one, other = await jido.start_agent(Bank), await jido.start_agent(Bank)

    async def transfer() -> None:
        await one.call(Signal("take"))
        await other.call(Signal("add"))

    async def audit() -> None:
        assert one.agent.state.balance + other.agent.state.balance == 20

    await together(audit, transfer)


@race("an event is replaced by a new one while somebody is about to wait for the old")
async def lost_wake_up() -> None:
    events = [trio.Event()]

    async def announce() -> None:
        await trio.lowlevel.checkpoint()
        event, events[0] = events[0], trio.Event()
        event.set()

    async def wait() -> None:
        await trio.lowlevel.checkpoint()
        await events[0].wait()

    await together(wait, announce)


@race("two locks are taken in one order and in the other, if a third task is quick")
async def locks_in_both_orders() -> None:
    one, other = trio.Lock(), trio.Lock()
    swapped = False

    async def swap() -> None:
        nonlocal swapped
        await trio.lowlevel.checkpoint()
        swapped = True

    async def work(first: trio.Lock, second: trio.Lock) -> None:
        await trio.lowlevel.checkpoint()
        if swapped:
            first, second = second, first
        async with first, second:
            await trio.lowlevel.checkpoint()

    await together(lambda: work(one, other), lambda: work(one, other), swap)


@race("four tasks report, and one order of the twenty-four is wrong")
async def one_order_of_many() -> None:
    order: list[str] = []

    async def report(name: str) -> None:
        order.append(name)

    await together(*(lambda name=name: report(name) for name in "abcd"))
    assert order != list("cadb")


@race("a token goes round three times, and each time it must be the last one's turn")
async def three_times_in_a_row() -> None:
    late = 0

    async def watched() -> None:
        nonlocal late
        for round in range(3):
            late += turns[round] == 3
            turns[round] += 1
            await trio.lowlevel.checkpoint()

    async def other() -> None:
        for round in range(3):
            turns[round] += 1
            await trio.lowlevel.checkpoint()

    turns = [0, 0, 0]
    await together(watched, other, other, other)
    assert late < 3


@race("an item is received, and who has it is cancelled before it is handled")
async def item_lost_to_a_cancellation() -> None:
    send, receive = trio.open_memory_channel[int](1)
    send.send_nowait(1)
    scope, handled = trio.CancelScope(), list[int]()

    async def consume() -> None:
        with scope:
            item = await receive.receive()
            await trio.lowlevel.checkpoint()
            handled.append(item)

    async def cancel() -> None:
        await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()
        scope.cancel()

    await together(consume, cancel)
    assert handled or send.statistics().current_buffer_used


@race("two miss the cache, and the older answer stays in it")
async def older_answer_wins() -> None:
    source, cache = [1], dict[str, int]()

    async def fill() -> None:
        value = source[0]
        await trio.lowlevel.checkpoint()
        cache["key"] = value

    async def change() -> None:
        source[0] = 2
        await fill()

    await together(fill, change)
    assert cache["key"] == 2


@race("an agent is closed while another task still sends to it")
async def sent_to_who_has_left(jido: Jido) -> None:
    account = await jido.start_agent(Bank)

    async def send() -> None:
        await trio.lowlevel.checkpoint()
        account.cast_nowait(Signal("add"))

    async def close() -> None:
        await trio.lowlevel.checkpoint()
        await account.call(Signal("close"))

    await together(send, close)
    await trio.sleep(1)
    assert jido.dead_letters() == ()


@race("who asks for the holder in between takes the wrong one for its own")
async def holder_changes_between(jido: Jido) -> None:
    account = await jido.start_agent(Bank)

    async def hold() -> None:
        await account.call(Signal("hold", {"by": "me"}))
        assert account.agent.state.holder == "me"

    async def take_over() -> None:
        await trio.lowlevel.checkpoint()
        await account.call(Signal("hold", {"by": "another"}))

    await together(hold, take_over)


@race("a program crashes between two writes that belong together")
async def half_written() -> None:
    written: list[str] = []
    for name in ("debit", "credit"):
        try:
            written.append(name)
            crash_point(f"after {name}")
        except Exception:  # noqa: BLE001  # it starts again, from what is written
            break
    assert len(written) % 2 == 0


@race("an agent is killed after it has said that it has the money, and begins anew without it", kills=True)
async def acknowledged_and_forgotten(jido: Jido) -> None:
    account = await jido.start_agent(Bank, id="account")
    for _ in range(3):
        await account.call(Signal("add"))
    await trio.sleep(1)
    assert account.agent.state.balance == 13


@race("a call is answered by the life after the one that the caller has looked at", kills=True)
async def another_life_answers(jido: Jido) -> None:
    account = await jido.start_agent(Bank, id="account")
    for _ in range(4):
        before = account.agent.state.balance
        await account.call(Signal("hold", {"by": "me"}))
        await trio.sleep(1)
        assert (await account.call(Signal("add"))).state.balance == before + 1


# ---- programs that only look as if


@race("the agent itself says no", among=CORRECT)
async def the_agent_decides(jido: Jido) -> None:
    hall = await jido.start_agent(Bank, state={"balance": 1})

    async def buy() -> None:
        try:
            await hall.call(Signal("take"))
        except ActionError:
            return

    await together(buy, buy)
    assert hall.agent.state.balance == 0


@race("a lock is held from the look to the write", among=CORRECT)
async def looked_and_written_under_a_lock() -> None:
    lock, total = trio.Lock(), 0

    async def add() -> None:
        nonlocal total
        async with lock:
            before = total
            await trio.lowlevel.checkpoint()
            total = before + 1

    await together(add, add)
    assert total == 2


@race("whoever comes second is told so", among=CORRECT)
async def started_twice_and_told(jido: Jido) -> None:
    async def get() -> None:
        try:
            await jido.start_agent(Bank, id="shared")
        except DuplicateAgent:
            assert jido.whereis("shared") is not None

    await together(get, get)


@race("what crashes is done again from the beginning", among=CORRECT)
async def done_again_after_a_crash() -> None:
    for _ in range(2):
        written: list[str] = []
        try:
            for name in ("debit", "credit"):
                written.append(name)
                crash_point(f"after {name}")
        except Exception:  # noqa: BLE001  # and again
            continue
        break
    assert written == ["debit", "credit"]


@race("a sale whose answer is lost is made again, and was done", faults=[LoseReply()])
async def done_twice() -> None:
    sold: list[str] = []

    async def sell() -> None:
        sold.append("lamp")

    send = Faults().around("sell", sell)
    try:
        await send()
    except Exception:  # noqa: BLE001  # the bug: it tries again, whatever it was
        await send()
    assert sold == ["lamp"]


@race("two write, and one of them takes a write that was torn for none", faults=[TearWrite()])
async def half_a_commit() -> None:
    async with open_memory() as memory:
        store = Faults().storage(memory)

        async def book(name: str) -> None:
            with suppress(Exception):
                await store.commit([Put(f"debit {name}", b"5"), Put(f"credit {name}", b"5")])

        await together(lambda: book("a"), lambda: book("b"))
        kept = [record.key.split()[0] for record in await memory.scan("a", "z")]
        assert kept.count("debit") == kept.count("credit")


@race("a shop that doesn't answer is waited for without end", faults=[Slow(1), Hang()])
async def no_deadline() -> None:
    await fault_point("shop")


@race("an answer that is late comes after the one that was asked for next", faults=[Slow(1)])
async def late_answer() -> None:
    shown: list[str] = []

    async def ask(word: str) -> None:
        await fault_point(f"ask {word}")
        shown.append(word)

    await together(lambda: ask("old"), lambda: ask("new"))
    assert shown[-1] == "new" or len(shown) < 2 or trio.current_time() < 1


@race("who isn't answered in time goes on", faults=[Hang(), Slow(60)], among=CORRECT)
async def answered_or_not() -> None:
    with trio.move_on_after(5):
        await fault_point("shop")


# ---- how often they are found


@frozen
class Found:
    """How a race was found."""

    race: Race
    explored: float
    """In which part of the searches it was found."""
    runs: float
    """How many runs a search took, the median of those that found it."""
    steps: int
    """How many choices the script has that isn't plain."""
    repeated: float
    """In which part of plain runs it came up."""
    exhaustive: bool = False


def repeated(race: Race, runs: int) -> float:
    """Return in which part of plain runs the program fails: Trio's own order, no crashes."""
    return sum(fails(race.app) for _ in range(runs)) / runs


def fails(app: App) -> bool:
    async def main() -> None:
        with trio.fail_after(1e6):  # in virtual time: it is over when nothing can happen any more
            if app.__code__.co_argcount:
                async with Jido(on_report=silent, on_dead_letter=silent) as jido:
                    await app(jido)
            else:
                await app()

    try:
        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    except Exception:  # noqa: BLE001  # whatever the program raises
        return True
    return False


def silent(_: object) -> None: ...


def explored(race: Race, *, runs: int = 1000, seed: int = 0) -> Exploration[object]:
    return explore(race.app, runs=runs, kills=race.kills, faults=race.faults, seed=seed)


def found(race: Race, searches: int, runs: int) -> Found:
    explorations = [explored(race, seed=seed) for seed in range(searches)]
    those = [each for each in explorations if each.found]
    return Found(
        race,
        len(those) / searches,
        median([each.runs for each in those] or [0]),
        min((len(each.script) for each in those), default=0),
        repeated(race, runs),
        all(each.exhaustive for each in explorations),
    )


BEGIN, END = "<!-- races -->", "<!-- /races -->"
PAGE = Path(__file__).parents[1] / "docs" / "simulating.md"


def table(rows: Sequence[Found]) -> str:
    lines = [
        "| program | what is wrong | `explore` finds it | after runs | choices in the script | plain runs that fail |",
        "| --- | --- | --: | --: | --: | --: |",
    ]
    for row in rows:
        if row.race in CORRECT:
            after = "all there are" if row.exhaustive else "1000"
            lines.append(
                f"| {row.race.name} | nothing: {row.race.what} | {row.explored:.0%} | {after} | | {row.repeated:.1%} |"
            )
        else:
            cells = (row.race.name, row.race.what, f"{row.explored:.0%}", f"{row.runs:g}", f"{row.steps}")
            lines.append(f"| {' | '.join(cells)} | {row.repeated:.1%} |")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    logging.disable(logging.CRITICAL)  # what plain runs log of their failures
    searches, runs = (3, 100) if "--quick" in arguments else (20, 1000)
    rows = []
    for each in (*RACES, *CORRECT):
        rows.append(found(each, searches, runs))
        print(table(rows[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
    print(table(rows))
    if "--write" in arguments:
        text = PAGE.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        _, after = rest.split(END)
        PAGE.write_text(f"{before}{BEGIN}\n\n{table(rows)}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
