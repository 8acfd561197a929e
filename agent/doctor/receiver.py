"""Stands in for everything outside during a rehearsal: takes what is sent, answers as a judge or Azure would, and serves blobs."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape
from zlib import decompress

from agent.doctor.seeds import Seeds, is_known

ACCOUNT = "rehearsal"
_SAFE: Mapping[str, object] = {
    "categoriesAnalysis": [{"category": name, "severity": 0} for name in ("Hate", "SelfHarm", "Sexual", "Violence")],
    "userPromptAnalysis": {"attackDetected": False},
    "documentsAnalysis": [],
}
_MOMENT = "Thu, 01 Jan 2026 00:00:00 GMT"


class Receiver(ThreadingHTTPServer):
    """Remembers whatever was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.judged: list[str] = []
        self.others: list[str] = []
        self.blobs: dict[str, bytes] = {}
        """`container/name` to content."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def connection_string(self) -> str:
        """How the blob source finds it; the key is none."""
        return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey=bm9uZQ==;BlobEndpoint={self.url}/{ACCOUNT};"

    def text(self, seeds: Seeds) -> str:
        """Return all that came: of what judges and checks were sent only secrets a pattern knows, for the rest of a text is what they judge."""
        judged = seeds.found("\n".join(self.judged))
        known = [one for secrets in judged.values() for one in secrets if is_known(one)]
        return "\n".join([*self.others, *known])


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_GET(self) -> None:
        path = urlsplit(self.path)
        container, _, name = unquote(path.path).removeprefix(f"/{ACCOUNT}/").partition("/")
        asked = {key: values[0] for key, values in parse_qs(path.query).items()}
        if asked.get("comp") == "list":
            found = _listing(self.server.blobs, container, asked.get("prefix", ""), asked.get("delimiter", ""))
            self._answer(200, found.encode(), {"Content-Type": "application/xml"})
            return
        content = self.server.blobs.get(f"{container}/{name}")
        if content is None:
            self._answer(404, b"", {"x-ms-error-code": "BlobNotFound"})
            return
        first, _, last = (self.headers.get("x-ms-range") or "bytes=0-").removeprefix("bytes=").partition("-")
        begin, end = int(first), min(int(last or len(content)), len(content) - 1)
        about = {"Content-Range": f"bytes {begin}-{end}/{len(content)}", "ETag": '"0x1"', "Last-Modified": _MOMENT}
        self._answer(206, content[begin : end + 1], about | {"x-ms-blob-type": "AppendBlob"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = decompress(body, 31)
        judging, checking = self.path.startswith("/v1/"), "/contentsafety/" in self.path
        (self.server.judged if judging or checking else self.server.others).append(body.decode("utf-8", "replace"))
        # A judge's reason may repeat what it was told: it must not come through either.
        verdict = {name: {"reason": body.decode("utf-8", "replace")[-300:], "score": 3} for name in ("relevance", "fluency", "coherence")}
        document = (
            {"choices": [{"message": {"content": json.dumps(verdict)}, "finish_reason": "stop"}]}
            if judging
            else _SAFE
            if checking
            else {"errors": []}
        )
        self._answer(200, json.dumps(document).encode(), {})

    def _answer(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _listing(blobs: Mapping[str, bytes], container: str, prefix: str, delimiter: str) -> str:
    """Return what Blob Storage answers to List Blobs, all on one page."""
    found, folders = [], dict[str, None]()
    for path, content in sorted(blobs.items()):
        holder, _, name = path.partition("/")
        if holder != container or not name.startswith(prefix):
            continue
        rest = name.removeprefix(prefix)
        if delimiter and delimiter in rest:
            folders[prefix + rest.partition(delimiter)[0] + delimiter] = None
            continue
        times = f"<Creation-Time>{_MOMENT}</Creation-Time><Last-Modified>{_MOMENT}</Last-Modified><Etag>0x1</Etag>"
        size = f"<Content-Length>{len(content)}</Content-Length><BlobType>AppendBlob</BlobType>"
        found.append(f"<Blob><Name>{escape(name)}</Name><Properties>{times}{size}</Properties></Blob>")
    found += [f"<BlobPrefix><Name>{escape(folder)}</Name></BlobPrefix>" for folder in folders]
    start = f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="{escape(container)}"><Blobs>'
    return f"{start}{''.join(found)}</Blobs><NextMarker/></EnumerationResults>"


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Listen until the block ends."""
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
