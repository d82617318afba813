from io import StringIO

import attrs
import pytest
from rich.console import Console
from rich.text import Text

from jido_trio.demo._ledger import Entry
from jido_trio.demo._report import Crash
from jido_trio.demo._view import Lines, Picture, Progress, picture, told
from jido_trio.demo._work import Job, Settled, Work
from jido_trio.supervision import ChildView, SupervisorView


def pool_of(workers):
    ids = ["coordinator", *(f"worker-{number}" for number in range(1, workers + 1))]
    agents = tuple(ChildView(id, "worker", "permanent", "running", 1) for id in ids)
    return SupervisorView("agents", "up", "pool", 0, 1000, 5, agents)


def progress(workers=2, seconds=1.0, pool=None, far=None):
    pool = pool or pool_of(workers)
    tree = SupervisorView(
        "demo",
        "up",
        "one_for_one",
        0,
        0,
        5,
        (ChildView("agents", "supervisor", "permanent", "running", 1, supervisor=pool),),
    )
    work = Work(("in/a", "in/b"), 1, at={"worker-1": Job("in/a" + "x" * 200), "worker-2": Job("in/b")})
    return Progress(seconds, work, 0, 1, tree, far or {})


def drawn(width, workers=2, pool=None):
    console = Console(file=StringIO(), width=width, record=True)
    console.print(picture(progress(workers, pool=pool), "in", ()))
    return console.export_text().splitlines()


@pytest.mark.parametrize("width", [80, 120])
def test_the_picture_shows_progress_and_every_worker_within_the_width(width):
    lines = drawn(width)
    assert lines[0].startswith("1/2")
    assert any("worker-2" in line and "incarnation 1" in line for line in lines)
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("workers", [1, 2, 9, 100])
def test_every_agent_is_a_branch_of_the_tree(workers):
    lines = [line for line in drawn(100, workers) if "incarnation" in line]
    assert len(lines) == min(workers, 12) + 1
    last = -1 if workers <= 12 else None
    assert all(line.startswith("    ├── ") for line in lines[:last])
    if workers <= 12:
        assert lines[-1].startswith("    └── worker-")
    assert len({line.index("incarnation") for line in lines}) == 1


def test_restarts_of_all_agents_stand_beside_restarts_of_each():
    tree = attrs.evolve(pool_of(2), restarts=1)
    tree = attrs.evolve(tree, children=tuple(attrs.evolve(child, incarnation=3) for child in tree.children))
    lines = drawn(120, pool=tree)
    assert any("pool, 6 restarts, 1 of 1000 tolerated in 5 s" in line for line in lines)
    assert sum("2 restarts" in line for line in lines) == 3


def test_beside_a_long_document_stands_how_far_its_worker_is():
    console = Console(file=StringIO(), width=100, record=True)
    console.print(picture(progress(far={"worker-2": "page 3 of 12"}), "in", ()))
    assert "b, page 3 of 12" in console.export_text()


def test_supervisors_of_others_than_agents_are_only_named():
    beside = SupervisorView("services", "up", "one_for_one", 0, 3, 5, pool_of(2).children[1:])
    shown = progress()
    child = ChildView("services", "supervisor", "permanent", "running", 1, supervisor=beside)
    shown = attrs.evolve(shown, tree=attrs.evolve(shown.tree, children=(child, *shown.tree.children)))
    console = Console(file=StringIO(), width=100, record=True)
    console.print(picture(shown, "in", ()))
    lines = console.export_text().splitlines()
    assert any(line.startswith("├── services") for line in lines)
    assert sum("worker-1" in line for line in lines) == 1


def test_names_and_errors_can_not_draw_on_the_picture():
    news = Crash("w1", 1, 0.5, "a\x1b[2Jb\nc", killed=False)
    assert told(news, "in") == ("crashed", "w1 in incarnation 1: a\\x1b[2Jb\\nc")
    assert told(Settled("in/a\x1b[2J", "w1", refused="\x07"), "in") == ("refused", "a\\x1b[2J: \\x07")


def test_the_picture_is_drawn_anew_for_a_terminal_that_has_been_resized(monkeypatch):
    console = Console(file=StringIO(), force_terminal=True, width=100, height=40)
    view = Picture("in", console)
    with view:
        view.show(progress(seconds=1))
        console.width, console.height = 60, 12
        written = console.file.getvalue()  # type: ignore[attr-defined]
        view.show(progress(seconds=2))
    redrawn = Text.from_ansi(console.file.getvalue()[len(written) :]).plain  # type: ignore[attr-defined]
    assert max(map(len, redrawn.splitlines())) <= 60
    assert "coordinator" in redrawn


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
