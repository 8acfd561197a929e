"""Shares of unsafe calls by category and direction, for the rules about them: which is the worst, and what is said of it."""

from collections.abc import Sequence
from typing import NamedTuple

from alerts.rule import Observation, Reading
from alerts.share import Share
from detectors.catalog import Metric
from detectors.types import Level


class CategoryShare(NamedTuple):
    """One category in one direction; the greatest is what a rule says."""

    rank: int
    above: float
    """How far the bound is above the threshold."""
    category: str
    direction: str
    breached: bool | None
    share: Share
    threshold: float

    @classmethod
    def judged(cls, category: str, direction: str, share: Share, threshold: float, min_samples: int, at_least: int) -> "CategoryShare":
        """Return a share held against a threshold.

        >>> CategoryShare.judged("hate", "prompt", Share(0.5, 0.4, 100), 0.05, 5, 3).breached
        True
        """
        breached, above = share.breached(threshold, min_samples, at_least), share.lower - threshold
        # Clear categories do not speak for one that is high on too few calls; those merely too rare to judge hold up nothing.
        rank = 3 if breached else 2 if breached is None and above > 0 else 1 if breached is False else 0
        return cls(rank, above, category, direction, breached, share, threshold)


def reading_of(
    found: Sequence[CategoryShare], alert: str, severity: Level, observation: Observation, lower: Metric, said: str
) -> Reading | None:
    """Return the reading of the worst category: by its verdict, then by how far the bound is above its threshold. None for none."""
    if not found:
        return None
    worst, stream = max(found), observation.stream
    names = [f"{one.category} in the {one.direction}" for one in sorted(found, reverse=True) if one.breached]
    return Reading(
        alert,
        stream,
        worst.breached,
        severity,
        lower,
        worst.share.lower,
        worst.threshold,
        observation.window,
        {**worst.share.values, "categories": len(names)},
        {"category": worst.category, "direction": worst.direction, **({"top_categories": ", ".join(names)} if names else {})},
        worst.share.said(f"{said}, {worst.category} in the {worst.direction}", stream, worst.threshold),
    )
