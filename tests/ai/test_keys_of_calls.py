"""What those that a call reaches know it by: the same when it is made again, and that of no other call."""

from typing import Any

import pytest

from jido_trio import Action, Context, Jido, Result
from jido_trio.ai import ChatAgent, Model, Models, Tool, ask, teammate
from jido_trio.runtime import read_journal
from jido_trio.storage import open_memory
from jido_trio.testing import ScriptedModel

PAID: list[tuple[str, str]] = []


class Pay(Action, description="Pays somebody"):
    to: str

    async def run(self, context: Context) -> Result:
        PAID.append((self.to, context.key))
        return {"paid": self.to}


def paying(*names: str) -> Models:
    script = [said for name in names for said in ([("pay", {"to": name})], f"{name} has it")]
    return Models(m=Model("m", ScriptedModel(script)))


class Note(Action, name="pay", description="Notes who is to be paid"):
    to: str

    def run(self, context: Context) -> Result:
        PAID.append((self.to, context["call"]))
        return {}


class Payer(ChatAgent, models=paying(), model="m", tools=[Tool(Pay, replay="keyed")], durable=True): ...


class Noter(ChatAgent, models=paying(), model="m", tools=[Note], durable=True): ...


@pytest.fixture(autouse=True)
def _paid():
    PAID.clear()


async def in_the_next_process(cls: Any, models: Any) -> None:
    for _ in range(2):
        async with Jido("bank", services=[models], storage=open_memory()) as jido:
            await pay(await jido.start_agent(cls, id="ann"))


async def in_another_instance(cls: Any, models: Any) -> None:
    for name in ("bank", "shop"):
        async with Jido(name, services=[models], storage=open_memory()) as jido:
            await pay(await jido.start_agent(cls, id="ann"), id="salary")


async def after_going_back(cls: Any, models: Any) -> None:
    async with Jido("bank", services=[models], storage=open_memory()) as jido:
        ann = await jido.start_agent(cls, id="ann")
        await pay(ann)
        await jido.rewind(ann, to=0)
        await pay(ann)


async def with_other_arguments(cls: Any, models: Any) -> None:
    async with Jido("bank", services=[models], storage=open_memory()) as jido:
        ann = await jido.start_agent(cls, id="ann")
        await pay(ann, id="salary")
        await jido.rewind(ann, to=0)
        await pay(ann, id="salary")


async def pay(agent: Any, id: str | None = None) -> None:
    await (await ask(agent, "Pay!", id=id)).answer()


@pytest.mark.parametrize(
    ("when", "to", "of_models"),
    [
        (in_the_next_process, ["bob", "bob"], 4),
        (in_another_instance, ["bob", "bob"], 4),
        (after_going_back, ["bob", "bob"], 4),
        (with_other_arguments, ["bob", "cid"], 3),  # the very same is asked by the very same request
    ],
)
@pytest.mark.parametrize("cls", [Payer, Noter])
async def test_calls_of_the_same_number_have_other_keys(when, to, of_models, cls, autojump_clock):
    models: Any = paying(*to)
    await when(cls, models)
    calls = dict.fromkeys(PAID)  # a call within the agent is made again when its journal is folded
    assert [name for name, _ in calls] == to
    assert len({key for _, key in calls}) == 2
    assert {key.rpartition("/")[0] for _, key in PAID} == {"ann/call_1_1"}
    assert len({sent.key for sent in models["m"].client.requests}) == of_models


async def test_a_tool_within_the_agent_finds_the_same_name_of_its_call_when_the_journal_is_folded(autojump_clock):
    async with open_memory() as storage, Jido("bank", services=[paying("bob")], storage=storage) as jido:
        await pay(await jido.start_agent(Noter, id="ann"))
        (await read_journal(storage, "bank", "ann")).at()
    assert len(PAID) == 2
    assert len(set(PAID)) == 1


async def test_a_teammate_is_asked_anew_when_its_asker_has_gone_back(autojump_clock):
    boss = ScriptedModel([[("clerk", {"question": "Oslo?"})], "cold", [("clerk", {"question": "Rome?"})], "warm"])
    clerk = ScriptedModel(["minus five", "thirty"])
    models = Models(boss=Model("b", boss), clerk=Model("c", clerk))

    class Clerk(ChatAgent, models=models, model="clerk", description="Knows"): ...

    class Boss(ChatAgent, models=models, model="boss", tools=[teammate(Clerk, name="clerk")], durable=True): ...

    globals()["Boss"], Boss.__qualname__ = Boss, "Boss"
    async with Jido("team", services=[models], storage=open_memory()) as jido:
        agent = await jido.start_agent(Boss, id="boss")
        await (await ask(agent, "How is Oslo?")).answer()
        await jido.rewind(agent, to=0)
        answer: Any = await (await ask(agent, "How is Rome?")).answer()
        assert answer.text == "warm"
    last: Any = boss.requests[-1].prompt.messages[-1]
    assert last.content == "thirty"
