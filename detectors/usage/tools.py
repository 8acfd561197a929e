"""Tools: how many runs of each failed and how long they took; and which of the calls that models asked for cannot be run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from detectors import catalog_serving as catalog
from detectors.catalog import Metric
from detectors.intervals import wilson
from detectors.types import Batch, Category, Plain, Profile, Score, Step, Total, Window
from detectors.usage.latency import cells, quantile, usable

TOOLS = "__tools__"
"""Deployment of all runs of tools: they do not say which one asked for them."""
OTHER = "__other__"
"""What tools beyond the bound, and names that are none, are called."""
ASKED, READ, MALFORMED, KNOWN, NOT_OFFERED = (
    "tool_calls",
    "tool_calls_read",
    "tool_calls_malformed",
    "tool_calls_known",
    "tool_calls_not_offered",
)
"""Columns of calls, float64: tool calls asked for; those with readable arguments, and of them those that are no JSON object; those of a
request whose tools are known, and of them those it did not offer."""
COLUMNS = (ASKED, READ, MALFORMED, KNOWN, NOT_OFFERED)

_REASONS = (("arguments", 1, 2), ("not_offered", 3, 4))


@dataclass(frozen=True, slots=True)
class Nothing:
    """State of a detector that carries nothing from window to window."""

    def plain(self) -> Plain:
        """Return no data."""
        return {}


@dataclass(frozen=True, slots=True)
class Tools:
    """Counts runs of tools by name, and tool calls that models asked for by what is wrong with them."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        catalog.TOOL_RUNS,
        catalog.TOOL_SAMPLES,
        catalog.TOOL_FAILED,
        catalog.TOOL_FAILED_LOWER,
        catalog.TOOL_FAILED_UPPER,
        catalog.TOOL_DURATION_P50,
        catalog.TOOL_DURATION_P95,
        catalog.TOOL_REQUESTED,
        catalog.TOOL_INVALID,
        catalog.TOOL_INVALID_SAMPLES,
        catalog.TOOL_INVALID_RATIO,
        catalog.TOOL_INVALID_LOWER,
        catalog.TOOL_INVALID_UPPER,
    )

    def restore(self, saved: Plain | None) -> Nothing:  # noqa: ARG002 - the protocol of a detector
        """Return the empty state."""
        return Nothing()

    def observe(self, state: Nothing, batch: Batch) -> Profile:  # noqa: ARG002 - the protocol of a detector
        """Count runs by tool, of calls the sums of `COLUMNS`; any other batch gives an empty profile. The source bounds the names."""
        if batch.kind == "tools" and batch.rows:
            return _runs(batch)
        if batch.kind != "calls" or ASKED not in batch.columns:
            return Profile()
        return Profile({"asked": np.array([np.nansum(_number(batch, name)) for name in COLUMNS], np.int64)})

    def totals(self, profile: Profile) -> Sequence[Total]:
        """Return the increases of runs, and of calls asked for and invalid."""
        return tuple(_totals(profile))

    def step(self, state: Nothing, window: Window, profile: Profile) -> Step:  # noqa: ARG002 - the protocol of a detector
        """Give the shares of a window; what nothing was counted for has no score."""
        return Step(state, tuple(_scores(profile)))


def _runs(batch: Batch) -> Profile:
    tools = batch.columns.get("tool")
    coded = tools if isinstance(tools, Category) else Category.constant(OTHER, batch.rows)
    error, times = batch.columns.get("error_type"), _number(batch, "duration")
    failed = error.codes >= 0 if isinstance(error, Category) else np.zeros(batch.rows, np.bool_)
    counts: dict[str, NDArray[np.int64]] = {}
    runs: dict[str, int] = {}
    failures: dict[str, int] = {}
    for code, tool in enumerate(coded.values):
        mine = coded.codes == code
        if mine.any():
            runs[tool], failures[tool] = int(np.count_nonzero(mine)), int(np.count_nonzero(mine & failed))
            counts[f"duration/{tool}"] = cells(usable(times[mine]))
    return Profile(counts, {"runs": runs, "failed": failures})


def _totals(profile: Profile) -> Iterator[Total]:
    for tool, runs in profile.tallies.get("runs", {}).items():
        yield Total(catalog.TOOL_RUNS, {"tool": tool}, runs)
    if "asked" in profile.counts:
        asked = profile.counts["asked"].tolist()
        yield Total(catalog.TOOL_REQUESTED, {}, asked[0])
        for reason, _, wrong in _REASONS:
            yield Total(catalog.TOOL_INVALID, {"reason": reason}, asked[wrong])


def _scores(profile: Profile) -> Iterator[Score]:
    for tool, runs in sorted(profile.tallies.get("runs", {}).items()):
        attributes, failed = {"tool": tool}, profile.tallies["failed"].get(tool, 0)
        lower, upper = wilson(failed, runs)
        yield Score(catalog.TOOL_SAMPLES, runs, attributes)
        yield Score(catalog.TOOL_FAILED, failed / runs, attributes)
        yield Score(catalog.TOOL_FAILED_LOWER, lower, attributes)
        yield Score(catalog.TOOL_FAILED_UPPER, upper, attributes)
        times = profile.counts[f"duration/{tool}"]
        for share, metric in ((0.5, catalog.TOOL_DURATION_P50), (0.95, catalog.TOOL_DURATION_P95)):
            if len(times):
                yield Score(metric, quantile(times, share), attributes)
    for reason, checked, wrong in _REASONS if "asked" in profile.counts else ():
        trials, hits = (int(profile.counts["asked"][place]) for place in (checked, wrong))
        if trials:
            attributes = {"reason": reason}
            lower, upper = wilson(hits, trials)
            yield Score(catalog.TOOL_INVALID_SAMPLES, trials, attributes)
            yield Score(catalog.TOOL_INVALID_RATIO, hits / trials, attributes)
            yield Score(catalog.TOOL_INVALID_LOWER, lower, attributes)
            yield Score(catalog.TOOL_INVALID_UPPER, upper, attributes)


def _number(batch: Batch, name: str) -> NDArray[np.float64]:
    column = batch.columns.get(name)
    return column.astype(np.float64) if isinstance(column, np.ndarray) else np.full(batch.rows, np.nan)
