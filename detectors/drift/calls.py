"""What is watched of model calls: what they say of the endpoint where no payload may be had."""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from detectors.safety.results import CATEGORIES, NOT_RUN, parse
from detectors.types import Batch, Category, Column, take

FEATURES = (
    "error",
    "input_tokens",
    "output_tokens",
    "input_length",
    "output_length",
    "duration",
    "time_to_first_token",
    "milliseconds_per_token",
    "finish_reason",
    "filters",
    "model",
)
"""Unless told otherwise. `error` and `filters` are mixes: every call has one value of each."""
_OF_ANSWERS = ("input_tokens", "output_tokens", "input_length", "output_length", "finish_reason", "model")
"""Features that a call which failed need not tell."""
LATENCY = ("duration", "time_to_first_token", "milliseconds_per_token")
"""Features that calls a deployment met while it started up have no part in."""
NO_ERROR, NOT_CHECKED, PASSED = "none", "not_checked", "passed"

_ACTIONS = ("blocked", "annotated", NOT_RUN, PASSED)
_SEVERITIES = ("high", "medium", "low", "none", "safe")
_MILLISECONDS = 1e3


def features(batch: Batch, wanted: tuple[str, ...]) -> Iterator[tuple[str, Column]]:
    """Yield the features of a batch of calls, without the rows that `left` counts."""
    for name in wanted or FEATURES:
        column = _feature(batch, name)
        if column is not None:
            yield name, column


def left(batch: Batch) -> dict[str, int]:
    """Return how many calls have no part in a feature: not missing, but nothing to measure or not to be measured by."""
    parts = {name: _part(batch, name) for name in (*_OF_ANSWERS, "duration", "time_to_first_token")}
    told = {name: batch.rows - int(np.count_nonzero(part)) for name, part in parts.items() if part is not None}
    told["milliseconds_per_token"] = batch.rows - len(pace(batch))
    return {name: rows for name, rows in told.items() if rows}


def pace(batch: Batch) -> NDArray[np.float64]:
    """Return the milliseconds an output token took in each call that wrote any, start-up left aside.

    The time to the first token is no part of it where it is known.

    >>> call = {"duration": np.array([2.5]), "time_to_first_token": np.array([0.5]), "output_tokens": np.array([100.0])}
    >>> pace(Batch("chat", "calls", 1, call)).tolist()
    [20.0]
    """
    tokens, seconds, kept = batch.columns.get("output_tokens"), batch.columns.get("duration"), _kept(batch)
    if not isinstance(tokens, np.ndarray) or not isinstance(seconds, np.ndarray):
        return np.empty(0)
    waited = batch.columns.get("time_to_first_token")
    if isinstance(waited, np.ndarray):
        seconds = np.where((waited > 0) & (waited <= seconds), seconds - waited, seconds)
    usable = (tokens > 0) & (tokens < np.inf) & (seconds >= 0) & (seconds < np.inf)
    if kept is not None:
        usable &= kept
    found: NDArray[np.float64] = _MILLISECONDS * seconds[usable] / tokens[usable]
    return found


def _part(batch: Batch, name: str) -> NDArray[np.bool_] | None:
    """Return which calls have a part in a feature; None: all.

    One that failed is not missing what only an answer has, nor one that was no stream the time to its first token.
    """
    kept = _kept(batch) if name in LATENCY else None
    if name == "time_to_first_token":
        told, stream = _present(batch, name), batch.columns.get("stream")
        told = told | stream.astype(np.bool_) if isinstance(stream, np.ndarray) else told
        return told if kept is None else told & kept
    error = batch.columns.get("error_type")
    if name in _OF_ANSWERS and isinstance(error, Category):
        return _present(batch, name) | (error.codes < 0)
    return kept


def _present(batch: Batch, name: str) -> NDArray[np.bool_]:
    column = batch.columns.get(name)
    if isinstance(column, Category):
        return column.codes >= 0
    return np.isfinite(column) if isinstance(column, np.ndarray) else np.zeros(batch.rows, np.bool_)


def _feature(batch: Batch, name: str) -> Column | None:
    if name == "milliseconds_per_token":
        found = pace(batch)
        return found if len(found) else None
    if name == "error":
        return _filled(batch, "error_type", NO_ERROR)
    if name == "filters":
        return filter_mix(batch)
    column, part = batch.columns.get(name), _part(batch, name)
    return column if column is None or part is None or part.all() else take(column, np.flatnonzero(part))


def filter_mix(batch: Batch) -> Category:
    """Return what the content filter said of each call in one word: the gravest of its results.

    >>> said = Category.of(["completion/hate/safe/passed|prompt/jailbreak/none/blocked", "prompt/hate/safe/passed", None])
    >>> filter_mix(Batch("chat", "calls", 3, {"filters": said})).decode()
    ['jailbreak/none/blocked', 'passed', 'not_checked']
    """
    column = batch.columns.get("filters")
    if isinstance(column, Category):
        # Different results may have the same gravest one: the code of each is the place of its word.
        words = [gravest(value) for value in column.values]
        coded = Category.of([*words, NOT_CHECKED])
        return Category(coded.codes[column.codes], coded.values)
    return Category.constant(NOT_CHECKED, batch.rows)


@lru_cache(maxsize=4096)
def gravest(results: str) -> str:
    """Return the gravest result: `category/severity/action`, or `not_run`, or `passed`."""
    entries = list(parse(results))
    if not entries:
        return PASSED

    def weight(place: int) -> tuple[int, int, int, str]:
        one = entries[place]
        action = NOT_RUN if one.severity == NOT_RUN else one.action
        severity = _SEVERITIES.index(one.severity) if one.severity in _SEVERITIES else len(_SEVERITIES)
        category = CATEGORIES.index(one.category) if one.category in CATEGORIES else len(CATEGORIES)
        return (_ACTIONS.index(action) if action in _ACTIONS else len(_ACTIONS), severity, category, one.category)

    worst = entries[min(range(len(entries)), key=weight)]
    if worst.severity == NOT_RUN:
        return NOT_RUN
    return PASSED if worst.action == PASSED else f"{worst.category}/{worst.severity}/{worst.action}"


def _kept(batch: Batch) -> NDArray[np.bool_] | None:
    """Return which calls met a deployment that was up; None: all."""
    cold = batch.columns.get("cold")
    return ~cold.astype(np.bool_) if isinstance(cold, np.ndarray) else None


def _filled(batch: Batch, name: str, missing: str) -> Category:
    column = batch.columns.get(name)
    if not isinstance(column, Category):
        return Category.constant(missing, batch.rows)
    filled = replace(column, values=(*column.values, missing))
    return replace(filled, codes=np.where(column.codes < 0, np.int32(len(column.values)), column.codes))
