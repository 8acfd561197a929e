"""What streams start from: the references of all endpoints, and what must be there for them when the agent starts."""

from collections.abc import Callable
from dataclasses import dataclass, field

from agent.baselines.records import excluded, in_force
from agent.baselines.stored import Baseline
from agent.beginnings import Beginnings
from agent.config import Config, Endpoint
from agent.errors import ConfigError
from agent.series import Series
from agent.sources import Clock, Context, Router
from agent.store.store import Store


@dataclass(slots=True)
class References:
    """What streams start from."""

    beginnings: Beginnings = field(default_factory=Beginnings)
    origins: dict[str, int] = field(default_factory=dict)
    """Endpoint to where live rows begin, nanoseconds: earlier ones are in the reference."""


class Stopped(Exception):
    """Nobody waits for the reference any more."""


def require(config: Config, store: Store) -> None:
    """Raise ConfigError where a baseline or a file that an endpoint names is not there, or the baseline has other windows.

    At the start, while somebody looks.
    """
    stored = {name for name, _ in store.baselines()}
    for endpoint in config.endpoints.values():
        name, file = endpoint.reference.baseline, endpoint.reference.file
        if name is not None and name not in stored:
            known = ", ".join(sorted(one for one in stored if "/" not in one)) or "none yet: run driftline baseline build"
            raise ConfigError(f"endpoints.{endpoint.name}.reference.baseline: no '{name}'; known: {known}")
        found = None if name is None else store.baseline(name)
        if name is not None and found is not None:
            Baseline.from_plain(found[1]).check(name, endpoint, f"endpoints.{endpoint.name}.reference.baseline")
        if file is not None and not file.is_file() and not any(one.startswith(f"{endpoint.name}/") for one in stored):
            raise ConfigError(f"endpoints.{endpoint.name}.reference.file: {file} is not there")


def load(
    config: Config,
    store: Store,
    router: Router,
    series: Series,
    clock: Clock,
    stopping: Callable[[], bool] = lambda: False,
    only: type[object] = object,
) -> References:
    """Return all references, or those of detectors that are `only` of a kind: stored ones of the same configuration, new ones built now.

    A reference that cannot be built is told of and counted; its endpoint then learns from live windows, and says so.
    It is tried again at the next start, and takes the place of what was learnt. Raises Stopped as `build` does.
    """
    found = References()
    for endpoint in config.endpoints.values():
        if not wanted(endpoint) and not endpoint.detectors:
            # The usual detectors start from live windows.
            continue
        # Imported here: what reads tables and learns from rows takes 2 MB, and agents that ask for no reference do neither.
        from agent.reference_loading import loaded  # noqa: PLC0415

        for one in loaded(endpoint, store, Context(endpoint.name, router, endpoint, series, clock), stopping, only):
            found.beginnings.shared[one.key] = one.state
            found.beginnings.marks[one.key] = one.mark
            if one.origin is not None:
                found.origins[endpoint.name] = one.origin
    found.beginnings.own = in_force(config, store)
    found.beginnings.excluded = excluded(store)
    return found


def wanted(endpoint: Endpoint) -> bool:
    """Whether an endpoint names anything to start from."""
    reference = endpoint.reference
    return reference.file is not None or reference.history is not None or reference.baseline is not None
