"""river on days of rows: on which live days its detectors fire for a numeric column; they have no reference and take no categories.

    python -m bench.peers.river_days FOLDER

ADWIN is fed every value, and ADWIN and KSWIN the mean of each day; all with their defaults.
"""

import sys
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray
from river.drift import ADWIN, KSWIN  # type: ignore[import-not-found]  # only in its own environment

from bench.peers.days import load_days
from bench.peers.environments import answer

Floats = NDArray[np.float64]
RULES: dict[str, Callable[[list[Floats]], list[int]]] = {
    "ADWIN, every value": lambda days: _fired(ADWIN(), days),
    "ADWIN, daily means": lambda days: _fired(ADWIN(), _means(days)),
    "KSWIN, daily means": lambda days: _fired(KSWIN(seed=1), _means(days)),
}


def main(folder: str) -> None:
    """Answer, by rule, with [place, column] of each alarm by order, and with the places flagged by change."""
    days = load_days(folder)
    names = [name for name, column in days.columns.items() if column.dtype == float]
    places = list(days.columns)
    found: dict[str, dict[str, list[object]]] = {rule: {"alarms": [], "changes": []} for rule in RULES}
    for order in range(len(days.orders)):
        rows = [part for _, part in days.whole(order)]
        columns = {name: [days.columns[name][part] for part in rows] for name in names}
        for rule, fire in RULES.items():
            fired = {name: fire(column) for name, column in columns.items()}
            found[rule]["alarms"].append(
                [[place, places.index(name)] for name in names for place in fired[name] if place >= days.reference]
            )
            for change in days.changes:
                if change.order == order and change.feature in columns:
                    changed = list(columns[change.feature])
                    changed[change.first : change.first + len(change.places)] = change.places
                    span = range(change.first, change.first + len(change.places))
                    found[rule]["changes"].append([order, change.label, [place for place in fire(changed) if place in span]])
    answer(**found)


def _means(days: Iterable[Floats]) -> list[Floats]:
    return [np.array([np.nanmean(values)]) if np.isfinite(values).any() else np.empty(0) for values in days]


def _fired(detector: ADWIN | KSWIN, days: list[Floats]) -> list[int]:
    """Return the places on which it fires at least once."""
    fired = []
    for place, values in enumerate(days):
        here = False
        for value in values[np.isfinite(values)].tolist():
            detector.update(value)
            here |= detector.drift_detected
        if here:
            fired.append(place)
    return fired


if __name__ == "__main__":
    main(*sys.argv[1:])
