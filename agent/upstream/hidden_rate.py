"""How large a part of a client's calls comes as spans, by its own metrics: those are counted before anything is sampled."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agent.sources.otlp.clients import service_of
from detectors.intervals import wilson
from detectors.types import Batch, Category, Plain

_SECOND = 1_000_000_000
_SETTLED = 30 * _SECOND
"""Nanoseconds after metrics came until the spans of the same calls are counted: SDKs gather spans for 5 s, and try again for some more."""
_LONGEST = 300 * _SECOND
"""A longer time between two exports says that somebody was away, and spans may be lost for another reason."""
_SPANS = 60
"""Exports that a rate rests on."""
_PROCESSES, _SECONDS = 1_000, 1_200
_LEAST_SEEN, _LEAST_TOLD = 30, 100
_ALL = 0.9
"""A part that may be as large as this is taken for everything: spans get lost, and clocks differ."""


@dataclass(slots=True)
class _Process:
    until: int
    """When its metrics were told last, nanoseconds."""
    told: deque[tuple[int, int, int, int]] = field(default_factory=deque)
    """Beginning and end of a time, calls in it, and when that was heard."""
    seconds: dict[int, list[float]] = field(default_factory=dict)
    """Second to calls of unknown weight, and weight of the others."""

    def note(self, seconds: NDArray[np.int64], weights: NDArray[np.float64]) -> None:
        """Count spans by the second they ended in; NaN is an unknown weight."""
        known = np.isfinite(weights)
        for second in np.unique(seconds).tolist():
            mine = seconds == second
            count = self.seconds.setdefault(second, [0.0, 0.0])
            count[0] += int(np.count_nonzero(mine & ~known))
            count[1] += float(weights[mine & known].sum())
        while len(self.seconds) > _SECONDS:
            del self.seconds[min(self.seconds)]

    def settled(self, now: int) -> tuple[float, float]:
        """Return spans of unknown weight, and the calls there were less those of known weight, of times that are long enough over."""
        seen = there = 0.0
        while self.told and now - self.told[0][3] >= _SETTLED:
            begin, end, calls, _ = self.told.popleft()
            inside = [second for second in self.seconds if begin // _SECOND < second <= end // _SECOND]
            unknown, others = (sum(self.seconds[second][which] for second in inside) for which in (0, 1))
            seen, there = seen + unknown, there + max(calls - others, 0.0)
            for second in [second for second in self.seconds if second <= end // _SECOND]:
                del self.seconds[second]
        return seen, there


class HiddenRates:
    """Holds each process' spans against its metrics, and adds up by service: all its processes sample alike. Used from one thread."""

    def __init__(self) -> None:
        self._processes: OrderedDict[tuple[str, str], _Process] = OrderedDict()
        self._services: OrderedDict[tuple[str, str], deque[tuple[float, float]]] = OrderedDict()
        self._endpoints: set[str] = set()
        self._looked = 0

    def told(self, increases: Batch, now: int) -> None:
        """Take in what metrics add; `now` is when they came, nanoseconds."""
        quantity, clients = increases.columns.get("quantity"), increases.columns.get("client")
        if not isinstance(quantity, Category) or not isinstance(clients, Category) or "duration" not in quantity.values:
            return
        rows = quantity.codes == quantity.values.index("duration")
        counts, times = (np.asarray(increases.columns[name], np.int64) for name in ("count", "time"))
        for code, client in enumerate(clients.values):
            mine = rows & (clients.codes == code)
            if not mine.any():
                continue
            # Increases end just before the moment they were told.
            end, key = int(times[mine].max()) + 1, (increases.endpoint, client)
            process = self._processes.pop(key, None)
            if process is not None and 0 < end - process.until <= _LONGEST:
                process.told.append((process.until, end, int(counts[mine].sum()), now))
            process = process or _Process(end)
            process.until = max(process.until, end)
            self._processes[key] = process
            self._endpoints.add(increases.endpoint)
        while len(self._processes) > _PROCESSES:
            self._processes.popitem(last=False)

    def hears(self, endpoint: str) -> bool:
        """Return whether any client of an endpoint tells metrics beside its spans."""
        return endpoint in self._endpoints

    def seen(self, batch: Batch, times: NDArray[np.int64], weights: NDArray[np.float64], now: int) -> None:
        """Count the spans of a batch; NaN is a weight nobody told."""
        clients = batch.columns.get("client")
        if not isinstance(clients, Category):
            return
        for code, client in enumerate(clients.values):
            process = self._processes.get((batch.endpoint, client))
            mine = clients.codes == code
            if process is not None and mine.any():
                process.note(times[mine] // _SECOND, weights[mine])
        if now - self._looked >= _SECOND:
            self._looked = now
            self._settle(now)

    def probability(self, endpoint: str, client: str) -> float | None:
        """Return how large a part of a client's calls of unknown weight come; None where that is not clear, or all do."""
        pairs = self._services.get((endpoint, service_of(client)), ())
        seen, there = sum(one for one, _ in pairs), sum(other for _, other in pairs)
        if seen < _LEAST_SEEN or there < _LEAST_TOLD or seen >= there:
            return None
        return seen / there if wilson(seen, there)[1] < _ALL else None

    def _settle(self, now: int) -> None:
        for (endpoint, client), process in self._processes.items():
            seen, there = process.settled(now)
            if there:
                pairs = self._services.setdefault((endpoint, service_of(client)), deque(maxlen=_SPANS))
                pairs.append((seen, there))
        while len(self._services) > _PROCESSES:
            self._services.popitem(last=False)

    def plain(self) -> Plain:
        """Return everything as data; `restore` takes it back."""
        return {
            "processes": [
                [*key, one.until, [list(told) for told in one.told], [[second, *counts] for second, counts in one.seconds.items()]]
                for key, one in self._processes.items()
            ],
            "services": [[*key, [list(pair) for pair in pairs]] for key, pairs in self._services.items()],
            "looked": self._looked,
        }

    def restore(self, saved: Plain) -> None:
        """Take back what `plain` returned."""
        for endpoint, client, until, told, seconds in saved["processes"]:
            times = deque((begin, end, calls, heard) for begin, end, calls, heard in told)
            self._processes[endpoint, client] = _Process(until, times, {second: [one, other] for second, one, other in seconds})
            self._endpoints.add(endpoint)
        for endpoint, service, pairs in saved["services"]:
            self._services[endpoint, service] = deque(((seen, there) for seen, there in pairs), maxlen=_SPANS)
        self._looked = saved["looked"]
