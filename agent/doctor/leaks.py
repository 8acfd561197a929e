"""The leak self-test: the configuration runs once more beside itself, is sent secrets in every text, and is searched for them."""

import json
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zlib import decompress
from zlib import error as NotCompressed  # noqa: N812 - the name zlib gives is no name

import yaml

from agent.config import Config
from agent.doctor.remark import Remark
from agent.doctor.seeded_calls import calls, leaked
from agent.errors import ConfigError, Unavailable

RECORDS = 1_000
_SPAN = 2_000_000_000
"""Nanoseconds of a window of the rehearsal."""
_PATIENCE = 60.0
"""Seconds until what was sent has to be counted."""


def leaks(config: Config, environment: Mapping[str, str], records: int = RECORDS) -> Iterator[Remark]:
    """Send `records` calls with secrets to a copy of the configuration, and say where any was found again.

    The copy has a state folder, ports and receivers of its own, on this machine; the running agent and its sinks notice nothing.
    Raises ConfigError where no endpoint takes calls, Unavailable where the copy does not start.
    """
    import httpx  # noqa: PLC0415 - only asked for

    pushed = [endpoint for endpoint in config.endpoints.values() if endpoint.source is None]
    if not pushed or not any(name.partition("/")[0] == "otlp" for name in config.sources):
        raise ConfigError(
            "doctor --leaks: no endpoint is sent calls by OTLP, so there is no text to lose; rows of other sources are not rehearsed"
        )
    with tempfile.TemporaryDirectory(prefix="driftline-leaks-") as folder, _receiver() as outside:
        place = Path(folder)
        port, page = _free_port(), _free_port()
        (place / "driftline.yaml").write_text(yaml.safe_dump(_copy(config, place, port, page, outside)), "utf-8")
        with _agent(place, environment) as log, httpx.Client(trust_env=False, timeout=30) as client:
            each = max(records // len(pushed), 1)
            moment = (time.time_ns() // _SPAN + 1) * _SPAN + 1_000_000
            for number, endpoint in enumerate(pushed):
                sent = calls(endpoint.match or {"service.name": "driftline-leaks"}, range(number * each, (number + 1) * each), moment)
                for path, request in zip(("/v1/traces", "/v1/logs"), sent, strict=True):
                    headers = {"Content-Type": "application/x-protobuf"}
                    client.post(f"http://127.0.0.1:{port}{path}", content=request.SerializeToString(), headers=headers).raise_for_status()
            counted = _until_counted(client, page, each * len(pushed), moment)
            said = {"the log": "\n".join(log), "/metrics": client.get(f"http://127.0.0.1:{page}/metrics").text}
        said |= {f"{file.relative_to(place)}": _text(file) for file in sorted(place.rglob("*")) if file.is_file()}
        total = each * len(pushed)
        said["what was sent to judges, web hooks and Azure"] = outside.text(total)
    yield from _told(said, total, counted)


def _told(said: Mapping[str, str], records: int, counted: int) -> Iterator[Remark]:
    """Say of each place whether anything of the first `records` seeds stands there."""
    found = {place: leaked(text, records) for place, text in said.items() if not place.endswith("driftline.yaml")}
    for place, seen in found.items():
        if seen:
            kinds = ", ".join(sorted({"unknown text" if one.startswith("mark") else "known secrets" for one in seen}))
            yield Remark(
                "error", f"{place} holds {len(seen)} of what {records:,} calls carried ({kinds})", "report it: nothing may stand there"
            )
    if counted < records:
        yield Remark(
            "error",
            f"only {counted:,} of {records:,} calls were counted, so the rehearsal says little",
            "driftline doctor --leaks once more",
        )
    elif not any(found.values()):
        yield Remark("fine", f"{records:,} calls with secrets in every text: nothing found again in {len(found)} places")


def _copy(config: Config, place: Path, port: int, page: int, outside: "_Receiver") -> dict[str, Any]:
    """Return a configuration with the same endpoints, content modes and judges, and nothing that reaches beyond this machine."""
    endpoints: dict[str, Any] = {}
    for endpoint in config.endpoints.values():
        if endpoint.source is not None:
            continue
        one: dict[str, Any] = {"window": "2s", "allowed_lateness": "0s", "content": endpoint.content, "sample": endpoint.sample}
        if endpoint.match:
            one["match"] = dict(endpoint.match)
        if endpoint.content != "off":
            one["redact"] = {"keep": list(endpoint.redact.keep), "patterns": dict(endpoint.redact.patterns)}
        if endpoint.judge is not None:
            judge = endpoint.judge
            one["judge"] = {"url": f"{outside.url}/v1", "model": judge.model, "evaluators": list(judge.evaluators), "calls": judge.calls}
        endpoints[endpoint.name] = one
    key = "00000000-0000-0000-0000-000000000001"
    sinks: dict[str, Any] = {
        "prometheus": {"listen": f"127.0.0.1:{page}"},
        "json_lines": {"path": str(place / "lines.jsonl")},
        "azure_monitor": {"connection_string": f"InstrumentationKey={key};IngestionEndpoint={outside.url}/"},
    }
    return {
        "version": 1,
        "state": str(place / "state"),
        "interval": "1s",
        "sources": {"otlp": {"http": f"127.0.0.1:{port}"}},
        "endpoints": endpoints,
        "sinks": sinks,
        "notifiers": {"webhook": {"url": f"{outside.url}/hook"}},
        "paging": "agent",
    }


class _Receiver(ThreadingHTTPServer):
    """Takes whatever is sent, answers as judge or as Azure would, and remembers it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.judged: list[str] = []
        self.others: list[str] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def text(self, records: int) -> str:
        """Return all that came: of what judges were sent only secrets a pattern knows, for the rest of a text is what they judge."""
        known = {one for one in leaked("\n".join(self.judged), records) if not one.startswith("mark")}
        return "\n".join([*self.others, *known])


class _Handler(BaseHTTPRequestHandler):
    server: _Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = decompress(body, 31)
        judging = self.path.startswith("/v1/")
        (self.server.judged if judging else self.server.others).append(body.decode("utf-8", "replace"))
        # A judge's reason may repeat what it was told: it must not come through either.
        verdict = {name: {"reason": body.decode("utf-8", "replace")[-300:], "score": 3} for name in ("relevance", "fluency", "coherence")}
        document = {"choices": [{"message": {"content": json.dumps(verdict)}, "finish_reason": "stop"}]} if judging else {"errors": []}
        answer = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _receiver() -> Iterator[_Receiver]:
    with _Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def _agent(place: Path, environment: Mapping[str, str]) -> Iterator[list[str]]:
    """Run the copy until the block ends, then kill it, so that its files are as a crash leaves them; yield the lines it says."""
    command = [sys.executable, "-P", "-m", "agent", "run", "-c", str(place / "driftline.yaml"), "--log-level", "debug"]
    process = subprocess.Popen(  # noqa: S603 (our own module)
        command, stderr=subprocess.PIPE, text=True, env=dict(environment)
    )
    lines: list[str] = []
    ready = threading.Event()

    def follow() -> None:
        for line in process.stderr or ():
            lines.append(line)
            if "ready:" in line:
                ready.set()
        ready.set()

    reader = threading.Thread(target=follow, daemon=True)
    reader.start()
    try:
        if not ready.wait(_PATIENCE) or process.poll() is not None:
            raise Unavailable(
                f"doctor --leaks: the copy of the configuration did not start: {lines[-1].strip() if lines else 'it said nothing'}"
            )
        yield lines
    finally:
        process.kill()
        process.wait()
        reader.join(5)
        if process.stderr is not None:
            process.stderr.close()


def _until_counted(client: Any, page: int, records: int, moment: int) -> int:
    """Wait until the calls are counted and their window is judged; return how many were."""
    deadline, pause = time.monotonic() + _PATIENCE, threading.Event()
    counted = 0
    while time.monotonic() < deadline:
        lines = client.get(f"http://127.0.0.1:{page}/metrics").text.splitlines()
        counted = int(sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("driftline_requests_total{")))
        if counted >= records and time.time_ns() > moment + 3 * _SPAN:
            break
        pause.wait(0.25)
    return counted


def _text(file: Path) -> str:
    content = file.read_bytes()
    if file.suffix == ".sqlite":
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as store:
            tables = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            values = [value for table in tables for row in store.execute(f'SELECT * FROM "{table}"') for value in row]  # noqa: S608 - our tables
        content += b"\n".join(_unpacked(value) for value in values if isinstance(value, bytes))
    return content.decode("latin-1")


def _unpacked(value: bytes) -> bytes:
    try:
        return value + decompress(value)
    except NotCompressed:
        return value


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
