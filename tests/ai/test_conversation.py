"""What a conversation makes of what it is told."""

import pickle
import re
from copy import deepcopy
from typing import Any

import attrs
import pytest
from attrs import frozen

from jido_trio import Action, ai
from jido_trio.ai import (
    Answered,
    Ask,
    AskApproval,
    Asked,
    AssistantMessage,
    Budget,
    CallModel,
    Cancelled,
    Deny,
    ModelRule,
    NotAnswered,
    OutOfBudget,
    Price,
    Reply,
    Returned,
    Rules,
    RunTool,
    Tool,
    ToolMessage,
    ToolResult,
    Usage,
    UserMessage,
    _render,
    conversation,
    is_refused,
    refusal,
    render,
)
from jido_trio.ai._messages import Messages, mark_of
from jido_trio.ai._render import size_and_digest
from jido_trio.errors import InvalidDefinition


class Get(Action):
    city: str

    async def run(self, context): ...


class Pay(Action):
    sum: int

    async def run(self, context): ...


@frozen
class Trip:
    city: str
    nights: int


RULES = Rules(tools=(Tool(Get, replay="safe"), Tool(Pay)))
OSLO = ("get", {"city": "Oslo"})


def wrong(value: Any) -> Any:
    """Hide from a type checker what a value is."""
    return value


def asked(rules=RULES, text="hi"):
    return conversation(rules).ask(text)[0]


def returned(chat):
    return [event for event in chat.log if isinstance(event, Returned)]


def test_results_are_sent_in_the_order_of_the_calls_whatever_order_they_came_in():
    chat, _ = asked().replied(calls=[OSLO, ("pay", {"sum": 3})])
    chat, _ = chat.returned("pay", "paid")
    chat, _ = chat.returned("get", "snow")
    assert [m.content for m in chat.prompt.messages if isinstance(m, ToolMessage)] == ["snow", "paid"]


def test_a_reply_that_was_cut_in_its_text_is_an_answer_and_one_cut_in_a_call_is_none():
    cut, _ = asked().replied("so f", finish="length")
    assert isinstance(cut.outcome(), Answered)
    _, want = asked().replied(calls=[("get", '{"ci')], finish="length")
    assert want == (CallModel(1, 2, "default", 0.5, "chat"),)


def test_a_refusal_ends_the_request_with_that_reason():
    chat, want = asked().replied("I can't", finish="content_filter")
    assert want == ()
    assert (chat.outcome().why, chat.outcome().refused) == ("content filter", True)


def test_what_the_provider_says_to_wait_is_waited_if_it_is_longer_than_our_pause():
    chat, [want] = asked().failed("429", retry_after=7, billed=False)
    assert want.delay == 7
    chat, [want] = chat.failed("500", billed=False)
    assert want.delay == 1.0


def test_retries_end_and_the_next_ask_is_answered():
    chat = asked(attrs.evolve(RULES, retries=1))
    chat, _ = chat.failed("500")
    chat, want = chat.failed("529")
    assert want == ()
    assert chat.outcome() == NotAnswered("529", "", (), chat.conversation.spent)
    chat, _ = chat.ask("again")
    chat, _ = chat.replied("here")
    assert isinstance(chat.outcome(), Answered)


def test_a_failure_for_good_is_not_tried_again():
    chat, want = asked().failed("400", "never", billed=False)
    assert want == ()
    assert chat.conversation.spent.tokens == 0


def test_what_a_model_will_not_do_is_asked_of_its_fallback_at_once_and_ends_with_the_last():
    two = {"big": ModelRule(fallback="small"), "small": ModelRule()}
    chat = asked(Rules(model="big", models=two))
    chat, want = chat.failed("401", "fallback", billed=False)
    assert want == (CallModel(1, 2, "small", 0, "chat"),)
    chat, want = chat.failed("500")
    assert want == (CallModel(1, 3, "small", 0.5, "chat"),)
    chat, want = chat.failed("401", "fallback", billed=False)
    assert want == ()
    assert chat.outcome() == NotAnswered("401", "", (), chat.conversation.spent)


