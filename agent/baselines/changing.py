"""Changes references: accepts the new normal, goes back to an earlier one, takes days out. The same with and without a daemon."""

import logging
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from agent.baselines.asked import Accept, Chosen
from agent.baselines.records import Record, excluded, newest, prune, records, source_of, told
from agent.baselines.stored import Baseline, drift_of, fit_name, stored
from agent.baselines.streams import Streams
from agent.beginnings import Own, without
from agent.clock import to_nanoseconds
from agent.config import Config, Endpoint
from agent.errors import ConfigError, TooLittleData
from agent.names import harmless
from agent.sources import Clock
from agent.store.store import Store
from agent.stream import profile_from
from alerts.change_event import change_event
from detectors.drift.accepting import accepted, lived, recounted
from detectors.drift.drift import Drift
from detectors.drift.state import DriftState
from detectors.types import Profile, Stream
from detectors.usage.change import reference_change

_log = logging.getLogger(__name__)

_SECOND = 1_000_000_000
"""Nanoseconds."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What one stream's new reference is."""

    record: Record
    before: str
    """What it began from until now."""
    undo: tuple[str, int]
    """Name and version of the baseline that goes back to it."""
    state: DriftState
    made_of: str
    detector: Drift


@dataclass(frozen=True, slots=True)
class Changing:
    """Used by one thread at a time: the engine's, or that of a command which holds the lock."""

    config: Config
    store: Store
    streams: Streams
    clock: Clock

    def accept(self, asked: Accept) -> list[Accepted]:
        """Give streams another fixed reference, for good: it survives restarts, until the configuration names another.

        Raises ConfigError for what is not there, TooLittleData where there is no window to accept.
        """
        endpoint = self.endpoint(asked.chosen.endpoint)
        detector = drift_of(endpoint)[0]
        states = self._chosen(endpoint, detector, asked.chosen)
        if asked.name is not None:
            fit_name(asked.name)
            if asked.version is None and len(states) > 1:
                known = ", ".join(sorted(harmless(stream.deployment) for stream in states))
                raise ConfigError(f"--name: names one baseline, and {endpoint.name} has the deployments {known}: add --deployment")
        now = self.clock.now()
        made: dict[Stream, Baseline | tuple[int, Baseline]]
        if asked.version is not None:
            made = {stream: self._earlier(asked, stream, endpoint) for stream in states}
        else:
            made = {stream: self._of_windows(asked.chosen, stream, state, endpoint, now) for stream, state in states.items()}
        return [self._save(stream, detector, endpoint, states[stream], found, asked, now) for stream, found in made.items()]

    def made_of_windows(self, endpoint: Endpoint, chosen: Chosen) -> Baseline:
        """Return a baseline of one stream's windows, which nobody uses yet. Raises as `accept` does."""
        states = self._chosen(endpoint, drift_of(endpoint)[0], chosen)
        if len(states) > 1:
            known = ", ".join(sorted(harmless(stream.deployment) for stream in states))
            raise ConfigError(f"--deployment: {endpoint.name} has several, {known}: say which")
        ((stream, state),) = states.items()
        return self._of_windows(chosen, stream, state, endpoint, self.clock.now())

    def endpoint(self, name: str) -> Endpoint:
        """Return an endpoint of the configuration, or one that was made for traffic no other wants."""
        return Endpoint(name) if name not in self.config.endpoints and self.made(name) else endpoint_of(self.config, name)

    def made(self, name: str) -> bool:
        """Whether there are streams of an endpoint of that name."""
        return bool(self.streams.states(name, drift_of(Endpoint(name))[0]))

    def _chosen(self, endpoint: Endpoint, detector: str, chosen: Chosen) -> dict[Stream, DriftState]:
        states = self.streams.states(endpoint.name, detector)
        if not states:
            raise TooLittleData(f"endpoint {endpoint.name}: has no closed window yet, so there is nothing to accept")
        found = {
            stream: state
            for stream, state in states.items()
            if stream.traffic == chosen.traffic and chosen.deployment in {None, stream.deployment}
        }
        if not found:
            known = ", ".join(sorted(f"{harmless(stream.deployment)} ({harmless(stream.traffic)})" for stream in states))
            asked = "its deployments" if chosen.deployment is None else f"'{chosen.deployment}'"
            raise ConfigError(f"--deployment, --traffic: {asked} with {chosen.traffic} traffic: endpoint {endpoint.name} has {known}")
        return found

    def _of_windows(self, chosen: Chosen, stream: Stream, state: DriftState, endpoint: Endpoint, now: datetime) -> Baseline:
        detector = drift_of(endpoint)[0]
        where = f"endpoint {endpoint.name}/{harmless(stream.deployment)} ({stream.traffic})"
        if not state.cells:
            raise TooLittleData(f"{where}: fewer than 2,000 rows so far, so it has no windows that could be accepted")
        known = lived(state)
        if not known:
            raise TooLittleData(f"{where}: keeps no closed window of 30 rows yet, so there is nothing to accept")
        since = self.streams.drifting_since(stream)
        began = None if since is None else (since - endpoint.window).astimezone(ZoneInfo(endpoint.timezone)).toordinal()
        first, last = chosen.span(known[-1].day, began)
        if last < first:
            raise ConfigError(f"--from, --to: {date.fromordinal(last)} comes before {date.fromordinal(first)}")
        try:
            made = accepted(state, first, last, self._profiles(stream, detector, recounted(state, first, last)))
        except ValueError as error:
            kept = f"{date.fromordinal(known[0].day)} to {date.fromordinal(known[-1].day)}"
            days = f"{date.fromordinal(first)} to {date.fromordinal(last)}"
            raise TooLittleData(f"{where}: has no window from {days}; it keeps windows of {kept} (--from, --to, --days)") from error
        days = f"{date.fromordinal(made.windows[0].day)} to {date.fromordinal(made.windows[-1].day)}"
        made_of = f"{len(made.windows)} windows of {days} of {harmless(stream.deployment)} ({harmless(stream.traffic)})"
        return Baseline.of(endpoint, made.plain(), made_of, now.isoformat(timespec="seconds"))

    def _profiles(self, stream: Stream, detector: str, starts: frozenset[int]) -> dict[int, Profile]:
        """Return what is stored of windows that start at these seconds."""
        if not starts:
            return {}
        found = self.store.windows(stream.endpoint, min(starts) * _SECOND, max(starts) * _SECOND + 1)
        return {
            one.start // _SECOND: profile_from(one.value["profiles"][detector])
            for one in found
            if one.stream == stream and one.start // _SECOND in starts and detector in one.value["profiles"]
        }

    def _earlier(self, asked: Accept, stream: Stream, endpoint: Endpoint) -> tuple[int, Baseline]:
        name = asked.name or name_of(stream)
        version, baseline = stored(name, self.store, asked.version)
        baseline.check(name, endpoint, f"--version {version}")
        restored(drift_of(endpoint)[1], baseline, f"baseline {name}, version {version}")
        return version, baseline

    def _save(
        self,
        stream: Stream,
        detector: str,
        endpoint: Endpoint,
        state: DriftState,
        made: Baseline | tuple[int, Baseline],
        asked: Accept,
        now: datetime,
    ) -> Accepted:
        """Write baseline, record and event in one transaction, then let the stream have it."""
        name, at = asked.name or name_of(stream), now.isoformat(timespec="seconds")
        known = self._record(stream, detector)
        with self.store.transaction() as transaction:
            undo = (name, 0) if known is None else (known.name, known.version)
            if known is None:
                # What it leaves behind is kept whole, the rolling reference too: going back is accepting that version.
                source = source_of(endpoint, lambda wanted: newest(self.store, wanted))
                left = Baseline.of(endpoint, state.plain(), f"what was in force before {at}: {told(source)}", at)
                undo = (name_of(stream), transaction.add_baseline(name_of(stream), left.plain()))
            version, baseline = made if isinstance(made, tuple) else (transaction.add_baseline(name, made.plain()), made)
            added = {undo[0]: undo[1], name: version}
            instead = source_of(endpoint, lambda wanted: max(newest(self.store, wanted) or 0, added.get(wanted, 0)))
            record = Record(stream, detector, name, version, at, instead)
            before = told(instead) if known is None else known.mark
            record.put(transaction)
            prune(transaction, self.store, name, version)
            transaction.enqueue([], [change_event(reference_change(stream, before, record.mark, to_nanoseconds(now)))])
        found = Own(baseline.state, record.mark)
        self.streams.take_up(stream, detector, found)
        where = f"{stream.endpoint}/{harmless(stream.deployment)} ({stream.traffic})"
        _log.info("endpoint %s: baseline %s is accepted, and used instead of %s", where, record.mark, told(instead))
        return Accepted(record, before, undo, restored(drift_of(endpoint)[1], baseline, name), baseline.made_of, self._drift(endpoint))

    def _drift(self, endpoint: Endpoint) -> Drift:
        return without(drift_of(endpoint)[1], excluded(self.store).get(endpoint.name, ()))

    def _record(self, stream: Stream, detector: str) -> Record | None:
        return next((one for one in records(self.store) if (one.stream, one.detector) == (stream, detector)), None)


def endpoint_of(config: Config, name: str) -> Endpoint:
    """Return an endpoint of the configuration. Raises ConfigError naming those there are."""
    endpoint = config.endpoints.get(name)
    if endpoint is None:
        raise ConfigError(f"endpoint: unknown '{name}'; known: {', '.join(sorted(config.endpoints)) or 'none'}")
    return endpoint


def name_of(stream: Stream) -> str:
    """Return the name of the baseline that keeps what was accepted for a stream.

    >>> name_of(Stream("shop", "blue", "live")), name_of(Stream("shop", "blue", "canary"))
    ('shop@blue', 'shop@blue@canary')
    """
    traffic = "" if stream.traffic == "live" else f"@{stream.traffic}"
    return f"{stream.endpoint}@{stream.deployment}{traffic}".replace("/", "_")


def restored(detector: Drift, baseline: Baseline, where: str) -> DriftState:
    """Return the state of a baseline. Raises ConfigError for one that cannot be read."""
    try:
        return detector.restore(baseline.state)
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{where}: cannot be read ({error})") from error
