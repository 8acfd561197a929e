"""What was accepted for which stream, and which days were taken out of an endpoint's references: read at every start."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from agent.baselines.stored import Baseline
from agent.beginnings import Own
from agent.config import Config, Endpoint, Reference
from agent.drift_rules import beside, first_rule
from agent.errors import ConfigError
from agent.names import harmless
from agent.store.store import Store
from agent.store.transaction import Transaction
from detectors.drift.calendar import Days
from detectors.types import Plain, Stream

_log = logging.getLogger(__name__)

MOST_VERSIONS = 20
"""Versions of a baseline kept; of long streams each is some megabytes."""
ACCEPTED, EXCLUDED = "accepted/", "excluded/"


@dataclass(frozen=True, slots=True)
class Record:
    """One stream's detector begins from a baseline of its own, until the configuration names another reference."""

    stream: Stream
    detector: str
    name: str
    version: int
    at: str
    """When it was accepted, ISO time."""
    instead: Plain
    """What the configuration named then: `source_of`."""

    @property
    def mark(self) -> str:
        """Which reference it is."""
        return f"{self.name} {self.version}"

    @property
    def key(self) -> str:
        """What it is stored under."""
        return f"{ACCEPTED}{'/'.join(self.stream)}/{self.detector}"

    def put(self, transaction: Transaction) -> None:
        """Save it."""
        value = {"name": self.name, "version": self.version, "at": self.at, "instead": self.instead}
        transaction.put(self.key, {"stream": list(self.stream), "detector": self.detector, **value})


def records(store: Store) -> Iterator[Record]:
    """Yield every record."""
    for _, value in store.items(ACCEPTED):
        yield Record(Stream(*value["stream"]), value["detector"], value["name"], value["version"], value["at"], value["instead"])


def source_of(endpoint: Endpoint, detector: str, newest: Callable[[str], int | None]) -> Plain:
    """Return what the configuration names as a detector's reference, as it is now; `newest` is asked for the version of a baseline.

    Metrics have no past that could be read, so what it names is for records alone.
    """
    if beside(detector):
        endpoint = replace(endpoint, reference=Reference())
    reference = endpoint.reference
    return {
        "history": None if reference.history is None else reference.history.total_seconds(),
        "file": None if reference.file is None else str(reference.file),
        "print": print_of(endpoint),
        "baseline": reference.baseline,
        "version": None if reference.baseline is None else newest(reference.baseline),
    }


def print_of(endpoint: Endpoint) -> str:
    """Return what changes when the reference's file is replaced; empty where it is not there."""
    file = endpoint.reference.file
    if file is None or not file.exists():
        return ""
    stat = file.stat()
    return f"{stat.st_size}-{stat.st_mtime_ns}"


def told(source: Plain) -> str:
    """Say in a few words what the configuration names.

    >>> told({"history": 4838400.0, "file": None, "print": "", "baseline": None, "version": None})
    'reference.history'
    """
    named = [f"reference.{key}" for key in ("file", "history", "baseline") if source[key] is not None]
    return " and ".join(named) or "live windows"


def in_force(config: Config, store: Store) -> dict[tuple[Stream, str], Own]:
    """Return what was accepted for streams of this configuration, and say so in the log.

    Where the configuration names another reference than it did then, it wins: the record is forgotten.
    """
    found: dict[tuple[Stream, str], Own] = {}
    for record in records(store):
        endpoint = config.endpoints.get(record.stream.endpoint) or Endpoint(record.stream.endpoint)
        where = f"endpoint {record.stream.endpoint}/{harmless(record.stream.deployment)} ({record.stream.traffic})"
        if not still_wins(record, source_of(endpoint, record.detector, lambda name: newest(store, name))):
            _log.info("%s: the configuration's reference changed since %s was accepted: it wins", where, record.mark)
            with store.transaction() as transaction:
                transaction.forget(record.key)
            continue
        try:
            found[record.stream, record.detector] = own(record, endpoint, store)
        except ConfigError as error:
            _log.error("%s: what was accepted cannot be used, the configuration's reference is: %s", where, error)
            continue
        _log.info("%s: baseline %s, accepted %s, is used instead of %s", where, record.mark, record.at, told(record.instead))
    return found


def own(record: Record, endpoint: Endpoint, store: Store) -> Own:
    """Return what a record points at. Raises ConfigError where it is gone, of other windows or cannot be read."""
    value = store.baseline(record.name, record.version)
    key = f"{record.name}, version {record.version}"
    if value is None:
        raise ConfigError(f"baseline {key}: is not in the store")
    baseline = Baseline.from_plain(value[1])
    baseline.check(record.name, endpoint, f"baseline {key}", record.detector)
    try:
        first_rule(endpoint).restore(baseline.state)
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"baseline {key}: cannot be read ({error})") from error
    return Own(baseline.state, record.mark)


def newest(store: Store, name: str) -> int | None:
    """Return the newest version of a baseline."""
    return max((version for known, version in store.baselines() if known == name), default=None)


def prune(transaction: Transaction, store: Store, name: str, version: int) -> None:
    """Bound the versions of a baseline: the newest stay, the first, `version`, and those that streams begin from."""
    known = sorted({version, *(number for one, number in store.baselines() if one == name)})
    used = {record.version for record in records(store) if record.name == name}
    if len(known) > MOST_VERSIONS:
        transaction.keep_baselines(name, {known[0], version, *known[-MOST_VERSIONS:], *used})


def excluded(store: Store) -> dict[str, tuple[Days, ...]]:
    """Return the days taken out, by endpoint."""
    return {value["endpoint"]: tuple(Days.parse(days) for days in value["days"]) for _, value in store.items(EXCLUDED)}


def put_excluded(transaction: Transaction, endpoint: str, days: tuple[Days, ...]) -> None:
    """Save the days taken out of an endpoint's references."""
    transaction.put(f"{EXCLUDED}{endpoint}", {"endpoint": endpoint, "days": [str(one) for one in days]})


def still_wins(record: Record, now: Plain) -> bool:
    """Whether the configuration names the same reference as when the other was accepted; a file that is gone is taken for the one it was."""
    then = record.instead
    whole: Mapping[str, object] = {**now, "print": now["print"] or then["print"]}
    return dict(then) == whole
