"""Tells of changes of what answers, and shows what answers now."""

from collections.abc import Callable, Iterator
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from agent.clock import to_nanoseconds
from agent.config import Endpoint
from agent.point import Point
from agent.series import Series
from alerts.change_event import change_event
from alerts.event import Event
from detectors.types import Batch, Plain, Stream
from detectors.usage import change
from detectors.usage.change import Known


class Changes:
    """What has answered each endpoint lately; a change is told with the batch that shows it."""

    def __init__(self, series: Series, endpoint: Callable[[str], Endpoint]) -> None:
        self._series = series
        self._endpoint = endpoint
        self._known: dict[str, Known] = {}

    def observe(self, endpoint: Endpoint, batch: Batch, times: NDArray[np.int64]) -> list[Event]:
        """Take in a batch of calls and return an event for each change."""
        seen = change.sightings(batch, times)
        if not seen:
            return []
        before = self._known.get(endpoint.name, Known())
        self._known[endpoint.name], found = change.step(before, endpoint.name, seen, endpoint.window)
        for stream, total in change.totals(found):
            self._series.absorb([total], stream._asdict())
        return [change_event(one) for one in found]

    def present(self, now: datetime) -> Iterator[Point]:
        """Yield `driftline.deployment.info` of what answered within the last two windows."""
        for name, known in list(self._known.items()):
            since = to_nanoseconds(now - 2 * self._endpoint(name).window)
            for stream, score in change.answering(known, name, since):
                attributes = {**stream._asdict(), **score.attributes}
                yield Point(score.metric, tuple(sorted(attributes.items())), score.value, to_nanoseconds(now))

    def answering(self, stream: Stream, since: datetime) -> dict[str, str]:
        """Return what has answered a stream since some time, as far as it is known: model, version, fingerprint."""
        found = change.answering(self._known.get(stream.endpoint, Known()), stream.endpoint, to_nanoseconds(since))
        parts = next((score.attributes for other, score in found if other == stream), {})
        return {part: value for part, value in parts.items() if value != "unknown"}

    def plain(self) -> Plain:
        """Return everything as data."""
        return {name: known.plain() for name, known in self._known.items()}

    def restore(self, saved: Plain | None) -> None:
        """Take back what `plain` returned."""
        self._known = {name: change.restore(known) for name, known in (saved or {}).items()}
