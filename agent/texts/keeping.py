"""Texts on disk as the agent uses them: what cannot be kept is counted, and costs nobody anything else."""

import logging
from collections.abc import Sequence

import numpy as np

from agent.clock import to_nanoseconds
from agent.effects import ClosedWindow
from agent.errors import DriftlineError
from agent.judges.task import Item
from agent.names import harmless
from agent.seldom import Seldom
from agent.series import Series
from agent.texts.kept import Arrived, KeptTexts
from detectors.catalog import AGENT_DROPPED
from detectors.types import Batch, Category

_log = logging.getLogger(__name__)


class Keeping:
    """`put` comes from the listeners' threads, `closed` from the engine's, `sweep` from the schedule's."""

    def __init__(self, kept: KeptTexts, series: Series) -> None:
        self.kept = kept
        self._series = series
        self._seldom = Seldom()

    def put(self, batch: Batch, items: Sequence[tuple[int, Item]]) -> None:
        """Keep redacted texts, each with its row in the batch, until their windows close."""
        if not items:
            return
        ids, times = np.asarray(batch.columns["id"], np.uint64), np.asarray(batch.columns["time"], np.int64)
        named = (_named(batch, name, missing) for name, missing in (("deployment", "default"), ("traffic", "live")))
        deployments, traffic = named
        arrived = [Arrived(int(ids[row]), int(times[row]), deployments[row], traffic[row], item) for row, item in items]
        try:
            self.kept.put(batch.endpoint, arrived)
        except DriftlineError as error:
            self._failed(error, len(arrived))

    def closed(self, closed: ClosedWindow) -> None:
        """Keep the texts of a window's sample, and let the others go."""
        if closed.stream.endpoint not in self.kept.endpoints:
            return
        try:
            self.kept.closed(closed.stream, to_nanoseconds(closed.window.start), to_nanoseconds(closed.window.end), closed.calls)
        except DriftlineError as error:
            self._failed(error, 0 if closed.calls is None else closed.calls.rows)

    def sweep(self) -> None:
        """Delete what is too old or too much."""
        try:
            self.kept.sweep()
        except DriftlineError as error:
            self._failed(error, 0)
        self._series.add(AGENT_DROPPED, self.kept.take_lost()["size"], source="texts", reason="size")

    def _failed(self, error: DriftlineError, texts: int) -> None:
        self._series.add(AGENT_DROPPED, texts, source="texts", reason="unkept")
        if self._seldom.may("texts"):
            _log.error("texts are not kept: %s", error)


def _named(batch: Batch, name: str, missing: str) -> list[str]:
    column = batch.columns.get(name)
    values = column.decode() if isinstance(column, Category) else [None] * batch.rows
    return [harmless(value) if value else missing for value in values]
