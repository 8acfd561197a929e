"""Counts the bad windows of every live stream whose endpoint wants to be trained anew, and asks for it once there are enough."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from agent.clock import to_nanoseconds
from agent.config import Endpoint, Retraining
from agent.config_hash import config_hash
from agent.effects import ClosedWindow
from agent.labels.realised import Realised, of_errors
from agent.series import Series
from agent.windowing import window_of
from alerts.event import Event
from alerts.retraining import State, Terms, Verdict, step
from alerts.retraining_event import retraining_event
from alerts.retraining_verdict import decay_verdict, drift_verdict, severities
from detectors.catalog import RETRAINING_REQUESTS
from detectors.drift.calendar import spans, within
from detectors.types import Plain, Stream, Total

LIVE = "live"
"""Mirrored, canary and batch traffic is no ground to train on."""


class Requests:
    """One process asks for all its endpoints. What a window says counts at the window's own time, so that a replay says the same."""

    def __init__(
        self, endpoint: Callable[[str], Endpoint], series: Series, answering: Callable[[Stream, datetime], Mapping[str, str]]
    ) -> None:
        """`answering` tells what has answered a stream since some time: model, version, fingerprint."""
        self._endpoint = endpoint
        self._series = series
        self._answering = answering
        self._states: dict[Stream, State] = {}
        self._audits: list[Plain] = []

    def judge(self, closed: ClosedWindow) -> list[Event]:
        """Take in a closed window: its findings, and its labels where the rows carried them."""
        if not self._wants(closed.stream):
            return []
        verdicts = [drift_verdict(closed.window, closed.findings, closed.scores)]
        risen = severities(closed.scores)
        if risen:
            verdicts.append(decay_verdict(closed.window, risen, closed.scores))
        return self._count(closed.stream, verdicts)

    def labelled(self, found: Realised) -> list[Event]:
        """Take in what labels that came later say of windows."""
        if not self._wants(found.stream):
            return []
        endpoint = self._endpoint(found.stream.endpoint)
        scores = {to_nanoseconds(window.start): said for window, said, _ in found.changed}
        verdicts = [
            decay_verdict(
                window_of(start, endpoint.window, endpoint.timezone),
                of_errors(risen),
                scores.get(start, ()),
            )
            for start, risen in sorted(found.severities.items())
        ]
        if found.moved is not None:
            moved = drift_verdict(found.moved.window, found.moved.findings)
            # Labels alone clear no window: what its features say stands.
            verdicts += [moved] if moved.bad else []
        return self._count(found.stream, verdicts)

    def forget(self, stream: Stream) -> None:
        """Count a stream from nothing: what it was judged by is another thing now. A cool-down goes on."""
        if stream in self._states:
            before = self._states[stream]
            self._states[stream] = State(newest=before.newest, requested=before.requested, measured=before.measured)

    def take_audits(self) -> Sequence[Plain]:
        """Return a record of every request since the last call, with all it rests on."""
        taken, self._audits = self._audits, []
        return taken

    def plain(self) -> Plain:
        """Return everything as data."""
        return {"states": [[*stream, state.plain()] for stream, state in self._states.items()]}

    def restore(self, saved: Plain | None) -> None:
        """Take back what `plain` returned, of endpoints that still want it."""
        rows = [(Stream(*stream), state) for *stream, state in (saved["states"] if saved else ())]
        self._states = {stream: State.restore(state) for stream, state in rows if self._endpoint(stream.endpoint).retraining is not None}

    def _wants(self, stream: Stream) -> bool:
        return stream.traffic == LIVE and self._endpoint(stream.endpoint).retraining is not None

    def _count(self, stream: Stream, verdicts: Iterable[Verdict]) -> list[Event]:
        endpoint = self._endpoint(stream.endpoint)
        wanted = endpoint.retraining
        if wanted is None:
            return []
        if stream not in self._states:
            # A counter that is born at 1 never rises in Prometheus' eyes.
            self._series.absorb([Total(RETRAINING_REQUESTS, {"signal": signal}, 0) for signal in wanted.of], stream._asdict())
        terms, state, events = _terms(wanted), self._states.get(stream, State()), list[Event]()
        for verdict in verdicts:
            if verdict.signal not in wanted.of:
                continue
            state, request = step(state, _allowed(endpoint, verdict), terms)
            if request is not None:
                answering = self._answering(stream, request.windows[0].start)
                event = retraining_event(stream, request, terms, answering, config_hash(endpoint))
                events.append(event)
                self._audits.append(
                    {"endpoint": stream.endpoint, "time": to_nanoseconds(event.time), "retraining": {"id": event.id, **event.data}}
                )
                self._series.absorb([Total(RETRAINING_REQUESTS, {"signal": request.signal}, 1)], stream._asdict())
        self._states[stream] = state
        return events


def _terms(wanted: Retraining) -> Terms:
    return Terms(wanted.windows, wanted.within or wanted.windows, wanted.days, wanted.cool_down)


def _allowed(endpoint: Endpoint, verdict: Verdict) -> Verdict:
    """Return the verdict; on a day off nobody is woken, and nothing is counted."""
    off = spans((*endpoint.reference.exclude, *endpoint.reference.holidays))
    return Verdict(verdict.signal, verdict.window, None) if within(verdict.window.day, off) else verdict
