"""The report: what a run of the demo came to, as a value, as text and as JSON. Pure.

The JSON document has these keys; times are seconds, paths are as they were found:

    version       1; a change that could break a reader raises it
    input         the folder
    seconds       from the first agent's start to the last document
    interrupted   whether it was ended by Ctrl-C
    gave_up       what the supervisor said when it gave up restarting, or null
    ok            whether nothing is lost and no untouched worker was restarted
    documents     {found, done, refused, unfinished, lost}; unfinished only after Ctrl-C, lost never
    done          [{path, worker, careful, largest, facts}]; facts: see `_facts.Facts`
    refused       [{path, worker, reason}]
    unfinished    [path]
    lost          [path]
    totals        {characters, words, sentences, kinds, top_words} of all that is done
    workers       [{worker, incarnation, restarts, crashes, kills, untouched}]
    restarts      {n, median, p99, seconds}; from the crash report to the first line of the next life; null if n is 0
    messages      {accepted, handled, failed, dead_lettered, expired, withdrawn, dropped, waiting}: as `Jido.ledger`
    chaos         {every, seed, kills}, or null
    store         {path, starts, before}: the file that the run is kept in, how many processes have worked on it, and
                  how many documents those before had settled; or null. Seconds, workers, restarts and messages are
                  of the last process
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from pathlib import PurePath
from statistics import median

from attrs import asdict, field, frozen

from jido_trio.demo._facts import Totals, add
from jido_trio.demo._work import Settled
from jido_trio.redact import said

SHOWN = 40
"""So many refused documents are listed in the text; the JSON has all."""


@frozen
class Chaos:
    """The chaos that was asked for."""

    every: float
    """Seconds between two kills, on average."""
    seed: int


@frozen
class Crash:
    """A life of an agent ended by a crash."""

    agent: str
    incarnation: int
    at: float
    """When its supervisor learnt of it."""
    error: str
    killed: bool
    """Whether chaos did it."""


@frozen
class Began:
    """A life of an agent carried out its first directive."""

    agent: str
    at: float


@frozen
class Store:
    """The file that a run is kept in."""

    path: str
    starts: int
    """So many processes have worked on it, this one too."""
    before: int
    """So many documents were settled by those before."""


@frozen
class Run:
    """The records of a run."""

    input: str
    documents: tuple[str, ...]
    settled: tuple[Settled, ...] = ()
    crashes: tuple[Crash, ...] = ()
    began: tuple[Began, ...] = ()
    incarnations: Mapping[str, int] = field(factory=dict)
    """Of each worker, as the supervision tree had it at the end."""
    seconds: float = 0
    interrupted: bool = False
    gave_up: str = ""
    """What the supervisor said when it gave up."""
    chaos: Chaos | None = None
    messages: Mapping[str, int] = field(factory=dict)
    """What became of all messages, as the instance's ledger had it after the end."""
    store: Store | None = None

    @property
    def unfinished(self) -> bool:
        """Whether what is missing isn't lost: it was ended by Ctrl-C, or can go on."""
        return self.interrupted or (self.store is not None and bool(self.gave_up))


@frozen
class WorkerRow:
    """What happened to one worker."""

    worker: str
    incarnation: int
    crashes: int
    """By bugs."""
    kills: int
    """By chaos."""

    @property
    def restarts(self) -> int:
        """How often it was started again."""
        return self.incarnation - 1

    @property
    def untouched(self) -> bool:
        """Whether nothing happened to it."""
        return not self.crashes and not self.kills

    @property
    def accounted_for(self) -> bool:
        """Whether it was restarted for what happened to it, and for nothing else."""
        return self.incarnation == 1 + self.crashes + self.kills


@frozen
class Report:
    """What a run came to."""

    run: Run
    done: tuple[Settled, ...]
    refused: tuple[Settled, ...]
    missing: tuple[str, ...]
    """Documents neither done nor refused: unfinished after Ctrl-C and where a store has them, lost otherwise."""
    workers: tuple[WorkerRow, ...]
    latencies: tuple[float, ...]
    """Of each restart, from the crash report to the first line of the next life, in seconds."""
    totals: Totals

    @property
    def lost(self) -> tuple[str, ...]:
        """Documents that should be done or refused, and aren't."""
        return () if self.run.unfinished else self.missing

    @property
    def ok(self) -> bool:
        """Whether nothing is lost, and no worker was restarted that nothing had happened to."""
        return not self.lost and not self.run.gave_up and all(row.accounted_for for row in self.workers)


