"""What watching costs under load: CPU for 1,000 calls, resident memory, and whether memory still grows.

Calls come in at a steady rate with the time of now, so that windows open, close and are judged all the while. The slope
is fitted over the second half; what is bounded by count (ids to tell doubles, half a minute of spool) fills up first.
"""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from bench.agent_under_test import agent
from bench.otlp_receive import send
from bench.process import cpu_seconds, resident_mb
from bench.traffic import HEADERS, SPANS, body, requests


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=2000, help="calls a second")
    parser.add_argument("--seconds", type=int, default=30)
    arguments = parser.parse_args()
    stream = requests()
    count = arguments.rate * arguments.seconds // SPANS
    first = time.time_ns()
    # Packed beforehand: the client must not be what limits the rate. The newest call ends just before it is sent.
    bodies = [body(next(stream), first + number * SPANS * 10**9 // arguments.rate) for number in range(count)]
    delay = time.time_ns() - first
    with agent(window="10s", interval="10s") as (one, breeze), ThreadPoolExecutor(4) as threads:
        one.start()
        breeze.wait_for(bool)
        time.sleep(3)
        pid, port = one.process.pid, one.ports["http"]
        idle, before, started = resident_mb(pid), cpu_seconds(pid), time.perf_counter()
        resident, moments, sent = list[float](), list[float](), []
        for number, packed in enumerate(bodies):
            time.sleep(max(0.0, started + number * SPANS / arguments.rate - time.perf_counter()))
            sent.append(threads.submit(send, port, [packed], HEADERS))
            if number % max(1, arguments.rate // SPANS) == 0:
                moments.append(time.perf_counter() - started)
                resident.append(resident_mb(pid))
        for answer in sent:
            answer.result()
        took = time.perf_counter() - started
        one.until(lambda: one.total("driftline_requests_total") == count * SPANS)
        cpu = cpu_seconds(pid) - before
        closed = len({envelope["time"] for envelope in breeze.envelopes if "request.duration.p50" in str(envelope)})
    half = len(moments) // 2
    slope = float(np.polyfit(moments[half:], resident[half:], 1)[0]) if half > 1 else float("nan")
    print(f"{count * SPANS / took:,.0f} calls/s for {took:.0f} s, windows of 10 s, {closed} of them told; events {delay / 1e9:.0f} s old")
    print(f"CPU for 1,000 calls  {cpu / (count * SPANS) * 1e6:8.1f} ms   {cpu / took * 100:.1f} % of one core")
    print(f"resident before      {idle:8.1f} MB")
    print(f"resident at the end  {resident[-1]:8.1f} MB   most {max(resident):.1f}, budget 300")
    print(f"slope, second half   {slope * 60:8.2f} MB/min")


if __name__ == "__main__":
    main()