def test_a_late_reply_settles_what_was_booked_once():
    chat = asked(attrs.evolve(RULES, models={"default": ModelRule(price=Price(1, 1))}))
    chat, _ = chat.cancelled()
    reserved = chat.conversation.spent.money
    late = Reply(call=1, attempt=1, text="x", finish="stop", usage=Usage(3, 4))
    chat, want = chat.given(late)
    again, _ = chat.given(late)
    assert reserved > 4000
    assert chat.conversation.spent.money == again.conversation.spent.money == 7
    assert want == ()


def test_cancel_gives_each_open_call_a_result_and_the_next_ask_is_valid():
    chat, _ = asked().replied(calls=[OSLO, ("pay", {"sum": 3})])
    chat, _ = chat.started("pay")
    chat, want = chat.cancelled()
    assert want == ()
    assert [event.content for event in returned(chat)] == [
        "Cancelled before it was run.",
        "Cancelled while it was running. It may have happened.",
    ]
    assert isinstance(chat.outcome(), Cancelled)
    chat, _ = chat.ask("again")
    assert refusal(chat.prompt.messages) is None


def test_cancel_twice_is_once():
    chat, _ = asked().cancelled("request-1")
    again, _ = chat.cancelled("request-1")
    assert again == chat


def test_a_budget_of_two_calls_is_exact():
    chat = asked(attrs.evolve(RULES, budget=Budget(calls=2)))
    for _ in range(2):
        chat, _ = chat.replied(calls=[OSLO])
        chat, want = chat.returned("get", "snow")
    assert want == ()
    assert chat.outcome().limit == "calls"
    chat, _ = chat.ask("again")
    assert refusal(chat.prompt.messages) is None


def test_the_same_calls_in_a_row_end_the_request():
    chat = asked(attrs.evolve(RULES, budget=Budget(repeats=2)))
    for _ in range(2):
        chat, _ = chat.replied(calls=[OSLO])
        chat, _ = chat.returned("get", "snow")
    chat, want = chat.replied(calls=[OSLO])
    assert want == ()
    assert chat.outcome().limit == "repeats"


@pytest.mark.parametrize(
    ("cities", "limit", "calls"),
    [(["Oslo"] * 99, "repeats", 6), ([f"city {number}" for number in range(99)], "calls", 50)],
    ids=["always the same", "always something else"],
)
def test_a_model_that_goes_on_for_ever_is_stopped_though_nobody_set_a_limit(cities, limit, calls):
    chat, want = asked(Rules(tools=RULES.tools)), ()
    for city in cities:
        chat, want = chat.replied(calls=[("get", {"city": city})])
        if not want:
            break
        chat, want = chat.returned("get", "snow")
        if not want:
            break
    assert chat.outcome().limit == limit
    assert chat.conversation.spent.calls == calls


def test_a_model_without_a_price_is_not_called_where_money_is_limited():
    assert asked(Rules(budget=Budget(money=1))).outcome().limit == "unknown price"
    assert asked(Rules(budget=Budget(money=1, unknown_price=True))).outcome() is None


def test_a_reply_dearer_than_foreseen_is_booked_and_ends_further_calls():
    rules = Rules(tools=RULES.tools, budget=Budget(tokens=10_000))
    chat, _ = asked(rules).replied(calls=[OSLO], usage=Usage(9_000, 9_000))
    chat, want = chat.returned("get", "snow")
    assert want == ()
    assert chat.outcome() == OutOfBudget("tokens", "", chat.conversation.spent)
    assert chat.conversation.spent.tokens == 18_000


def test_the_budget_of_the_conversation_covers_all_requests():
    chat = asked(Rules(total=Budget(calls=1)))
    chat, _ = chat.replied("one")
    chat, want = chat.ask("two")
    assert want == ()
    assert isinstance(chat.outcome(), OutOfBudget)


