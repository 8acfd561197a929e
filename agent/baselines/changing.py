"""Changes references: accepts the new normal, goes back to an earlier one, takes days out. The same with and without a daemon."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from agent.baselines.asked import Accept, Chosen
from agent.baselines.records import Record, excluded, newest, prune, records, source_of, told
from agent.baselines.stored import Baseline, fit_name, stored
from agent.baselines.streams import Streams
from agent.beginnings import Own
from agent.clock import to_nanoseconds
from agent.config import Config, Endpoint
from agent.drift_rules import behind, beside, rules_of, without
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

Kept = tuple[Stream, str]
"""A stream, and the component id of a detector that keeps a reference of it."""


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
        states, now = self._chosen(endpoint, asked.chosen), self.clock.now()
        if asked.name is not None:
            fit_name(asked.name)
        made: Mapping[Kept, Baseline | tuple[int, Baseline]]
        if asked.version is not None:
            made = dict(self._earlier(asked, stream, states, endpoint) for stream in dict.fromkeys(stream for stream, _ in states))
        else:
            made = self._of_windows(asked.chosen, states, endpoint, now)
            if asked.name is not None and len(made) > 1:
                raise ConfigError(
                    f"--name: names one baseline, and {endpoint.name} has {_several(made)}: say which with --deployment or --detector"
                )
        return [self._save(kept, endpoint, states[kept], found, asked, now) for kept, found in made.items()]

    def made_of_windows(self, endpoint: Endpoint, chosen: Chosen) -> Baseline:
        """Return a baseline of one stream's windows, which nobody uses yet. Raises as `accept` does."""
        made = self._of_windows(chosen, self._chosen(endpoint, chosen), endpoint, self.clock.now())
        if len(made) > 1:
            raise ConfigError(f"--deployment, --detector: {endpoint.name} has several, {_several(made)}: say which")
        (found,) = made.values()
        return found

    def endpoint(self, name: str) -> Endpoint:
        """Return an endpoint of the configuration, or one that was made for traffic no other wants."""
        return Endpoint(name) if name not in self.config.endpoints and self.made(name) else endpoint_of(self.config, name)

    def made(self, name: str) -> bool:
        """Whether there are streams of an endpoint of that name."""
        return any(self.streams.states(name, detector) for detector in rules_of(Endpoint(name)))

    def _chosen(self, endpoint: Endpoint, chosen: Chosen) -> dict[Kept, DriftState]:
        rules = rules_of(endpoint, chosen.detector)
        states = {(stream, name): state for name in rules for stream, state in self.streams.states(endpoint.name, name).items()}
        if not states:
            raise TooLittleData(f"endpoint {endpoint.name}: has no closed window yet, so there is nothing to accept")
        found = {
            kept: state
            for kept, state in states.items()
            if kept[0].traffic == chosen.traffic and chosen.deployment in {None, kept[0].deployment}
        }
        if not found:
            streams = {stream for stream, _ in states}
            known = ", ".join(sorted(f"{harmless(stream.deployment)} ({harmless(stream.traffic)})" for stream in streams))
            asked = "its deployments" if chosen.deployment is None else f"'{chosen.deployment}'"
            raise ConfigError(f"--deployment, --traffic: {asked} with {chosen.traffic} traffic: endpoint {endpoint.name} has {known}")
        return found

    def _of_windows(self, chosen: Chosen, states: Mapping[Kept, DriftState], endpoint: Endpoint, now: datetime) -> dict[Kept, Baseline]:
        """Return a baseline of each stream and detector that has windows of these days; a stream of which none has is refused.

        Of records and metrics usually one has: they do not count at the same time.
        """
        made, refused = dict[Kept, Baseline](), dict[Stream, TooLittleData]()
        for kept, state in states.items():
            try:
                made[kept] = self._baseline(chosen, kept, state, endpoint, now)
            except TooLittleData as error:
                # Said of the one that has windows of other days, where there is one.
                refused[kept[0]] = error if state.cells else refused.get(kept[0], error)
        for stream in refused.keys() - {stream for stream, _ in made}:
            raise refused[stream]
        return made

    def _baseline(self, chosen: Chosen, kept: Kept, state: DriftState, endpoint: Endpoint, now: datetime) -> Baseline:
        stream, detector = kept
        where = f"endpoint {endpoint.name}/{harmless(stream.deployment)} ({stream.traffic}){behind(detector)}"
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
            there = f"{date.fromordinal(known[0].day)} to {date.fromordinal(known[-1].day)}"
            days = f"{date.fromordinal(first)} to {date.fromordinal(last)}"
            off = any(state.off) or any(state.excluded)
            left = " but for days that are taken out (driftline baseline exclude, reference.exclude)" if off else ""
            raise TooLittleData(f"{where}: has no window from {days}; it keeps windows of {there}{left} (--from, --to, --days)") from error
        days = f"{date.fromordinal(made.windows[0].day)} to {date.fromordinal(made.windows[-1].day)}"
        made_of = f"{len(made.windows)} windows of {days} of {harmless(stream.deployment)} ({harmless(stream.traffic)}){behind(detector)}"
        return Baseline.of(endpoint, made.plain(), made_of, now.isoformat(timespec="seconds"), detector)

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

    def _earlier(
        self, asked: Accept, stream: Stream, states: Mapping[Kept, DriftState], endpoint: Endpoint
    ) -> tuple[Kept, tuple[int, Baseline]]:
        """Return a stored version, and which detector begins from it: the one asked for, else the first that has any."""
        rules = {name: rule for name, rule in rules_of(endpoint, asked.chosen.detector).items() if (stream, name) in states}
        first = next(iter(rules))
        detector = next((one for one in rules if newest(self.store, name_of(stream, one)) is not None), first)
        name = asked.name or name_of(stream, detector)
        version, baseline = stored(name, self.store, asked.version)
        if asked.name is not None:
            detector = next((one for one in rules if beside(one) == beside(baseline.detector)), first)
        baseline.check(name, endpoint, f"--version {version}", detector)
        restored(rules[detector], baseline, f"baseline {name}, version {version}")
        return (stream, detector), (version, baseline)

    def _save(
        self,
        kept: Kept,
        endpoint: Endpoint,
        state: DriftState,
        made: Baseline | tuple[int, Baseline],
        asked: Accept,
        now: datetime,
    ) -> Accepted:
        """Write baseline, record and event in one transaction, then let the stream have it."""
        stream, detector = kept
        own, at = name_of(stream, detector), now.isoformat(timespec="seconds")
        name, known = asked.name or own, self._record(stream, detector)
        with self.store.transaction() as transaction:
            undo = (name, 0) if known is None else (known.name, known.version)
            if known is None:
                # What it leaves behind is kept whole, the rolling reference too: going back is accepting that version.
                source = source_of(endpoint, detector, lambda wanted: newest(self.store, wanted))
                left = Baseline.of(endpoint, state.plain(), f"what was in force before {at}: {told(source)}", at, detector)
                undo = (own, transaction.add_baseline(own, left.plain()))
            version, baseline = made if isinstance(made, tuple) else (transaction.add_baseline(name, made.plain()), made)
            added = {undo[0]: undo[1], name: version}
            instead = source_of(endpoint, detector, lambda wanted: max(newest(self.store, wanted) or 0, added.get(wanted, 0)))
            record = Record(stream, detector, name, version, at, instead)
            before = told(instead) if known is None else known.mark
            record.put(transaction)
            prune(transaction, self.store, name, version)
            transaction.enqueue([], [change_event(reference_change(stream, before, record.mark, to_nanoseconds(now)))])
        found = Own(baseline.state, record.mark)
        self.streams.take_up(stream, detector, found)
        where = f"{stream.endpoint}/{harmless(stream.deployment)} ({stream.traffic}){behind(detector)}"
        _log.info("endpoint %s: baseline %s is accepted, and used instead of %s", where, record.mark, told(instead))
        drift = without(rules_of(endpoint)[detector], excluded(self.store).get(endpoint.name, ()))
        return Accepted(record, before, undo, restored(drift, baseline, name), baseline.made_of, drift)

    def _record(self, stream: Stream, detector: str) -> Record | None:
        return next((one for one in records(self.store) if (one.stream, one.detector) == (stream, detector)), None)


