"""How many spans a second one core takes over HTTP: socket, gunzip, decode, spool, counting; stock parse beside it.

The server is a process of its own and its CPU time is what counts; the client shares the machine. Every request holds
100 spans of 22 attributes with 1.8 KB of messages that are never the same, gzip level 6, as the facts behind the budget had it.
"""

import asyncio
import gc
import gzip
import http.client
import multiprocessing
import random
import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

import orjson
import uvloop
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agent.assembly import build_engine
from agent.clock import WallClock
from agent.config import Config, Endpoint
from agent.config import Spool as Limits
from agent.intake import Intake
from agent.series import Series
from agent.sources import Context
from agent.sources.otlp import trace_message
from agent.sources.otlp.decode_traces import decode_traces
from agent.sources.otlp.decoded import Decoded
from agent.sources.otlp.source import Otlp
from agent.sources.otlp.values import plain
from agent.spool.spool import Spool
from agent.store.store import Store
from detectors.types import Batch

SPANS = 100
PAYLOADS = 60
REQUESTS = 400
CONNECTIONS = 4
WORDS = ("weather", "rain", "Paris", "invoice", "order", "refund", "please", "tomorrow", "the", "a", "of", "is", "14", "degrees", "thanks")


class OneEndpoint:
    """Everything is one endpoint that keeps no text."""

    def route(self, _resource: dict[str, str], _host: str) -> Endpoint:
        """Return it."""
        return Endpoint("chat")


class Emit(Protocol):
    """Takes batches."""

    async def __call__(self, batches: Sequence[Batch], source: str) -> None:
        """Return when they are taken."""
        ...


def payload(seed: int) -> bytes:
    """Return one request, as protobuf."""
    chance = random.Random(seed)  # noqa: S311 - made-up traffic
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = "shop-bot"
    spans = group.scope_spans.add()
    for _ in range(SPANS):
        start = 1_790_000_000_000_000_000 + chance.randrange(60 * 10**9)
        span = spans.spans.add(
            trace_id=chance.randbytes(16),
            span_id=chance.randbytes(8),
            name="chat gpt-4o",
            kind=3,
            start_time_unix_nano=start,
            end_time_unix_nano=start + chance.randrange(10**10),
        )

        def text(words: int) -> str:
            return " ".join(chance.choices(WORDS, k=words)) + f" {chance.random()}"

        prompt = [{"role": role, "parts": [{"type": "text", "content": text(75)}]} for role in ("system", "user")]
        answer = [{"role": "assistant", "parts": [{"type": "text", "content": text(120)}], "finish_reason": "stop"}]
        values: dict[str, str | int | float | bool | list[str]] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o-prod",
            "server.address": "shop.openai.azure.com",
            "server.port": 443,
            "gen_ai.request.temperature": 0.2,
            "gen_ai.request.top_p": 0.9,
            "gen_ai.request.max_tokens": 64,
            "gen_ai.request.seed": 7,
            "gen_ai.request.stream": True,
            "gen_ai.response.finish_reasons": ["stop"],
            "gen_ai.response.model": "gpt-4o-2024-08-06",
            "gen_ai.response.id": f"chatcmpl-{chance.getrandbits(64):x}",
            "gen_ai.usage.input_tokens": chance.randrange(2000),
            "gen_ai.usage.output_tokens": chance.randrange(500),
            "gen_ai.usage.cache_read.input_tokens": chance.randrange(100),
            "gen_ai.usage.reasoning.output_tokens": chance.randrange(100),
            "gen_ai.response.time_to_first_chunk": chance.random(),
            "gen_ai.input.messages": orjson.dumps(prompt).decode(),
            "gen_ai.output.messages": orjson.dumps(answer).decode(),
            "openai.response.service_tier": "default",
            "openai.response.system_fingerprint": "fp_abc",
        }
        for key, value in values.items():
            place = span.attributes.add(key=key).value
            if isinstance(value, bool):
                place.bool_value = value
            elif isinstance(value, str):
                place.string_value = value
            elif isinstance(value, int):
                place.int_value = value
            elif isinstance(value, float):
                place.double_value = value
            else:
                for item in value:
                    place.array_value.values.add(string_value=item)
    return request.SerializeToString()