def test_money_is_whole_millionths_rounded_up():
    assert Price(0.2, 0.8, 0.1).cost(Usage(input=11, output=1, cached=10)) == 2
    assert Price(0.1, 0).cost(Usage(input=30)) == 3
    assert Price(1, 0, 0.5, 2).cost(Usage(input=30, cached=10, written=4)) == 5 + 8 + 16
    assert Price(1, 0, 0.5, 2).bound(Usage(input=30)) == 60


def test_a_queue_is_worked_through_in_order_and_one_that_waits_can_be_cancelled():
    chat = asked()
    chat, _ = chat.ask("second")
    chat, _ = chat.ask("third")
    chat, _ = chat.cancelled("request-2")
    chat, _ = chat.replied("one")
    assert chat.conversation.request == "request-3"
    assert isinstance(chat.outcome("request-2"), Cancelled)


def test_steering_is_said_before_the_next_call_and_not_among_results():
    chat, _ = asked(attrs.evolve(RULES, busy="steer")).replied(calls=[OSLO])
    chat, _ = chat.ask("and Bergen")
    chat, _ = chat.returned("get", "snow")
    assert chat.prompt.messages[-2:] == (ToolMessage("call_1_1", "snow"), UserMessage("and Bergen"))


def test_what_comes_while_the_model_answers_is_answered_too():
    chat, _ = asked(attrs.evolve(RULES, busy="steer")).ask("and Bergen")
    chat, want = chat.replied("Oslo it is")
    assert isinstance(want[0], CallModel)
    assert chat.prompt.messages == (UserMessage("hi"), AssistantMessage("Oslo it is"), UserMessage("and Bergen"))


def test_what_comes_while_another_agent_answers_is_told_the_model_and_not_lost():
    chat, _ = conversation(attrs.evolve(RULES, busy="steer")).ask("one", id="a")
    chat, _ = chat.replied(calls=[OSLO])
    chat, _ = chat.ask("and two?", id="b")
    chat, _ = chat.started("get")
    chat, [call] = chat.given(ToolResult(id="call_1_1", content="the other's answer", final=True))
    assert isinstance(call, CallModel)
    assert chat.prompt.messages[-2:] == (ToolMessage("call_1_1", "the other's answer"), UserMessage("and two?"))
    chat, want = chat.replied("both")
    assert want == ()
    assert isinstance(done := chat.outcome("a"), Answered)
    assert done.text == "both"


@pytest.mark.parametrize("whose", ["budget", "total"])
def test_the_same_calls_in_a_row_end_a_request_whoever_limits_them(whose):
    budget = Budget(repeats=1)
    rules = attrs.evolve(RULES, total=budget if whose == "total" else Budget())
    chat, _ = conversation(rules).given(Ask(request="a", text="one", budget=budget if whose == "budget" else None))
    chat, _ = chat.replied(calls=[OSLO])
    chat, _ = chat.started("get")
    chat, _ = chat.returned("get", "snow")
    chat, want = chat.replied(calls=[OSLO])
    assert want == ()
    assert isinstance(chat.outcome(), OutOfBudget)


def test_reject_takes_nothing_while_it_is_busy():
    chat = asked(attrs.evolve(RULES, busy="reject"))
    again, _ = chat.ask("more", id="other")
    assert again == chat
    assert is_refused(chat.rules, chat.conversation, "other")


def test_what_is_asked_without_an_id_is_another_request_however_many_there_were():
    chat = conversation(Rules())
    for number in range(103):
        chat, _ = chat.ask("And now?")[0].replied(f"{number}")
    assert [end.text for end in chat.conversation.ended[-2:]] == ["101", "102"]
    chat, _ = conversation(Rules(busy="steer")).ask("Where?")[0].ask("In Norway")
    chat, _ = chat.replied("Where?")
    assert chat.ask("Now!")[0].conversation.steering


def test_what_was_said_is_made_into_a_message_once():
    chat, _ = asked().replied(calls=[OSLO])
    chat, _ = chat.returned("get", "snow")
    first = chat.prompt.messages
    chat, _ = chat.replied("Snow")[0].ask("Thanks")
    assert all(one is other for one, other in zip(first, chat.prompt.messages, strict=False))
    assert first[-1].mark is chat.prompt.messages[len(first) - 1].mark


