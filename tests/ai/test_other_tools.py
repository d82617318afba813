"""What becomes of a call that waits for somebody when its agent has other tools."""

# mypy: disable-error-code="union-attr,var-annotated,arg-type"

import pytest
import trio
import trio.testing
from attrs import frozen

from jido_trio import Action, Jido
from jido_trio.ai import (
    Answered,
    Approve,
    Ask,
    ChatAgent,
    Model,
    Models,
    NeedsApproval,
    Recover,
    StartTool,
    Tool,
    ask,
    conversation,
    find_request,
)
from jido_trio.storage import open_memory
from jido_trio.testing import ScriptedModel
from jido_trio.world import clocked

PAY = [("pay", {"cents": 5})]
MODELS = Models(main=Model("m", ScriptedModel([])))


@frozen
class Till:
    paid: int = 0


class Pay(Action):
    cents: int

    def run(self, context):
        return {"paid": self.cents}


class PayIn(Action, name="pay"):
    cents: int
    currency: str

    def run(self, context):
        return {"paid": self.cents}


class PayBeside(Action, name="pay"):
    cents: int

    async def run(self, context):
        return "paid beside"


class Asking(ChatAgent[Till], models=MODELS, model="main", tools=[Tool(Pay, approve=True)], vsn="1"): ...


class AskingIn(ChatAgent[Till], models=MODELS, model="main", tools=[Tool(PayIn, approve=True)], vsn="2"): ...


class Paying(ChatAgent[Till], models=MODELS, model="main", tools=[Pay], vsn="2"): ...


class PayingBeside(ChatAgent[Till], models=MODELS, model="main", tools=[PayBeside], vsn="2"): ...


class Renamed(ChatAgent[Till], models=MODELS, model="main", tools=[Tool(Pay, approve=True)], vsn="2"): ...


class Without(ChatAgent[Till], models=MODELS, model="main", vsn="2"): ...


UNFIT = "arguments of tool 'pay' don't fit: at /currency: expected a string, got nothing (it is missing)"


@pytest.mark.parametrize(
    ("after", "told", "paid"),
    [
        (AskingIn, UNFIT, 0),
        (Paying, '{"paid": 5}', 5),
        (PayingBeside, "paid beside", 0),
        (Without, "there is no tool 'pay'", 0),
    ],
)
async def test_a_call_that_waits_goes_by_the_tools_of_the_class_that_the_agent_becomes(
    after, told, paid, autojump_clock
):
    script = ScriptedModel([PAY, "Done."])
    async with Jido(services=[MODELS.with_clients(main=script)]) as jido:
        clerk = await jido.start_agent(Asking)
        request = await ask(clerk, "Pay")
        assert isinstance(await request.answer(), NeedsApproval)
        await jido.upgrade(Asking, after)
        answer = await request.answer(timeout=60)
        assert isinstance(answer, Answered)
        assert script.requests[-1].prompt.messages[-1].content == told
        assert clerk.agent.state.paid == paid


async def test_who_waits_in_the_queue_hears_of_it_when_an_upgrade_frees_the_request_before(autojump_clock):
    script = ScriptedModel([PAY, "The first.", "The second."])
    heard: list[str] = []
    async with Jido(services=[MODELS.with_clients(main=script)]) as jido, trio.open_nursery() as nursery:
        clerk = await jido.start_agent(Asking)
        first = await ask(clerk, "Pay")
        assert isinstance(await first.answer(), NeedsApproval)
        second = await ask(clerk, "And then?")

        async def wait() -> None:
            heard.append((await second.answer()).text)

        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        await jido.upgrade(Asking, Without)
        await trio.sleep(60)
        assert heard == ["The second."]
        nursery.cancel_scope.cancel()


async def test_a_call_that_still_fits_waits_on_after_an_upgrade(autojump_clock):
    script = ScriptedModel([PAY, "Done."])
    async with Jido(services=[MODELS.with_clients(main=script)]) as jido:
        clerk = await jido.start_agent(Asking)
        request = await ask(clerk, "Pay")
        await jido.upgrade(Asking, Renamed)
        needed = await request.answer(timeout=60)
        assert isinstance(needed, NeedsApproval)
        await request.approve(needed.calls[0], by="bob")
        assert isinstance(await request.answer(timeout=60), Answered)
        assert clerk.agent.state.paid == 5


class Patient(ChatAgent[Till], models=MODELS, model="main", tools=[Tool(Pay, approve=True, expires=3600)], vsn="2"): ...


class Kept(ChatAgent[Till], models=MODELS, model="main", tools=[Tool(Pay, approve=True)], durable=True): ...


class KeptPatient(Kept, name="kept", tools=[Tool(Pay, approve=True, expires=3600)]): ...


KeptPatient.__qualname__ = "Kept"


