"""What text drift sees on public texts: the figures of docs/text-drift.md, in a smaller run."""

from collections.abc import Mapping

import numpy as np
import pytest

from agent.enrichers.text import Text
from bench.text_drift import DATA, Scenario, alarm_days, drawn, scenarios


@pytest.fixture(scope="module")
def three() -> Mapping[str, Scenario]:
    """Return the scenarios by their first word."""
    if not DATA.is_dir():
        pytest.skip("../shared/data is not beside the project")
    return dict(zip(("domain", "new", "more"), scenarios(), strict=True))


@pytest.mark.parametrize(
    ("name", "feature", "share", "least"), [("domain", "surprise", 0.1, 0.8), ("new", "novelty", 0.25, 0.8), ("more", "group", 0.1, 0.8)]
)
def test_other_texts_are_seen_in_a_day(three: Mapping[str, Scenario], name: str, feature: str, share: float, least: float) -> None:
    """Of 500 rows a day: another domain by its trigrams, new topics by their distance, a shift between topics by groups.

    All features share the budget; days without other texts stay quiet.
    """
    scenario = three[name]
    order = np.random.default_rng(1).permutation(len(scenario.usual))
    learnt, usual = [[scenario.usual[row] for row in part] for part in (order[:1000], order[1000:])]
    within, beside = drawn(Text(("c",)), learnt, usual, scenario.others)

    runs = [alarm_days(within, beside, 500, seed) for seed in range(3)]

    assert np.mean([run[feature][share] for run in runs]) >= least
    assert np.mean([run["all"][0.0] for run in runs]) <= 0.05
