"""A library of texts: found by words, by meaning, by both; and as the tool of an agent."""

import json
import sqlite3

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from jido_trio import Jido
from jido_trio.ai import Answered, ChatAgent, Model, Models, Tool, ToolMessage, ask
from jido_trio.ai.openai import OpenAIEmbeddings
from jido_trio.ai.retrieval import HashedWords, Library, Passage, SearchLibrary, _library, open_library
from jido_trio.ai.retrieval._passages import fused, passages_of
from jido_trio.errors import ActionError, InvalidArguments, InvalidDefinition
from jido_trio.testing import HttpReply, ScriptedModel, open_fake_openai

REFUNDS = "Refunds are paid within ten days.\n\nThey go to the card that was charged."
SHIPPING = "We ship on weekdays. A parcel to Oslo takes four days."


class Meanings:
    """Knows that two words mean the same; counts how often it is asked."""

    name = "meanings"

    def __init__(self):
        self.asked = []

    async def embed(self, texts):
        await trio.lowlevel.checkpoint()
        self.asked.append(len(texts))
        return [[float("money" in text or "refund" in text.lower()), float("parcel" in text), 0.0] for text in texts]


# Passages


@given(st.text(alphabet="ab .\n", max_size=80), st.integers(1, 20))
def test_passages_have_all_that_was_said_and_none_is_too_long(text, characters):
    passages = passages_of(text, characters)
    assert all(0 < len(passage) <= characters for passage in passages)
    assert "".join("".join(passages).split()) == "".join(text.split())


def test_paragraphs_stay_whole_and_long_ones_are_cut_after_sentences():
    assert passages_of("one\n\ntwo\n\nthree", 8) == ["one\n\ntwo", "three"]
    assert passages_of("It snows here. It is cold.", 20) == ["It snows here.", "It is cold."]


def test_what_two_rankings_name_comes_before_what_one_does():
    assert [one for one, _ in fused([1, 2, 3], [4, 2])] == [2, 1, 4, 3]


# Finding


async def test_words_are_found_whatever_signs_stand_between_them():
    async with open_library() as library:
        assert await library.add("refunds", REFUNDS) == 1
        await library.add("shipping", SHIPPING)
        [found] = await library.search('"Oslo" AND (NEAR* : parcel?')
        assert (found.source, found.number, found.text) == ("shipping", 0, SHIPPING)
        assert await library.search("nothing?!") == await library.search("...") == ()


async def test_what_means_the_same_is_found_and_one_that_also_has_the_word_is_better():
    async with open_library(embedder=Meanings(), characters=40) as library:
        await library.add("refunds", REFUNDS)
        await library.add("money", "All about money.")
        found = await library.search("money")
        assert [passage.source for passage in found] == ["money", "refunds"]
        assert found[0].score > found[1].score


async def test_a_text_takes_the_place_of_what_its_source_had():
    async with open_library(characters=40) as library:
        assert await library.add("a", REFUNDS) == 2
        assert await library.add("a", SHIPPING) == 2
        assert await library.search("refunds") == ()
        assert len(await library.search("parcel")) == 1
        await library.remove("a")
        assert await library.search("parcel") == ()
        assert await library.sources() == ()


async def test_many_texts_are_embedded_in_portions(monkeypatch):
    monkeypatch.setattr(_library, "_AT_ONCE", 2)
    embedder = Meanings()
    async with open_library(embedder=embedder, characters=5) as library:
        await library.add("a", "one\n\ntwo\n\nthree\n\nfour\n\nfive")
    assert embedder.asked == [2, 2, 1]


async def test_it_is_there_the_next_time_but_for_another_embedder(tmp_path):
    path = tmp_path / "library.db"
    async with open_library(path, embedder=HashedWords()) as library:
        await library.add("shipping", SHIPPING)
    async with open_library(path, embedder=HashedWords()) as library:
        assert [passage.source for passage in await library.search("a parcel")] == ["shipping"]
    with pytest.raises(InvalidDefinition, match="made with embedder 'hashed-words-256', and not embedder 'meanings'"):
        async with open_library(path, embedder=Meanings()):
            pass


async def test_too_many_passages_change_nothing(monkeypatch):
    monkeypatch.setattr(_library, "MOST_PASSAGES", 2)
    async with open_library(characters=5) as library:
        await library.add("a", "one\n\ntwo")
        with pytest.raises(InvalidDefinition, match="at most 2 passages"):
            await library.add("a", "three\n\nfour\n\nfive")
        assert [passage.text for passage in await library.search("one three")] == ["one"]


class OfLength:
    """Makes vectors of one length, whatever the text."""

    name = "of a length"

    def __init__(self, *lengths):
        self.lengths = lengths

    async def embed(self, texts):
        return [[1.0] * length for length, _ in zip(self.lengths * len(texts), texts, strict=False)]


async def test_vectors_of_another_length_are_refused_by_name_and_change_nothing(tmp_path):
    async with open_library(tmp_path / "library.db", embedder=OfLength(2)) as library:
        await library.add("a", "one")
    async with open_library(tmp_path / "library.db", embedder=OfLength(3)) as library:
        with pytest.raises(InvalidDefinition, match="'of a length' makes vectors of 2 and 3 numbers"):
            await library.search("one")
        with pytest.raises(InvalidDefinition, match="'of a length' makes vectors of 2 and 3 numbers"):
            await library.add("b", "two")
        assert await library.sources() == ("a",)


