"""The adapter for Anthropic's messages, where it is other than those of other providers."""

# mypy: disable-error-code="union-attr,arg-type"

import json

import pytest
from attrs import evolve

from jido_trio import Jido
from jido_trio.ai import (
    Answered,
    AssistantMessage,
    ChatAgent,
    Model,
    ModelReply,
    Models,
    ToolCall,
    ToolMessage,
    ToolSchema,
    Usage,
    UserMessage,
    Verbatim,
    ask,
)
from jido_trio.ai.anthropic import Anthropic
from jido_trio.testing import HttpReply, messages_reply, open_fake_anthropic
from tests.ai.providers import ANTHROPIC, KEY, PROMPT, REQUEST, Trip, Weather

CALL = ToolCall("call_1_1", "weather", '{"city": "Oslo"}')
TOOL = ToolSchema("weather", "The weather", {"type": "object", "properties": {}})
THINKING = {"thinking": {"type": "enabled", "budget_tokens": 40}}


async def sent(*messages, **options):
    """Return the body of a request with such messages; the strict server took it."""
    request = evolve(REQUEST, prompt=evolve(PROMPT, messages=messages))
    reply, _, server = await ANTHROPIC.asked(messages_reply("x"), request=request, **options)
    assert isinstance(reply, ModelReply), reply
    return server.requests[0]


async def test_a_request_says_all_that_the_prompt_does():
    told = (UserMessage("hi"), AssistantMessage("", (CALL,)), ToolMessage("call_1_1", "snow"))
    answer = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "additionalProperties": False}
    prompt = evolve(PROMPT, messages=told, tools=(TOOL,), answer=answer)
    request = evolve(REQUEST, prompt=prompt)
    _, _, server = await ANTHROPIC.asked(
        messages_reply("x"), request=request, options={"temperature": 0, "of_tomorrow": 1}
    )
    [body] = server.requests
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    assert body["messages"][1]["content"] == [
        {"type": "tool_use", "id": "call_1_1", "name": "weather", "input": {"city": "Oslo"}}
    ]
    assert body["tools"] == [{"name": "weather", "description": "The weather", "input_schema": TOOL.parameters}]
    assert "minimum" not in body["output_config"]["format"]["schema"]["properties"]["n"]
    assert (body["system"], body["max_tokens"], body["temperature"], body["stream"]) == ("Be brief.", 50, 0, True)
    assert body["of_tomorrow"] == 1
    assert server.headers[0]["idempotency-key"] == "ann/1.1"


async def test_what_is_said_in_one_role_is_put_together_results_first():
    body = await sent(
        UserMessage("hi"),
        AssistantMessage("let me see", (CALL, evolve(CALL, id="call_1_2"))),
        ToolMessage("call_1_1", "", error=True),
        ToolMessage("call_1_2", ""),
        UserMessage("be quick"),
    )
    last = body["messages"][-1]["content"]
    assert [block["type"] for block in last] == ["tool_result", "tool_result", "text"]
    assert (last[0]["is_error"], last[0]["content"], last[1]["content"]) == (True, "(nothing)", "")


async def test_what_is_blank_is_never_sent_as_text():
    body = await sent(UserMessage(" \n"), AssistantMessage(" "), UserMessage("hi"))
    assert [message["content"] for message in body["messages"]] == [
        [{"type": "text", "text": "(nothing)"}, {"type": "text", "text": "hi"}]
    ]


async def test_a_transcript_with_calls_names_their_tools_where_none_may_be_called():
    result = ToolMessage("call_1_1", "x")
    body = await sent(UserMessage("hi"), AssistantMessage("", (CALL,)), result, UserMessage("sum up"))
    assert body["tools"] == [{"name": "weather", "input_schema": {"type": "object"}}]
    assert body["tool_choice"] == {"type": "none"}


async def test_arguments_that_are_no_json_stay_the_text_that_they_are():
    reply, _, _ = await ANTHROPIC.asked(messages_reply(calls=[("weather", '{"city": "Os')]))
    assert reply.calls[0].arguments == '{"city": "Os'


async def test_tokens_read_from_the_cache_and_written_to_it_are_counts_of_their_own():
    reply, _, _ = await ANTHROPIC.asked(
        messages_reply("x", usage={"cache_read_input_tokens": 100, "cache_creation_input_tokens": 7})
    )
    assert reply.usage == Usage(119, 5, cached=100, written=7)


async def test_a_server_that_does_not_tell_what_it_was_asked_has_not_told_what_it_took():
    reply, _, _ = await ANTHROPIC.asked(messages_reply("x", usage={"input_tokens": -1}))
    assert reply.usage is None


# Thoughts


async def test_a_thought_goes_back_signed_and_in_its_place_with_our_names_of_the_calls():
    thoughtful = messages_reply("so", calls=[("weather", "{}")], thought="is it cold")
    first, told, _ = await ANTHROPIC.asked(thoughtful, options=THINKING)
    assert (first.text, told) == ("so", ["so"])
    said = AssistantMessage(first.text, (evolve(CALL, arguments="{}"),), first.verbatim)
    body = await sent(UserMessage("hi"), said, ToolMessage("call_1_1", "snow"), options=THINKING)
    thought, text, call = body["messages"][1]["content"]
    assert (thought["thinking"], text["text"], call["id"]) == ("is it cold", "so", "call_1_1")
    assert body["thinking"] == THINKING["thinking"]


