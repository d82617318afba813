"""Agents with one defect each. `DEFECTS` says which laws may find it."""

import configparser
import contextvars
import copy
import csv
import datetime
import decimal
import functools
import gc
import io
import json
import locale
import logging
import math
import operator
import os
import pathlib
import platform
import random
import resource
import secrets
import select
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import types
import urllib.parse
import uuid
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from random import randint, shuffle
from time import time as now_in_seconds
from typing import Any, Literal

import attrs
import trio
from attrs import evolve, field, frozen

from jido_trio import Action, ActionError, Agent, Context, Emit, Error, Result, Schedule, invariant
from jido_trio.core import Direct, Fsm, Plugin, Transition
from jido_trio.testing import law

DEFECTS: dict[type[Agent[Any]], frozenset[str]] = {}


class Opaque:
    """Something that can be changed and that nobody freezes."""

    def __init__(self) -> None:
        self.count = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Opaque)

    def __hash__(self) -> int:
        return 1


@frozen
class Box:
    total: int = 0
    text: str = ""
    items: tuple[int, ...] = ()
    names: frozenset[str] = frozenset()
    counts: dict[str, int] = field(factory=dict)


def planted(*laws: str, state: type[Any] = Box, **keywords: Any) -> Callable[[type[Action]], type[Action]]:
    """Make an agent of an action that has a defect, which one of these laws finds."""

    def make(action: type[Action]) -> type[Action]:
        name = f"With{action.__name__}"
        agent = _agent(name, state, action, keywords)
        globals()[name] = agent
        DEFECTS[agent] = frozenset(laws)
        return action

    return make


def _agent(name: str, state: Any, action: type[Action], keywords: dict[str, Any]) -> type[Agent[Any]]:
    own = {"__module__": __name__, **keywords.pop("body", {})}
    return types.new_class(name, (Agent[state],), {"routes": {"go": action}, **keywords}, lambda made: made.update(own))


# ---- the clock


