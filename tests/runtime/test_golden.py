"""What each past version of a class has left on disk is read by the code of today, or refused and left alone.

The files in `golden` were written by programs of these versions, which died while a parcel was shipped, another signal
waited, and one was to come later. They are never written again; a new version gets a file of its own.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trio

from jido_trio import Jido
from jido_trio.cli import main
from jido_trio.errors import RecordRefused
from jido_trio.runtime import read_journal, rehearse
from jido_trio.storage import MemoryStorage, Put, open_sqlite
from tests.runtime.parcels import SHIPPED, Parcel, ParcelState

GOLDEN = Path(__file__).parent / "golden"
VERSIONS = ("1", "2", "3")
AT = "post/agent/p-1/"


def puts(version: str, changed: Mapping[str, Any] | None = None) -> list[Put]:
    """What a program of that version left; with other fields of the snapshots."""
    found: list[Put] = []
    for record in json.loads((GOLDEN / f"parcel-{version}.json").read_text()):
        value = record["value"] if "format" not in record["value"] else {**record["value"], **(changed or {})}
        found.append(Put(record["key"], json.dumps(value, separators=(",", ":")).encode()))
    return found


async def left(version: str, **changed: object) -> MemoryStorage:
    storage = MemoryStorage()
    await storage.commit(puts(version, changed))
    return storage


def test_there_is_a_file_of_every_version():
    assert Parcel.durable is not None
    assert [*Parcel.durable.migrations, Parcel.vsn] == list(VERSIONS)
    assert sorted(path.name for path in GOLDEN.iterdir()) == [f"parcel-{version}.json" for version in VERSIONS]


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_past_version_goes_on_with_all_that_it_had_open(autojump_clock, version):
    SHIPPED.clear()
    storage = await left(version)
    async with Jido("post", storage=storage) as jido:
        parcel = await jido.start_agent(Parcel, id="p-1")
        stops = ("Ulm",) if version == "3" else ()
        assert parcel.agent.state == ParcelState(2750, stops)
        await trio.sleep(4000)
        assert parcel.agent.state == ParcelState(3750, (*stops, "late"))
    assert SHIPPED == ["Ulm", "late"]
    journal = await read_journal(storage, "post", "p-1")
    assert journal.number == (0 if version == "3" else 3)
    assert journal.at().state == ParcelState(3750, (*stops, "late"))


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_past_version_can_be_rehearsed(autojump_clock, version):
    (rehearsed,) = (await rehearse(await left(version), Parcel, Parcel)).agents
    assert (rehearsed.problem, rehearsed.inputs, rehearsed.vsn) == (None, 3, version)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_inputs_of_every_past_version_can_be_shown(tmp_path, capsys, version):
    async def write() -> None:
        async with open_sqlite(tmp_path / "post.db") as storage:
            await storage.commit(puts(version))

    trio.run(write)
    assert main(["journal", "show", str(tmp_path / "post.db"), "p-1"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        '1  weigh  {"kg": 2.5}',
        '2  weigh  {"kg": 0.25}',
        '3  visit  {"place": "Ulm"}',
    ]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"vsn": "4"}, "written by version '4' of Parcel, and this is '3'"),
        ({"vsn": None}, "written by version None"),
        ({"format": 2}, "its format is 2, and this jido_trio knows 1"),
        ({"class": "tests.runtime.parcels:Letter"}, "an agent of class tests.runtime.parcels:Letter"),
        ({"vsn": "1"}, "the migration from version '1' failed: KeyError: 'weight'"),
        ({"vsn": "3", "state": {"$": "tests.runtime.parcels:ParcelState", "weight": "1"}}, "now/agent"),
    ],
    ids=["newer", "unknown", "format", "class", "misfit", "fields"],
)
async def test_what_is_newer_than_the_code_or_does_not_fit_is_refused_and_left_alone(autojump_clock, changed, why):
    storage = await left("3", **changed)
    before = dict(storage._records)
    async with Jido("post", storage=storage) as jido:
        with pytest.raises(RecordRefused) as refused:
            await jido.start_agent(Parcel, id="p-1")
    assert why in str(refused.value)
    assert storage._records == before
