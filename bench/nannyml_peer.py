"""NannyML in an environment of its own: runs its estimators on the data of its wheel, and reads what it prints."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from bench.peers import environments

DATA = "import nannyml, pathlib; print(pathlib.Path(nannyml.__file__).parent / 'datasets' / 'data')"

_QUIET = {"NML_DISABLE_USAGE_LOGGING": "1", "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

CLASSIFICATION = """
import json, time
import nannyml as nml
reference, live, targets = nml.load_synthetic_car_loan_dataset()
metrics = ["accuracy", "precision", "recall", "specificity", "f1", "roc_auc", "average_precision"]
options = dict(problem_type="classification_binary", y_pred_proba="y_pred_proba", y_pred="y_pred", y_true="repaid",
               timestamp_column_name="timestamp", metrics=metrics, chunk_size=SIZE)
begin = time.process_time()
estimator = nml.CBPE(**options).fit(reference)
fitted = time.process_time()
estimated = estimator.estimate(live)
ended = time.process_time()
realised = nml.PerformanceCalculator(**options).fit(reference).calculate(live.merge(targets, on="id"))
"""

REGRESSION = """
import json, time
import nannyml as nml
reference, live, targets = nml.load_synthetic_car_price_dataset()
metrics = ["mae", "mape", "mse", "rmse", "msle", "rmsle"]
options = dict(y_pred="y_pred", y_true="y_true", timestamp_column_name="timestamp", metrics=metrics, chunk_size=SIZE)
features = ["car_age", "km_driven", "price_new", "accident_count", "door_count", "fuel", "transmission"]
begin = time.process_time()
estimator = nml.DLE(feature_column_names=features, tune_hyperparameters=False, **options).fit(reference)
fitted = time.process_time()
estimated = estimator.estimate(live)
ended = time.process_time()
realised = nml.PerformanceCalculator(problem_type="regression", **options).fit(reference).calculate(live.merge(targets, on="id"))
"""

_PRINT = """
tables = [one.filter(period="analysis").to_df() for one in (estimated, realised)]
values = [{metric: table[(metric, "value")].tolist() for metric in metrics} for table in tables]
print("RESULT" + json.dumps({"fit": fitted - begin, "estimate": ended - fitted, "estimated": values[0], "realised": values[1]}))
"""


def interpreter(given: Path | None) -> Path:
    """Return a Python that has NannyML: the given one, or that of its environment. Raises PeerError where that cannot be made."""
    return given if given is not None else environments.interpreter("nannyml")


def data(python: Path) -> Path:
    """Return the folder of NannyML's data sets."""
    return Path(
        subprocess.run([python, "-c", DATA], env={**os.environ, **_QUIET}, check=True, capture_output=True, text=True).stdout.strip()
    )


def run(python: Path, script: str, size: int) -> dict[str, Any]:
    """Run CLASSIFICATION or REGRESSION in chunks of `size` rows.

    Return CPU seconds to `fit` and to `estimate`, and by metric the `estimated` and `realised` values of the chunks.
    """
    command = [str(python), "-c", script.replace("SIZE", str(size)) + _PRINT]
    done = subprocess.run(command, env={**os.environ, **_QUIET}, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("RESULT")).removeprefix("RESULT"))
    return found
