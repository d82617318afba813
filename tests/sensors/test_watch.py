"""The sensor that watches files, at real ones."""

import shutil
from typing import Any

import pytest
import trio
from attrs import field, frozen

from jido_trio import Action, Agent, Context, Jido, Result
from jido_trio.core import StartSensor
from jido_trio.errors import InvalidDefinition
from jido_trio.runtime import wait_state
from jido_trio.sensors import WatchFiles
from jido_trio.supervision import Backoff


@frozen
class Seen:
    changes: list[Any] = field(factory=list)


class See(Action):
    change: str
    path: str

    def run(self, context: Context[Seen]) -> Result:
        return {"changes": [*context.state.changes, (self.change, self.path.rpartition("/")[2])]}


def seeing(sensor: WatchFiles) -> type[Agent[Seen]]:
    started = StartSensor("eye", sensor, backoff=Backoff(first=0.05, cap=0.05))

    class Seeing(Agent[Seen], routes={"changed": See}, sensors=[started]): ...

    return Seeing


async def seen(ref: Any, *changes: tuple[str, str]) -> None:
    """Wait until it has seen them; what it saw besides, as a file that is written in two steps, doesn't matter."""
    await wait_state(ref, lambda state: set(changes) <= set(map(tuple, state.changes)), timeout=20)


async def watched(ref: Any, folder: Any) -> None:
    """Wait until the system tells of changes there: touch a file until one is told."""
    with trio.fail_after(20):
        while not ref.agent.state.changes:
            (folder / "begin.csv").write_text("x")
            await trio.sleep(0.02)


async def test_what_is_added_changed_and_deleted_is_sent_and_other_names_are_not(tmp_path):
    async with Jido() as jido:
        ref = await jido.start_agent(seeing(WatchFiles(path=str(tmp_path), names="*.csv", seconds=0.05)))
        await watched(ref, tmp_path)
        (tmp_path / "deep").mkdir()
        (tmp_path / "a.csv").write_text("1")
        (tmp_path / "a.txt").write_text("1")
        await seen(ref, ("added", "a.csv"))
        (tmp_path / "deep" / "b.csv").write_text("2")
        (tmp_path / "a.csv").unlink()
        await seen(ref, ("added", "b.csv"), ("deleted", "a.csv"))
        with trio.fail_after(3):
            await jido.stop_agent(ref)
    assert not [each for each in ref.agent.state.changes if not each[1].endswith(".csv")]


async def test_a_folder_that_is_replaced_is_found_again(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    reports, crashed = list[Any](), trio.Event()

    def told(report: Any) -> None:
        reports.append(report)
        crashed.set()

    async with Jido(on_report=told) as jido:
        ref = await jido.start_agent(seeing(WatchFiles(path=str(folder), seconds=0.05)))
        await watched(ref, folder)
        shutil.rmtree(folder)
        with trio.fail_after(20):
            await crashed.wait()
        folder.mkdir()
        with trio.fail_after(20):
            while ("added", "again.csv") not in ref.agent.state.changes:
                (folder / "again.csv").unlink(missing_ok=True)
                (folder / "again.csv").write_text("x")
                await trio.sleep(0.05)
    assert "FileNotFoundError" in str(reports[0])


def test_a_time_that_is_none_is_refused():
    with pytest.raises(InvalidDefinition, match="seconds"):
        WatchFiles(path="/", seconds=0)