@planted("pure", "deterministic")
class AsksTheTime(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": int(time.time() * 1000)}


@planted("pure", "deterministic")
class AsksTheTimeByAnotherName(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": str(now_in_seconds())}


@planted("pure", "deterministic")
class CountsNanoseconds(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": time.perf_counter_ns()}


@planted("pure", "deterministic")
class AsksTheMonotonicClock(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": int(time.monotonic() * 1e6)}


@planted("pure", "deterministic")
class StampsWithNow(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": datetime.datetime.now().isoformat()}


@planted("pure", "deterministic")
class StampsWithUtc(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": datetime.datetime.now(datetime.UTC).isoformat()}


@planted("pure")
class AsksWhichDayItIs(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": datetime.date.today().isoformat()}


@planted("deterministic")
class ClocksThroughAMap(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": str(list(map(operator.call, [time.perf_counter_ns])))}


@planted("pure")
class Sleeps(Action):
    def run(self, context: Context[Box]) -> Result:
        time.sleep(0.001)
        return {"total": 1}


@planted("pure")
class MeasuresItself(Action):
    def run(self, context: Context[Box]) -> Result:
        began = time.process_time()
        return {"total": 1 if time.process_time() >= began else 2}


def _stamp() -> float:
    return time.time()


@frozen
class Stamped:
    at: float = field(factory=_stamp)


@planted("pure", "deterministic")
class StampsByADefault(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": str(Stamped().at)}


@planted("deterministic")
class FollowsTheTimeZone(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": datetime.datetime.fromtimestamp(0).isoformat()}


# ---- randomness


@planted("pure", "deterministic")
class DrawsANumber(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": random.randrange(10**9)}


@planted("pure", "deterministic")
class DrawsByAnotherName(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": randint(0, 10**9)}


@planted("pure", "deterministic")
class Shuffles(Action):
    def run(self, context: Context[Box]) -> Result:
        items = list(range(50))
        shuffle(items)
        return {"items": tuple(items)}


@planted("pure", "deterministic")
class DrawsFromAGeneratorOfItsOwn(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": random.Random().randrange(10**9)}


@planted("pure", "deterministic")
class DrawsSecrets(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": secrets.token_hex(8)}


@planted("pure", "deterministic")
class DrawsFromTheSystem(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": os.urandom(4).hex()}


@planted("pure", "deterministic")
class MakesAnId(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": str(uuid.uuid4())}


@planted("pure", "deterministic")
class MakesAnIdOfTheTime(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": str(uuid.uuid1())}


@planted("pure")
class SeedsTheSharedGenerator(Action):
    def run(self, context: Context[Box]) -> Result:
        random.seed(4)
        return {"total": random.randrange(10)}


@planted("pure", "deterministic")
class EmitsARandomNumber(Action):
    def run(self, context: Context[Box]) -> Result:
        return Emit("drawn", random.random())


@planted("pure", "deterministic")
class WaitsForARandomTime(Action):
    def run(self, context: Context[Box]) -> Result:
        return Schedule(random.uniform(1, 2), Emit("later").signal)


# ---- hashes, orders, addresses


@planted("deterministic")
class StoresAHash(Action):
    word: str

    def run(self, context: Context[Box]) -> Result:
        return {"total": hash("w" + self.word)}


@planted("deterministic")
class KeepsTheOrderOfASet(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": ",".join({"alpha", "beta", "gamma", "delta", "epsilon"})}


@planted("deterministic")
class TakesTheFirstOfASetOfNumbers(Action):
    numbers: frozenset[int] = field(
        validator=attrs.validators.deep_iterable([attrs.validators.ge(0), attrs.validators.le(40)])
    )

    def run(self, context: Context[Box]) -> Result:
        return {"total": next(iter(self.numbers), 0)}


@frozen
class Weighed:
    weights: frozenset[float] = frozenset()
    sum: float = 0.0


@planted("deterministic", state=Weighed)
class AddsFloatsInTheOrderOfTheirSet(Action):
    weight: float = field(validator=[attrs.validators.ge(0), attrs.validators.le(1)])

    def run(self, context: Context[Weighed]) -> Result:
        weights = context.state.weights | {self.weight}
        together = functools.reduce(operator.add, weights)  # `sum` has made up for it since Python 3.12
        return {"weights": weights, "sum": together}


@frozen
class Guest:
    kind: str = ""
    discount: int = 0


REGULAR = "regular guest"


@planted("deterministic", state=Guest)
class ComparesByTheObjectOfAConstant(Action):
    kind: str

    def run(self, context: Context[Guest]) -> Result:
        return {"kind": self.kind, "discount": 10 if self.kind is REGULAR else 0}


@planted("deterministic")
class FillsADictFromASet(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"counts": {name: len(name) for name in set("alpha beta gamma delta epsilon".split())}}


@planted("deterministic")
class TakesAnyOfItsNames(Action):
    name_: str = field(default="", alias="word")

    def run(self, context: Context[Box]) -> Result:
        names = context.state.names | {self.name_, "alpha", "beta", "gamma", "delta"}
        return {"text": next(iter(names))}


@planted("pure", "deterministic")
class LooksAtAnAddress(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": id(context)}


@planted("deterministic")
class TellsAnAddress(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": repr(object())}


@planted("pure", "deterministic")
class SortsByAddress(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": str([len(one) for one in sorted(["a" * n for n in range(9)], key=id)])}


@planted("deterministic")
class AsksWhetherItIsTheSame(Action):
    seen = []

    def run(self, context: Context[Box]) -> Result:
        same = any(one is context.state for one in self.seen)
        self.seen.append(context.state)
        return {"total": int(same)}


@planted("pure")
class LooksAtAllObjects(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": len(gc.get_objects())}


# ---- what is kept outside

_CALLS: list[int] = []
_COUNT = 0
_SEEN: dict[str, int] = {}


@planted("deterministic", "independent")
class CountsInAGlobal(Action):
    def run(self, context: Context[Box]) -> Result:
        global _COUNT
        _COUNT += 1
        return {"total": _COUNT}


@planted("deterministic", "independent")
class AppendsToAGlobal(Action):
    def run(self, context: Context[Box]) -> Result:
        _CALLS.append(1)
        return {"total": len(_CALLS)}


@planted("deterministic", "independent")
class CountsInItsClass(Action):
    calls = 0

    def run(self, context: Context[Box]) -> Result:
        type(self).calls += 1
        return {"total": type(self).calls}


@planted("independent")
class RemembersWhoCameFirst(Action):
    word: str

    def run(self, context: Context[Box]) -> Result:
        return {"total": _SEEN.setdefault(self.word, len(_SEEN))}


def _default(item: int, seen: list[int] = []) -> int:  # noqa: B006
    seen.append(item)
    return sum(seen)


@planted("deterministic", "independent")
class HasADefaultThatRemembers(Action):
    item: int

    def run(self, context: Context[Box]) -> Result:
        return {"total": _default(abs(self.item) + 1)}


_FIRST: list[int] = []


@planted("independent")
class KeepsItsFirstAnswer(Action):
    number: int

    def run(self, context: Context[Box]) -> Result:
        if not _FIRST:
            _FIRST.append(self.number)
        return {"total": _FIRST[0]}


_LAST = {"text": ""}


@planted("independent", "deterministic")
class LeaksToItsSiblings(Action):
    word: str

    def run(self, context: Context[Box]) -> Result:
        before, _LAST["text"] = _LAST["text"], self.word
        return {"text": before}


_VARIABLE = contextvars.ContextVar("count", default=0)


@planted("pure", "deterministic", "independent")
class CountsInAContextVariable(Action):
    def run(self, context: Context[Box]) -> Result:
        _VARIABLE.set(_VARIABLE.get() + 1)
        return {"total": _VARIABLE.get()}


# ---- the system


@planted("pure", "deterministic")
class ReadsTheEnvironment(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": os.environ.get("HOME", "")}


@planted("pure")
class AsksForAVariableThatIsNotThere(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": int(os.getenv("JIDO_TRIO_NEVER_SET") is not None)}


@planted("pure")
class SetsTheEnvironment(Action):
    def run(self, context: Context[Box]) -> Result:
        os.environ["JIDO_TRIO_TRIED"] = "1"
        return {"total": 1}


@planted("pure", "deterministic")
class AsksWhereItIs(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": str(pathlib.Path.cwd())}


@planted("pure", "deterministic")
class TellsItsProcess(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": os.getpid()}


@planted("pure")
class WritesAFile(Action):
    def run(self, context: Context[Box]) -> Result:
        pathlib.Path(tempfile.gettempdir(), "jido-trio-tried").write_text("tried")
        return {"total": 1}


@planted("pure")
class ReadsAFile(Action):
    def run(self, context: Context[Box]) -> Result:
        with open(__file__) as file:
            return {"total": len(file.read())}


@planted("pure")
class LooksForAFile(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": int(os.path.exists("/tmp"))}


@planted("pure")
class ListsAFolder(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": len(os.listdir("/"))}


@planted("pure")
class OpensASocket(Action):
    def run(self, context: Context[Box]) -> Result:
        socket.socket().close()
        return {"total": 1}


@planted("pure")
class StartsAProcess(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": subprocess.run([sys.executable, "-c", ""], check=False).returncode}


@planted("pure")
class StartsAThread(Action):
    def run(self, context: Context[Box]) -> Result:
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
        return {"total": 1}


@planted("pure")
class OpensADatabase(Action):
    def run(self, context: Context[Box]) -> Result:
        sqlite3.connect(":memory:").close()
        return {"total": 1}


@planted("pure")
class Prints(Action):
    def run(self, context: Context[Box]) -> Result:
        print("here")
        return {"total": 1}


@planted("pure")
class WritesToTheOutput(Action):
    def run(self, context: Context[Box]) -> Result:
        sys.stderr.write("here")
        return {"total": 1}


@planted("pure")
class Logs(Action):
    def run(self, context: Context[Box]) -> Result:
        logging.getLogger("tried").error("here")
        return {"total": 1}


@planted("pure")
class AsksWhichMachineItIs(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": platform.python_implementation() + platform.system()}


@planted("pure")
class SetsTheLocale(Action):
    def run(self, context: Context[Box]) -> Result:
        locale.setlocale(locale.LC_ALL, "C")
        return {"total": 1}


@planted("total")
class EndsItsProcess(Action):
    def run(self, context: Context[Box]) -> Result:
        os._exit(3)


@planted("total")
class LeavesByTheDoor(Action):
    def run(self, context: Context[Box]) -> Result:
        raise SystemExit


# ---- what it is given


@frozen
class Held:
    thing: Opaque = field(factory=Opaque)
    total: int = 0


@planted("pure", state=Held)
class ChangesAnOpaqueValue(Action):
    def run(self, context: Context[Held]) -> Result:
        context.state.thing.count += 1
        return {"total": context.state.total + 1}


@planted("pure")
class ForcesItsState(Action):
    def run(self, context: Context[Box]) -> Result:
        object.__setattr__(context.state, "total", context.state.total + 1)
        return {"text": "done"}


@planted("pure")
class ForcesItself(Action):
    number: int

    def run(self, context: Context[Box]) -> Result:
        object.__setattr__(self, "number", self.number + 1)
        return {"text": "done"}


# ---- what comes out


@planted("total")
class Divides(Action):
    by: int

    def run(self, context: Context[Box]) -> Result:
        return {"total": 100 // self.by}


@planted("total")
class TakesAnItemThatIsNotThere(Action):
    at: int = field(validator=attrs.validators.ge(0))

    def run(self, context: Context[Box]) -> Result:
        return {"total": context.state.items[self.at % 5] if context.state.items else 0}


@planted("total")
class RefusesWithTheWrongError(Action):
    number: int

    def run(self, context: Context[Box]) -> Result:
        if self.number > 1000:
            raise ValueError(self.number)
        return {"total": self.number}


@planted("total")
class MisspellsAField(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"totl": 1}


@planted("total")
class FailsAfterSevenSteps(Action):
    def run(self, context: Context[Box]) -> Result:
        if context.state.total >= 7:
            raise RuntimeError
        return {"total": context.state.total + 1}


@planted("total")
class NeverEnds(Action):
    def run(self, context: Context[Box]) -> Result:
        while True:
            pass


def _at_most_seven(agent: Any) -> bool:
    return bool(agent.state.total <= 7)


@planted("invariant", body={"at_most_seven": invariant(_at_most_seven)})
class GoesPastSeven(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": max(context.state.total, 0) + 1 if context.state.total <= 7 else 0}


class WithLooseHands(Agent[Box]):
    """An agent whose hook forgets what may be in a state."""

    def on_after_cmd(self, action: Any, directives: Any) -> Any:
        return self.with_state(attrs.evolve(self.state, text=7)), directives  # type: ignore[arg-type]


class Anything(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": 1}


class PutsAnythingIntoAField(WithLooseHands, routes={"go": Anything}): ...


DEFECTS[PutsAnythingIntoAField] = frozenset({"closed"})


@frozen
class Purse:
    cents: int = field(default=0, validator=attrs.validators.ge(0))


@planted("closed", state=Purse)
class GoesAroundAValidator(Action):
    cents: int = 0

    def run(self, context: Context[Purse]) -> Result:
        after = copy.copy(context.state)
        object.__setattr__(after, "cents", after.cents - self.cents)
        return after


class Add(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": context.state.total + 1}


class LooksAtTheWholeList(Agent[Box], routes={"go": Add}):
    """Its commands do something else in a list."""

    def _run(self, action: Any, signal: Any, context: Any) -> Any:
        agent, directives = super()._run(action, signal, context)
        extra = isinstance(action, list) and len(action) > 2
        return (agent.set({"text": "many"}) if extra else agent), directives


DEFECTS[LooksAtTheWholeList] = frozenset({"sequential"})


@frozen
class Bag:
    what: object = None
    total: int = 0


@planted("serialisable", state=Bag, durable=True)
class KeepsAFunction(Action):
    def run(self, context: Context[Bag]) -> Result:
        return {"what": len}


# ---- at one value of many, which stands in the code


@planted("total")
class DividesAtOneNumber(Action):
    number: int = 0

    def run(self, context: Context[Box]) -> Result:
        return {"total": 100 // (self.number - 86_420)}


@planted("pure")
class AsksTheTimeAtOneWord(Action):
    word: str = ""

    def run(self, context: Context[Box]) -> Result:
        return {"text": time.strftime("%H") if self.word.startswith("admin:") else self.word}


@planted("total")
class CountsCapitals(Action):
    """Some letters are two in capitals."""

    word: str = field(default="a", validator=attrs.validators.max_len(20))

    def run(self, context: Context[Box]) -> Result:
        return {"text": "".join(self.word[at] for at in range(len(self.word.upper())))}


# ---- left behind, where all code of the process meets it


@planted("pure")
class RoundsForEverybody(Action):
    def run(self, context: Context[Box]) -> Result:
        decimal.getcontext().prec = 3
        return {"total": context.state.total + 1}


@planted("pure")
class AddsToThePath(Action):
    def run(self, context: Context[Box]) -> Result:
        sys.path.append("plugins")
        return {"total": context.state.total + 1}


@planted("pure")
class PatchesAModule(Action):
    def run(self, context: Context[Box]) -> Result:
        math.total = getattr(math, "total", 0) + 1  # type: ignore[attr-defined]
        return {"total": context.state.total + 1}


@planted("pure")
class TellsTheTimeInWords(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": time.strftime("%A")}


# ---- what it costs


@planted("bounded")
class ComparesAllWithAll(Action):
    def run(self, context: Context[Box]) -> Result:
        twice = 0
        for one in context.state.items:
            for other in context.state.items:
                twice += one == other
        return {"total": twice}


@planted("bounded")
class GrowsATextByPieces(Action):
    def run(self, context: Context[Box]) -> Result:
        found: tuple[str, ...] = ()
        for key in context.state.counts:
            found = (*found, key)
            for _ in found:
                pass
        return {"total": len(found)}


def _added_up(items: tuple[int, ...]) -> int:
    return items[0] + _added_up(items[1:]) if items else 0


@planted("bounded")
class GoesAsDeepAsThereAreItems(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": _added_up(context.state.items)}


@planted("pure")
class Warns(Action):
    def run(self, context: Context[Box]) -> Result:
        warnings.showwarning("here", UserWarning, __file__, 1)
        return {"total": 1}


# ---- by doors that are seldom used


@planted("pure")
class AsksWhatItHasUsed(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 10**9)}


@planted("pure")
class WaitsForNobody(Action):
    def run(self, context: Context[Box]) -> Result:
        threading.Event().wait(0.001)
        return {"total": 1}


@planted("pure")
class SleepsBySelecting(Action):
    def run(self, context: Context[Box]) -> Result:
        select.select([], [], [], 0.001)
        return {"total": 1}


@planted("pure")
class AsksTrioIfItCan(Action):
    def run(self, context: Context[Box]) -> Result:
        try:
            return {"total": int(trio.current_time())}
        except RuntimeError:
            return {"total": 0}


@planted("pure")
class LooksAtItsCaller(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": sys._getframe(1).f_code.co_name}


@planted("pure")
class CountsItsCallers(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": len(traceback.extract_stack())}


@planted("pure")
class TellsItsThread(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": threading.current_thread().name}


@planted("pure")
class WritesNumbersAsPeopleDo(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": locale.format_string("%d", context.state.total, grouping=True)}


@planted("pure")
class LogsForDebuggers(Action):
    """Nobody listens, today."""

    def run(self, context: Context[Box]) -> Result:
        logging.getLogger("tried").debug("here")
        return {"total": 1}


@planted("pure")
class HushesALibrary(Action):
    def run(self, context: Context[Box]) -> Result:
        logging.getLogger("tried").setLevel(logging.ERROR)
        return {"total": 1}


@planted("pure")
class WarnsItsCaller(Action):
    def run(self, context: Context[Box]) -> Result:
        warnings.warn("here", stacklevel=2)
        return {"total": 1}


@planted("pure")
class HushesWarnings(Action):
    def run(self, context: Context[Box]) -> Result:
        warnings.simplefilter("ignore")
        return {"total": 1}


@planted("pure")
class EncodesAnything(Action):
    def run(self, context: Context[Box]) -> Result:
        json.JSONEncoder.default = lambda self, o: str(o)  # type: ignore[method-assign]
        return {"text": json.dumps({"total": 1})}


@planted("pure")
class AllowsLongFields(Action):
    def run(self, context: Context[Box]) -> Result:
        csv.field_size_limit(10**7)
        return {"total": 1}


# ---- beside `run`


@planted("pure", "deterministic")
class RepliesWithTheTime(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": context.state.total + 1}

    def reply(self, agent: Agent[Box]) -> float:
        return time.time()


@planted("total")
class RepliesWithTheFirst(Action):
    def run(self, context: Context[Box]) -> Result:
        return None

    def reply(self, agent: Agent[Box]) -> int:
        return agent.state.items[0]


def _by_chance(error: Error, agent: Any) -> Literal["continue", "stop"]:
    return "stop" if random.random() < 0.5 else "continue"


@planted("pure", error_policy=_by_chance)
class RefusesNegativeNumbers(Action):
    number: int

    def run(self, context: Context[Box]) -> Result:
        if self.number < 0:
            raise ActionError("negative")
        return {"total": self.number}


@frozen
class BornByChance(Direct):
    """A strategy with which a life begins anyhow."""

    def init(self, agent: Any) -> Any:
        return agent.set({"total": random.getrandbits(32)}), ()


@planted("pure", "deterministic", strategy=BornByChance())
class AddsOne(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": context.state.total + 1}


# ---- who is who


@planted("deterministic")
class AsksWhetherItIsTheVerySame(Action):
    word: str

    def run(self, context: Context[Box]) -> Result:
        if self.word is context.state.text:
            return None
        return {"text": self.word, "total": context.state.total + 1}


_SEATS: dict[str, str] = {}


@planted("independent")
class TakesASeatForItself(Action):
    seat: Literal["window", "aisle"]

    def run(self, context: Context[Box]) -> Result:
        if _SEATS.setdefault(self.seat, context.agent.id) != context.agent.id:
            raise ActionError("taken")
        return {"text": self.seat}


# ---- at a value that is another's, or a day that is rare


@frozen
class Words:
    word: str = ""


class PutsAWord(Action):
    word: str

    def run(self, context: Context[Words]) -> Result:
        return {"word": self.word}


@planted("total", state=Words)
class FailsAtAWordThatWasPut(Action):
    def run(self, context: Context[Words]) -> Result:
        if context.state.word == "turbo":
            raise RuntimeError
        return None


@planted("total")
class PaysBackWithoutAnAmount(Action):
    payload: dict[str, Any]

    def run(self, context: Context[Box]) -> Result:
        if self.payload.get("kind") == "refund":
            return {"total": self.payload["amount"]}
        return None


@planted("total")
class ForgetsLeapYears(Action):
    born: datetime.date

    def run(self, context: Context[Box]) -> Result:
        return {"text": str(self.born.replace(year=2021))}


# ---- what others hide, and what grows beyond all bounds


@frozen
class Draft:
    text: Any = field(factory=io.StringIO)
    total: int = 0


@planted("pure", state=Draft)
class WritesIntoItsState(Action):
    def run(self, context: Context[Draft]) -> Result:
        context.state.text.write("x")
        return {"total": context.state.total + 1}


@planted("deterministic")
class LooksAtItsCommand(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": sys.argv[0]}


@planted("pure")
class LooksForAnOptionOfItsCommand(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": 2 if "--twice" in sys.argv else 1}


def _best(items: tuple[int, ...]) -> int:
    return max(_best(items[1:]), items[0] + _best(items[1:])) if items else 0


@planted("bounded")
class TriesAllOfThem(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": _best(context.state.items)}


@frozen
class Line:
    sku: str
    cents: int = 0


@frozen
class Lines:
    lines: list[Line] = field(factory=list)
    twice: int = 0


@planted("bounded", state=Lines)
class ComparesLinesOfItsOwn(Action):
    def run(self, context: Context[Lines]) -> Result:
        twice = 0
        for one in context.state.lines:
            for other in context.state.lines:
                twice += one.sku == other.sku
        return {"twice": twice}


# ---- what nearly never ends, or long before its time


@planted("total")
class FollowsHailstones(Action):
    number: int

    def run(self, context: Context[Box]) -> Result:
        number, total = self.number, 0
        while number != 1:
            number = number // 2 if number % 2 == 0 else 3 * number + 1
            total += 1
        return {"total": total}


@planted("total")
class AsksWhetherNoughtIsBelow(Action):
    share: float

    def run(self, context: Context[Box]) -> Result:
        if self.share >= 0 and math.copysign(1, self.share) < 0:
            raise ZeroDivisionError
        return {"total": 1}


@planted("bounded")
class ComparesWithAllBefore(Action):
    def run(self, context: Context[Box]) -> Result:
        once: list[int] = []
        for item in context.state.items:
            if item not in once:
                once.append(item)
        return {"total": len(once)}


# ---- what was named before, marks in a row, what grows by itself


@frozen
class Ratings:
    stars: dict[str, int] = field(factory=dict)
    mean: float = 0.0


class Rate(Action):
    user: str
    stars: int = field(validator=[attrs.validators.ge(1), attrs.validators.le(5)])

    def run(self, context: Context[Ratings]) -> Result:
        stars = {**context.state.stars, self.user: self.stars}
        return {"stars": stars, "mean": sum(stars.values()) / len(stars)}


@planted("total", state=Ratings)
class ForgetsThatNoneMayBeLeft(Action):
    user: str

    def run(self, context: Context[Ratings]) -> Result:
        if self.user not in context.state.stars:
            raise ActionError("has not rated")
        stars = {user: given for user, given in context.state.stars.items() if user != self.user}
        return Ratings(stars, sum(stars.values()) / len(stars))


def _looks_like_mail(_: object, __: object, text: str) -> None:
    if "@" not in text.strip("@"):
        raise ValueError("no address")


@planted("total")
class TakesOneMarkForGranted(Action):
    mail: str = field(validator=_looks_like_mail)

    def run(self, context: Context[Box]) -> Result:
        _, host = self.mail.split("@")
        return {"text": host}


def _opened(text: str, at: int) -> int:
    return 1 + _opened(text, at + 1) if text[at : at + 1] == "(" else 0


@planted("total")
class GoesAsDeepAsATextIsLong(Action):
    text: str

    def run(self, context: Context[Box]) -> Result:
        return {"total": _opened(self.text, 0)}


@planted("total")
class TakesAnyTextForAnAddress(Action):
    address: str

    def run(self, context: Context[Box]) -> Result:
        return {"text": urllib.parse.urlsplit(self.address).netloc}


@planted("bounded")
class DoublesItsText(Action):
    more: str

    def run(self, context: Context[Box]) -> Result:
        return {"text": f"{context.state.text}|{self.more}|{context.state.text}"}


@frozen
class Names:
    names: tuple[str, ...] = ()


class Remember(Action):
    more: str

    def run(self, context: Context[Any, Any]) -> Result:
        return Remembering.change({"names": (*context.agent.plugin(Remembering).names, self.more)})


class Remembering(Plugin[Names], singleton=True):
    """Remembers names; what it writes of them isn't all."""

    def routes(self) -> dict[str, Any]:
        return {"remember": Remember}

    def checkpoint(self, slice: Names) -> Any:
        return list(slice.names[-1:])

    def restore(self, kept: Any) -> Names:
        return Names(tuple(kept))


@planted("serialisable", durable=True, plugins=[Remembering()])
class IsBesideWhatForgets(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"total": context.state.total + 1}


# ---- what is read of texts, each of which looks right


@planted("total")
class CountsPartsOfAVersion(Action):
    version: str = field(validator=attrs.validators.matches_re(r"[\d.]+"))

    def run(self, context: Context[Box]) -> Result:
        return {"items": tuple(int(part) for part in self.version.split("."))}


@planted("total")
class GivesTheFirstForNothing(Action):
    coupon: str = field(validator=attrs.validators.matches_re(r"[A-Z]{4}\d\d"))

    def run(self, context: Context[Box]) -> Result:
        items = context.state.items
        return {"total": sum(items) - items[0] if self.coupon == "FREE01" else sum(items)}


@planted("total")
class TakesOneEqualsSignForGranted(Action):
    header: str

    def run(self, context: Context[Box]) -> Result:
        given = dict(part.split("=") for part in self.header.split(";") if "=" in part)
        return {"text": given.get("charset", "")}


@planted("total")
class CountsBracketsAndNotTheirOrder(Action):
    text: str

    def run(self, context: Context[Box]) -> Result:
        if self.text.count("(") != self.text.count(")"):
            raise ActionError("not closed")
        opened: list[int] = []
        for at, letter in enumerate(self.text):
            if letter == "(":
                opened.append(at)
            if letter == ")":
                opened.pop()
        return {"text": self.text}


@planted("total")
class LooksForATitle(Action):
    document: str

    def run(self, context: Context[Box]) -> Result:
        try:
            root = ET.fromstring(self.document)
        except ET.ParseError:
            raise ActionError("no XML") from None
        return {"text": root.find("title").text or ""}


@planted("total")
class ReadsItsSettings(Action):
    text: str

    def run(self, context: Context[Box]) -> Result:
        parser = configparser.ConfigParser()
        try:
            parser.read_string(self.text)
        except configparser.ParsingError:
            raise ActionError("no settings") from None
        return {"total": len(parser.sections())}


@planted("total")
class CountsWhatIsAskedFor(Action):
    query: str

    def run(self, context: Context[Box]) -> Result:
        return {"counts": {name: int(count) for name, count in urllib.parse.parse_qsl(self.query)}}


@frozen
class Profile:
    nick: str = field(default="", validator=attrs.validators.max_len(40))


@planted("total", state=Profile)
class ShoutsItsName(Action):
    nick: str = field(validator=attrs.validators.max_len(40))

    def run(self, context: Context[Profile]) -> Result:
        return evolve(context.state, nick=self.nick.upper())


# ---- when it is full, at nought, and by a hundredth


_COLUMN = attrs.validators.max_len(30)


@frozen
class Board:
    todo: tuple[str, ...] = field(default=(), validator=_COLUMN)
    doing: tuple[str, ...] = field(default=(), validator=_COLUMN)
    done: tuple[str, ...] = field(default=(), validator=_COLUMN)
    labels: tuple[str, ...] = ()


def _label(count: int) -> str:
    if count < 10:
        label = "short"
    if count > 30:
        label = "long"
    return label


@planted("total", state=Board)
class LabelsItsColumns(Action):
    def run(self, context: Context[Board]) -> Result:
        board = context.state
        return {"labels": tuple(_label(len(column)) for column in (board.todo, board.doing, board.done))}


@frozen
class Order:
    paid_at: int | None = None


class PayOrder(Action):
    at: int = field(validator=attrs.validators.ge(0))

    def run(self, context: Context[Order]) -> Result:
        return {"paid_at": self.at or None}


class ShipOrder(Action):
    at: int = field(validator=attrs.validators.ge(0))

    def run(self, context: Context[Order]) -> Result:
        return Emit("shipped", {"at": self.at})


def _in_time(order: Order, ship: ShipOrder) -> bool:
    return ship.at - order.paid_at < 1000


_TO_SHIP = Fsm(
    ["open", "paid"],
    [Transition("open", PayOrder, "paid"), Transition("paid", ShipOrder, "open", when=_in_time)],
)


class TakesNoughtForNever(Agent[Order], strategy=_TO_SHIP, routes={"pay": PayOrder, "ship": ShipOrder}): ...


DEFECTS[TakesNoughtForNever] = frozenset({"total"})


@planted("own")
class CutsHundredths(Action):
    euros: float = field(validator=[attrs.validators.ge(0), attrs.validators.le(1000)])

    def run(self, context: Context[Box]) -> Result:
        return {"total": int(self.euros) * 100 + int(self.euros % 1 * 100)}


@law(globals()["WithCutsHundredths"])
def cents_are_those_of_the_price(before: Any, step: Any, after: Any, directives: Sequence[object]) -> bool:
    if not isinstance(step, CutsHundredths) or round(step.euros, 2) != step.euros:
        return True
    return after.state.total == round(step.euros * 100)


@planted("own")
class GivesADozenForTen(Action):
    count: int = field(validator=[attrs.validators.ge(1), attrs.validators.le(500)])

    def run(self, context: Context[Box]) -> Result:
        free = self.count // 12 * 2 if self.count < 120 else 30
        return {"total": (self.count - free) * 100}


@law(globals()["WithGivesADozenForTen"])
def two_of_each_dozen_are_free(before: Any, step: Any, after: Any, directives: Sequence[object]) -> bool:
    return not isinstance(step, GivesADozenForTen) or after.state.total == (step.count - step.count // 12 * 2) * 100


# ---- what is kept by its name, and looked up by it


@frozen
class Prices:
    cents: dict[str, int] = field(factory=dict)
    last: int = 0


class SetAPrice(Action):
    sku: str
    cents: int = field(validator=attrs.validators.gt(0))

    def run(self, context: Context[Prices]) -> Result:
        return {"cents": {self.sku: self.cents}}


_QUOTED: dict[str, int] = {}


@planted("independent", state=Prices)
class QuotesAsItDidBefore(Action):
    sku: str

    def run(self, context: Context[Prices]) -> Result:
        if self.sku not in context.state.cents:
            raise ActionError("not sold here")
        return {"last": _QUOTED.setdefault(self.sku, context.state.cents[self.sku])}


@frozen
class Pool:
    loads: dict[str, int] = field(factory=dict)


@planted("bounded", state=Pool)
class RanksAWorkerAmongAll(Action):
    worker: str

    def run(self, context: Context[Pool]) -> Result:
        loads = context.state.loads
        if self.worker not in loads:
            raise ActionError("no such worker")
        ranks = {one: sum(load < loads[one] for load in loads.values()) for one in loads}
        return {"loads": {self.worker: ranks[self.worker]}}


@frozen
class Grid:
    walls: tuple[bool, ...] = ()
    size: int = 0


def _flood(walls: tuple[bool, ...], at: int, seen: set[int]) -> int:
    if not 0 <= at < len(walls) or walls[at] or at in seen:
        return 0
    seen.add(at)
    return 1 + _flood(walls, at + 1, seen) + _flood(walls, at - 1, seen)


@planted("bounded", state=Grid)
class FloodsCellByCell(Action):
    at: int = field(validator=attrs.validators.ge(0))

    def run(self, context: Context[Grid]) -> Result:
        return {"size": _flood(context.state.walls, self.at, set())}


@frozen
class Staff:
    above: dict[str, str] = field(factory=dict)
    rank: int = 0


def _rank(above: Mapping[str, str], who: str, seen: set[str]) -> int:
    if who in seen or who not in above:
        return 0
    seen.add(who)
    return 1 + _rank(above, above[who], seen)


@planted("bounded", state=Staff)
class ClimbsToTheTop(Action):
    who: str

    def run(self, context: Context[Staff]) -> Result:
        return {"rank": _rank(context.state.above, self.who, set())}


# ---- what it finds where it runs, and leaves there


@planted("pure")
class ColoursForATerminal(Action):
    def run(self, context: Context[Box]) -> Result:
        return {"text": "red" if sys.stdout.isatty() else "plain"}


@planted("pure")
class NamesANamespace(Action):
    def run(self, context: Context[Box]) -> Result:
        ET.register_namespace("shop", "urn:shop")
        return {"text": ET.tostring(ET.Element("{urn:shop}item"), encoding="unicode")}
