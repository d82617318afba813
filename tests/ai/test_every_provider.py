"""What holds for the adapter of each provider: real HTTP, a strict server, and every fault of the line."""

# mypy: disable-error-code="union-attr,arg-type"

import json
from typing import Any
from urllib.parse import quote, unquote

import pytest
import trio
from attrs import evolve

from jido_trio import Jido
from jido_trio.ai import Answered, ChatAgent, Model, ModelFailure, Models, RateLimit, ask
from jido_trio.errors import InvalidDefinition
from jido_trio.testing import HttpReply
from tests.ai.providers import EVERY, KEY, REQUEST, Trip, Weather


@pytest.fixture(params=EVERY)
def provider(request):
    return EVERY[request.param]


async def test_a_reply_is_told_as_it_comes_and_returned_whole(provider):
    reply, told, server = await provider.asked(provider.reply("Snow in Oslo"))
    assert (reply.text, reply.calls, reply.finish) == ("Snow in Oslo", (), "stop")
    assert (reply.usage.input, reply.usage.output) == (12, 5)
    assert told == ["Snow", " in", " Oslo"]
    assert len(server.requests) == 1


async def test_calls_of_tools_are_put_together_of_their_pieces(provider):
    reply, _, _ = await provider.asked(provider.reply(calls=[("weather", '{"city": "Oslo"}'), ("now", "{}")]))
    assert reply.finish == "tool_calls"
    assert [(call.name, call.arguments) for call in reply.calls] == [("weather", '{"city": "Oslo"}'), ("now", "{}")]


# Faults


async def test_a_stream_that_ends_in_an_orderly_way_has_no_finish(provider):
    reply, told, _ = await provider.asked(provider.reply("Snow in", end="early"))
    assert (reply.text, reply.calls, reply.finish) == ("Snow in", (), None)
    assert told == ["Snow", " in"]


async def test_a_connection_that_breaks_is_a_failure_that_may_cost(provider):
    reply, _, server = await provider.asked(provider.reply("Snow in", end="cut"))
    assert isinstance(reply, ModelFailure)
    assert (reply.kind, reply.billed) == ("retry", True)
    assert len(server.requests) == 1


async def test_an_error_within_the_stream_is_a_failure_that_may_cost(provider):
    half = provider.reply("Snow in", end="early")
    reply, _, _ = await provider.asked(evolve(half, events=[*half.events, provider.error("overloaded")]))
    assert (reply.why, reply.kind, reply.billed) == ("an error within the reply: overloaded", "retry", True)


@pytest.mark.parametrize(
    ("body", "says"), [("{}", "{}"), ("<html>busy</html>", "<html>busy</html>"), ("", "it is empty")]
)
async def test_a_200_that_is_no_stream_is_a_failure_with_its_beginning(provider, body, says):
    reply, _, _ = await provider.asked(HttpReply(body=body))
    assert reply == ModelFailure(f"the reply is no stream of events: {says}")


async def test_a_stream_without_events_is_a_failure(provider):
    reply, _, _ = await provider.asked(HttpReply(events=[]))
    assert reply == ModelFailure("the reply is an empty stream")


@pytest.mark.parametrize(
    ("status", "kind", "billed"),
    [
        (400, "never", False),
        (401, "fallback", False),
        (402, "fallback", False),
        (403, "fallback", False),
        (404, "fallback", False),
        (422, "never", False),
        (429, "retry", False),
        (500, "retry", True),
        (503, "retry", False),
        (529, "retry", False),
    ],
)
async def test_a_status_says_whether_to_try_again_when_and_what_it_may_cost(provider, status, kind, billed):
    body = json.dumps(provider.refusal(f"no {KEY}"))
    reply, _, server = await provider.asked(HttpReply(status, {"retry-after": "7"}, body=body))
    assert (reply.kind, reply.billed) == (kind, billed)
    assert reply.retry_after == (7 if kind == "retry" else None)
    assert len(server.requests) == 1
    assert KEY not in repr(reply)
    assert "no ***" in reply.why