async def test_a_thought_without_calls_is_not_kept():
    reply, _, _ = await ANTHROPIC.asked(messages_reply("so", thought="is it cold"), options=THINKING)
    assert reply.verbatim is None


async def test_calls_of_a_model_that_did_not_think_are_answered_without_thinking():
    body = await sent(
        UserMessage("hi"), AssistantMessage("", (CALL,)), ToolMessage("call_1_1", "snow"), options=THINKING
    )
    assert body["thinking"] == {"type": "disabled"}


async def test_what_another_provider_wants_back_is_not_sent():
    said = AssistantMessage("so", (CALL,), Verbatim("openai", '[{"type": "reasoning"}]'))
    body = await sent(UserMessage("hi"), said, ToolMessage("call_1_1", "snow"))
    assert body["messages"][1]["content"][0] == {"type": "text", "text": "so"}


async def test_a_changed_thought_is_refused_by_the_strict_server():
    thought = '[{"type": "thinking", "thinking": "other", "signature": "forged"}, {"type": "tool_use"}]'
    said = AssistantMessage("", (CALL,), Verbatim("anthropic", thought))
    told = (UserMessage("hi"), said, ToolMessage("call_1_1", "snow"))
    reply, _, server = await ANTHROPIC.asked(request=evolve(REQUEST, prompt=evolve(PROMPT, messages=told)))
    assert (reply.kind, reply.billed) == ("never", False)
    assert server.refused == ["messages.1: invalid signature in thinking block"]


# Faults


async def test_a_call_that_was_cut_has_no_finish_and_keeps_its_half():
    reply, _, _ = await ANTHROPIC.asked(messages_reply(calls=[("weather", '{"city"')], end="early"))
    assert (reply.finish, reply.calls[0].arguments) == (None, '{"city"')


@pytest.mark.parametrize("end", ["cut", "early"])
async def test_of_a_reply_that_breaks_what_was_counted_before_it_is_not_what_it_took(end):
    reply, _, _ = await ANTHROPIC.asked(messages_reply("Snow in", end=end))
    assert reply.usage is None


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("stop_sequence", "stop"),
        ("of_tomorrow", "stop"),
    ],
)
async def test_why_it_stopped(reason, finish):
    reply, _, _ = await ANTHROPIC.asked(messages_reply("x", finish=reason))
    assert reply.finish == finish


async def test_where_the_account_is_empty_another_model_may_do():
    why = "Your credit balance is too low to access the Anthropic API."
    body = json.dumps({"type": "error", "error": {"type": "invalid_request_error", "message": why}})
    reply, _, _ = await ANTHROPIC.asked(HttpReply(400, body=body))
    assert (reply.kind, reply.billed) == ("fallback", False)


async def test_a_paused_turn_is_a_failure_for_good():
    reply, _, _ = await ANTHROPIC.asked(messages_reply("x", finish="pause_turn"))
    assert (reply.kind, reply.usage) == ("never", Usage(12, 5))


async def test_a_key_of_the_environment_that_is_none_is_told_and_nothing_is_sent(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", f"{KEY}\n")
    reply = await Anthropic().stream(REQUEST, lambda _: None)
    assert (reply.kind, reply.billed) == ("fallback", False)
    assert reply.why.startswith("ANTHROPIC_API_KEY of the environment must be a key")
    assert KEY not in repr(reply)


async def test_without_a_key_it_says_so(monkeypatch, tmp_path):
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    reply = await Anthropic(base_url="http://127.0.0.1:9").stream(REQUEST, lambda _: None)
    assert (reply.kind, reply.billed) == ("fallback", False)
    assert "ANTHROPIC_API_KEY" in reply.why


# The whole way: an agent, the SDK, HTTP


async def test_an_agent_is_answered_through_every_fault_and_its_thoughts_go_back():
    script = [
        HttpReply(429, {"retry-after": "0"}, body="{}"),
        HttpReply(529, body="{}"),
        messages_reply("Snow in", end="early"),
        messages_reply(calls=[("weather", '{"city": "Os'), ("weather", '{"city": "Oslo"}')], thought="where is it"),
        messages_reply("Snow in Oslo"),
    ]
    async with open_fake_anthropic(script) as server:
        client = Anthropic(api_key=KEY, base_url=server.base_url, options=THINKING)
        models = Models(fast=Model("small-1", client, max_tokens=50))

        class Planner(ChatAgent[Trip], models=models, model="fast", tools=[Weather], first_pause=0): ...

        async with Jido("trips", services=[models]) as jido:
            request = await ask(await jido.start_agent(Planner), "Oslo")
            answer = await request.answer(timeout=20)
    assert isinstance(answer, Answered)
    assert answer.text == "Snow in Oslo"
    assert len(server.requests) == answer.spent.calls == 5
    assert server.refused == []
    thought, *calls = server.requests[-1]["messages"][1]["content"]
    assert thought["thinking"] == "where is it"
    assert [call["input"] for call in calls] == [{}, {"city": "Oslo"}]