def test_a_call_in_a_long_conversation_makes_no_message_of_what_was_sent_before(monkeypatch):
    chat, _ = asked().replied("Hello")
    for _ in range(20):
        chat, _ = chat.ask("and?")
        chat, _ = chat.replied(calls=[OSLO])
        chat, _ = chat.returned("get", "snow")
        chat, _ = chat.replied("snow")
    gone_through = []

    def messages(said):
        gone_through.extend(said)
        return real(said)

    real = _render._messages
    monkeypatch.setattr(_render, "_messages", messages)
    chat.ask("once more")

    assert [event.text for event in gone_through] == ["snow", "once more"]


def test_of_a_row_of_messages_that_goes_on_only_what_is_new_is_weighed():
    weighed = []

    class Weighed(UserMessage):
        @property
        def mark(self):
            weighed.append(self.text)
            return mark_of(self.plain)

    row = Messages([Weighed("one"), Weighed("two")])
    assert row.mark == row.mark
    longer = row.then([Weighed("three")])
    assert longer.mark == Messages(longer).mark

    assert weighed == ["one", "two", "three", "one", "two", "three"]


def test_what_is_sent_step_by_step_weighs_what_it_does_at_once():
    chat = asked(attrs.evolve(RULES, busy="steer"))
    steps = [
        lambda chat: chat.replied(calls=[OSLO, ("pay", {"sum": 3})]),
        lambda chat: chat.returned("pay", "paid"),
        lambda chat: chat.ask("and by train?"),
        lambda chat: chat.returned("get", "snow"),
        lambda chat: chat.replied("It snows."),
        lambda chat: chat.ask("thanks"),
    ]
    for step in steps:
        chat, _ = step(chat)
        anew = conversation(chat.rules, chat.log).conversation
        now, then = render(chat.rules, chat.conversation, "m"), render(chat.rules, anew, "m")
        assert now == then
        assert size_and_digest(now) == size_and_digest(then) == size_and_digest(deepcopy(now))


def test_an_ask_that_comes_again_is_the_same_request_also_when_it_has_ended():
    chat, _ = conversation(RULES).ask("hi", id="web-1")
    chat, _ = chat.replied("yes")
    again, want = chat.ask("hi", id="web-1")
    assert (again, want) == (chat, ())


def test_a_denied_call_is_told_with_the_reason_and_a_late_denial_changes_nothing():
    rules = Rules(tools=(Tool(Pay, approve=True),))
    chat, [want] = asked(rules).replied(calls=[("pay", {"sum": 3})])
    assert want == AskApproval("call_1_1", "pay", '{"sum": 3}')
    denied, _ = chat.denied("pay", "too dear")
    assert returned(denied)[0].content == "It is not allowed: too dear."
    approved, _ = chat.approved("pay")
    assert approved.given(Deny(id="call_1_1"))[0] == approved


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ('{"city": 3}', "at /city: expected a string, got 3"),
        ('{"city": "Oslo", "x": 1}', "at /x: no property of that name"),
        ("{}", "at /city"),
        ("", "at /city"),
        ("null", "got null"),
        ("[]", "got []"),
        ('{"ci', "expected JSON, got text that is no JSON (Unterminated string starting at: line 1 column 2 (char 1))"),
        ('{"city":\n "Oslo"', "got text that is no JSON (Expecting ',' delimiter: line 2 column 8 (char 16))"),
        ('{"city": NaN}', "expected JSON, got NaN, which is no JSON"),
        ('{"city": "Oslo", "city": "Rome"}', 'expected each property once, got "city" twice'),
        ('{"city": ' + "1" * 5000 + "}", "expected a number up to 1.79769e+308, got one of 5000 digits"),
        pytest.param("[" * 100_000, "expected at most 20 containers within each other, got more", id="deep"),
    ],
)
def test_arguments_that_do_not_fit_are_answered_with_the_path_and_what_is_expected(arguments, problem):
    chat, _ = asked().replied(calls=[("get", arguments)])
    [result] = returned(chat)
    assert result.error
    assert problem in result.content
    assert refusal(chat.prompt.messages) is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            lambda: ai.decide(RULES, ai.Conversation(), wrong("hi")),
            "a conversation is told inputs, not 'hi'; .*Ask, Reply, ",
        ),
        (lambda: conversation(RULES).given(wrong(Asked("1", "hi"))), "is told inputs, not Asked.*say Ask"),
        (
            lambda: ai.apply(ai.Conversation(), wrong("hi")),
            "is made of events, not of 'hi'; give values of Asked, Steered, ",
        ),
        (
            lambda: ai.fold([Asked("1", "hi"), wrong(None)]),
            "is made of events, not of None; .*as `decide` returns them",
        ),
    ],
)
def test_what_is_no_input_or_no_event_is_refused_by_name(given, told):
    with pytest.raises(TypeError, match=told):
        given()


