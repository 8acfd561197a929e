"""What no single field of a configuration can know: settings that contradict each other."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from agent.address import checked
from agent.config import Columns, Config, KeptTexts, Redact
from agent.config_values import BAD, Reader, nearest, shown
from agent.enrichers import Enricher
from agent.errors import ConfigError

_CURRENCY = re.compile("[A-Z]{3}")


def sound(reader: Reader, key: str, endpoint: Any) -> Any:
    """Return an endpoint whose settings fit together, or BAD."""
    if endpoint is BAD:
        return BAD
    before = len(reader.problems)
    _content(reader, key, endpoint)
    if not _is_zone(endpoint.timezone):
        close = nearest(endpoint.timezone, available_timezones()) or "Europe/Stockholm"
        reader.fault(f"{key}.timezone", f"{shown(key, endpoint.timezone)} is no IANA time zone; did you mean {close}?")
    _columns(reader, f"{key}.columns", endpoint.columns)
    if endpoint.enrichers is not None:
        _enrichers(reader, f"{key}.enrichers", endpoint.enrichers.enrichers, endpoint.columns)
    reference = endpoint.reference
    if reference.baseline is not None and (reference.file is not None or reference.history is not None):
        reader.fault(f"{key}.reference.baseline", f"'{reference.baseline}' stands alone; leave out file and history")
    if reference.history is not None and endpoint.source is None:
        reader.fault(
            f"{key}.reference.history", "is read from the endpoint's own source, and it has none; add source, or use file or baseline"
        )
    for name, detector in endpoint.detectors.items():
        product = getattr(detector, "thresholds", None)
        if product is not None and not endpoint.keep_rows:
            reader.fault(
                f"{key}.detectors.{name}.thresholds", f"{product} is scored on rows, and none are kept; add keep_rows: 2000 to the endpoint"
            )
    return endpoint if len(reader.problems) == before else BAD


def _content(reader: Reader, key: str, endpoint: Any) -> None:
    if endpoint.texts != KeptTexts() and endpoint.content != "sampled":
        reader.fault(f"{key}.texts", f"nothing stays on disk under content: {endpoint.content}; write content: sampled, or leave it out")
    if endpoint.templates is not None and endpoint.content == "off":
        reader.fault(f"{key}.templates", "prompts are held against them, and content: off drops every prompt; write content: features")
    _asked(reader, key, endpoint)
    if endpoint.redact == Redact():
        return
    if endpoint.redact.recognisers and endpoint.content != "transient":
        why = "writes texts before" if endpoint.content == "sampled" else "sends it none"
        reader.fault(
            f"{key}.redact.recognisers",
            f"are asked about texts on their way to a judge, and content: {endpoint.content} {why}; write content: transient",
        )
    from agent.redaction.redactor import kinds_of  # noqa: PLC0415 - only where there is something to check

    try:
        kinds_of(endpoint.redact.keep, endpoint.redact.patterns)
    except ValueError as error:
        reader.fault(f"{key}.redact", str(error))


def _asked(reader: Reader, key: str, endpoint: Any) -> None:
    """Fault a judge, or Azure AI Content Safety, that cannot be asked."""
    for name in ("judge", "content_safety"):
        asked = getattr(endpoint, name)
        if asked is None:
            continue
        if endpoint.content in {"off", "features"}:
            reader.fault(f"{key}.{name}", f"needs texts, and content: {endpoint.content} keeps none; write content: transient")
        try:
            asked.check()
        except ConfigError as error:
            reader.fault(f"{key}.{name}", str(error))
    if endpoint.judge is not None and endpoint.judge.reasons and endpoint.content != "sampled":
        reader.fault(
            f"{key}.judge.reasons", "quote the texts they are about, and those may be written with content: sampled only; leave it out"
        )


def _columns(reader: Reader, key: str, columns: Columns) -> None:
    for column in sorted({*columns.categorical} & {*columns.numeric}):
        reader.fault(f"{key}.numeric", f"'{column}' is listed under categorical too; leave it in one of them")
    for role in ("timestamp", "id", "prediction", "probability", "label", "deployment"):
        if getattr(columns, role) in columns.ignore:
            reader.fault(f"{key}.{role}", f"'{getattr(columns, role)}' is listed under ignore too; leave it in one of them")
    others = {columns.timestamp, columns.id, columns.prediction, columns.probability, columns.label, columns.deployment, *columns.ignore}
    for column in sorted({*columns.probabilities} & others):
        reader.fault(f"{key}.probabilities", f"'{column}' is named for something else too; leave it in one place")
    if columns.prediction is not None and columns.prediction == columns.label:
        reader.fault(f"{key}.label", f"'{columns.label}' is the prediction too; the truth is another column")


def _enrichers(reader: Reader, key: str, enrichers: Mapping[str, Enricher], columns: Columns) -> None:
    """Fault columns that two enrichers draw from, and columns that mean something else as well: drawn from, they are gone."""
    roles = {
        column
        for item in fields(columns)
        for named in [getattr(columns, item.name)]
        for column in ([named] if isinstance(named, str) else named or ())
    }
    taken: dict[str, str] = {}
    for name, enricher in enrichers.items():
        for column in enricher.columns:
            first = taken.setdefault(column, name)
            if first != name or enricher.columns.count(column) > 1:
                reader.fault(f"{key}.{name}.columns", f"'{column}' is under {first} already; leave it in one place")
            elif column in roles:
                reader.fault(f"{key}.{name}.columns", f"'{column}' is named under columns too, and would be gone; leave it in one of them")


def consistent(reader: Reader, config: Any) -> Any:
    """Return a configuration whose parts fit together, or BAD."""
    if config is BAD or reader.problems:
        return BAD
    if not config.sources and all(endpoint.source is None and not endpoint.golden for endpoint in config.endpoints.values()):
        reader.fault("sources", "nothing to watch: no shared source and no endpoint with a source; add sources: {otlp: {}}")
    if not _CURRENCY.fullmatch(config.currency):
        reader.fault("currency", f"{shown('', config.currency)} is no ISO 4217 code; write three capital letters such as EUR or USD")
    if config.spool.segment_bytes > config.spool.max_bytes:
        reader.fault("spool.segment_bytes", f"{config.spool.segment_bytes} is more than max_bytes ({config.spool.max_bytes})")
    _matches(reader, config)
    _addresses(reader, config)
    return config


def _matches(reader: Reader, config: Config) -> None:
    seen: dict[tuple[tuple[str, str], ...], str] = {}
    for name, endpoint in config.endpoints.items():
        marks = tuple(sorted(endpoint.match.items()))
        if endpoint.source is None and marks in seen:
            reader.fault(f"endpoints.{name}.match", f"is the same as that of endpoint {seen[marks]}; one of them would see nothing")
        elif endpoint.source is None:
            seen[marks] = name


def _addresses(reader: Reader, config: Config) -> None:
    if config.health is not None:
        try:
            checked(config.health, "health")
        except ConfigError as error:
            reader.fault("", str(error))
    taken: dict[str, str] = {}
    for key, listen in _listeners(config):
        first = taken.setdefault(listen, key)
        if first != key and not listen.endswith(":0"):
            reader.fault(key, f"{listen} is the address of {first} already; give it a port of its own")


def _listeners(config: Config) -> Iterator[tuple[str, str]]:
    """Yield key and address of everything that listens."""
    for group in ("sources", "sinks"):
        for name, found in getattr(config, group).items():
            for option in ("http", "grpc", "listen"):
                listen = getattr(found, option, None)
                if isinstance(listen, str):
                    yield f"{group}.{name}.{option}", listen
    if config.health is not None:
        yield "health", config.health


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return False
    return True
