"""Tells when an endpoint became slower or faster per token for good, and whether that has an explanation."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors import catalog
from detectors.catalog import Metric
from detectors.types import Batch, Finding, Input, Level, Plain, Profile, Score, Step, Window
from detectors.usage.latency import quantile
from detectors.usage.paces import CALLS, METRICS, PACE, TOKENS, VERSIONS, mean_pace, of_calls, of_counts
from detectors.usage.regime import LEAST_STEP, RECENT, Shift, shift

Ints = NDArray[np.int64]

FEATURE = "milliseconds_per_token"
LEAST_CALLS = 30
"""Calls a window needs."""
MOST_WINDOWS = 700
"""Windows remembered: a week of quarters of an hour."""
LEAST_SPAN = 82_800
"""Seconds from the first to the last window before: with the last one's own length, every hour of a day is among them."""
SETTLED = 32
"""Windows after which a new level is the usual one."""


class Seen(NamedTuple):
    """A window: when it began (seconds), and the log2 of three medians (of what metrics tell of paces the mean); NaN: not told."""

    start: int
    pace: float
    input_tokens: float
    output_tokens: float
    version: str
    """Model and version most calls were answered by."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """The windows of the present level, the newest last."""

    windows: tuple[Seen, ...] = ()
    told_by: str = ""
    """calls or metrics: their paces are not the same measure."""
    stepped: int = 0
    """Windows since the level stepped."""

    def plain(self) -> Plain:
        """Return it as data."""
        return {"windows": [list(seen) for seen in self.windows], "told_by": self.told_by, "stepped": self.stepped}


@dataclass(frozen=True, slots=True)
class LatencyShift:
    """Finds a lasting step in the time an output token takes. It warns and never pages: no alarm budget stands behind it."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        catalog.TIME_PER_TOKEN_P50,
        catalog.DRIFT_SEVERITY,
        catalog.DRIFT_STATISTIC,
        catalog.DRIFT_THRESHOLD,
        catalog.DRIFT_SAMPLES,
    )

    input: Input = "auto"
    """What is read where both call records and metrics come; the endpoint's `input` sets it."""

    def restore(self, saved: Plain | None) -> Remembered:
        """Return the saved state, or an empty one."""
        if saved is None:
            return Remembered()
        return Remembered(tuple(Seen(*seen) for seen in saved["windows"]), saved["told_by"], saved["stepped"])

    def observe(self, state: Remembered, batch: Batch) -> Profile:  # noqa: ARG002 - the protocol of a detector
        """Count paces and tokens into fine cells. Calls that met a cold start are left out, as in the drift features."""
        if batch.kind == "call_counts":
            return of_counts(batch)
        return of_calls(batch) if batch.kind == "calls" and batch.rows and self.input != "metrics" else Profile()

    def step(self, state: Remembered, window: Window, profile: Profile) -> Step:
        """Judge the window by those before it."""
        told_by = max((CALLS, METRICS), key=lambda one: int(_counted(profile, one, PACE).sum()))
        counted = _counted(profile, told_by, PACE)
        calls = int(counted.sum())
        if not calls:
            return Step(state)
        median = quantile(counted, 0.5)
        gauge = Score(catalog.TIME_PER_TOKEN_P50, median)
        if calls < LEAST_CALLS or not median > 0:
            return Step(state, (gauge,))
        level = mean_pace(profile) if told_by == METRICS else median
        tokens = [_log(quantile(_counted(profile, told_by, name), 0.5)) for name in TOKENS]
        seen = Seen(int(window.start.timestamp()), _log(level), tokens[0], tokens[1], _foremost(profile.tallies.get(VERSIONS, {})))
        windows = (*(state.windows if told_by == state.told_by else ()), seen)[-MOST_WINDOWS:]
        state = Remembered(windows, told_by, state.stepped if told_by == state.told_by else 0)
        found = shift(np.array([one.pace for one in windows])) if _spans(windows) else None
        if found is None:
            return Step(state, (gauge,))
        stepped = state.stepped + 1 if found.severity > 1 else 0
        state = replace(state, stepped=stepped, windows=windows[-SETTLED:] if stepped >= SETTLED else windows)
        finding = _finding(found, windows, calls)
        return Step(state, (gauge, *_scores(finding)), (finding,))


def _finding(found: Shift, windows: Sequence[Seen], calls: int) -> Finding:
    before, recent = windows[:-RECENT], windows[-RECENT:]
    then, now = (1e3 * 2.0 ** float(np.median([one.pace for one in part])) for part in (before, recent))
    why = list(_explanations(before, recent))
    level: Level | None = None
    text = f"{len(before)} windows before lie within {100 * (2.0**found.threshold - 1):.0f} % of {then:.3g} ms a token"
    if found.severity > 1:
        level = "warning" if found.step > 0 and not why else "information"
        word = "slower" if found.step > 0 else "faster"
        cause = "; ".join(why) or (
            "tokens and version are as before: a noisy neighbour, a busier provider or a longer way to it may be the cause"
            if found.step > 0
            else "tokens and version are as before"
        )
        text = f"{word}: {then:.3g} -> {now:.3g} ms a token ({100 * (now / then - 1):+.0f} %) over {RECENT} windows; {cause}"
    nothing = float("nan")
    return Finding(
        "latency", FEATURE, "rolling", found.statistic, found.threshold, found.severity, nothing, calls, nothing, "", level,
        "provisional", {}, text,
    )  # fmt: skip


def _explanations(before: Sequence[Seen], recent: Sequence[Seen]) -> Iterator[str]:
    """Yield what else changed: it may be why."""
    for name in TOKENS:
        then, now = (_median([getattr(one, name) for one in part]) for part in (before, recent))
        if abs(now - then) > LEAST_STEP:
            yield f"{name.replace('_', ' ')} changed as well: median {2.0**then:.3g} -> {2.0**now:.3g}"
    then_version, now_version = (_foremost(_tally([one.version for one in part])) for part in (before, recent))
    if then_version != now_version:
        yield f"another version answers: {then_version or 'unknown'} -> {now_version or 'unknown'}"


def _scores(finding: Finding) -> Iterator[Score]:
    feature = {"kind": finding.kind, "feature": finding.feature, "reference": finding.reference}
    yield Score(catalog.DRIFT_SEVERITY, finding.severity, feature)
    yield Score(catalog.DRIFT_STATISTIC, finding.statistic, feature)
    yield Score(catalog.DRIFT_THRESHOLD, finding.threshold, feature)
    yield Score(catalog.DRIFT_SAMPLES, finding.samples, feature)


def _counted(profile: Profile, told_by: str, name: str) -> Ints:
    return profile.counts.get(told_by + name, np.zeros(0, np.int64))


def _spans(windows: Sequence[Seen]) -> bool:
    return len(windows) > RECENT and windows[-RECENT - 1].start - windows[0].start >= LEAST_SPAN


def _foremost(tally: Mapping[str, int]) -> str:
    return max(sorted(tally), key=lambda name: tally[name], default="")


def _tally(names: Sequence[str]) -> dict[str, int]:
    return {name: names.count(name) for name in set(names)}


def _median(values: Sequence[float]) -> float:
    told = [value for value in values if not np.isnan(value)]
    return float(np.median(told)) if told else 0.0


def _log(value: float) -> float:
    return float(np.log2(value)) if value > 0 else float("nan")
