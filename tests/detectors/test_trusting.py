"""Trust is followed window by window, survives being saved, and is told as gauges."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from detectors import catalog
from detectors.decay.decay import Decay
from detectors.decay.trust import Bounded
from detectors.decay.trusting import Trusts, bounded, follow, trust_scores, trusted_from
from detectors.types import Score, Window


def walked(realised: list[float], *, saved: bool) -> Trusts:
    """Follow windows estimated at 0.8 ± 0.02; with `saved` as if the agent had been started again after each."""
    trusts: Trusts = {}
    for value in realised:
        trusts = follow(trusts, {"accuracy": Bounded(0.8, 0.78, 0.82)}, {"accuracy": Bounded(value, value - 0.02, value + 0.02)}, 500)
        if saved:
            trusts = {metric: trusted_from(known.plain()) for metric, known in trusts.items()}
    return trusts


@pytest.mark.parametrize(
    ("realised", "status"),
    [([0.8, 0.8], "untested"), ([0.8] * 5, "trusted"), ([0.8] * 10 + [0.6] * 4, "not_trustworthy"), ([0.6] * 5 + [0.8] * 25, "trusted")],
)
def test_it_is_the_same_after_a_restart(realised: list[float], status: str) -> None:
    """Also in the middle of doubt, which lasts longer than the windows that gave rise to it."""
    straight, interrupted = walked(realised, saved=False), walked(realised, saved=True)

    assert interrupted == straight
    said = {score.attributes["status"] for score in trust_scores(straight) if score.metric is catalog.MODEL_ESTIMATE_TRUST and score.value}
    assert said == {status}


def test_gauges_are_one_status_each_and_the_lean() -> None:
    """One of three statuses is 1; the lean is the mean of realised less estimated."""
    scores = list(trust_scores(walked([0.7, 0.75, 0.8], saved=False)))

    assert [score.value for score in scores if score.metric is catalog.MODEL_ESTIMATE_TRUST].count(1.0) == 1
    assert next(score.value for score in scores if score.metric is catalog.MODEL_ESTIMATE_LEAN) == pytest.approx(-0.05)


def test_only_what_both_tell_is_compared() -> None:
    """A metric nobody estimates, or labels do not tell, has no trust; bounds that are not told are NaN."""
    scores = [
        Score(catalog.MODEL_PERFORMANCE, 0.9, {"metric": "auc", "basis": "estimated"}),
        Score(catalog.MODEL_PERFORMANCE, 0.5, {"metric": "msle", "basis": "estimated"}),
        Score(catalog.MODEL_PERFORMANCE, 0.8, {"metric": "auc", "basis": "realised"}),
        Score(catalog.MODEL_PART_PERFORMANCE, 0.1, {"metric": "auc", "basis": "realised", "part": "region", "value": "n"}),
        Score(catalog.MODEL_PERFORMANCE_SAMPLES, 40, {"basis": "realised"}),
    ]
    assert set(bounded(scores, "estimated")) == {"auc", "msle"}
    assert np.isnan(bounded(scores, "realised")["auc"].lower)

    start = datetime(2026, 1, 1, tzinfo=UTC)
    step = Decay().review(Decay().restore(None), Window(start, start + timedelta(hours=1)), scores)
    assert set(step.state.trusts) == {"auc"}
