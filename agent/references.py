"""Builds an endpoint's reference from its file, its own history, or both: read twice, first for cells, then for counts."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from agent.baselines.records import excluded, in_force, print_of
from agent.baselines.stored import Baseline
from agent.beginnings import Beginnings
from agent.clock import to_nanoseconds
from agent.config import Config, Endpoint
from agent.config_hash import config_hash
from agent.decay_references import build_decay
from agent.endpoint import watchers
from agent.error_references import build_errors
from agent.errors import ConfigError, DriftlineError
from agent.faults import place_of
from agent.redaction.masking import masked
from agent.rows.table import read_table
from agent.score_references import build_scores
from agent.series import Series
from agent.sources import Clock, Context, Router
from agent.sources.history import Historical
from agent.store.store import Store
from agent.windowing import window_of, window_starts
from detectors.catalog import AGENT_JOBS
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


@dataclass(slots=True)
class References:
    """What streams start from."""

    beginnings: Beginnings = field(default_factory=Beginnings)
    origins: dict[str, int] = field(default_factory=dict)
    """Endpoint to where live rows begin, nanoseconds: earlier ones are in the reference."""


def window_start(moment: datetime, endpoint: Endpoint) -> datetime:
    """Return the start of the window a moment lies in, in the endpoint's time zone."""
    start = window_starts(np.array([to_nanoseconds(moment)]), endpoint.window, endpoint.timezone)[0]
    return window_of(int(start), endpoint.window, endpoint.timezone).start


class Stopped(Exception):
    """Nobody waits for the reference any more."""


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


def require(config: Config, store: Store) -> None:
    """Raise ConfigError where a baseline or a file that an endpoint names is not there, or the baseline has other windows.

    At the start, while somebody looks.
    """
    stored = {name for name, _ in store.baselines()}
    for endpoint in config.endpoints.values():
        name, file = endpoint.reference.baseline, endpoint.reference.file
        if name is not None and name not in stored:
            known = ", ".join(sorted(one for one in stored if "/" not in one)) or "none yet: run driftline baseline build"
            raise ConfigError(f"endpoints.{endpoint.name}.reference.baseline: no '{name}'; known: {known}")
        found = None if name is None else store.baseline(name)
        if name is not None and found is not None:
            Baseline.from_plain(found[1]).check(name, endpoint, f"endpoints.{endpoint.name}.reference.baseline")
        if file is not None and not file.is_file() and not any(one.startswith(f"{endpoint.name}/") for one in stored):
            raise ConfigError(f"endpoints.{endpoint.name}.reference.file: {file} is not there")


def load(
    config: Config,
    store: Store,
    router: Router,
    series: Series,
    clock: Clock,
    stopping: Callable[[], bool] = lambda: False,
    only: type[object] = object,
) -> References:
    """Return all references, or those of detectors that are `only` of a kind: stored ones of the same configuration, new ones built now.

    A reference that cannot be built is told of and counted; its endpoint then learns from live windows, and says so.
    It is tried again at the next start, and takes the place of what was learnt. Raises Stopped as `build` does.
    """
    found = References()
    for endpoint in config.endpoints.values():
        for name, detector in watchers(endpoint).items():
            if not isinstance(detector, only):
                continue
            if isinstance(detector, Labelled) and not _wanted(endpoint):
                _log.warning("endpoint %s: %s needs reference.file or reference.history with labels: no estimates", endpoint.name, name)
            if not isinstance(detector, Referenced) or not _wanted(endpoint):
                continue
            if isinstance(detector, Parity | Decay) and endpoint.reference.baseline is not None:
                # A baseline holds counts of features, no rows: this one learns from live windows.
                continue
            key = f"{endpoint.name}/{name}"
            try:
                context = Context(key, router, endpoint, series, clock)
                state, origin, mark = _stored_or_built(endpoint, key, detector, store, context, stopping)
                detector.restore(state)
            except Stopped:
                raise
            except Exception as error:  # noqa: BLE001 - one endpoint's data must not keep the others from starting
                reason = error if isinstance(error, DriftlineError) else f"{type(error).__name__} at {place_of(error)}"
                _log.error("endpoint %s has no reference: %s", endpoint.name, reason)
                series.add(AGENT_JOBS, job=f"reference {endpoint.name}", outcome="failed")
                continue
            found.beginnings.shared[key] = state
            found.beginnings.marks[key] = mark
            if origin is not None:
                found.origins[endpoint.name] = origin
    found.beginnings.own = in_force(config, store)
    found.beginnings.excluded = excluded(store)
    return found


def _wanted(endpoint: Endpoint) -> bool:
    reference = endpoint.reference
    return reference.file is not None or reference.history is not None or reference.baseline is not None


def _stored_or_built(
    endpoint: Endpoint, key: str, detector: Referenced, store: Store, context: Context, stopping: Callable[[], bool]
) -> tuple[Plain, int | None, str]:
    baseline = endpoint.reference.baseline
    if baseline is not None and isinstance(detector, Labelled):
        raise ConfigError(f"endpoints.{endpoint.name}.reference.baseline: keeps no labels, which {key} needs; use file or history")
    if baseline is not None:
        named = store.baseline(baseline)
        if named is None:
            raise ConfigError(f"endpoints.{endpoint.name}.reference.baseline: no '{baseline}'; run driftline baseline build")
        return named[1]["state"], None, f"{baseline} {named[0]}"
    fingerprint, file = config_hash(endpoint), print_of(endpoint)
    stored = store.baseline(key)
    # A file that is gone is taken for the one it was.
    if stored is not None and stored[1]["config"] == fingerprint and file in {"", stored[1].get("file", "")}:
        return stored[1]["state"], stored[1]["origin"], stored[1]["built"]
    now = context.clock.now()
    history = endpoint.reference.history
    origin = window_start(now, endpoint)
    _log.info("endpoint %s: building its reference", endpoint.name)
    state = build(endpoint, detector, context, history, origin, stopping)
    live_from = to_nanoseconds(origin) if history is not None else None
    value = {"config": fingerprint, "file": file, "origin": live_from, "built": now.isoformat(), "state": state}
    with store.transaction() as transaction:
        version = transaction.add_baseline(key, value)
        transaction.keep_baselines(key, {version, version - 1})
    return state, live_from, now.isoformat()
