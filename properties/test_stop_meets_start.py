"""A stop that comes while a child is being restarted, at any moment, whatever becomes of that start."""

import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from jido_trio.supervision import Child, open_supervisor

seconds = st.integers(0, 3)
STARTS = ("ready", "ignore", "crash")


@st.composite
def scenes(draw):
    """Draw children by the seconds that each takes to stop, who crashes, and how its restart goes on and how slowly."""
    stops = draw(st.lists(seconds, min_size=2, max_size=4))
    return {
        "strategy": draw(st.sampled_from(["one_for_one", "one_for_all", "rest_for_one"])),
        "stops": stops,
        "victim": draw(st.integers(0, len(stops) - 1)),
        "becomes": draw(st.sampled_from(STARTS)),
        "starts_in": draw(st.integers(1, 4)),
        "stopped_after": draw(st.integers(1, 8)),
    }


async def play(*, strategy, stops, victim, becomes, starts_in, stopped_after):
    """Return who ran when the stop came, in start order, who of them ended then, in order, and who was left alive."""
    alive: list[int] = []
    ended: list[int] = []
    lives = [0] * len(stops)

    async def live(id: int, *, task_status):
        lives[id] += 1
        alive.append(id)
        try:
            if id == victim and lives[id] == 2:
                await trio.sleep(starts_in)
                if becomes == "crash":
                    raise ValueError("starting")
                if becomes == "ignore":
                    return task_status.ignore()
            task_status.started()
            await trio.sleep(1 if id == victim and lives[id] == 1 else 1_000)
            raise ValueError("running")
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(0 if id == victim and lives[id] == 1 else stops[id])
            alive.remove(id)
            ended.append(id)

    children = [Child(str(id), live, id) for id in range(len(stops))]
    async with open_supervisor(children, strategy=strategy, max_restarts=50, on_report=lambda _: None) as supervisor:
        await trio.sleep(stopped_after + 0.5)
        ran = [int(child.id) for child in supervisor.tree().children if child.state == "running"]
        ended.clear()
        supervisor.stop()
        await supervisor.wait()
        left = list(alive)
    return ran, [id for id in ended if id in ran], left + alive


@given(scenes())
def test_what_runs_ends_in_reverse_and_nothing_is_left(scene):
    clock = trio.testing.MockClock(autojump_threshold=0)  # a start that fails now would be raised here
    ran, ended, left = trio.run(lambda: play(**scene), clock=clock)
    assert left == []
    assert ended == ran[::-1]
