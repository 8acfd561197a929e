"""A local stand-in for a model that judges: keeps what it is sent, says what it is told to, or is down."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

READ, WRITTEN = 300, 30
"""Tokens it bills for each question."""


class JudgeServer(ThreadingHTTPServer):
    """`say` makes the answer's text of a request's body; while it is not `well` it answers 503."""

    daemon_threads = True
    well = True

    def __init__(self, say: Callable[[dict[str, Any]], str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.say = say
        self.bodies: list[str] = []

    @property
    def port(self) -> int:
        """Where it listens, on loopback."""
        return int(self.server_address[1])

    @classmethod
    @contextmanager
    def serve(cls, say: Callable[[dict[str, Any]], str]) -> "Iterator[JudgeServer]":
        """Listen until the block ends."""
        with cls(say) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield server
            finally:
                server.shutdown()
                thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: JudgeServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.bodies.append(body)
        choice = {"message": {"content": self.server.say(json.loads(body))}, "finish_reason": "stop"}
        answer = json.dumps({"choices": [choice], "usage": {"prompt_tokens": READ, "completion_tokens": WRITTEN}}).encode()
        self.send_response(200 if self.server.well else 503)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
