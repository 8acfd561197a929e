"""How close estimates without labels come to the metrics that labels show, and what they cost, beside NannyML's on NannyML's data.

Car loans (CBPE, 50,000 + 50,000 rows) and car prices (DLE, 60,000 + 60,000): root mean squared difference of estimate and realised value
over the chunks, and CPU time to fit the reference and to estimate all chunks, one thread, reading the files not counted. NannyML runs in an
environment of its own, which is made the first time (network); `--python` names one that is there.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.concatenation import concatenate
from agent.config import Columns
from agent.rows.table import read_table
from bench import nannyml_peer
from bench.peers.environments import PeerError
from detectors.decay.confidence_based import ConfidenceBased
from detectors.decay.direct_loss import DirectLoss, estimates
from detectors.decay.error_model import PREDICTION, learn
from detectors.decay.estimating import Estimate, estimate
from detectors.decay.expected_metrics import METRICS
from detectors.decay.score_reference import ScoreReference
from detectors.types import Batch

LOANS = Columns(probability="y_pred_proba", prediction="y_pred", label="repaid", id="id", ignore=("timestamp",))
PRICES = Columns(prediction="y_pred", label="y_true", id="id", ignore=("timestamp",))

Chunk = Callable[[Batch], list[Estimate]]


def read(folder: Path, name: str, columns: Columns) -> Batch:
    """Return a whole file as one batch."""
    return concatenate(list(read_table(folder / f"{name}.csv", columns, "bench")))


def fit_loans(reference: Batch) -> Chunk:
    """Return what estimates the metrics of a chunk of loans."""
    state, detector = ScoreReference().add(reference, "1").fit(), ConfidenceBased()

    def chunk(batch: Batch) -> list[Estimate]:
        counts = detector.observe(state, batch).counts
        assert state.calibration is not None  # noqa: S101 (fit gives one)
        return list(estimate(state.calibration, counts["rows"].reshape(2, -1), counts["inside"], METRICS))

    return chunk


def fit_prices(reference: Batch) -> Chunk:
    """Return what estimates the metrics of a chunk of prices."""
    columns = {**reference.features, PREDICTION: reference.columns[PREDICTION]}
    state, detector = learn(columns, np.asarray(reference.columns["label"], np.float64)), DirectLoss()
    return lambda batch: list(estimates(state, detector.observe(state, batch)))


def compare(python: Path, script: str, size: int, fit: Callable[[Batch], Chunk], reference: Batch, live: Batch) -> Iterator[str]:
    """Yield the lines of one table."""
    peer = nannyml_peer.run(python, script, size)
    begin = time.process_time()
    chunk = fit(reference)
    fitted = time.process_time()
    found = [chunk(live.take(np.arange(start, start + size))) for start in range(0, live.rows, size)]
    ended = time.process_time()
    yield f"{'metric':20}{'NannyML':>12}{'driftline':>12}{'ratio':>8}{'in interval':>13}"
    for metric, realised in peer["realised"].items():
        mine = [next(one for one in window if one.metric == metric.removeprefix("roc_")) for window in found]
        theirs = difference(np.array(peer["estimated"][metric]), np.array(realised))
        ours = difference(np.array([one.value for one in mine]), np.array(realised))
        inside = sum(one.lower <= value <= one.upper for one, value in zip(mine, realised, strict=True))
        yield f"{metric:20}{theirs:12.5g}{ours:12.5g}{ours / theirs:8.2f}{inside:7d} of {len(mine)}"
    theirs, ours = peer["fit"] + peer["estimate"], ended - begin
    yield f"{'CPU s, fit':20}{peer['fit']:12.3f}{fitted - begin:12.3f}{(fitted - begin) / peer['fit']:8.3f}"
    yield f"{'CPU s, estimate':20}{peer['estimate']:12.3f}{ended - fitted:12.3f}{(ended - fitted) / peer['estimate']:8.3f}"
    yield f"{'CPU s, both':20}{theirs:12.3f}{ours:12.3f}{ours / theirs:8.3f}"


def difference(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the root mean squared difference."""
    return float(np.sqrt(np.mean((one - other) ** 2)))


def main() -> None:
    """Print three tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, help="a Python that has NannyML 0.13.1 and statsmodels")
    try:
        python = nannyml_peer.interpreter(parser.parse_args().python)
    except PeerError as error:
        print(f"left out, for its data are NannyML's: {error}")
        return
    folder = nannyml_peer.data(python)
    loans = [read(folder, f"synthetic_car_loan_{name}", LOANS) for name in ("reference", "analysis")]
    prices = [read(folder, f"regression_synthetic_{name}", PRICES) for name in ("reference", "analysis")]
    for size in (5000, 1000):
        print(f"\ncar loans, chunks of {size} rows, difference from the realised value")
        print("\n".join(compare(python, nannyml_peer.CLASSIFICATION, size, fit_loans, *loans)), flush=True)
    print("\ncar prices, chunks of 6000 rows, difference from the realised value")
    print("\n".join(compare(python, nannyml_peer.REGRESSION, 6000, fit_prices, *prices)), flush=True)


if __name__ == "__main__":
    main()
