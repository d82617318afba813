"""What follows from an Error directive, by policy."""

import pytest
from attrs import frozen

from jido_trio.core import (
    Agent,
    EmitErrors,
    Error,
    MaxErrors,
    ToAgent,
)
from jido_trio.core.inner import Verdict, decide_error
from jido_trio.errors import ActionError, InvalidDefinition


@frozen
class State:
    limit: int = 3


class Worker(Agent[State]): ...


AGENT = Worker.new("w-1")
ERROR = Error(ActionError("no", details={"row": 3}, retryable=True), context="instruction")


def test_log_goes_on():
    assert decide_error("log", ERROR, 99, AGENT) == Verdict("continue")


@pytest.mark.parametrize("word", ["stop", "crash"])
def test_stop_and_crash_say_so(word):
    assert decide_error(word, ERROR, 1, AGENT) == Verdict(word)


def test_emit_sends_the_error_as_plain_data_and_goes_on():
    verdict = decide_error("emit", ERROR, 1, AGENT)
    assert verdict.then == "continue"
    assert verdict.emit is not None
    assert verdict.emit.signal.type == "jido.agent.error"
    assert verdict.emit.signal.data == {
        "agent_id": "w-1",
        "context": "instruction",
        "error": {"type": "ActionError", "message": "no", "details": {"row": 3}, "retryable": True},
    }


def test_emit_errors_says_where_to():
    verdict = decide_error(EmitErrors(ToAgent("boss")), ERROR, 1, AGENT)
    assert verdict.emit is not None
    assert verdict.emit.dispatch == ToAgent("boss")


def test_max_errors_stops_at_the_nth():
    verdicts = [decide_error(MaxErrors(3), ERROR, n, AGENT).then for n in (1, 2, 3, 4)]
    assert verdicts == ["continue", "continue", "stop", "stop"]


@pytest.mark.parametrize("count", [0, -1, "3", True])
def test_max_errors_is_one_or_more(count):
    with pytest.raises(InvalidDefinition, match="1 or more"):
        MaxErrors(count)


@pytest.mark.parametrize("word", ["continue", "stop"])
def test_a_function_decides_from_the_error_and_the_agent(word):
    def judge(error, agent):
        return word if (error, agent) == (ERROR, AGENT) else "nonsense"

    assert decide_error(judge, ERROR, 1, AGENT) == Verdict(word)


def test_a_function_that_raises_is_reported_and_the_agent_goes_on():
    def judge(error, agent):
        raise KeyError("limit")

    verdict = decide_error(judge, ERROR, 1, AGENT)
    assert verdict.then == "continue"
    assert "raised KeyError: 'limit'" in (verdict.problem or "")


def test_a_function_that_answers_nonsense_is_reported_and_the_agent_goes_on():
    verdict = decide_error(lambda error, agent: "maybe", ERROR, 1, AGENT)  # type: ignore[arg-type,return-value]
    assert verdict.then == "continue"
    assert "answered 'maybe'" in (verdict.problem or "")


@pytest.mark.parametrize("policy", ["log", "emit", MaxErrors(2), EmitErrors(), lambda error, agent: "stop"])
def test_an_agent_class_keeps_its_policy(policy):
    class Declared(Agent[State], error_policy=policy): ...

    assert Declared.error_policy == policy


@pytest.mark.parametrize("policy", [5, MaxErrors, "logg", None.__class__])
def test_what_is_no_policy_is_refused(policy):
    with pytest.raises(InvalidDefinition, match="error_policy"):
        type("Bad", (Agent,), {}, error_policy=policy)


@pytest.mark.parametrize("dispatch", [5, "boss", [5]])
def test_where_errors_go_must_be_a_target(dispatch):
    with pytest.raises(InvalidDefinition, match="dispatch="):
        EmitErrors(dispatch)
