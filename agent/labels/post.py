"""HTTP of labels: POST /labels/ENDPOINT with a bearer token, answered once the labels are in the spool."""

import asyncio
import logging
from collections.abc import Callable
from urllib.parse import unquote

import orjson

from agent.errors import InputError, SpoolFull
from agent.labels.reading import from_json
from agent.listen import Receive, Scope, Send
from agent.sources import Emit
from agent.sources.otlp.body import Body, Gone

PREFIX = "/labels/"

_SECONDS = 15.0
_AT_ONCE = 4
"""Bodies received at a time."""
_LARGE = 64 * 2**10
"""Bytes of a body that is read beside the event loop."""
_DRAIN = (64 * 2**20, 1.0)
_log = logging.getLogger(__name__)


class _Refused(Exception):
    """A request that gets an error."""

    def __init__(self, status: int, message: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


class LabelApplication:
    """The ASGI callable. Nothing of a body is read before the token was shown."""

    def __init__(self, name: str, emit: Emit, allows: Callable[[str], bool], limit: int) -> None:
        """Take what judges an Authorization header, and the bytes a body may have."""
        self._name = name
        self._emit = emit
        self._allows = allows
        self._limit = limit
        self._receiving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: 200 and the number of labels, once they are durable."""
        body = Body(receive)
        try:
            endpoint = self._endpoint(scope)
            content = await self._read(body)
            # A large body takes seconds to read; others are answered meanwhile.
            large = len(content) > _LARGE
            batch = await asyncio.to_thread(from_json, content, endpoint) if large else from_json(content, endpoint)
            await self._emit([batch], self._name)
        except _Refused as refused:
            await _answer(send, refused.status, {"message": str(refused)}, *refused.headers)
            await body.drain(*_DRAIN)
        except InputError as error:
            await _answer(send, 400, {"message": str(error)})
        except SpoolFull as error:
            await _answer(send, 503, {"message": str(error)}, (b"retry-after", str(max(1, round(error.retry_after or 1))).encode()))
        except Gone:
            return
        except Exception as error:  # noqa: BLE001 - the last line of defence: the sender gets an answer, the log the kind of error
            _log.error("%s: a request failed with %s", self._name, type(error).__name__)
            await _answer(send, 500, {"message": "the agent could not process this request"})
        else:
            await _answer(send, 200, {"accepted": batch.rows})

    def _endpoint(self, scope: Scope) -> str:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if not self._allows(headers.get("authorization", "")):
            raise _Refused(401, "show the token as Authorization: Bearer TOKEN", (b"www-authenticate", b"Bearer"))
        endpoint = unquote(scope["path"].removeprefix(PREFIX).rstrip("/")) if scope["path"].startswith(PREFIX) else ""
        if not endpoint:
            raise _Refused(404, "unknown path; there is /labels/ENDPOINT")
        if scope["method"] != "POST":
            raise _Refused(405, "only POST is answered here", (b"allow", b"POST"))
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise _Refused(415, "the body is compressed; send it as it is", (b"accept-encoding", b"identity"))
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self._limit:
            raise _Refused(413, f"the body is larger than {self._limit} bytes")
        return endpoint

    async def _read(self, body: Body) -> bytes:
        if self._receiving >= _AT_ONCE:
            raise _Refused(503, "too many requests at a time, come back later", (b"retry-after", b"1"))
        self._receiving += 1
        held, chunks = 0, list[bytes]()
        try:
            async with asyncio.timeout(_SECONDS):
                async for chunk in body:
                    held += len(chunk)
                    if held > self._limit:
                        raise _Refused(413, f"the body is larger than {self._limit} bytes")
                    chunks.append(chunk)
        except TimeoutError:
            raise _Refused(408, f"the body did not arrive within {_SECONDS:g} s") from None
        finally:
            self._receiving -= 1
        return b"".join(chunks)


async def _answer(send: Send, status: int, content: dict[str, object], *extra: tuple[bytes, bytes]) -> None:
    body = orjson.dumps(content)
    closing = [] if status == 200 else [(b"connection", b"close")]
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *closing, *extra]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
