"""The adapter for OpenAI's responses, where it is other than those of other forms and providers."""

# mypy: disable-error-code="union-attr,arg-type"

import pytest
from attrs import evolve

from jido_trio import Jido
from jido_trio.ai import (
    Answered,
    AssistantMessage,
    ChatAgent,
    Model,
    Models,
    ToolCall,
    ToolMessage,
    ToolSchema,
    UserMessage,
    ask,
)
from jido_trio.ai.openai import OpenAI
from jido_trio.errors import InvalidDefinition
from jido_trio.testing import HttpReply, open_fake_openai, responses_reply
from tests.ai.providers import KEY, PROMPT, REQUEST, RESPONSES, Trip, Weather

CALL = ToolCall("call_1_1", "weather", '{"city": "Oslo"}')
TOLD = (UserMessage("hi"), AssistantMessage("so", (CALL,)), ToolMessage("call_1_1", "snow"))


async def test_a_request_says_all_that_the_prompt_does_and_has_nothing_kept():
    tool = ToolSchema("weather", "The weather", {"type": "object", "properties": {}})
    prompt = evolve(PROMPT, messages=TOLD, tools=(tool,), answer={"type": "object"})
    options = {"reasoning": {"effort": "low"}}
    _, _, server = await RESPONSES.asked(responses_reply("x"), request=evolve(REQUEST, prompt=prompt), options=options)
    [body] = server.requests
    assert body["input"] == [
        {"type": "message", "role": "user", "content": "hi"},
        {"type": "message", "role": "assistant", "content": "so"},
        {"type": "function_call", "call_id": "call_1_1", "name": "weather", "arguments": '{"city": "Oslo"}'},
        {"type": "function_call_output", "call_id": "call_1_1", "output": "snow"},
    ]
    assert (body["instructions"], body["max_output_tokens"], body["store"]) == ("Be brief.", 50, False)
    assert body["tools"][0]["name"] == "weather"
    assert body["text"]["format"]["schema"] == {"type": "object"}
    assert body["reasoning"] == {"effort": "low"}
    assert server.headers[0]["idempotency-key"] == "ann/1.1"


@pytest.mark.parametrize("called", ["id", "call_id"])
async def test_a_server_that_tells_no_places_is_read_by_its_ids(called):
    whole = responses_reply("so", calls=[("weather", '{"city": "Oslo"}'), ("now", "{}")])
    events = [_without_place(event, called) for event in whole.events]
    reply, told, _ = await RESPONSES.asked(evolve(whole, events=events))
    assert (reply.text, told) == ("so", ["so"])
    assert [(call.name, call.arguments) for call in reply.calls] == [("weather", '{"city": "Oslo"}'), ("now", "{}")]


def _without_place(event, called):
    told = {name: value for name, value in event.items() if name != "output_index"}
    if called == "call_id" and told.get("item", {}).get("type") == "function_call":
        told["item"] = {**told["item"], "call_id": told["item"]["id"]}
        del told["item"]["id"]
    return told


async def test_a_server_that_tells_all_at_the_end_is_read_there():
    output = [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "so"}]},
        {"type": "function_call", "call_id": "a", "name": "weather", "arguments": '{"city": "Oslo"}'},
    ]
    last = {"type": "response.completed", "response": {"status": "completed", "output": output}}
    reply, _, _ = await RESPONSES.asked(HttpReply(events=[last]))
    assert (reply.text, reply.finish) == ("so", "tool_calls")
    assert [(call.name, call.arguments) for call in reply.calls] == [("weather", '{"city": "Oslo"}')]


@pytest.mark.parametrize("output", [[{"type": "message", "content": [{"type": "output_text", "text": "Snow"}]}], None])
async def test_a_server_that_tells_pieces_and_no_items_is_read_by_them(output):
    pieces = [{"type": "response.output_text.delta", "item_id": "m", "delta": each} for each in ("Sn", "ow")]
    end = {"type": "response.completed", "response": {"status": "completed", "output": output}}
    reply, told, _ = await RESPONSES.asked(HttpReply(events=[*pieces, end]))
    assert (reply.text, told, reply.finish) == ("Snow", ["Sn", "ow"], "stop")


