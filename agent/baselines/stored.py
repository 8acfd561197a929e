"""A stored baseline: a reference as data, with what it was made for and of, and which endpoints it fits."""

from dataclasses import dataclass
from datetime import timedelta

from agent.config import Endpoint
from agent.config_hash import reference_hash
from agent.config_schema import written
from agent.drift_rules import beside, counted
from agent.errors import ConfigError
from agent.names import LONGEST, harmless
from agent.store.store import Store
from detectors.types import Plain


@dataclass(frozen=True, slots=True)
class Baseline:
    """One version of a named reference."""

    state: Plain
    """Of the drift detector."""
    endpoint: str
    made_of: str = ""
    """For a person: `train.parquet`, `windows of 2026-03-01 to 2026-03-28 of blue (live)`."""
    built: str = ""
    """ISO time."""
    window: timedelta | None = None
    """Length of its windows; None: stored before lengths were kept."""
    timezone: str = ""
    config: str = ""
    """Hash of the options that decided its cells and windows."""
    detector: str = ""
    """Component id of the detector whose windows it holds; empty: the endpoint's drift."""

    @classmethod
    def of(cls, endpoint: Endpoint, state: Plain, made_of: str, built: str, detector: str = "") -> "Baseline":
        """Return a baseline made under an endpoint's configuration."""
        return cls(state, endpoint.name, made_of, built, endpoint.window, endpoint.timezone, reference_hash(endpoint), detector)

    def plain(self) -> Plain:
        """Return it as data; `from_plain` takes it back."""
        return {
            "endpoint": self.endpoint,
            "made_of": self.made_of,
            "built": self.built,
            "window": None if self.window is None else self.window.total_seconds(),
            "timezone": self.timezone,
            "config": self.config,
            "detector": self.detector,
            "origin": None,
            "state": self.state,
        }

    @classmethod
    def from_plain(cls, value: Plain) -> "Baseline":
        """Take back what `plain` gave, or an older driftline stored."""
        window = value.get("window")
        return cls(
            value["state"],
            value.get("endpoint", ""),
            value.get("made_of", ""),
            value.get("built", ""),
            None if window is None else timedelta(seconds=window),
            value.get("timezone", ""),
            value.get("config", ""),
            value.get("detector", ""),
        )

    def check(self, name: str, endpoint: Endpoint, key: str, detector: str = "") -> None:
        """Raise ConfigError, naming `key`, where the endpoint's windows are others than those it holds, or `detector` counts something else.

        A baseline without windows (a file without time) fits every endpoint: variation is learnt from live windows.
        """
        if beside(self.detector) != beside(detector):
            mine, theirs = counted(self.detector), counted(detector)
            raise ConfigError(
                f"{key}: '{name}' holds counts of {mine}, and {detector or 'drift'} counts {theirs}: the two are never compared"
            )
        if not self.state.get("windows"):
            return
        way_out = f"build one with `driftline baseline build NEW --endpoint {endpoint.name}`"
        if self.window is not None and self.window != endpoint.window:
            mine, theirs = written(self.window), written(endpoint.window)
            raise ConfigError(
                f"{key}: '{name}' holds windows of {mine}, endpoints.{endpoint.name}.window is {theirs}: "
                f"how much windows vary depends on their length; {way_out}, or set window: {mine}"
            )
        if self.timezone and self.timezone != endpoint.timezone:
            raise ConfigError(
                f"{key}: '{name}' holds windows of days in {self.timezone}, endpoints.{endpoint.name}.timezone is {endpoint.timezone}; "
                f"{way_out}, or set timezone: {self.timezone}"
            )


def names(store: Store) -> list[str]:
    """Return the names people gave; those with a slash are the agent's own copies of references it built."""
    return sorted({name for name, _ in store.baselines() if "/" not in name})


def stored(name: str, store: Store, version: int | None = None) -> tuple[int, Baseline]:
    """Return the newest or the given version. Raises ConfigError naming what there is."""
    found = store.baseline(name, version)
    if found is not None:
        return found[0], Baseline.from_plain(found[1])
    versions = [str(number) for known, number in store.baselines() if known == name]
    if versions:
        raise ConfigError(f"--version: '{name}' has no version {version}; there are {', '.join(versions)}")
    raise ConfigError(f"baseline: no '{name}'; known: {', '.join(names(store)) or 'none yet'}")


def fit_name(name: str) -> str:
    """Return a name somebody gave. Raises ConfigError for one that cannot be told from the agent's own, or written on a line."""
    if not name or name != harmless(name) or "/" in name or name.startswith("-") or name != name.strip():
        raise ConfigError(f"baseline: '{harmless(name)}' is no name; write letters and digits, at most {LONGEST}, without a slash")
    return name
