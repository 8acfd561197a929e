"""What a stream's labels say now, and how it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent.clock import to_nanoseconds
from agent.store.labels import LabelTables
from detectors.catalog import MODEL_PERFORMANCE_SAMPLES
from detectors.types import Finding, Plain, Score, Stream, Window

LABEL_DRIFT = "label_drift"
"""Among the severities that are kept of a window: how far the mix of its labels moved."""
TRUST = "trust/"
"""Before a metric among them: 1 where labels bear its estimates out, -1 where they do not."""


def of_errors(kept: Mapping[str, float]) -> dict[str, float]:
    """Return how far errors had risen, by method, of what is kept of a window.

    >>> of_errors({"cusum": 0.2, "label_drift": 0.4, "trust/auc": 1.0})
    {'cusum': 0.2}
    """
    return {name: value for name, value in kept.items() if name != LABEL_DRIFT and not name.startswith(TRUST)}


@dataclass(frozen=True, slots=True)
class Moved:
    """What the mix of the labels says in the newest window that has enough of them."""

    window: Window
    scores: tuple[Score, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Realised:
    """What one stream's labels say now."""

    stream: Stream
    changed: tuple[tuple[Window, tuple[Score, ...], float], ...]
    """Windows that say something new, by start: their scores, and the dispersion of their intervals."""
    severities: Mapping[int, Mapping[str, float]]
    """Start of a window to the severities at its end, where they changed."""
    newest: tuple[Window, tuple[Score, ...]] | None
    """The newest window with enough labels."""
    moved: Moved | None
    follow: Plain | None
    """Where to follow the errors from, now that earlier windows can no longer change; None: from where it was."""
    until: int
    """Counts of windows that began before this are no longer needed."""

    def save(self, tables: LabelTables) -> None:
        """Keep a new version of each window that says something else than before, and note that they are judged."""
        for window, scores, spread in self.changed:
            start = to_nanoseconds(window.start)
            if enough(scores):
                tables.add_version(self.stream, start, to_nanoseconds(window.end), {"scores": list(map(_plain, scores))})
            tables.judged(self.stream, start, spread)
        for start, severities in self.severities.items():
            tables.put_severities(self.stream, start, severities)
        if self.follow is not None:
            tables.drop_performance(self.stream, self.until)


def enough(scores: tuple[Score, ...]) -> bool:
    """Whether a window had enough labels to be measured."""
    return any(score.metric is MODEL_PERFORMANCE_SAMPLES for score in scores)


def key(stream: Stream) -> str:
    """Return where the store keeps what `Realised.follow` says."""
    return f"decay/{'/'.join(stream)}"


def _plain(score: Score) -> list[Any]:
    return [score.metric.name, score.value, dict(score.attributes)]
