"""NannyML on one table: univariate drift with its defaults (Jensen-Shannon, ten chunks), the reference fitted beforehand.

python -m bench.peers.nannyml_table REFERENCE CURRENT ROUNDS
"""

import sys

import nannyml  # type: ignore[import-not-found]  # only in its own environment
import pandas as pd  # type: ignore[import-untyped]  # it has no stubs here

from bench.peers.environments import answer
from bench.peers.exchange import cpu, load, timed


def main(reference: str, current: str, rounds: str) -> None:
    """Measure and answer."""
    then, now = (pd.DataFrame(load(path)) for path in (reference, current))
    calculator = nannyml.UnivariateDriftCalculator(column_names=list(then))
    fitted = cpu(lambda: calculator.fit(then))
    answer(fit=fitted, **timed(lambda: calculator.calculate(now), int(rounds)))


if __name__ == "__main__":
    main(*sys.argv[1:])
