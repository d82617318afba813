"""Sensors of agents: what they send, their crashes and ends, tags, and who owns them."""

from typing import Any

import pytest
import trio
import trio.lowlevel
from attrs import field, frozen

from jido_trio import Action, Agent, Context, Jido, Result, Signal
from jido_trio.core import Sensing, Sensor, StartSensor, StopSensor
from jido_trio.errors import InvalidDefinition
from jido_trio.runtime import AgentRef, inject
from jido_trio.storage import MemoryStorage


@frozen
class Log:
    heard: list[Any] = field(factory=list)


class Note(Action):
    n: int = 0

    def run(self, context: Context[Log]) -> Result:
        return {"heard": [*context.state.heard, self.n]}


class Ended(Action):
    tag: str
    sensor: str
    reason: str
    meta: dict[str, Any]

    def run(self, context: Context[Log]) -> Result:
        return {"heard": [*context.state.heard, (self.tag, self.sensor, self.reason, dict(self.meta))]}


class Start(Action):
    asked: Any

    def run(self, context: Context[Log]) -> Result:
        asked: Result = self.asked
        return asked


class Bug(Action):
    def run(self, context: Context[Log]) -> Result:
        raise ZeroDivisionError


ROUTES = {"n": Note, "jido.agent.sensor.exit": Ended, "bug": Bug}


class Watcher(Agent[Log], routes=ROUTES): ...


class Counting(Sensor):
    """Counts."""

    first: int = 1
    every: float = 1.0

    async def run(self, sensing: Sensing) -> Any:
        n = self.first
        while True:
            await trio.sleep(self.every)
            yield "n", {"n": n}
            n += 1


async def twice(n: int):
    for _ in range(2):
        await trio.sleep(1)
        yield "n", {"n": n}


async def failing():
    await trio.sleep(1)
    if trio.current_time() >= 0:
        raise OSError("no such device")
    yield


async def test_a_sensor_of_the_class_begins_with_the_agent_and_ends_with_it(autojump_clock):
    class Declared(Watcher, sensors={"a": Counting(first=5)}): ...

    async with Jido() as jido:
        ref = await jido.start_agent(Declared, id="d")
        await trio.sleep(2.5)
        assert ref.agent.state.heard == [5, 6]
        await jido.stop_agent(ref)
        again = await jido.start_agent(Declared, id="d")
        await trio.sleep(1.5)
        assert again.agent.state.heard == [5]


async def test_a_function_is_a_sensor_and_its_end_is_told(autojump_clock):
    async with Jido() as jido:
        ref = await jido.start_agent(Watcher)
        await ref.call(Start(asked=StartSensor("t", twice, {"n": 7}, meta={"why": "test"})))
        await trio.sleep(5)
        assert ref.agent.state.heard == [7, 7, ("t", "twice", "normal", {"why": "test"})]


async def test_a_sensor_that_crashes_is_begun_anew_with_pauses_and_the_agent_is_not_disturbed(autojump_clock):
    reports: list[Any] = []

    class Declared(Watcher, sensors={"bad": failing}): ...

    async with Jido(on_report=reports.append) as jido:
        ref = await jido.start_agent(Declared, id="d")
        await trio.sleep(6)
        assert (ref.incarnation, ref.agent.state.heard) == (1, [])
    assert {report.child for report in reports} == {"d/sensor/bad"}
    assert 3 <= len(reports) <= 5


async def test_one_without_pauses_is_given_up_and_the_agent_is_told(autojump_clock):
    async def hopeless():
        if trio.current_time() >= 0:
            raise OSError("no such device")
        yield

    async with Jido(on_report=lambda report: None) as jido:
        ref = await jido.start_agent(Watcher)
        await ref.call(Start(asked=StartSensor("t", hopeless, backoff=None)))
        await trio.sleep(5)
        assert [each[:3] for each in ref.agent.state.heard] == [("t", "hopeless", "crash")]
        await ref.call(Start(asked=StartSensor("t", Counting())))


async def test_a_linked_sensor_takes_the_agent_with_it(autojump_clock):
    async with Jido(on_report=lambda report: None) as jido:
        ref = await jido.start_agent(Watcher)
        await ref.call(Start(asked=StartSensor("t", failing, link=True)))
        await trio.sleep(3)
        assert ref.incarnation == 2


async def test_a_sensor_replaces_the_one_with_its_tag_without_a_word(autojump_clock):
    async with Jido() as jido:
        ref = await jido.start_agent(Watcher)
        await ref.call(Start(asked=StartSensor("t", Counting)))
        await ref.call(Start(asked=StartSensor("t", Counting, {"first": 10})))
        await trio.sleep(1.5)
        assert ref.agent.state.heard == [10]


async def test_one_that_shall_not_replace_is_refused_and_the_old_one_lives(autojump_clock):
    async with Jido() as jido:
        ref = await jido.start_agent(Watcher)
        await ref.call(Start(asked=[StartSensor("t", Counting()), StartSensor("t", Counting(first=9), replace=False)]))
        await trio.sleep(1.5)
        assert ref.agent.state.heard == [1]


async def test_two_tags_of_one_class_both_run_and_one_is_stopped_by_its_tag(autojump_clock):
    async with Jido() as jido:
        ref = await jido.start_agent(Watcher)
        await ref.call(Start(asked=[StartSensor("a", Counting()), StartSensor("b", Counting(first=10))]))
        await trio.sleep(1.5)
        await ref.call(Start(asked=[StopSensor("a"), StopSensor("unknown")]))
        await trio.sleep(1)
        assert sorted(ref.agent.state.heard) == [1, 10, 11]


