"""Faults at named points are choices of a run, beside the order of tasks: each is found, told and played again."""

import pytest
import trio

from jido_trio.errors import InvalidDefinition
from jido_trio.storage import Put, open_memory
from jido_trio.supervision import Child, open_supervisor
from jido_trio.testing import (
    CutShort,
    DropWrite,
    Faults,
    Hang,
    JumpClock,
    LoseReply,
    NothingCanHappen,
    PlannedCrash,
    PlannedFault,
    Raise,
    Slow,
    TearWrite,
    crash_point,
    explore,
    fault_point,
    simulate,
)


async def shop():
    """Comes to a point of each kind; all is well where nothing goes wrong."""
    faults, sent, lives = Faults(), list[float](), list[int]()

    async def send():
        sent.append(trio.current_time())

    async def work():
        lives.append(1)
        await trio.sleep_forever()

    crash_point("plan")
    await fault_point("ask")
    await faults.around("send", send)()
    async with open_memory() as memory:
        store = faults.storage(memory)
        await store.commit([Put("a", b"1"), Put("b", b"2")])
        assert [record.key for record in await memory.scan("a", "c")] == ["a", "b"], "something is lost"
        assert await store.get("a") is not None
        assert await store.scan("a", "b")
    async with open_supervisor([faults.child(Child("worker", work))], on_report=lambda _: None) as supervisor:
        await trio.sleep(0.5)
        assert supervisor.tree().restarts == 0, "it had to be started again"
        assert lives == [1], "it has not started"
    assert trio.current_time() < 1, "it is late"


@pytest.mark.parametrize(
    ("point", "fault", "words", "error"),
    [
        ("plan", Raise(), "crash at plan", PlannedCrash),
        ("plan", JumpClock(60), "clock jumps 60 s at plan", AssertionError),
        ("ask", Raise(KeyError), "KeyError at ask", KeyError),
        ("ask", CutShort(), "cut short at ask", trio.TooSlowError),
        ("ask", Hang(), "hang at ask", NothingCanHappen),
        ("ask", Slow(2.5), "2.5 s late at ask", AssertionError),
        ("send", LoseReply(), "reply lost at send", Exception),
        ("send", JumpClock(1), "clock jumps 1 s at send", AssertionError),
        ("commit", DropWrite(), "write dropped at commit", AssertionError),
        ("commit", TearWrite(), "write torn at commit", PlannedCrash),
        ("commit", LoseReply(), "reply lost at commit", Exception),
        ("get", Raise(OSError), "OSError at get", OSError),
        ("scan", Hang(), "hang at scan", NothingCanHappen),
        ("start worker", Raise(), "crash at start worker", AssertionError),
        ("start worker", Slow(1), "1 s late at start worker", AssertionError),
    ],
    ids=str,
)
def test_each_kind_is_found_at_each_kind_of_point_told_in_words_and_played_again(point, fault, words, error):
    found = explore(shop, faults={point: [fault]})

    assert found.failure is not None
    assert isinstance(found.failure.error, error)
    assert list(found.script.values()) == [words]
    assert f"at 0 s: {words}" in found.told().splitlines()
    assert found.told().endswith(f", faults={{{point!r}: [{fault!r}]}}).result()")
    again = simulate(shop, script=found.script, faults={point: [fault]})
    assert again.log == found.failure.log
    assert simulate(shop, script={}).error is None


def test_a_list_is_for_all_points_each_where_it_can_happen():
    async def app():
        crash_point("plain")
        await fault_point("async")

    found = explore(app, faults=[Slow(1), DropWrite()])

    assert found.exhaustive
    assert [choice.options for choice in simulate(app, script={}, crashes=1, faults=[Slow(1), Raise()]).choices] == [
        ("go on",),
        ("go on",),
    ]


def test_a_seed_has_things_go_wrong_as_often_as_it_is_allowed_to():
    async def app():
        went = list[str]()
        for name in "abc":
            try:
                with trio.fail_after(5):
                    await fault_point(name)
                went.append("well")
            except Exception as error:
                went.append(type(error).__name__)
        return tuple(went)

    kinds: list[PlannedFault] = [Raise(), Hang(), LoseReply()]
    runs = [simulate(app, seed=seed, crashes=2, faults=kinds) for seed in range(60)]

    assert {word for run in runs for word in run.result()} == {"well", "PlannedCrash", "TooSlowError", "ReplyLost"}
    assert {sum(word != "well" for word in run.result()) for run in runs} == {0, 1, 2}
    for run in runs[:10]:
        assert simulate(app, script=run.script, faults=kinds).result() == run.result()


async def falls_twice():
    """Wrong only if something goes wrong at one point, and then two tasks run the other way round."""
    order = list[str]()

    async def run():
        try:
            crash_point("later")
        except PlannedCrash:
            return
        order.append(trio.lowlevel.current_task().name)

    fell = False
    try:
        crash_point("first")
    except PlannedCrash:
        fell = True
    async with trio.open_nursery() as nursery:
        for name in "ab":
            nursery.start_soon(run, name=name)
    assert not (fell and order == ["b", "a"])


def test_a_script_means_the_same_however_much_may_go_wrong():
    found = explore(falls_twice)

    assert list(found.script.values()) == ["crash at first", "b"]
    assert type(simulate(falls_twice, script=found.script).error) is AssertionError
    first = simulate(falls_twice, seed=3)
    assert simulate(falls_twice, seed=3, script=first.script).log == first.log


def test_what_a_script_of_faults_says_is_no_choice():
    async def app():
        with Faults({"pay": {1: Raise(KeyError)}}).active():
            with pytest.raises(KeyError):
                crash_point("pay")
            crash_point("pay")

    assert [choice.number for choice in simulate(app, script={}).choices] == [0]


def test_in_a_thread_nothing_goes_wrong():
    async def app():
        await trio.to_thread.run_sync(crash_point, "thread")

    found = explore(app, runs=3)
    assert not found.found
    assert not found.exhaustive


@pytest.mark.parametrize(
    ("faults", "why"),
    [
        ({"plan": [Slow(1)]}, "can't happen at 'plan', as nothing can wait there"),
        ({"ask": [TearWrite()]}, "can't happen at 'ask', as it is no commit of a storage"),
        ({"aks": [Raise()]}, "no run came to a point 'aks'; did you mean 'ask'"),
        ({"ask": Raise()}, "faults at 'ask'=.*give a list of faults"),
        (["hang"], "'hang' is no fault"),
        ("hang", "faults='hang': give a list of faults"),
        ([Raise], "is no fault"),
    ],
)
def test_faults_that_can_not_happen_are_refused(faults, why):
    with pytest.raises(InvalidDefinition, match=why):
        explore(shop, runs=2, faults=faults)


def test_a_script_that_goes_on_when_the_run_is_over_is_refused():
    with pytest.raises(InvalidDefinition, match="something for choice 99, and the run made"):
        simulate(shop, script={99: "crash at plan"})


def test_a_script_of_other_faults_says_what_may_be_wrong():
    with pytest.raises(InvalidDefinition, match="or `kills` and `faults` aren't"):
        simulate(shop, script={1: "hang at ask"})
