"""The page on threads and asyncio: its recipes where something goes wrong in them, and under a real server."""

from __future__ import annotations

import asyncio
import signal
import sys
from functools import partial
from types import ModuleType
from typing import Any

import pytest
import trio
from hypercorn.config import Config
from hypercorn.trio import serve

from docs.programs import ROOT, program
from jido_trio import AgentCrashed, AgentStopped, Jido, RestartIntensityExceeded, Signal
from jido_trio.errors import StartFailed
from jido_trio.supervision import Child


@pytest.fixture(scope="module")
def page():
    """The program of the page, as a module; it has run."""
    module = ModuleType("threads_page")
    sys.modules[module.__name__] = module
    exec(compile(program((ROOT / "docs" / "threads.md").read_text()), "docs/threads.md", "exec"), module.__dict__)
    yield module
    del sys.modules[module.__name__]


async def started(page: Any, portal: Any, **options: Any) -> Any:
    return await portal.run(partial(portal.jido.start_agent, page.Counter, **options))


# ---- from a thread


async def test_a_thread_is_told_of_a_crash_and_of_the_end_as_a_task_is(page):
    reports: list[object] = []
    async with Jido(on_report=reports.append) as jido:
        ann = await jido.start_agent(page.Counter)

        def ask(word: str) -> Any:
            agent = trio.from_thread.run(ann.call, Signal(word))
            return agent.state.count

        with pytest.raises(AgentCrashed):
            await trio.to_thread.run_sync(ask, "bug")
        assert await trio.to_thread.run_sync(ask, "add") == 1

    assert len(reports) == 1
    with pytest.raises(AgentStopped):
        await trio.to_thread.run_sync(ask, "add")


def test_a_thread_that_comes_when_trio_is_over_is_told(page):
    async def main() -> tuple[trio.lowlevel.TrioToken, Any]:
        async with Jido() as jido:
            return trio.lowlevel.current_trio_token(), await jido.start_agent(page.Counter)

    token, ann = trio.run(main)
    with pytest.raises(trio.RunFinishedError):
        page.from_a_thread_of_yours(ann, token, [])


# ---- inside asyncio


def test_a_crash_of_an_agent_is_told_in_asyncio_and_its_neighbour_goes_on(page):
    async def main() -> tuple[int, int, int]:
        async with page.open_portal() as portal:
            ann, bob = await started(page, portal), await started(page, portal)
            await portal.run(bob.call, Signal("add"))
            with pytest.raises(AgentCrashed):
                await portal.run(ann.call, Signal("bug"))
            agents = await asyncio.gather(*(portal.run(each.call, Signal("add")) for each in (ann, bob)))
            return ann.incarnation, *(agent.state.count for agent in agents)

    assert asyncio.run(main()) == (2, 1, 2)


def test_what_is_cancelled_in_asyncio_is_withdrawn_in_trio(page):
    async def main() -> Any:
        async with page.open_portal() as portal:
            ann = await started(page, portal)
            sleeping = asyncio.ensure_future(portal.run(trio.sleep_forever))
            await asyncio.sleep(0)
            sleeping.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sleeping
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(portal.run(trio.sleep_forever), 0.01)
            return (await portal.run(ann.call, Signal("add"))).state.count

    assert asyncio.run(main()) == 1


def test_who_waits_when_the_instance_gives_up_is_told_and_the_block_too(page):
    async def main() -> None:
        async with page.open_portal() as portal:
            ann = await started(page, portal, budget=None)
            waiting = asyncio.ensure_future(portal.run(trio.sleep_forever))
            await portal.run(partial(ann.call_many, [Signal("bug")] * 1001))
            with pytest.raises(RestartIntensityExceeded):
                await waiting

    with pytest.raises(RestartIntensityExceeded):
        asyncio.run(main())
    del page.reports[:]


def test_control_c_stops_the_agents_and_ends_the_program(page):
    refs: list[Any] = []

    async def main() -> None:
        async with page.open_portal() as portal:
            refs.append(await started(page, portal))
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(100)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())
    assert not refs[0].running


def test_an_error_of_the_program_stops_the_agents_and_comes_out(page):
    refs: list[Any] = []

    async def main() -> None:
        async with page.open_portal() as portal:
            refs.append(await started(page, portal))
            raise LookupError

    with pytest.raises(LookupError):
        asyncio.run(main())
    assert not refs[0].running


async def port_is_taken(*, task_status: trio.TaskStatus[None]) -> None:
    raise OSError


def test_a_start_that_fails_is_told(page, monkeypatch):
    services = [Child("port", port_is_taken)]
    monkeypatch.setattr(page, "Jido", partial(Jido, services=services))

    async def main() -> None:
        async with page.open_portal():
            raise AssertionError

    with pytest.raises(StartFailed):
        asyncio.run(main())


# ---- behind a server


async def post(address: str, path: str) -> tuple[int, str]:
    host, port = address.removeprefix("http://").split(":")
    stream = await trio.open_tcp_stream(host, int(port))
    async with stream:
        await stream.send_all(f"POST {path} HTTP/1.0\r\n\r\n".encode())
        answer = b"".join([chunk async for chunk in stream]).decode()
    head, _, body = answer.partition("\r\n\r\n")
    return int(head.split()[1]), body


async def test_a_server_that_runs_trio_serves_the_application(page):
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.accesslog = config.errorlog = None
    over = trio.Event()
    async with trio.open_nursery() as nursery:
        run = partial(serve, page.app, config, shutdown_trigger=over.wait)
        [address] = await nursery.start(run)

        assert await post(address, "/a/add") == (200, "1")
        status, text = await post(address, "/a/bug")
        assert (status, text.startswith("agent 'a' crashed")) == (503, True)
        assert (await post(address, "/a/nonsense"))[0] == 404
        assert await post(address, "/a/add") == (200, "1")

        answers: list[tuple[int, str]] = []

        async def ask() -> None:
            answers.append(await post(address, "/new/add"))

        async with trio.open_nursery() as clients:
            for _ in range(10):
                clients.start_soon(ask)
        assert sorted(answers) == sorted((200, str(number)) for number in range(1, 11))

        jido = page.app._jido
        [a, *_] = jido.list_agents()
        over.set()
    assert not a.running
    assert jido.ledger().waiting == 0
