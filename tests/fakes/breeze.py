"""A local stand-in for Application Insights' ingestion endpoint: keeps envelopes, answers as told."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, dict[str, str], bytes]


def accept(envelopes: list[dict[str, Any]]) -> Reply:
    """Take everything."""
    body = {"itemsReceived": len(envelopes), "itemsAccepted": len(envelopes), "errors": []}
    return 200, {}, json.dumps(body).encode()


def refuse(status: int, headers: dict[str, str] | None = None) -> Callable[[list[dict[str, Any]]], Reply]:
    """Take nothing."""
    return lambda _: (status, headers or {}, b"")


def partly(errors: list[tuple[int, int]]) -> Callable[[list[dict[str, Any]]], Reply]:
    """Answer 206 with (index, status) of the items not taken."""

    def reply(envelopes: list[dict[str, Any]]) -> Reply:
        listed = [{"index": index, "statusCode": status, "message": "no"} for index, status in errors]
        body = {"itemsReceived": len(envelopes), "itemsAccepted": len(envelopes) - len(errors), "errors": listed}
        return 206, {}, json.dumps(body).encode()

    return reply


@dataclass
class Breeze:
    """`replies` are used up one a request; afterwards everything is accepted."""

    replies: list[Callable[[list[dict[str, Any]]], Reply]] = field(default_factory=list)
    requests: list[list[dict[str, Any]]] = field(default_factory=list)
    encodings: list[str] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)
    connection_string: str = ""

    @property
    def envelopes(self) -> list[dict[str, Any]]:
        """Everything received, in order."""
        with self.arrived:
            return [envelope for request in self.requests for envelope in request]

    def wait_for(self, enough: Callable[[list[dict[str, Any]]], bool], timeout: float = 30.0) -> list[dict[str, Any]]:
        """Return all envelopes once `enough` says so. Raises TimeoutError."""
        with self.arrived:
            if not self.arrived.wait_for(lambda: enough([e for request in self.requests for e in request]), timeout):
                raise TimeoutError(f"{len(self.requests)} requests came, none of them what was waited for")
        return self.envelopes

    @contextmanager
    def serve(self) -> Iterator["Breeze"]:
        """Listen on a free loopback port until the block ends."""
        breeze = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                encoding = self.headers.get("Content-Encoding", "")
                envelopes = json.loads(gzip.decompress(body) if encoding == "gzip" else body)
                with breeze.arrived:
                    breeze.encodings.append(encoding)
                    breeze.requests.append(envelopes)
                    reply = breeze.replies.pop(0) if breeze.replies else accept
                    status, headers, answer = reply(envelopes)
                    breeze.arrived.notify_all()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", "Content-Length": str(len(answer)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
                """Keep quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        root = f"http://127.0.0.1:{server.server_port}/"
        self.connection_string = f"InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint={root};LiveEndpoint={root}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