def report_of(run: Run) -> Report:
    """Return what the records of a run come to. A document that was settled twice counts once."""
    settled: dict[str, Settled] = {}
    for entry in run.settled:
        settled.setdefault(entry.path, entry)
    ordered = [settled[path] for path in run.documents if path in settled]
    done = tuple(entry for entry in ordered if not entry.refused)
    return Report(
        run=run,
        done=done,
        refused=tuple(entry for entry in ordered if entry.refused),
        missing=tuple(path for path in run.documents if path not in settled),
        workers=tuple(_row(run, worker) for worker in run.incarnations),
        latencies=tuple(_latencies(run)),
        totals=reduce(add, (entry.facts for entry in done if entry.facts is not None), Totals()),
    )


def _row(run: Run, worker: str) -> WorkerRow:
    # Of a life that is not over yet, as its last task is still to end, the crash doesn't count yet.
    incarnation = run.incarnations[worker]
    own = [crash.killed for crash in run.crashes if crash.agent == worker and crash.incarnation < incarnation]
    return WorkerRow(worker, incarnation, own.count(False), own.count(True))


def _latencies(run: Run) -> Iterator[float]:
    lives: dict[str, list[float]] = {}
    for began in run.began:
        lives.setdefault(began.agent, []).append(began.at)
    for crash in run.crashes:
        own = lives.get(crash.agent, [])
        if len(own) > crash.incarnation:  # lives count from 1, so this is the one after the crash
            yield own[crash.incarnation] - crash.at


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest of `values` that at least so many percent of them don't exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


# JSON --------------------------------------------------------------------------------------------------------------


def as_json(report: Report) -> str:
    """Return the report as one JSON document, as told at the top of this module."""
    return json.dumps(_document(report), indent=2)


def _document(report: Report) -> dict[str, object]:
    run, latencies, totals = report.run, report.latencies, report.totals
    unfinished = report.missing if run.unfinished else ()
    return {
        "version": 1,
        "input": run.input,
        "seconds": run.seconds,
        "interrupted": run.interrupted,
        "gave_up": run.gave_up or None,
        "ok": report.ok,
        "documents": {
            "found": len(run.documents),
            "done": len(report.done),
            "refused": len(report.refused),
            "unfinished": len(unfinished),
            "lost": len(report.lost),
        },
        "done": [_done(entry) for entry in report.done],
        "refused": [{"path": one.path, "worker": one.worker, "reason": one.refused} for one in report.refused],
        "unfinished": list(unfinished),
        "lost": list(report.lost),
        "totals": {
            "characters": totals.characters,
            "words": totals.words,
            "sentences": totals.sentences,
            "kinds": dict(totals.kinds),
            "top_words": totals.top_words,
        },
        "workers": [asdict(row) | {"restarts": row.restarts, "untouched": row.untouched} for row in report.workers],
        "restarts": {
            "n": len(latencies),
            "median": median(latencies) if latencies else None,
            "p99": percentile(latencies, 99) if latencies else None,
            "seconds": list(latencies),
        },
        "messages": dict(run.messages),
        "chaos": asdict(run.chaos) | {"kills": sum(row.kills for row in report.workers)} if run.chaos else None,
        "store": asdict(run.store) if run.store else None,
    }


def _done(entry: Settled) -> dict[str, object]:
    facts = asdict(entry.facts) if entry.facts is not None else None
    return {
        "path": entry.path,
        "worker": entry.worker,
        "careful": entry.careful,
        "largest": list(entry.largest),
        "facts": facts,
    }


# Text --------------------------------------------------------------------------------------------------------------


def as_text(report: Report, *, refusals: bool = True) -> str:
    """Return the report for people; without the refusals where they have been told already."""
    refused = _refused_text if refusals else _refused_before
    parts = (_headline, _done_text, refused, _missing_text, _workers_text, _messages_text, _restarts_text)
    return "\n\n".join("\n".join(lines) for part in parts if (lines := list(part(report))))