def test_a_long_result_is_cut_and_says_so():
    chat, _ = asked(attrs.evolve(RULES, max_result=5)).replied(calls=[OSLO])
    chat, _ = chat.returned("get", "123456789")
    assert returned(chat)[0].content == "12345\n(cut: these are 5 of 9 characters)"


def test_an_answer_is_mended_by_a_call_that_counts_and_fails_after_the_last_one():
    chat, _ = asked(Rules(answer=Trip, repairs=1)).replied("Oslo")
    chat, want = chat.replied('```json\n{"city": "Oslo"}\n```')
    assert want == ()
    failed = chat.outcome()
    assert [problem.split(":")[0] for problem in failed.problems] == ["at /nights"]
    assert failed.spent.calls == 2


@pytest.mark.parametrize("fence", ["json", "JSON5", ""])
def test_an_answer_in_a_fence_is_read(fence):
    chat, _ = asked(Rules(answer=Trip)).replied(f'```{fence}\n{{"city": "Oslo", "nights": 2}}\n```')
    assert chat.outcome().value == Trip("Oslo", 2)


def test_compaction_leaves_the_summary_the_pinned_and_the_turn_at_hand():
    rules = attrs.evolve(RULES, compact_at=1200, instructions="Be brief.")
    chat, _ = asked(rules, "x" * 1200).replied("a")
    chat, [want] = chat.ask("second")
    assert want.purpose == "compact"
    assert chat.prompt.tools == ()
    chat, [want] = chat.replied("They said x.")
    assert want.purpose == "chat"
    assert chat.prompt.messages == (UserMessage("second"),)
    assert chat.prompt.system == "Be brief.\n\nWhat was said earlier in this conversation, in short:\nThey said x."


def test_a_summary_that_was_cut_says_so_and_the_model_knows_beforehand_how_long_it_may_be():
    rules = attrs.evolve(RULES, compact_at=1200, models={"default": ai.ModelRule(max_tokens=300)})
    chat, _ = asked(rules, "x" * 1200).replied("a")
    chat, _ = chat.ask("second")
    assert chat.prompt.messages[-1].text.endswith("Write the summary only, in 150 words at most.")
    chat, [want] = chat.replied("They said x, and the", finish="length")
    assert want.purpose == "chat"
    assert chat.prompt.system.endswith("They said x, and the\n(The summary was cut here, as it became too long.)")


@pytest.mark.parametrize(("text", "finish"), [("", "stop"), (" \n", "length")])
def test_a_summary_that_says_nothing_is_none_and_all_that_was_said_is_kept(text, finish):
    chat, _ = asked(attrs.evolve(RULES, compact_at=1200, retries=1)).replied("x" * 1200)
    chat, _ = chat.ask("second")
    chat, [want] = chat.replied(text, finish=finish)
    assert (want.purpose, want.attempt) == ("compact", 2)
    chat, [want] = chat.replied(text, finish=finish)
    assert want.purpose == "chat"
    assert AssistantMessage("x" * 1200) in chat.prompt.messages


def test_a_summary_that_is_refused_is_none_and_the_request_goes_on():
    chat, _ = asked(attrs.evolve(RULES, compact_at=1200)).replied("x" * 1200)
    chat, _ = chat.ask("second")
    chat, [want] = chat.replied("I can't.", finish="content_filter")
    assert want.purpose == "chat"
    assert AssistantMessage("x" * 1200) in chat.prompt.messages


