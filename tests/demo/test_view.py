from io import StringIO

import pytest
from rich.console import Console

from jido_trio.demo._ledger import Entry
from jido_trio.demo._report import Crash
from jido_trio.demo._view import Lines, Picture, Progress, picture
from jido_trio.demo._work import Job, Settled, Work
from jido_trio.supervision import ChildView, SupervisorView


def progress(workers=2, seconds=1.0):
    ids = ["coordinator", *(f"worker-{number}" for number in range(1, workers + 1))]
    agents = tuple(ChildView(id, "worker", "permanent", "running", 1) for id in ids)
    pool = SupervisorView("agents", "up", "pool", 0, 1000, 5, agents)
    tree = SupervisorView(
        "demo",
        "up",
        "one_for_one",
        0,
        0,
        5,
        (ChildView("agents", "supervisor", "permanent", "running", 1, supervisor=pool),),
    )
    return Progress(seconds, Work(("in/a", "in/b"), 1, at={"worker-1": Job("in/a" + "x" * 200)}), 0, 1, tree)


def drawn(width, workers=2):
    console = Console(file=StringIO(), width=width, record=True)
    console.print(picture(progress(workers), "in", ()))
    return console.export_text().splitlines()


@pytest.mark.parametrize("width", [80, 120])
def test_the_picture_shows_progress_and_every_worker_within_the_width(width):
    lines = drawn(width)
    assert lines[0].startswith("1/2")
    assert any("worker-2" in line and "incarnation 1" in line for line in lines)
    assert max(map(len, lines)) <= width


def test_the_picture_does_not_grow_with_the_workers():
    assert len(drawn(100, workers=900)) == len(drawn(100, workers=800))
    assert any("and 888 more" in line for line in drawn(100, workers=900))


def test_the_picture_is_drawn_at_most_four_times_a_second():
    out = StringIO()
    view = Picture("in", Console(file=out, force_terminal=True, width=80))
    with view:
        for step in range(100):
            view.show(progress(seconds=step / 50))
    assert out.getvalue().count("coordinator") <= 2 * 4 + 2


def test_lines_tell_of_refusals_crashes_and_kills_once():
    lines: list[str] = []
    news: list[Entry] = [
        Settled("in/a", "w1"),
        Settled("in/b", "w1", refused="file is empty"),
        Crash("w1", 1, 0.5, "ValueError: x", killed=False),
        Crash("w2", 3, 0.5, "", killed=True),
    ]
    Lines("in", lines.append).show(progress(), news)
    assert lines == [
        "refused b: file is empty",
        "crashed w1 in incarnation 1: ValueError: x",
        "killed w2 in incarnation 3",
    ]


def test_lines_tell_the_progress_now_and_then():
    lines: list[str] = []
    view = Lines("in", lines.append, every=2)
    for seconds in (1.0, 2.0, 3.0, 4.5):
        view.show(progress(seconds=seconds))
    assert lines == ["2 s: 1/2 documents", "4 s: 1/2 documents"]
