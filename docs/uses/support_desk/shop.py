"""A shop on loopback, for `support.py`: orders, which it can't tell of at first, and refunds, each by its key.

python shop.py 8080
"""

import json
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ORDERS = {"A-17": {"cents": 4200, "parcel": "lost"}, "A-18": {"cents": 900, "parcel": "has left"}}


class Shop(ThreadingHTTPServer):
    """What was refunded, by key, and how often it was asked for; `on_request` may hold a request up."""

    daemon_threads = True

    def __init__(self, port: int, busy: int = 2, on_request: Callable[[str], object] = str) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.refunds: dict[str, str] = {}
        self.busy, self.on_request, self.lock = busy, on_request, threading.Lock()

    def asked(self, method: str, path: str, order: str) -> tuple[int, object]:
        """Return the status and the answer."""
        self.on_request(f"{method} {path}")
        with self.lock:
            if method == "PUT":
                self.refunds.setdefault(path, order)
                return 200, {"refunded": order}
            if self.busy > 0:
                self.busy -= 1
                return 503, {}
            return (200, ORDERS[path]) if path in ORDERS else (404, {})


class Handler(BaseHTTPRequestHandler):
    """Speaks HTTP for the shop."""

    server: Shop

    def answer(self) -> None:
        """Answer any request."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        order = json.loads(body)["order"] if body else ""
        status, answer = self.server.asked(self.command, self.path.rpartition("/")[2], order)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    do_GET = do_PUT = answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    Shop(int(sys.argv[1])).serve_forever()