def test_a_prompt_that_is_too_long_is_compacted_once():
    chat, _ = asked().replied("a")
    chat, _ = chat.ask("second")
    chat, [want] = chat.failed("too long", "overflow", billed=False)
    assert want.purpose == "compact"
    chat, [want] = chat.replied("short")
    chat, want = chat.failed("too long", "overflow", billed=False)
    assert want == ()
    assert chat.outcome().why == "too long"


def test_a_tool_that_is_gone_after_a_restart_has_an_error_result():
    chat, _ = asked().replied(calls=[OSLO])
    chat = attrs.evolve(chat, rules=Rules(tools=(Tool(Pay),)))
    chat, _ = chat.restarted()
    assert returned(chat)[0].content == "there is no tool 'get'"


def test_a_keyed_tool_is_run_again_under_the_same_id():
    chat, want = asked(Rules(tools=(Tool(Pay, replay="keyed"),))).replied(calls=[("pay", {"sum": 3})])
    chat, _ = chat.started("pay")
    chat, again = chat.restarted()
    assert again == want == (RunTool("call_1_1", "pay", '{"sum": 3}'),)


def test_a_lost_call_is_sent_again_even_without_retries_and_not_for_ever():
    chat = asked(Rules(retries=0))
    chat, [want] = chat.restarted()
    assert want == CallModel(1, 2, "default", 0, "chat")
    chat, want = chat.restarted()
    assert want == ()
    assert "died each time" in chat.outcome().why


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Tool(str), "is no tool: give a class of actions"),  # type: ignore[arg-type]
        (lambda: Tool(Pay, replay="twice"), "replay='twice' of tool 'pay' is not one of 'safe', 'keyed', 'once'"),  # type: ignore[arg-type]
        (lambda: Tool(Pay, timeout=0), "timeout=0 of tool 'pay' must be seconds, above 0"),
        (lambda: Tool(Pay, approve="yes"), "approve='yes' of tool 'pay' must be True or False"),  # type: ignore[arg-type]
        (lambda: Budget(money=-1), "money=-1 of a budget must be money, 0 or more"),
        (lambda: Budget(calls=1.5), "calls=1.5 of a budget must be a whole number"),  # type: ignore[arg-type]
        (lambda: Price("1", 2), "input='1' of a price must be money"),  # type: ignore[arg-type]
    ],
)
def test_wrong_options_are_refused(make, says):
    with pytest.raises(InvalidDefinition, match=re.escape(says)):
        make()


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (lambda chat: chat.replied("x"), "no call of a model is wanted"),
        (lambda chat: chat.returned("get"), "no call of 'get' is to be run"),
        (lambda chat: chat.approved("get"), "no call of 'get' is to be approved"),
        (lambda chat: chat.prompt, "no call of a model is wanted"),
    ],
)
def test_a_step_that_does_not_apply_says_so(step, says):
    with pytest.raises(LookupError, match=says):
        step(conversation(RULES))


def test_a_request_that_steered_another_is_known_when_its_text_was_summarised():
    c = ai.fold(
        [
            ai.Asked("first", "go"),
            ai.Steered("second", "first", "and faster"),
            ai.Ended("first", "answered"),
            ai.Asked("third", "go on"),
            ai.Compacted(call=1, attempt=1, summary="it went", before="third", spent=ai.Spent()),
        ]
    )

    assert all("faster" not in str(said) for said in c.messages)
    assert c.knows("second")


def test_a_conversation_goes_to_another_process_and_back_with_its_rules_and_tools():
    chat, _ = asked().replied(calls=[OSLO])
    for again in (pickle.loads(pickle.dumps(chat)), deepcopy(chat)):
        assert again == chat
        assert again.rules.tools[0].made('{"city": "Oslo"}') == chat.rules.tools[0].made('{"city": "Oslo"}')
        assert again.returned("get", "snow") == chat.returned("get", "snow")
