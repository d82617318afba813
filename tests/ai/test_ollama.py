"""The adapter for Ollama, where it is other than those of other providers."""

# mypy: disable-error-code="union-attr,arg-type"

import pytest
from attrs import evolve

from jido_trio.ai import (
    AssistantMessage,
    ToolCall,
    ToolMessage,
    ToolSchema,
    UserMessage,
)
from jido_trio.testing import HttpReply, ollama_reply
from tests.ai.providers import OLLAMA, PROMPT, REQUEST


async def test_a_request_says_all_that_the_prompt_does():
    call = ToolCall("call_1_1", "weather", '{"city": "Oslo"}')
    tool = ToolSchema("weather", "The weather", {"type": "object", "properties": {}})
    told = (UserMessage("hi"), AssistantMessage("", (call,)), ToolMessage("call_1_1", "snow"))
    prompt = evolve(PROMPT, messages=told, tools=(tool,), answer={"type": "object"})
    options = {"think": False, "options": {"temperature": 0}}
    _, _, server = await OLLAMA.asked(ollama_reply("x"), request=evolve(REQUEST, prompt=prompt), options=options)
    [body] = server.requests
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "tool"]
    assert body["messages"][2]["tool_calls"][0]["function"] == {"name": "weather", "arguments": {"city": "Oslo"}}
    assert body["messages"][3]["tool_name"] == "weather"
    assert body["tools"][0]["function"]["name"] == "weather"
    assert (body["format"], body["think"], body["stream"]) == ({"type": "object"}, False, True)
    assert body["options"] == {"num_predict": 50, "temperature": 0}


@pytest.mark.parametrize(("reason", "finish"), [("length", "length"), ("of_tomorrow", "stop")])
async def test_why_it_stopped(reason, finish):
    reply, _, _ = await OLLAMA.asked(ollama_reply("x", finish=reason))
    assert reply.finish == finish


async def test_arguments_as_text_are_those_that_they_say():
    line = {
        "message": {"content": "", "tool_calls": [{"function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}]}
    }
    events = [line, {"done": True, "done_reason": "stop"}]
    reply, _, _ = await OLLAMA.asked(HttpReply(events=events))
    assert [(call.name, call.arguments) for call in reply.calls] == [("weather", '{"city": "Oslo"}')]


async def test_a_model_that_was_only_loaded_has_said_nothing():
    reply, _, _ = await OLLAMA.asked(ollama_reply(finish="load"))
    assert (reply.kind, reply.billed) == ("retry", False)
