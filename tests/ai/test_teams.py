"""Agents that ask each other, and approvals that expire, under virtual time."""

# mypy: disable-error-code="union-attr,arg-type,assignment"

import pytest
import trio
from attrs import frozen

from jido_trio import Action, Jido
from jido_trio.ai import (
    Answered,
    Budget,
    Cancelled,
    ChatAgent,
    Model,
    Models,
    NeedsApproval,
    Price,
    Tool,
    ToolMessage,
    ask,
    find_request,
    skills_in,
    teammate,
)
from jido_trio.errors import InvalidDefinition
from jido_trio.storage import MemoryStorage, Put, open_memory
from jido_trio.testing import ScriptedModel

MODELS = Models(
    boss=Model("m", ScriptedModel([]), price=Price(1, 1), max_tokens=100),
    clerk=Model("m", ScriptedModel([]), price=Price(1, 1), max_tokens=100),
)


@frozen
class Nothing:
    pass


class Pay(Action):
    async def run(self, context):
        return {"paid": True}


class Clerk(ChatAgent, models=MODELS, model="clerk", description="Knows the files", durable=True):
    """Is asked."""


class Boss(
    ChatAgent, models=MODELS, model="boss", tools=[teammate(Clerk)], budget=Budget(calls=5, tokens=20_000), durable=True
):
    """Asks."""


class HandsOver(Boss, tools=[teammate(Clerk, name="clerk", hand_over=True)]): ...


class Asking(Boss, tools=[Tool(Pay, approve=True, expires=3600)]): ...


class Patient(Asking, tools=[Tool(Pay, approve=True, expires=200_000)]): ...


CLERK = ("clerk", {"question": "Where?"})


def team(boss, clerk, seconds=0.0):
    """Return two scripted models, and the service that has them."""
    one, two = ScriptedModel(boss, seconds=seconds), ScriptedModel(clerk, seconds=seconds)
    return one, two, MODELS.with_clients(boss=one, clerk=two)


def told(model):
    """What a model was told by tools the last time it was called."""
    return [message for message in model.requests[-1].prompt.messages if isinstance(message, ToolMessage)]


async def outcome_of(cls, models, storage=None, text="Where are the files?"):
    async with open_memory() as memory, Jido(storage=storage or memory, services=[models]) as jido:
        boss = await jido.start_agent(cls, id="boss")
        return await (await ask(boss, text, id="r1")).answer()


async def test_a_teammate_that_is_stopped_while_it_is_asked_is_no_bug(autojump_clock, caplog):
    boss, _, models = team([[CLERK], "Nobody knows."], ["In the cellar."], seconds=5)
    async with open_memory() as memory, Jido(storage=memory, services=[models]) as jido:
        request = await ask(await jido.start_agent(Boss, id="boss"), "Where are the files?")
        await trio.sleep(7)
        await jido.stop_agent("boss/clerk")
        assert isinstance(await request.answer(), Answered)
        assert told(boss)[0].content.startswith("it had no answer: agent 'boss/clerk' is not running (stopped)")
        await ask(request.agent, "And now?")
    assert "has a bug" not in caplog.text


async def test_an_agent_asks_another_and_pays_for_it(autojump_clock):
    boss, clerk, models = team([[CLERK], "In the cellar."], ["In the cellar, I think."])
    outcome = await outcome_of(Boss, models)
    assert outcome.text == "In the cellar."
    assert [message.content for message in told(boss)] == ["In the cellar, I think."]
    assert clerk.requests[0].key.startswith("boss/clerk/1.1/")
    assert (outcome.spent.calls, outcome.spent.tools) == (3, 1)
    assert outcome.spent.tokens == sum(10 + len(text) for text in ("In the cellar, I think.", "In the cellar.")) + 20


async def test_an_agent_that_hands_over_is_not_called_again(autojump_clock):
    boss, _, models = team([[CLERK]], ["In the cellar."])
    outcome = await outcome_of(HandsOver, models)
    assert isinstance(outcome, Answered)
    assert outcome.text == "In the cellar."
    assert len(boss.requests) == 1


