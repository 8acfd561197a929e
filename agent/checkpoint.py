"""Saves what a stretch of the spool led to, in one transaction with the cursor, and takes it back at the start."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from agent.clock import to_nanoseconds
from agent.effects import ClosedWindow
from agent.increments import Increments
from agent.pipeline import Pipeline
from agent.series import Series
from agent.spool.position import Position
from agent.store.store import Store
from detectors.catalog import metrics
from detectors.types import Plain, Stream


def save(
    store: Store,
    pipeline: Pipeline,
    own: Series,
    increments: Increments,
    position: Position,
    cursors: Mapping[str, Plain],
) -> None:
    """Save everything or nothing. On failure the effects stay with the pipeline, for the next try."""
    effects = pipeline.take_effects()
    try:
        with store.transaction() as transaction:
            transaction.put("position", {"at": list(position)})
            transaction.put("series", pipeline.series.plain())
            transaction.put("own", own.plain())
            transaction.put("increments", increments.plain())
            transaction.put("joins", {"held": [join.plain() for join in pipeline.joins]})
            transaction.put("alerting", pipeline.alerting.plain())
            transaction.put("changes", pipeline.changes.plain())
            transaction.put("arrivals", dict(pipeline.arrivals))
            for source, cursor in cursors.items():
                transaction.put(f"cursor/{source}", cursor)
            for stream, windows in pipeline.streams.items():
                key = "/".join(stream)
                head = {"stream": list(stream), "config": pipeline.fingerprint(stream.endpoint)}
                if windows.touched:
                    transaction.put(f"open/{key}", {**head, **windows.plain()})
                if windows.changed:
                    for name, state in windows.states.items():
                        transaction.put(f"state/{key}/{name}", {**head, "detector": name, "state": state.plain()})
            transaction.add_ids(pipeline.recent)
            for closed in effects.windows:
                start, end = to_nanoseconds(closed.window.start), to_nanoseconds(closed.window.end)
                transaction.add_window(closed.stream, start, end, window_record(closed))
            for record in effects.audits:
                transaction.add_audit(record)
            transaction.enqueue(effects.points, effects.events)
    except BaseException:
        pipeline.put_back(effects)
        raise
    for windows in pipeline.streams.values():
        windows.changed = windows.touched = False


def restore(store: Store, pipeline: Pipeline, own: Series, increments: Increments, now: datetime) -> Position | None:
    """Take back all but the streams; return where to go on in the spool, None for a fresh store."""
    saved = store.get("position")
    if saved is None:
        return None
    known = metrics()
    for series, key in ((pipeline.series, "series"), (own, "own")):
        series.restore(store.get(key) or {"counters": [], "histograms": []}, known)
    increments.restore(store.get("increments") or {"since": 0, "sent": []})
    pipeline.tell(pipeline.alerting.restore(store.get("alerting"), now))
    pipeline.changes.restore(store.get("changes"))
    pipeline.arrivals.update(store.get("arrivals") or {})
    store.restore_ids(pipeline.recent)
    return Position(*saved["at"])


def restore_streams(store: Store, pipeline: Pipeline) -> None:
    """Take back open windows and detector states. States of a configuration that scores otherwise are left behind."""
    states: dict[Stream, dict[str, Plain]] = {}
    for _, record in store.items("state/"):
        stream = Stream(*record["stream"])
        if record["config"] == pipeline.fingerprint(stream.endpoint):
            states.setdefault(stream, {})[record["detector"]] = record["state"]
    for _, record in store.items("open/"):
        stream = Stream(*record["stream"])
        if record["config"] == pipeline.fingerprint(stream.endpoint):
            pipeline.open_stream(stream, states.get(stream, {})).restore(record)


def held(store: Store, number: int) -> Plain | None:
    """Return what the join of that number held back when it was saved, None for a fresh store."""
    saved = store.get("joins")
    return saved["held"][number] if saved and number < len(saved["held"]) else None


def window_record(closed: ClosedWindow) -> Plain:
    """Return a closed window as data."""
    return {
        "rows": closed.rows,
        "scores": [[score.metric.name, score.value, dict(score.attributes)] for score in closed.scores],
        "findings": [asdict(finding) for finding in closed.findings],
        "profiles": dict(closed.profiles),
        "sample": closed.sample,
    }
