"""A short fingerprint of what decides an endpoint's scores, so that ids of scores change only when they would."""

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import timedelta
from pathlib import PurePath
from typing import Any

import orjson

from agent.config import Endpoint

DECIDING = ("name", "window", "allowed_lateness", "timezone", "columns", "detectors", "reference", "alarm_budget")
"""Where records come from, what is alerted on and what is kept for reports change no score."""


def config_hash(endpoint: Endpoint) -> str:
    """Return 16 hexadecimal digits; equal options give equal digits in every process, whatever their order.

    >>> config_hash(Endpoint("a")) == config_hash(Endpoint("a")), config_hash(Endpoint("a")) == config_hash(Endpoint("b"))
    (True, False)
    """
    # Days taken out and who pages lead to other lines from the same windows: what was learnt stays good.
    learnt = replace(endpoint, reference=replace(endpoint.reference, pages="rolling", exclude=(), holidays=()))
    values = {name: _plain(getattr(learnt, name)) for name in DECIDING} | _drawn(endpoint)
    return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def reference_hash(endpoint: Endpoint) -> str:
    """Return the same of the options alone that decide which columns a reference holds, and what its windows are.

    >>> reference_hash(Endpoint("a")) == reference_hash(Endpoint("b")), reference_hash(Endpoint("a", timezone="Asia/Tokyo")) == reference_hash(Endpoint("a"))
    (True, False)
    """
    watched = {name: getattr(detector, "features", None) for name, detector in endpoint.detectors.items()}
    values = (
        {name: _plain(getattr(endpoint, name)) for name in ("window", "timezone", "columns")}
        | {"features": _plain(watched)}
        | _drawn(endpoint)
    )
    return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def _drawn(endpoint: Endpoint) -> dict[str, Any]:
    """Return the options of enrichers; nothing where there are none, so that older digits stay as they were."""
    return {} if endpoint.enrichers is None else {"enrichers": _plain(endpoint.enrichers.enrichers)}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {"": type(value).__qualname__} | {item.name: _plain(getattr(value, item.name)) for item in fields(value) if item.init}
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1)
    return str(value) if isinstance(value, PurePath) else value