async def test_after_a_hand_over_the_conversation_goes_on(autojump_clock):
    boss, _, models = team([[CLERK], "You're welcome."], ["In the cellar."])
    async with open_memory() as storage, Jido(storage=storage, services=[models]) as jido:
        agent = await jido.start_agent(HandsOver)
        await (await ask(agent, "Where?")).answer()
        assert (await (await ask(agent, "Thanks")).answer()).text == "You're welcome."
    assert told(boss)[0].content == "In the cellar."


async def test_all_that_a_team_spends_is_within_the_budget_of_who_asks(autojump_clock):
    _, clerk, models = team([[CLERK, ("clerk", {"question": "When?"})], "So."], ["a", "b", "c", "d"])

    class Poor(Boss, durable=False, budget=Budget(tokens=1_000)): ...

    outcome = await outcome_of(Poor, models)
    assert outcome.spent.tokens <= 1_000
    assert clerk.requests[0].prompt.max_tokens == 100


async def test_a_teammate_without_a_share_says_so_and_calls_nobody(autojump_clock):
    boss, clerk, models = team([[CLERK], "Then not."], ["a"])

    class OneCall(Boss, durable=False, budget=Budget(calls=1)): ...

    class TwoCalls(Boss, durable=False, budget=Budget(calls=2)): ...

    assert (await outcome_of(OneCall, models)).limit == "calls"
    assert clerk.requests == []
    boss, clerk, models = team([[CLERK, CLERK], "Then not."], ["a"])
    await outcome_of(TwoCalls, models)
    assert clerk.requests == []  # half a call each
    assert len(boss.requests) == 2
    assert {message.content for message in told(boss)} == {"It had no answer: the budget of calls is used up."}


async def test_a_question_that_was_in_flight_when_the_program_ended_is_asked_once(autojump_clock):
    async with open_memory() as storage:
        _, clerk, models = team([[CLERK], "never heard"], ["slow as ever"], seconds=10)
        with trio.move_on_after(15):
            await outcome_of(Boss, models, storage)
        assert len(clerk.requests) == 1
        boss, again, models = team(["In the cellar."], ["In the cellar, I think."])
        outcome = await outcome_of(Boss, models, storage)
    assert outcome.text == "In the cellar."
    assert len(again.requests) == 1
    assert [message.content for message in told(boss)] == ["In the cellar, I think."]


async def test_who_is_cancelled_cancels_whom_it_asked(autojump_clock):
    _, clerk, models = team([[CLERK]], ["a long long story"], seconds=10)
    async with open_memory() as storage, Jido(storage=storage, services=[models]) as jido:
        request = await ask(await jido.start_agent(Boss, id="boss"), "Where?")
        await trio.sleep(25)
        await request.cancel()
        assert isinstance(await request.answer(), Cancelled)
        await trio.sleep(1)
        assert clerk.cancelled == 1
        [ended] = jido.whereis("boss/clerk").agent.strategy_state.ended
        assert ended.how == "cancelled"


async def test_a_team_ends_with_who_asked_it(autojump_clock):
    _, _, models = team([[CLERK], "So."], ["a"])
    async with open_memory() as storage, Jido(storage=storage, services=[models]) as jido:
        await (await ask(await jido.start_agent(Boss, id="boss"), "Where?")).answer()
        await jido.stop_agent("boss")
        await trio.sleep(1)
        assert jido.whereis("boss/clerk") is None


async def test_an_approval_a_day_and_two_programs_later_is_given(autojump_clock):
    async with open_memory() as storage:
        _, _, models = team([[("pay", {})], "Paid."], [])
        for _ in range(2):
            async with Jido(storage=storage, services=[models]) as jido:
                boss = await jido.start_agent(Patient, id="boss")
                request = await ask(boss, "Pay", id="r1")
                needed = await request.answer()
                assert isinstance(needed, NeedsApproval)
                await trio.sleep(43_200)
        async with Jido(storage=storage, services=[models]) as jido:
            request = find_request(await jido.start_agent(Patient, id="boss"), "r1")
            await request.approve(needed.calls[0], by="ann")
            assert (await request.answer()).text == "Paid."