def short(path: str, folder: str) -> str:
    """Return a path as it is shown: without the folder, and on one line whatever its name is made of."""
    inside = PurePath(path)
    return said(str(inside.relative_to(folder) if inside.is_relative_to(folder) else inside))


def plural(count: int, noun: str) -> str:
    """Return the count with its noun, in the number it asks for."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}es" if noun.endswith("sh") else f"{count} {noun}s"


def _headline(report: Report) -> Iterator[str]:
    run = report.run
    rest = f"{len(report.missing)} unfinished" if run.unfinished else f"{len(report.lost)} lost"
    yield (
        f"{plural(len(run.documents), 'document')} in {run.seconds:.2f} s: {len(report.done)} done, "
        f"{len(report.refused)} refused, {rest}{' (interrupted)' if run.interrupted else ''}"
    )
    if run.store is not None:
        yield _store_line(run.store, unfinished=run.unfinished)


def _store_line(store: Store, *, unfinished: bool) -> str:
    went_on = f"start {store.starts}, which found {plural(store.before, 'document')} settled"
    begun = "the first start" if store.starts == 1 else went_on
    return f"Kept in {said(store.path)}: {begun}{'; start it again to go on' if unfinished else ''}"


def _done_text(report: Report) -> Iterator[str]:
    totals = report.totals
    if not report.done:
        return
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(totals.kinds.items(), key=lambda kind: -kind[1]))
    yield f"Done: {kinds}; {totals.words} words in {totals.sentences} sentences"
    yield f"  frequent words: {', '.join(word for word, _ in totals.top_words)}"
    for entry in report.done:
        if entry.careful:
            yield f"  crashed a worker, then done with care: {short(entry.path, report.run.input)}"


def _refused_text(report: Report) -> Iterator[str]:
    if not report.refused:
        return
    yield "Refused:"
    shown = [(short(entry.path, report.run.input), said(entry.refused)) for entry in report.refused[:SHOWN]]
    width = min(40, max(len(path) for path, _ in shown))
    yield from (f"  {path:<{width}}  {reason}" for path, reason in shown)
    if len(report.refused) > SHOWN:
        yield f"  ... and {len(report.refused) - SHOWN} more; --json lists all"


def _refused_before(report: Report) -> Iterator[str]:
    if report.refused:
        yield f"Refused: {len(report.refused)}, each told above with its reason"


def _missing_text(report: Report) -> Iterator[str]:
    if report.run.gave_up:
        yield f"GAVE UP: {said(report.run.gave_up)}"
    if report.lost:
        yield "LOST, neither done nor refused:"
        yield from (f"  {short(path, report.run.input)}" for path in report.lost[:SHOWN])


def _workers_text(report: Report) -> Iterator[str]:
    yield "Workers:"
    for row in report.workers:
        why = f"{plural(row.crashes, 'crash')}, {plural(row.kills, 'kill')}"
        note = "untouched" if row.untouched else why
        wrong = "" if row.accounted_for else f"  WRONG: {plural(row.restarts, 'restart')}"
        yield f"  {row.worker:<10} incarnation {row.incarnation:<4} {note}{wrong}"
    if all(row.accounted_for for row in report.workers):
        yield "  Each incarnation is 1 + the worker's own crashes and kills: none was restarted for another's."
    else:
        yield "  A worker was restarted for what was not its own crash."


def _messages_text(report: Report) -> Iterator[str]:
    fates = dict(report.run.messages)
    if fates:
        accepted = fates.pop("accepted")
        each = ", ".join(f"{count} {fate.replace('_', '-')}" for fate, count in fates.items() if count)
        yield f"Messages: {accepted} accepted, each with one fate: {each or 'none'}"


def _restarts_text(report: Report) -> Iterator[str]:
    n = len(report.latencies)
    if not n:
        yield "Restarts: none, so there is nothing to measure"
        return
    middle, late = median(report.latencies) * 1000, percentile(report.latencies, 99) * 1000
    yield f"Restarts: crash to first line of the next life: median {middle:.2f} ms, p99 {late:.2f} ms (n={n})"
