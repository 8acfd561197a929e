"""Stands in for Azure AI Language: finds persons named Ann, answers in the form its REST reference gives, and may be down."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATH = "/language/:analyze-text?api-version=2023-04-01"


def answer(request: Any) -> Any:
    """Return the answer to one request."""
    documents = [
        {
            "id": one["id"],
            "warnings": [],
            "entities": [
                {"text": found[0], "category": "Person", "offset": found.start(), "length": len(found[0]), "confidenceScore": 0.9}
                for found in re.finditer(r"\bAnn\b", one["text"])
            ],
        }
        for one in request["analysisInput"]["documents"]
    ]
    return {"kind": "PiiEntityRecognitionResults", "results": {"documents": documents, "errors": [], "modelVersion": "2023-09-01"}}


@dataclass
class LanguageServer:
    """What it was asked, and whether it is well."""

    well: bool = True
    asked: list[Any] = field(default_factory=list)
    port: int = 0

    @contextmanager
    def serve(self) -> Iterator["LanguageServer"]:
        """Listen until the block ends."""
        state = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                """Answer a request as the service would."""
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                state.asked.append(body)
                status = 500 if not state.well else 200 if self.path == PATH else 404
                content = json.dumps(answer(body) if status == 200 else {}).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()