EXPIRED = "It is not allowed: nobody allowed it within 3600 seconds."


async def test_a_call_that_waits_expires_when_its_agent_becomes_one_whose_tool_does(autojump_clock):
    script = ScriptedModel([PAY, "Done."])
    async with Jido(services=[MODELS.with_clients(main=script)]) as jido:
        clerk = await jido.start_agent(Asking)
        request = await ask(clerk, "Pay")
        await trio.sleep(100)
        await jido.upgrade(Asking, Patient)
        await trio.sleep(3599)
        assert isinstance(await request.answer(), NeedsApproval)
        assert isinstance(await request.answer(timeout=60), NeedsApproval)
        await trio.sleep(2)
        assert isinstance(await request.answer(timeout=60), Answered)
        assert script.requests[-1].prompt.messages[-1].content == EXPIRED


async def test_a_call_that_waits_expires_no_more_when_its_agent_becomes_one_whose_tool_does_not(autojump_clock):
    script = ScriptedModel([PAY, "Done."])
    async with Jido(services=[MODELS.with_clients(main=script)]) as jido:
        clerk = await jido.start_agent(Patient)
        request = await ask(clerk, "Pay")
        assert isinstance(await request.answer(), NeedsApproval)
        await jido.upgrade(Patient, Renamed)
        await trio.sleep(4000)
        assert isinstance(await request.answer(), NeedsApproval)
        assert clerk.inspect().timers == ()


async def test_a_call_that_waits_expires_when_its_tool_does_in_the_next_program(autojump_clock, monkeypatch):
    script = ScriptedModel([PAY, "Done."])
    models, world = MODELS.with_clients(main=script), clocked(1, trio.current_time)
    async with open_memory() as storage:
        async with Jido("shop", storage=storage, services=[models], world=world) as jido:
            await (await ask(await jido.start_agent(Kept, id="ann"), "Pay", id="1")).answer()
        monkeypatch.setattr(f"{__name__}.Kept", KeptPatient)
        for _ in range(2):  # it is given its time once
            async with Jido("shop", storage=storage, services=[models], world=world) as jido:
                clerk = await jido.start_agent(KeptPatient, id="ann")
                await trio.sleep(1900)
                request = find_request(clerk, "1")
                assert request is not None
                answer = await request.answer()
    assert isinstance(answer, Answered)
    assert script.requests[-1].prompt.messages[-1].content == EXPIRED


async def test_what_was_decided_has_no_timer_any_more(autojump_clock):
    script = ScriptedModel([[*PAY, ("pay", {"cents": 7})], "Done."])
    async with Jido(services=[MODELS.with_clients(main=script)]) as jido:
        clerk = await jido.start_agent(Patient)
        request = await ask(clerk, "Pay")
        needed = await request.answer()
        assert isinstance(needed, NeedsApproval)
        assert clerk.inspect().timers == (3600, 3600)
        await request.approve("call_1_1")
        assert clerk.inspect().timers == (3600,)
        await request.deny("call_1_2")
        assert isinstance(await request.answer(), Answered)
        assert clerk.inspect().timers == ()


def test_a_call_that_was_allowed_and_fits_its_tool_no_more_is_told_and_the_agent_lives():
    chat, _ = conversation(Asking).ask("Pay")
    chat, _ = chat.replied(calls=PAY)
    after, _ = AskingIn("ann", Till(), chat.conversation).cmd(Approve(id="call_1_1"))
    assert after.strategy_state.messages[-1].content == UNFIT
    assert after.state.paid == 0


class PayingSafely(ChatAgent[Till], models=MODELS, model="main", tools=[Tool(Pay, replay="safe")], vsn="2"): ...


def begun_beside(cls):
    """Return an agent in the next program, whose tool ran beside it when it died, and runs within it now."""
    chat, _ = conversation(PayingBeside).ask("Pay")
    chat, _ = chat.replied(calls=PAY)
    chat, _ = chat.given(StartTool(id="call_1_1"))
    return cls("ann", Till(), chat.conversation)


def test_a_tool_that_had_begun_beside_its_agent_is_not_run_within_it_before_it_is_known_to_be_lost():
    agent, _ = begun_beside(Paying).cmd(Ask(request="2", text="And then?"))
    assert agent.state.paid == 0
    agent, _ = agent.cmd(Recover(lost=("call_1_1",)))
    assert agent.state.paid == 0
    assert agent.strategy_state.messages[-1].content.startswith("It was running when the program died.")


def test_one_that_may_be_run_again_is_run_within_the_agent_once_it_is_lost():
    agent, _ = begun_beside(PayingSafely).cmd(Ask(request="2", text="And then?"))
    assert agent.state.paid == 0
    agent, _ = agent.cmd(Recover(lost=("call_1_1",)))
    assert agent.state.paid == 5
