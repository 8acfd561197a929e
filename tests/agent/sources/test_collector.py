"""The collector's port answers what `azureml-ai-monitoring` posts, and nothing is lost after a 200."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from agent.config import Columns, Config, Endpoint
from agent.errors import ConfigError, SpoolFull, Unavailable
from agent.routing import MatchRouter
from agent.rows.pair import RowJoiner
from agent.series import Series
from agent.sources import Context
from agent.sources.collector import Collector
from detectors.types import Batch, Category

DATA = Path(__file__).parents[2] / "data" / "collector"
"""Requests of azureml-ai-monitoring 1.0.0, as they came over the wire."""

HEADERS = {"content-type": "application/json", "ce-type": "azureml.inference.model_inputs", "ce-time": "1795167420", "ce-x-request-id": "r"}


@dataclass
class Memory:
    """A spool in memory that may be full."""

    batches: list[Batch] = field(default_factory=list)
    full: bool = False

    async def emit(self, batches: Sequence[Batch], source: str) -> None:
        """Take batches."""
        assert source == "collector"
        if self.full:
            raise SpoolFull("full", retry_after=3)
        self.batches += batches


@dataclass
class Listening:
    """A listening source."""

    port: int
    memory: Memory
    context: Context

    async def post(
        self, content: bytes = b"[]", path: str = "/modeldata/log", method: str = "POST", **headers: str | None
    ) -> httpx.Response:
        """Send one request; a header of None is left out."""
        given = HEADERS | {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        sent = {name: value for name, value in given.items() if headers.get(name.replace("-", "_"), "") is not None}
        async with httpx.AsyncClient() as client:
            return await client.request(method, f"http://127.0.0.1:{self.port}{path}", content=content, headers=sent)


@pytest.fixture
def listening(clock: Any) -> Callable[..., Any]:
    """Return a context manager that listens for one endpoint, with the options given."""

    @asynccontextmanager
    async def start(endpoints: dict[str, Endpoint] | None = None, **options: Any) -> AsyncIterator[Listening]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        config = Config(endpoints=endpoints or {"delay": Endpoint("delay", columns=Columns(timestamp="t", prediction="y"))})
        context, memory = Context("collector", MatchRouter(config), None, Series(), clock), Memory()
        async with Collector(http=f"127.0.0.1:{port}", **options).listen(context, memory.emit):
            yield Listening(port, memory, context)

    return start


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a test's work."""
    asyncio.run(work)


def test_captured_requests_become_one_row(listening: Callable[..., Any]) -> None:
    """What the real package sent is answered 200, and its halves join to one row."""

    async def work() -> None:
        async with listening() as source:
            for name in ("inputs", "outputs"):
                reader, writer = await asyncio.open_connection("127.0.0.1", source.port)
                writer.write((DATA / f"{name}.http").read_bytes())
                assert (await reader.readline()).startswith(b"HTTP/1.1 200")
                writer.close()
            joiner = RowJoiner(lambda _reason, _rows: None)
            (row,) = [row for batch in source.memory.batches for row in joiner.push(batch, 0)]
            assert np.asarray(row.columns["time"]).tolist() == [1794975323000 * 10**6]
            assert np.asarray(row.columns["prediction"]).tolist() == [1.0]
            assert np.asarray(row.features["age"]).tolist() == [41.0]
            found = {name: column.decode() for name, column in {**row.columns, **row.features}.items() if isinstance(column, Category)}
            assert found == {"deployment": ["blue"], "name": ["a"], "vip": ["true"]}

    run(work())


