"""The sensor that asks an HTTP server, at a real one."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from attrs import field, frozen

from jido_trio import Action, Agent, Context, Jido, Result
from jido_trio.core import StartSensor
from jido_trio.runtime import wait_state
from jido_trio.sensors import PollHttp
from jido_trio.supervision import Backoff

ANSWERS: list[tuple[int, str, str | None]] = []
ASKED: list[str | None] = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ASKED.append(self.headers.get("If-None-Match"))
        status, body, tag = ANSWERS.pop(0) if len(ANSWERS) > 1 else ANSWERS[0]
        self.send_response(status)
        if tag is not None:
            self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def url():
    ANSWERS.clear()
    ASKED.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@frozen
class Heard:
    answers: list[Any] = field(factory=list)


class Hear(Action):
    status: int
    body: str
    cut: bool = False

    def run(self, context: Context[Heard]) -> Result:
        return {"answers": [*context.state.answers, (self.status, self.body, self.cut)]}


def hearing(sensor: PollHttp) -> type[Agent[Heard]]:
    asked = StartSensor("s", sensor, backoff=Backoff(first=0.01))

    class Hearing(Agent[Heard], routes={"polled": Hear}, sensors=[asked]): ...

    return Hearing


async def heard(ref: Any, *answers: Any) -> None:
    await wait_state(ref, lambda state: state.answers == list(answers), timeout=20)


async def test_an_answer_is_sent_when_it_is_another(url):
    ANSWERS.extend([(200, "a", None), (200, "a", None), (404, "gone", None)])
    async with Jido() as jido:
        ref = await jido.start_agent(hearing(PollHttp(url=url, seconds=0.01)))
        await heard(ref, (200, "a", False), (404, "gone", False))


async def test_what_has_a_tag_is_not_asked_for_again(url):
    ANSWERS.extend([(200, "a", '"1"'), (304, "", None), (304, "", None), (200, "b", '"2"')])
    async with Jido() as jido:
        ref = await jido.start_agent(hearing(PollHttp(url=url, seconds=0.01)))
        await heard(ref, (200, "a", False), (200, "b", False))
    assert ASKED[:4] == [None, '"1"', '"1"', '"1"']


async def test_a_server_that_fails_is_a_crash_and_is_asked_again(url):
    ANSWERS.extend([(503, "busy", None), (200, "a", None)])
    reports: list[Any] = []
    async with Jido(on_report=reports.append) as jido:
        ref = await jido.start_agent(hearing(PollHttp(url=url, seconds=0.01)))
        await heard(ref, (200, "a", False))
    assert len(reports) == 1


async def test_a_body_that_is_too_long_is_cut(url):
    ANSWERS.append((200, "abcdef", None))
    async with Jido() as jido:
        ref = await jido.start_agent(hearing(PollHttp(url=url, longest=3)))
        await heard(ref, (200, "abc", True))
