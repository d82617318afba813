"""The adapter for OpenAI's chat completions: the official SDK, real HTTP, and every fault of the line."""

# mypy: disable-error-code="union-attr,arg-type"

import subprocess
import sys

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
from jido_trio.ai.openai import OpenAI
from jido_trio.errors import InvalidDefinition
from jido_trio.testing import HttpReply, chat_reply, open_fake_openai

KEY = "sk-canary-1234567890"
PROMPT = Prompt("m", "Be brief.", (UserMessage("hi"),), max_tokens=50)
REQUEST = ModelRequest(PROMPT, "small-1", "ann/1.1")


async def asked(*script, request=REQUEST, **options):
    """Return what one request comes to, the text that was told meanwhile, and the server."""
    told: list[str] = []
    async with open_fake_openai(script) as server:
        client = OpenAI(api_key=KEY, base_url=server.base_url, **options)
        with trio.fail_after(20):
            reply = await client.stream(request, told.append)
    return reply, told, server


async def test_a_reply_is_told_as_it_comes_and_returned_whole():
    reply, told, server = await asked(chat_reply("Snow in Oslo"))
    assert reply == ModelReply("Snow in Oslo", (), "stop", Usage(12, 5))
    assert told == ["Snow", " in", " Oslo"]
    assert len(server.requests) == 1


async def test_a_request_says_all_that_the_prompt_does():
    call = ToolCall("call_1_1", "weather", '{"city": "Oslo"}')
    tool = ToolSchema("weather", "The weather", {"type": "object", "properties": {}})
    told = (UserMessage("hi"), AssistantMessage("", (call,)), ToolMessage("call_1_1", "snow"))
    prompt = evolve(PROMPT, messages=told, tools=(tool,), answer={"type": "object"})
    _, _, server = await asked(
        chat_reply("x"), request=evolve(REQUEST, prompt=prompt), options={"temperature": 0, "of_tomorrow": 1}
    )
    [body] = server.requests
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "tool"]
    assert body["messages"][2]["tool_calls"][0]["function"]["arguments"] == '{"city": "Oslo"}'
    assert body["tools"][0]["function"]["name"] == "weather"
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert (body["max_tokens"], body["temperature"], body["stream"]) == (50, 0, True)
    assert body["of_tomorrow"] == 1
    assert server.headers[0]["idempotency-key"] == "ann/1.1"


async def test_calls_of_tools_are_put_together_of_their_pieces():
    reply, _, _ = await asked(chat_reply(calls=[("weather", '{"city": "Oslo"}'), ("now", "{}")]))
    assert reply.finish == "tool_calls"
    assert [(call.name, call.arguments) for call in reply.calls] == [("weather", '{"city": "Oslo"}'), ("now", "{}")]


async def test_a_stream_that_ends_in_an_orderly_way_has_no_finish():
    reply, told, _ = await asked(chat_reply("Snow in", end="early"))
    assert reply == ModelReply("Snow in", (), None, None)
    assert told == ["Snow", " in"]


async def test_a_call_that_was_cut_has_no_finish():
    reply, _, _ = await asked(chat_reply(calls=[("weather", '{"ci')], end="early"))
    assert reply.finish is None


async def test_a_connection_that_breaks_is_a_failure_that_may_cost():
    reply, _, server = await asked(chat_reply("Snow in", end="cut"))
    assert (reply.kind, reply.billed) == ("retry", True)
    assert len(server.requests) == 1


async def test_an_error_within_the_stream_is_a_failure():
    half = chat_reply("Snow in", end="early")
    reply, _, _ = await asked(evolve(half, events=[*half.events, {"error": {"message": "overloaded", "code": "x"}}]))
    assert isinstance(reply, ModelFailure)
    assert (reply.why, reply.kind) == ("an error within the reply: overloaded", "retry")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{}", "the reply is no stream of events: {}"),
        ("<html>busy</html>", "the reply is no stream of events: <html>busy</html>"),
        ("", "the reply is no stream of events: it is empty"),
    ],
)
async def test_a_200_that_is_no_stream_is_a_failure_with_its_beginning(body, says):
    reply, _, _ = await asked(HttpReply(body=body))
    assert reply == ModelFailure(says)


async def test_a_stream_without_events_is_a_failure():
    reply, _, _ = await asked(HttpReply(events=[]))
    assert reply == ModelFailure("the reply is an empty stream")


