"""A web hook's other end: keeps what was posted."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """`statuses` are used up one a request, 0 for one that is taken and never answered; afterwards everything is taken."""

    statuses: list[int] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""
    _came: threading.Condition = field(default_factory=threading.Condition)
    _over: threading.Event = field(default_factory=threading.Event)

    def wait_for(self, true: Callable[[], bool], timeout: float = 30.0) -> None:
        """Wait until it is true; asked whenever something came. Raises TimeoutError."""
        with self._came:
            if not self._came.wait_for(true, timeout):
                raise TimeoutError(f"{len(self.keys)} requests came: {self.keys}")

    @contextmanager
    def serve(self) -> Iterator["Receiver"]:
        """Listen on a free loopback port until the block ends."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.statuses.pop(0) if receiver.statuses else 202
                if status < 300:
                    with receiver._came:
                        receiver.bodies.append(json.loads(body))
                        receiver.keys.append(self.headers["Idempotency-Key"])
                        receiver.headers.append({name.lower(): value for name, value in self.headers.items()})
                        receiver._came.notify_all()
                if not status:
                    receiver._over.wait()
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
                """Keep quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}/hook?code=made-up"
        try:
            yield self
        finally:
            self._over.set()
            server.shutdown()
            server.server_close()
            thread.join()
