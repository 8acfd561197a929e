"""Azure OpenAI as far as a client's telemetry goes: a dozen calls, told apart by what they ask, each with filter results known beforehand.

The captures of `tests/data/otlp` that were made here were recorded against this service; `SENT` is what it said of each call.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Verdicts = Mapping[str, Any]

_SAFE: Verdicts = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}
_PROMPT: Verdicts = {**_SAFE, "jailbreak": {"detected": False, "filtered": False}}
_COMPLETION: Verdicts = {**_SAFE, "protected_material_text": {"detected": False, "filtered": False}}
_CUT: Verdicts = {**_COMPLETION, "violence": {"filtered": True, "severity": "medium"}}
_BLOCKED: Verdicts = {**_SAFE, "jailbreak": {"detected": True, "filtered": True}}
_NOT_RUN: Verdicts = {"error": {"code": "content_filter_error", "message": "The contents are not filtered"}}
_NOVEL: Verdicts = {**_PROMPT, "task_adherence": {"detected": True, "filtered": False}}

SENT: Mapping[str, Mapping[str, Verdicts]] = {
    "chat": {"prompt": _PROMPT, "completion": _COMPLETION},
    "stream": {"prompt": _PROMPT, "completion": _COMPLETION},
    "tool": {"prompt": _PROMPT, "completion": _COMPLETION},
    "turns": {"prompt": _PROMPT, "completion": _COMPLETION},
    "cut": {"prompt": _PROMPT, "completion": _CUT},
    "blocked": {"prompt": _BLOCKED},
    "throttled": {},
    "embeddings": {},
    "responses": {"prompt": _SAFE},
    "responses_stream": {"prompt": _SAFE},
    "responses_tool": {"prompt": _SAFE},
    "cut_stream": {"prompt": _PROMPT, "completion": _CUT},
    "not_run": {"prompt": _NOT_RUN, "completion": _NOT_RUN},
    "novel": {"prompt": _NOVEL, "completion": _COMPLETION},
}
"""Call -> direction -> category -> verdict, as in the answer (of the blocked call: in the body of the 400)."""

ASKS: Mapping[str, str] = {
    "chat": "Weather in Paris?",
    "stream": "Weather in Paris? stream",
    "tool": "TOOL please",
    "turns": "and now?",
    "cut": "CUTOFF",
    "blocked": "JAILBREAK",
    "throttled": "THROTTLE",
    "cut_stream": "CUTOFF stream",
    "not_run": "UNCHECKED",
    "novel": "NOVEL",
}
"""What a call has to say last to be answered as it is named."""

_NAMES = {ask: name for name, ask in ASKS.items()}
_ANSWER = "Paris is rainy today, 14 C."
_MODEL = "gpt-4o-mini-2024-07-18"
_USAGE = {
    "prompt_tokens": 57,
    "completion_tokens": 17,
    "total_tokens": 74,
    "prompt_tokens_details": {"audio_tokens": 0, "cached_tokens": 32},
    "completion_tokens_details": {
        "accepted_prediction_tokens": 0,
        "audio_tokens": 0,
        "reasoning_tokens": 5,
        "rejected_prediction_tokens": 0,
    },
}


@dataclass
class FilteringAzure:
    """Serves chat completions, streams, embeddings and responses on a free loopback port."""

    url: str = ""
    port: int = 0
    asked: list[str] = field(default_factory=list)
    """The calls made, by name, in order."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def serve(self) -> Iterator["FilteringAzure"]:
        """Listen until the block ends."""
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65536

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
                status, answer = service.answer(self.path.partition("?")[0], body)
                stream = isinstance(answer, list)
                whole = _events(answer) if stream else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/event-stream" if stream else "application/json")
                self.send_header("Content-Length", str(len(whole)))
                self.end_headers()
                self.wfile.write(whole)

            def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the name is the standard library's
                pass

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def answer(self, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        """Return status and body; a list is a stream."""
        with self._lock:
            name = "embeddings" if path.endswith("/embeddings") else _name(body)
            responses = path.endswith("/responses")
            self.asked.append("responses" if responses and name == "chat" else name)
            number = len(self.asked)
        if name == "embeddings":
            data = [{"object": "embedding", "index": 0, "embedding": [0.1] * 8}]
            return 200, {
                "object": "list",
                "data": data,
                "model": "text-embedding-3-small",
                "usage": {"prompt_tokens": 8, "total_tokens": 8},
            }
        if name == "throttled":
            return 429, {"error": {"code": "429", "message": "Requests have exceeded token rate limit."}}
        if name == "blocked":
            return 400, _refusal()
        return 200, _response(number, name, body) if responses else _chat(number, name, body)


def _name(body: Mapping[str, Any]) -> str:
    """Find which call it is by the last thing the user said."""
    said = body.get("messages", body.get("input", ""))
    while isinstance(said, list):
        users = [item for item in said if isinstance(item, Mapping) and (item.get("role") == "user" or "text" in item)]
        texts = [item for item in users if item.get("role") or item.get("text")]
        said = texts[-1].get("content", texts[-1].get("text", "")) if texts else ""
        if isinstance(said, list):
            said = next((part["text"] for part in said if "text" in part), "")
    name = _NAMES.get(said, "chat")
    # Frameworks run the tool and ask again: then it is answered in words.
    listed = body.get("messages", body.get("input"))
    answered = isinstance(listed, list) and any(item.get("role") == "tool" or item.get("type") == "function_call_output" for item in listed)
    return "turns" if name == "tool" and answered else name


def _refusal() -> Mapping[str, Any]:
    return {
        "error": {
            "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
            "type": None,
            "param": "prompt",
            "code": "content_filter",
            "status": 400,
            "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": _BLOCKED},
        }
    }