def test_types_of_columns_last_from_request_to_request(listening: Callable[..., Any]) -> None:
    """A column that was a number stays one: a word in it is a type error, a missing key a missing value."""

    async def work() -> None:
        async with listening() as source:
            for rows in ([{"t": 1, "x": 1}], [{"t": 1, "x": "much"}, {"t": 2}]):
                assert (await source.post(json.dumps(rows).encode())).status_code == 200
            batch = source.memory.batches[1]
            assert np.isnan(np.asarray(batch.features["x"])).all()
            assert np.asarray(batch.columns["type_error.x"]).tolist() == [True, False]

    run(work())


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (404, {"path": "/other"}),
        (405, {"method": "GET"}),
        (415, {"content_type": "text/plain"}),
        (415, {"content_type": "application/octet-stream"}),
        (415, {"content_encoding": "gzip"}),
        (413, {"content": b"[" + b" " * 5000 + b"]"}),
        (400, {"content": b""}),
        (400, {"content": b"{}"}),
        (400, {"content": b"[1]"}),
        (400, {"content": b'[{"x": NaN}]'}),
        (400, {"content": b"[" * 3000}),
        (400, {"content": b'[{"x": "\xff"}]'}),
        (400, {"ce_type": None}),
        (403, {"host": "evil.example"}),
        (403, {"origin": "http://evil.example"}),
        (200, {"content": b"[]"}),
        (200, {"ce_type": "azureml.inference.request", "content": b'[{"x": 1}]'}),
        (200, {"ce_time": "soon", "ce_x_request_id": "", "content": b'[{"x": 1}]'}),
    ],
)
def test_each_request_has_its_answer(status: int, request_: dict[str, Any], listening: Callable[..., Any], dropped_in: Any) -> None:
    """Bad requests are refused with their reason and counted; what is merely not wanted is accepted."""

    async def work() -> None:
        async with listening({"delay": Endpoint("delay")}, max_body=4096) as source:
            answer = await source.post(**request_)
            assert answer.status_code == status
            refused = {reason for reason in dropped_in(source.context) if reason.startswith("request_")}
            assert len(refused) == (status != 200)
            assert (await source.post(b'[{"x": 1}]')).status_code == 200

    run(work())


def test_an_endless_body_is_cut_at_the_limit(listening: Callable[..., Any]) -> None:
    """Without a Content-Length the limit holds all the same."""

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 65536

    async def work() -> None:
        async with listening(max_body=4096) as source, httpx.AsyncClient() as client:
            try:
                answer = await client.post(f"http://127.0.0.1:{source.port}/modeldata/log", content=endless(), headers=HEADERS)
            except httpx.TransportError:
                return
            assert answer.status_code == 413

    run(work())


def test_a_full_spool_answers_503_and_loses_nothing(listening: Callable[..., Any], dropped_in: Any) -> None:
    """What was not taken is not acknowledged, and not counted as lost."""

    async def work() -> None:
        async with listening({"delay": Endpoint("delay")}) as source:
            source.memory.full = True
            answer = await source.post(b'[{"x": 1}]')
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")
            assert dropped_in(source.context) == {}
            source.memory.full = False
            assert (await source.post(b'[{"x": 1}]')).status_code == 200
            assert sum(batch.rows for batch in source.memory.batches) == 1

    run(work())


def test_many_clients_at_a_time(listening: Callable[..., Any]) -> None:
    """Rows of concurrent requests, small and large, all arrive."""

    async def work() -> None:
        async with listening({"delay": Endpoint("delay")}) as source:
            bodies = [json.dumps([{"x": 1}] * (40_000 if number % 10 == 0 else 3)).encode() for number in range(40)]
            answers = await asyncio.gather(*(source.post(body) for body in bodies))
            assert {answer.status_code for answer in answers} == {200}
            assert sum(batch.rows for batch in source.memory.batches) == 4 * 40_000 + 36 * 3

    run(work())


def test_match_finds_the_endpoint(listening: Callable[..., Any]) -> None:
    """The option `endpoint`, or a header the server adds, decides whose rows they are."""
    endpoints = {
        "one": Endpoint("one", match={"driftline.endpoint": "one"}),
        "two": Endpoint("two", match={"deployment": "blue"}),
    }

    async def work() -> None:
        async with listening(endpoints) as source:
            await source.post(b'[{"x": 1}]', ce_deployment="blue")
        async with listening(endpoints, endpoint="one") as named:
            await named.post(b'[{"x": 1}]')
        assert [batch.endpoint for batch in source.memory.batches + named.memory.batches] == ["two", "one"]

    run(work())


def test_unsafe_and_taken_addresses_are_refused(clock: Any) -> None:
    """Beyond loopback only on request; a taken port says so."""
    context = Context("collector", MatchRouter(Config()), None, Series(), clock)

    async def enter(source: Collector) -> None:
        async with source.listen(context, Memory().emit):
            pass

    with pytest.raises(ConfigError, match=r"sources\.collector\.http: 0\.0\.0\.0 can be reached"):
        run(enter(Collector(http="0.0.0.0:50011")))
    with pytest.raises(ValueError, match="collections must name"):
        Collector(collections=())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Unavailable, match="cannot listen on"):
            run(enter(Collector(http=f"127.0.0.1:{taken.getsockname()[1]}")))
