"""HTTP of the data collector's port: a raw ASGI application that answers what `azureml-ai-monitoring` posts."""

import asyncio
import logging

import orjson

from agent.listen import Receive, Scope, Send
from agent.sources.collector_intake import CollectorIntake
from agent.sources.otlp.body import Body, Gone
from agent.sources.otlp.fault import Fault, Refused

PATH = "/modeldata/log"

_SECONDS = 15.0
"""Time to receive a body."""
_IN_FLIGHT = 64 * 2**20
"""Bytes of all bodies being received at a time."""
_HEADERS = 16 * 1024
_DRAIN = (64 * 2**20, 1.0)
_LOG = logging.getLogger(__name__)


class CollectorApplication:
    """The ASGI callable."""

    def __init__(self, intake: CollectorIntake, limit: int, hosts: frozenset[str] | None) -> None:
        """`limit`: bytes of a body; `hosts`: names a request may call us by, None for any."""
        self._intake = intake
        self._limit = limit
        self._hosts = hosts
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: 200 once its rows are in the spool."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        body = Body(receive)
        try:
            self._check(scope, headers)
            await self._intake.take(headers, await self._read(body))
        except Refused as refused:
            await self._refuse(send, refused, body)
        except Gone:
            return
        except Exception as error:  # noqa: BLE001 (the last line of defence: a model server gets an answer, the log the kind of error)
            _LOG.error("collector: a request failed with %s", type(error).__name__)
            await self._refuse(send, Refused(Fault.INTERNAL, "the agent could not process this request"), body)
        else:
            await _answer(send, 200, b"{}", [])
            await send({"type": "http.response.body", "body": b"{}"})

    def _check(self, scope: Scope, headers: dict[str, str]) -> None:
        if sum(len(name) + len(value) for name, value in headers.items()) > _HEADERS:
            raise Refused(Fault.TOO_LARGE, f"the headers are larger than {_HEADERS} bytes")
        if self._hosts is not None and ("origin" in headers or _name(headers.get("host", "")) not in self._hosts):
            raise Refused(Fault.FORBIDDEN, "this listener does not answer under that Host or to an Origin; see allowed_hosts")
        if scope["path"] != PATH:
            raise Refused(Fault.NOT_FOUND, f"unknown path; there is {PATH}")
        if scope["method"] != "POST":
            raise Refused(Fault.METHOD, "only POST is answered here")
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refused(Fault.UNSUPPORTED, "send Content-Type application/json; AZUREML_MDC_FORMAT_COMPACT must not be set")
        if headers.get("content-encoding", "identity").strip().lower() not in {"identity", ""}:
            raise Refused(Fault.UNSUPPORTED, "send no Content-Encoding")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self._limit:
            raise Refused(Fault.TOO_LARGE, f"the body is larger than {self._limit} bytes")

    async def _read(self, body: Body) -> bytes:
        held, chunks = 0, list[bytes]()
        try:
            async with asyncio.timeout(_SECONDS):
                async for chunk in body:
                    held += len(chunk)
                    self._in_flight += len(chunk)
                    if held > self._limit:
                        raise Refused(Fault.TOO_LARGE, f"the body is larger than {self._limit} bytes")
                    if self._in_flight > _IN_FLIGHT:
                        raise Refused(Fault.FULL, "too many requests at a time, come back later", 1.0)
                    chunks.append(chunk)
        except TimeoutError:
            raise Refused(Fault.TIMEOUT, f"the body did not arrive within {_SECONDS:g} s") from None
        finally:
            self._in_flight -= held
        return b"".join(chunks)

    async def _refuse(self, send: Send, refused: Refused, body: Body) -> None:
        self._intake.refuse(refused)
        content = orjson.dumps({"message": refused.message})
        extra = [(b"connection", b"close")]
        if refused.fault is Fault.METHOD:
            extra.append((b"allow", b"POST"))
        if refused.retry_after is not None:
            extra.append((b"retry-after", str(max(1, round(refused.retry_after))).encode()))
        await _answer(send, refused.fault.http, content, extra)
        await send({"type": "http.response.body", "body": content, "more_body": True})
        # Closing while the client still sends would reset the connection, and the answer with it.
        await body.drain(*_DRAIN)
        await send({"type": "http.response.body", "body": b""})


async def _answer(send: Send, status: int, content: bytes, extra: list[tuple[bytes, bytes]]) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode()), *extra]
    await send({"type": "http.response.start", "status": status, "headers": headers})


def _name(host: str) -> str:
    """Return a Host header without its port, in lower case."""
    return (host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]).lower()
