"""Rows that Azure ML's data collector stores as append blobs: inputs and outputs of an endpoint's deployments."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from heapq import heappop, heappush
from typing import TYPE_CHECKING

import numpy as np

from agent.clock import from_nanoseconds, to_nanoseconds
from agent.rows.decode import CollectorLines
from agent.rows.events import Assembly
from agent.rows.pair import RowJoiner
from agent.rows.table import COLLECTIONS
from agent.rows.tail import Step, follow
from agent.sources import Context, Poll
from agent.sources.azureml_blob import Blob, Vanished
from agent.sources.azureml_cursor import Cursor, Read, complete
from agent.sources.azureml_periods import Rate, folders, period_of, start_of
from agent.sources.history import between
from agent.sources.rows import drop, dropper, shape_of
from agent.windowing import window_starts
from detectors.types import Batch, Plain

if TYPE_CHECKING:
    from agent.sources.azureml_container import Container

_LONG = timedelta(days=40)
"""A longer span is not listed day by day: it may be all there ever was."""


@dataclass(frozen=True, slots=True)
class AzuremlBlobs:
    """Collected data in a blob container, followed as it grows; needs the role Storage Blob Data Reader."""

    container: str
    """The container of the workspace's datastore."""
    endpoint: str
    """Name of the online endpoint in Azure ML."""
    account: str | None = None
    """Name of the storage account. Give this, `account_url` or `connection_string`."""
    account_url: str | None = None
    """Address of the account, where it does not end in blob.core.windows.net."""
    connection_string: str | None = None
    """Used instead of the agent's Azure identity."""
    deployment: str | None = None
    """Only this deployment; otherwise all."""
    prefix: str = "modelDataCollector"
    """Folder in the container."""
    collections: tuple[str, ...] = COLLECTIONS
    """Names of the collections of inputs and outputs, or of the only one."""
    rolling_rate: Rate = "hour"
    """How often the collector starts a new folder."""
    since: timedelta = timedelta(hours=2)
    """How far back the first poll goes; with `reference.history`, to the beginning of the window that is open at least. What is older is
    read only as history."""
    every: timedelta = timedelta(seconds=30)
    """Time between polls."""

    def __post_init__(self) -> None:
        given = [name for name in ("account", "account_url", "connection_string") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give one of account, account_url and connection_string, not {' and '.join(given) or 'none'}")
        if len(self.collections) not in {1, 2} or len(set(self.collections)) < len(self.collections):
            raise ValueError("collections must name inputs and outputs, or one collection of whole rows")

    @property
    def address(self) -> str:
        """Address of the account, where no connection string says it."""
        return self.account_url or f"https://{self.account}.blob.core.windows.net"

    def poll(self, context: Context, cursor: Plain | None) -> Iterator[Poll]:
        """Yield what was appended since `cursor`. Half lines wait; a blob that vanishes is counted, the others go on."""
        now = context.clock.now()
        state = Cursor.restore(cursor, start_of(self._first(context, now), self.rolling_rate))
        listed = self._listed(state.start, now)
        quiet = {period for period, blobs in listed.items() if not any(state.changed(blob) for blob, _ in blobs)}
        for period in sorted(listed.keys() - quiet):
            for step in self._steps(context, state, period, listed[period]):
                drop(context, step.dropped)
                yield Poll(step.batches, state.plain())
        lost = state.forget(now, self.rolling_rate, quiet=quiet, listed={blob.name for blobs in listed.values() for blob, _ in blobs})
        dropper(context)("vanished", lost)
        if state.plain() != cursor:
            yield Poll((), state.plain())

    def history(self, context: Context, since: timedelta) -> Iterator[Batch]:
        """See agent.sources.history.Historical. Inputs and outputs up to two periods apart are joined."""
        now = context.clock.now()
        state = Cursor(start_of(now - since, self.rolling_rate))
        joiner = RowJoiner(dropper(context), timedelta(0), limit=500_000)
        listed = self._listed(state.start, now)
        for number, period in enumerate(sorted(listed)):
            # Counted in periods, not in seconds: what still waits after the next one has no other half.
            yield from between(joiner.due(number - 2), now - since, now)
            for step in self._steps(context, state, period, listed[period]):
                drop(context, step.dropped)
                for batch in step.batches:
                    yield from between(joiner.push(batch, number), now - since, now)
            state.blobs.clear()
        yield from between(joiner.due(float("inf")), now - since, now)

    def _first(self, context: Context, now: datetime) -> datetime:
        """Return where the first poll begins. History ends where the window that is open begins: between the two nothing may be left."""
        endpoint = context.endpoint
        if endpoint is None or endpoint.reference.history is None:
            return now - self.since
        opened = window_starts(np.array([to_nanoseconds(now)]), endpoint.window, endpoint.timezone)[0]
        return min(now - self.since, from_nanoseconds(int(opened)))

    def _listed(self, start: datetime, now: datetime) -> dict[datetime, list[tuple[Blob, str]]]:
        """Return the blobs of each period with their deployment."""
        container, found = _container(self), dict[datetime, list[tuple[Blob, str]]]()
        root = f"{self.prefix.strip('/')}/{self.endpoint}/"
        for deployment in [self.deployment] if self.deployment is not None else container.folders(root):
            for collection in self.collections:
                base = f"{root}{deployment}/{collection}/"
                for folder in self._folders(container, base, start, now):
                    for blob in container.blobs(base + folder):
                        period = period_of(blob.name.removeprefix(base), self.rolling_rate)
                        if period is not None and period >= start:
                            found.setdefault(period, []).append((blob, deployment))
        return found

    def _folders(self, container: "Container", base: str, start: datetime, now: datetime) -> Iterator[str]:
        """Yield the folders below a collection to list: by the clock for a short span, else the months that are there."""
        if now - start <= _LONG:
            yield from folders(start, now, self.rolling_rate)
            return
        for year in container.folders(base):
            if self.rolling_rate == "year":
                yield f"{year}/"
            elif year >= f"{start:%Y}":
                months = container.folders(f"{base}{year}/")
                yield from (f"{year}/{month}/" for month in months if f"{year}/{month}" >= f"{start:%Y/%m}")

    def _steps(self, context: Context, state: Cursor, period: datetime, blobs: list[tuple[Blob, str]]) -> Iterator[Step]:
        """Read the blobs of a period side by side, always the one that is furthest behind in event time.

        So inputs meet their outputs soon, and the rows of one instance do not make those of another late.
        """
        waiting: list[tuple[int, int]] = []
        readers = [self._reader(context, state, period, blob, deployment) for blob, deployment in blobs if state.changed(blob)]
        for number in range(len(readers)):
            heappush(waiting, (0, number))
        while waiting:
            seen, number = heappop(waiting)
            try:
                step = next(readers[number], None)
            except Vanished as gone:
                state.blobs.pop(str(gone), None)
                dropper(context)("vanished", 1)
                continue
            if step is not None:
                heappush(waiting, (max([seen, *map(_newest, step.batches)]), number))
                yield step

    def _reader(self, context: Context, state: Cursor, period: datetime, blob: "Blob", deployment: str) -> Iterator[Step]:
        container = _container(self)
        decoder = CollectorLines(Assembly(shape_of(context), self.collections), container.load, deployment=deployment)
        place, final = state.place(blob), complete(period, context.clock.now(), self.rolling_rate)
        for step in follow(container.reader(blob.name), blob.size, place, decoder, state.memory, blob.name, final=final):
            place = step.place
            state.blobs[blob.name] = Read(blob, period, place)
            yield step
        state.blobs[blob.name] = Read(blob, period, place)


@lru_cache(maxsize=64)
def _container(source: AzuremlBlobs) -> "Container":
    """Return the client of a source: it keeps connections and tokens from poll to poll."""
    from agent.sources.azureml_container import Container  # noqa: PLC0415 (Azure's client: 20 MB, and half a second)

    return Container.connect(source.address, source.connection_string, source.container)


def _newest(batch: Batch) -> int:
    times = batch.columns["time"]
    return int(np.max(times)) if isinstance(times, np.ndarray) else 0
