"""Performance as the lines of `replay --json`, and as the sentences of its text."""

from collections.abc import Iterable, Iterator, Mapping
from math import isnan
from typing import Any

from detectors.catalog import (
    MODEL_DECAY_SEVERITY,
    MODEL_ESTIMATE_TRUST,
    MODEL_PART_PERFORMANCE,
    MODEL_PART_PERFORMANCE_LOWER,
    MODEL_PART_PERFORMANCE_UPPER,
    MODEL_PERFORMANCE,
    MODEL_PERFORMANCE_LOWER,
    MODEL_PERFORMANCE_UPPER,
)
from detectors.types import Plain

_FIELDS = {
    MODEL_PERFORMANCE.name: "value",
    MODEL_PERFORMANCE_LOWER.name: "lower",
    MODEL_PERFORMANCE_UPPER.name: "upper",
    MODEL_PART_PERFORMANCE.name: "value",
    MODEL_PART_PERFORMANCE_LOWER.name: "lower",
    MODEL_PART_PERFORMANCE_UPPER.name: "upper",
}
_FIRST = ("accuracy", "f1", "auc", "mae", "rmse", "r2")
"""Metrics a text tells of, where the model has them."""
Row = tuple[str, float, Mapping[str, Any]]


def records(rows: Iterable[Row], where: Plain) -> Iterator[Plain]:
    """Yield a `performance` a metric and part, then a `decay` a method, then the `trust` in estimates of one window."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    decays: list[Plain] = []
    for name, value, about in rows:
        if name in _FIELDS:
            part = {"part": about["part"], "of": about["value"]} if "part" in about else {}
            place = (about["basis"], about["metric"], *part.values())
            row = found.setdefault(
                place, {"basis": about["basis"], "metric": about["metric"], **part, "value": None, "lower": None, "upper": None}
            )
            row[_FIELDS[name]] = float(value)
        elif name == MODEL_DECAY_SEVERITY.name:
            decays.append(
                {
                    "type": "decay",
                    **where,
                    "basis": about["basis"],
                    "method": about["method"],
                    "severity": float(value),
                    "decayed": bool(value > 1),
                }
            )
        elif name == MODEL_ESTIMATE_TRUST.name and value:
            decays.append({"type": "trust", **where, "metric": about["metric"], "status": about["status"]})
    yield from ({"type": "performance", **where, **row} for row in found.values())
    yield from decays


class Summary:
    """What a text says at its end: per stream, basis and metric, how it began, how it ends, and what was worst."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, str], dict[str, float]] = {}

    def add(self, stream: str, start: str, rows: Iterable[Row]) -> None:
        """Take in a window; a later version of it takes the place of the earlier one."""
        for name, value, about in rows:
            if name == MODEL_PERFORMANCE.name and about["metric"] in _FIRST and not isnan(value):
                self._seen.setdefault((stream, about["basis"], about["metric"]), {})[start] = value

    def lines(self) -> Iterator[str]:
        """Yield a line a metric."""
        for (stream, basis, metric), windows in self._seen.items():
            ordered = sorted(windows)
            worse = max if metric in {"mae", "rmse"} else min
            worst = worse(ordered, key=lambda start: windows[start])
            first, last = windows[ordered[0]], windows[ordered[-1]]
            span = f"{first:.4g} in the first, {last:.4g} in the last of {len(ordered)} windows"
            yield f"{stream}: {metric}, {basis}: {span}; worst {windows[worst]:.4g} in the window of {worst[:16]}"
