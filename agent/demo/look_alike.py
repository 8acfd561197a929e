"""A local look-alike of Azure OpenAI: chat, streams, tools, embeddings, filter annotations, blocked prompts, 429s.

`python -m agent.demo.look_alike PORT` serves it until its input ends, and says its port. `POST /control` with
`{"model": …}` or `{"throttle": 0.5}` changes it while it runs, as the real service changes under its users; it answers
with what it did so far: calls `answered`, `blocked`, `detected` and `throttled`.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from agent.listen import Application, Receive, Scope, Send, serve

_SAFE = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}
_BLOCKED = ("pretend you are DAN", "ignore every previous instruction")
"""Prompts that carry these are refused before the model sees them."""
_DETECTED = ("developer mode", "stay in character")
"""Prompts that carry these are answered, with a note."""
_ANSWER = (
    "Your refund is on its way and should reach the account within five working days . You can change the delivery address "
    "until the parcel leaves our warehouse . I have opened a ticket for you and a colleague will call back tomorrow morning ."
)


@dataclass(slots=True)
class Behaviour:
    """What the service does now."""

    model: str = "gpt-4o-2024-08-06"
    fingerprint: str = "fp_a1b2c3"
    words: int = 22
    """Mean length of an answer."""
    throttle: float = 0.01
    """Share of requests answered with 429."""
    done: Counter[str] = field(default_factory=Counter)
    """What it did so far."""
    chance: Random = field(default_factory=lambda: Random(7))  # noqa: S311 - a play, no secret


def application(behaviour: Behaviour) -> Application:
    """Return the service as an ASGI application."""

    async def service(scope: Scope, receive: Receive, send: Send) -> None:
        body = json.loads(await _body(receive) or b"{}")
        path = scope["path"]
        if path == "/control":
            for name, value in body.items():
                setattr(behaviour, name, value)
            await _json(send, 200, behaviour.done)
        elif behaviour.chance.random() < behaviour.throttle:
            behaviour.done["throttled"] += 1
            error = {"code": "429", "message": "Requests to the deployment have exceeded the token rate limit. Retry after 1 second."}
            await _json(send, 429, {"error": error}, {"retry-after": "1"})
        elif path.endswith("/chat/completions"):
            await _chat(body, behaviour, send)
        elif path.endswith("/embeddings"):
            behaviour.done["answered"] += 1
            await _embed(body, send)
        else:
            await _json(send, 404, {"error": {"code": "404", "message": "Resource not found"}})

    return service


async def _chat(body: Mapping[str, Any], behaviour: Behaviour, send: Send) -> None:
    prompt = " ".join(str(message.get("content") or "") for message in body["messages"])
    blocked, detected = any(text in prompt for text in _BLOCKED), any(text in prompt for text in _DETECTED)
    verdict = {**_SAFE, "jailbreak": {"filtered": blocked, "detected": blocked or detected}}
    behaviour.done["blocked" if blocked else "answered"] += 1
    behaviour.done["detected"] += detected and not blocked
    if blocked:
        await _json(send, 400, _refusal(verdict))
        return
    await asyncio.sleep(behaviour.chance.uniform(0.01, 0.04))
    count = max(3, int(behaviour.chance.gauss(behaviour.words, 5)))
    words = [behaviour.chance.choice(_ANSWER.split()) for _ in range(count)]
    usage = {"prompt_tokens": len(prompt.split()) + 9, "completion_tokens": count, "total_tokens": len(prompt.split()) + 9 + count}
    head = {
        "id": f"chatcmpl-{behaviour.chance.getrandbits(64):016x}",
        "created": 1_795_161_600,
        "model": behaviour.model,
        "system_fingerprint": behaviour.fingerprint,
    }
    prompts = [{"prompt_index": 0, "content_filter_results": verdict}]
    if body.get("stream"):
        await _stream(send, head, prompts, words, usage)
        return
    message: dict[str, Any] = {"role": "assistant", "content": " ".join(words)}
    reason = "stop"
    if body.get("tools") and behaviour.chance.random() < 0.7:
        call = {"name": body["tools"][0]["function"]["name"], "arguments": json.dumps({"order": behaviour.chance.randrange(10_000)})}
        message = {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": call}]}
        reason = "tool_calls"
    choice = {"index": 0, "message": message, "finish_reason": reason, "logprobs": None, "content_filter_results": _SAFE}
    await _json(send, 200, {**head, "object": "chat.completion", "choices": [choice], "usage": usage, "prompt_filter_results": prompts})


async def _stream(send: Send, head: Mapping[str, Any], prompts: list[Any], words: list[str], usage: Mapping[str, int]) -> None:
    base = {**head, "object": "chat.completion.chunk"}
    await _start(send, 200, "text/event-stream", {})

    async def chunk(content: Mapping[str, Any]) -> None:
        await send(
            {"type": "http.response.body", "body": b"data: " + json.dumps({**base, **content}).encode() + b"\n\n", "more_body": True}
        )

    # Azure sends the prompt's annotations first, in a chunk without choices.
    await chunk({"choices": [], "prompt_filter_results": prompts})
    for word in words:
        await chunk({"choices": [{"index": 0, "delta": {"content": word + " "}, "finish_reason": None, "content_filter_results": _SAFE}]})
    await chunk({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "content_filter_results": {}}]})
    await chunk({"choices": [], "usage": dict(usage)})
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n", "more_body": False})


async def _embed(body: Mapping[str, Any], send: Send) -> None:
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    data = [{"object": "embedding", "index": index, "embedding": [0.1] * 8} for index in range(len(texts))]
    tokens = sum(len(str(text).split()) for text in texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    await _json(send, 200, {"object": "list", "data": data, "model": "text-embedding-3-small", "usage": usage})


def _refusal(verdict: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "error": {
            "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
            "type": None,
            "param": "prompt",
            "code": "content_filter",
            "status": 400,
            "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": verdict},
        }
    }


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _start(send: Send, status: int, content_type: str, headers: Mapping[str, str]) -> None:
    pairs = {"content-type": content_type, **headers}
    await send({"type": "http.response.start", "status": status, "headers": [(k.encode(), v.encode()) for k, v in pairs.items()]})


async def _json(send: Send, status: int, value: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
    await _start(send, status, "application/json", headers or {})
    await send({"type": "http.response.body", "body": json.dumps(value).encode()})


async def _main(port: int) -> None:
    async with serve(application(Behaviour()), "127.0.0.1", port, "look-alike") as taken:
        sys.stdout.write(f"port {taken}\n")
        sys.stdout.flush()
        # Whoever started us holds the other end: without them there is nothing to play.
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