async def test_a_prompt_that_is_too_long_is_a_failure_of_its_own(provider):
    reply, _, _ = await provider.asked(HttpReply(400, body=provider.too_long))
    assert (reply.kind, reply.billed) == ("overflow", False)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (413, "too large"),
        (400, "request (9031 tokens) exceeds the available context size (2048 tokens), try increasing it"),
        (400, "This model's maximum context length is 2048 tokens. However, you requested 9031 tokens"),
    ],
)
async def test_a_prompt_that_is_too_long_is_known_by_the_words_of_other_servers(provider, status, words):
    reply, _, _ = await provider.asked(HttpReply(status, body=json.dumps(provider.refusal(words))))
    assert (reply.kind, reply.billed) == ("overflow", False)


async def test_a_redirect_is_not_followed(provider):
    async with provider.serving([provider.reply("elsewhere")]) as other:
        refused = HttpReply(307, {"location": f"{other.base_url}/v1/messages"}, body="{}")
        reply, _, server = await provider.asked(refused)
    assert (reply.kind, reply.billed) == ("never", False)
    assert (len(server.requests), other.connections) == (1, 0)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r") if "data:" in text else text,
        lambda text: "\ufeff" + text,
        lambda text: f"\n{text}\n\n",
        lambda text: f": so\n\n: far\n{text}" if "data:" in text else text,
    ],
    ids=["CRLF", "CR", "a mark of byte order", "blank lines", "comments"],
)
async def test_a_stream_is_read_however_its_lines_are(provider, change):
    def script():
        dialect, reply = running[0]._dialect, provider.reply("Snow in Øslo")
        text = "".join(map(dialect.event, reply.events)) + dialect.last
        yield HttpReply(headers={"content-type": dialect.kind.upper()}, body=change(text))

    running: list[Any] = []
    async with provider.serving(script()) as server:
        running.append(server)
        client = provider.client(api_key=KEY, base_url=server.base_url)
        reply = await client.stream(REQUEST, lambda _: None)
    assert (reply.text, reply.finish) == ("Snow in Øslo", "stop")


@pytest.mark.parametrize("key", ["zoë/1.1", "❄/1.1", "a\r\nx: y/1.1", "100%/1.1", " /1.1"])
async def test_an_agent_may_have_any_id(provider, key):
    reply, _, server = await provider.asked(provider.reply("here"), request=evolve(REQUEST, key=key))
    assert reply.text == "here"
    assert unquote(server.headers[0].get("idempotency-key", quote(key))) == key


async def test_silence_is_a_failure_after_one_request(provider, mock_clock):
    told: list[str] = []
    replies: list[object] = []
    async with provider.serving([provider.reply("Snow in", end="hang")]) as server, trio.open_nursery() as nursery:

        async def stream():
            client = provider.client(api_key=KEY, base_url=server.base_url, silence=10)
            replies.append(await client.stream(REQUEST, told.append))

        nursery.start_soon(stream)
        while not replies:
            await trio.lowlevel.checkpoint()
            mock_clock.jump(len(told) / 10)  # no time goes by before it is silent
    [reply] = replies
    assert isinstance(reply, ModelFailure)
    assert (reply.kind, reply.billed) == ("retry", True)
    assert len(server.requests) == 1


async def test_cancel_closes_the_connection_and_the_client_goes_on(provider):
    async with provider.serving([provider.reply("Snow in", end="hang"), provider.reply("here")]) as server:
        client = provider.client(api_key=KEY, base_url=server.base_url)
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


async def test_a_reply_that_has_failed_is_read_no_further(provider, mock_clock):
    half = provider.reply("Snow in", end="hang")
    reply, _, server = await provider.asked(evolve(half, events=[*half.events, provider.error("overloaded")]))
    assert reply.why.endswith("overloaded")
    assert server.closed_early == 1


