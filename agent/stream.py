"""One stream's open windows and detector states: counts batches, closes windows in time order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.clock import to_nanoseconds
from agent.effects import ClosedWindow
from agent.row_sample import RowSample
from agent.spool.frame import Frame, encode
from agent.windowing import window_of
from detectors.types import Batch, Counting, Detector, Finding, Plain, Profile, Score, Stream, Total


@dataclass(slots=True)
class OpenWindow:
    """What is counted so far."""

    rows: int = 0
    profiles: dict[str, Profile] = field(default_factory=dict)
    sample: RowSample | None = None


class StreamWindows:
    """Counts the batches of one stream. `detectors` map component ids to detectors."""

    def __init__(
        self, stream: Stream, detectors: Mapping[str, Detector[Any]], states: dict[str, Any], length: timedelta, zone: str, keep_rows: int
    ) -> None:
        self.stream = stream
        self.detectors = detectors
        self.states = states
        self.watermark = 0
        """Newest event time seen, nanoseconds."""
        self.closed_until = 0
        """Every window that starts before this is closed."""
        self.changed = True
        """Whether detector states changed since they were last saved."""
        self.touched = True
        """Whether open windows did."""
        self._length = length
        self._zone = zone
        self._keep_rows = keep_rows
        self._open: dict[int, OpenWindow] = {}

    def absorb(self, batch: Batch, starts: NDArray[np.int64], times: NDArray[np.int64], duplicates: int) -> tuple[list[Total], int]:
        """Count a batch whose rows fall into windows `starts`; return increases of cumulative metrics and the number of late rows."""
        self.touched = True
        totals: list[Total] = []
        late = 0
        first = int(starts[0])
        if len(starts) == 1 or bool((starts == first).all()):
            groups = [(first, batch)]
        else:
            distinct, which = np.unique(starts, return_inverse=True)
            groups = [(int(start), batch.take(np.flatnonzero(which == index))) for index, start in enumerate(distinct)]
        for start, part in groups:
            profiles = {name: detector.observe(self.states[name], part) for name, detector in self.detectors.items()}
            for name, detector in self.detectors.items():
                if isinstance(detector, Counting):
                    totals.extend(detector.totals(profiles[name]))
            if start < self.closed_until:
                late += part.rows
                continue
            self._merge(start, part, profiles)
        if duplicates and first >= self.closed_until:
            window = self._open.setdefault(first, OpenWindow())
            extra = Profile({"duplicates": np.array([duplicates], np.int64)})
            window.profiles = {name: profile.merge(extra) for name, profile in window.profiles.items()}
        self.watermark = max(self.watermark, int(times.max()))
        return totals, late

    def _merge(self, start: int, part: Batch, profiles: Mapping[str, Profile]) -> None:
        window = self._open.setdefault(start, OpenWindow())
        window.rows += part.rows
        for name, profile in profiles.items():
            window.profiles[name] = window.profiles[name].merge(profile) if name in window.profiles else profile
        if self._keep_rows and part.kind == "rows":
            window.sample = (window.sample or RowSample(self._keep_rows)).add(part)

    def due(self, until: int) -> list[int]:
        """Return the starts of open windows that end by `until` (nanoseconds), oldest first."""
        return [start for start in sorted(self._open) if to_nanoseconds(window_of(start, self._length, self._zone).end) <= until]

    def close(self, start: int) -> ClosedWindow:
        """Judge an open window; it takes no more rows."""
        counted = self._open.pop(start)
        window = window_of(start, self._length, self._zone)
        scores: list[Score] = []
        findings: list[Finding] = []
        for name, detector in self.detectors.items():
            step = detector.step(self.states[name], window, counted.profiles.get(name, Profile()))
            self.states[name] = step.state
            scores.extend(step.scores)
            findings.extend(step.findings)
        self.closed_until = max(self.closed_until, to_nanoseconds(window.end))
        self.changed = self.touched = True
        sample = counted.sample.batch if counted.sample is not None else None
        return ClosedWindow(
            self.stream,
            window,
            counted.rows,
            tuple(scores),
            tuple(findings),
            {name: plain_profile(profile) for name, profile in counted.profiles.items()},
            None if sample is None else encode(Frame(sample, "sample", None, 0)),
        )

    def plain(self) -> Plain:
        """Return open windows and marks as data; detector states are saved apart, they change less often."""
        return {
            "watermark": self.watermark,
            "closed_until": self.closed_until,
            "open": [
                [start, window.rows, {name: plain_profile(profile) for name, profile in window.profiles.items()}]
                for start, window in self._open.items()
            ],
        }

    def restore(self, saved: Plain) -> None:
        """Take back what `plain` returned. Row samples of open windows start anew: they are a sample anyway."""
        self.watermark = saved["watermark"]
        self.closed_until = saved["closed_until"]
        for start, rows, profiles in saved["open"]:
            self._open[start] = OpenWindow(rows, {name: profile_from(plain) for name, plain in profiles.items() if name in self.detectors})

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._open))


def plain_profile(profile: Profile) -> Plain:
    """Return a profile as data."""
    return {"counts": dict(profile.counts), "tallies": {name: dict(tally) for name, tally in profile.tallies.items()}}


def profile_from(saved: Plain) -> Profile:
    """Return the profile `plain_profile` came from."""
    return Profile(saved["counts"], saved["tallies"])
