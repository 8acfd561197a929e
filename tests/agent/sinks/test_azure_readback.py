"""The read-back query, through the real SDK over loopback against recorded answers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.monitor.query import LogsQueryClient

from agent.errors import InputError, Unavailable
from agent.sinks.azure_readback import last_heartbeat

WORKSPACE = "00000000-0000-0000-0000-0000000000aa"
COMPONENT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Insights/components/c"
COLUMNS = [{"name": "Newest", "type": "datetime"}]


class Credential:
    """A credential nobody checks."""

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        """Return a made-up token."""
        return AccessToken("made-up", 4102444800)


@contextmanager
def service(status: int, body: Any) -> Iterator[tuple[LogsQueryClient, list[tuple[str, Any]]]]:
    """Answer every query with one body; yields a client and the requests it sent."""
    asked: list[tuple[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Note the request and answer."""
            asked.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with LogsQueryClient(
            Credential(), endpoint=f"http://127.0.0.1:{server.server_port}", authentication_policy=SansIOHTTPPolicy(), retry_total=0
        ) as client:
            yield client, asked
        server.shutdown()


def table(*rows: list[str | None]) -> dict[str, Any]:
    """Return an answer of the recorded shape (facts: wire format of the query service)."""
    return {"tables": [{"name": "PrimaryResult", "columns": COLUMNS, "rows": list(rows)}]}


@pytest.mark.parametrize(
    ("target", "path", "name"),
    [(WORKSPACE, f"/workspaces/{WORKSPACE}/query", "AppMetrics"), (COMPONENT, f"{COMPONENT}/query", "customMetrics")],
)
def test_the_newest_heartbeat_is_found(target: str, path: str, name: str) -> None:
    """A workspace and a component are asked in their own words, for the catalogue's metric."""
    with service(200, table(["2026-11-20T08:59:30Z"])) as (client, asked):
        found = last_heartbeat(client, target)

    assert found == datetime(2026, 11, 20, 8, 59, 30, tzinfo=UTC)
    assert asked[0][0].endswith(path)
    assert asked[0][1]["query"].startswith(name)
    assert "'driftline.agent.heartbeat'" in asked[0][1]["query"]


@pytest.mark.parametrize("body", [table([None]), table(), {"tables": []}])
def test_no_heartbeat_is_none(body: dict[str, Any]) -> None:
    """An answer without a row, or with an empty one, is no heartbeat and no error."""
    with service(200, body) as (client, _):
        assert last_heartbeat(client, WORKSPACE) is None


def test_a_partial_answer_is_not_taken_for_a_whole_one() -> None:
    """The service says 200 and `PartialError`; the SDK raises nothing, we do."""
    with (
        service(200, {**table([None]), "error": {"code": "PartialError", "message": "m"}}) as (client, _),
        pytest.raises(Unavailable, match="in part"),
    ):
        last_heartbeat(client, WORKSPACE)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [(403, InputError, "Log Analytics Reader"), (404, InputError, "is the id right"), (500, Unavailable, "refused")],
)
def test_a_refusal_says_what_to_do(status: int, kind: type[Exception], words: str) -> None:
    """Missing rights and wrong ids are the caller's to mend, a failing service is not."""
    with service(status, {"error": {"code": "c", "message": "m"}}) as (client, _), pytest.raises(kind, match=words):
        last_heartbeat(client, WORKSPACE)


def test_a_service_that_is_not_there_is_told() -> None:
    """No server: Unavailable, exit code 4."""
    nobody = LogsQueryClient(Credential(), endpoint="http://127.0.0.1:9", authentication_policy=SansIOHTTPPolicy(), retry_total=0)

    with pytest.raises(Unavailable, match="cannot be asked"):
        last_heartbeat(nobody, WORKSPACE)
    nobody.close()
