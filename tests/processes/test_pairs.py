"""Two processes on one storage: agents are handed over one by one, never owned by both, and nothing is lost."""

import random
import tempfile
from itertools import count
from pathlib import Path

import pytest

from tests.processes.pair import Shop, shop
from tests.storage.postgres import program, serving

IDS = [f"o-{number}" for number in range(6)]
TABLES = count()
WITHOUT_POSTGRES = pytest.mark.skipif(program("initdb") is None, reason="no PostgreSQL is installed here")


@pytest.fixture(scope="module")
def server():
    pytest.importorskip("psycopg")
    with tempfile.TemporaryDirectory(prefix="pg") as folder, serving(Path(folder) / "s") as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=WITHOUT_POSTGRES)])
def where(request, tmp_path):
    """A storage that has nothing in it."""
    if request.param == "sqlite":
        return "sqlite", str(tmp_path / "shop.db")
    return "postgres", request.getfixturevalue("server").conninfo, f"pair_{next(TABLES)}"


class Traffic:
    """Additions that are sent again, with the same id, until one of the processes has taken them."""

    def __init__(self, old: Shop, new: Shop) -> None:
        self.old, self.new = old, new
        self.sums = dict.fromkeys(IDS, 0)
        self._random = random.Random(1)  # a fixed one
        self._sent = 0
        self._open: list[tuple[int, str, dict[str, object]]] = []

    def burst(self, ids: list[str], each: int) -> None:
        """Send to the old process, and wait for no answer."""
        targets = ids * each
        self._random.shuffle(targets)
        for id in targets:
            self._sent += 1
            price = self._random.randrange(1, 100)
            self.sums[id] += price
            signal = {"price": price, "signal": f"s-{self._sent}"}
            self._open.append((self.old.send(self._random.choice(["call", "cast"]), id, **signal), id, signal))

    def settle(self) -> int:
        """Send to the new process what the old one didn't take; return how much that was."""
        lost = [(id, signal) for number, id, signal in self._open if self.old.reply(number) != "ok"]
        self._open.clear()
        for id, signal in lost:
            assert self.new.ask("call", id, **signal) == "ok"
        return len(lost)


def test_a_new_version_takes_over_agent_by_agent_while_the_old_one_serves_the_others(tmp_path, where):
    with shop(tmp_path, 1, where) as old, shop(tmp_path, 2, where) as new:
        assert [old.ask("take", id) for id in IDS] == ["ok"] * len(IDS)
        traffic, lost = Traffic(old, new), 0
        for number, id in enumerate(IDS):
            traffic.burst(IDS[number:], 4)
            taking = new.send("take", id)
            traffic.burst([id], 8)
            assert new.reply(taking) == "ok"
            lost += traffic.settle()
        assert lost
        for id in IDS:  # what was cast is handled once what was sent later is answered
            assert new.ask("call", id, price=0, signal=f"last-{id}") == "ok"
        assert {id: new.ask("state", id) for id in IDS} == {id: 100 * traffic.sums[id] for id in IDS}
        assert {old.ask("call", id, price=1, signal=f"late-{id}") for id in IDS} == {"lost"}
        assert {old.ask("state", id) for id in IDS} == {"lost"}
        again = old.ask("take", IDS[0])
        assert again.startswith("refused: ")
        assert "it was written by version '2' of Order, and this is '1'" in again
        assert new.ask("call", IDS[0], price=0, signal="after") == "ok"
        log = old.end()
    for id in IDS:
        assert f"durable agent '{id}' was started elsewhere on the same storage" in log


def test_of_two_processes_that_take_the_same_agents_at_once_one_has_each(tmp_path, where):
    with shop(tmp_path, 1, where) as one, shop(tmp_path, 1, where) as other:
        taking = [(process, process.send("take", id)) for id in IDS for process in (one, other)]
        for process, number in taking:
            process.reply(number)  # it may have lost the agent at once
        accepted = dict.fromkeys(IDS, 0)
        for id in IDS:
            replies = [
                process.ask("call", id, price=1, signal=f"{id}-{name}") for name, process in (("a", one), ("b", other))
            ]
            assert sorted(replies) == ["lost", "ok"]
            accepted[id] = replies.index("ok")
        for id, owner in accepted.items():
            loser = (one, other)[1 - owner]
            assert loser.ask("state", id) == "lost"
            assert loser.ask("take", id) == "ok"
            assert loser.ask("call", id, price=1, signal=f"{id}-c") == "ok"
            assert loser.ask("state", id) == 2
            assert (one, other)[owner].ask("call", id, price=1, signal=f"{id}-d") == "lost"
        logs = one.end() + other.end()
    assert all(f"durable agent '{id}' was started elsewhere" in logs for id in IDS)
