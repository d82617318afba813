"""Options that are of no use for what they are given to: each is told by its name, however odd the value is."""

from typing import Any

import pytest
import trio

from jido_trio import Jido
from jido_trio.ai.anthropic import Anthropic
from jido_trio.ai.mcp import McpServer
from jido_trio.ai.ollama import Ollama
from jido_trio.ai.openai import OpenAI, OpenAIEmbeddings
from jido_trio.ai.retrieval import open_library
from jido_trio.core import (
    AppendEntries,
    Catalogue,
    Emit,
    Route,
    Signal,
    Thread,
    matches,
    migrated,
    rehearsal,
    replay,
    steps,
    what_if,
)
from jido_trio.errors import ActionError, InvalidDefinition, InvalidSignal
from jido_trio.groups import open_keyed, open_pool
from jido_trio.runtime import (
    await_all,
    await_child,
    await_completion,
    compact_journal,
    export_agent,
    forget_agent,
    import_agent,
    journal_info,
    journal_names,
    list_journals,
    listen_progress,
    open_journal,
    read_agent_file,
    read_entries,
    read_journal,
    rehearse,
    run,
    start_run,
)
from jido_trio.storage import MemoryStorage, encrypt_anew, open_memory, within
from jido_trio.supervision import Child, SupervisorSpec, open_task_supervisor
from jido_trio.testing import Cassette, Faults, ScriptedModel
from tests.runtime.agents import Notebook, Work


class Odd:
    """As an array: it compares to no bool, has no hash and, being broken, no text."""

    def __eq__(self, other: object) -> object:  # type: ignore[override]
        raise ValueError("ambiguous")

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise ValueError("ambiguous")

    def __repr__(self) -> str:
        raise ValueError("no repr")


ODD: Any = Odd()
FIVE: Any = 5
NONE: Any = None
EMPTY: Any = []
WORD: Any = "x"
NEW = Thread.new("t")
NOTEBOOK = Notebook.new("a")


class Kept(Notebook, name="kept_oddly", durable=True):
    """An agent that is kept."""


@pytest.mark.parametrize(
    ("declare", "told"),
    [
        (lambda: Jido(inspect="\ud800"), "inspect=.* must be a path"),
        (lambda: AppendEntries(FIVE), "entries=5 of AppendEntries must be an entry, or several"),
        (lambda: AppendEntries(ODD), "entries=.* of AppendEntries must be"),
        (lambda: Catalogue(FIVE), "tools=5 of a catalogue must be several tools"),
        (lambda: Catalogue("add"), "tools='add' of a catalogue must be several tools"),  # type: ignore[arg-type]
        (lambda: Emit("a", when_full=ODD), "when_full=.* of Emit must be one of"),
        (lambda: Route(ODD, Work), "route <Odd, whose repr raised ValueError>: Path must be a string"),
        (lambda: Thread("t", NEW.created_at, NEW.updated_at, entries=FIVE), "entries=5 of thread 't' must be"),
        (lambda: Thread("t", NEW.created_at, NEW.updated_at, 1, (FIVE,)), "must be a tuple of ThreadEntry"),
        (lambda: migrated(Notebook.new("a"), FIVE), "cls=5 of migrated must be a class of agents"),
        (lambda: Notebook.new("a").plugin(FIVE), "plugin=5 of agent 'a' must be a class of plugins"),
        (lambda: within(FIVE), "prefix=5 of within must be a text"),
        (lambda: Child("c", trio.sleep, args=FIVE), "args=5 of child 'c' must be several arguments"),
        (lambda: Child("c", trio.sleep, args="12"), "args='12' of child 'c' must be several arguments"),  # type: ignore[arg-type]
        (lambda: Child("c", trio.sleep, 1, kind=ODD), "kind=.* of child 'c' is not one of"),
        (lambda: SupervisorSpec(FIVE), "children=5 of a supervisor must be several"),
        (lambda: matches(EMPTY, "a"), r"route \[\]: Path must be a string"),
        (lambda: matches("a", NONE), "signal_type=None of matches must be a text"),
        (lambda: migrated(FIVE, Notebook), "agent=5 of migrated must be an agent"),
        (lambda: replay(NOTEBOOK, FIVE), "journal=5 of replay must be entries in order"),
        (lambda: replay(NOTEBOOK, [FIVE]), "journal=5 of replay is no entry"),
        (lambda: replay(FIVE, []), "begin=5 of replay must be an agent"),
        (lambda: list(steps(NOTEBOOK, [FIVE])), "journal=5 of steps is no entry"),
        (lambda: what_if(NOTEBOOK, [FIVE]), "journal=5 of what_if is no entry"),
        (lambda: what_if(FIVE, []), "begin=5 of what_if must be an agent"),
        (lambda: rehearsal(FIVE, Notebook), "agent=5 of migrated must be an agent"),
        (lambda: NOTEBOOK.cmd(Work, context=FIVE), "context=5 of cmd of agent 'a' must be a mapping"),
        (lambda: OpenAI(base_url="localhost"), "base_url='localhost' of OpenAI must begin with http"),
        (lambda: Anthropic(options=FIVE), "options=5 of Anthropic must be a mapping"),
        (lambda: Ollama(base_url=NONE, options={5: 5}), "options=.* of Ollama must be a mapping"),  # type: ignore[dict-item]
        (lambda: OpenAIEmbeddings(FIVE), "model=5 of OpenAIEmbeddings must be a text"),
        (lambda: McpServer("files", command=FIVE), "MCP server 'files' needs either command="),
        (lambda: McpServer("files", command=[FIVE]), "command=.* of MCP server 'files' must be texts"),
        (lambda: ScriptedModel("hello"), "script='hello' of a scripted model must be several lines"),
        (lambda: ScriptedModel([], seconds=-1), "seconds=-1 of a scripted model must be seconds"),
        (lambda: Cassette(FIVE), "path=5 of a cassette must be the path of a file"),
        (lambda: Faults({"commit": FIVE}), "script=.* of Faults must say what at which visit"),
    ],
)
def test_an_option_that_is_of_no_use_is_told_by_its_name(declare, told):
    with pytest.raises(InvalidDefinition, match=told):
        declare()


