"""What a step of latency costs and shows: warnings of `latency` on quiet streams, and pages of endpoint drift from metrics alone.

    python -m bench latency_steps

Streams are simulated, so that it is known when something happened. `latency`: log2 levels of windows of a quarter of an hour, autocorrelated, with a daily
wave. Endpoint drift: exports of histograms every quarter of an hour, windows of three hours, tokens and latency that differ from day to day by 5 %, a daily
wave of 10 %; calibrated on 29 days or more, with the default budget of one episode in 30 days.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from detectors.drift.drift import Drift
from detectors.drift.endpoint_drift import EndpointDrift
from detectors.types import Batch, Category, Column, Window
from detectors.usage.latency_shift import MOST_WINDOWS, SETTLED
from detectors.usage.regime import shift

Floats = NDArray[np.float64]

A_DAY = 96
STREAMS = 12
_SECONDS = 0.01 * 2.0 ** np.arange(14)
_TOKENS = 4.0 ** np.arange(14)
_EXPORTS, _CALLS = 12, 60
_PER_DAY = 8


def levels(rng: np.random.Generator, days: int, memory: float, spread: float, wave: float, weekend: float) -> Floats:
    """Return log2 levels of the windows of some days."""
    noise = rng.normal(0, spread * np.sqrt(1 - memory**2), days * A_DAY)
    found = np.zeros(days * A_DAY)
    for place in range(1, len(found)):
        found[place] = memory * found[place - 1] + noise[place]
    time = np.arange(len(found))
    return found + wave * np.sin(2 * np.pi * time / A_DAY) + weekend * ((time // A_DAY) % 7 >= 5)


def warnings(told: Floats) -> list[int]:
    """Return the windows at which a warning began, a day apart at least, as the detector gives them."""
    known: list[float] = []
    found: list[int] = []
    stepped, last = 0, -A_DAY
    for place, level in enumerate(told.tolist()):
        known = [*known, level][-MOST_WINDOWS:]
        seen = shift(np.array(known)) if len(known) >= A_DAY + 4 else None
        stepped = stepped + 1 if seen is not None and seen.severity > 1 else 0
        if stepped and seen is not None and seen.step > 0:
            found += [place] if place - last >= A_DAY else []
            last = place
        if stepped >= SETTLED:
            known = known[-SETTLED:]
    return found


def latency() -> None:
    """Print warnings in 30 days, and how soon steps are seen."""
    print(
        "| levels: autocorrelation, sd, wave, weekend | warnings in 30 quiet days (se) | + 20 % within a day | + 50 % | + 50 %, median windows |"
    )
    print("|---|---|---|---|---|")
    for memory, spread, wave, weekend in (
        (0.0, 0.1, 0.0, 0.0),
        (0.8, 0.1, 0.2, 0.0),
        (0.95, 0.1, 0.2, 0.0),
        (0.8, 0.2, 0.2, 0.0),
        (0.8, 0.1, 0.2, 0.3),
    ):
        rng = np.random.default_rng(1)
        quiet = np.array([len(warnings(levels(rng, 30, memory, spread, wave, weekend))) for _ in range(STREAMS)])
        seen: dict[float, list[int]] = {}
        for ratio in (1.2, 1.5):
            delays = []
            for _ in range(STREAMS):
                told = levels(rng, 12, memory, spread, wave, weekend)
                told[10 * A_DAY :] += np.log2(ratio)
                delays.append(next((place - 10 * A_DAY + 1 for place in warnings(told) if place >= 10 * A_DAY), 10**6))
            seen[ratio] = delays
        shares = [float(np.mean(np.array(delays) <= A_DAY)) for delays in seen.values()]
        print(
            f"| {memory}, {spread}, {wave}, {weekend} | {quiet.mean():.2f} ({quiet.std() / STREAMS**0.5:.2f})"
            f" | {shares[0]:.2f} | {shares[1]:.2f} | {_windows(seen[1.5])} |"
        )


def _windows(delays: Sequence[int]) -> str:
    middle = float(np.median(delays))
    return f"{middle:.0f}" if middle <= 2 * A_DAY else "not seen"


def exports(rng: np.random.Generator, pace: float, tokens: float, errors: float) -> Batch:
    """Return the increases of a window: buckets of duration and tokens, and the paces that follow from an export."""
    rows: list[tuple[str, float, int, str | None]] = []
    for _ in range(_EXPORTS):
        calls = int(rng.poisson(_CALLS))
        failed = int(rng.binomial(calls, errors))
        wrote = np.round(rng.lognormal(np.log(tokens), 0.5, calls - failed)) + 1
        lasted = wrote * pace * rng.lognormal(0, 0.15, calls - failed)
        told = (
            ("duration", lasted, _SECONDS),
            ("output_tokens", wrote, _TOKENS),
            ("input_tokens", rng.lognormal(6, 0.6, len(wrote)), _TOKENS),
        )
        for name, values, bounds in told:
            middles = np.concatenate([[bounds[0] / 2], np.sqrt(bounds[:-1] * bounds[1:]), [bounds[-1] * 1.5]])
            counts = np.bincount(np.searchsorted(bounds, values), minlength=len(middles))
            filled = np.flatnonzero(counts).tolist()
            rows += [(name, float(middles[place]), int(counts[place]), None) for place in filled]
            if name == "duration" and len(wrote):
                scale = 1e3 * lasted.sum() / (middles * counts).sum() / wrote.mean()
                rows += [("milliseconds_per_token", float(middles[place] * scale), int(counts[place]), None) for place in filled]
        rows += [("duration", 0.005, failed, "timeout")] if failed else []
    quantity, value, count, error = zip(*rows, strict=True)
    columns: dict[str, Column] = {
        "quantity": Category.of(quantity),
        "value": np.array(value),
        "count": np.array(count, np.int64),
        "error_type": Category.of(error),
    }
    return Batch("chat", "call_counts", len(rows), columns)


def paged(seed: int, days: int, step_day: int, step: float) -> list[tuple[int, str]]:
    """Return the days on which somebody is paged, with the feature."""
    rng, detector = np.random.default_rng(seed), EndpointDrift(Drift())
    state, found = detector.restore(None), []
    start, length = datetime(2026, 1, 5, tzinfo=UTC), timedelta(days=1) / _PER_DAY
    for day in range(days):
        pace, tokens = 0.02 * np.exp(rng.normal(0, 0.05)) * (step if day >= step_day else 1.0), 200 * np.exp(rng.normal(0, 0.05))
        errors = 0.02 * np.exp(rng.normal(0, 0.2))
        for part in range(_PER_DAY):
            begin = start + timedelta(days=day) + part * length
            batch = exports(rng, pace * (1 + 0.1 * np.sin(2 * np.pi * part / _PER_DAY)), tokens, errors)
            done = detector.step(state, Window(begin, begin + length), detector.observe(state, batch))
            state = done.state
            found += [(day, finding.feature) for finding in done.findings if finding.level == "page"]
    return found


def episodes(days: Sequence[int]) -> int:
    """Return how often days of pages begin that lie more than two days behind the last one.

    >>> episodes([3, 5, 5, 8])
    2
    """
    ordered = sorted(set(days))
    return sum(later - earlier > 2 for earlier, later in zip([-9, *ordered], ordered, strict=False))


def endpoint_drift() -> None:
    """Print episodes on quiet streams, and how soon a step is paged."""
    quiet = np.array([episodes([day for day, _ in paged(seed, 100, 100, 1.0)]) for seed in range(STREAMS // 2)]) * 30 / 70
    print(
        f"quiet streams, 70 live days each: {quiet.mean():.2f} episodes in 30 days (standard error {quiet.std() / len(quiet) ** 0.5:.2f})"
    )
    for step in (1.25, 1.5):
        first: list[int] = []
        names: set[str] = set()
        for seed in range(100, 104):
            after = [(day - 60, feature) for day, feature in paged(seed, 70, 60, step) if day >= 60]
            first.append(min((day for day, _ in after), default=99))
            names |= {feature for _, feature in after}
        print(f"{step} times as slow from day 60 on: paged on day {first} of it, by {', '.join(sorted(names)) or 'nothing'}")


def main() -> None:
    """Print both."""
    latency()
    print()
    endpoint_drift()


if __name__ == "__main__":
    main()
