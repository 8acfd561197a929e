"""Takes days out of references: of a baseline, as a new version, or of all references of an endpoint, until they are taken back in."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from agent.baselines.asked import Exclude
from agent.baselines.changing import Changing, restored
from agent.baselines.records import excluded, newest, prune, put_excluded, records
from agent.baselines.stored import stored
from agent.baselines.streams import Span
from agent.beginnings import Own
from agent.config import Endpoint
from agent.drift_rules import rules_of, without
from agent.errors import ConfigError
from detectors.drift.accepting import lived
from detectors.drift.calendar import Days
from detectors.drift.drift import Drift
from detectors.drift.state import DriftState


@dataclass(frozen=True, slots=True)
class Cut:
    """What an exclusion took out."""

    where: str
    """The baseline with its new version, or the endpoint."""
    windows: int
    state: DriftState | None
    """Of the baseline."""
    detector: Drift


def exclude(to: Changing, asked: Exclude) -> Cut:
    """Take days out of a baseline of that name, or of all references of an endpoint of that name.

    Raises ConfigError where there is neither, or no window on these days.
    """
    if asked.last < asked.first:
        raise ConfigError(f"--from, --to: {asked.last} comes before {asked.first}")
    if newest(to.store, asked.name) is not None:
        if asked.undo:
            raise ConfigError(f"--undo: '{asked.name}' is a baseline; its earlier version has these days: driftline baseline accept")
        return _cut(to, asked)
    if asked.name in to.config.endpoints or to.made(asked.name):
        return _exclude(to, asked, to.endpoint(asked.name))
    names = sorted({name for name, _ in to.store.baselines() if "/" not in name})
    known = f"baselines {', '.join(names) or '(none yet)'}; endpoints {', '.join(sorted(to.config.endpoints)) or '(none)'}"
    raise ConfigError(f"baseline exclude: neither a baseline nor an endpoint is called '{asked.name}'; known: {known}")


def _cut(to: Changing, asked: Exclude) -> Cut:
    version, baseline = stored(asked.name, to.store)
    endpoint = replace(to.config.endpoints.get(baseline.endpoint, Endpoint(baseline.endpoint)), reference=Endpoint("").reference)
    rules = rules_of(endpoint)
    detector = rules.get(baseline.detector) or next(iter(rules.values()))
    zone = baseline.timezone or endpoint.timezone
    state = restored(detector, baseline, f"baseline {asked.name}")
    span, days = _span([state], asked, zone, f"baseline {asked.name}")
    cut = replace(baseline, state=state.exclude(*span).plain(), built=to.clock.now().isoformat(timespec="seconds"))
    with to.store.transaction() as transaction:
        number = transaction.add_baseline(asked.name, cut.plain())
        prune(transaction, to.store, asked.name, number)
        for record in records(to.store):
            # Days less are no other reference: what was accepted stays in force over it.
            named = (record.instead["baseline"], record.instead["version"]) == (asked.name, version)
            instead = {**record.instead, "version": number} if named else record.instead
            begins = number if (record.name, record.version) == (asked.name, version) else record.version
            replace(record, version=begins, instead=instead).put(transaction)
    to.streams.cut(f"{asked.name} {version}", Own(cut.state, f"{asked.name} {number}"), span)
    return Cut(f"baseline {asked.name}, version {number}", len(days), restored(detector, cut, asked.name), detector)


def _exclude(to: Changing, asked: Exclude, endpoint: Endpoint) -> Cut:
    rules = rules_of(endpoint)
    states = {(stream, name): state for name in rules for stream, state in to.streams.states(endpoint.name, name).items()}
    known = excluded(to.store).get(endpoint.name, ())
    asked_days = Days(asked.first, asked.last)
    if asked.undo:
        days = tuple(sorted(part for one in known for part in outside(one, asked_days)))
        if days == known:
            listed = ", ".join(map(str, known)) or "none"
            raise ConfigError(
                f"--from, --to: endpoint {endpoint.name} has no day from {asked.first} to {asked.last} taken out; there are {listed}"
            )
    else:
        _, inside = _span(list(states.values()), asked, endpoint.timezone, f"endpoint {endpoint.name}")
        first, last = (date.fromordinal(day) for day in (min(inside), max(inside)))
        days = tuple(sorted({*known, Days(first, last)}))
    before = sum(len(lived(state)) for state in states.values())
    with to.store.transaction() as transaction:
        put_excluded(transaction, endpoint.name, days)
    to.streams.exclude(endpoint.name, days)
    after = sum(len(lived(without(rules[name], days).under(state))) for (_, name), state in states.items())
    return Cut(f"endpoint {endpoint.name}", before - after, None, next(iter(rules.values())))


def outside(days: Days, cut: Days) -> Iterator[Days]:
    """Yield what is left of some days without others.

    >>> [str(one) for one in outside(Days.parse("2026-03-01..2026-03-09"), Days.parse("2026-03-03..2026-03-05"))]
    ['2026-03-01..2026-03-02', '2026-03-06..2026-03-09']
    """
    if days.first < cut.first:
        yield Days(days.first, min(days.last, date.fromordinal(cut.first.toordinal() - 1)))
    if days.last > cut.last:
        yield Days(max(days.first, date.fromordinal(cut.last.toordinal() + 1)), days.last)


def _span(states: list[DriftState], asked: Exclude, zone: str, where: str) -> tuple[Span, list[int]]:
    """Return the time of the days, as far as there are windows, and the day of each window in it. Raises ConfigError where none is."""
    first, last = asked.first.toordinal(), asked.last.toordinal()
    days = [window.day for state in states for window in lived(state) if first <= window.day <= last]
    if not days:
        raise ConfigError(
            f"--from, --to: {where} has no window from {asked.first} to {asked.last} that is not taken out already; "
            "days to come belong into reference.exclude of the configuration"
        )

    def midnight(day: int) -> int:
        return int(datetime.combine(date.fromordinal(day), time(), ZoneInfo(zone)).timestamp())

    return (midnight(min(days)), midnight(max(days) + 1)), days
