"""Real load: a program under it, and in this process an account of it that knows nothing of ledgers and mailboxes.

The program says of each message that it is sent, what its sender was told, and that an agent has handled it. Of that
this process makes out what became of each message, and holds it against the ledgers when the program has ended: nothing
is lost, doubled or left waiting, and the sums agree. It watches the memory of the program from outside, too.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Timer
from typing import Any

from attrs import define, field, frozen

from properties.campaigns import _soak_agents as program

MINUTES, SIGNALS, AGENTS = 10.0, 1_000_000, 10_000
PATIENCE = 120
"""So many seconds after its time a program that still runs is killed: it hangs."""

ROOT = Path(__file__).parents[2]
_PAGE = os.sysconf("SC_PAGE_SIZE")

_SENT, _HANDLED, _ANSWERED, _TOLD, _REFUSED, _LETTER, _UNSENT, _CUT = (1 << bit for bit in range(8))
_TWICE = 1 << 8

ENDS: Mapping[int, str] = {
    _SENT | _HANDLED: "handled",
    _SENT | _HANDLED | _ANSWERED: "handled and answered",
    _SENT | _TOLD: "its caller was told",
    _SENT | _REFUSED: "refused",
    _SENT | _LETTER: "a dead letter",
    _SENT | _UNSENT: "never sent, and told of",
    _SENT | _CUT: "cut short, and told of",
    _SENT | _CUT | _HANDLED: "cut short, and handled",
}
"""What may have been told of a message in the end."""

SILENT = {program.DROPPABLE, program.SCHEDULED, program.RULED, program.JOB}
"""Kinds of messages of which nothing more may be told than that they were sent."""


@define
class Account:
    """What was told of each message, by kind and number."""

    _told: list[array[int]] = field(factory=lambda: [array("H") for _ in range(program.KINDS)])
    words: int = 0

    def note(self, words: Sequence[int]) -> None:
        """Take note of what was told."""
        self.words += len(words)
        for word in words:
            table, number, bit = self._told[word >> 4 & 15], word >> 8, 1 << (word & 15)
            if number >= len(table):
                table.frombytes(bytes(2 * max(1 << 16, number - len(table) + 1)))
            table[number] |= bit if not table[number] & bit else _TWICE

    @property
    def ends(self) -> Counter[tuple[int, int]]:
        """How many messages there are of each kind and of each that was told of them."""
        found = Counter[tuple[int, int]]()
        for kind, table in enumerate(self._told):
            found.update({(kind, bits): times for bits, times in Counter(table).items() if bits})
        return found


@frozen
class Soaked:
    """What was seen of a run."""

    ends: Counter[tuple[int, int]]
    told: Mapping[str, Any]
    """What the program says in the end: its ledgers, and what was done to its agents."""
    memory: Sequence[int]
    """Bytes that the program had, from second to second."""
    seconds: float
    errors: str = ""

    def count(self, bit: int, *kinds: int) -> int:
        """Return of how many messages of those kinds that was told."""
        return sum(times for (kind, bits), times in self.ends.items() if kind in kinds and bits & bit)

    def quiet(self, kind: int) -> int:
        """Return of how many messages of that kind nothing was told but that they were sent."""
        return self.ends[kind, _SENT]

    @property
    def sent(self) -> int:
        """How many messages there were."""
        return sum(times for (_, bits), times in self.ends.items() if bits & _SENT)


def soaked(seconds: float, signals: int, agents: int, *, seed: int = 0, plant: str | None = None) -> Soaked:
    """Run the program, and return what was seen of it."""
    arguments = [str(each) for each in (seconds, signals, agents, seed, *([plant] if plant else []))]
    account, left, memory, began = Account(), b"", [], time.monotonic()
    due, ended = began + 1, False
    with subprocess.Popen(
        [sys.executable, "-m", "properties.campaigns._soak_program", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        bufsize=0,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        hangs = Timer(seconds + PATIENCE, process.kill)
        hangs.start()
        while chunk := process.stdout.read(1 << 18):
            left += chunk
            if not ended:
                words = array("Q", left[: len(left) // 8 * 8])
                ended = program.END in words
                if ended:
                    at = words.index(program.END)
                    words, left = words[:at], left[8 * at + 8 :]
                else:
                    left = left[len(words) * 8 :]
                account.note(words)
            if time.monotonic() >= due:
                memory.append(_bytes_of(process.pid))
                due += 1
        hangs.cancel()
        errors = process.stderr.read().decode()
    told = json.loads(left) if ended else {}
    return Soaked(account.ends, told, memory, time.monotonic() - began, errors)


def _bytes_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def laws(run: Soaked) -> Iterator[tuple[str, str | None]]:
    """Give each law, and what is against it."""
    if not run.told:
        yield "the program came to its end", run.errors or f"it was killed after {run.seconds:.0f} s"
        return
    yield "each message has one fate", _without_one_fate(run)
    ledgers = run.told["ledgers"]
    waiting = {name: each["waiting"] for name, each in ledgers.items() if each["waiting"]}
    yield "nothing is left waiting", f"{waiting}" if waiting else None
    yield "the ledgers were balanced whenever one looked", "; ".join(run.told["done"]["wrong"]) or None
    for name, kinds in PLACES.items():
        yield f"the ledger of {name} agrees", "; ".join(_disagreements(run, ledgers[name], kinds)) or None
    yield "memory is flat", growth(run.memory)


PLACES: Mapping[str, Sequence[int]] = {
    "main": (program.STRICT, program.DROPPABLE, program.SCHEDULED),
    "ruled": (program.RULED,),
    "workers": (program.WORK, program.JOB),
}
"""Which kinds of messages each ledger is about."""


def _without_one_fate(run: Soaked) -> str | None:
    wrong = [
        f"{times} of kind {kind}: {_names(bits)}"
        for (kind, bits), times in sorted(run.ends.items())
        if bits not in ENDS and not (bits == _SENT and kind in SILENT)
    ]
    return "; ".join(wrong) or None


def _names(bits: int) -> str:
    names = ("sent", "handled", "answered", "told", "refused", "dead letter", "never sent", "cut short", "TWICE")
    return ", ".join(name for at, name in enumerate(names) if bits >> at & 1)


def _disagreements(run: Soaked, ledger: Mapping[str, int], kinds: Sequence[int]) -> Iterator[str]:
    fates = sum(ledger[name] for name in ledger if name not in ("accepted", "waiting"))
    told = run.count(_TOLD, *kinds)
    least = sum(run.quiet(kind) for kind in kinds if kind in (program.DROPPABLE, program.RULED))
    most = least + (told if program.RULED in kinds else 0)  # callers of what was dropped are told
    if program.JOB in kinds:  # the outcome of one that was interrupted, and the news of that
        most += 2 * run.quiet(program.JOB)
    bounds = {
        "accepted": (fates, fates),
        "handled": (run.count(_HANDLED, *kinds),) * 2,
        "dead_lettered": (run.count(_LETTER, *kinds),) * 2,
        "dropped": (least, most),
    }
    for name, (low, high) in bounds.items():
        if not low <= ledger[name] <= high:
            yield f"{name} is {ledger[name]}, and {low} to {high} were counted"
    errors = ledger["failed"] + ledger["expired"] + ledger["withdrawn"]
    if errors > told:
        yield f"{errors} callers were told, and {told} were counted"


def growth(memory: Sequence[int]) -> str | None:
    """Return by how much memory has grown after it should be full, or None if it is flat; of few samples, None."""
    warm = memory[len(memory) // 3 :]
    if len(warm) < 10:
        return None
    fifth = max(3, len(warm) // 5)
    first, last = statistics.median(warm[:fifth]), statistics.median(warm[-fifth:])
    if last <= first * 1.05 + 4e6:
        return None
    return f"it grew from {first / 1e6:.0f} to {last / 1e6:.0f} MB"


def figures(run: Soaked) -> Iterator[str]:
    """Give what was done, in lines."""
    done = run.told["done"]
    yield f"{run.sent:,} signals in {run.seconds:.0f} s, {run.sent / run.seconds:,.0f} a second"
    fates = Counter[str]()
    for (_, bits), times in run.ends.items():
        fates[ENDS.get(bits, "dropped, cancelled or interrupted")] += times
    yield "; ".join(f"{name}: {times:,}" for name, times in fates.most_common())
    yield (
        f"{done['crashes']:,} crashes, {done['kills']:,} kills, {done['stops']:,} stops and starts, "
        f"{done['floods']:,} floods, {done['loops']:,} crash loops, {done['cancelled']:,} cancelled senders; "
        f"told to senders: {', '.join(f'{name} {times:,}' for name, times in sorted(done['errors'].items()))}"
    )
    if run.memory:
        warm = run.memory[len(run.memory) // 3 :]
        yield f"memory after warm-up: {min(warm) / 1e6:.0f} to {max(warm) / 1e6:.0f} MB"


def campaign(minutes: float = MINUTES, signals: int = SIGNALS) -> Iterator[tuple[str, str | None]]:
    """Soak the program for so many minutes, or until there were so many signals; give each law, and what is wrong."""
    run = soaked(minutes * 60, signals, AGENTS)
    if run.told:
        print(*figures(run), sep="\n", flush=True)
    yield from laws(run)
