"""Learns from rows with answers and labels what error is usual, and how the labels themselves are mixed."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace

from agent.config import Endpoint
from detectors.decay.decay import SEGMENT, Decay
from detectors.decay.performance_scores import ALL
from detectors.types import Batch, Plain, Profile, Window

_log = logging.getLogger(__name__)


def build_decay(endpoint: Endpoint, detector: Decay, rows: Iterable[Batch], windows: Iterable[tuple[Batch, Window]]) -> Plain:
    """Return the detector state that a file's `rows` lead to, and after it windows of history, whatever their order.

    Rows without answer or label teach nothing: where all are, the state is a fresh one and errors are learnt from live windows.
    """
    fresh = detector.restore(None)
    whole = Profile()
    for batch in rows:
        whole = whole.merge(detector.observe(fresh, _without_segments(batch)))
    state = detector.of_rows(whole)
    labelled = _labelled(whole)
    counted: dict[Window, Profile] = {}
    for batch, window in windows:
        profile = detector.observe(fresh, _without_segments(batch))
        counted[window] = counted[window].merge(profile) if window in counted else profile
    for window in sorted(counted, key=lambda one: one.start):
        labelled += _labelled(counted[window])
        state = detector.follow(state, window, counted[window]).state
    _log.info("endpoint %s: %s", endpoint.name, " ".join(_told(endpoint, detector, labelled, known=state.errors.baseline is not None)))
    return state.plain()


def _labelled(profile: Profile) -> int:
    return int(profile.counts[f"{ALL}/labelled"][0]) if f"{ALL}/labelled" in profile.counts else 0


def _without_segments(batch: Batch) -> Batch:
    """Return the rows without what they are only looked at apart by."""
    return replace(batch, columns={name: column for name, column in batch.columns.items() if not name.startswith(SEGMENT)})


def _told(endpoint: Endpoint, detector: Decay, labelled: int, *, known: bool) -> Iterator[str]:
    if known:
        yield f"the usual error is that of {labelled:,} rows of its reference"
        return
    missing = [f"columns.{name}" for name in ("prediction", "label") if getattr(endpoint.columns, name) is None]
    yield f"{labelled:,} rows of its reference have answer and label, {detector.baseline_rows:,} or more are needed:"
    yield f"the usual error is learnt from live windows{f'; set {missing[0]} to learn it from the reference' if missing else ''}"
