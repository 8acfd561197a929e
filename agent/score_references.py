"""Learns from rows with labels what the probabilities of a classifier stand for."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from agent.config import Endpoint
from agent.errors import InputError
from agent.terminal import clean
from detectors.decay.answers import LABEL, PREDICTION, PROBABILITY, is_class
from detectors.decay.confidence_based import ConfidenceBased
from detectors.decay.score_reference import ScoreReference
from detectors.types import Batch, Category, Column, Plain

_log = logging.getLogger(__name__)
_SHOWN = 5
"""Classes of a column that are named."""
_STRAY = 0.01
"""Share of the labels up to which a third class is taken for a slip in the data."""


def build_scores(endpoint: Endpoint, detector: ConfidenceBased, batches: Iterable[Batch]) -> Plain:
    """Return the detector state that rows with a probability and a label lead to; a warning says what is odd about them.

    Raises InputError where too few rows have both, where they contradict each other, or where most probabilities are none.
    """
    found, seen = ScoreReference(), _Seen()
    for batch in batches:
        found = found.add(batch, detector.positive)
        seen.add(batch, detector.positive)
    where = f"endpoint {endpoint.name}: performance cannot be estimated from its reference"
    if seen.outside > found.rows.sum():
        raise InputError(
            f"{where}: {seen.outside} of {seen.outside + int(found.rows.sum())} rows have a probability outside [0, 1], "
            f"{seen.least:.3g} to {seen.most:.3g}: are they percent, or scores that are no probabilities?"
        )
    if not found.rows.any():
        wanted = [f"columns.{name}" for name in (PROBABILITY, LABEL) if getattr(endpoint.columns, name) is None]
        todo = f"; set {' and '.join(wanted)}" if wanted else "".join(f"; {line}" for line in seen.lacking(endpoint, PROBABILITY, LABEL))
        raise InputError(f"{where}: no row has both a probability within [0, 1] and a label{todo}")
    if seen.third(detector.positive) > _STRAY:
        raise InputError(f"{where}: its labels are of more than two classes, {seen.named(LABEL)}; two can be estimated")
    try:
        state = found.fit().plain()
    except ValueError as error:
        raise InputError(
            f"{where}: {error} (detectors.performance.positive is '{detector.positive}'; labels are {seen.named(LABEL)})"
        ) from error
    for line in (*seen.lacking(endpoint, PREDICTION), *seen.odd(detector.positive)):
        _log.warning("endpoint %s: performance: %s", endpoint.name, line)
    return state


@dataclass(slots=True)
class _Seen:
    """What is told of a reference's rows where they are of no use, or look like a slip in the configuration."""

    columns: set[str] = field(default_factory=set)
    classes: dict[str, Counter[str]] = field(default_factory=dict)
    """Rows by value of labels and answers, of the first values there are."""
    positive: bool = False
    """Whether an answer was positive."""
    outside: int = 0
    """Rows whose probability is a number outside [0, 1] …"""
    least: float = np.inf
    most: float = -np.inf
    """… and between which values all of them lie."""

    def add(self, batch: Batch, positive: str) -> None:
        """Look at further rows."""
        self.columns |= set(batch.columns)
        for name in (LABEL, PREDICTION):
            column = batch.columns.get(name)
            for value, rows in _values(column):
                known = self.classes.setdefault(name, Counter())
                if value in known or len(known) <= _SHOWN:
                    known[value] += rows
        answered = is_class(batch.columns.get(PREDICTION), positive)
        self.positive |= answered is not None and bool(answered[0].any())
        given = batch.columns.get(PROBABILITY)
        if isinstance(given, np.ndarray):
            numbers = given[np.isfinite(given)]
            self.outside += int(((numbers < 0) | (numbers > 1)).sum())
            self.least, self.most = min(self.least, numbers.min(initial=np.inf)), max(self.most, numbers.max(initial=-np.inf))

    def third(self, positive: str) -> float:
        """Return the share of labels of neither the positive class nor the commonest other one; 0 where none is positive."""
        rows = self.classes.get(LABEL, Counter())
        others = sorted(count for value, count in rows.items() if not _is(value, positive))
        return sum(others[:-1]) / rows.total() if len(others) < len(rows) else 0.0

    def named(self, column: str) -> str:
        """Return the classes of a column."""
        known = sorted(self.classes.get(column, ()))
        return clean(", ".join(f"'{value}'" for value in known[:_SHOWN])) + (" …" if len(known) > _SHOWN else "") or "missing"

    def lacking(self, endpoint: Endpoint, *roles: str) -> Iterator[str]:
        """Yield a line about each of these columns that is configured and that no row has."""
        for role in roles:
            column = getattr(endpoint.columns, role)
            if column is not None and role not in self.columns:
                yield f"no row has a column '{column}' (columns.{role})"

    def odd(self, positive: str) -> Iterator[str]:
        """Yield what can be estimated all the same, and is likely to be a slip."""
        if PREDICTION in self.columns and not self.positive:
            yield f"no answer is '{positive}' (detectors.performance.positive), they are {self.named(PREDICTION)}: recall will be 0"
        if self.outside:
            yield f"{self.outside} rows of the reference have a probability outside [0, 1] and are not counted"


def _values(column: Column | None) -> Iterator[tuple[str, int]]:
    """Yield the values of a column with their rows."""
    if isinstance(column, Category):
        rows = np.bincount(column.codes + 1, minlength=len(column.values) + 1)[1:].tolist()
        yield from ((value, count) for value, count in zip(column.values, rows, strict=True) if count)
    elif isinstance(column, np.ndarray):
        values, counts = np.unique(column[np.isfinite(column)], return_counts=True)
        yield from ((f"{value:g}", count) for value, count in zip(values.tolist(), counts.tolist(), strict=True))


def _is(value: str, positive: str) -> bool:
    """Whether a value is the positive class, as the detector reads it."""
    found = is_class(Category(np.zeros(1, np.int32), (value,)), positive)
    return found is not None and bool(found[0][0])
