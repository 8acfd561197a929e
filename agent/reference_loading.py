"""The references of one endpoint: stored ones of the same configuration, new ones built now."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from agent.baselines.records import print_of
from agent.clock import to_nanoseconds
from agent.config import Endpoint
from agent.config_hash import config_hash
from agent.endpoint import watchers
from agent.errors import ConfigError, DriftlineError
from agent.faults import place_of
from agent.reference_building import Labelled, Referenced, build, window_start
from agent.references import Stopped, wanted
from agent.sources import Context
from agent.store.store import Store
from detectors.catalog import AGENT_JOBS
from detectors.decay.decay import Decay
from detectors.drift.parity.detector import Parity
from detectors.types import Plain

_log = logging.getLogger(__name__)


class Loaded(NamedTuple):
    """What one detector starts from."""

    key: str
    state: Plain
    origin: int | None
    """Where live rows begin, nanoseconds; None: anywhere."""
    mark: str
    """Which one it is: another mark, another reference."""


def loaded(endpoint: Endpoint, store: Store, context: Context, stopping: Callable[[], bool], only: type[Any]) -> Iterator[Loaded]:
    """Yield the references of an endpoint's detectors that are `only` of a kind.

    One that cannot be built is told of and counted. Raises Stopped as `build` does.
    """
    for name, detector in watchers(endpoint).items():
        if not isinstance(detector, only):
            continue
        if isinstance(detector, Labelled) and not wanted(endpoint):
            _log.warning("endpoint %s: %s needs reference.file or reference.history with labels: no estimates", endpoint.name, name)
        if not isinstance(detector, Referenced) or not wanted(endpoint):
            continue
        if isinstance(detector, Parity | Decay) and endpoint.reference.baseline is not None:
            # A baseline holds counts of features, no rows: this one learns from live windows.
            continue
        asked = replace(context, name=f"{endpoint.name}/{name}")
        try:
            found = _stored_or_built(endpoint, detector, store, asked, stopping)
            detector.restore(found.state)
        except Stopped:
            raise
        except Exception as error:  # noqa: BLE001 - one endpoint's data must not keep the others from starting
            reason = error if isinstance(error, DriftlineError) else f"{type(error).__name__} at {place_of(error)}"
            _log.error("endpoint %s has no reference: %s", endpoint.name, reason)
            asked.series.add(AGENT_JOBS, job=f"reference {endpoint.name}", outcome="failed")
            continue
        yield found


def _stored_or_built(endpoint: Endpoint, detector: Referenced, store: Store, context: Context, stopping: Callable[[], bool]) -> Loaded:
    key = context.name
    baseline = endpoint.reference.baseline
    if baseline is not None and isinstance(detector, Labelled):
        raise ConfigError(f"endpoints.{endpoint.name}.reference.baseline: keeps no labels, which {key} needs; use file or history")
    if baseline is not None:
        named = store.baseline(baseline)
        if named is None:
            raise ConfigError(f"endpoints.{endpoint.name}.reference.baseline: no '{baseline}'; run driftline baseline build")
        return Loaded(key, named[1]["state"], None, f"{baseline} {named[0]}")
    fingerprint, file = config_hash(endpoint), print_of(endpoint)
    stored = store.baseline(key)
    # A file that is gone is taken for the one it was.
    if stored is not None and stored[1]["config"] == fingerprint and file in {"", stored[1].get("file", "")}:
        return Loaded(key, stored[1]["state"], stored[1]["origin"], stored[1]["built"])
    now = context.clock.now()
    history = endpoint.reference.history
    origin = window_start(now, endpoint)
    _log.info("endpoint %s: building its reference", endpoint.name)
    state = build(endpoint, detector, context, history, origin, stopping)
    live_from = to_nanoseconds(origin) if history is not None else None
    value = {"config": fingerprint, "file": file, "origin": live_from, "built": now.isoformat(), "state": state}
    with store.transaction() as transaction:
        version = transaction.add_baseline(key, value)
        transaction.keep_baselines(key, {version, version - 1})
    return Loaded(key, state, live_from, now.isoformat())
