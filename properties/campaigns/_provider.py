"""A server that speaks as OpenAI does, counts what it is asked, and kills who asks it, at a point of a reply.

It runs in a thread of the campaign, so what it has counted outlives each program that is killed.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from jido_trio.testing._fake_openai import refused_transcript

CALLS = [
    {"id": f"id-{name}", "type": "function", "function": {"name": name, "arguments": "{}"}} for name in ("look", "pay")
]
USAGE = {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}


class Provider(ThreadingHTTPServer):
    """The server. What is asked and not refused is paid."""

    daemon_threads = True
    paid = 0
    refused: list[str]
    kill_at = 0
    """The number of the point at which the program is killed; 0 for none."""
    folder = Path()
    """Where the program has left its process id."""
    killed_at = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.begin(Path(), 0)

    @property
    def base_url(self) -> str:
        """What clients are given."""
        return f"http://127.0.0.1:{self.server_port}/v1"

    def begin(self, folder: Path, kill_at: int) -> None:
        """Forget what was counted, and watch another program."""
        self.folder = folder
        self.paid, self.refused, self.kill_at, self.killed_at = 0, [], kill_at, ""
        self._come_to, self._lock = 0, Lock()

    def point(self, name: str) -> None:
        """Kill the program here, if it is the time."""
        with self._lock:
            self._come_to += 1
            if self._come_to == self.kill_at:
                self.killed_at = name
                os.kill(int((self.folder / "pid").read_text()), signal.SIGKILL)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that a kill has broken."""


def _nothing(_name: str) -> None:
    """Come to no point."""


class _Answer(BaseHTTPRequestHandler):
    """One request."""

    server: Provider
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer with two calls of tools, or with a text when they have results."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        wrong = refused_transcript(body["messages"])
        if wrong is not None:
            self.server.refused.append(wrong)
            self._send(400, "application/json", json.dumps({"error": {"message": wrong}}))
            return
        self.server.paid += 1
        self.server.point("the provider has the request")
        stream = bool(body.get("stream"))
        reply = _streamed(body["messages"]) if stream else json.dumps(_whole(body["messages"]))
        self._send(200, "text/event-stream" if stream else "application/json", reply, self.server.point)

    def _send(self, status: int, kind: str, text: str, point: Callable[[str], None] = _nothing) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        half = len(data) // 2
        self.wfile.write(data[:half])
        self.wfile.flush()
        point("half of the reply is sent")
        self.wfile.write(data[half:])
        self.wfile.flush()
        point("the reply is sent")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _message(messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if any(message["role"] == "tool" for message in messages):
        return {"role": "assistant", "content": "done"}
    return {"role": "assistant", "content": None, "tool_calls": CALLS}


def _whole(messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    message = _message(messages)
    finish = "tool_calls" if "tool_calls" in message else "stop"
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": USAGE}


def _streamed(messages: Sequence[Mapping[str, Any]]) -> str:
    message = _message(messages)
    calls = [{"index": index, **call} for index, call in enumerate(message.pop("tool_calls", []))]
    delta = {**message, **({"tool_calls": calls} if calls else {})}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    events = [
        {**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
        {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls" if calls else "stop"}]},
        {**chunk, "choices": [], "usage": USAGE},
    ]
    return "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"


@contextmanager
def open_provider() -> Iterator[Provider]:
    """Serve in a thread."""
    with Provider() as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
