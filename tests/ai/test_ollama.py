"""The adapter for Ollama: real HTTP, and every fault of the line."""

# mypy: disable-error-code="union-attr,arg-type"

import pytest
import trio
from attrs import evolve, frozen

from jido_trio import Action, Jido
from jido_trio.ai import (
    Answered,
    AssistantMessage,
    ChatAgent,
    Model,
    ModelFailure,
    ModelReply,
    ModelRequest,
    Models,
    Prompt,
    ToolCall,
    ToolMessage,
    ToolSchema,
    Usage,
    UserMessage,
    ask,
)
from jido_trio.ai.ollama import Ollama
from jido_trio.errors import InvalidDefinition
from jido_trio.testing import HttpReply, ollama_reply, open_fake_ollama

KEY = "canary-1234567890"
PROMPT = Prompt("m", "Be brief.", (UserMessage("hi"),), max_tokens=50)
REQUEST = ModelRequest(PROMPT, "small-1", "ann/1.1")


async def asked(*script, request=REQUEST, **options):
    """Return what one request comes to, the text that was told meanwhile, and the server."""
    told: list[str] = []
    async with open_fake_ollama(script) as server:
        client = Ollama(api_key=KEY, base_url=server.base_url, **options)
        with trio.fail_after(20):
            reply = await client.stream(request, told.append)
    return reply, told, server


async def test_a_reply_is_told_as_it_comes_and_returned_whole():
    reply, told, server = await asked(ollama_reply("Snow in Oslo"))
    assert reply == ModelReply("Snow in Oslo", (), "stop", Usage(12, 5))
    assert told == ["Snow", " in", " Oslo"]
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


async def test_a_request_says_all_that_the_prompt_does():
    call = ToolCall("call_1_1", "weather", '{"city": "Oslo"}')
    tool = ToolSchema("weather", "The weather", {"type": "object", "properties": {}})
    told = (UserMessage("hi"), AssistantMessage("", (call,)), ToolMessage("call_1_1", "snow"))
    prompt = evolve(PROMPT, messages=told, tools=(tool,), answer={"type": "object"})
    options = {"think": False, "options": {"temperature": 0}}
    _, _, server = await asked(ollama_reply("x"), request=evolve(REQUEST, prompt=prompt), options=options)
    [body] = server.requests
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "tool"]
    assert body["messages"][2]["tool_calls"][0]["function"] == {"name": "weather", "arguments": {"city": "Oslo"}}
    assert body["messages"][3]["tool_name"] == "weather"
    assert body["tools"][0]["function"]["name"] == "weather"
    assert (body["format"], body["think"], body["stream"]) == ({"type": "object"}, False, True)
    assert body["options"] == {"num_predict": 50, "temperature": 0}


async def test_calls_of_tools():
    reply, _, _ = await asked(ollama_reply(calls=[("weather", {"city": "Oslo"}), ("now", {})]))
    assert reply.finish == "tool_calls"
    assert [(call.name, call.arguments) for call in reply.calls] == [("weather", '{"city": "Oslo"}'), ("now", "{}")]


@pytest.mark.parametrize(("reason", "finish"), [("length", "length"), ("of_tomorrow", "stop")])
async def test_why_it_stopped(reason, finish):
    reply, _, _ = await asked(ollama_reply("x", finish=reason))
    assert reply.finish == finish


async def test_a_model_that_was_only_loaded_has_said_nothing():
    reply, _, _ = await asked(ollama_reply(finish="load"))
    assert (reply.kind, reply.billed) == ("retry", False)


async def test_a_stream_that_ends_in_an_orderly_way_has_no_finish():
    reply, told, _ = await asked(ollama_reply("Snow in", end="early"))
    assert reply == ModelReply("Snow in", (), None, None)
    assert told == ["Snow", " in"]


async def test_a_connection_that_breaks_is_a_failure_that_may_cost():
    reply, _, server = await asked(ollama_reply("Snow in", end="cut"))
    assert (reply.kind, reply.billed) == ("retry", True)
    assert len(server.requests) == 1


