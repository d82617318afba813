"""Three services on loopback, for `orchestration.py`: flights, hotels, and cards, which fail.

    python services.py 8080

Each books with a PUT, and takes back with a DELETE. The hotels are busy at first; the cards are declined above a limit.
"""

import json
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PRICES = {"flights": 30_000, "hotels": 12_000}
LIMIT = 50_000


class Services(ThreadingHTTPServer):
    """What is booked, by service; `on_request` may hold a request up."""

    daemon_threads = True

    def __init__(self, port: int, busy: int = 2, on_request: Callable[[str], object] = str) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.booked: dict[str, set[str]] = {"flights": set(), "hotels": set(), "cards": set()}
        self.busy, self.on_request, self.lock = busy, on_request, threading.Lock()

    def asked(self, method: str, service: str, trip: str, cents: int) -> tuple[int, dict[str, int]]:
        """Return the status and the answer."""
        self.on_request(f"{method} {service} {trip}")
        with self.lock:
            if service == "hotels" and self.busy > 0:
                self.busy -= 1
                return 503, {}
            if method == "DELETE":
                self.booked[service].discard(trip)
            elif service == "cards" and cents > LIMIT:
                return 402, {"limit": LIMIT}
            else:
                self.booked[service].add(trip)
        return 200, {"cents": PRICES.get(service, 0) * (2 if trip.startswith("long") else 1)}


class Handler(BaseHTTPRequestHandler):
    """Speaks HTTP for the services."""

    server: Services

    def answer(self) -> None:
        """Answer any request."""
        _, service, trip = self.path.split("/")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        cents = json.loads(body)["cents"] if body else 0
        status, answer = self.server.asked(self.command, service, trip, cents)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    do_PUT = do_DELETE = answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    Services(int(sys.argv[1])).serve_forever()
