"""Notices when what answers changes: another model, version, fingerprint or deployment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors import catalog
from detectors.types import Batch, Category, Plain, Score, Stream, Total
from detectors.usage.seen import Seen

What = Literal["deployment", "model", "version", "fingerprint", "reference"]

PARTS: tuple[What, ...] = ("model", "version", "fingerprint")
WINDOWS_REMEMBERED = 8
REMEMBERED_AT_LEAST = timedelta(hours=1)
MOST_STREAMS = 200
_LONGEST = 100
_FIELDS = ("deployment", "traffic", *PARTS)
_MISSING = {"deployment": "default", "traffic": "live"}


class Sighting(NamedTuple):
    """One combination that answered calls of a batch; "" where a call did not say."""

    first: int
    """Event time of its first call in the batch, nanoseconds."""
    last: int
    deployment: str
    traffic: str
    model: str
    version: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Change:
    """Something else answers than before."""

    id: str
    """The same however often the same input is read."""
    stream: Stream
    what: What
    old: str
    new: str
    time: int
    """Event time of the first call that showed it, nanoseconds."""


@dataclass(frozen=True, slots=True)
class Known:
    """What has answered an endpoint lately."""

    deployments: Mapping[str, Seen] = field(default_factory=dict)
    """By traffic."""
    streams: Mapping[tuple[str, str], Mapping[str, Seen]] = field(default_factory=dict)
    """By deployment and traffic, then by part: model, version, fingerprint."""
    heard: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By deployment and traffic: event time of the newest call, nanoseconds."""

    def plain(self) -> Plain:
        """Return the state as data."""
        return {
            "deployments": {traffic: seen.plain() for traffic, seen in self.deployments.items()},
            "streams": [
                [*key, self.heard[key], {part: seen.plain() for part, seen in parts.items()}] for key, parts in self.streams.items()
            ],
        }


def restore(saved: Plain | None) -> Known:
    """Return the state that `Known.plain` gave, or a fresh one for None."""
    if saved is None:
        return Known()
    return Known(
        {traffic: Seen(**seen) for traffic, seen in saved["deployments"].items()},
        {(deployment, traffic): {part: Seen(**seen) for part, seen in parts.items()} for deployment, traffic, _, parts in saved["streams"]},
        {(deployment, traffic): last for deployment, traffic, last, _ in saved["streams"]},
    )


def sightings(batch: Batch, times: NDArray[np.int64]) -> tuple[Sighting, ...]:
    """Return the distinct combinations of a batch of calls or of their counts, in order of first call; `times` are nanoseconds, one a call."""
    if batch.kind not in {"calls", "call_counts"} or not batch.rows:
        return ()
    columns = [_category(batch, name) for name in _FIELDS]
    key = np.zeros(batch.rows, np.int64)
    for column in columns:
        key = key * (len(column.values) + 1) + (column.codes + 1)
    size = int(np.prod([len(column.values) + 1 for column in columns], dtype=np.float64))
    if size > 4 * batch.rows + 1000:
        _, key = np.unique(key, return_inverse=True)
        size = int(key.max()) + 1
    first, last, row = np.full(size, np.iinfo(np.int64).max), np.full(size, np.iinfo(np.int64).min), np.full(size, -1)
    np.minimum.at(first, key, times)
    np.maximum.at(last, key, times)
    row[key] = np.arange(batch.rows)
    found = []
    for index in np.flatnonzero(row >= 0).tolist():
        codes = [int(column.codes[row[index]]) for column in columns]
        names = [
            _MISSING.get(name, "") if code < 0 else column.values[code][:_LONGEST]
            for name, column, code in zip(_FIELDS, columns, codes, strict=True)
        ]
        found.append(Sighting(int(first[index]), int(last[index]), *names))
    return tuple(sorted(found))


def step(known: Known, endpoint: str, seen: Sequence[Sighting], window: timedelta) -> tuple[Known, tuple[Change, ...]]:
    """Take in what answered a batch, and tell what changed by it. The first value of a stream is its start, not a change.

    Values that alternate, as in a rollout, are told once each: a value is forgotten only when others answered for 8 windows
    (at least an hour) without it. Deployments met within one window of an endpoint's start belong to the start.
    """
    remember = int(max(WINDOWS_REMEMBERED * window, REMEMBERED_AT_LEAST) / timedelta(microseconds=1)) * 1000
    settle = int(window / timedelta(microseconds=1)) * 1000
    deployments, streams, heard, changes = dict(known.deployments), dict(known.streams), dict(known.heard), list[Change]()
    for one in seen:
        key = (one.deployment, one.traffic)
        stream, parts = Stream(endpoint, *key), dict(streams.pop(key, {}))
        deployments[one.traffic], old = Seen.take(deployments.get(one.traffic), one.deployment, one.first, one.last, remember, settle)
        if old is not None:
            changes.append(_change(stream, "deployment", old, one.deployment, one.first))
        for part in PARTS:
            value: str = getattr(one, part)
            if value:
                parts[part], old = Seen.take(parts.get(part), value, one.first, one.last, remember)
                if old is not None:
                    changes.append(_change(stream, part, old, value, one.first))
        # Put back last: the streams that were quiet longest are the first to be forgotten.
        streams[key] = parts
        heard[key] = max(heard.get(key, one.last), one.last)
    kept = dict(list(streams.items())[-MOST_STREAMS:])
    return Known(deployments, kept, {key: heard[key] for key in kept}), tuple(changes)


def totals(changes: Sequence[Change]) -> Iterator[tuple[Stream, Total]]:
    """Yield the increases of `driftline.changes`."""
    for change in changes:
        yield change.stream, Total(catalog.CHANGES, {"change": change.what}, 1)


def reference_change(stream: Stream, old: str, new: str, time: int) -> Change:
    """Return the change that a person made by accepting another reference; `time` in nanoseconds."""
    return _change(stream, "reference", old, new, time)


def answering(known: Known, endpoint: str, since: int) -> Iterator[tuple[Stream, Score]]:
    """Yield `driftline.deployment.info` of the streams that answered since then (nanoseconds); unknown parts say so."""
    for (deployment, traffic), parts in known.streams.items():
        if known.heard[deployment, traffic] >= since:
            attributes: dict[str, str] = {part: parts[part].current if part in parts else "unknown" for part in PARTS}
            yield Stream(endpoint, deployment, traffic), Score(catalog.DEPLOYMENT_INFO, 1, attributes)


def _change(stream: Stream, what: What, old: str, new: str, time: int) -> Change:
    text = "|".join((*stream, what, old, new, str(time)))
    return Change(sha256(text.encode()).hexdigest(), stream, what, old, new, time)


def _category(batch: Batch, name: str) -> Category:
    column = batch.columns.get(name)
    return column if isinstance(column, Category) else Category(np.full(batch.rows, -1, np.int32), ())
