"""Saves what a stretch of the spool led to, in one transaction with the cursor, and takes it back at the start."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from agent.clock import to_nanoseconds
from agent.effects import ClosedWindow, Effects
from agent.errors import DriftlineError
from agent.increments import Increments
from agent.labels.realised import key as follow_key
from agent.pipeline import Pipeline
from agent.series import Series
from agent.sources.otlp.count_join import CountJoin
from agent.spool.position import Position
from agent.store.store import Store
from agent.store.transaction import Transaction
from agent.stream import StreamWindows
from detectors.catalog import metrics
from detectors.types import Persistent, Piecemeal, Plain, Stream

if TYPE_CHECKING:
    from agent.labels.late import LateLabels


def save(
    store: Store,
    pipeline: Pipeline,
    own: Series,
    increments: Increments,
    position: Position,
    cursors: Mapping[str, Plain],
) -> None:
    """Save everything or nothing. On failure the effects stay with the pipeline, for the next try.

    Raises Transient where the store cannot be written now. What cannot be written as data at all (a detector of somebody
    else may hold anything) is told as a fault and left out, so that the rest is saved.
    """
    effects, told = pipeline.take_effects(), Counter[tuple[str, str]]()
    try:
        with store.transaction() as transaction:
            told = _put_labels(transaction, pipeline.late, effects)
            transaction.put("position", {"at": list(position)})
            transaction.put("series", pipeline.series.plain())
            transaction.put("own", own.plain())
            transaction.put("increments", increments.plain())
            transaction.put("joins", {"held": [join.plain() for join in pipeline.joins]})
            put_counts(transaction, pipeline.counts)
            transaction.put("cold_starts", pipeline.cold_starts.plain())
            transaction.put("upstream", pipeline.upstream.plain())
            transaction.put("alerting", pipeline.alerting.plain())
            transaction.put("changes", pipeline.changes.plain())
            transaction.put("retraining", pipeline.retraining.plain())
            transaction.put("arrivals", dict(pipeline.arrivals))
            for key, spent in pipeline.spent.items():
                transaction.put(key, spent)
            for source, cursor in cursors.items():
                transaction.put(f"cursor/{source}", cursor)
            transaction.put("endpoints", {"names": sorted(pipeline.config.endpoints)})
            if effects.windows or effects.realised:
                transaction.put("gauges", pipeline.series.plain_gauges())
            for stream, windows in pipeline.streams.items():
                _put_stream(transaction, pipeline, stream, windows)
            transaction.add_ids(pipeline.recent)
            for closed in effects.windows:
                start, end = to_nanoseconds(closed.window.start), to_nanoseconds(closed.window.end)
                with _told(pipeline, "window", closed.stream, closed.rows):
                    transaction.add_window(closed.stream, start, end, window_record(closed))
            for record in effects.audits:
                transaction.add_audit(record)
            transaction.enqueue(effects.points, effects.events)
    except BaseException:
        pipeline.put_back(effects)
        _finish_labels(pipeline.late, told, saved=False)
        raise
    _finish_labels(pipeline.late, told, saved=True)
    pipeline.counts.saved()
    for windows in pipeline.streams.values():
        if windows.changed:
            windows.pieces = {name: frozenset(state.pieces()) for name, state in windows.states.items() if isinstance(state, Piecemeal)}
        windows.changed = windows.touched = False


def put_counts(transaction: Transaction, counts: CountJoin) -> None:
    """Save what is remembered of senders of metrics; each is a part of its own, for there may be thousands."""
    transaction.put("metrics", counts.plain())
    for sender, plain in counts.senders():
        if plain is None:
            transaction.forget(f"sender/{sender}")
        else:
            transaction.put(f"sender/{sender}", plain)


def saved_senders(store: Store) -> dict[int, Plain]:
    """Return what was remembered of senders when it was saved last."""
    return {int(key.removeprefix("sender/")): saved for key, saved in store.items("sender/")}


def _put_labels(transaction: Transaction, late: "LateLabels | None", effects: Effects) -> Counter[tuple[str, str]]:
    """Save what labels said, then join new ones; return what became of these."""
    # In this order: a window that gets more labels now stays to be judged.
    for found in effects.realised:
        found.save(transaction.labels)
        if found.follow is not None:
            transaction.put(follow_key(found.stream), found.follow)
    if late is None:
        # Nobody expects labels any more: nothing of theirs is kept.
        transaction.labels.keep_only(())
        transaction.labels.verdicts.keep_only(())
        return Counter()
    return late.settle(transaction.labels) if late.waits else Counter()


def _finish_labels(late: "LateLabels | None", told: Counter[tuple[str, str]], *, saved: bool) -> None:
    if late is not None and saved:
        late.settled()
    elif late is not None:
        late.undo(told)


def _put_stream(transaction: Transaction, pipeline: Pipeline, stream: Stream, windows: StreamWindows) -> None:
    key = "/".join(stream)
    head = {"stream": list(stream), "config": pipeline.fingerprint(stream.endpoint)}
    if windows.touched:
        with _told(pipeline, "window", stream, 1):
            transaction.put(f"open/{key}", {**head, **windows.plain()})
    if windows.changed:
        for name, state in windows.states.items():
            reference = pipeline.beginnings.mark(stream, name) or ""
            with _told(pipeline, name, stream, 1):
                plain = _put_pieces(transaction, _piece_key(stream, name), state, windows.pieces.get(name))
                transaction.put(f"state/{key}/{name}", {**head, "detector": name, "reference": reference, "state": plain})


def _piece_key(stream: Stream, name: str) -> str:
    # The pieces of `drift/2` must not lie among those of `drift`, which are found by their beginning.
    return "/".join((*stream, name.replace("/", ":")))


def _put_pieces(transaction: Transaction, key: str, state: Persistent, known: frozenset[str] | None) -> Plain:
    """Save the pieces of a state that are not among those `known` to be saved, forget those that are gone; return its rest."""
    if not isinstance(state, Piecemeal):
        return state.plain()
    pieces = state.pieces()
    if known is None:
        transaction.delete(f"piece/{key}/")
    for name in (known or frozenset()) - pieces.keys():
        transaction.forget(f"piece/{key}/{name}")
    for name in pieces.keys() - (known or frozenset()):
        transaction.put(f"piece/{key}/{name}", {"bytes": pieces[name]})
    return state.head()


def _get_pieces(store: Store, key: str) -> Mapping[str, bytes]:
    prefix = f"piece/{key}/"
    return {name.removeprefix(prefix): value["bytes"] for name, value in store.items(prefix)}


@contextmanager
def _told(pipeline: Pipeline, where: str, stream: Stream, rows: int) -> Iterator[None]:
    try:
        yield
    except (DriftlineError, sqlite3.Error):
        raise
    except Exception as error:  # noqa: BLE001 - whatever a detector keeps, the others are saved
        pipeline.faults.tell(where, stream.endpoint, rows, error)


def restore(store: Store, pipeline: Pipeline, own: Series, increments: Increments, now: datetime) -> Position | None:
    """Take back all but the streams; return where to go on in the spool, None for a fresh store."""
    saved = store.get("position")
    if saved is None:
        return None
    known = metrics()
    for series, key in ((pipeline.series, "series"), (pipeline.series, "gauges"), (own, "own")):
        series.restore(store.get(key) or {}, known)
    increments.restore(store.get("increments") or {"since": 0, "sent": []})
    gone = set((store.get("endpoints") or {"names": ()})["names"]) - set(pipeline.config.endpoints)
    pipeline.tell(pipeline.alerting.restore(store.get("alerting"), now, gone))
    pipeline.changes.restore(store.get("changes"))
    pipeline.cold_starts.restore(store.get("cold_starts"))
    pipeline.upstream.restore(store.get("upstream"))
    pipeline.retraining.restore(store.get("retraining"))
    arrivals = store.get("arrivals") or {}
    pipeline.arrivals.update({name: seen for name, seen in arrivals.items() if name not in gone})
    store.restore_ids(pipeline.recent)
    return Position(*saved["at"])


def restore_streams(store: Store, pipeline: Pipeline) -> None:
    """Take back open windows and detector states; one that cannot be read begins anew and the others go on.

    Left behind are states of a configuration that scores otherwise, and those that began from another reference than
    there is now, with what their open windows counted. Where a reference was accepted for a stream since, it is taken up.
    """
    states: dict[Stream, dict[str, Plain]] = {}
    overtaken: list[tuple[Stream, str]] = []
    for _, record in store.items("state/"):
        stream = Stream(*record["stream"])
        place = (stream, record["detector"])
        fits = pipeline.beginnings.mark(*place) in {None, record["reference"]}
        if not fits and place in pipeline.beginnings.own:
            overtaken.append(place)
        if record["config"] == pipeline.fingerprint(stream.endpoint) and (fits or place in pipeline.beginnings.own):
            pieces = _get_pieces(store, _piece_key(stream, record["detector"]))
            states.setdefault(stream, {})[record["detector"]] = {**record["state"], "pieces": pieces} if pieces else record["state"]
    for _, record in store.items("open/"):
        stream = Stream(*record["stream"])
        if record["config"] == pipeline.fingerprint(stream.endpoint):
            with _told(pipeline, "checkpoint", stream, 1):
                found = states.get(stream, {})
                windows = pipeline.open_stream(stream, found)
                windows.restore(record, found.keys())
                windows.pieces = {name: frozenset(state["pieces"]) for name, state in found.items() if "pieces" in state}
    for stream, name in overtaken:
        with _told(pipeline, "checkpoint", stream, 1):
            pipeline.begin_again(stream, name)


def saved_states(store: Store, endpoint: str, fingerprint: str | None = None) -> Iterator[tuple[Stream, str, Plain]]:
    """Yield stream, detector and state of what an endpoint's streams had when they were saved last; `fingerprint`: under it only."""
    for _, record in store.items("state/"):
        stream = Stream(*record["stream"])
        if stream.endpoint == endpoint and fingerprint in {None, record["config"]}:
            yield stream, record["detector"], {**record["state"], "pieces": _get_pieces(store, _piece_key(stream, record["detector"]))}


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