@pytest.mark.parametrize(
    ("status", "kind", "billed"),
    [
        (400, "never", False),
        (401, "never", False),
        (403, "never", False),
        (404, "never", False),
        (422, "never", False),
        (429, "retry", False),
        (500, "retry", True),
        (503, "retry", False),
        (529, "retry", False),
    ],
)
async def test_a_status_says_whether_to_try_again_and_what_it_may_cost(status, kind, billed):
    reply, _, server = await asked(HttpReply(status, body='{"error": {"message": "no"}}'))
    assert (reply.kind, reply.billed) == (kind, billed)
    assert len(server.requests) == 1


@pytest.mark.parametrize(("code", "kind"), [("context_length_exceeded", "overflow"), ("insufficient_quota", "never")])
async def test_a_code_says_more_than_the_status(code, kind):
    status = 400 if kind == "overflow" else 429
    reply, _, _ = await asked(HttpReply(status, body=f'{{"error": {{"message": "no", "code": "{code}"}}}}'))
    assert (reply.kind, reply.billed) == (kind, False)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("7", 7), ("0.5", 0.5), ("soon", None), ("nan", None), ("-3", 0), ("1e9", 3600)],
)
async def test_retry_after_in_seconds(given, seconds):
    reply, _, _ = await asked(HttpReply(429, {"retry-after": given}, body="{}"))
    assert reply.retry_after == seconds


async def test_retry_after_as_a_date_that_is_over_is_now():
    reply, _, _ = await asked(HttpReply(429, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, body="{}"))
    assert reply.retry_after == 0


async def test_silence_is_a_failure_after_one_request():
    reply, _, server = await asked(chat_reply("Snow in", end="hang"), silence=0.1)
    assert isinstance(reply, ModelFailure)
    assert (reply.kind, reply.billed) == ("retry", True)
    assert len(server.requests) == 1


async def test_cancel_closes_the_connection_and_the_client_goes_on():
    async with open_fake_openai([chat_reply("Snow in", end="hang"), chat_reply("here")]) as server:
        client = OpenAI(api_key=KEY, base_url=server.base_url)
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


async def test_where_nobody_listens_is_a_failure():
    with trio.fail_after(20):
        reply = await OpenAI(api_key=KEY, base_url="http://127.0.0.1:9/v1").stream(REQUEST, lambda _: None)
    assert reply.kind == "retry"


async def test_without_a_key_it_says_so(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    reply = await OpenAI().stream(REQUEST, lambda _: None)
    assert (reply.kind, reply.billed) == ("never", False)
    assert "OPENAI_API_KEY" in reply.why


async def test_the_key_is_in_no_failure_and_in_no_repr():
    error = f'{{"error": {{"message": "wrong key {KEY}"}}}}'
    refused, _, _ = await asked(HttpReply(401, body=error))
    no_stream, _, _ = await asked(HttpReply(body=f"key {KEY}"))
    client = OpenAI(api_key=KEY)
    assert KEY not in repr((refused, no_stream, client, Model("m", client)))
    assert "***" in refused.why


def test_wrong_options_are_refused():
    with pytest.raises(InvalidDefinition, match="silence=0 of OpenAI"):
        OpenAI(silence=0)


def test_the_rest_of_the_part_imports_no_sdk():
    program = "import sys, jido_trio.ai; print(sorted({'openai', 'anthropic', 'httpx2', 'anyio'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


# The whole way: an agent, the SDK, HTTP


@frozen
class Trip:
    sky: str = ""


class Weather(Action):
    city: str

    async def run(self, context):
        await trio.lowlevel.checkpoint()
        return {"sky": "snow"}


async def test_an_agent_is_answered_through_every_fault():
    half = chat_reply("Snow in", end="early")
    script = [
        HttpReply(429, {"retry-after": "0"}, body="{}"),
        HttpReply(500, body="{}"),
        half,
        chat_reply(calls=[("weather", '{"city": "Os'), ("weather", '{"city": "Oslo"}'), ("wether", "{}")]),
        chat_reply("Snow in Oslo"),
    ]
    async with open_fake_openai(script) as server:
        models = Models(fast=Model("small-1", OpenAI(api_key=KEY, base_url=server.base_url)))

        class Planner(ChatAgent[Trip], models=models, model="fast", tools=[Weather], first_pause=0): ...

        async with Jido("trips", services=[models]) as jido:
            request = await ask(await jido.start_agent(Planner), "Oslo")
            answer = await request.answer(timeout=20)
    assert isinstance(answer, Answered)
    assert answer.text == "Snow in Oslo"
    assert len(server.requests) == answer.spent.calls == 5
    results = [message["content"] for message in server.requests[-1]["messages"] if message["role"] == "tool"]
    assert "don't fit: JSON (" in results[0]
    assert results[1] == '{"sky": "snow"}'
    assert results[2] == "there is no tool 'wether'; did you mean 'weather'?"
