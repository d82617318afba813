"""Explore: run a program again and again, with other choices each time, until one run goes wrong.

A run is a tape of numbers, one for each choice; 0 is the plain one, and what comes after the end of a tape is plain.
Tapes are gone through in two ways, in turn. One goes by how many choices aren't plain: first none, then all tapes with
one, then with two, ... Each run is met once, so when nothing is left, all runs there are have been tried. The other
draws tapes by chance, as deep races need many choices that aren't plain.

A tape that fails is made smaller, as Hypothesis does it: choices are made plain, left out, or made less odd, as long as
the program fails in the same way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from attrs import define, evolve, field, frozen

from jido_trio import checks
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown
from jido_trio.testing._choices import Choices, Dice, Kind, by_chance, by_tape
from jido_trio.testing._fault_kinds import CRASHES, Offered, checked_offer
from jido_trio.testing._simulation import App, Simulation, run_app, told_error
from jido_trio.world import seeded

T = TypeVar("T")
Tape: TypeAlias = tuple[int, ...]

MOST_WAITING = 100_000
"""So many tapes are remembered to be tried; of more, it is not said that all were."""
SHRINKS = 500
"""So many runs are made to find a smaller tape, at most."""


class LedgerUnbalanced(AssertionError):
    """A message of an instance has no fate, or two."""


@frozen
class Exploration(Generic[T]):
    """What came of exploring a program."""

    runs: int
    """How many times the program was run, until it failed or all was tried."""
    exhaustive: bool
    """Whether each run that there can be was made: no other order of tasks and no other fault can fail."""
    failure: Simulation[T] | None
    """The smallest run that fails, if one does."""
    not_fixed: tuple[str, ...]
    """What another run may do otherwise; see `Simulation.not_fixed`."""
    shrinks: int = 0
    """How many runs it took to make the failing one small."""
    kills: bool = False
    """Whether agents were killed."""
    seed: int = 0
    """What ids and random numbers followed from."""
    faults: Offered = CRASHES
    """What could go wrong at named points."""

    @property
    def found(self) -> bool:
        """Whether a run failed."""
        return self.failure is not None

    @property
    def script(self) -> Mapping[int, str]:
        """For `simulate`, with `kills`, `faults` and `seed` as here, which fails then; empty if nothing failed."""
        return self.failure.script if self.failure is not None else {}

    def told(self) -> str:
        """Return what was found, in words, with the line that does it again."""
        if self.failure is None:
            how = "all there are" if self.exhaustive else "not all there are"
            return f"no failure in {self.runs} runs, {how}"
        why = told_error(self.failure.error) if self.failure.error is not None else ""
        return f"{why}\n{self.failure.told()}\nagain: simulate(app, {self._arguments()}).result()"

    def _arguments(self) -> str:
        seed = f", seed={self.seed}" if self.seed else ""
        faults = f", faults={_as_code(self.faults)}" if self.faults != CRASHES else ""
        return f"script={dict(self.script)!r}" + (", kills=True" if self.kills else "") + faults + seed

    def hold(self) -> None:
        """Raise what the failing run raised, with the script as a note; nothing if none failed."""
        error = self.failure.error if self.failure is not None else None
        if error is not None:
            error.add_note(f"found in {self.runs} runs, and made small:\n{self.told()}")
            raise error


def explore(
    app: App[T],
    *,
    runs: int = 1000,
    crashes: int = 1,
    kills: bool = False,
    faults: Offered = CRASHES,
    check: Callable[[Simulation[T]], object] | None = None,
    seed: int = 0,
) -> Exploration[T]:
    """Run `app` with other orders of tasks, faults at named points, until one fails, all were made, or it was enough.

    A run fails when the app raises, when it can't end, when the ledger of an instance isn't balanced, or when `check`
    raises an exception.

    Args:
        app: An async function of a `Jido`, or of nothing; see `simulate`. It must begin alike each time.
        runs: How many runs are enough.
        crashes: So many crashes and other faults in a run, at most: at named points, and of agents if `kills`.
        kills: Whether agents are killed: any one, whenever it has handled a signal.
        faults: What may go wrong at named points, the plainest first: a list for all of them, each where it can happen;
            or lists by their names, for these alone.
        check: Given what came of each run in which the app did not raise.
        seed: What ids and random numbers follow from, the same in all runs, and which tapes are drawn.

    Raises:
        InvalidDefinition: An argument is wrong, or `faults` names a point that no run came to.
        RuntimeError: It was called inside of a Trio run.
    """
    checks.whole("explore", "runs", runs, least=1)
    checks.whole("explore", "crashes", crashes, least=0)
    explorer = _Explorer(app, crashes, kills, checked_offer(faults), check, seed)
    done = 0
    for plan in explorer.plans(runs):
        done += 1
        simulation = explorer.run(plan)
        if simulation.error is not None:
            smallest, shrinks = explorer.shrunk(_tape(simulation), _kind(simulation))
            return Exploration(
                done,
                exhaustive=False,
                failure=smallest,
                not_fixed=smallest.not_fixed,
                shrinks=shrinks,
                kills=kills,
                seed=seed,
                faults=faults,
            )
    explorer.check_points()
    return Exploration(done, explorer.exhausted, None, tuple(explorer.not_fixed), kills=kills, seed=seed, faults=faults)


Plan: TypeAlias = Callable[[int, Kind, tuple[str, ...]], int]


@define(eq=False)
class _Explorer:
    """Runs one program in many ways."""

    _app: App[Any]
    _crashes: int
    _kills: bool
    _faults: Offered
    _check: Callable[[Simulation[Any]], object] | None
    _seed: int
    not_fixed: dict[str, None] = field(factory=dict)
    _points: dict[str, None] = field(factory=dict)
    _waiting: deque[Tape] = field(factory=lambda: deque([()]))
    _dropped: bool = False

    @property
    def exhausted(self) -> bool:
        """Whether all runs were made."""
        return not self._waiting and not self._dropped and not self.not_fixed

    def check_points(self) -> None:
        """Fail if something was to go wrong at a point that no run came to."""
        for point in self._faults if isinstance(self._faults, Mapping) else ():
            if point not in self._points:
                raise InvalidDefinition(
                    f"faults: no run came to a point {shown(point)}{checks.did_you_mean(point, list(self._points))}",
                    field="faults",
                    value=point,
                )

    def plans(self, runs: int) -> Iterator[Plan | Tape]:
        """Generate how to run it: a tape that is next in order, then one that is drawn."""
        random = seeded(f"{self._seed}/explore").random
        for number in range(runs):
            if not self._waiting:
                return
            yield self._waiting.popleft() if number % 2 == 0 else _drawn(random)

    def run(self, plan: Plan | Tape, *, logged: bool = False) -> Simulation[Any]:
        """Return what comes of a run; what follows from a tape is remembered to be tried."""
        if not isinstance(plan, tuple):
            return self._made(plan, logged=logged)
        simulation = self._made(by_tape(plan), logged=logged)
        for choice in simulation.choices[len(plan) :]:
            plain = (0,) * (choice.number - len(plan))
            for other in range(1, len(choice.options)):
                self._remember((*plan, *plain, other))
        return simulation

    def _remember(self, tape: Tape) -> None:
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(tape)
        else:
            self._dropped = True

    def _made(self, plan: Plan, *, logged: bool) -> Simulation[Any]:
        choices = Choices(plan, self._crashes, self._faults)
        simulation = run_app(self._app, choices, seed=self._seed, kills=self._kills, logged=logged)
        self._points |= choices.points
        self.not_fixed |= dict.fromkeys(simulation.not_fixed)
        if simulation.error is not None:
            return simulation
        try:
            _check_ledgers(simulation)
            if self._check is not None:
                self._check(simulation)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is told
            return evolve(simulation, error=error)
        return simulation

    def shrunk(self, tape: Tape, kind: object) -> tuple[Simulation[Any], int]:
        """Return the smallest run found that fails in the same way, and how many runs that took."""
        best, tried = tape, {tape}
        improved = True
        while improved and len(tried) < SHRINKS:
            improved = False
            for smaller in _smaller(best):
                if smaller in tried or len(tried) >= SHRINKS:
                    continue
                tried.add(smaller)
                simulation = self._made(by_tape(smaller), logged=False)
                if simulation.error is not None and _kind(simulation) == kind:
                    best = min(_tape(simulation), smaller, key=_size)
                    improved = True
                    break
        return self._made(by_tape(best), logged=True), len(tried)


def _as_code(faults: Offered) -> str:
    """Return it as code, by the names that whoever wrote it used."""
    return repr(dict(faults) if isinstance(faults, Mapping) else list(faults))


def _check_ledgers(simulation: Simulation[Any]) -> None:
    for ledger in simulation.ledgers:
        if not ledger.balanced:
            raise LedgerUnbalanced(str(ledger))


def _drawn(random: Dice) -> Plan:
    return by_chance(random, faults=(0.05, 0.25, 0.5)[random.randrange(0, 3)])


def _tape(simulation: Simulation[Any]) -> Tape:
    """Return the choices of a run, without the plain ones at the end."""
    picked = [choice.picked for choice in simulation.choices]
    while picked and not picked[-1]:
        picked.pop()
    return tuple(picked)


def _kind(simulation: Simulation[Any]) -> object:
    """Return what tells one way to fail from another: which error it is, and where it was raised."""
    error = simulation.error
    traceback = error.__traceback__ if error is not None else None
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    where = (traceback.tb_frame.f_code.co_filename, traceback.tb_lineno) if traceback is not None else None
    return type(error), where


def _size(tape: Tape) -> tuple[int, int, Tape]:
    return sum(map(bool, tape)), len(tape), tape


def _smaller(tape: Tape) -> Iterator[Tape]:
    """Generate tapes that are smaller, the much smaller ones first."""
    odd = [place for place, picked in enumerate(tape) if picked]
    part = len(odd)
    while part:
        for first in range(0, len(odd), part):
            yield _ended(_with(tape, dict.fromkeys(odd[first : first + part], 0)))
        part //= 2
    for place in odd:
        yield from (_with(tape, {place: less}) for less in range(1, tape[place]))
    for place in reversed(range(len(tape))):
        yield _ended((*tape[:place], *tape[place + 1 :]))


def _with(tape: Tape, changes: Mapping[int, int]) -> Tape:
    return tuple(changes.get(place, picked) for place, picked in enumerate(tape))


def _ended(tape: Sequence[int]) -> Tape:
    """Return it without plain choices at the end."""
    last = max((place for place, picked in enumerate(tape, start=1) if picked), default=0)
    return tuple(tape[:last])