async def test_sensors_outlive_a_crash_of_their_agent(autojump_clock):
    class Declared(Watcher, sensors={"a": Counting()}): ...

    async with Jido(on_report=lambda report: None) as jido:
        ref = await jido.start_agent(Declared)
        await trio.sleep(1.5)
        await ref.cast(Signal("bug"))
        await trio.sleep(1)
        assert (ref.incarnation, ref.agent.state.heard) == (2, [2])


async def test_a_slow_agent_makes_its_sensor_wait(autojump_clock):
    sent: list[int] = []

    async def eager():
        for n in range(100):
            yield "wait", {"n": n}
            sent.append(n)

    class Slow(Action):
        n: int

        def run(self, context: Context[Log]) -> Result:
            return Wait()

    class Sleepy(Agent[Log], routes={"wait": Slow}, sensors={"e": eager}): ...

    async with Jido(mailbox_size=2) as jido:
        await jido.start_agent(Sleepy)
        await trio.sleep(10)
        assert 3 <= len(sent) <= 15


@frozen
class Wait: ...


@pytest.fixture(autouse=True)
def interpreted():
    from jido_trio import Runtime, interpret

    @interpret.register
    async def _(directive: Wait, runtime: Runtime) -> None:
        await trio.sleep(1)


async def test_a_test_says_what_a_sensor_might_have(autojump_clock):
    async with Jido() as jido:
        ref = await jido.start_agent(Watcher, id="w")
        await inject(ref, "a", ("n", {"n": 3}))
        await inject(ref, "a", Signal("n", {"n": 4}))
        await trio.lowlevel.checkpoint()
        assert ref.agent.state.heard == [3, 4]
        with pytest.raises(TypeError, match="sensor 'a' yielded 5"):
            await inject(ref, "a", 5)


async def test_a_sensor_knows_whose_it_is_and_what_there_is_to_work_with(autojump_clock):
    told: list[Any] = []

    class Telling(Sensor):
        async def run(self, sensing: Sensing) -> None:
            told.append((sensing.agent_id, sensing.tag, sensing.resources["device"]))
            await sensing.emit("n", {"n": 1})

    class Declared(Watcher, sensors={"a": Telling()}): ...

    async with Jido(resources={"device": "/dev/x"}) as jido:
        ref = await jido.start_agent(Declared, id="d")
        await trio.sleep(1)
        assert told == [("d", "a", "/dev/x")]
        assert ref.agent.state.heard == [1, ("a", "telling", "normal", {})]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: StartSensor("t", int), "must be a Sensor, its class, or an async generator function"),
        (lambda: StartSensor("t", twice), "config={} doesn't fit"),
        (lambda: StartSensor("t", Counting, {"frist": 1}), "did you mean 'first'?"),
        (lambda: StartSensor("t", Counting(), {"first": 1}), "has its config already"),
        (lambda: StartSensor("t", Sensor), "has no run"),
        (lambda: type("A", (Watcher,), {}, sensors=[3]), "sensors=3 is no StartSensor"),
        (
            lambda: type("A", (Watcher,), {}, sensors=[StartSensor("t", failing), StartSensor("t", failing)]),
            "two of its sensors have the tag 't'",
        ),
        (lambda: type("S", (Sensor,), {"run": lambda self, sensing: None}), "run must be an `async def`"),
    ],
)
def test_what_is_no_sensor_is_refused_by_name(make, said):
    with pytest.raises(InvalidDefinition) as refusal:
        make()

    assert said in str(refusal.value)


class KeptWatcher(Watcher, durable=True, sensors={"a": Counting()}): ...


async def test_a_durable_agent_has_the_sensors_of_its_class_in_each_process(autojump_clock):
    storage = MemoryStorage()
    for _ in range(2):
        async with Jido("shop", storage=storage) as jido:
            ref = await jido.start_agent(KeptWatcher, id="k")
            await trio.sleep(1.5)
    assert ref.agent.state.heard == [1, 1]


async def test_a_durable_agent_starts_a_sensor_by_a_directive(autojump_clock):
    async with Jido("shop", storage=MemoryStorage()) as jido:
        ref = await jido.start_agent(KeptWatcher, id="k")
        await ref.call(Start(asked=StartSensor("b", Counting(first=20))))
        await trio.sleep(1.5)
        assert sorted(ref.agent.state.heard) == [1, 20]


async def test_an_agent_that_rests_ends_its_sensors_and_has_them_again_when_it_wakes(autojump_clock):
    async with Jido("shop", storage=MemoryStorage()) as jido:
        ref = await jido.start_agent(KeptWatcher, id="k")
        await trio.sleep(1.5)
        await jido.hibernate(ref)
        await trio.sleep(100)
        awake = await jido.thaw(KeptWatcher, "k")
        await trio.sleep(1.5)
        assert awake.agent.state.heard == [1, 1]


class Asking(Sensor):
    async def run(self, sensing: Sensing) -> None:
        other: AgentRef[Any] = sensing.resources["other"]
        await other.call(Note(n=1))


async def test_a_sensor_that_speaks_to_an_agent_that_has_ended_crashes_and_says_so(autojump_clock):
    reports: list[Any] = []
    async with Jido() as another:
        ended = await another.start_agent(Watcher, id="ended")
    async with Jido(on_report=reports.append, resources={"other": ended}) as jido:
        ref = await jido.start_agent(Watcher)
        await ref.call(Start(asked=StartSensor("t", Asking(), restart="temporary")))
        await trio.sleep(1)
        assert "agent 'ended'" in str(reports[0])
        assert ref.agent.state.heard == [("t", "asking", "crash", {})]
