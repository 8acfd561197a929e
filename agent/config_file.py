"""A configuration file on disk becomes a Config; everything wrong with it is said at once, a line each."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.config import Config, Endpoint, Redact, Retraining
from agent.config_sound import consistent, sound
from agent.config_text import LARGEST, expand, parse
from agent.config_values import BAD, Reader, shown, suggest
from agent.enrichers.enrichment import Enrichment
from agent.enrichers.yardsticks import Yardsticks, kept_in
from agent.errors import ConfigError
from agent.golden.options import GoldenOptions
from agent.judges.chat import Chat
from agent.registry import Group, component, names
from agent.series import OTHER
from alerts.builtin import RULES

NEWEST = 1
"""The version of configuration files this driftline writes, and the newest it reads."""

SHARED: tuple[Group, ...] = ("sources", "sinks", "notifiers")
"""Groups of components configured once for all endpoints."""

NEEDED: Mapping[Group, tuple[str, str]] = {
    "sources": ("listen", "is asked for its records; give it to the endpoint they belong to, as endpoints.NAME.source"),
    "sinks": ("", ""),
    "notifiers": ("", ""),
}
"""The method a component must have to stand in a shared section, and what to say of one that lacks it."""

LONGEST_NAME = 128
"""Letters of an endpoint's name."""

SHOWN = 10
"""Problems told at once."""


def load(path: Path, environment: Mapping[str, str]) -> Config:
    """Return the validated configuration of a YAML file.

    Raises ConfigError: a line for each problem, the first ten, each naming file, key, value and what is known.
    """
    return read(_text(path), str(path), path.resolve().parent, environment)


def read(text: str, name: str, folder: Path, environment: Mapping[str, str]) -> Config:
    """Return the validated configuration of a text; `name` is what errors call it, `folder` where relative paths start."""
    return _read(text, name, folder, environment)[0]


