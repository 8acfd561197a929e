"""Windows with labels: each is measured, and all of them in time order are followed for a rise of the error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from agent.config import Endpoint
from agent.labels.realised import Realised, key
from agent.store.store import Counts, Store
from agent.stream import profile_from
from agent.windowing import window_of
from detectors.catalog import MODEL_DECAY_SEVERITY
from detectors.decay.decay import Decay
from detectors.types import Plain, Score, Stream, Window


def judge(store: Store, endpoint: Endpoint, decay: Decay, closed: Mapping[Stream, int], horizon: int, config: str) -> list[Realised]:
    """Return what every stream of the endpoint with new labels in closed windows says.

    Errors are followed over all windows since the last that could not change any more, so that the result depends on which
    labels there are and not on when they came. `horizon`: windows that began before it get no more labels.
    """
    found, said = [], store.severities(endpoint.name)
    for stream, rows in groupby(store.performance(endpoint.name), lambda row: row.stream):
        windows = [row for row in rows if row.start < closed.get(stream, 0)]
        if any(row.changed for row in windows):
            found.append(_Stream(store, endpoint, decay, stream, config).realised(windows, said, horizon))
    return found


@dataclass(frozen=True, slots=True)
class _Stream:
    store: Store
    endpoint: Endpoint
    decay: Decay
    stream: Stream
    config: str

    def realised(self, windows: Sequence[Counts], said: Mapping[tuple[Stream, int], Mapping[str, float]], horizon: int) -> Realised:
        saved = self.store.get(key(self.stream))
        state = self.decay.restore(saved["state"] if saved and saved["config"] == self.config else None)
        follow: Plain | None = None
        told: list[tuple[Window, tuple[Score, ...], float]] = []
        risen: dict[int, Mapping[str, float]] = {}
        newest: tuple[Window, tuple[Score, ...]] | None = None
        last = max((row.start for row in windows if self.decay.is_enough(profile_from(row.value))), default=None)
        for row in windows:
            window, profile = window_of(row.start, self.endpoint.window, self.endpoint.timezone), profile_from(row.value)
            spread = 1.0 if state.baseline is None else state.baseline.dispersion
            before = state
            state, severities = self.decay.follow(state, window, profile)
            if severities != said.get((self.stream, row.start), {}):
                risen[row.start] = severities
            if row.changed or row.spread != spread or row.start == last:
                scores = self.decay.step(before, window, profile).scores
                newest = (window, scores) if row.start == last else newest
                if row.changed or row.spread != spread:
                    # How far errors had risen depends on other windows too, and is kept apart.
                    told.append((window, tuple(score for score in scores if score.metric is not MODEL_DECAY_SEVERITY), spread))
            if row.start < horizon:
                follow = {"config": self.config, "state": state.plain()}
        return Realised(self.stream, tuple(told), risen, newest, follow, horizon)
