"""Which streams a batch belongs to, and what tells a row that came twice from another of the same id."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.names import harmless
from agent.series import OTHER
from agent.store.dedup import RecentIds
from detectors.types import Batch, Category, Stream

DEPLOYMENTS = 50
"""Deployments an endpoint may have; the rest share `__other__`."""
TRAFFIC = ("live", "mirror", "canary", "batch")

Rows = NDArray[np.intp]


class Part(NamedTuple):
    """The rows of one stream in a batch."""

    stream: Stream
    fresh: Rows | None
    """Rows to count; None: all of the batch."""
    doubled: Rows
    """Rows whose id was there before."""


class Splitter:
    """Names the streams, a bounded number an endpoint."""

    def __init__(self) -> None:
        self._known: dict[str, list[str]] = {}
        self._salts: dict[Stream, np.uint64] = {}

    def know(self, stream: Stream) -> None:
        """Take a stream as one of those there are."""
        known = self._known.setdefault(stream.endpoint, [])
        if stream.deployment not in (*known, OTHER):
            known.append(stream.deployment)

    def parts(self, batch: Batch, recent: RecentIds) -> Iterator[Part]:
        """Yield the parts of a batch, each stream once; ids are unique within a stream, not beyond."""
        ids = batch.columns.get("id")
        none = np.zeros(0, np.intp)
        for stream, rows in self._streams(batch):
            if not isinstance(ids, np.ndarray):
                yield Part(stream, rows, none)
                continue
            fresh = recent.admit(self._own(stream, ids if rows is None else ids[rows]))
            if fresh.all():
                yield Part(stream, rows, none)
            else:
                chosen = np.arange(batch.rows) if rows is None else rows
                yield Part(stream, chosen[fresh], chosen[~fresh])

    def _own(self, stream: Stream, ids: NDArray[np.generic]) -> NDArray[np.uint64]:
        """Return ids that differ from those of other streams; 0, which is no id, stays 0."""
        salt = self._salts.get(stream)
        if salt is None:
            salt = self._salts[stream] = np.uint64(int.from_bytes(blake2b("\0".join(stream).encode(), digest_size=8).digest(), "little"))
        given = ids.astype(np.uint64, copy=False)
        own: NDArray[np.uint64] = given ^ salt
        own[own == 0] = 1
        own[given == 0] = 0
        return own

    def _streams(self, batch: Batch) -> Iterable[tuple[Stream, Rows | None]]:
        deployments = _coded(batch, "deployment", "default")
        traffic = _coded(batch, "traffic", "live")
        pairs = deployments.codes.astype(np.int64) * len(traffic.values) + traffic.codes
        first = int(pairs[0])
        if bool((pairs == first).all()):
            return [(self._name(batch.endpoint, deployments, traffic, first), None)]
        named: dict[Stream, list[int]] = {}
        for pair in np.unique(pairs).tolist():
            named.setdefault(self._name(batch.endpoint, deployments, traffic, pair), []).append(pair)
        if len(named) == 1:
            return [(next(iter(named)), None)]
        return [(stream, np.flatnonzero(np.isin(pairs, members))) for stream, members in named.items()]

    def _name(self, endpoint: str, deployments: Category, traffic: Category, pair: int) -> Stream:
        deployment, kind = divmod(pair, len(traffic.values))
        known = self._known.setdefault(endpoint, [])
        # What cannot be written as UTF-8 would stop every page and every sink it comes to.
        name = harmless(deployments.values[deployment])
        if name not in known:
            if len(known) < DEPLOYMENTS:
                known.append(name)
            else:
                name = OTHER
        traffic_kind = traffic.values[kind]
        return Stream(endpoint, name, traffic_kind if traffic_kind in TRAFFIC else "live")


def _coded(batch: Batch, name: str, missing: str) -> Category:
    """Return a category column without missing values."""
    column = batch.columns.get(name)
    if not isinstance(column, Category):
        return Category.constant(missing, batch.rows)
    if column.codes.size and int(column.codes.min()) >= 0:
        return column
    return Category(np.where(column.codes < 0, len(column.values), column.codes).astype(np.int32), (*column.values, missing))


def fresh(batch: Batch, times: NDArray[np.int64], parts: Sequence[Part], doubled: int) -> tuple[Batch, NDArray[np.int64]]:
    """Return the rows that were not there before."""
    if not doubled:
        return batch, times
    kept = np.ones(batch.rows, np.bool_)
    for part in parts:
        kept[part.doubled] = False
    rows = np.flatnonzero(kept)
    return batch.take(rows), times[rows]
