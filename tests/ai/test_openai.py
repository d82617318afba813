"""The adapter for OpenAI's chat completions, where it is other than those of other providers."""

# mypy: disable-error-code="union-attr,arg-type"

import json
import subprocess
import sys

import pytest
from attrs import evolve

from jido_trio.ai import (
    AssistantMessage,
    ToolCall,
    ToolMessage,
    ToolSchema,
    UserMessage,
)
from jido_trio.ai.openai import OpenAI
from jido_trio.testing import HttpReply, chat_reply
from tests.ai.providers import KEY, OPENAI, PROMPT, REQUEST


def chunk(delta, finish="stop", **fields):
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish, **fields}]}


@pytest.mark.parametrize(
    "event",
    [
        chunk("text"),
        chunk({"content": ["text"]}),
        chunk({"tool_calls": {"0": 1}}),
        chunk({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": {"a": 1}}}]}),
        chunk({}, ["stop"]),
        {"choices": ["text"]},
    ],
)
async def test_an_event_of_another_form_is_a_failure_that_shows_it(event):
    reply, _, _ = await OPENAI.asked(HttpReply(events=[event]))
    assert reply.why.startswith("an event can't be read (")
    assert reply.why.endswith(json.dumps(event)[-20:])


async def test_of_several_replies_the_first_is_taken():
    other = chunk({"content": "no"}, index=1)
    reply, told, _ = await OPENAI.asked(HttpReply(events=[chunk({"content": "yes"}), other]))
    assert (reply.text, told) == ("yes", ["yes"])


async def test_what_is_no_number_of_tokens_is_none():
    usage = {"prompt_tokens": True, "completion_tokens": "5"}
    reply, _, _ = await OPENAI.asked(HttpReply(events=[chunk({"content": "yes"}), {"choices": [], "usage": usage}]))
    assert reply.usage is None


@pytest.mark.parametrize(
    "usage",
    [
        {},
        {"prompt_tokens": None, "completion_tokens": None},
        {"completion_tokens": 5},
        {"prompt_tokens": -5, "completion_tokens": 5},
    ],
)
async def test_what_tells_no_number_is_not_taken_for_nothing(usage):
    reply, _, _ = await OPENAI.asked(HttpReply(events=[chunk({"content": "yes"}), {"choices": [], "usage": usage}]))
    assert reply.usage is None


async def test_a_refusal_is_one_though_the_reply_ends_as_any():
    events = [chunk({"refusal": "I can't "}, None), chunk({"refusal": "say."}, None), chunk({})]
    reply, _, _ = await OPENAI.asked(HttpReply(events=events))
    assert (reply.text, reply.finish) == ("I can't say.", "content_filter")


@pytest.mark.parametrize("reason", ["error", "insufficient_system_resource", "abort"])
async def test_a_reply_that_ends_by_a_fault_of_its_server_is_none(reason):
    reply, _, _ = await OPENAI.asked(HttpReply(events=[chunk({"content": "hal"}, reason)]))
    assert (reply.kind, reply.why) == ("retry", f"the reply ended with {reason!r}")


def pieces(*calls):
    return HttpReply(events=[chunk({"tool_calls": [call]}, None) for call in calls] + [chunk({}, "tool_calls")])


def piece(arguments, name=None, **fields):
    return {"function": {"arguments": arguments, **({"name": name} if name else {})}, **fields}


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(
            [
                piece("", "one", index=0, id="a"),
                piece("", "two", index=1, id="b"),
                piece('{"x"', index=0),
                piece('{"y"', index=1),
                piece(": 1}", index=0),
                piece(": 2}", index=1),
            ],
            id="by places, in turns",
        ),
        pytest.param(
            [piece('{"x": 1}', "one", index=0, id="a"), piece('{"y": 2}', "two", index=0, id="b")],
            id="one place for all",
        ),
        pytest.param(
            [piece('{"x"', "one", id="a"), piece(": 1}"), piece('{"y"', "two", id="b"), piece(": 2}")],
            id="no places",
        ),
        pytest.param([piece('{"x": 1}', "one"), piece('{"y": 2}', "two")], id="neither places nor ids"),
        pytest.param(
            [
                piece('{"x"', "one", index=0, id="a"),
                piece(": 1}", "one", index=0, id="a"),
                piece('{"y": 2}', "two", index=1, id="b"),
            ],
            id="the name with each piece",
        ),
    ],
)
async def test_calls_are_told_apart_however_their_pieces_are_marked(told):
    reply, _, _ = await OPENAI.asked(pieces(*told))
    assert [(call.name, call.arguments) for call in reply.calls] == [("one", '{"x": 1}'), ("two", '{"y": 2}')]


async def test_a_request_says_all_that_the_prompt_does():
    call = ToolCall("call_1_1", "weather", '{"city": "Oslo"}')
    tool = ToolSchema("weather", "The weather", {"type": "object", "properties": {}})
    told = (UserMessage("hi"), AssistantMessage("", (call,)), ToolMessage("call_1_1", "snow"))
    prompt = evolve(PROMPT, messages=told, tools=(tool,), answer={"type": "object"})
    _, _, server = await OPENAI.asked(
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


async def test_a_call_that_was_cut_has_no_finish():
    reply, _, _ = await OPENAI.asked(chat_reply(calls=[("weather", '{"ci')], end="early"))
    assert reply.finish is None


@pytest.mark.parametrize(
    ("code", "kind"), [("context_length_exceeded", "overflow"), ("insufficient_quota", "fallback")]
)
async def test_a_code_says_more_than_the_status(code, kind):
    status = 400 if kind == "overflow" else 429
    reply, _, _ = await OPENAI.asked(HttpReply(status, body=f'{{"error": {{"message": "no", "code": "{code}"}}}}'))
    assert (reply.kind, reply.billed) == (kind, False)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("7", 7), ("0.5", 0.5), ("soon", None), ("nan", None), ("-3", 0), ("1e9", 3600)],
)
async def test_retry_after_in_seconds(given, seconds):
    reply, _, _ = await OPENAI.asked(HttpReply(429, {"retry-after": given}, body="{}"))
    assert reply.retry_after == seconds


async def test_what_is_told_in_thousandths_is_exact():
    headers = {"retry-after": "1", "retry-after-ms": "250"}
    reply, _, _ = await OPENAI.asked(HttpReply(429, headers, body="{}"))
    assert reply.retry_after == 0.25


async def test_retry_after_as_a_date_that_is_over_is_now():
    reply, _, _ = await OPENAI.asked(HttpReply(429, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, body="{}"))
    assert reply.retry_after == 0


@pytest.mark.parametrize("form", ["chat", "responses"])
async def test_a_key_of_the_environment_that_is_none_is_told_and_nothing_is_sent(monkeypatch, form):
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\n")
    reply = await OpenAI(form=form).stream(REQUEST, lambda _: None)
    assert (reply.kind, reply.billed) == ("fallback", False)
    assert reply.why.startswith("OPENAI_API_KEY of the environment must be a key")
    assert KEY not in repr(reply)


async def test_without_a_key_it_says_so(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    reply = await OpenAI().stream(REQUEST, lambda _: None)
    assert (reply.kind, reply.billed) == ("fallback", False)
    assert "OPENAI_API_KEY" in reply.why


def test_the_rest_of_the_part_imports_no_sdk():
    program = "import sys, jido_trio.ai; print(sorted({'openai', 'anthropic', 'httpx2', 'anyio'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
