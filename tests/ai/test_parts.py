"""What is kept of a request for readers: all of it, as far as it fits."""

import trio

from jido_trio import Jido
from jido_trio.ai import (
    ChatAgent,
    Model,
    ModelReply,
    Models,
    TextPart,
    ToolPart,
    ToolResultPart,
    Usage,
    WithdrawnPart,
    ask,
)
from jido_trio.ai._parts import MOST, Parts
from jido_trio.ai._readable import READABLE, READABLE_LENGTH


async def read(parts):
    parts.end()
    return [part async for part in parts.read()]


async def test_a_late_reader_gets_text_whole_and_the_rest_in_order():
    parts = Parts()
    parts.tell("It sn")
    parts.add(WithdrawnPart())
    parts.tell("It ")
    parts.tell("rains.")
    parts.add(ToolPart("1", "look", "{}"))
    parts.add(ToolResultPart("1", "rain", error=False))
    parts.tell("Yes.")
    assert await read(parts) == [
        TextPart("It sn"),
        WithdrawnPart(),
        TextPart("It rains."),
        ToolPart("1", "look", "{}"),
        ToolResultPart("1", "rain", error=False),
        TextPart("Yes."),
    ]


async def test_of_one_endless_text_no_more_is_kept_than_of_any_other():
    parts = Parts()
    for _ in range(150):
        parts.tell("x" * (MOST // 100))
        assert len(parts) <= MOST
    [part] = await read(parts)
    assert isinstance(part, TextPart)
    assert MOST * 8 // 10 <= len(part.text) <= MOST


async def test_of_one_piece_that_is_too_long_the_end_is_kept():
    parts = Parts()
    parts.tell("x" * MOST + "end")
    assert await read(parts) == [TextPart("x" * (MOST - 3) + "end")]


async def test_what_tools_are_given_and_return_counts_too():
    parts = Parts()
    for number in range(50):
        parts.add(ToolPart(f"{number}", "look", "y" * (MOST // 40)))
        parts.add(ToolResultPart(f"{number}", "x" * (MOST // 20), error=False))
        assert len(parts) <= MOST
    assert (await read(parts))[-1] == ToolResultPart("49", "x" * (MOST // 20), error=False)


def test_a_text_of_which_the_beginning_is_gone_is_still_known():
    parts = Parts()
    text = "".join(f"{number:05}" for number in range(MOST // 4))
    for at in range(0, len(text), 1000):
        parts.tell(text[at : at + 1000])
    assert parts.ends_with(text)
    assert not parts.ends_with(text[:-1] + "x")
    assert not parts.ends_with(text[1:])


async def test_a_reader_that_was_overtaken_goes_on_with_what_is_kept():
    parts = Parts()
    parts.tell("first ")
    reader = parts.read()
    assert await anext(reader) == TextPart("first ")
    for _ in range(30):
        parts.tell("x" * (MOST // 10))
    parts.end()
    [rest] = [part async for part in reader]
    assert isinstance(rest, TextPart)
    assert len(rest.text) <= MOST


async def test_of_requests_that_have_ended_no_more_is_kept_than_of_one(autojump_clock):
    class Long:
        async def stream(self, request, tell):
            await trio.lowlevel.checkpoint()
            tell("x" * (READABLE_LENGTH // 4))
            return ModelReply("x" * (READABLE_LENGTH // 4), (), "stop", Usage(1, 1))

    models = Models(m=Model("m", Long()))

    class Talker(ChatAgent, models=models, model="m"): ...

    async with Jido(services=[models]) as jido:
        talker = await jido.start_agent(Talker)
        requests = [await ask(talker, "talk", id=f"{number}") for number in range(READABLE)]
        await requests[-1].answer()
        last = await ask(talker, "and?")
        kept = [request for request in requests if request._desk.readable.has(request.id)]
        assert [request.id for request in kept] == [f"{number}" for number in range(READABLE - 4, READABLE)]
        await last.answer()
        [text] = [part async for part in requests[0].parts()]  # of the conversation, not of what was shown
        assert isinstance(text, TextPart)
        assert len(text.text) == READABLE_LENGTH // 4
