"""Gives each call the number of calls it stands for: as its sender says, as configured, or as its client's metrics show."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from agent.config import Endpoint
from agent.upstream.hidden_rate import HiddenRates
from detectors.types import Batch, Category, Plain, Stream
from detectors.usage.thinning import MOST, WEIGHT

_log = logging.getLogger(__name__)

Floats = NDArray[np.float64]


class Upstream:
    """Weighs calls before they are counted; used from one thread, in order of arrival.

    A stream one of whose calls ever stood for several is thinned: from then on all its calls have a weight, so that its
    estimates are of all its clients together.
    """

    def __init__(self, endpoint: Callable[[str], Endpoint]) -> None:
        self.hidden = HiddenRates()
        self.thinned: dict[Stream, dict[str, float]] = {}
        """Stream to how large a part of the calls came lately, by where that is known from: `tracestate`, `configured` or `inferred`."""
        self._endpoint = endpoint

    def weigh(self, stream: Stream, batch: Batch, times: NDArray[np.int64], received: int) -> Batch:
        """Return the batch of one stream with its weights, where any call may stand for several; `times` and `received` in nanoseconds."""
        if batch.kind != "calls" or not batch.rows:
            return batch
        endpoint, given = self._endpoint(stream.endpoint), batch.columns.get(WEIGHT)
        hears = self.hidden.hears(stream.endpoint)
        if given is None and endpoint.sampled_upstream is None and not hears and stream not in self.thinned:
            return batch
        weights = given.astype(np.float64) if isinstance(given, np.ndarray) else np.full(batch.rows, np.nan)
        if endpoint.sampled_upstream is not None:
            basis, others = "configured", np.full(batch.rows, 1 / endpoint.sampled_upstream)
        else:
            basis, others = "inferred", np.ones(batch.rows)
            if hears:
                self.hidden.seen(batch, times, weights, received)
                others = self._inferred(batch)
        known = np.isfinite(weights)
        found = np.clip(np.where(known, weights, others), 1.0, MOST)
        self._tell(stream, {"tracestate": found[known], basis: found[~known]})
        columns = dict(batch.columns)
        columns.pop(WEIGHT, None)
        return replace(batch, columns={**columns, WEIGHT: found} if stream in self.thinned else columns)

    def _inferred(self, batch: Batch) -> Floats:
        clients = batch.columns.get("client")
        if not isinstance(clients, Category):
            return np.ones(batch.rows)
        parts = [self.hidden.probability(batch.endpoint, client) for client in clients.values]
        # The last one is of calls without a client.
        return np.array([*(1 / part if part else 1.0 for part in parts), 1.0])[clients.codes]

    def _tell(self, stream: Stream, weights: Mapping[str, Floats]) -> None:
        """Note how large a part came, where it is not all, and say so the first time."""
        for basis, found in weights.items():
            if not len(found) or (float(found.max()) <= 1 and basis not in self.thinned.get(stream, ())):
                continue
            part = len(found) / float(found.sum())
            if stream not in self.thinned:
                _log.info("endpoint %s, deployment %s: %s", stream.endpoint, stream.deployment, sentence({basis: part}))
            self.thinned.setdefault(stream, {})[basis] = part

    def plain(self) -> Plain:
        """Return everything as data; `restore` takes it back."""
        return {"thinned": [[list(stream), parts] for stream, parts in self.thinned.items()], "hidden": self.hidden.plain()}

    def restore(self, saved: Plain | None) -> None:
        """Take back what `plain` returned."""
        if saved is not None:
            self.thinned = {Stream(*stream): dict(parts) for stream, parts in saved["thinned"]}
            self.hidden.restore(saved["hidden"])


def sentence(parts: Mapping[str, float]) -> str:
    """Return what a person is to know of a stream that is thinned.

    >>> sentence({"tracestate": 0.1})
    'sampled upstream, about one call in 10 comes (tracestate): totals are estimates'
    """
    told = ", ".join(f"about one call in {1 / part:.3g} comes ({basis})" for basis, part in parts.items())
    return f"sampled upstream, {told}: totals are estimates"
