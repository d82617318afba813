"""Plugins that are had by default, and how they want their slices kept."""

import base64
from typing import Any

import pytest
from attrs import frozen

from jido_trio import Action, Agent, Context, Jido, Result, Signal
from jido_trio.core import Plugin
from jido_trio.errors import AgentCrashed, InvalidDefinition, StorageError
from jido_trio.plugins import MemoryPlugin, ThreadPlugin
from jido_trio.storage import MemoryStorage


class OtherThread(ThreadPlugin, name="other_thread"):
    """In the place of the other."""


class House(Agent, default_plugins=[ThreadPlugin(), MemoryPlugin()]): ...


def names(cls: Any) -> list[str]:
    return list(cls.new("a").strategy_state.slices)


def plugin_of(cls: Any, name: str) -> Any:
    return next(each.plugin for each in cls.strategy.mounted if each.name == name)


@frozen
class Note:
    text: str = ""


class Notes(Plugin[Note], requires=[ThreadPlugin]):
    """Needs a thread."""


def test_a_class_has_the_default_plugins_of_its_base_before_its_own():
    class Shop(House, plugins=[Notes()]): ...

    class Sub(Shop, routes={"x": Say}): ...

    assert names(House) == ["thread", "memory"]
    assert names(Shop) == names(Sub) == ["thread", "memory", "notes"]
    assert Sub.router.has("thread.append")


def test_a_plugin_of_that_name_takes_the_place_of_a_default_one():
    class Shop(House, plugins=[Notes(), ("thread", ThreadPlugin(record=True))]): ...

    assert names(Shop) == ["thread", "memory", "notes"]
    assert plugin_of(Shop, "thread").record


def test_defaults_are_replaced_left_out_or_others_by_name():
    class Other(House, plugins=[], default_plugins={"thread": ThreadPlugin(record=True), "memory": None}): ...

    class Bare(House, plugins=[OtherThread()], default_plugins=[]): ...

    class Below(Other): ...

    assert names(Other) == names(Below) == ["thread"]
    assert plugin_of(Below, "thread").record
    assert names(Bare) == ["other_thread"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"default_plugins": {"thraed": None}},
            "called 'thraed' .known: thread, memory.; did you mean",
        ),
        ({"default_plugins": 3}, "default_plugins=3"),
        ({"default_plugins": "thread"}, "default_plugins='thread'"),
        ({"default_plugins": {"thread": 3}}, "3 is no plugin"),
        ({"plugins": 3}, "plugins=3"),
        ({"plugins": {"a": Notes()}}, "must be a list of plugins"),
        ({"plugins": [Notes()], "default_plugins": []}, "requires thread"),
    ],
)
def test_defaults_that_are_none_are_refused_by_name(options, said):
    with pytest.raises(InvalidDefinition, match=said):
        type("Shop", (House,), {}, **options)


# ---- what a plugin brings


class Odd(Plugin):
    """Brings what its config says."""

    method: str
    gives: Any = None

    def _given(self, method: str, usual: Any) -> Any:
        if self.method != method:
            return usual
        return 1 / 0 if self.gives is None else self.gives

    def routes(self) -> Any:
        return self._given("routes", {})

    def schedules(self) -> Any:
        return self._given("schedules", [])

    def sensors(self) -> Any:
        return self._given("sensors", {})

    def children(self) -> Any:
        return self._given("children", [])


@pytest.mark.parametrize("method", ["routes", "schedules", "sensors", "children"])
@pytest.mark.parametrize("gives", [None, 3, "x", [3], {"a": 3}], ids=range(5))
def test_a_plugin_that_brings_nonsense_is_told_of_by_name_when_the_class_is_made(method, gives):
    with pytest.raises(InvalidDefinition):
        type("A", (Agent,), {}, plugins=[Odd(method=method, gives=gives)])


# ---- how a slice is kept


class Say(Action):
    text: str

    def run(self, context: Context[Any, Any]) -> Result:
        return Sealed.change({"text": self.text})


class Sealed(Plugin[Note], name="sealed"):
    """Keeps its slice as nobody reads it at a glance; fails as its config says."""

    fails: str = ""

    def routes(self) -> Any:
        return {"say": Say}

    def checkpoint(self, slice: Note) -> object:
        if self.fails == "checkpoint":
            raise OSError("no key")
        if self.fails == "odd":
            return object()
        if self.fails == "loses":
            return {"sealed": ""}
        return {"sealed": base64.b64encode(slice.text.encode()).decode()}

    def restore(self, kept: Any) -> Note:
        if self.fails == "restore" and kept["sealed"]:
            raise OSError("no key")
        return Note(base64.b64decode(kept["sealed"]).decode())


class Sealing(Agent, plugins=[Sealed()], durable=True): ...


@pytest.fixture
def sealing(monkeypatch):
    """Make the agent class with another plugin, as if its module had been changed."""

    def made(plugin: Plugin[Note]) -> Any:
        cls = type("Sealing", (Agent,), {"__module__": __name__}, plugins=[plugin], durable=True)
        monkeypatch.setattr(f"{__name__}.Sealing", cls)
        return cls

    return made


class Open(Plugin[Note], name="sealed"):
    """The same, and keeps its slice as it is."""

    def routes(self) -> Any:
        return {"say": Say}


async def said(cls: Any, storage: MemoryStorage, text: str | None) -> str:
    """Start it, have it told something, and return what it knew before."""
    async with Jido("shop", storage=storage, on_report=lambda report: None) as jido:
        ref = await jido.start_agent(cls, id="k")
        knew: str = ref.agent.plugin(Sealed).text
        if text is not None:
            await ref.call(Signal("sealed.say", {"text": text}))
        return knew


async def test_a_slice_is_written_as_its_plugin_wants_and_is_there_again(autojump_clock):
    storage = MemoryStorage()
    assert await said(Sealing, storage, "a long secret") == ""
    records = [record.value for record in await storage.scan("", "\U0010ffff", 1000) if "/now/" in record.key]
    assert b"sealed" in b"".join(records)
    assert b"a long secret" not in b"".join(records)
    assert await said(Sealing, storage, None) == "a long secret"


@pytest.mark.parametrize("fails", ["checkpoint", "odd", "loses", "restore"])
async def test_what_cannot_be_written_or_would_not_come_back_is_not_committed(fails, sealing, autojump_clock):
    storage = MemoryStorage()
    await said(Sealing, storage, "before")
    with pytest.raises((AgentCrashed, StorageError, InvalidDefinition)):
        await said(sealing(Sealed(fails=fails)), storage, "after")
    assert await said(sealing(Sealed()), storage, None) == "before"


async def test_a_plugin_that_begins_to_seal_finds_what_was_kept_before(sealing, autojump_clock):
    storage = MemoryStorage()
    await said(sealing(Open()), storage, "open")
    assert await said(sealing(Sealed()), storage, None) == "open"


async def test_one_that_seals_no_more_does_not_take_what_was_sealed_for_its_slice(sealing, autojump_clock):
    storage = MemoryStorage()
    await said(Sealing, storage, "sealed")
    with pytest.raises((AgentCrashed, StorageError, InvalidDefinition), match="restore"):
        await said(sealing(Open()), storage, None)
