"""Agents that speak with models, and have plugins: both parts of what is remembered are kept, beside each other."""

from typing import Any

import trio
from attrs import frozen

from jido_trio import Action, Context, Jido, Result
from jido_trio.ai import Answered, ChatAgent, Model, Models, NeedsApproval, Tool, ToolMessage, ask, find_request
from jido_trio.core import Plugin, snapshot_of
from jido_trio.plugins import ThreadPlugin
from jido_trio.storage import open_memory
from jido_trio.testing import ScriptedModel


@frozen
class Noted:
    notes: tuple[str, ...] = ()


class Notes(Plugin[Noted]): ...


class Note(Action):
    note: str

    def run(self, context: Context[Any, Any]) -> Result:
        return Notes.change({"notes": (*context.agent.plugin(Notes).notes, self.note)})


class Recall(Action):
    async def run(self, context: Context[Any, Any]) -> Any:
        await trio.lowlevel.checkpoint()
        return ", ".join(context.agent.plugin(Notes).notes)


class Misnote(Action):
    def run(self, context: Context[Any, Any]) -> Result:
        return Notes.change({"notes": 3})


MODELS = Models(main=Model("m", ScriptedModel([])))


class Clerk(
    ChatAgent,
    models=MODELS,
    model="main",
    tools=[Note, Misnote, Recall],
    plugins=[Notes(), ThreadPlugin()],
    durable=True,
):
    """Notes things in a slice."""


class Careful(Clerk, tools=[Tool(Note, approve=True)]): ...


def models(*script: Any) -> Models:
    return MODELS.with_clients(main=ScriptedModel(script))


def told(models: Models) -> list[str]:
    client: Any = models["main"].client
    return [each.content for each in client.requests[-1].prompt.messages if isinstance(each, ToolMessage)]


TWO = [("note", {"note": "one"}), ("note", {"note": "two"})]


async def test_tools_change_slices_one_after_the_other_and_others_read_them(autojump_clock):
    scripted = models(TWO, [("recall", {})], "noted")
    async with open_memory() as storage, Jido("desk", storage=storage, services=[scripted]) as jido:
        clerk = await jido.start_agent(Clerk, id="ann")
        answer = await (await ask(clerk, "Note it")).answer()
        assert isinstance(answer, Answered)
        assert clerk.agent.plugin(Notes).notes == ("one", "two")
        assert told(scripted)[-1] == "one, two"


async def test_a_change_of_a_slice_that_does_not_fit_is_told_the_model(autojump_clock):
    scripted = models([("misnote", {}), *TWO], "noted")
    async with open_memory() as storage, Jido("desk", storage=storage, services=[scripted]) as jido:
        clerk = await jido.start_agent(Clerk, id="ann")
        await (await ask(clerk, "Note it")).answer()
        assert "plugin notes" in told(scripted)[0]
        assert clerk.agent.plugin(Notes).notes == ("one", "two")


async def test_the_conversation_and_the_slices_go_on_in_another_program(autojump_clock):
    async with open_memory() as storage:
        async with Jido("desk", storage=storage, services=[models(TWO)]) as jido:
            request = await ask(await jido.start_agent(Careful, id="ann"), "Note it", id="1")
            needed = await request.answer()
            assert isinstance(needed, NeedsApproval)
            await request.approve(needed.calls[0])

        async with Jido("desk", storage=storage, services=[models("noted")]) as jido:
            clerk = await jido.start_agent(Careful, id="ann")
            found = find_request(clerk, "1")
            assert found is not None
            needed = await found.answer()
            assert isinstance(needed, NeedsApproval)
            await found.deny(needed.calls[0])
            assert isinstance(await found.answer(), Answered)
            assert clerk.agent.plugin(Notes).notes == ("one",)
            assert snapshot_of(clerk.agent).status == "idle"
