"""A pipeline policy that compresses what the exporter sends and remembers what the service answered."""

import gzip
import json
from typing import Any

from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import CustomHookPolicy

_LARGEST = 4 * 1024 * 1024


class Answer(CustomHookPolicy[Any, Any]):
    """The exporter reports success or failure only; the outbox needs to know which items, and when to come back."""

    def __init__(self, *, compress: bool) -> None:
        super().__init__()
        self._compress = compress
        self.forget()

    def forget(self) -> None:
        """Start on a new request."""
        self.status: int | None = None
        self.retry_after: float | None = None
        self.errors: list[tuple[int, int]] = []
        """(index, status) of each item that was not taken."""

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Compress the body, once."""
        super().on_request(request)
        http = request.http_request
        if not self._compress or http.headers.get("Content-Encoding"):
            return
        body = http.content
        packed = gzip.compress(body.encode() if isinstance(body, str) else body, 6)
        http.headers.update({"Content-Encoding": "gzip", "Content-Length": str(len(packed))})
        http._data = packed  # noqa: SLF001 - azure-core offers no setter for an encoded body

    def on_response(self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]) -> None:
        """Remember status, delay and the refused items."""
        super().on_response(request, response)
        http = response.http_response
        self.status = http.status_code
        try:
            self.retry_after = float(http.headers.get("Retry-After", ""))
        except ValueError:
            self.retry_after = None
        self.errors = _errors(http.body()[:_LARGEST]) if self.status in {200, 206} else []


def _errors(body: bytes) -> list[tuple[int, int]]:
    try:
        found = json.loads(body).get("errors") or []
        return [(int(error["index"]), int(error["statusCode"])) for error in found]
    except (ValueError, AttributeError, KeyError, TypeError):
        # An answer nobody can read names no refused item; the status alone decides.
        return []
