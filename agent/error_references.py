"""Learns from rows with labels how large the errors of a regression model are."""

from collections.abc import Iterable

import numpy as np

from agent.concatenation import concatenate
from agent.config import Endpoint
from agent.errors import InputError
from detectors.decay.error_model import PREDICTION, learn
from detectors.decay.error_trees import MOST_ROWS
from detectors.types import Batch, Plain


def build_errors(endpoint: Endpoint, batches: Iterable[Batch]) -> Plain:
    """Return the detector state that rows with features, an answer and a label lead to. Takes some seconds of CPU.

    Of many rows every second, fourth … is kept, evenly over all of them. Raises InputError where too few rows have all three.
    """
    where = f"endpoint {endpoint.name}: regression_performance cannot be estimated from its reference"
    kept: list[Batch] = []
    stride, seen, there = 1, 0, set[str]()
    for batch in batches:
        there |= set(batch.columns)
        label, answer = batch.columns.get("label"), batch.columns.get(PREDICTION)
        if not isinstance(label, np.ndarray) or not isinstance(answer, np.ndarray):
            continue
        known = np.flatnonzero(np.isfinite(label) & np.isfinite(answer))
        kept.append(batch.take(known[-seen % stride :: stride]))
        seen += len(known)
        while sum(part.rows for part in kept) > 2 * MOST_ROWS:
            whole = concatenate(kept)
            kept = [whole.take(np.arange(0, whole.rows, 2))]
            stride *= 2
    if not any(part.rows for part in kept):
        named = {role: getattr(endpoint.columns, role) for role in (PREDICTION, "label")}
        wanted = [f"columns.{role}" for role, column in named.items() if column is None]
        todo = f"; set {' and '.join(wanted)}" if wanted else ""
        lacking = [f"'{column}' (columns.{role})" for role, column in named.items() if column is not None and role not in there]
        todo += f"; no row has a column {' or '.join(lacking)}" if lacking else ""
        raise InputError(f"{where}: no row has both a number as its prediction and a number as its label{todo}")
    rows = concatenate(kept)
    try:
        found = learn({**rows.features, PREDICTION: rows.columns[PREDICTION]}, np.asarray(rows.columns["label"], np.float64))
    except ValueError as error:
        raise InputError(f"{where}: {error}") from error
    return found.plain()
