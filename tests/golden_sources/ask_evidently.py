"""Asks Evidently itself for its drift scores and writes tests/data/parity/evidently.json.

.venv/bin/python -m tests.golden_sources.ask_evidently
"""

import json
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.golden_sources.parity_inputs import Case, cases

METHODS = {
    True: ("psi", "kl_div", "jensenshannon", "hellinger", "wasserstein", "ks"),
    False: ("psi", "kl_div", "jensenshannon", "hellinger", "chisquare", "z"),
}


def scores(case: Case) -> dict[str, Any]:
    """Return what Evidently says of a case: its default method, and value, threshold and verdict of each."""
    import pandas as pd  # type: ignore[import-untyped]  # noqa: PLC0415 - heavy, and only asked; no stubs here
    from evidently.legacy.calculations.stattests import registry  # type: ignore[import-untyped]  # noqa: PLC0415 - the same
    from evidently.legacy.core import ColumnType  # type: ignore[import-untyped]  # noqa: PLC0415 - the same

    kind = ColumnType.Numerical if case.numeric else ColumnType.Categorical
    # Evidently's own caller drops what is missing before it asks a test.
    then, now = (pd.Series(side).dropna() for side in (case.reference, case.current))
    chosen = registry.get_stattest(then, now, kind, None)
    found: dict[str, Any] = {"default": chosen.name, "methods": {}}
    for name in dict.fromkeys((chosen.name, *METHODS[case.numeric])):
        if name in ("chisquare", "z") and name != chosen.name and (case.numeric or then.nunique() + now.nunique() < 3):
            continue
        if name == "z" and pd.concat([then, now]).nunique() > 2:
            continue
        test = chosen if name == chosen.name else registry.get_stattest(then, now, kind, name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # divisions by zero inside the tests
            result = test(then.copy(), now.copy(), kind, None)
        found["methods"][name] = [float(result.drift_score), float(result.actual_threshold), bool(result.drifted)]
    return found


def main() -> None:
    """Ask for every case and write."""
    answers = {case.name: {"checksum": case.checksum, **scores(case)} for case in cases()}
    made = {name: version(name) for name in ("evidently", "pandas", "numpy", "scipy")}
    path = Path(__file__).parents[1] / "data/parity/evidently.json"
    path.write_text(json.dumps({"versions": made, "cases": answers}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