def serve(port: int, folder: str | None, pipe: Connection, *, counted: bool) -> None:
    """Run the real listener; tell the CPU time spent when asked, the last time after everything is counted and saved."""
    spool = Spool(Path(folder), Limits(durability="commit", max_bytes=8 * 1024**3, min_free_bytes=0)) if folder else None

    async def nowhere(batches: Sequence[Batch], source: str) -> None:  # noqa: ARG001 - the protocol of a spool
        return

    async def run() -> None:
        emit: Emit = Intake(spool, WallClock()).emit if spool else nowhere
        context = Context("otlp", OneEndpoint(), None, Series(), WallClock())
        async with Otlp(http=f"127.0.0.1:{port}").listen(context, emit):
            rest_collector()
            pipe.send("ready")
            while await asyncio.get_running_loop().run_in_executor(None, pipe.recv) == "time":
                pipe.send(time.process_time())

    with ExitStack() as stack:
        if spool and counted:
            store = stack.enter_context(Store(Path(folder or "") / "store.sqlite"))
            config = Config(endpoints={"chat": Endpoint("chat")})
            engine = build_engine(config, store, spool, Series(), WallClock(), router=OneEndpoint(), sinks=[])
            engine.start()
            stack.callback(engine.stop)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())
    pipe.send(time.process_time())
    if spool:
        spool.close_blocking()


def send(port: int, bodies: list[bytes], headers: dict[str, str]) -> None:
    """Post bodies one after the other over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for body in bodies:
        connection.request("POST", "/v1/traces", body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"the server answered {answer.status}")
    connection.close()


def measure(bodies: list[bytes], headers: dict[str, str], *, spooled: bool = False, counted: bool = False) -> tuple[float, float]:
    """Return server CPU µs a span, and spans/s of wall time."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    spawn = multiprocessing.get_context("spawn")
    mine, theirs = spawn.Pipe()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        server = spawn.Process(target=serve, args=(port, folder if spooled else None, theirs), kwargs={"counted": counted})
        server.start()
        mine.recv()
        send(port, bodies[:20], headers)
        mine.send("time")
        before, start = mine.recv(), time.perf_counter()
        share = [[bodies[i % len(bodies)] for i in range(first, REQUESTS, CONNECTIONS)] for first in range(CONNECTIONS)]
        with ThreadPoolExecutor(CONNECTIONS) as threads:
            list(threads.map(lambda part: send(port, part, headers), share))
        wall = time.perf_counter() - start
        mine.send("stop")
        cpu = mine.recv() - before
        server.join()
    spans = REQUESTS * SPANS
    return cpu / spans * 1e6, spans / wall


def stock_decode(body: bytes) -> list[dict[str, Any]]:
    """Read spans with the stock classes as a plain receiver would: every attribute into a dictionary."""
    request = ExportTraceServiceRequest.FromString(body)
    spans = (span for group in request.resource_spans for scope in group.scope_spans for span in scope.spans)
    return [{item.key: plain(item.value) for item in span.attributes} for span in spans]


def own_decode(body: bytes) -> Decoded:
    """Read spans as the agent does, as far as columns: operation, provider, finish reasons, filters and lengths worked out."""
    return decode_traces(trace_message.parse(body), OneEndpoint())


def rest_collector() -> None:
    """Let the collector of garbage rest as `driftline run` does once it is ready."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def alone(bodies: list[bytes], works: Sequence[Callable[[bytes], object]]) -> list[float]:
    """Return the least CPU µs a span of each work over some rounds, side by side."""
    rest_collector()
    least = [float("inf")] * len(works)
    for _ in range(7):
        for number, work in enumerate(works):
            start = time.process_time()
            for body in bodies:
                work(body)
            least[number] = min(least[number], time.process_time() - start)
    return [seconds / len(bodies) / SPANS * 1e6 for seconds in least]


def main() -> None:
    """Print the table."""
    unpacked = [payload(seed) for seed in range(PAYLOADS)]
    zipped = [gzip.compress(body, 6) for body in unpacked]
    protobuf = {"Content-Type": "application/x-protobuf"}
    stock, dictionaries, ours = alone(unpacked, (ExportTraceServiceRequest.FromString, stock_decode, own_decode))
    size, small = (sum(map(len, bodies)) // PAYLOADS for bodies in (unpacked, zipped))
    print(f"{SPANS} spans a request, {size} bytes, {small} gzipped; least CPU of a span, alone:")
    print(f"stock parse {stock:.2f} µs; stock parse and attributes to a dict {dictionaries:.2f} µs; bytes to columns {ours:.2f} µs")
    print(f"{'':<24} {'CPU µs/span':>12} {'spans/s/core':>13} {'x stock parse':>14} {'spans/s':>10}")
    packed = {**protobuf, "Content-Encoding": "gzip"}
    for name, bodies, headers, spooled, counted in (
        ("plain, emit nothing", unpacked, protobuf, False, False),
        ("gzip, emit nothing", zipped, packed, False, False),
        ("gzip, spool (commit)", zipped, packed, True, False),
        ("gzip, spool, counted", zipped, packed, True, True),
    ):
        cpu, rate = measure(bodies, headers, spooled=spooled, counted=counted)
        print(f"{name:<24} {cpu:>12.1f} {1e6 / cpu:>13,.0f} {cpu / stock:>14.1f} {rate:>10,.0f}")


if __name__ == "__main__":
    main()
