"""Where a named baseline may come from: a file, the history of the endpoint's source, windows that were lived."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from agent.baselines.asked import Chosen
from agent.baselines.changing import Changing
from agent.baselines.stored import Baseline
from agent.config import Endpoint
from agent.drift_rules import first_rule
from agent.errors import TooLittleData
from agent.reference_building import build, build_from_file, window_start
from agent.sources import Context


class Importer(Protocol):
    """Fetches a reference. A registry of models, or a table elsewhere, is one more of these."""

    def baseline(self, endpoint: Endpoint) -> Baseline:
        """Return the reference for an endpoint's columns and windows.

        Raises InputError for what cannot be read, ConfigError for what is not there, TooLittleData where there is too little.
        """
        ...


@dataclass(frozen=True, slots=True)
class FromFile:
    """Rows of a file: training data, an export."""

    path: Path
    timed: bool
    """Whether the times of its rows mean something; else it fixes cells and distribution only."""
    at: str

    def baseline(self, endpoint: Endpoint) -> Baseline:
        """Read the file twice."""
        timed = self.timed and endpoint.columns.timestamp is not None
        return Baseline.of(endpoint, build_from_file(endpoint, first_rule(endpoint), self.path, timed=timed), str(self.path), self.at)


@dataclass(frozen=True, slots=True)
class FromHistory:
    """The past of the endpoint's own source."""

    context: Context
    span: timedelta

    def baseline(self, endpoint: Endpoint) -> Baseline:
        """Read the source twice, up to the window that is open now."""
        now = self.context.clock.now()
        origin = window_start(now, endpoint)
        rule = first_rule(endpoint)
        state = build(endpoint, rule, self.context, self.span, origin)
        days = f"{(origin - self.span).date()} to {origin.date()}"
        if not rule.restore(state).cells:
            raise TooLittleData(
                f"endpoint {endpoint.name}: its source has no rows in whole windows of {days} (--history); nothing is stored"
            )
        made_of = f"history of its source, {days}"
        return Baseline.of(endpoint, state, made_of, now.isoformat(timespec="seconds"))


@dataclass(frozen=True, slots=True)
class FromWindows:
    """Windows that a stream keeps of its past."""

    changing: Changing
    chosen: Chosen

    def baseline(self, endpoint: Endpoint) -> Baseline:
        """Take the windows of the days that were chosen; `endpoint` is the one they were chosen of."""
        return self.changing.made_of_windows(endpoint, self.chosen)