async def test_an_approval_that_nobody_gives_in_time_is_denied_also_in_the_next_program(autojump_clock):
    async with open_memory() as storage:
        boss, _, models = team([[("pay", {})], "Then not."], [])
        async with Jido(storage=storage, services=[models]) as jido:
            request = await ask(await jido.start_agent(Asking, id="boss"), "Pay", id="r1")
            assert isinstance(await request.answer(), NeedsApproval)
        async with Jido(storage=storage, services=[models]) as jido:
            request = find_request(await jido.start_agent(Asking, id="boss"), "r1")
            await trio.sleep(3700)
            outcome = await request.answer()
    assert outcome.text == "Then not."
    assert told(boss)[0].content == "It is not allowed: nobody allowed it within 3600 seconds."


async def test_an_approval_that_was_given_does_not_expire(autojump_clock):
    _, _, models = team([[("pay", {})], "Paid.", [("pay", {})], "Paid again."], [])
    async with open_memory() as storage, Jido(storage=storage, services=[models]) as jido:
        boss = await jido.start_agent(Asking, id="boss")
        for text in ("Paid.", "Paid again."):
            request = await ask(boss, "Pay")
            needed = await request.answer()
            await trio.sleep(3000)
            await request.approve(needed.calls[0])
            assert (await request.answer()).text == text


class Slow(MemoryStorage):
    """Keeps the question waiting, until it is told to go on."""

    def __init__(self):
        super().__init__()
        self.has_it, self.goes_on = trio.Event(), trio.Event()

    async def commit(self, ops):
        if any(isinstance(op, Put) and "clerk" in op.key and b"Where?" in op.value for op in ops):
            self.has_it.set()
            await self.goes_on.wait()
        await super().commit(ops)


async def test_a_question_that_is_being_taken_when_its_asker_is_cancelled_is_cancelled(autojump_clock):
    _, _, models = team([[CLERK]], ["Here it is."], seconds=1)
    storage = Slow()
    async with Jido(storage=storage, services=[models]) as jido:
        request = await ask(await jido.start_agent(Boss, id="boss"), "Find it")
        await storage.has_it.wait()
        await request.cancel()
        assert isinstance(await request.answer(), Cancelled)
        await trio.sleep(1)
        storage.goes_on.set()
        await trio.sleep(60)
        assert [ended.how for ended in jido.whereis("boss/clerk").agent.strategy_state.ended] == ["cancelled"]


async def test_a_question_that_says_nothing_is_refused_and_the_asker_goes_on(autojump_clock):
    boss, _, models = team([[("clerk", {"question": " "})], "Well."], [])
    assert (await outcome_of(Boss, models)).text == "Well."
    assert [message.content for message in told(boss)] == ["the question is empty: ask something"]


@pytest.fixture
def folder(tmp_path):
    def skill(name, text):
        (tmp_path / name).mkdir()
        (tmp_path / name / "SKILL.md").write_text(text)

    skill("letters", "---\nname: letters\ndescription: How letters are written\n---\n\nBegin with Dear.\n")
    skill("bills", "---\nname: bills\ndescription: How bills are written\n---\nBegin with the sum.")
    return tmp_path


async def test_a_skill_is_told_by_name_and_loaded_when_it_is_needed(autojump_clock, folder):
    calls = [("load_skill", {"skill": "letters"}), ("load_skill", {"skill": "poems"})]
    boss, _, models = team([calls, "Dear Sir"], [])

    class Writer(Boss, durable=False, instructions="You write.", skills=skills_in(folder)): ...

    assert (await outcome_of(Writer, models)).text == "Dear Sir"
    system = boss.requests[0].prompt.system
    assert system.startswith("You write.\n\nYou have these skills.")
    assert "- bills: How bills are written\n- letters: How letters are written" in system
    assert "Dear" not in system
    assert [message.content for message in told(boss)] == [
        "Begin with Dear.",
        "there is no skill 'poems'; there are: bills, letters",
    ]


@pytest.mark.parametrize(
    "text", ["", "name: x\ndescription: y\n---\n", "---\nname: x\n---\nbody", "---\nname: x\ndescription: y\n"]
)
def test_a_skill_without_a_head_is_refused(folder, text):
    (folder / "bills" / "SKILL.md").write_text(text)
    with pytest.raises(InvalidDefinition, match=r"bills.SKILL\.md' must begin with a line ---"):
        skills_in(folder)