async def test_an_error_within_the_stream_is_a_failure():
    half = ollama_reply("Snow in", end="early")
    reply, _, _ = await asked(evolve(half, events=[*half.events, {"error": "out of memory"}]))
    assert (reply.why, reply.kind) == ("an error within the reply: out of memory", "retry")


@pytest.mark.parametrize("body", ["{}", "<html>busy</html>"])
async def test_a_200_that_is_no_stream_is_a_failure_with_its_beginning(body):
    reply, _, _ = await asked(HttpReply(body=body))
    assert reply == ModelFailure(f"the reply is no stream of events: {body}")


async def test_a_stream_without_lines_is_a_failure():
    reply, _, _ = await asked(HttpReply(events=[]))
    assert reply == ModelFailure("the reply is an empty stream")


@pytest.mark.parametrize(
    ("status", "kind", "billed"),
    [(400, "never", False), (404, "never", False), (429, "retry", False), (500, "retry", True), (503, "retry", False)],
)
async def test_a_status_says_whether_to_try_again_and_what_it_may_cost(status, kind, billed):
    reply, _, server = await asked(HttpReply(status, {"retry-after": "7"}, body=f'{{"error": "no {KEY}"}}'))
    assert (reply.kind, reply.billed) == (kind, billed)
    assert reply.retry_after == (7 if kind == "retry" else None)
    assert len(server.requests) == 1
    assert KEY not in repr(reply)


async def test_a_prompt_that_is_too_long_is_a_failure_of_its_own():
    reply, _, _ = await asked(HttpReply(400, body='{"error": "the input length exceeds the context length"}'))
    assert (reply.kind, reply.billed) == ("overflow", False)


async def test_silence_is_a_failure_after_one_request():
    reply, _, server = await asked(ollama_reply("Snow in", end="hang"), silence=0.1)
    assert reply == ModelFailure("nothing came for 0.1 seconds")
    assert len(server.requests) == 1


async def test_cancel_closes_the_connection_and_the_client_goes_on():
    async with open_fake_ollama([ollama_reply("Snow in", end="hang"), ollama_reply("here")]) as server:
        client = Ollama(base_url=server.base_url)
        heard = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.stream, REQUEST, lambda _: heard.set())
            await heard.wait()
            nursery.cancel_scope.cancel()
        reply = await client.stream(REQUEST, lambda _: None)
        assert reply.text == "here"
        with trio.fail_after(5):
            while not server.closed_early:
                await trio.lowlevel.checkpoint()


def test_wrong_options_are_refused_and_the_key_is_not_shown():
    with pytest.raises(InvalidDefinition, match="silence=0 of Ollama"):
        Ollama(silence=0)
    assert KEY not in repr(Ollama(api_key=KEY))


# The whole way: an agent, HTTP


@frozen
class Trip:
    sky: str = ""


class Weather(Action):
    city: str

    async def run(self, context):
        await trio.lowlevel.checkpoint()
        return {"sky": "snow"}


async def test_an_agent_is_answered_through_every_fault():
    script = [
        HttpReply(503, {"retry-after": "0"}, body="{}"),
        ollama_reply("Snow in", end="early"),
        ollama_reply(calls=[("weather", {"city": "Oslo"}), ("weather", {}), ("wether", {})]),
        ollama_reply("Snow in Oslo"),
    ]
    async with open_fake_ollama(script) as server:
        models = Models(fast=Model("small-1", Ollama(base_url=server.base_url)))

        class Planner(ChatAgent[Trip], models=models, model="fast", tools=[Weather], first_pause=0): ...

        async with Jido("trips", services=[models]) as jido:
            request = await ask(await jido.start_agent(Planner), "Oslo")
            answer = await request.answer(timeout=20)
    assert isinstance(answer, Answered)
    assert answer.text == "Snow in Oslo"
    assert len(server.requests) == answer.spent.calls == 4
    assert server.refused == []
    results = [message["content"] for message in server.requests[-1]["messages"] if message["role"] == "tool"]
    assert results[0] == '{"sky": "snow"}'
