"""Attacks on the application that come in bursts: jailbreaks and indirect attacks, as the content filter says and as known texts tell."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from detectors import catalog_attacks
from detectors.catalog import Metric
from detectors.quality.priority_sample import ALWAYS
from detectors.quality.text_columns import IMPORTANCE, TEMPLATE_SIMILARITY
from detectors.safety.bursts import MINUTE, densest, line
from detectors.safety.results import parse
from detectors.safety.usual_attacks import UsualAttacks, usual_attacks_from
from detectors.types import Batch, Category, Plain, Profile, Score, Step, Window

KNOWN_TEMPLATE = "known_template"
"""The category of calls that look like a known text, and that the filter let pass without a word."""
NEAR = 0.25
"""Likeness to known texts from which on a prompt is taken for one of them: 92 of 100 unseen jailbreaks, none of 1,500 usual
queries (80 known jailbreaks as the bank)."""
SHARE = 0.25
"""Of the alarm budget: beside it, not out of it, as what is told of the number of rows."""

_EXACT = tuple((direction, category) for direction in ("prompt", "completion") for category in ("jailbreak", "indirect_attack"))
_SERIES = 3
"""Series of a usual deployment that share the budget: prompts with jailbreaks, with indirect attacks, like known ones."""
_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Known:
    """What is usual, by `direction/category`."""

    usual: Mapping[str, UsualAttacks] = field(default_factory=dict)

    def plain(self) -> Plain:
        """Return the state as data."""
        return {"usual": {name: one.plain() for name, one in self.usual.items()}}


@dataclass(frozen=True, slots=True)
class Attacks:
    """Finds the stretch of minutes in a window in which attacks are most unlikely so many, against the endpoint's own usual rate."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        catalog_attacks.SAFETY_BURST_SEVERITY,
        catalog_attacks.SAFETY_BURST_ATTACKS,
        catalog_attacks.SAFETY_BURST_PASSED,
        catalog_attacks.SAFETY_BURST_USUAL,
        catalog_attacks.SAFETY_BURST_START,
        catalog_attacks.SAFETY_BURST_LENGTH,
    )

    budget: float = 1.0
    """Alarm episodes in 30 days that are bearable; an endpoint's `alarm_budget` sets it."""

    def restore(self, saved: Plain | None) -> Known:
        """Return what is known to be usual."""
        return Known({name: usual_attacks_from(one) for name, one in saved["usual"].items()}) if saved else Known()

    def observe(self, state: Known, batch: Batch) -> Profile:  # noqa: ARG002 - what is usual does not change what is counted
        """Count checked calls, attacks and blocked attacks a minute: tallies `what/direction/category`, keyed by minutes since 1970."""
        filters, times = batch.columns.get("filters"), batch.columns.get("time")
        if batch.kind != "calls" or not isinstance(filters, Category) or not isinstance(times, np.ndarray):
            return Profile()
        levels = _levels(filters.values)
        if not levels:
            return Profile()
        minutes, place = np.unique(times.astype(np.int64) // (MINUTE * _NANO), return_inverse=True)
        tallies: dict[str, dict[str, int]] = {}
        for (direction, category), level in levels.items():
            counts = np.bincount(4 * place + level[filters.codes], minlength=4 * len(minutes)).reshape(-1, 4)
            # At least checked, at least found, blocked.
            reached = counts[:, ::-1].cumsum(axis=1)[:, 2::-1]
            for what, column in zip(("checked", "attacks", "blocked"), reached.T, strict=True):
                rows = np.flatnonzero(column)
                if len(rows):
                    pairs = zip(minutes[rows].tolist(), column[rows].tolist(), strict=True)
                    tallies[f"{what}/{direction}/{category}"] = {str(minute): count for minute, count in pairs}
        return Profile({}, tallies)

    def step(self, state: Known, window: Window, profile: Profile) -> Step:
        """Judge what the filter said in a closed window, and learn from it."""
        scores: list[Score] = []
        for direction, category in _EXACT:
            counts = [
                _minutes(window, profile.tallies.get(f"{what}/{direction}/{category}", {})) for what in ("checked", "attacks", "blocked")
            ]
            state, said = self._judged(state, window, f"{direction}/{category}", *counts)
            scores += said
        return Step(state, tuple(scores))

    def look(self, state: Any, window: Window, rows: Batch) -> Step:
        """Judge the sampled prompts the filter had nothing to say of, by their likeness to known texts; without any of those, nothing."""
        near, importance, times = (rows.columns.get(name) for name in (TEMPLATE_SIMILARITY, IMPORTANCE, "time"))
        if not all(isinstance(column, np.ndarray) for column in (near, importance, times)):
            return Step(state)
        likeness, worth = np.asarray(near, np.float64), np.asarray(importance, np.float64)
        # All calls of the least importance had the same chance to be here: they are a thinned stream, and no more than that.
        plain = np.isfinite(likeness) & (worth < ALWAYS) & (worth <= 1)
        first = int(window.start.timestamp()) // MINUTE
        at = np.asarray(times, np.int64)[plain] // (MINUTE * _NANO) - first
        size = _size(window)
        checked, attacks = (
            np.bincount(chosen[(chosen >= 0) & (chosen < size)], minlength=size).astype(np.float64)
            for chosen in (at, at[likeness[plain] >= NEAR])
        )
        state, said = self._judged(state, window, f"prompt/{KNOWN_TEMPLATE}", checked, attacks, np.zeros(size))
        return Step(state, tuple(said))

    def _judged(
        self,
        state: Known,
        window: Window,
        name: str,
        checked: NDArray[np.float64],
        attacks: NDArray[np.float64],
        blocked: NDArray[np.float64],
    ) -> tuple[Known, list[Score]]:
        if not checked.any():
            return state, []
        usual, hour = state.usual.get(name, UsualAttacks()), window.start.hour
        loud, said = False, list[Score]()
        if usual.ready(window.day, hour):
            said = list(self._said(usual, window, name, checked, attacks, blocked))
            loud = said[0].value > 1
        learnt = usual.add(window.day, hour, checked, attacks, loud=loud)
        return replace(state, usual={**state.usual, name: learnt}), said

    def _said(
        self,
        usual: UsualAttacks,
        window: Window,
        name: str,
        checked: NDArray[np.float64],
        attacks: NDArray[np.float64],
        blocked: NDArray[np.float64],
    ) -> Iterator[Score]:
        direction, category = name.split("/")
        attributes = {"category": category, "direction": direction}
        usually = checked * usual.rate(window.start.hour)[0]
        found = densest(attacks.astype(np.int64), usually, *usual.scatter(window.start.hour, len(checked)))
        limit = line(SHARE / _SERIES, self.budget, (window.end - window.start).total_seconds())
        yield Score(catalog_attacks.SAFETY_BURST_SEVERITY, found.surprise / limit if found else 0.0, attributes)
        if found:
            stopped = float(blocked[found.first : found.first + found.minutes].sum())
            yield Score(catalog_attacks.SAFETY_BURST_ATTACKS, found.attacks, attributes)
            yield Score(catalog_attacks.SAFETY_BURST_PASSED, found.attacks - stopped, attributes)
            yield Score(catalog_attacks.SAFETY_BURST_USUAL, found.usual, attributes)
            yield Score(catalog_attacks.SAFETY_BURST_START, float(found.first * MINUTE), attributes)
            yield Score(catalog_attacks.SAFETY_BURST_LENGTH, float(found.minutes * MINUTE), attributes)


@lru_cache(maxsize=256)
def _levels(values: tuple[str, ...]) -> Mapping[tuple[str, str], NDArray[np.int64]]:
    """Return for each series, by code of the filter results: 0 not checked, 1 checked, 2 an attack was found, 3 it was blocked; the last is for none."""
    actions = {"passed": 1, "annotated": 2, "blocked": 3}
    found = {series: np.zeros(len(values) + 1, np.int64) for series in _EXACT}
    for code, value in enumerate(values):
        for one in parse(value):
            levels = found.get((one.direction, one.category))
            if levels is not None:
                levels[code] = max(levels[code], actions[one.action])
    return {series: levels for series, levels in found.items() if levels.any()}


def _size(window: Window) -> int:
    seconds = int(window.end.timestamp()) - int(window.start.timestamp()) // MINUTE * MINUTE
    return max(-(-seconds // MINUTE), 1)


def _minutes(window: Window, tally: Mapping[str, int]) -> NDArray[np.float64]:
    """Return a count for each minute of a window."""
    first, found = int(window.start.timestamp()) // MINUTE, np.zeros(_size(window))
    for minute, count in tally.items():
        if 0 <= int(minute) - first < len(found):
            found[int(minute) - first] += count
    return found
