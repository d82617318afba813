"""Laws of living agents, for any script of casts, calls, crashes and pauses over a few agents.

Oracle: agents are independent, and each is a list of words that a crash empties. Every script runs in virtual time,
without timeouts: a caller that is never answered is a run that never ends, which the clock notices.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import trio
import trio.testing
from attrs import define, field, frozen
from hypothesis import event, given
from hypothesis import strategies as st

from jido_trio.core import Action, Agent, Context, Instruction, Result, RunInstruction, Signal
from jido_trio.errors import AgentCrashed, AgentStopped, NoRoute
from jido_trio.runtime import AgentRef, DeadLetter, Jido

AGENTS = ("a", "b", "c")


@frozen
class Words:
    said: list[int] = field(factory=list)
    background: bool = False


class Say(Action):
    number: int

    def run(self, context: Context[Words]) -> Result:
        HANDLED[self.number] += 1
        return {"said": [*context.state.said, self.number]}


class Crash(Action):
    number: int

    def run(self, context: Context[Words]) -> Result:
        HANDLED[self.number] += 1
        raise ZeroDivisionError(self.number)


class Sleep(Action):
    async def run(self, context: Context[Words]) -> Result:
        await trio.sleep_forever()


class WithTask(Action):
    """From now on a crash can't be mended in place."""

    number: int

    def run(self, context: Context[Words]) -> Result:
        HANDLED[self.number] += 1
        return [RunInstruction(Instruction(Sleep()))]


class Speaker(Agent[Words], routes={"say": Say, "crash": Crash, "task": WithTask}): ...


HANDLED: Counter[int] = Counter()
"""How often each message was handled; their numbers are unique."""


@frozen
class Step:
    """One thing that happens in a script."""

    kind: str
    agent: str
    how: str


KINDS = ("say", "say", "say", "crash", "task", "unheard")
steps = st.builds(Step, st.sampled_from(KINDS), st.sampled_from(AGENTS), st.sampled_from(("cast", "call")))
pauses = st.builds(Step, st.just("pause"), st.just(""), st.just(""))
stops = st.builds(Step, st.just("stop"), st.sampled_from(AGENTS), st.just(""))
scripts = st.lists(st.one_of(steps, steps, steps, pauses), max_size=25)
scripts_with_stops = st.lists(st.one_of(steps, steps, steps, pauses, stops), max_size=25)


@define
class Run:
    """What came of a script."""

    answers: dict[int, str] = field(factory=dict)
    """What each call came to."""
    refused: set[int] = field(factory=set)
    """Messages that were never accepted."""
    letters: list[DeadLetter] = field(factory=list)
    reports: list[Any] = field(factory=list)
    states: dict[str, list[int]] = field(factory=dict)
    incarnations: dict[str, int] = field(factory=dict)

    async def call(self, ref: AgentRef[Any], signal: Signal, number: int) -> None:
        try:
            await ref.call(signal, timeout=None)
        except (AgentCrashed, AgentStopped, NoRoute) as error:
            self.answers[number] = type(error).__name__
        else:
            self.answers[number] = "answered"

    def cast(self, ref: AgentRef[Any], signal: Signal, number: int) -> None:
        try:
            ref.cast_nowait(signal)
        except AgentStopped:
            self.refused.add(number)


async def play(script: Sequence[Step], run: Run) -> None:
    """Do what the script says; agents that are still there at its end are asked for their state."""
    instance = Jido(on_report=run.reports.append, on_dead_letter=run.letters.append, max_restarts=10**6)
    # The callers around the instance: they may still wait when it ends.
    async with trio.open_nursery() as callers, instance as jido:
        refs = {id: await jido.start_agent(Speaker, id=id) for id in AGENTS}
        for number, step in enumerate(script):
            if step.kind == "pause":
                await trio.sleep(1)
            elif step.kind == "stop":
                callers.start_soon(stop, jido, step.agent)
            elif step.how == "cast":
                run.cast(refs[step.agent], Signal(step.kind, {"number": number}), number)
            else:
                # Started here and now, so that the order of the script is the order of the messages.
                callers.start_soon(run.call, refs[step.agent], Signal(step.kind, {"number": number}), number)
                await trio.testing.wait_all_tasks_blocked()
        await trio.sleep(1)
        run.states = {id: list(ref.agent.state.said) for id, ref in refs.items()}
        run.incarnations = {id: ref.incarnation for id, ref in refs.items()}


