"""How fast the spool takes and gives records: senders at once, commits of all kinds, encoding and decoding.

Figures to compare with: a segment writer with group commit and 2 KB records, 20 a request, on two cores took
267k records/s from 64 senders at p50 4 ms, p99 16 ms with a sync before each answer, and 334k at 1.3 / 11 ms without.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from agent.config import Spool as Limits
from agent.spool.frame import Frame, decode, encode
from agent.spool.position import START
from agent.spool.spool import Spool
from detectors.types import Batch, Category, Column, Text

RECORDS = 20
RECORD_BYTES = 2048
SECONDS = 1.5


def request() -> bytes:
    """Encode what one sender sends: 20 records of 2 KB, most of it text."""
    text = Text(tuple("x" * (RECORD_BYTES - 48) for _ in range(RECORDS)))
    numbers: dict[str, Column] = {name: np.arange(RECORDS, dtype=np.float64) for name in ("a", "b", "c", "d", "e", "f")}
    return encode(Frame(Batch("chat", "calls", RECORDS, {"input": text, **numbers}), "otlp", None, 1))


def calls(rows: int) -> Batch:
    """Make a batch of model calls as they come with `content: off`."""
    random = np.random.default_rng(0)
    columns: dict[str, Column] = {name: random.integers(1, 2**62, rows) for name in ("time", "end")}
    columns |= {name: random.integers(1, 2**63, rows, dtype=np.uint64) for name in ("id", "parent")}
    columns |= {f"number{index}": random.random(rows) for index in range(9)}
    columns |= {f"flag{index}": random.random(rows) < 0.5 for index in range(3)}
    columns |= {f"category{index}": Category(random.integers(-1, 4, rows, dtype=np.int32), ("a", "b", "c", "d")) for index in range(11)}
    columns["response_id"] = Text(tuple(f"chatcmpl-{index:029d}" for index in range(rows)))
    return Batch("chat", "calls", rows, columns)


async def senders(spool: Spool, count: int) -> tuple[float, list[float], float]:
    """Send from so many tasks; return records/s, the waits in ms, and CPU µs a record."""
    frame, waits = request(), list[float]()
    start, cpu = time.perf_counter(), time.process_time()

    async def send() -> None:
        while (sent := time.perf_counter()) < start + SECONDS:
            await spool.append([frame])
            waits.append((time.perf_counter() - sent) * 1e3)

    await asyncio.gather(*(send() for _ in range(count)))
    records = RECORDS * len(waits)
    return records / (time.perf_counter() - start), waits, (time.process_time() - cpu) / records * 1e6


def best(action: Callable[[], object], times: int) -> float:
    """Return the shortest CPU time of one run, in seconds."""
    found = float("inf")
    for _ in range(times):
        start = time.thread_time()
        action()
        found = min(found, time.thread_time() - start)
    return found


def main() -> None:
    """Print the table."""
    print(f"spool: {RECORDS} records of {RECORD_BYTES} bytes a request")
    print(f"{'durability':<10} {'senders':>7} {'records/s':>11} {'p50 ms':>8} {'p99 ms':>8} {'CPU µs/record':>14}")
    durabilities: tuple[Literal["write", "interval", "commit"], ...] = ("write", "interval", "commit")
    for durability in durabilities:
        for count in (1, 16, 64):
            with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
                spool = Spool(Path(folder), Limits(durability=durability, max_bytes=8 * 1024**3, min_free_bytes=0))
                rate, waits, cpu = asyncio.run(senders(spool, count))
                p50, p99 = np.percentile(waits, [50, 99])
                print(f"{durability:<10} {count:>7} {rate:>11,.0f} {p50:>8.2f} {p99:>8.2f} {cpu:>14.2f}")
                spool.close_blocking()
    batch = calls(1000)
    data = encode(Frame(batch, "otlp", None, 1))
    print(f"frame of 1000 calls: {len(data) / 1000:.0f} bytes a call, ", end="")
    print(
        f"encode {best(lambda: encode(Frame(batch, 'otlp', None, 1)), 50) * 1e3:.3f} ms, decode {best(lambda: decode(data), 50) * 1e3:.3f} ms"
    )
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        spool = Spool(Path(folder), Limits(durability="write", min_free_bytes=0))
        for _ in range(1000):
            spool.append_blocking([data])
        start, position, count = time.perf_counter(), START, 0
        while frames := (read := spool.read(position, 8 * 1024 * 1024))[0]:
            position, count = read[1], count + len(frames)
        print(f"read: {count * 1000 / (time.perf_counter() - start):,.0f} calls/s")
        spool.close_blocking()
        start = time.perf_counter()
        Spool(Path(folder), Limits(min_free_bytes=0)).close_blocking()
        print(f"recovery of {len(data) / 1e3:,.0f} MB: {(time.perf_counter() - start) * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