@pytest.mark.parametrize("name", ["datacontenttype", "specversion"])
@pytest.mark.parametrize("value", [[], {}, ODD, FIVE], ids=["list", "dict", "odd", "int"])
def test_an_attribute_of_a_signal_that_has_no_hash_is_told_by_its_name(name, value):
    options: Any = {name: value}
    with pytest.raises(InvalidSignal, match=f"signal {name} is "):
        Signal("a", **options)


@pytest.mark.parametrize(("given", "told"), [("a", r"write Signal\('a'\)"), (5, r"write Signal\('type', data\)")])
def test_what_is_received_and_is_no_signal_is_told_with_how_to_make_one(given, told):
    with pytest.raises(TypeError, match=told):
        Notebook.new("a").receive(given)


@pytest.mark.parametrize("jido", [None, 5, "x", ODD, Jido], ids=["none", "int", "str", "odd", "class"])
@pytest.mark.parametrize("group", ["pool", "keyed"])
async def test_agents_of_a_group_live_in_an_instance(group, jido):
    opened = open_pool(jido, Kept, size=1, name="g") if group == "pool" else open_keyed(jido, Kept, name="g")
    with pytest.raises(InvalidDefinition, match=r"jido=.* must be an instance, or a partition"):
        async with opened:
            pytest.fail("there is no instance")


@pytest.mark.parametrize("path", [None, 5, "", "a\0b", "\ud800", b"a"], ids=ascii)
async def test_the_file_of_an_agent_has_a_path(path):
    storage = MemoryStorage()
    for attempt in (
        lambda: export_agent(storage, "jido", "a", path),
        lambda: import_agent(storage, "jido", path),
        lambda: read_agent_file(path),
    ):
        with pytest.raises(InvalidDefinition, match=r"path=.* must be the path of a file"):
            await attempt()


async def test_inputs_have_numbers_and_children_have_tags():
    async with Jido() as jido:
        ref = await jido.start_agent(Notebook)
        with pytest.raises(InvalidDefinition, match="first=None of read_entries must be a whole number"):
            await read_entries(MemoryStorage(), "jido", "a", first=NONE)
        with pytest.raises(InvalidDefinition, match="last='x' of read_entries must be a whole number"):
            await read_entries(MemoryStorage(), "jido", "a", last=WORD)
        with pytest.raises(InvalidDefinition, match="tag=None of await_child must be a text"):
            await await_child(ref, NONE)


async def test_as_many_dead_letters_may_be_kept_as_there_can_be():
    async with Jido(dead_letters=10**400) as jido:
        await jido.start_agent(Notebook)
        assert jido.dead_letters() == ()


SECRET = "sk-\N{BULLET}-4711"


@pytest.mark.parametrize("make", [OpenAI, Anthropic, Ollama])
def test_a_key_that_can_be_none_is_refused_and_not_shown(make):
    with pytest.raises(InvalidDefinition, match=r"api_key='\*\*\*' of \w+ must be a key") as refused:
        make(api_key=SECRET)
    assert "4711" not in repr(refused.value) + str(vars(refused.value))


