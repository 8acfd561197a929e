"""OTLP over HTTP: a raw ASGI application."""

import asyncio
from typing import Any

import orjson
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # the package ships no types

from agent.sources.otlp.body import Body, Event, Gone, Receive, Send
from agent.sources.otlp.fault import Fault, Refused
from agent.sources.otlp.inflate import gunzip
from agent.sources.otlp.limits import Limits
from agent.sources.otlp.receive import RETRY_AFTER, Receiver
from agent.sources.otlp.signals import SIGNALS, Signal

_PROTOBUF = "application/x-protobuf"
_JSON = "application/json"
_PREFIXES = ("", "/api/public/otel", "/otel")
"""Where clients of Langfuse and of LangSmith look for OTLP at a host."""
_PATHS = {prefix + signal.path: signal for prefix in _PREFIXES for signal in SIGNALS}
_DRAIN_BYTES = 64 * 1024 * 1024
_DRAIN_SECONDS = 1.0


class Application:
    """The ASGI callable."""

    def __init__(self, receiver: Receiver, hosts: frozenset[str] | None) -> None:
        """`hosts`: names a request may call us by, None for any."""
        self._receiver = receiver
        self._hosts = hosts
        self._limits: Limits = receiver.limits
        self._in_flight = 0

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        """Answer one request; a client never sees anything but OTLP answers."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        json = kind != _PROTOBUF
        body = Body(receive)
        try:
            signal = self._check(scope, headers, kind)
            message = await self._take(signal, headers, body, json=json)
        except Refused as refused:
            self._receiver.refuse(refused)
            await _error(send, refused, body, json=json)
        except Gone:
            return
        except Exception as error:  # noqa: BLE001 - the last line of defence: a client gets an answer, the log the place
            unforeseen = self._receiver.failed(error)
            self._receiver.refuse(unforeseen)
            await _error(send, unforeseen, body, json=json)
        else:
            content = _json(message) if json else message.SerializeToString()
            await _start(send, 200, content, [], json=json)
            await send({"type": "http.response.body", "body": content})

    def _check(self, scope: Event, headers: dict[str, str], kind: str) -> Signal:
        self._check_origin(headers)
        signal = _PATHS.get(scope["path"])
        if signal is None:
            raise Refused(Fault.NOT_FOUND, "unknown path; there are /v1/traces, /v1/logs and /v1/metrics")
        if scope["method"] != "POST":
            raise Refused(Fault.METHOD, "only POST is answered here")
        if kind not in {_PROTOBUF, _JSON}:
            raise Refused(Fault.UNSUPPORTED, f"send Content-Type {_PROTOBUF} or {_JSON}")
        if headers.get("content-encoding", "identity").strip().lower() not in {"identity", "", "gzip"}:
            raise Refused(Fault.UNSUPPORTED, "send Content-Encoding gzip, or none")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self._limits.body:
            raise Refused(Fault.TOO_LARGE, f"the body is larger than {self._limits.body} bytes")
        return signal

    def _check_origin(self, headers: dict[str, str]) -> None:
        """Refuse what a browser sends, or what reached a loopback listener under a foreign name (DNS rebinding)."""
        if self._hosts is None:
            return
        if "origin" in headers or _name(headers.get("host", "")) not in self._hosts:
            raise Refused(Fault.FORBIDDEN, "this listener does not answer under that Host or to an Origin; see allowed_hosts")

    async def _take(self, signal: Signal, headers: dict[str, str], body: Body, *, json: bool) -> Any:
        held = 0
        try:
            chunks = []
            async with asyncio.timeout(self._limits.body_seconds):
                async for chunk in body:
                    held += len(chunk)
                    self._in_flight += len(chunk)
                    if held > self._limits.body:
                        raise Refused(Fault.TOO_LARGE, f"the body is larger than {self._limits.body} bytes")
                    if self._in_flight > self._limits.in_flight:
                        raise Refused(Fault.FULL, "too many requests at a time, come back later", RETRY_AFTER)
                    chunks.append(chunk)
            content = b"".join(chunks)
            if content and headers.get("content-encoding", "").strip().lower() == "gzip":
                content = gunzip(content, self._limits)
            return await self._receiver.take(signal, content, json=json)
        except TimeoutError:
            raise Refused(Fault.TIMEOUT, f"the body did not arrive within {self._limits.body_seconds:g} s") from None
        finally:
            self._in_flight -= held


def _json(answer: Any) -> bytes:
    from google.protobuf.json_format import MessageToDict  # noqa: PLC0415 - few clients speak JSON

    return orjson.dumps(MessageToDict(answer))


async def _error(send: Send, refused: Refused, body: Body, *, json: bool) -> None:
    status = Status(code=refused.fault.grpc, message=refused.message)
    content = orjson.dumps({"code": status.code, "message": status.message}) if json else status.SerializeToString()
    extra = [(b"connection", b"close")]
    if refused.fault is Fault.METHOD:
        extra.append((b"allow", b"POST"))
    if refused.retry_after is not None:
        extra.append((b"retry-after", str(max(1, round(refused.retry_after))).encode()))
    await _start(send, refused.fault.http, content, extra, json=json)
    await send({"type": "http.response.body", "body": content, "more_body": True})
    # Closing while the client still sends would reset the connection, and the answer with it.
    await body.drain(_DRAIN_BYTES, _DRAIN_SECONDS)
    await send({"type": "http.response.body", "body": b""})


async def _start(send: Send, status: int, content: bytes, extra: list[tuple[bytes, bytes]], *, json: bool) -> None:
    headers = [(b"content-type", (_JSON if json else _PROTOBUF).encode()), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers + extra})


def _name(host: str) -> str:
    """Return a Host header without its port, in lower case."""
    if host.startswith("["):
        return host.partition("]")[0].removeprefix("[")
    return host.partition(":")[0].lower()