def endpoint_of(config: Config, name: str) -> Endpoint:
    """Return an endpoint of the configuration. Raises ConfigError naming those there are."""
    endpoint = config.endpoints.get(name)
    if endpoint is None:
        raise ConfigError(f"endpoint: unknown '{name}'; known: {', '.join(sorted(config.endpoints)) or 'none'}")
    return endpoint


def name_of(stream: Stream, detector: str = "drift") -> str:
    """Return the name of the baseline that keeps what was accepted for a stream.

    >>> name_of(Stream("shop", "blue", "live")), name_of(Stream("shop", "blue", "canary")), name_of(Stream("shop", "blue", "live"), "metrics/drift")
    ('shop@blue', 'shop@blue@canary', 'shop@blue@metrics_drift')
    """
    traffic = "" if stream.traffic == "live" else f"@{stream.traffic}"
    kind = f"@{detector}" if beside(detector) else ""
    return f"{stream.endpoint}@{stream.deployment}{traffic}{kind}".replace("/", "_")


def _several(made: Iterable[Kept]) -> str:
    """Say what there is."""
    return ", ".join(f"{harmless(stream.deployment)} ({detector})" for stream, detector in sorted(made))


def restored(detector: Drift, baseline: Baseline, where: str) -> DriftState:
    """Return the state of a baseline. Raises ConfigError for one that cannot be read."""
    try:
        return detector.restore(baseline.state)
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{where}: cannot be read ({error})") from error
