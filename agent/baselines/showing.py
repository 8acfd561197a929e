"""`baseline list` and `baseline show`: stored baselines, and the references of streams as the agent saved them last."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from agent.baselines.page import page
from agent.baselines.picture import canvas, drawn
from agent.baselines.records import Record, excluded, newest, records, source_of, still_wins, told
from agent.baselines.stored import Baseline, names, stored
from agent.checkpoint import saved_states
from agent.config import Config, Endpoint
from agent.config_hash import reference_hash
from agent.config_schema import written
from agent.drift_rules import behind, beside, first_rule, rules_of, without
from agent.errors import ConfigError, InputError
from agent.reference_view import StateView, view
from agent.store.store import Store
from agent.terminal import clean


@dataclass(frozen=True, slots=True)
class _Part:
    heading: str
    lines: Sequence[str]
    seen: StateView
    indent: str


def listed(store: Store) -> Iterator[str]:
    """Yield a line for each version of each baseline."""
    used = {(one.name, one.version): one for one in records(store)}
    for name, version in store.baselines():
        found = store.baseline(name, version)
        baseline = Baseline.from_plain(found[1]) if found is not None else None
        if baseline is None:
            continue
        made_of = f"  {clean(baseline.made_of)}" if baseline.made_of else ""
        by = used.get((name, version))
        accepted = f"  accepted for {clean('/'.join(by.stream))}" if by is not None else ""
        yield f"{clean(name)}  version {version}  built {baseline.built}{made_of}{accepted}"


def shown(config: Config, store: Store, name: str, version: int | None, html: Path | None, stream: TextIO, width: int) -> Iterator[str]:
    """Yield what there is to say of a baseline and the streams of its endpoint, or of an endpoint's streams; as a page into `html`.

    Raises ConfigError where there is neither, InputError where the page cannot be written.
    """
    parts = list(_parts(config, store, name, version))
    if html is not None:
        try:
            html.write_text(page(f"driftline: {name}", [(one.heading, one.lines, one.seen) for one in parts]), "utf-8")
        except OSError as problem:
            raise InputError(f"--html: {html} cannot be written: {problem.strerror}") from problem
        yield f"wrote {html}: {', '.join(one.heading.rstrip(':') for one in parts)}"
        return
    on = canvas(stream, width)
    for one in parts:
        yield one.heading
        yield from (f"  {line}" for line in one.lines)
        yield from (f"{one.indent}{line}" for line in drawn(one.seen, on))


def _parts(config: Config, store: Store, name: str, version: int | None) -> Iterator[_Part]:
    if newest(store, name) is None:
        if name not in config.endpoints and not any(saved_states(store, name)):
            known = f"baselines {', '.join(names(store)) or '(none yet)'}; endpoints {', '.join(sorted(config.endpoints)) or '(none)'}"
            raise ConfigError(f"baseline show: neither a baseline nor an endpoint is called '{name}'; known: {known}")
        endpoint = config.endpoints.get(name) or Endpoint(name)
    else:
        number, baseline = stored(name, store, version)
        endpoint = config.endpoints.get(baseline.endpoint, Endpoint(baseline.endpoint))
        lines = list(_provenance(config, store, name, number, baseline, endpoint))
        built = baseline.built or "at an unknown time"
        yield _Part(f"baseline {clean(name)}, version {number}, built {built}", lines, _seen(baseline, endpoint, name), "")
    found = list(_streams(config, store, endpoint))
    if not found and newest(store, name) is None:
        raise ConfigError(f"endpoint {name}: its streams have closed no window yet, so there is nothing to show")
    yield from found


def _provenance(config: Config, store: Store, name: str, version: int, baseline: Baseline, endpoint: Endpoint) -> Iterator[str]:
    if baseline.made_of:
        yield f"made of {clean(baseline.made_of)}"
    if baseline.window is not None:
        yield f"windows of {written(baseline.window)}, days in {baseline.timezone}, options {baseline.config}"
        if endpoint.name in config.endpoints and baseline.config != reference_hash(endpoint):
            yield f"endpoints.{endpoint.name} has other columns, features or windows now ({reference_hash(endpoint)})"
    for one in config.endpoints.values():
        if one.reference.baseline == name and version == newest(store, name):
            yield f"endpoints.{one.name}.reference.baseline names it"
    for record in records(store):
        if (record.name, record.version) == (name, version):
            yield from _record(config, store, record)


def _streams(config: Config, store: Store, endpoint: Endpoint) -> Iterator[_Part]:
    rules = {name: without(one, excluded(store).get(endpoint.name, ())) for name, one in rules_of(endpoint).items()}
    accepted = {(one.stream, one.detector): one for one in records(store)}
    for stream, name, plain in saved_states(store, endpoint.name):
        # What counts something else than records and never saw any is nothing to show.
        if name not in rules or (beside(name) and not (plain["cells"] or plain["early"])):
            continue
        record = accepted.get((stream, name))
        lines = [] if record is None else list(_record(config, store, record))
        heading = clean(f"{stream.deployment} ({stream.traffic}){behind(name)}, as the daemon saved it last:")
        yield _Part(heading, lines, view(plain, rules[name]), "  ")


def _record(config: Config, store: Store, record: Record) -> Iterator[str]:
    """Say which of two references wins for a stream."""
    where = clean(f"{record.stream.deployment} ({record.stream.traffic}){behind(record.detector)}")
    endpoint = config.endpoints.get(record.stream.endpoint)
    if endpoint is not None and not still_wins(record, source_of(endpoint, record.detector, lambda name: newest(store, name))):
        yield f"{where}: accepted {record.at}; the configuration's reference changed since, and wins from the next start"
        return
    yield f"{where}: begins from {clean(record.mark)}, accepted {record.at}, instead of {clean(told(record.instead))}"


def _seen(baseline: Baseline, endpoint: Endpoint, name: str) -> StateView:
    try:
        return view(baseline.state, first_rule(endpoint))
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"baseline {name}: cannot be read ({error})") from error