async def test_arguments_that_are_no_text_are_a_failure_that_shows_the_event():
    call = {"type": "function_call", "call_id": "c", "name": "weather", "arguments": {"city": "Oslo"}}
    end = {"type": "response.completed", "response": {"status": "completed", "output": [call]}}
    reply, _, _ = await RESPONSES.asked(HttpReply(events=[end]))
    assert reply.why.startswith("an event can't be read (TypeError: the arguments are no text)")


async def test_a_thought_goes_back_sealed_and_in_its_place_with_our_names_of_the_calls():
    first, _, _ = await RESPONSES.asked(responses_reply("so", calls=[("weather", "{}")], thought="is it cold"))
    said = AssistantMessage(first.text, (CALL,), first.verbatim)
    prompt = evolve(PROMPT, messages=(UserMessage("hi"), said, ToolMessage("call_1_1", "snow")))
    _, _, server = await RESPONSES.asked(responses_reply("x"), request=evolve(REQUEST, prompt=prompt))
    _, thought, text, call, result = server.requests[0]["input"]
    assert (thought["type"], text["content"], call["call_id"]) == ("reasoning", "so", "call_1_1")
    assert thought["encrypted_content"]
    assert result["output"] == "snow"


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("max_output_tokens", "length"), ("of_tomorrow", "length"), ("content_filter", "content_filter")],
)
async def test_why_it_is_incomplete(reason, finish):
    reply, _, _ = await RESPONSES.asked(responses_reply("x", incomplete=reason))
    assert reply.finish == finish


async def test_a_refusal_is_the_models_last_word_and_is_told_to_nobody():
    whole = responses_reply("I'd rather not")
    events = [
        {**event, "type": "response.refusal.delta"} if event["type"] == "response.output_text.delta" else event
        for event in whole.events
    ]
    reply, told, _ = await RESPONSES.asked(evolve(whole, events=events))
    assert (reply.text, reply.finish, told) == ("I'd rather not", "content_filter", [])


async def test_a_call_that_was_cut_has_no_finish_and_keeps_its_half():
    reply, _, _ = await RESPONSES.asked(responses_reply(calls=[("weather", '{"city"')], end="early"))
    assert (reply.finish, reply.calls[0].arguments) == (None, '{"city"')


async def test_a_response_that_failed_is_a_failure():
    failed = {"type": "response.failed", "response": {"error": {"code": "server_error", "message": "overloaded"}}}
    half = responses_reply("Snow in", end="early")
    reply, _, _ = await RESPONSES.asked(evolve(half, events=[*half.events, failed]))
    assert (reply.why, reply.kind) == ("an error within the reply: overloaded", "retry")


async def test_a_result_without_its_call_is_refused_by_the_strict_server():
    request = evolve(REQUEST, prompt=evolve(PROMPT, messages=(TOLD[0], TOLD[2])))
    reply, _, server = await RESPONSES.asked(request=request)
    assert (reply.kind, server.refused) == ("never", ["input[1]: a result without its call"])


def test_another_form_is_refused():
    with pytest.raises(InvalidDefinition, match="form='respones' of OpenAI"):
        OpenAI(form="respones")


# The whole way: an agent, the SDK, HTTP


async def test_an_agent_is_answered_through_every_fault_and_its_thoughts_go_back():
    script = [
        HttpReply(429, {"retry-after": "0"}, body="{}"),
        HttpReply(500, body="{}"),
        responses_reply("Snow in", end="early"),
        responses_reply(calls=[("weather", '{"city": "Os'), ("weather", '{"city": "Oslo"}')], thought="where is it"),
        responses_reply("Snow in Oslo"),
    ]
    async with open_fake_openai(script) as server:
        client = OpenAI(api_key=KEY, base_url=server.base_url, form="responses")
        models = Models(fast=Model("small-1", client, max_tokens=50))

        class Planner(ChatAgent[Trip], models=models, model="fast", tools=[Weather], first_pause=0): ...

        async with Jido("trips", services=[models]) as jido:
            request = await ask(await jido.start_agent(Planner), "Oslo")
            answer = await request.answer(timeout=20)
    assert isinstance(answer, Answered)
    assert answer.text == "Snow in Oslo"
    assert len(server.requests) == answer.spent.calls == 5
    assert server.refused == []
    kinds = [item.get("type", item.get("role")) for item in server.requests[-1]["input"]]
    assert kinds == ["message", "reasoning", "function_call", "function_call", *["function_call_output"] * 2]
