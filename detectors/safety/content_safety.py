"""What checked samples say of all calls of a window: the share of each category, direction and severity, with its interval."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors import catalog_attacks as catalog
from detectors.quality.text_signals import estimate, guaranteed
from detectors.safety.names import categories, fold
from detectors.types import Batch, Score

LEVELS: Final = {"low": 1, "medium": 2, "high": 3}
"""Severities and what they are counted as; a share is of calls at least so severe."""
DETECTED: Final = "detected"
"""The least severity of a category that has none: it is found or not."""


def shares_of(found: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64], Batch]]) -> Iterator[Score]:
    """Yield the gauges of a window.

    `found` maps `direction/category/kind` to the levels found (0 safe to 3 high where kind is `severity`, 0 or 1 where it is
    `detected`), how likely each call was to be checked, and the calls themselves. Fewer than 30 equally weighted calls give
    their number and no share: a gap, no zero. Category names beyond the bound share one.

    >>> calls = Batch("chat", "calls", 50, {})
    >>> scores = shares_of({"prompt/hate/severity": (np.repeat([0.0, 2.0], [48, 2]), np.full(50, 0.1), calls)})
    >>> [(one.metric.name.split(".")[-2], one.attributes.get("least_severity"), round(one.value, 2)) for one in scores][:2]
    [('content_safety', None, 50), ('content_safety', 'low', 0.04)]
    """
    names = fold(categories({key: len(values) for key, (values, _, _) in found.items()}))
    told: set[tuple[str, str, str]] = set()
    for key, (values, chances, calls) in found.items():
        direction, category, kind = key.split("/")
        if (direction, names[category], kind) in told:
            # Of categories that share a name only the first is told: their calls are the same ones.
            continue
        told.add((direction, names[category], kind))
        attributes = {"category": names[category], "direction": direction}
        yield Score(catalog.SAFETY_CONTENT_SAFETY_SAMPLES, len(values), attributes)
        for severity, least in (LEVELS if kind == "severity" else {DETECTED: 1}).items():
            hits = values >= least
            share = estimate(hits.astype(np.float64), chances, rate=True)
            if share is None:
                break
            share = guaranteed(share, calls, hits, chances)
            said = {**attributes, "least_severity": severity}
            yield Score(catalog.SAFETY_CONTENT_SAFETY, share.value, said)
            yield Score(catalog.SAFETY_CONTENT_SAFETY_LOWER, share.lower, said)
            yield Score(catalog.SAFETY_CONTENT_SAFETY_UPPER, share.upper, said)
