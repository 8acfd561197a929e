"""Runs Azure ML's own monitoring component on Spark and writes tests/data/parity/azureml.json; Java and an environment are needed.

git clone https://github.com/Azure/azureml-assets /tmp/assets && git -C /tmp/assets checkout 4b41f8cc
python -m venv /tmp/spark && /tmp/spark/bin/pip install pyspark==3.5.3 'pandas<3' scipy setuptools
/tmp/spark/bin/python -m tests.golden_sources.ask_azureml /tmp/assets/assets/model_monitoring/components/src
"""

import json
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tests.golden_sources.parity_inputs import SIZES, Case, cases

NUMERIC = {
    "NormalizedWassersteinDistance": "_normalized_wasserstein",
    "JensenShannonDistance": "_jensen_shannon_numerical",
    "PopulationStabilityIndex": "_psi_numerical",
    "TwoSampleKolmogorovSmirnovTest": "_ks2sample_pandas_impl",
}
CATEGORICAL = {
    "JensenShannonDistance": "_jensen_shannon_categorical",
    "PopulationStabilityIndex": "_psi_categorical",
    "PearsonsChiSquaredTest": "_chisquaretest",
}
"""Metric to the function of the component that computes it."""
REFUSED = 10_000
"""Rows from which the component refuses the Kolmogorov-Smirnov test."""
WHOLE = ("whole numbers", "few numbers", "two numbers")
"""Columns that are sent as integers, as a table of such values would hold them."""


def scores(spark: Any, chosen: Sequence[Case]) -> dict[str, dict[str, float]]:
    """Return each metric of each column of one table, rows with a missing value dropped as the component does."""
    from data_drift_compute_metrics import (  # type: ignore[import-not-found]  # noqa: PLC0415 - the component's own code
        categorical_data_drift_metrics,
        numerical_data_drift_metrics,
    )
    from shared_utilities.df_utils import get_numerical_and_categorical_cols  # type: ignore[import-not-found]  # noqa: PLC0415 - the same

    then, now = (_table(spark, chosen, side) for side in ("reference", "current"))
    numbers, names = get_numerical_and_categorical_cols(then, None, None)
    then, now = then.dropna(), now.dropna()
    rows = (then.count(), now.count())
    found: dict[str, dict[str, float]] = {case.name: {} for case in chosen}
    for metrics, columns, module in (
        (NUMERIC, numbers, numerical_data_drift_metrics),
        (CATEGORICAL, names, categorical_data_drift_metrics),
    ):
        for metric, function in metrics.items() if columns else ():
            if metric == "TwoSampleKolmogorovSmirnovTest" and max(rows) >= REFUSED:
                continue
            for row in getattr(module, function)(then.select(columns), now.select(columns), *rows, columns):
                found[row[0]][metric] = float(row[1])
    return found


def _table(spark: Any, chosen: Sequence[Case], side: str) -> Any:
    from pyspark.sql import types  # type: ignore[import-not-found]  # noqa: PLC0415 - of the other environment

    columns = [_values(case, getattr(case, side)) for case in chosen]
    kinds = [types.StringType() if not case.numeric else types.LongType() if _whole(case) else types.DoubleType() for case in chosen]
    form = types.StructType([types.StructField(case.name, kind) for case, kind in zip(chosen, kinds, strict=True)])
    return spark.createDataFrame(list(zip(*columns, strict=True)), form)


def _whole(case: Case) -> bool:
    return case.name.endswith(WHOLE)


def _values(case: Case, side: Any) -> list[Any]:
    if not case.numeric:
        return list(side)
    kind = int if _whole(case) else float
    return [None if np.isnan(value) else kind(value) for value in side.tolist()]


def _module(**names: Any) -> ModuleType:
    made = ModuleType("stand-in")
    vars(made).update(names)
    return made


def main() -> None:
    """Ask for every case and write: columns without holes together, each with holes alone."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 - of the other environment

    source = Path(sys.argv[1])
    sys.path.insert(0, str(source))
    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "1")
        .getOrCreate()
    )
    # What reaches for the workspace is not there and not needed; the component rounds to 32 bits in `get_output_spark_df`.
    sys.modules["data_drift_compute_metrics.io_utils"] = _module(get_output_spark_df=list, init_spark=lambda: spark)
    sys.modules["shared_utilities.event_utils"] = _module(post_warning_event=print)
    everything = cases()
    found: dict[str, dict[str, float]] = {}
    for size in SIZES:
        of_size = [case for case in everything if case.name.startswith(size)]
        holes = [case for case in of_size if case.name.endswith("holes")]
        for chosen in ([case for case in of_size if case not in holes], *([case] for case in holes)):
            found |= scores(spark, chosen)
        pair = {f"{size}: rows, {case.name.partition(': ')[2]}": case for case in [of_size[0], *holes]}
        # A missing value drops its row from every column: one table in which that matters.
        together = [Case(name, case.reference, case.current) for name, case in pair.items()]
        found |= scores(spark, together)
    checksums = {case.name: case.checksum for case in everything}
    answers = {name: {"checksum": checksums.get(name), "methods": methods} for name, methods in found.items()}
    made = {name: version(name) for name in ("pyspark", "numpy", "scipy")} | {"azureml-assets": "4b41f8ccbc01cf492767adc586ce1661c54c340a"}
    path = Path(__file__).parents[1] / "data/parity/azureml.json"
    path.write_text(json.dumps({"versions": made, "cases": answers}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
