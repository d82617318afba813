"""Options that are of no use for what they are given to: each is told by its name, however odd the value is."""

from typing import Any

import pytest
import trio

from jido_trio import Jido
from jido_trio.core import AppendEntries, Catalogue, Emit, Route, Signal, Thread, migrated
from jido_trio.errors import InvalidDefinition, InvalidSignal
from jido_trio.groups import open_keyed, open_pool
from jido_trio.runtime import await_child, export_agent, import_agent, read_agent_file, read_entries
from jido_trio.storage import MemoryStorage, within
from jido_trio.supervision import Child
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
WORD: Any = "x"
NEW = Thread.new("t")


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
