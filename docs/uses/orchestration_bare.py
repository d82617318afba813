"""What `orchestration.py` does, in bare Trio: the same command, the same services, the same lines, killed or not.

python orchestration_bare.py trips.db 127.0.0.1:8080 short-1 long-2
"""

import json
import logging
import random
import sqlite3
import sys
from collections.abc import Mapping
from typing import Any

import httpx2
import trio

TIMEOUT, UNDO_TIMEOUT, RETRIES, BACKOFF, JITTER = 30.0, 5.0, 4, 0.05, 0.5
LARGEST = 1_000_000  # bytes of an answer
RESTARTS, WITHIN = 3, 5.0
LOG = logging.getLogger("trips")


class Permanent(Exception):
    """It will not go well the next time either."""


class Transient(Exception):
    """It may."""


class Breaker:
    """Leaves the services alone for a while when they failed often in a row; then one may try."""

    def __init__(self, failures: int = 10, seconds: float = 30) -> None:
        self.most, self.seconds = failures, seconds
        self.failures, self.opened, self.trying = 0, -1.0, False

    def enter(self) -> None:
        if self.failures < self.most:
            return
        if self.trying or trio.current_time() < self.opened + self.seconds:
            raise Permanent("the services are left alone for a while")
        self.trying = True

    def leave(self, *, well: bool) -> None:
        self.trying, self.failures = False, 0 if well else self.failures + 1
        if self.failures >= self.most:
            self.opened = trio.current_time()


class Services:
    """Asks the services, again and again where that may help."""

    def __init__(self, host: str) -> None:
        self.host, self.breaker = host, Breaker()

    async def book(self, service: str, trip: str, cents: int = 0) -> int:
        status, answer = await self.ask("PUT", service, trip, cents)
        if status != 200:
            raise Permanent(f"{service} said {status}")
        return int(answer["cents"])

    async def ask(self, method: str, service: str, trip: str, cents: int) -> tuple[int, Any]:
        for attempt in range(RETRIES + 1):
            self.breaker.enter()
            well = False
            try:
                with trio.fail_after(TIMEOUT):
                    answer = await self.asked_once(method, f"http://{self.host}/{service}/{trip}", cents)
            except (Transient, trio.TooSlowError, httpx2.TransportError) as error:
                if attempt == RETRIES:
                    raise Permanent(f"{service} doesn't answer: {error}") from error
            else:
                well = True
                return answer
            finally:
                self.breaker.leave(well=well)
            await trio.sleep(BACKOFF * 2**attempt * (1 - JITTER * random.random()))  # noqa: S311
        raise AssertionError

    async def asked_once(self, method: str, url: str, cents: int) -> tuple[int, Any]:
        async with (
            httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=None) as client,
            client.stream(method, url, json={"cents": cents}) as response,
        ):
            body = b""
            async for more in response.aiter_bytes():
                body += more
                if len(body) > LARGEST:
                    raise Permanent(f"{url} answers with more than {LARGEST} bytes")
        if response.status_code >= 500:
            raise Transient(f"status {response.status_code}")
        return response.status_code, json.loads(body) if body else None


class Store:
    """How far each trip is, on disk before anything follows from it."""

    def __init__(self, path: str) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.connection.execute("pragma journal_mode = wal")
        self.connection.execute("pragma synchronous = full")
        self.connection.execute(
            "create table if not exists steps "
            "(number integer primary key, trip, step, what, detail, unique (trip, step))"
        )
        self.one_at_a_time = trio.CapacityLimiter(1)

    async def steps(self, trip: str) -> dict[str, tuple[str, Any]]:
        """Return what became of each step, in the order of their ends."""
        query = "select step, what, detail from steps where trip = ? order by number"
        rows = await self.run(query, trip)
        return {step: (what, json.loads(detail)) for step, what, detail in rows}

    async def put(self, trip: str, step: str, what: str, detail: Any) -> None:
        query = (
            "insert into steps (trip, step, what, detail) values (?, ?, ?, ?) "
            "on conflict (trip, step) do update set what = excluded.what, detail = excluded.detail"
        )
        await self.run(query, trip, step, what, json.dumps(detail))

    async def run(self, query: str, *values: str) -> list[Any]:
        def work() -> list[Any]:
            return self.connection.execute(query, values).fetchall()

        return await trio.to_thread.run_sync(work, limiter=self.one_at_a_time)


class Trip:
    """Flight and hotel at once, then the card; if that is declined, both are taken back, the last one first."""

    SERVICES: Mapping[str, str] = {"flight": "flights", "hotel": "hotels", "pay": "cards"}

    def __init__(self, name: str, services: Services, store: Store) -> None:
        self.name, self.services, self.store = name, services, store
        self.steps: dict[str, tuple[str, Any]] = {}

    async def travel(self) -> None:
        self.steps = await self.store.steps(self.name)
        if not self.failed:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.take, "flight", 0)
                nursery.start_soon(self.take, "hotel", 0)
        if not self.failed:
            await self.take("pay", self.steps["flight"][1] + self.steps["hotel"][1])
        if not self.failed:
            print(f"{self.name}: booked, {sum(cents for _, cents in self.steps.values())} cents", flush=True)
            return
        for step in reversed([step for step, (what, _) in self.steps.items() if what == "done"]):
            await self.take_back(step)
        undone = ", ".join(sorted(step for step, (what, _) in self.steps.items() if what == "undone"))
        print(f"{self.name}: {self.failed}; taken back: {undone}", flush=True)

    @property
    def failed(self) -> dict[str, str]:
        return {step: why for step, (what, why) in self.steps.items() if what == "failed"}

    async def take(self, step: str, cents: int) -> None:
        if step in self.steps:
            return  # before the program was killed
        try:
            await self.ended(step, "done", await self.services.book(self.SERVICES[step], self.name, cents))
        except Permanent as error:
            await self.ended(step, "failed", str(error))

    async def take_back(self, step: str) -> None:
        try:
            with trio.fail_after(UNDO_TIMEOUT):
                await self.services.ask("DELETE", self.SERVICES[step], self.name, 0)
        except (Permanent, trio.TooSlowError) as error:
            await self.ended(step, "not undone", str(error))
        else:
            await self.ended(step, "undone", None)

    async def ended(self, step: str, what: str, detail: Any) -> None:
        await self.store.put(self.name, step, what, detail)
        self.steps[step] = what, detail


async def kept_up(name: str, services: Services, store: Store) -> None:
    """Begin a trip anew where it is on disk when it crashes; a crash is nobody else's, unless it comes too often."""
    crashes: list[float] = []
    while True:
        try:
            return await Trip(name, services, store).travel()
        except Exception:
            LOG.exception("trip %s crashed", name)
            now = trio.current_time()
            crashes = [*(then for then in crashes if then > now - WITHIN), now]
            if len(crashes) > RESTARTS:
                raise


async def main(path: str, host: str, *trips: str) -> None:
    services, store = Services(host), Store(path)
    async with trio.open_nursery() as nursery:
        for name in trips:
            nursery.start_soon(kept_up, name, services, store)
    store.connection.close()


if __name__ == "__main__":
    path, host, *trips = sys.argv[1:]
    trio.run(main, path, host, *trips)
