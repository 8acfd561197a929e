"""The configuration as values: what a validated file turns into."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

ContentMode = Literal["off", "features", "transient", "sampled"]
Paging = Literal["azure", "prometheus", "agent"]


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a row mean what; everything else is a feature."""

    timestamp: str | None = None
    """Event time: ISO 8601, or epoch seconds, milliseconds, microseconds or nanoseconds (told apart by size)."""
    id: str | None = None
    """Identifies a row; doubled ids are counted once."""
    prediction: str | None = None
    label: str | None = None
    deployment: str | None = None
    segments: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    """Columns to treat as categories although they look like numbers."""
    numeric: tuple[str, ...] = ()
    """Columns to treat as numbers although they look like text."""
    ignore: tuple[str, ...] = ()
    """Columns that are no features."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What live windows are compared with. Nothing given: it is learnt from live windows."""

    history: timedelta | None = None
    """That much of the past, read from the endpoint's own source."""
    file: Path | None = None
    """A CSV, Parquet or JSONL file without usable time, such as the training data."""
    baseline: str | None = None
    """A stored baseline, as named by `driftline baseline build`."""
    pages: Literal["fixed", "rolling", "both"] = "rolling"
    """Which reference may page. Where there is no rolling one, the fixed one does."""


@dataclass(frozen=True, slots=True)
class AlarmBudget:
    """At most so many alarm episodes in so many days, for the whole endpoint."""

    episodes: float = 1.0
    days: float = 30.0

    @property
    def per_30_days(self) -> float:
        """The budget b of the alarm rule."""
        return self.episodes * 30.0 / self.days


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One monitored endpoint."""

    name: str
    match: Mapping[str, str] = field(default_factory=dict)
    """Resource attributes that mark its traffic; all must be equal."""
    source: Any = None
    """A pull source of its own (a component of group sources), or None for traffic pushed to shared listeners."""
    columns: Columns = field(default_factory=Columns)
    window: timedelta = timedelta(minutes=15)
    allowed_lateness: timedelta = timedelta(minutes=1)
    timezone: str = "UTC"
    content: ContentMode = "off"
    detectors: Mapping[str, Any] = field(default_factory=dict)
    """Component id to detector; left out: usage and safety for calls, drift and data quality for all."""
    reference: Reference = field(default_factory=Reference)
    alarm_budget: AlarmBudget = field(default_factory=AlarmBudget)
    alerts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Rule name to changed options; `{enabled: false}` switches one off."""
    keep_rows: int = 0
    """Rows a window kept as a uniform sample for reports; 0 keeps none."""


@dataclass(frozen=True, slots=True)
class Spool:
    """Limits of the spool."""

    durability: Literal["commit", "interval", "write"] = "commit"
    """commit: fsync before each answer; interval: every 500 ms; write: left to the system."""
    max_bytes: int = 512 * 1024 * 1024
    segment_bytes: int = 32 * 1024 * 1024
    min_free_bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Config:
    """A whole validated configuration."""

    version: int = 1
    currency: str = "USD"
    state: Path = Path("driftline-state")
    """Folder of spool, store and baselines; made with mode 0700."""
    interval: timedelta = timedelta(seconds=60)
    """How often counters, heartbeat and alert gauges are sent."""
    spool: Spool = field(default_factory=Spool)
    sources: Mapping[str, Any] = field(default_factory=dict)
    """Component id to push source shared by all endpoints."""
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    sinks: Mapping[str, Any] = field(default_factory=dict)
    notifiers: Mapping[str, Any] = field(default_factory=dict)
    paging: Paging = "azure"
    max_endpoints: int = 200
    """Endpoints made for unmatched traffic; beyond that everything is `__other__`."""