async def test_connections_are_kept_while_an_instance_has_the_client_and_end_with_it(provider):
    async with provider.serving([provider.reply("one"), provider.reply("two")]) as server:
        client = provider.client(api_key=KEY, base_url=server.base_url)
        models = Models(fast=Model("small-1", RateLimit(calls=60).of(client), max_tokens=50))

        class Clerk(ChatAgent, models=models, model="fast"): ...

        async with Jido("trips", services=[models]) as jido:
            clerk = await jido.start_agent(Clerk)
            for text in ("one", "two"):
                assert (await (await ask(clerk, "hi")).answer(timeout=20)).text == text
            assert (server.connections, server.open) == (1, 1)
        with trio.fail_after(5):
            while server.open:
                await trio.lowlevel.checkpoint()


async def test_a_client_that_nobody_holds_closes_its_connection_after_each_call(provider):
    async with provider.serving([provider.reply("one"), provider.reply("two")]) as server:
        client = provider.client(api_key=KEY, base_url=server.base_url)
        for _ in range(2):
            await client.stream(REQUEST, lambda _: None)
            with trio.fail_after(5):
                while server.open:
                    await trio.lowlevel.checkpoint()
        assert server.connections == 2


async def test_where_nobody_listens_is_a_failure_to_try_again(provider):
    with trio.fail_after(20):
        reply = await provider.client(api_key=KEY, base_url="http://127.0.0.1:9").stream(REQUEST, lambda _: None)
    assert reply.kind == "retry"


async def test_the_key_is_in_no_failure_and_in_no_repr(provider):
    reply, _, _ = await provider.asked(HttpReply(body=f"key {KEY}"))
    client = provider.client(api_key=KEY)
    assert KEY not in repr((reply, client, Model("m", client)))


@pytest.mark.parametrize("place", ["http://ann:{}@localhost:9/v1", "http://localhost:9/v1?key={}", "http://[{}"])
def test_what_may_be_a_key_in_an_address_is_in_no_repr(provider, place):
    client = provider.client(base_url=place.format(KEY))
    assert KEY not in repr((client, Model("m", client)))


async def test_a_server_that_cannot_be_reached_was_sent_nothing_and_costs_nothing(provider):
    async with provider.serving([]) as server:
        place = server.base_url
    reply = await provider.client(base_url=place, api_key=KEY).stream(REQUEST, lambda _: None)
    assert (reply.kind, reply.billed) == ("retry", False)
    assert reply.why.startswith("no connection: ")


def test_wrong_options_are_refused(provider):
    with pytest.raises(InvalidDefinition, match="silence=0 of "):
        provider.client(silence=0)


# The whole way: an agent, the SDK, HTTP


async def test_an_agent_is_answered_through_every_fault(provider):
    script = [
        HttpReply(429, {"retry-after": "0"}, body="{}"),
        HttpReply(500, body="{}"),
        provider.reply("Snow in", end="early"),
        provider.reply(calls=[("weather", '{"city": "Oslo"}'), ("weather", provider.misfit), ("wether", "{}")]),
        provider.reply("Snow in Oslo"),
    ]
    async with provider.serving(script) as server:
        client = provider.client(api_key=KEY, base_url=server.base_url)
        models = Models(fast=Model("small-1", client, max_tokens=50))

        class Planner(ChatAgent[Trip], models=models, model="fast", tools=[Weather], first_pause=0): ...

        async with Jido("trips", services=[models]) as jido:
            request = await ask(await jido.start_agent(Planner), "Oslo")
            answer = await request.answer(timeout=20)
    assert isinstance(answer, Answered)
    assert answer.text == "Snow in Oslo"
    assert len(server.requests) == answer.spent.calls == 5
    assert server.refused == []
    last = json.dumps(server.requests[-1], ensure_ascii=False)
    for result in ('{\\"sky\\": \\"snow\\"}', "don't fit", "there is no tool 'wether'; did you mean 'weather'?"):
        assert last.count(result) == 1
