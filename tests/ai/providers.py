"""What is tried with every provider: its adapter, its strict server, and how the one says what all of them say."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import trio
from attrs import frozen

from jido_trio import Action
from jido_trio.ai import ModelRequest, Prompt, UserMessage
from jido_trio.ai.anthropic import Anthropic
from jido_trio.ai.ollama import Ollama
from jido_trio.ai.openai import OpenAI
from jido_trio.testing import (
    chat_reply,
    messages_reply,
    ollama_reply,
    open_fake_anthropic,
    open_fake_ollama,
    open_fake_openai,
    responses_reply,
)

KEY = "sk-canary-1234567890"
PROMPT = Prompt("m", "Be brief.", (UserMessage("hi"),), max_tokens=50)
REQUEST = ModelRequest(PROMPT, "small-1", "ann/1.1")


@frozen
class Trip:
    sky: str = ""


class Weather(Action):
    city: str

    async def run(self, context):
        await trio.lowlevel.checkpoint()
        return {"sky": "snow"}


@frozen
class Provider:
    """A provider of models."""

    client: Callable[..., Any]
    serving: Callable[..., Any]
    reply: Callable[..., Any]
    refusal: Callable[[str], Any]
    """The body of a refusal that says so."""
    error: Callable[[str], Any]
    """An event in the midst of a reply, which says that it failed."""
    too_long: str
    """The body of a 400 that says that the prompt is too long."""
    misfit: str = '{"city": "Os'
    """Arguments that no tool takes, as a reply may hold them."""

    async def asked(self, *script, request=REQUEST, **options):
        """Return what one request comes to, the text that was told meanwhile, and the server."""
        told: list[str] = []
        async with self.serving(script) as server:
            client = self.client(api_key=KEY, base_url=server.base_url, **options)
            with trio.fail_after(20):
                reply = await client.stream(request, told.append)
        return reply, told, server


def _message(why):
    return {"error": {"message": why}}


OPENAI = Provider(
    OpenAI,
    open_fake_openai,
    chat_reply,
    _message,
    _message,
    json.dumps({"error": {"message": "no", "code": "context_length_exceeded"}}),
)

RESPONSES = Provider(
    partial(OpenAI, form="responses"),
    open_fake_openai,
    responses_reply,
    _message,
    lambda why: {"type": "error", "code": "server_error", "message": why},
    OPENAI.too_long,
)

ANTHROPIC = Provider(
    Anthropic,
    open_fake_anthropic,
    messages_reply,
    lambda why: {"type": "error", "error": {"type": "x", "message": why}},
    lambda why: {"type": "error", "error": {"type": "overloaded_error", "message": why}},
    json.dumps({"type": "error", "error": {"type": "x", "message": "prompt is too long: 210000 tokens > 200000"}}),
)


def _ollama_reply(text="", calls=(), **how):
    return ollama_reply(text, [(name, json.loads(arguments)) for name, arguments in calls], **how)


OLLAMA = Provider(
    Ollama,
    open_fake_ollama,
    _ollama_reply,
    lambda why: {"error": why},
    lambda why: {"error": why},
    json.dumps({"error": "the input length exceeds the context length"}),
    misfit="{}",  # its calls come as JSON, never cut
)

EVERY = {"openai": OPENAI, "responses": RESPONSES, "anthropic": ANTHROPIC, "ollama": OLLAMA}
