"""Azure AI Content Safety beside the running agent: shares of real traffic on the page, and redacted texts on its wire."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.e2e.test_judge import MAIL, _calls
from tests.fakes.agent_process import AgentProcess, free_port

CONFIG = """
version: 1
interval: 1s
sources:
  otlp: {{http: "127.0.0.1:{port}"}}
endpoints:
  shop:
    window: 3s
    allowed_lateness: 0s
    content: transient
    content_safety: {{endpoint: "http://127.0.0.1:{service}", key: k, timeout: 2, rate: 500, calls: 60}}
sinks:
  prometheus: {{listen: "127.0.0.1:{metrics}"}}
"""


class _Service(ThreadingHTTPServer):
    """Finds violence of severity 4 in every prompt; keeps what it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: _Service

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.bodies.append(body)
        violent = 4 if "parcel" in body else 0
        found = {"categoriesAnalysis": [{"category": "Violence", "severity": violent}, {"category": "Hate", "severity": 0}]}
        answer = json.dumps({"userPromptAnalysis": {"attackDetected": False}} if "shieldPrompt" in self.path else found).encode()
        self.send_response(200 if self.headers["Ocp-Apim-Subscription-Key"] == "k" else 401)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _service() -> Iterator[_Service]:
    with _Service() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_samples_are_checked_and_what_is_found_is_told(tmp_path: Path) -> None:
    """Weighted shares with bounds and an alert on them; redacted texts on its wire, none on disk, and nothing added to what the platform's filter counted."""
    with _service() as service:
        port, metrics = free_port(), free_port()
        agent = AgentProcess(tmp_path, CONFIG.format(port=port, metrics=metrics, service=service.server_address[1]), metrics)
        agent.start()
        try:
            assert "never more than 20,000 a day" in agent.wait_for_line("checking 60 calls a window takes about")
            where = {"endpoint": "shop", "deployment": "gpt-4o", "category": "violence", "direction": "prompt"}
            ratio = "driftline_safety_content_safety_ratio"
            _calls(port, 40)
            # Windows are looked at a few times a minute: half a minute is usual, on a busy machine it takes longer.
            agent.until(lambda: agent.total(ratio, least_severity="medium", **where) == 1, timeout=90)
            assert agent.total("driftline_safety_content_safety_samples", **where) == 40
            assert 0.9 < agent.total("driftline_safety_content_safety_lower_ratio", least_severity="medium", **where) < 1
            assert agent.total(ratio, least_severity="high", **where) == 0
            assert agent.total(ratio, least_severity="low", **{**where, "direction": "completion"}) == 0
            assert agent.total("driftline_agent_content_safety_calls_total", outcome="answered", endpoint="shop") == 120
            assert agent.total("driftline_agent_content_safety_spent", endpoint="shop") == 120
            assert agent.total("driftline_safety_checked_total", endpoint="shop") == 0
            agent.until(lambda: agent.total("driftline_alert_active", alert="content_safety", endpoint="shop") == 1)
            held = [file.name for file in tmp_path.rglob("*") if file.is_file() and MAIL.encode() in file.read_bytes()]
        finally:
            assert agent.stop() == 0
        assert held == []
        assert service.bodies
        assert not [body for body in service.bodies if MAIL in body]
        assert "<email>" in service.bodies[0]
        with sqlite3.connect(next(tmp_path.rglob("store.sqlite"))) as store:
            assert not [line for line in store.iterdump() if "parcel" in line]
