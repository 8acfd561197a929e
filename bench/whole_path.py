"""How many calls a second one core takes all the way: socket, gunzip, decode, spool, count, checkpoint, in the real `driftline run`.

CPU time of the daemon's process from the first request until `/metrics` shows every call; each request holds 100 calls
nobody has seen, with 1.8 KB of messages each, gzip level 6. The client shares the machine, so only CPU time counts.
"""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from bench.agent_under_test import agent
from bench.otlp_receive import send
from bench.process import cpu_seconds, main_thread_seconds, resident_mb
from bench.traffic import HEADERS, SPANS, body, requests

CONNECTIONS = 4
WARM = 200
"""Requests before the measurement begins: within the first second memory grows, and the interpreter learns the types it meets."""


def run(count: int, window: str = "1m", more: str = "", warm: int = WARM) -> tuple[float, float, float, float]:
    """Send `warm` requests and then `count` to an endpoint with `more` options; return CPU µs a call, those of the listener's thread, calls a second of wall time, and resident MB at the end."""
    stream = requests()
    now = time.time_ns()
    # Four windows of a minute, all within the last five: they close while others fill.
    bodies = [body(next(stream), now - (warm + count - number) * 240 * 10**9 // (warm + count)) for number in range(warm + count)]
    with agent(window=window, more=more) as (one, breeze):
        one.start()
        breeze.wait_for(bool)
        send(one.ports["http"], bodies[:warm], HEADERS)
        one.until(lambda: one.total("driftline_requests_total") == warm * SPANS)
        pid = one.process.pid
        before, listened, started = cpu_seconds(pid), main_thread_seconds(pid), time.perf_counter()
        share = [bodies[warm + first :: CONNECTIONS] for first in range(CONNECTIONS)]
        with ThreadPoolExecutor(CONNECTIONS) as threads:
            list(threads.map(lambda part: send(one.ports["http"], part, HEADERS), share))
        one.until(lambda: one.total("driftline_requests_total") == len(bodies) * SPANS)
        wall = time.perf_counter() - started
        cpu, listener = cpu_seconds(pid) - before, main_thread_seconds(pid) - listened
        calls = count * SPANS
        return cpu / calls * 1e6, listener / calls * 1e6, calls / wall, resident_mb(pid)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--requests", type=int, default=1000, help="of 100 calls each")
    arguments = parser.parse_args()
    found = [run(arguments.requests) for _ in range(arguments.runs)]
    cpu, listener, wall, resident = (median(values) for values in zip(*found, strict=True))
    print(f"driftline run: {arguments.requests * SPANS} calls over HTTP with gzip; median of {arguments.runs} runs")
    print(f"CPU a call            {cpu:10.1f} µs   (least {min(values[0] for values in found):.1f})")
    print(f"  the listener's part {listener:10.1f} µs   (socket, gunzip, decode)")
    print(f"calls/s on one core   {1e6 / cpu:10,.0f}      (at least 25,000)")
    print(f"calls/s of wall time  {wall:10,.0f}      with the client on the same machine")
    print(f"resident afterwards   {resident:10.1f} MB")


if __name__ == "__main__":
    main()
