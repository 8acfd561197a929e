"""What equal-width bins do not see and quantile cells do: the traps docs/methods.md names, with their numbers."""

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.drift.check import check
from detectors.drift.parity.compare import Told, compare

ROWS = 50_000
Floats = NDArray[np.float64]


def evidently(reference: Floats, current: Floats) -> Told:
    """Return what Evidently says of two samples."""
    return compare("evidently", {"x": reference}, {"x": current})[0]


def ours(reference: Floats, current: Floats) -> dict[str, float]:
    """Return our distances; the verdict must be drift."""
    report = check({"x": reference}, {"x": current})
    assert report.drifted == ("x",)
    return dict(report.scores[0].methods)


def test_one_outlier_of_1e6_hides_a_shift_of_3_sd_from_evidently_psi() -> None:
    """All other rows fall into one bin of equal width: its PSI is .02, its line .1. Ours is above 5, and the shift is found."""
    random = np.random.default_rng(62)
    reference, current = random.normal(size=ROWS), np.append(random.normal(3, 1, 10_000), 1e6)
    psi = evidently(reference, current).readings["psi"]
    assert psi.value == pytest.approx(0.021, abs=0.001)
    assert not psi.alert
    assert ours(reference, current)["psi"] > 5


@pytest.mark.parametrize(
    ("name", "wasserstein", "psi", "jensen_shannon"),
    [("lognormal", 0.065, 0.0035, 0.014), ("pareto", 0.054, 0.0014, 0.0059)],
)
def test_a_heavy_tail_grown_by_half_is_no_drift_to_evidently_and_drift_to_us(
    name: str, wasserstein: float, psi: float, jensen_shannon: float
) -> None:
    """Its three distances stay under their threshold of .1, near the numbers measured with the package; our KS is the true one."""
    random = np.random.default_rng(0)
    reference, current = (random.lognormal(0, 2, ROWS) if name == "lognormal" else 1 + random.pareto(1.2, ROWS) for _ in range(2))
    current *= 1.5
    told = evidently(reference, current)
    assert not any(told.readings[method].alert for method in ("wasserstein", "psi", "jensenshannon"))
    assert told.readings["psi"].value == pytest.approx(psi, abs=0.01)
    assert told.readings["jensenshannon"].value == pytest.approx(jensen_shannon, abs=0.02)
    assert told.readings["wasserstein"].value == pytest.approx(wasserstein, abs=0.05)
    found = ours(reference, current)
    assert found["kolmogorov_smirnov"] == pytest.approx({"lognormal": 0.081, "pareto": 0.387}[name], abs=0.01)
    assert found["psi"] > {"lognormal": 0.035, "pareto": 2.3}[name]


def test_nannyml_halves_the_kolmogorov_smirnov_distance_of_a_pareto() -> None:
    """Its 10,000 bins are of equal width from the reference's smallest to its largest value: .19 where the truth is .39."""
    random = np.random.default_rng(1)
    reference, current = 1 + random.pareto(1.2, ROWS), 1.5 * (1 + random.pareto(1.2, ROWS))
    theirs = compare("nannyml", {"x": reference}, {"x": current})[0].readings["kolmogorov_smirnov"].value
    assert theirs == pytest.approx(0.19, abs=0.08)
    assert ours(reference, current)["kolmogorov_smirnov"] == pytest.approx(0.387, abs=0.01)
