"""Evaluators of azure-ai-evaluation, run as they are: their requests end at a relay in the same process. Heavy: only the worker imports this.

The relay speaks as OpenAI's chat completions do, which is the one thing about the package that is public and will not change.
"""

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import Any

from agent.judges.lender import Abandoned, Ask, Evaluate

_CLASSES = {
    "coherence": "CoherenceEvaluator",
    "fluency": "FluencyEvaluator",
    "groundedness": "GroundednessEvaluator",
    "relevance": "RelevanceEvaluator",
    "retrieval": "RetrievalEvaluator",
    "similarity": "SimilarityEvaluator",
    "response_completeness": "ResponseCompletenessEvaluator",
}
_PARAMETERS = {"question": "query", "answer": "response", "context": "context", "truth": "ground_truth"}
_MOST = 800


def evaluator() -> Evaluate:
    """Import the package and return what runs an evaluator."""
    package = import_module("azure.ai.evaluation")
    relay = _Relay()
    threading.Thread(target=relay.serve_forever, daemon=True).start()

    def evaluate(name: str, texts: Mapping[str, str], ask: Ask) -> tuple[float | None, str]:
        # An address of its own for each: what is late finds nobody.
        with relay.open(ask) as address:
            model = {"type": "openai", "base_url": address, "api_key": "none", "model": "judge"}
            found = getattr(package, _CLASSES[name])(model)(**{_PARAMETERS[text]: value for text, value in texts.items()})
        score = found.get(f"{name}_score", found.get(name))
        return (None if score is None else float(score)), str(found.get(f"{name}_reason") or "")

    return evaluate


class _Relay(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.open_for: dict[str, Ask] = {}
        self._number = 0

    def open(self, ask: Ask) -> "_Opened":
        """Return an address at which `ask` answers while it is held."""
        self._number += 1
        return _Opened(self, str(self._number), ask)


class _Opened:
    def __init__(self, relay: _Relay, name: str, ask: Ask) -> None:
        self._relay = relay
        self._name = name
        self._ask = ask

    def __enter__(self) -> str:
        self._relay.open_for[self._name] = self._ask
        return f"http://127.0.0.1:{self._relay.server_address[1]}/{self._name}"

    def __exit__(self, *_: object) -> None:
        self._relay.open_for.pop(self._name, None)


def _abandoned(*_: object, **__: object) -> str:
    raise Abandoned


class _Handler(BaseHTTPRequestHandler):
    server: _Relay

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        ask = self.server.open_for.get(self.path.split("/")[1], _abandoned)
        try:
            most = body.get("max_tokens") or body.get("max_completion_tokens") or _MOST
            text = ask(body["messages"], most, json=(body.get("response_format") or {}).get("type") == "json_object")
        except Abandoned:
            # The package tries again after most answers, not after this one.
            self._reply(400, {"error": {"message": "abandoned", "type": "invalid_request_error"}})
            return
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        # Tokens are counted where the model was asked.
        usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
        self._reply(200, {"id": "-", "object": "chat.completion", "created": 0, "model": "judge", "choices": [choice], "usage": usage})

    def _reply(self, status: int, document: Mapping[str, Any]) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the method that is overridden
        """Say nothing."""