async def test_vectors_of_several_lengths_are_refused():
    async with open_library(embedder=OfLength(2, 3), characters=4) as library:
        with pytest.raises(InvalidDefinition, match="vectors of 2 and 3 numbers"):
            await library.add("a", "one two")


@pytest.mark.parametrize(
    ("given", "says"),
    [((None, "x"), "source=None"), ((5, "x"), "source=5"), (("a", None), "text=None"), (("a", "\ud800"), "UTF-8")],
)
async def test_what_is_no_text_is_refused_by_name_and_changes_nothing(given, says):
    async with open_library() as library:
        with pytest.raises(InvalidDefinition, match=says):
            await library.add(*given)
        assert await library.sources() == ()


async def test_a_query_that_is_no_text_is_refused_and_half_a_character_finds_nothing():
    async with open_library() as library:
        await library.add("a", "one")
        with pytest.raises(InvalidDefinition, match="query=None of a search must be a text"):
            await library.search(None)  # type: ignore[arg-type]
        assert await library.search("\ud800") == ()


async def test_a_vector_that_is_none_and_an_embedder_that_loses_texts_are_bugs_that_change_nothing():
    class Lossy(Meanings):
        async def embed(self, texts):
            return (await super().embed(texts))[1:]

    class Broken(Meanings):
        async def embed(self, texts):
            return [[float("nan")] for _ in await super().embed(texts)]

    for embedder, says in [(Lossy(), "made 0 vectors of 1 texts"), (Broken(), "no finite number")]:
        async with open_library(embedder=embedder) as library:
            with pytest.raises(ValueError, match=says):
                await library.add("a", "b")
            assert await library.sources() == ()


@pytest.mark.parametrize("limit", [0, 51])
async def test_a_limit_is_from_1_to_50(limit):
    async with open_library() as library:
        with pytest.raises(InvalidDefinition, match=f"limit={limit}"):
            await library.search("x", limit)


async def test_a_file_that_is_no_library_is_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("no database " * 100)
    with pytest.raises(sqlite3.DatabaseError):
        async with open_library(path):
            pass
    assert path.read_text() == "no database " * 100


# The tool


async def test_an_agent_looks_something_up():
    model = ScriptedModel([[("search_library", {"query": "How long to Oslo?", "limit": 1})], "Four days."])
    models = Models(fast=Model("m", model))

    class Clerk(ChatAgent, models=models, model="fast", tools=[Tool(SearchLibrary, replay="safe")]): ...

    async with open_library(embedder=HashedWords()) as library:
        await library.add("shipping", SHIPPING)
        await library.add("refunds", REFUNDS)
        async with Jido(services=[models], resources={Library: library}) as jido:
            answer = await (await ask(await jido.start_agent(Clerk), "How long does it take?")).answer(timeout=20)
    assert isinstance(answer, Answered)
    result = model.requests[-1].prompt.messages[-1]
    assert isinstance(result, ToolMessage)
    assert json.loads(result.content) == [{"source": "shipping", "text": SHIPPING}]


async def test_what_the_model_is_told_is_bounded():
    class Many(Library):
        async def search(self, query, limit=5):
            await trio.lowlevel.checkpoint()
            return tuple(Passage("a", number, "x" * 3000) for number in range(limit))

    class Found:
        resources = {Library: Many(None, None, 1)}  # type: ignore[arg-type]

    told = await SearchLibrary(query="x").run(Found())  # type: ignore[arg-type]
    assert [len(passage["text"]) for passage in told] == [3000, 3000, 2000]
    assert told[-1]["text"].endswith("…")


@pytest.mark.parametrize("arguments", ['{"query": ""}', '{"query": "x", "limit": 21}', "{}"])
def test_a_call_that_asks_for_nothing_or_too_much_is_refused(arguments):
    with pytest.raises(InvalidArguments):
        Tool(SearchLibrary).made(arguments)


# Embeddings of OpenAI


async def embedded(*script):
    async with open_fake_openai(script) as server:
        embedder = OpenAIEmbeddings("small-1", api_key="sk-canary-1", base_url=server.base_url)
        try:
            with trio.fail_after(20):
                return await embedder.embed(["a", "b"]), server
        except ActionError as error:
            return error, server


async def test_openai_makes_a_vector_of_each_text_in_their_order():
    data = [{"index": 1, "embedding": [0.0, 1.0]}, {"index": 0, "embedding": [1.0, 0.0]}]
    vectors, server = await embedded(HttpReply(body=json.dumps({"object": "list", "data": data, "model": "m"})))
    assert vectors == [[1.0, 0.0], [0.0, 1.0]]
    assert (server.requests[0]["input"], server.requests[0]["model"]) == (["a", "b"], "small-1")
    assert server.open == 0


async def test_embeddings_with_a_key_that_is_none_say_so(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1\n")
    with pytest.raises(ActionError, match="no embeddings: OPENAI_API_KEY of the environment must be a key") as failed:
        await OpenAIEmbeddings("m").embed(["one"])
    assert not failed.value.retryable


@pytest.mark.parametrize(("status", "again"), [(429, True), (500, True), (400, False)])
async def test_embeddings_that_fail_say_whether_to_try_again_after_one_request(status, again):
    error, server = await embedded(HttpReply(status, body='{"error": {"message": "no sk-canary-1"}}'))
    assert (error.retryable, len(server.requests)) == (again, 1)
    assert "sk-canary-1" not in str(error)
