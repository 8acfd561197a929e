"""Builds an endpoint's reference from its file, its own history, or both: read twice, first for cells, then for counts."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from agent.clock import to_nanoseconds
from agent.config import Endpoint
from agent.decay_references import build_decay
from agent.error_references import build_errors
from agent.errors import ConfigError
from agent.redaction.masking import masked
from agent.references import Stopped
from agent.rows.table import read_table
from agent.score_references import build_scores
from agent.sources import Context
from agent.sources.history import Historical
from agent.windowing import window_of, window_starts
from detectors.decay.confidence_based import ConfidenceBased
from detectors.decay.decay import Decay
from detectors.decay.direct_loss import DirectLoss
from detectors.drift.baseline import BaselineBuilder
from detectors.drift.calendar import spans, within
from detectors.drift.drift import Drift
from detectors.drift.parity.detector import Parity
from detectors.types import Batch, Plain, Window

_log = logging.getLogger(__name__)

Labelled = ConfidenceBased | DirectLoss
"""Detectors that start from rows with labels."""
Referenced = Drift | Labelled | Parity | Decay
"""Detectors that start from a reference."""

_EARLIEST, _LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def window_start(moment: datetime, endpoint: Endpoint) -> datetime:
    """Return the start of the window a moment lies in, in the endpoint's time zone."""
    start = window_starts(np.array([to_nanoseconds(moment)]), endpoint.window, endpoint.timezone)[0]
    return window_of(int(start), endpoint.window, endpoint.timezone).start


def build(
    endpoint: Endpoint,
    detector: Referenced,
    context: Context,
    history: timedelta | None,
    origin: datetime,
    stopping: Callable[[], bool] = lambda: False,
) -> Plain:
    """Return the detector state that `endpoint.reference` asks for; history is what came in the time before `origin`.

    Raises InputError or ConfigError for a file or source that cannot be read, Stopped soon after `stopping` says so.
    """
    file = endpoint.reference.file
    if isinstance(detector, Labelled):
        if file is None and history is None:
            return detector.restore(None).plain()
        rows = _until(stopping, _rows(endpoint, context, history, origin))
        return build_errors(endpoint, rows) if isinstance(detector, DirectLoss) else build_scores(endpoint, detector, rows)
    if isinstance(detector, Decay):
        # Labels that are not read cannot teach: history need not be fetched for them.
        named = endpoint.columns.label is not None and endpoint.columns.prediction is not None
        of_rows = _until(stopping, _rows(endpoint, context, None, origin)) if named else ()
        of_windows = _past(endpoint, context, history, origin) if named and history is not None else ()
        return build_decay(endpoint, detector, of_rows, of_windows)
    if isinstance(detector, Parity):
        kept = detector.restore(None)
        for batch in _until(stopping, _rows(endpoint, context, history, origin)):
            kept = detector.learn(kept, batch)
        return kept.plain()
    of_file = None if file is None else build_from_file(endpoint, detector, file, timed=False, stopping=stopping)
    if history is None:
        return detector.restore(of_file).plain()
    source = _historical(endpoint)
    builder = BaselineBuilder(detector.features, None if of_file is None else detector.restore(of_file))
    span = (origin - history, origin)

    def past() -> Iterator[Batch]:
        return _until(stopping, masked(endpoint, source.history(context, history + endpoint.window), context.name))

    _twice(builder, past, lambda batch: _windows(batch, endpoint, *span), endpoint, "its history", learn=of_file is None)
    return builder.state().plain()


def _historical(endpoint: Endpoint) -> Historical:
    source = endpoint.source
    if not isinstance(source, Historical):
        raise ConfigError(f"endpoints.{endpoint.name}.reference.history: its source keeps no history; use file or baseline")
    return source


def _rows(endpoint: Endpoint, context: Context, history: timedelta | None, origin: datetime) -> Iterator[Batch]:
    """Yield the rows of the reference's file, or of its whole windows of history where there is no file."""
    if endpoint.reference.file is not None:
        # A row needs no time to teach; where it has one, that is no feature.
        named = endpoint.columns
        aside = () if named.timestamp is None else (named.timestamp,)
        yield from masked(
            endpoint,
            read_table(
                endpoint.reference.file,
                replace(named, timestamp=None, ignore=(*named.ignore, *aside)),
                endpoint.name,
                enrichment=endpoint.enrichers,
            ),
            context.name,
        )
    elif history is not None:
        yield from (part for part, _ in _past(endpoint, context, history, origin))


def _past(endpoint: Endpoint, context: Context, history: timedelta, origin: datetime) -> Iterator[tuple[Batch, Window]]:
    """Yield the rows of whole windows of history, with their windows."""
    for batch in masked(endpoint, _historical(endpoint).history(context, history + endpoint.window), context.name):
        yield from _windows(batch, endpoint, origin - history, origin)


def build_from_file(endpoint: Endpoint, detector: Drift, path: Path, *, timed: bool, stopping: Callable[[], bool] = lambda: False) -> Plain:
    """Return the detector state that a file leads to: its windows where rows have a time, else cells and distribution only.

    Raises InputError for a file that cannot be read, Stopped as `build` does.
    """
    builder = BaselineBuilder(detector.features)

    def rows() -> Iterator[Batch]:
        columns = endpoint.columns
        if not timed and columns.timestamp is not None:
            # Training data often has no time; where it has one, it is no feature.
            columns = replace(columns, timestamp=None, ignore=(*columns.ignore, columns.timestamp))
        table = read_table(path, columns, endpoint.name, zone=ZoneInfo(endpoint.timezone), enrichment=endpoint.enrichers)
        return _until(stopping, masked(endpoint, table, str(path)))

    def split(batch: Batch) -> Iterable[tuple[Batch, Window | None]]:
        return _windows(batch, endpoint, _EARLIEST, _LATEST) if timed else [(batch, None)]

    _twice(builder, rows, split, endpoint, str(path))
    return builder.state().plain()


def _until(stopping: Callable[[], bool], batches: Iterable[Batch]) -> Iterator[Batch]:
    for batch in batches:
        if stopping():
            raise Stopped
        yield batch


def _twice(
    builder: BaselineBuilder,
    read: Callable[[], Iterator[Batch]],
    split: Callable[[Batch], Iterable[tuple[Batch, Window | None]]],
    endpoint: Endpoint,
    where: str,
    *,
    learn: bool = True,
) -> None:
    if learn:
        for batch in read():
            for part, _ in split(batch):
                builder.learn(part)
        for name, reason in builder.fix().items():
            _log.warning("endpoint %s: %s is not watched for drift: %s (%s)", endpoint.name, name, reason, where)
    for batch in read():
        for part, window in split(batch):
            builder.count(part, window)


def _windows(batch: Batch, endpoint: Endpoint, first: datetime, last: datetime) -> Iterator[tuple[Batch, Window]]:
    """Yield the parts of a batch by window, whole windows between `first` and `last` only, none of days kept out of references."""
    times = np.asarray(batch.columns["time"], np.int64)
    starts = window_starts(times, endpoint.window, endpoint.timezone)
    off = spans((*endpoint.reference.exclude, *endpoint.reference.holidays))
    for start in np.unique(starts).tolist():
        window = window_of(start, endpoint.window, endpoint.timezone)
        if not within(window.day, off) and window.start >= first and window.end <= last:
            rows = np.flatnonzero(starts == start)
            yield (batch if len(rows) == batch.rows else batch.take(rows)), window