def _chat(number: int, name: str, body: Mapping[str, Any]) -> Any:
    sent = SENT[name]
    head = {"id": f"chatcmpl-fake{number}", "created": 1_795_161_600, "model": _MODEL, "system_fingerprint": "fp_abc"}
    prompt = [{"prompt_index": 0, "content_filter_results": sent["prompt"]}]
    cut = sent["completion"] is _CUT
    text, reason = ("Here is how", "content_filter") if cut else (_ANSWER, "stop")
    if body.get("stream"):
        return _chunks(head, prompt, text, reason, sent["completion"], body)
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    if name == "tool":
        call = {"name": body["tools"][0]["function"]["name"], "arguments": '{"city":"Paris"}'}
        message = {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": call}]}
        reason = "tool_calls"
    choice = {"index": 0, "finish_reason": reason, "logprobs": None, "message": message, "content_filter_results": sent["completion"]}
    return {**head, "object": "chat.completion", "choices": [choice], "usage": _USAGE, "prompt_filter_results": prompt}


def _chunks(head: Verdicts, prompt: Any, text: str, reason: str, verdicts: Verdicts, body: Mapping[str, Any]) -> list[Any]:
    """Return a stream as Azure's default filter sends it: the prompt's results first, of the answer with every piece, at last the reason."""
    base = {**head, "object": "chat.completion.chunk"}
    said = _COMPLETION if reason == "content_filter" else verdicts
    words = [f"{word} " for word in text.split(" ")]
    pieces = [{"index": 0, "delta": {"content": word}, "finish_reason": None, "content_filter_results": said} for word in words]
    last = {
        "index": 0,
        "delta": {},
        "finish_reason": reason,
        "content_filter_results": {} if reason == "stop" else {"violence": verdicts["violence"]},
    }
    first = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
    chunks = [{**base, "choices": [], "prompt_filter_results": prompt}]
    chunks += [{**base, "choices": [choice]} for choice in (first, *pieces, last)]
    if (body.get("stream_options") or {}).get("include_usage"):
        chunks.append({**base, "choices": [], "usage": _USAGE})
    return chunks


def _response(number: int, name: str, body: Mapping[str, Any]) -> Any:
    content = [{"type": "output_text", "text": _ANSWER, "annotations": [], "logprobs": []}]
    output: list[Any] = [{"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": content}]
    if name == "tool":
        output = [
            {
                "id": "fc_1",
                "type": "function_call",
                "call_id": "call_1",
                "name": "get_weather",
                "arguments": '{"city":"Paris"}',
                "status": "completed",
            }
        ]
    usage = {
        "input_tokens": 57,
        "input_tokens_details": {"cached_tokens": 32},
        "output_tokens": 17,
        "output_tokens_details": {"reasoning_tokens": 5},
        "total_tokens": 74,
    }
    filters = [{"blocked": False, "source_type": "prompt", "content_filter_results": SENT["responses"]["prompt"]}]
    answer = {
        "id": f"resp_fake{number}",
        "object": "response",
        "created_at": 1_795_161_600,
        "status": "completed",
        "model": _MODEL,
        "output": output,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "metadata": {},
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "top_p": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage,
        "content_filters": filters,
    }
    if not body.get("stream"):
        return answer
    begun = {**answer, "status": "in_progress", "output": [], "usage": None}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    return [
        {"type": "response.created", "sequence_number": 0, "response": begun},
        {"type": "response.output_text.delta", "sequence_number": 1, "delta": _ANSWER, "logprobs": [], **place},
        {"type": "response.completed", "sequence_number": 2, "response": answer},
    ]


def _events(chunks: list[Any]) -> bytes:
    lines = [(f"event: {chunk['type']}\n" if "type" in chunk else "") + f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return "".join([*lines, "data: [DONE]\n\n"]).encode()
