"""An endpoint that golden questions are put to: Azure OpenAI, OpenAI, Azure ML and Databricks on one loopback port, as good or bad as told."""

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

Mode = Literal["well", "throttled", "hang", "junk", "filtered", "down"]
KEY = "a-made-up-key"


@dataclass
class GoldenEndpoint:
    """Answers `capital of N` with `City N`. `flake` of all answers are wrong at random; questions in `lost` always are."""

    flake: float = 0.0
    lost: frozenset[str] = frozenset()
    mode: Mode = "well"
    throttles: int = 0
    """So many requests are answered with 429 first."""
    model: str = "gpt-4o-2024-08-06"
    fingerprint: str = "fp_a"
    verdict: int = 5
    """Score a judge of this endpoint gives."""
    seed: int = 1
    seen: Counter[str] = field(default_factory=Counter)
    """Requests by path."""
    headers: list[Mapping[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    url: str = ""
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def answer(self, question: str) -> str:
        """Return what it says to a question."""
        with self._lock:
            wrong = self._chance.random() < self.flake
        number = question.rsplit(" ", 1)[-1].rstrip("?")
        return "I do not know that one." if wrong or question in self.lost else f"City {number}"

    @contextmanager
    def serve(self) -> Iterator["GoldenEndpoint"]:
        """Listen on a free loopback port until the block ends."""
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65536  # one packet an answer: two would wait for each other

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with endpoint._lock:
                    endpoint.seen[self.path.partition("?")[0]] += 1
                    endpoint.headers.append({name.lower(): value for name, value in self.headers.items()})
                    endpoint.bodies.append(body)
                    throttled = endpoint.throttles > 0
                    endpoint.throttles -= throttled
                if endpoint.mode == "hang":
                    endpoint._over.wait()
                    self.close_connection = True
                    return
                status, answer = (429, {"error": {"code": "429"}}) if throttled else endpoint._said(self.path, dict(self.headers), body)
                whole = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                if status == 429:
                    self.send_header("Retry-After", "1")
                if self.path == "/score":
                    self.send_header("azureml-model-deployment", "blue")
                self.send_header("Content-Length", str(len(whole)))
                self.end_headers()
                self.wfile.write(whole)
                self.wfile.flush()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
                """Keep quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            self._over.set()
            server.shutdown()
            server.server_close()
            thread.join()

    def _said(self, path: str, headers: Mapping[str, str], body: Any) -> tuple[int, Any]:
        if headers.get("api-key") != KEY and headers.get("Authorization") != f"Bearer {KEY}":
            return 401, {"error": {"code": "401", "message": "Access denied due to invalid subscription key."}}
        failed: dict[str, tuple[int, Any]] = {
            "throttled": (429, {"error": {"code": "429"}}),
            "down": (503, {"error": {"code": "503"}}),
            "junk": (200, b"<html>gateway</html>"),
        }
        if self.mode in failed:
            return failed[self.mode]
        return self._answered(path, body)

    def _answered(self, path: str, body: Any) -> tuple[int, Any]:
        if path == "/score":
            return 200, {"answer": self.answer(body["question"])}
        asked = body["messages"][-1]["content"] if "messages" in body else ""
        if "answer_to_judge" in asked:
            names = body["response_format"]["json_schema"]["schema"]["required"]
            said = json.dumps({name: {"reason": "So.", "score": self.verdict} for name in names})
        elif self.mode == "filtered":
            return 400, {"error": {"code": "content_filter", "message": "content management policy", "innererror": {}}}
        elif "dataframe_records" in body:
            return 200, {"predictions": [self.answer(body["dataframe_records"][0]["question"])]}
        else:
            said = self.answer(asked)
        choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
        return 200, {"model": self.model, "system_fingerprint": self.fingerprint, "choices": [choice], "usage": usage}


def pairs_file(path: Path, count: int, tags: int = 4) -> Path:
    """Write a golden set of so many pairs, with one of so many tags each."""
    with path.open("w") as file:
        for number in range(count):
            pair = {
                "id": f"p-{number}",
                "question": f"What is the capital of {number}?",
                "truth": f"City {number}",
                "source": "human",
                "tags": [f"topic-{number % tags}"],
            }
            file.write(json.dumps(pair) + "\n")
    return path
