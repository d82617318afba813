"""Cassettes: what a provider answered is answered again without it."""

import json
from pathlib import Path

import pytest
import trio

from jido_trio import Action, Jido, Result
from jido_trio.ai import (
    Answered,
    ChatAgent,
    Model,
    ModelFailure,
    Models,
    NotAnswered,
    TextPart,
    ToolPart,
    WithdrawnPart,
    ask,
)
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import Secret
from jido_trio.testing import Cassette, ScriptedModel
from tests.ai.providers import EVERY, REQUEST
from tests.ai.providers import KEY as PROVIDER_KEY

CARD, KEY = "4111-1111", "sk-of-nobody"


class Pay(Action):
    card: Secret[str]
    cents: int

    async def run(self, context: object) -> Result:
        return {"paid": self.cents}


class Add(Action):
    cents: int

    async def run(self, context: object) -> Result:
        return {"sum": self.cents}


async def talk(client, *texts):
    """Ask a clerk, and return the outcomes and all parts."""
    models = Models(m=Model("m-1", client))

    class Clerk(ChatAgent, models=models, model="m", tools=[Add, Pay], first_pause=0):
        """Pays."""

    outcomes, parts = [], []
    async with Jido(services=[models]) as jido:
        clerk = await jido.start_agent(Clerk, id="clerk")
        for number, text in enumerate(texts):
            request = await ask(clerk, text, id=f"r{number}")
            outcomes.append(await request.answer())
            parts += [part async for part in request.parts()]
    return outcomes, parts


ADD, PAY = [("add", {"cents": 5})], [("pay", {"card": CARD, "cents": 5})]


def script(first):
    return ScriptedModel([first, ModelFailure("busy"), f"Paid. {KEY}", "Nothing."])


@pytest.fixture
def tape(tmp_path):
    return tmp_path / "clerk.jsonl"


async def test_a_run_that_is_played_is_the_one_that_was_recorded(autojump_clock, tape):
    recorded = await talk(Cassette(tape, record=script(ADD)), "Pay", "And now?")
    kept = tape.read_text()
    cassette = Cassette(tape)

    assert await talk(cassette, "Pay", "And now?") == recorded
    assert cassette.unplayed == 0
    assert tape.read_text() == kept
    assert isinstance(recorded[0][0], Answered)


@pytest.mark.parametrize("provider", ["anthropic", "responses"])
async def test_a_thought_that_must_go_back_is_kept_with_its_reply(provider, tape):
    provider = EVERY[provider]
    script = [provider.reply(calls=[("add", '{"cents": 1}')], thought="so"), provider.reply("x", end="cut")]
    async with provider.serving(script) as server:
        recording = Cassette(tape, record=provider.client(api_key=PROVIDER_KEY, base_url=server.base_url))
        recorded = [await recording.stream(REQUEST, lambda _: None) for _ in script]
    assert PROVIDER_KEY not in tape.read_text()
    playing = Cassette(tape)
    assert [await playing.stream(REQUEST, lambda _: None) for _ in script] == recorded
    assert getattr(recorded[0], "verbatim", None) is not None


async def test_a_word_that_changed_is_shown_and_nothing_is_sent(autojump_clock, tape):
    await talk(Cassette(tape, record=ScriptedModel(["Snow."])), "How is the weather in Oslo today?")

    [outcome], _ = await talk(Cassette(tape), "How is the weather in Bergen today?")

    assert isinstance(outcome, NotAnswered)
    assert outcome.why == (
        "cassette 'clerk.jsonl': no such request was recorded; the nearest differs at /messages/0/text: "
        "'Oslo today?' was recorded, and it is 'Bergen today?' now"
    )


async def test_the_same_request_is_answered_as_often_as_it_was(autojump_clock, tape):
    await talk(Cassette(tape, record=ScriptedModel([ModelFailure("busy"), "Snow."])), "Oslo?")

    assert [json.loads(line).get("failure", {}).get("why") for line in tape.read_text().splitlines()[1:]] == [
        "busy",
        None,
    ]
    [outcome], _ = await talk(Cassette(tape), "Oslo?")
    assert outcome.spent.calls == 2


async def test_texts_with_odd_line_ends_are_played_as_they_were(autojump_clock, tape):
    odd = "one\u2028two\x85three\x0bfour\r\nfive"
    recorded = await talk(Cassette(tape, record=ScriptedModel([odd])), odd)
    assert await talk(Cassette(tape), odd) == recorded


async def test_secret_arguments_and_hidden_texts_are_nowhere(autojump_clock, tape):
    _, parts = await talk(Cassette(tape, record=script(PAY), hide=[KEY]), f"Pay, by {KEY}", "And now?")
    kept = tape.read_text()

    assert CARD not in kept
    assert KEY not in kept
    assert CARD not in repr([part for part in parts if isinstance(part, ToolPart)])
    outcomes, parts = await talk(Cassette(tape, hide=[KEY]), f"Pay, by {KEY}", "And now?")
    assert [outcome.text for outcome in outcomes] == ["Paid. ***", "Nothing."]
    assert "".join(part.text for part in parts if isinstance(part, TextPart)) == "Paid. ***Nothing."


async def test_secret_arguments_of_a_tool_that_does_not_exist_are_nowhere(autojump_clock, tape):
    await talk(Cassette(tape, record=ScriptedModel([[("pai", {"card": CARD, "cents": 5})], "Then not."])), "Pay")
    assert "pai" in tape.read_text()
    assert CARD not in tape.read_text()


async def test_a_text_that_came_in_two_pieces_is_hidden(autojump_clock, tape):
    await talk(Cassette(tape, record=ScriptedModel(["the key is here"]), hide=["key is"]), "What?")
    assert "the *** here" in tape.read_text()
    assert '" key"' not in tape.read_text()


async def test_what_was_cancelled_waits_until_it_is_cancelled_again(autojump_clock, tape):
    async def cancelled(client):
        models = Models(m=Model("m-1", client))

        class Clerk(ChatAgent, models=models, model="m"):
            """Waits."""

        async with Jido(services=[models]) as jido:
            request = await ask(await jido.start_agent(Clerk), "Tell", id="r")
            await trio.sleep(1.5)
            await request.cancel()
            return [part async for part in request.parts()]

    recorded = await cancelled(Cassette(tape, record=ScriptedModel(["a long story"], seconds=1)))
    assert recorded == [TextPart("a"), WithdrawnPart()]
    assert await cancelled(Cassette(tape)) == recorded


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "there is no cassette at"),
        ("", "is no cassette: "),
        ('{"cassette": 2}\n', "is no cassette of this version"),
        ("[]\nx", "is no cassette: "),
        ('{"cassette": 1}\n{"request": 1}', "is no cassette: "),
    ],
)
def test_what_is_no_cassette_is_refused(tape, content, says):
    if content is not None:
        Path(tape).write_text(content)
    with pytest.raises(InvalidDefinition, match=says):
        Cassette(tape)
