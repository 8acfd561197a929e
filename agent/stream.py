"""One stream's open windows and detector states: counts batches, closes windows in time order."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.call_sample import CallSample
from agent.clock import to_nanoseconds
from agent.effects import ClosedWindow
from agent.heap import give_back, lines_of
from agent.row_sample import RowSample
from agent.spool.frame import Frame, encode
from agent.windowing import window_end, window_of
from detectors.drift.accepting import carried
from detectors.types import Batch, Counting, Detector, Finding, Looking, Plain, Profile, Reviewing, Score, Step, Stream, Total
from detectors.usage.counts import calls_of

Fault = Callable[[str, int, Exception], None]
"""Told the component that failed, how many rows that costs it, and why."""

_NONE = np.zeros(0, np.int64)


def _fail(name: str, rows: int, error: Exception) -> None:  # noqa: ARG001 - a fault with nobody to tell is not swallowed
    raise error


@dataclass(slots=True)
class OpenWindow:
    """What is counted so far."""

    rows: int = 0
    doubled: int = 0
    """Rows that were there before, and are not counted again."""
    profiles: dict[str, Profile] = field(default_factory=dict)
    sample: RowSample | None = None
    calls: CallSample | None = None


class StreamWindows:
    """Counts the batches of one stream. `detectors` map component ids to detectors; one that fails costs the others nothing."""

    def __init__(
        self,
        stream: Stream,
        detectors: Mapping[str, Detector[Any]],
        states: dict[str, Any],
        length: timedelta,
        zone: str,
        keep_rows: int,
        fault: Fault = _fail,
        *,
        keep_calls: int = 0,
    ) -> None:
        """`keep_rows` rows, or `keep_calls` of the calls that were admitted, are shown to detectors that look at them."""
        self.stream = stream
        self.detectors = detectors
        self.states = states
        self.watermark = 0
        """Newest event time seen, nanoseconds, never later than its arrival: one fast clock must not close everybody's windows."""
        self.arrived = 0
        """When the newest rows came in, nanoseconds."""
        self.closed_until = 0
        """Every window that starts before this is closed."""
        self.changed = True
        """Whether detector states changed since they were last saved."""
        self.touched = True
        """Whether open windows did."""
        self.pieces: dict[str, frozenset[str]] = {}
        """Detector to the names of its state's pieces that are saved; a detector that is not here has saved none."""
        self._length = length
        self._zone = zone
        self._keep_rows = keep_rows
        self._keep_calls = keep_calls
        self._fault = fault
        self._open: dict[int, OpenWindow] = {}

    def absorb(
        self, batch: Batch, starts: NDArray[np.int64], times: NDArray[np.int64], received: int, doubled: NDArray[np.int64] = _NONE
    ) -> tuple[list[Total], int]:
        """Count a batch that came in at `received` and whose rows fall into windows `starts`.

        `doubled` are the windows of rows that were there before. Return increases of cumulative metrics and the number of late rows.
        """
        self.touched = True
        self.arrived = received
        totals: list[Total] = []
        late = 0
        for start, part in _by_window(batch, starts) if batch.rows else ():
            window = None
            if start < self.closed_until:
                late += part.rows
            else:
                window = self._open.setdefault(start, OpenWindow())
            self._count(part, window, totals)
        for start, rows in zip(*np.unique(doubled, return_counts=True), strict=True):
            if start >= self.closed_until:
                self._open.setdefault(int(start), OpenWindow()).doubled += int(rows)
        if batch.rows:
            self.watermark = max(self.watermark, min(int(times.max()), received))
        return totals, late

    def _count(self, part: Batch, window: OpenWindow | None, totals: list[Total]) -> None:
        for name, detector in self.detectors.items():
            try:
                profile = detector.observe(self.states[name], part)
                if window is not None:
                    window.profiles[name] = window.profiles[name].merge(profile) if name in window.profiles else profile
                if isinstance(detector, Counting):
                    totals.extend(detector.totals(profile))
            except Exception as error:  # noqa: BLE001 - whatever it is, the other detectors go on
                self._fault(name, part.rows, error)
        if window is None:
            return
        window.rows += calls_of(part) if part.kind == "call_counts" else part.rows * (part.kind != "conversations")
        try:
            if self._keep_rows and part.kind == "rows":
                window.sample = (window.sample or RowSample(self._keep_rows)).add(part)
            elif self._keep_calls and part.kind == "calls":
                window.calls = (window.calls or CallSample.of(self._keep_calls)).add(part)
        except Exception as error:  # noqa: BLE001 - a sample is not worth a score
            self._fault("sample", part.rows, error)

    def take_up(self, name: str, state: Any) -> None:
        """Give a detector another state. What open windows counted for it stays where that state counts alike, else it is left out."""
        before, self.states[name] = self.states[name], state
        self.pieces.pop(name, None)
        self.changed = self.touched = True
        for window in self._open.values():
            profile = window.profiles.pop(name, None)
            kept = carried(profile, before, state) if profile is not None else None
            if kept is not None:
                window.profiles[name] = kept

    def due(self, until: int) -> list[int]:
        """Return the starts of open windows that end by `until` (nanoseconds), oldest first."""
        return [start for start in sorted(self._open) if start < until and window_end(start, self._length, self._zone) <= until]

    def close(self, start: int, *, cut: bool = False) -> ClosedWindow | None:
        """Judge an open window; it takes no more rows. None where nothing but doubled rows came.

        `cut`: its time may not be over, so that detectors are told that rows of it may be missing.
        """
        counted = self._open.pop(start)
        window = window_of(start, self._length, self._zone)
        self.closed_until = max(self.closed_until, to_nanoseconds(window.end))
        self.changed = self.touched = True
        if not counted.rows and not counted.profiles:
            return None
        scores: list[Score] = []
        findings: list[Finding] = []
        told = {"duplicates": counted.doubled, "cut": int(cut and to_nanoseconds(window.end) > self.watermark)}
        again = Profile({name: np.array([number], np.int64) for name, number in told.items() if number})
        profiles = {name: profile.merge(again) for name, profile in counted.profiles.items()}
        sample = counted.sample.batch if counted.sample is not None else None
        calls = None if counted.calls is None else counted.calls.closed()
        looked = sample if calls is None else calls
        lines = lines_of(self.states.values())
        for name, detector in self.detectors.items():
            try:
                step = detector.step(self.states[name], window, profiles.get(name, Profile()))
                if looked is not None and isinstance(detector, Looking):
                    seen = detector.look(step.state, window, looked)
                    step = Step(seen.state, (*step.scores, *seen.scores), (*step.findings, *seen.findings))
            except Exception as error:  # noqa: BLE001 - whatever it is, the other detectors have their say
                self._fault(name, counted.rows, error)
                continue
            self.states[name] = step.state
            scores.extend(step.scores)
            findings.extend(step.findings)
        for name, detector in self.detectors.items():
            if isinstance(detector, Reviewing):
                try:
                    step = detector.review(self.states[name], window, scores)
                except Exception as error:  # noqa: BLE001 - as above
                    self._fault(name, counted.rows, error)
                    continue
                self.states[name] = step.state
                scores.extend(step.scores)
                findings.extend(step.findings)
        if lines_of(self.states.values()) - lines:
            give_back()
        return ClosedWindow(
            self.stream,
            window,
            counted.rows,
            tuple(scores),
            tuple(findings),
            {name: plain_profile(profile) for name, profile in profiles.items()},
            None if sample is None else encode(Frame(sample, "sample", None, 0)),
            calls,
        )

    def plain(self) -> Plain:
        """Return open windows and marks as data; detector states are saved apart, they change less often."""
        return {
            "watermark": self.watermark,
            "arrived": self.arrived,
            "closed_until": self.closed_until,
            "open": [
                {
                    "start": start,
                    "rows": window.rows,
                    "doubled": window.doubled,
                    "profiles": {name: plain_profile(profile) for name, profile in window.profiles.items()},
                    "sample": window.sample and window.sample.plain(),
                    "calls": window.calls and window.calls.plain(),
                }
                for start, window in self._open.items()
            ],
        }

    def restore(self, saved: Plain, kept: Collection[str]) -> None:
        """Take back what `plain` returned; of profiles those of the detectors in `kept`, whose states were restored as well."""
        self.watermark = saved["watermark"]
        self.arrived = saved["arrived"]
        self.closed_until = saved["closed_until"]
        for window in saved["open"]:
            profiles = {name: profile_from(plain) for name, plain in window["profiles"].items() if name in kept}
            sample = RowSample.restore(self._keep_rows, window["sample"]) if self._keep_rows else None
            calls = CallSample.restore(self._keep_calls, window["calls"]) if self._keep_calls and window.get("calls") else None
            self._open[window["start"]] = OpenWindow(window["rows"], window["doubled"], profiles, sample, calls)

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._open))


def _by_window(batch: Batch, starts: NDArray[np.int64]) -> Iterable[tuple[int, Batch]]:
    first = int(starts[0])
    if bool((starts == first).all()):
        return [(first, batch)]
    distinct, which = np.unique(starts, return_inverse=True)
    return [(start, batch.take(np.flatnonzero(which == index))) for index, start in enumerate(distinct.tolist())]


def plain_profile(profile: Profile) -> Plain:
    """Return a profile as data."""
    return {"counts": dict(profile.counts), "tallies": {name: dict(tally) for name, tally in profile.tallies.items()}}


def profile_from(saved: Plain) -> Profile:
    """Return the profile `plain_profile` came from."""
    return Profile(saved["counts"], saved["tallies"])
