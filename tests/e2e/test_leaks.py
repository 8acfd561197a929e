"""A thousand calls with secrets in every text: none of them is found again, whatever the content mode."""

import json
import sqlite3
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from tests.fakes.agent_process import AgentProcess, free_port
from tests.fakes.breeze import Breeze
from tests.fakes.seeded_calls import calls, leaked

MODES = ("off", "features", "transient")
RECORDS = 1_002
SPAN = 4_000_000_000

CONFIG = """
version: 1
interval: 1s
sources:
  otlp: {{http: "127.0.0.1:{port}"}}
endpoints:
  off: {{match: {{service.name: off}}, window: 4s, allowed_lateness: 0s, content: "off"}}
  features: {{match: {{service.name: features}}, window: 4s, allowed_lateness: 0s, content: features}}
  transient:
    match: {{service.name: transient}}
    window: 4s
    allowed_lateness: 0s
    content: transient
    judge: {{url: "http://127.0.0.1:{judge}/v1", model: judge, key: k, timeout: 5, calls: 30}}
sinks:
  prometheus: {{listen: "127.0.0.1:{metrics}"}}
  json_lines: {{path: {lines}}}
  azure_monitor: {{connection_string: "${{env:CONNECTION}}"}}
"""


class _Judge(BaseHTTPRequestHandler):
    bodies: list[bytes] = []  # noqa: RUF012 - one server a test

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        # Answers with what it was asked: a judge's reason may repeat the text.
        content = json.dumps({"relevance": {"reason": self.bodies[-1].decode()[-400:], "score": 4}})
        answer = json.dumps({"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_no_secret_is_found_again(tmp_path: Path) -> None:
    """Not in spool, store, logs, pages, files or envelopes; what the judge is sent has no secret a pattern knows."""
    port, metrics = free_port(), free_port()
    judge = ThreadingHTTPServer(("127.0.0.1", 0), _Judge)
    threading.Thread(target=judge.serve_forever, daemon=True).start()
    azure = Breeze()
    with azure.serve():
        text = CONFIG.format(port=port, metrics=metrics, judge=judge.server_address[1], lines=tmp_path / "lines.jsonl")
        agent = AgentProcess(tmp_path, text, metrics, {"CONNECTION": azure.connection_string})
        agent.start()
        try:
            moment = (time.time_ns() // SPAN + 1) * SPAN + 1_000_000
            with httpx.Client(trust_env=False, base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                for place, mode in enumerate(MODES):
                    first = place * RECORDS // 3
                    traces, logs = calls(mode, range(first, first + RECORDS // 3), moment)
                    for path, request in (("/v1/traces", traces), ("/v1/logs", logs)):
                        sent = client.post(path, content=request.SerializeToString(), headers={"Content-Type": "application/x-protobuf"})
                        assert sent.status_code == 200
            agent.until(lambda: agent.total("driftline_requests_total") == RECORDS)
            spooled = _found(tmp_path)
            agent.until(lambda: agent.total("driftline_text_samples", evaluator="refusal", endpoint="features") > 30)
            agent.until(lambda: agent.total("driftline_evaluation_samples", evaluator="relevance", endpoint="transient") >= 20)
            azure.wait_for(lambda envelopes: any("evaluation.score.mean" in json.dumps(one) for one in envelopes))
            page = agent.scrape()
            agent.kill()
            dumped = _found(tmp_path)
            log = "\n".join(agent.log)
        finally:
            agent.stop()
            judge.shutdown()
            judge.server_close()
    for where, said in {"page": page, "log": log, "azure": json.dumps(azure.envelopes)}.items():
        assert leaked(said, RECORDS) == set(), where
    assert spooled == dumped == {}
    assert len(_Judge.bodies) >= 20
    assert {one for one in leaked(b"".join(_Judge.bodies).decode(), RECORDS) if not one.startswith("mark")} == set()


def _found(folder: Path) -> dict[str, set[str]]:
    """Return files under a folder that hold any of it, and what; values of the store are unpacked."""
    found = {}
    for file in folder.rglob("*"):
        if file.is_file() and file.suffix != ".yaml":
            content = file.read_bytes() + (_unpacked(file) if file.suffix == ".sqlite" else b"")
            if seen := leaked(content.decode("latin-1"), RECORDS):
                found[file.name] = seen
    return found


def _unpacked(file: Path) -> bytes:
    from zlib import decompress, error  # noqa: PLC0415 - only here

    parts = []
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as store:
        for (table,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in store.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - names of our own tables
                for value in row:
                    if isinstance(value, bytes):
                        parts.append(value)
                        try:
                            parts.append(decompress(value))
                        except error:
                            continue
    return b"".join(parts)
