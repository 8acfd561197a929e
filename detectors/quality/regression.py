"""What a run of a golden set means beside the last accepted one: regressed, suspected, stable, or too few answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from detectors.quality.paired_loss import Loss

GOLDEN = "golden"
"""Kind of the findings that say what a run of a golden set means; its name is the feature."""

Verdict = Literal["regressed", "suspected", "stable", "insufficient"]


@dataclass(frozen=True, slots=True)
class Terms:
    """When a loss counts. As they are: at most 3 in 100 fortnights of nightly runs raise an alarm where nothing changed."""

    sure: float = 0.002
    """p-value from which on one run is enough."""
    suspicious: float = 0.02
    """p-value from which on two runs in a row are enough."""
    smallest: float = 0.03
    """Loss that matters, as a share."""
    least: int = 20
    """Pairs that must be shared."""


def judged(loss: Loss, terms: Terms, *, suspected: bool) -> Verdict:
    """Return the verdict on one loss; `suspected` tells whether the run before was no better than suspected.

    >>> judged(Loss(0.95, 0.85, 0.01, 120, 14, 3), Terms(), suspected=False), judged(Loss(0.95, 0.85, 0.01, 120, 14, 3), Terms(), suspected=True)
    ('suspected', 'regressed')
    """
    if loss.pairs < terms.least:
        return "insufficient"
    if loss.points < terms.smallest or loss.p_value > terms.suspicious:
        return "stable"
    return "regressed" if suspected or loss.p_value <= terms.sure else "suspected"


def shared_out(losses: Mapping[str, Loss], terms: Terms, suspected: frozenset[str]) -> dict[str, Verdict]:
    """Return the verdict on each of several losses, as sure of all together as `judged` is of one (S. Holm, 1979).

    `suspected` names those that were suspected the run before.
    """
    found: dict[str, Verdict] = {}
    ordered = sorted(losses, key=lambda name: losses[name].p_value)
    passed = True
    for place, name in enumerate(ordered):
        share = len(ordered) - place
        fair = Terms(terms.sure / share, terms.suspicious / share, terms.smallest, terms.least)
        verdict = judged(losses[name], fair, suspected=name in suspected)
        if losses[name].p_value > fair.suspicious:
            passed = False
        found[name] = verdict if passed or verdict == "insufficient" else "stable"
    return found
