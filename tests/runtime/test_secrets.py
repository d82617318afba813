"""Secrets: planted wherever an agent may hold one, and looked for in everything that is told of it."""

import logging
from typing import Any

import pytest
import trio
from attrs import field, frozen

from jido_trio.core import Action, Agent, Context, Direct, Instruction, Result, RunInstruction, Secret, Signal, diff
from jido_trio.errors import ActionError, CallError, InvalidParams, StartFailed
from jido_trio.runtime import Jido, Runtime, interpret
from jido_trio.storage import MemoryStorage
from jido_trio.supervision import CrashReport, Report
from tests.runtime.agents import settle

STATE, DATA, ARGUMENT, OPTION = "canary-of-the-state", "canary-of-the-data", "canary\nof-the-argument", "canary-option"
CANARIES = (STATE, DATA, ARGUMENT, OPTION, "of-the-argument")


@frozen
class Account:
    name: str = "ann"
    token: Secret[str] = STATE
    keys: Secret[list[str]] = field(factory=lambda: [STATE + "-2"])


@frozen
class Vault:
    account: Account = field(factory=Account)
    tries: int = 0


class Wrong(Exception):
    """Says all that it was given."""


@frozen
class Leak:
    """A directive with a secret, whose interpreter says it."""

    option: Secret[str] = OPTION


@interpret.register
def _(directive: Leak, runtime: Runtime) -> None:
    raise Wrong(f"{directive} {directive.option} {runtime.agent.state} {runtime.signal}")


class Login(Action):
    """Crashes, saying all it knows, with causes, notes and groups."""

    password: Secret[str]

    def run(self, context: Context[Vault]) -> Result:
        state = context.state
        inner = ValueError(f"{self.password} {self!r} {state!r}", self, state)
        inner.add_note(f"a note with {self.password!r}")
        try:
            raise inner
        except ValueError as error:
            leaks = [Wrong(state.account.token), Wrong(context.signal), KeyError(self.password)]
            raise ExceptionGroup(f"all of {state.account.keys}", leaks) from error


class LoginLater(Action):
    password: Secret[str]

    async def run(self, context: Context[Vault]) -> Result:
        await trio.sleep(1)
        raise Wrong(f"{self.password} {self!r} {context.signal}")


class Refuse(Action):
    password: Secret[str]

    def run(self, context: Context[Vault]) -> Result:
        raise ActionError(f"wrong: {self.password}, not {context.state.account.token}")


class Try(Action):
    password: Secret[str]

    def run(self, context: Context[Vault]) -> Result:
        return {"account": {"token": self.password + "-new"}, "tries": 1}, [Leak()]


class Later(Action):
    """Has an async action run that no route names."""

    def run(self, context: Context[Vault]) -> Result:
        return [RunInstruction(Instruction(LoginLater(password=ARGUMENT)))]


class Number(Action):
    pin: Secret[int]

    def run(self, context: Context[Vault]) -> Result:
        return {}


class Keeper(
    Agent[Vault],
    routes={"login": Login, "refuse": Refuse, "try": Try, "later": Later, "number": Number, "slow": LoginLater},
):
    """Keeps what nobody else may know."""


class LastingKeeper(Keeper, durable=True):
    """The same, and durable."""


class Sinks(logging.Handler):
    """All that is told of an agent, as text."""

    def __init__(self) -> None:
        super().__init__()
        self.texts = list[str]()
        self.reports = list[Report]()

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))

    def report(self, report: Report) -> None:
        self.reports.append(report)
        assert isinstance(report, CrashReport)
        self.texts += [str(report), repr(report), str(report.detail), repr(report.detail)]
        if report.failure is not None:
            self.texts += [report.failure.render(), repr(report.failure)]

    def found(self) -> set[str]:
        return {canary for canary in CANARIES for text in self.texts if canary in text}


@pytest.fixture
def sinks():
    found = Sinks()
    logger = logging.getLogger("jido_trio")
    logger.addHandler(found)
    yield found
    logger.removeHandler(found)


SIGNALS = {
    "a crash of an action": Signal("login", {"password": DATA}),
    "a crash of an argument with a line break": Signal("login", {"password": ARGUMENT}),
    "a directive": Signal("try", {"password": DATA}),
    "an async action": Signal("slow", {"password": DATA}),
    "an async action that no route names": Signal("later"),
    "a declared failure": Signal("refuse", {"password": DATA}),
    "parameters that don't fit": Signal("number", {"pin": DATA}),
}