def inline_secrets(path: Path, environment: Mapping[str, str]) -> list[str]:
    """Return the keys of secrets that stand in the file itself instead of the environment. Raises ConfigError as `load` does."""
    return _read(_text(path), str(path), path.resolve().parent, environment)[1].inline


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise ConfigError(f"{path}: is larger than {LARGEST} bytes")
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text") from error
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such file; `driftline init` writes one") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def _read(text: str, name: str, folder: Path, environment: Mapping[str, str]) -> tuple[Config, Reader]:
    reader = Reader(folder)
    try:
        data = expand(parse(text), "", environment, folder, reader.problems)
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from error
    config = BAD if reader.problems else _config(reader, data)
    if reader.problems:
        more = len(reader.problems) - SHOWN
        shown_first = [*reader.problems[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
        raise ConfigError("\n".join(f"{name}: {problem}" for problem in shown_first))
    assert isinstance(config, Config)  # noqa: S101 (no problems, so it was built)
    return config, reader


def _config(reader: Reader, data: Any) -> Any:
    given = reader.mapping(data, "")
    if data is not None and not isinstance(data, Mapping):
        return BAD
    version = given.get("version", NEWEST)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        told = shown("version", repr(version) if isinstance(version, str) else version)
        return reader.fault("version", f"must be the number {NEWEST}, not {told}")
    if version > NEWEST:
        return reader.fault("version", f"{version} is newer than this driftline reads ({NEWEST}); upgrade driftline")
    ready: dict[str, Any] = {group: components(reader, group, given[group], group, NEEDED[group]) for group in SHARED if group in given}
    endpoints = {
        endpoint: _endpoint(reader, endpoint, value) for endpoint, value in reader.mapping(given.get("endpoints"), "endpoints").items()
    }
    ready["endpoints"] = BAD if any(item is BAD for item in endpoints.values()) else endpoints
    # The default folder stands beside the file too, wherever the command was started.
    config = consistent(reader, reader.record(Config, {"state": str(Config().state)} | given, "", ready))
    return config if config is BAD else _measured(config)


def _measured(config: Config) -> Config:
    """Return the configuration whose enrichers keep what they learn in its state."""
    kept = kept_in(config.state.resolve())
    endpoints = {
        name: one if one.enrichers is None else replace(one, enrichers=replace(one.enrichers, yardsticks=kept))
        for name, one in config.endpoints.items()
    }
    return replace(config, endpoints=endpoints)


def components(reader: Reader, group: Group, value: Any, key: str, needed: tuple[str, str] = ("", "")) -> Any:
    """Return the components of a section, id to instance, or BAD; an id is `type` or `type/name`.

    `needed` names a method each must have, and what to say of one that lacks it.
    """
    read = {name: _component(reader, group, name, item, f"{key}.{name}", needed) for name, item in reader.mapping(value, key).items()}
    return BAD if any(item is BAD for item in read.values()) else read


def _component(reader: Reader, group: Group, name: str, value: Any, key: str, needed: tuple[str, str]) -> Any:
    known = names(group)
    kind = name.partition("/")[0]
    if kind not in known:
        return reader.fault(key, f"unknown component '{kind}'{suggest(kind, known)}")
    found = component(group, kind)
    method, otherwise = needed
    if method and not hasattr(found, method):
        return reader.fault(key, f"'{kind}' {otherwise}")
    return reader.checked(reader.record(found, value, key), key)


def _endpoint(reader: Reader, name: str, value: Any) -> Any:
    key = f"endpoints.{name}"
    given = reader.mapping(value, key)
    if value is not None and not isinstance(value, Mapping):
        return BAD
    if not name.isprintable() or name == OTHER or len(name) > LONGEST_NAME:
        return reader.fault(key, f"is no name for an endpoint: printable, at most {LONGEST_NAME} letters, and not {OTHER}")
    if "name" in given:
        return reader.fault(f"{key}.name", "unknown key: the name of an endpoint is its key under endpoints")
    ready: dict[str, Any] = {"name": name}
    if given.get("source") is not None:
        pulled = ("poll", "is sent its records; put it under sources, and say with match which are this endpoint's")
        ready["source"] = _one(reader, "sources", given["source"], f"{key}.source", pulled)
    if given.get("retraining") is not None:
        ready["retraining"] = _retraining(reader, given["retraining"], f"{key}.retraining")
    if "enrichers" in given:
        drawn_by = components(reader, "enrichers", given["enrichers"], f"{key}.enrichers")
        ready["enrichers"] = Enrichment(name, drawn_by, Yardsticks()) if drawn_by is not BAD and drawn_by else drawn_by or None
    if isinstance(given.get("redact"), Mapping) and given["redact"].get("recognisers") is not None:
        asked = components(reader, "recognisers", given["redact"]["recognisers"], f"{key}.redact.recognisers")
        ready["redact"] = reader.record(Redact, given["redact"], f"{key}.redact", {"recognisers": asked})
    ready["golden"] = _golden(reader, given.get("golden"), f"{key}.golden")
    # None named stays none here: agent/endpoint.py gives it the usual ones.
    ready["detectors"] = components(reader, "detectors", given.get("detectors"), f"{key}.detectors")
    ready["alerts"] = _alerts(reader, given.get("alerts"), f"{key}.alerts")
    return sound(reader, key, reader.record(Endpoint, given, key, ready, keyless="name"))


def _one(reader: Reader, group: Group, value: Any, key: str, needed: tuple[str, str] = ("", "")) -> Any:
    """Return the only component of a section, None for an empty one, or BAD."""
    found = components(reader, group, value, key, needed)
    if found is not BAD and len(found) > 1:
        return reader.fault(key, f"must name one {group.removesuffix('s')}, not {', '.join(found)}")
    return found if found is BAD else next(iter(found.values()), None)


def _retraining(reader: Reader, value: Any, key: str) -> Any:
    trigger = value.get("trigger") if isinstance(value, Mapping) else None
    ready = {} if trigger is None else {"trigger": _one(reader, "triggers", trigger, f"{key}.trigger")}
    return reader.record(Retraining, value, key, ready)


def _golden(reader: Reader, value: Any, key: str) -> Any:
    read = {name: _golden_set(reader, name, item, f"{key}.{name}") for name, item in reader.mapping(value, key).items()}
    return BAD if any(item is BAD for item in read.values()) else read


def _golden_set(reader: Reader, name: str, value: Any, key: str) -> Any:
    given = reader.mapping(value, key)
    if not name.isprintable() or len(name) > LONGEST_NAME:
        return reader.fault(key, f"is no name for a golden set: printable, at most {LONGEST_NAME} letters")
    ready: dict[str, Any] = {}
    if given.get("target") is not None:
        ready["target"] = _one(reader, "targets", given["target"], f"{key}.target")
    if "evaluators" in given:
        ready["evaluators"] = components(reader, "evaluators", given["evaluators"], f"{key}.evaluators")
    if given.get("judge") is not None:
        ready["judge"] = reader.checked(reader.record(Chat, given["judge"], f"{key}.judge"), f"{key}.judge")
    return reader.record(GoldenOptions, value, key, ready)


def _alerts(reader: Reader, value: Any, key: str) -> Any:
    known = {rule.name: rule for rule in RULES}
    read: dict[str, Any] = {}
    for name, options in reader.mapping(value, key).items():
        if name in known:
            read[name] = reader.record(known[name], options, f"{key}.{name}")
        else:
            read[name] = reader.fault(f"{key}.{name}", f"unknown alert '{name}'{suggest(name, known)}")
    return BAD if any(item is BAD for item in read.values()) else read
