"""Learns from rows with labels what the probabilities of a classifier stand for."""

from collections.abc import Iterable

from agent.config import Endpoint
from agent.errors import InputError
from detectors.decay.confidence_based import ConfidenceBased
from detectors.decay.score_reference import ScoreReference
from detectors.types import Batch, Plain


def build_scores(endpoint: Endpoint, detector: ConfidenceBased, batches: Iterable[Batch]) -> Plain:
    """Return the detector state that rows with a probability and a label lead to.

    Raises InputError where too few rows have both, or where they contradict each other.
    """
    found = ScoreReference()
    for batch in batches:
        found = found.add(batch, detector.positive)
    where = f"endpoint {endpoint.name}: performance cannot be estimated from its reference"
    if not found.rows.any():
        wanted = [f"columns.{name}" for name in ("probability", "label") if getattr(endpoint.columns, name) is None]
        todo = f"; set {' and '.join(wanted)}" if wanted else ""
        raise InputError(f"{where}: no row has both a probability within [0, 1] and a label{todo}")
    try:
        return found.fit().plain()
    except ValueError as error:
        raise InputError(f"{where}: {error} (detectors.performance.positive is '{detector.positive}')") from error
