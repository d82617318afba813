"""Each ready-made action, as a function: from a state and a signal to a state and directives."""

from typing import Any

import attrs
import pytest
from attrs import evolve

from jido_trio import Agent, Emit, Error, Schedule, Signal, SpawnAgent, Stop, StopChild, ToAgent, ToParent
from jido_trio.actions import (
    Broadcast,
    Cancel,
    EndChild,
    Forward,
    MarkCompleted,
    MarkFailed,
    MarkIdle,
    MarkWorking,
    Noop,
    NotifyAgent,
    NotifyParent,
    Progress,
    Respond,
    ScheduleSignal,
    ScheduleTimeout,
    SetStatus,
    SpawnChild,
    StopSelf,
)
from jido_trio.runtime import MailboxRules
from jido_trio.supervision import Backoff, Budget


class Worker(Agent[Progress], routes={"work.done": MarkCompleted}): ...


WORKER = Worker.new("worker")
QUESTION = Signal("shop.question", {"reply_to": "desk", "text": "open?"}, source="/shop", subject="hours")


def after(action, signal=None):
    agent, directives = Worker.cmd(WORKER, action, signal=signal)
    return agent.state, directives


def sent(action, signal=None):
    state, (emit,) = after(action, signal)
    assert state == Progress()
    assert isinstance(emit, Emit)
    return emit.signal, emit.dispatch


@pytest.mark.parametrize(
    ("action", "changes"),
    [
        (SetStatus(status="sleeping"), {"status": "sleeping"}),
        (MarkWorking(), {"status": "working"}),
        (MarkWorking(task="t-1"), {"status": "working", "task": "t-1"}),
        (MarkCompleted(result=42), {"status": "completed", "last_answer": 42}),
        (MarkCompleted(result=False), {"status": "completed", "last_answer": False}),
        (MarkCompleted(), {"status": "completed", "last_answer": None}),
        (MarkFailed(reason="no paper"), {"status": "failed", "error": "no paper"}),
        (MarkIdle(), {"status": "idle"}),
        (Cancel(reason="too late"), {"status": "failed", "error": ("cancelled", "too late")}),
        (Noop(), {}),
    ],
)
def test_a_word_about_the_work_changes_the_state_and_nothing_else(action, changes):
    assert after(action) == (evolve(Progress(), **changes), ())


def test_marking_as_working_keeps_the_task_that_is_there():
    busy = Worker.new("worker", Progress(task="t-1"))
    assert Worker.cmd(busy, MarkWorking())[0].state == Progress(status="working", task="t-1")


def test_the_answer_comes_from_the_data_of_a_routed_signal():
    agent, directives = WORKER.cmd(*WORKER.instructions_for(Signal("work.done", {"result": "ok"})))
    assert (agent.state.last_answer, directives) == ("ok", ())


def test_notify_parent_emits_to_the_parent():
    signal, dispatch = sent(NotifyParent(type="done", payload=1))
    assert (signal.type, signal.data, dispatch) == ("done", 1, ToParent())


def test_notify_agent_emits_to_that_agent():
    signal, dispatch = sent(NotifyAgent(agent="boss", type="done", payload={"n": 1}))
    assert (signal.type, signal.data, dispatch) == ("done", {"n": 1}, ToAgent("boss"))


def test_broadcast_emits_one_signal_to_all():
    signal, dispatch = sent(Broadcast(agents=["a", "b"], type="news"))
    assert (signal.type, dispatch) == ("news", [ToAgent("a"), ToAgent("b")])


def test_forward_sends_a_new_signal_that_tells_where_it_came_from():
    signal, dispatch = sent(Forward(agent="audit"), QUESTION)
    assert dispatch == ToAgent("audit")
    assert (signal.type, signal.data, signal.subject) == (QUESTION.type, QUESTION.data, QUESTION.subject)
    assert signal.source == "/shop/forwarded"
    assert signal.cause == QUESTION.id != signal.id


def test_a_made_action_as_a_target_takes_a_signal_with_any_data():
    class Relay(Agent, routes={"shop.**": Forward(agent="audit")}): ...

    _, (emit,) = Relay.new("relay").cmd(list(Relay.instructions_for(QUESTION)), signal=QUESTION)
    assert isinstance(emit, Emit)
    assert emit.dispatch == ToAgent("audit")


def test_respond_answers_whom_the_signal_names():
    signal, dispatch = sent(Respond(payload="yes"), QUESTION)
    assert dispatch == ToAgent("desk")
    assert (signal.type, signal.data) == ("reply", {"in_reply_to": QUESTION.id, "payload": "yes"})


@pytest.mark.parametrize("data", [None, "text", {}, {"reply_to": ""}, {"reply_to": 5}])
def test_respond_says_no_where_the_signal_names_nobody(data):
    state, (error,) = after(Respond(), Signal("q", data))
    assert isinstance(error, Error)
    assert "reply_to" in str(error.error)
    assert state == Progress()


@pytest.mark.parametrize("action", [Forward(agent="audit"), Respond()])
def test_what_is_about_a_signal_says_no_without_one(action):
    _, (error,) = after(action)
    assert isinstance(error, Error)
    assert repr(action.name) in str(error.error)


def test_spawn_child_starts_an_agent():
    state, (spawn,) = after(SpawnChild(agent=Worker, tag="helper", id="h-1", state={"task": "t"}, meta={"n": 1}))
    assert spawn == SpawnAgent(Worker, "helper", id="h-1", state={"task": "t"}, meta={"n": 1})
    assert state == Progress()


def test_spawn_child_takes_all_that_spawn_agent_does():
    options: dict[str, Any] = {
        "on_parent_death": "continue",
        "restart": "permanent",
        "shutdown": None,
        "mailbox_size": 7,
        "mailbox": MailboxRules(when_full="reject", coalesce=lambda signal: signal.type),
        "backoff": Backoff(first=1),
        "budget": Budget(max_restarts=2),
        "after_crash": "committed",
        "max_handle_time": 2.5,
        "default_dispatch": ToAgent("audit"),
    }
    _, (spawn,) = after(SpawnChild(agent=Worker, tag="helper", **options))

    assert spawn == SpawnAgent(Worker, "helper", **options)
    fields: Any = attrs.fields
    assert {field.name for field in fields(SpawnAgent)} == {field.name for field in fields(SpawnChild)}


def test_end_child_stops_one():
    assert after(EndChild(tag="helper", reason="done")) == (Progress(), (StopChild("helper", "done"),))


def test_stop_self_stops_the_agent():
    assert after(StopSelf(reason="done")) == (Progress(), (Stop("done"),))


def test_schedule_signal_sets_a_timer():
    _, (schedule,) = after(ScheduleSignal(delay=1.5, type="tick", payload=1))
    assert isinstance(schedule, Schedule)
    assert (schedule.delay, schedule.message.type, schedule.message.data) == (1.5, "tick", 1)


def test_schedule_timeout_tells_one_timeout_from_another():
    _, (schedule,) = after(ScheduleTimeout(delay=2, timeout_id="t-1"))
    assert isinstance(schedule, Schedule)
    assert (schedule.message.type, schedule.message.data) == ("agent.timeout", {"timeout_id": "t-1"})
