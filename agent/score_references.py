"""Learns from rows with labels what the probabilities of a classifier stand for."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from agent.config import Endpoint
from agent.errors import InputError
from agent.terminal import clean
from detectors.decay.answers import LABEL, PREDICTION, PROBABILITY, is_class
from detectors.decay.confidence_based import ConfidenceBased
from detectors.decay.score_reference import ScoreReference
from detectors.types import Batch, Category, Plain

_log = logging.getLogger(__name__)
_SHOWN = 5
"""Classes of a column that are named."""


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
    classes: dict[str, set[str]] = field(default_factory=dict)
    """Values of labels and answers."""
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
            known = self.classes.setdefault(name, set())
            if isinstance(column, Category) and len(known) <= _SHOWN:
                known |= {column.values[code] for code in np.unique(column.codes[column.codes >= 0]).tolist()}
            elif isinstance(column, np.ndarray) and len(known) <= _SHOWN:
                known |= {f"{value:g}" for value in np.unique(column[np.isfinite(column)])[: _SHOWN + 1].tolist()}
        answered = is_class(batch.columns.get(PREDICTION), positive)
        self.positive |= answered is not None and bool(answered[0].any())
        given = batch.columns.get(PROBABILITY)
        if isinstance(given, np.ndarray):
            numbers = given[np.isfinite(given)]
            self.outside += int(((numbers < 0) | (numbers > 1)).sum())
            self.least, self.most = min(self.least, numbers.min(initial=np.inf)), max(self.most, numbers.max(initial=-np.inf))

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
