"""aimock, of npm: a server of others that speaks as four providers do, fails at random, and keeps a journal.

Its dice are loaded: it draws from a generator with a seed, so that it does to a test what it did the last time.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen


def installed(name: str) -> Path:
    """Return where `./check --judges` has npm put a file of a package."""
    return Path(sys.prefix) / "judges/node_modules" / name


PROGRAM = installed("@copilotkit/aimock/dist/cli.js")

NODE = shutil.which("node")


@frozen
class Aimock:
    """A server that is up."""

    url: str

    def fail(self, **chaos: float) -> None:
        """Fail as often as that from now on: shares of the requests that haven't failed in the ways before."""
        self._sent("POST", "/__aimock/chaos", chaos)

    def journal(self) -> list[Mapping[str, Any]]:
        """Return what was asked, and what was answered."""
        asked: list[Mapping[str, Any]] = json.loads(self._sent("GET", "/__aimock/journal"))
        return asked

    def _sent(self, method: str, path: str, body: object = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=10) as reply:
            return bytes(reply.read())


DICE = """
let state = 7;
Math.random = () => (state = (state * 48271) % 2147483647) / 2147483647;
"""
"""What the server draws from: Park and Miller's generator."""


@contextmanager
def open_aimock(node: str, folder: Path) -> Iterator[Aimock]:
    """Start the server at a free port, with the answers below and dice of its own, and stop it in the end."""
    fixtures, dice = folder / "fixtures.json", folder / "dice.cjs"
    fixtures.write_text(json.dumps({"fixtures": ANSWERS}))
    dice.write_text(DICE)
    command = [node, "--require", str(dice), str(PROGRAM)]
    command += ["--port", "0", "--fixtures", str(fixtures), "--chunk-size", "4", "--strict"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        try:
            told = []
            for line in process.stdout:
                told.append(line)
                if "listening on " in line:
                    break
            else:
                raise RuntimeError(f"aimock isn't up: {''.join(told)}")
            yield Aimock(told[-1].split("listening on ")[1].strip())
        finally:
            process.kill()


def _answer(message: str, response: Mapping[str, Any], **more: Any) -> Mapping[str, Any]:
    match = {"userMessage": message, **more.pop("match", {})}
    return {"match": match, "response": response, **more}


WEATHER = "It snows in Oslo, and it is cold."
ANSWERS = [
    _answer(
        "Oslo", {"toolCalls": [{"name": "weather", "arguments": '{"city": "Oslo"}'}]}, match={"hasToolResult": False}
    ),
    _answer("Oslo", {"content": WEATHER}, match={"hasToolResult": True}),
    *(
        _answer(f"cut for {form}", {"content": WEATHER}, match={"sequenceIndex": 0}, truncateAfterChunks=6, latency=20)
        for form in ("openai", "responses", "anthropic", "ollama")
    ),
    _answer("cut for", {"content": WEATHER}),
]
"""What is answered to what."""
