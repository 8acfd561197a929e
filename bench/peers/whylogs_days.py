"""whylogs on days of rows: which columns of which live days its default drift scores call drift.

    python -m bench.peers.whylogs_days FOLDER

A day is profiled once, however many orders it stands in; a reference is its days' profiles merged.
"""

import sys
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # it has no stubs here
import whylogs  # type: ignore[import-not-found]  # only in its own environment
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores  # type: ignore[import-not-found]  # the same

from bench.peers.days import Days, load_days
from bench.peers.environments import answer


def main(folder: str) -> None:
    """Answer with [place, column] of each alarm by order, and with the places flagged by change."""
    days = load_days(folder)
    names, kept = list(days.columns), dict[int, Any]()
    alarms, changes = [], []
    for order in range(len(days.orders)):
        views = _views(days, order, kept)
        known = reduce(lambda one, other: one.merge(other), views[: days.reference])
        live = range(days.reference, len(views))
        alarms.append([[place, names.index(name)] for place in live for name in _drifted(views[place], known)])
        for change in days.changes:
            if change.order == order:
                flagged = [
                    change.first + step
                    for step, values in enumerate(change.places)
                    if _drifted(whylogs.log(pd.DataFrame({change.feature: values})).view(), known)
                ]
                changes.append([order, change.label, flagged])
    answer(alarms=alarms, changes=changes)


def _views(days: Days, order: int, kept: dict[int, Any]) -> list[Any]:
    views = []
    for place, rows in days.whole(order):
        window = int(days.orders[order, place])
        view = kept.get(window) if days.rows is None else None
        if view is None:
            view = whylogs.log(pd.DataFrame({name: column[rows] for name, column in days.columns.items()})).view()
        if days.rows is None:
            kept[window] = view
        views.append(view)
    return views


def _drifted(view: Any, known: Any) -> list[str]:
    with np.errstate(all="ignore"):
        scores = calculate_drift_scores(view, known, with_thresholds=True)
    return [name for name, score in scores.items() if score and score["drift_category"] == "DRIFT"]


if __name__ == "__main__":
    main(*sys.argv[1:])