async def stop(jido: Jido, id: str) -> None:
    """Stop an agent, unless it was stopped before."""
    if jido.whereis(id) is not None:
        await jido.stop_agent(id)


def played(script: Sequence[Step]) -> Run:
    """Return what comes of the script, in virtual time."""
    HANDLED.clear()
    run = Run()
    trio.run(play, script, run, clock=trio.testing.MockClock(autojump_threshold=0))
    return run


def of(script: Sequence[Step], agent: str) -> list[tuple[int, Step]]:
    """The messages of the script that one agent gets, with their numbers."""
    return [(number, step) for number, step in enumerate(script) if step.agent == agent and step.kind != "stop"]


def model(messages: Sequence[tuple[int, Step]]) -> list[int]:
    """What an agent has said in the end: all since its last crash."""
    said: list[int] = []
    for number, step in messages:
        if step.kind == "crash":
            said = []
        elif step.kind == "say":
            said.append(number)
    return said


EXPECTED = {"say": "answered", "task": "answered", "crash": "AgentCrashed", "unheard": "NoRoute"}


@given(scripts)
def test_states_and_lives_are_those_of_a_serial_model(script):
    run = played(script)

    for agent in AGENTS:
        messages = of(script, agent)
        crashes = sum(step.kind == "crash" for _, step in messages)
        event(f"crashes: {min(crashes, 3)}")
        assert run.states[agent] == model(messages)
        assert run.incarnations[agent] == 1 + crashes


@given(scripts)
def test_every_call_settles_with_what_its_message_came_to(script):
    run = played(script)

    assert run.answers == {number: EXPECTED[step.kind] for number, step in enumerate(script) if step.how == "call"}


@given(scripts)
def test_every_crash_is_reported_once_and_in_order(script):
    run = played(script)

    for agent in AGENTS:
        told = [int(report.failure.message) for report in run.reports if report.child == agent]
        assert told == [number for number, step in of(script, agent) if step.kind == "crash"]


@given(scripts, st.sampled_from(AGENTS))
def test_an_agent_that_does_not_crash_never_notices_the_others(script, calm):
    peaceful = [step for step in script if not (step.agent == calm and step.kind == "crash")]
    alone = [step for step in peaceful if step.agent in ("", calm)]
    among, by_itself = played(peaceful), played(alone)

    assert among.incarnations[calm] == 1
    assert len(among.states[calm]) == len(by_itself.states[calm])
    assert among.states[calm] == model(of(peaceful, calm))


@given(scripts_with_stops)
def test_every_message_has_exactly_one_fate(script):
    run = played(script)
    dead = Counter(letter.signal.data["number"] for letter in run.letters)

    for number, step in enumerate(script):
        if step.kind in ("pause", "stop"):
            continue
        crashed = HANDLED[number] if step.kind == "crash" else 0
        fates = {
            "handled": HANDLED[number] - crashed,
            "dead letter": dead[number],
            "refused": int(number in run.refused),
            "told": int(run.answers.get(number) in ("AgentStopped", "NoRoute", "AgentCrashed")),
        }
        event(max(fates, key=lambda fate: fates[fate]))
        assert sum(fates.values()) == 1, (step, fates)
        assert (number in run.answers) == (step.how == "call")


@given(scripts_with_stops)
def test_what_a_stopped_agent_handled_is_what_it_was_sent_up_to_some_point(script):
    run = played(script)

    for agent in AGENTS:
        routed = [(number, step) for number, step in of(script, agent) if step.kind != "unheard"]
        handled = [HANDLED[number] for number, _ in routed]
        crashes = sum(HANDLED[number] for number, step in routed if step.kind == "crash")
        assert handled == sorted(handled, reverse=True)
        assert run.incarnations[agent] <= 1 + crashes  # a stop may come before the restart does