@pytest.mark.parametrize("signal", SIGNALS.values(), ids=SIGNALS)
@pytest.mark.parametrize("own_sink", [True, False], ids=["to a function", "to the log"])
@pytest.mark.parametrize("keeper", [Keeper, LastingKeeper])
async def test_what_is_told_of_a_failure_has_no_secret_in_it(autojump_clock, sinks, signal, own_sink, keeper):
    async with Jido(storage=MemoryStorage(), debug="verbose", on_report=sinks.report if own_sink else None) as jido:
        ref = await jido.start_agent(keeper, id="keeper")
        try:
            await ref.call(signal)
        except CallError as error:
            sinks.texts += [str(error), repr(error)]
        except ActionError:
            pass  # what an action says to its caller is its own affair
        await settle(2)
        await ref.cast(signal)
        await settle(2)
        supervision = jido._instance.supervisor
        assert supervision is not None
        sinks.texts += [text for event in jido.recent(500) for text in (str(event), repr(event))]
        sinks.texts += [repr(ref.inspect()), repr(jido.inspect())]
        sinks.texts += [str(jido.tree()), repr(ref), repr(jido), *map(str, supervision.history())]
        sinks.texts += [repr(supervision.history()), *(r.failure.render() for r in supervision.history() if r.failure)]

    assert "keeper" in "".join(sinks.texts)
    assert sinks.found() == set()


class Unready(Direct):
    """A strategy that says what it can't begin with."""

    def init(self, agent: Any) -> Any:
        raise Wrong(f"not with {agent.state.account.token}")


class Unborn(Agent[Vault], strategy=Unready()):
    """Can't begin."""


async def test_what_is_told_of_a_life_that_could_not_begin_has_no_secret_in_it(autojump_clock, sinks):
    async with Jido(on_report=sinks.report) as jido:
        with pytest.raises(StartFailed):
            await jido.start_agent(Unborn(id="keeper", state=Vault()))

    assert "Wrong: not with ***" in "".join(sinks.texts)
    assert sinks.found() == set()


async def test_what_is_no_secret_is_told(autojump_clock, sinks):
    async with Jido(on_report=sinks.report) as jido:
        ref = await jido.start_agent(Keeper, id="keeper")
        await ref.call(SIGNALS["a directive"])

    (report,) = sinks.reports
    assert isinstance(report, CrashReport)
    assert str(report.detail).splitlines()[1:] == [
        "data: {'password': '***'}",
        "state before: Vault(account=Account(name='ann', token=***, keys=***), tries=0)",
        "changed account.token: '***' -> '***'",
        "changed tries: 0 -> 1",
        "directive 1 of 1: Leak(option=***)",
    ]
    assert report.failure is not None
    assert "Leak(option='***') *** Vault(account=Account(name='ann', token=***, keys=***), tries=1)" in str(
        report.failure
    )


async def test_the_values_of_a_report_are_the_real_ones_to_be_sent_again(autojump_clock, sinks):
    signal = SIGNALS["a crash of an action"]
    async with Jido(on_report=sinks.report) as jido:
        ref = await jido.start_agent(Keeper, id="keeper")
        await ref.cast(signal)

    (report,) = sinks.reports
    detail: Any = report.detail
    assert detail.signal is signal
    assert detail.state.account.token == STATE


def test_a_secret_that_does_not_fit_is_told_by_its_name():
    wrong: Any = DATA
    with pytest.raises(InvalidParams) as failure:
        Number(pin=wrong)

    assert failure.value.problems == ("a secret doesn't fit; it isn't shown @ pin",)


def test_a_secret_that_differs_is_told_without_its_values():
    (difference,) = diff(Account(), Account(token="another"))

    assert str(difference) == "token: '***' -> '***'"


def test_secrets_are_kept_as_any_other_value():
    agent, _ = Keeper.new("a", {"account": {"token": "mine"}}).cmd(Refuse(password="x"))

    assert agent.state.account.token == "mine"
    assert repr(agent.state.account) == "Account(name='ann', token=***, keys=***)"