def test_a_single_text_is_not_taken_for_several_that_a_cassette_hides(tmp_path):
    with pytest.raises(InvalidDefinition, match=r"hide='\*\*\*' of a cassette must be several texts"):
        Cassette(tmp_path / "c.jsonl", record=ScriptedModel([]), hide=SECRET)
    assert not (tmp_path / "c.jsonl").exists()


def test_the_details_of_an_error_are_a_mapping():
    with pytest.raises(TypeError, match="details=5 of ActionError must be a mapping"):
        ActionError("it failed", details=FIVE)


@pytest.mark.parametrize(
    "attempt",
    [
        journal_names,
        list_journals,
        lambda storage: journal_info(storage, "jido", "a"),
        lambda storage: read_entries(storage, "jido", "a"),
        lambda storage: open_journal(storage, "jido", "a"),
        lambda storage: read_journal(storage, "jido", "a"),
        lambda storage: compact_journal(storage, "jido", "a", 1),
        lambda storage: forget_agent(storage, "jido", "a"),
        lambda storage: export_agent(storage, "jido", "a", "a.agent"),
        lambda storage: import_agent(storage, "jido", "a.agent"),
        lambda storage: rehearse(storage, Kept, Kept),
    ],
)
async def test_a_storage_must_be_open_where_journals_are_read(attempt):
    for given, why in (
        ("jido.db", "is no storage"),
        (ODD, "is no storage"),
        (open_memory(), "isn't open: write `async"),
    ):
        with pytest.raises(InvalidDefinition, match=f"storage=.* {why}"):
            await attempt(given)


async def test_only_what_is_encrypted_can_be_encrypted_anew():
    plain: Any = MemoryStorage()
    with pytest.raises(InvalidDefinition, match="isn't encrypted: give what `async with encrypted"):
        await encrypt_anew(plain)


async def test_a_rehearsal_is_told_of_classes_of_agents_and_of_functions():
    storage = MemoryStorage()
    with pytest.raises(InvalidDefinition, match="old=5 of rehearse must be a class of agents"):
        await rehearse(storage, FIVE, Kept)
    with pytest.raises(InvalidDefinition, match="on_agent=5 of rehearse must be a function"):
        await rehearse(storage, Kept, Kept, on_agent=FIVE)


async def test_whoever_waits_for_an_agent_names_its_fields_by_texts():
    async with Jido() as jido:
        ref = await jido.start_agent(Notebook)
        with pytest.raises(InvalidDefinition, match="status=5 of await_completion must be a text"):
            await await_completion(ref, status=FIVE)
        with pytest.raises(TypeError, match="'x' is no ref of an agent"):
            await await_all([ref, WORD])
        with (
            pytest.raises(InvalidDefinition, match="signal='x' of listen_progress must be the Signal"),
            listen_progress(ref, WORD),
        ):
            pytest.fail("it is no signal")


async def test_an_action_that_runs_alone_is_given_a_mapping_and_a_nursery():
    with pytest.raises(InvalidDefinition, match="context=5 of run must be that of an action, or a mapping"):
        await run(Work(), FIVE)
    with pytest.raises(InvalidDefinition, match="on_progress=5 of run must be a function"):
        await run(Work(), on_progress=FIVE)
    with pytest.raises(InvalidDefinition, match="nursery=5 of start_run must be a nursery"):
        start_run(FIVE, Work())


async def test_keys_of_keyed_agents_are_texts_for_each_that_takes_one():
    async with open_memory() as storage, Jido(storage=storage) as jido, open_keyed(jido, Kept, name="g") as kept:
        for attempt in (kept.lookup, kept.touch):
            with pytest.raises(InvalidDefinition, match=r"key=\[\] of 'g' must be a text"):
                attempt([])  # type: ignore[arg-type]
        for later in (kept.stop, kept.forget):
            with pytest.raises(InvalidDefinition, match=r"key=<Odd.* of 'g' must be a text"):
                await later(ODD)


async def test_a_library_has_a_path_and_an_embedder_with_a_name():
    with pytest.raises(InvalidDefinition, match="path=5 of a library must be the path of a file"):
        async with open_library(FIVE):
            pytest.fail("it is no path")
    with pytest.raises(InvalidDefinition, match="embedder=5 of a library must have a `name`"):
        async with open_library(embedder=FIVE):
            pytest.fail("it is no embedder")


async def test_tasks_have_names_and_a_map_has_items():
    async with open_task_supervisor() as tasks:
        with pytest.raises(InvalidDefinition, match=r"name=.* of a task of 'tasks' must be a text"):
            tasks.start_soon(trio.sleep, 0, name=ODD)
        with pytest.raises(InvalidDefinition, match="items=5 of map of 'tasks' must be several items"):
            tasks.map(trio.sleep, FIVE, max_concurrency=1)