@pytest.mark.parametrize(
    "head",
    [
        "---\nname: bills\ndescription: How bills are written",
        "\ufeff---\nname: bills\ndescription: How bills are written",
        "---\r\nname: bills\r\ndescription: How bills are written\r",
        "---\nname: \"bills\"\ndescription: 'How bills are written'",
        "---\nname : bills\ndescription : How bills\n  are written",
        "---\nname: bills\ndescription: >-\n  How bills\n  are written\nlicense: |\n  name: none",
        "---\nmetadata:\n  name: other\nname: bills\ndescription: |\n  How bills\n\n  are written",
    ],
)
def test_a_head_is_read_however_it_is_written(folder, head):
    (folder / "bills" / "SKILL.md").write_bytes(f"{head}\n---\nBegin with the sum.\n---\nEnd.".encode())
    skill = skills_in(folder).skills["bills"]
    assert (skill.description, skill.body) == ("How bills are written", "Begin with the sum.\n---\nEnd.")


def test_quotes_within_quotes_are_what_they_say(folder):
    text = """---\nname: "the \\"bills\\""\ndescription: 'It''s bills'\n---\n"""
    (folder / "bills" / "SKILL.md").write_text(text)
    skill = skills_in(folder).skills['the "bills"']
    assert skill.description == "It's bills"


def test_a_skill_that_cannot_be_read_is_named(folder):
    (folder / "bills" / "SKILL.md").write_bytes("---\nname: café\n---\n".encode("latin-1"))
    with pytest.raises(InvalidDefinition, match=r"bills/SKILL\.md' can't be read"):
        skills_in(folder)


def test_what_is_escaped_within_quotes_is_said_in_one_line(folder):
    text = '---\nname: bills\ndescription: "Caf\\u00e9 bills.\\nUse them \\_often"\n---\n'
    (folder / "bills" / "SKILL.md").write_text(text)
    assert skills_in(folder).skills["bills"].description == "Cafu00e9 bills.nUse them _often"
    (folder / "bills" / "SKILL.md").write_text(text.replace("\\_", ""))
    assert skills_in(folder).skills["bills"].description == "Café bills. Use them often"


def test_a_class_made_of_one_with_skills_has_them_whatever_else_it_says(folder):
    class Writer(Boss, instructions="You write.", skills=skills_in(folder)): ...

    class Poet(Writer, instructions="You write poems."): ...

    class Payer(Writer, tools=[Pay]): ...

    assert "You write poems.\n\nYou have these skills." in Poet.rules.instructions
    assert [tool.name for tool in Poet.rules.tools] == ["clerk", "load_skill"]
    assert "You write.\n\nYou have these skills." in Payer.rules.instructions
    assert [tool.name for tool in Payer.rules.tools] == ["pay", "load_skill"]


def test_other_skills_take_the_place_of_those_that_it_had(folder):
    class Writer(Boss, skills=skills_in(folder)): ...

    (folder / "bills" / "SKILL.md").unlink()

    class Poet(Writer, skills=skills_in(folder)): ...

    assert "bills" not in Poet.rules.instructions
    assert [tool.name for tool in Poet.rules.tools] == ["clerk", "load_skill"]


def test_a_folder_without_skills_or_with_two_of_one_name_is_refused(folder, tmp_path):
    with pytest.raises(InvalidDefinition, match="there are no skills"):
        skills_in(tmp_path / "letters")
    (folder / "bills" / "SKILL.md").write_text("---\nname: letters\ndescription: x\n---\n")
    with pytest.raises(InvalidDefinition, match="have one name"):
        skills_in(folder)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: teammate(ChatAgent), "can't be a teammate: give a ChatAgent that has models"),
        (lambda: teammate(Pay), "can't be a teammate"),
        (lambda: teammate(Asking), "nobody would be asked to allow its tool 'pay'"),
        (lambda: Tool(Pay, expires=5), "tool 'pay' expires, but nobody is asked: say approve=True, too"),
        (lambda: Tool(Pay, approve=True, expires=0), "expires"),
    ],
)
def test_wrong_options_are_refused(make, says):
    with pytest.raises(InvalidDefinition, match=says):
        make()
