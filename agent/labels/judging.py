"""Windows with labels: each is measured, and all of them in time order are followed for a rise of the error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile

from agent.beginnings import Beginnings
from agent.config import Endpoint
from agent.labels.counted import CountedWindow, counted_from
from agent.labels.realised import LABEL_DRIFT, TRUST, Moved, Realised, key
from agent.store.store import Counts, Store
from agent.windowing import window_of
from detectors.decay.decay import Decay, Followed
from detectors.decay.label_state import VERSION, LabelState
from detectors.types import Plain, Score, Stream, Window

_TRUSTED = {"untested": 0.0, "trusted": 1.0, "not trustworthy": -1.0}


@dataclass(frozen=True, slots=True)
class Judging:
    """How the labels of one endpoint are judged."""

    store: Store
    endpoint: Endpoint
    detector: tuple[str, Decay]
    """Id and detector."""
    config: str
    """Hash of what decides its scores."""
    beginnings: Beginnings

    def judge(self, kept: Sequence[Counts], closed: Mapping[Stream, int], horizon: int) -> list[Realised]:
        """Return what every stream with new labels in closed windows says; `kept` are the endpoint's windows, by stream and start.

        Errors are followed over all windows since the last that could not change any more, so that the result depends on which
        labels there are and not on when they came. `horizon`: answers that came before it get no more labels.
        """
        found, said = [], self.store.severities(self.endpoint.name)
        for stream, rows in groupby(kept, lambda row: row.stream):
            windows = [row for row in rows if row.start < closed.get(stream, 0)]
            if any(row.changed for row in windows):
                found.append(self._stream(stream, windows, said, horizon))
        return found

    def _stream(
        self, stream: Stream, rows: Sequence[Counts], said: Mapping[tuple[Stream, int], Mapping[str, float]], horizon: int
    ) -> Realised:
        name, decay = self.detector
        mark = self.beginnings.mark(stream, name) or ""
        state = self._begin(stream, mark)
        windows = [_Kept.of(row, self.endpoint) for row in rows]
        final = list(takewhile(lambda one: one.counted.received < horizon, windows))
        last = max((one.start for one in windows if decay.is_enough(one.counted.profile)), default=None)
        told: list[tuple[Window, tuple[Score, ...], float]] = []
        risen: dict[int, Mapping[str, float]] = {}
        newest: tuple[Window, tuple[Score, ...]] | None = None
        moved: Moved | None = None
        follow: Plain | None = None
        for number, one in enumerate(windows, 1):
            spread = decay.spread(state)
            over = one.counted.received < horizon
            found = decay.follow(state, one.window, one.counted.profile, final=over, estimated=one.counted.estimated)
            state = found.state
            severities = _severities(found)
            if severities != said.get((stream, one.start), {}):
                risen[one.start] = severities
            anew = one.changed or one.spread != spread
            scores = tuple(decay.measure(one.counted.profile, spread)) if anew or one.start == last else ()
            if anew:
                # How far errors had risen depends on other windows too, and is kept apart.
                told.append((one.window, scores, spread))
            if one.start == last:
                newest = (one.window, (*scores, *found.scores))
            if found.moved.scores:
                moved = Moved(one.window, found.moved.scores, found.moved.findings)
            if number == len(final):
                follow = {"config": self.config, "version": VERSION, "mark": mark, "state": state.plain()}
        until = windows[len(final)].start if len(final) < len(windows) else windows[-1].start + 1
        return Realised(stream, tuple(told), risen, newest, moved, follow, until)

    def _begin(self, stream: Stream, mark: str) -> LabelState:
        name, decay = self.detector
        saved = self.store.get(key(stream))
        if saved is not None and (saved["config"], saved.get("version"), saved.get("mark")) == (self.config, VERSION, mark):
            return decay.restore(saved["state"])
        return decay.restore(self.beginnings.state(stream, name))


@dataclass(frozen=True, slots=True)
class _Kept:
    """A window as the store has it."""

    start: int
    window: Window
    counted: CountedWindow
    changed: bool
    spread: float | None

    @classmethod
    def of(cls, row: Counts, endpoint: Endpoint) -> "_Kept":
        window = window_of(row.start, endpoint.window, endpoint.timezone)
        return cls(row.start, window, counted_from(row.value), row.changed, row.spread)


def _severities(found: Followed) -> Mapping[str, float]:
    """Return what is kept of a window for reports: by method, of the mix of its labels, and of the trust in estimates."""
    moved = max((one.severity for one in found.moved.findings if one.severity >= 0), default=None)
    trust = {f"{TRUST}{metric}": _TRUSTED[known.trust.status] for metric, known in found.state.trusts.items()}
    told = {name: value for name, value in trust.items() if value and found.severities}
    return {**found.severities, **told, **({} if moved is None else {LABEL_DRIFT: moved})}
