"""Asks NannyML itself for its drift scores and writes tests/data/parity/nannyml.json; it needs an environment of its own.

python -m venv /tmp/nannyml && /tmp/nannyml/bin/pip install nannyml==0.13.1 statsmodels 'pandas<3'
NML_DISABLE_USAGE_LOGGING=1 /tmp/nannyml/bin/python -m tests.golden_sources.ask_nannyml
"""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.golden_sources.parity_inputs import Case, cases

METHODS = {
    True: ("jensen_shannon", "hellinger", "kolmogorov_smirnov", "wasserstein"),
    False: ("jensen_shannon", "hellinger", "l_infinity", "chi2"),
}


def scores(case: Case) -> dict[str, Any]:
    """Return value, upper threshold and alert of each method, fitted on the reference in its default chunks."""
    import pandas as pd  # type: ignore[import-untyped]  # noqa: PLC0415 - of the other environment
    from nannyml.chunk import DefaultChunker  # type: ignore[import-not-found]  # noqa: PLC0415 - not installed beside us
    from nannyml.drift.univariate.methods import (  # type: ignore[import-not-found]  # noqa: PLC0415 - the same
        FeatureType,
        MethodFactory,
    )
    from nannyml.thresholds import StandardDeviationThreshold  # type: ignore[import-not-found]  # noqa: PLC0415 - the same

    then, now = (pd.Series(side, name="x") for side in (case.reference, case.current))
    found: dict[str, Any] = {}
    for name in METHODS[case.numeric]:
        method = MethodFactory.create(
            key=name,
            feature_type=FeatureType.CONTINUOUS if case.numeric else FeatureType.CATEGORICAL,
            chunker=DefaultChunker(),
            threshold=StandardDeviationThreshold(std_lower_multiplier=None),
        ).fit(then)
        value = float(method.calculate(now))
        upper = method.upper_threshold_value
        found[name] = [value, None if upper is None else float(upper), bool(method.alert(value))]
    return {"methods": found}


def main() -> None:
    """Ask for every case and write."""
    answers = {case.name: {"checksum": case.checksum, **scores(case)} for case in cases()}
    made = {name: version(name) for name in ("nannyml", "pandas", "numpy", "scipy")}
    path = Path(__file__).parents[1] / "data/parity/nannyml.json"
    path.write_text(json.dumps({"versions": made, "cases": answers}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
