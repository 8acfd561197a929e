"""What looking at texts costs: the whole way of a call with `content: features` beside `content: off`, and what one described call takes.

Both take the same requests, in turn. With `features` the first calls of a window are all described, and ever fewer of the later ones
(of n calls about k (1 + ln(n / k)) for a sample of k), so the cost a call depends on how many calls a window has; the cost of a
described call does not. `replay` of a stage alone, without socket and disk, tells both for windows larger than can be sent here.
"""

import argparse
import asyncio
import gzip
import time
from datetime import timedelta
from statistics import median

import numpy as np

from agent.config import ContentMode, Endpoint
from agent.content.stage import ContentStage
from agent.series import Series
from agent.sources.otlp.decode_traces import decode_traces
from agent.sources.otlp.trace_message import parse
from bench.traffic import SPANS, body, requests
from bench.whole_path import run


class _One:
    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def route(self, _resource: dict[str, str], _host: str) -> Endpoint:
        """Return the one endpoint."""
        return self.endpoint


def staged(mode: ContentMode, bodies: list[bytes]) -> tuple[float, float, int]:
    """Decode and describe requests of one window; return CPU µs a call of decoding, of what follows, and how many calls were admitted."""
    endpoint = Endpoint("chat", content=mode, window=timedelta(days=1))
    stage, router = ContentStage(lambda _: endpoint, Series(), {}), _One(endpoint)
    admitted, decoding, after = 0, 0.0, 0.0

    async def take() -> None:
        nonlocal admitted, decoding, after
        for one in bodies:
            started = time.process_time()
            batches = decode_traces(parse(one), router).batches
            decoded = time.process_time()
            for batch in await stage.take(batches):
                importance = batch.columns.get("importance")
                admitted += int(np.isfinite(importance).sum()) if isinstance(importance, np.ndarray) else 0
            decoding, after = decoding + decoded - started, after + time.process_time() - decoded

    asyncio.run(take())
    calls = len(bodies) * SPANS
    return decoding / calls * 1e6, after / calls * 1e6, admitted


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--requests", type=int, default=200, help="of 100 calls each")
    arguments = parser.parse_args()
    stream, now = requests(), time.time_ns()
    bodies = [gzip.decompress(body(next(stream), now)) for _ in range(arguments.requests)]
    staged("features", bodies[:5])
    print(f"{'':34}{'off':>10}{'features':>10}{'ratio':>8}")
    steps = [[staged(mode, bodies) for mode in ("off", "features")] for _ in range(arguments.runs)]
    for row, name in enumerate(("decoding, CPU µs a call", "texts, CPU µs a call")):
        off, features = (median(one[which][row] for one in steps) for which in (0, 1))
        print(f"{name:34}{off:10.1f}{features:10.1f}{features / off if off >= 0.1 else float('nan'):8.2f}")
    admitted, described = steps[0][1][2], median(one[1][1] for one in steps)
    print(
        f"{'described':34}{0:10}{admitted:10}    of {arguments.requests * SPANS:,} calls of one window, {described * arguments.requests * SPANS / admitted:.0f} µs each"
    )
    for window in ("1m", "1h"):
        ways = [
            [run(arguments.requests, window, f"content: {mode}", warm=20)[0] for mode in ("off", "features")] for _ in range(arguments.runs)
        ]
        off, features = (median(one[which] for one in ways) for which in (0, 1))
        print(f"{f'the whole way, windows of {window}, µs':34}{off:10.1f}{features:10.1f}{features / off:8.2f}")


if __name__ == "__main__":
    main()
