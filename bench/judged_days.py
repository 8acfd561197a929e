"""Many live days judged at once: the severities that `Calibration.judge` gives window by window."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from detectors.drift.calibration import Calibration
from detectors.drift.days import day_maxima, persistence
from detectors.drift.evidence import Evidence, span_sums
from detectors.drift.feature_evidence import SPANS
from detectors.drift.judging import measure
from detectors.drift.replay import feature_maxima

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def judged(
    calibration: Calibration, counts: Mapping[str, Ints], days: Ints, slots: Ints
) -> tuple[Ints, Floats, NDArray[np.bool_]]:  # fmt: skip
    """Return the days present, each feature's severity on them, and whether that is an alarm that matters, [days, features].

    `counts` [windows, K] by feature, `days` and `slots` [windows] in time order.
    """
    replay, evidence = calibration.replay, calibration.evidence
    found = measure(replay, counts, calibration.min_effect, slots)
    present, daily = day_maxima(feature_maxima(replay.models, found.relative), days)
    effect = day_maxima(feature_maxima(replay.models, found.size), days)[1]
    severity = np.fmax(daily, persistence(present, daily) / replay.rho) / calibration.line
    matters = (severity > 1) & (effect >= 1)
    for index, model in enumerate(replay.models):
        if evidence is not None and model.name in evidence.features:
            lasting, lasting_effect = sums_over_days(evidence, model.name, counts[model.name], days)
            severity[:, index] = np.fmax(severity[:, index], lasting)
            matters[:, index] |= (lasting > 1) & (lasting_effect >= 1)
    return present, severity, matters


def sums_over_days(evidence: Evidence, name: str, counts: Ints, days: Ints) -> tuple[Floats, Floats]:
    """Return severity and effect of the sums over days that are known on each present day, from counts [windows, K]."""
    feature = evidence.features[name]
    present, place, number = np.unique(days, return_inverse=True, return_counts=True)
    sums = np.zeros((len(present), counts.shape[1]), np.int64)
    np.add.at(sums, place, counts)
    whole = 2 * number >= evidence.windows_a_day
    deviations, changes = feature.weigh(sums[whole])
    ends = present if evidence.whole else present - 1
    severity, effect = np.zeros((2, len(present)))
    for span_place, span in enumerate(SPANS):
        strength = np.nan_to_num(feature.strength(span_sums(present[whole], deviations, ends, span), span_place))
        best = np.argmax(strength, axis=1)[:, None]
        within = np.searchsorted(present[whole], ends, "right") - np.searchsorted(present[whole], ends - span, "right")
        # `span_sums` divides by the root of the number of days; the mean takes the other root.
        means = span_sums(present[whole], changes, ends, span) / np.sqrt(np.maximum(within, 1))[:, None]
        change = np.take_along_axis(means, best, axis=1)[:, 0]
        size = np.where(feature.deviator.rare[best[:, 0]], change, np.abs(change)) / feature.deviator.smallest[best[:, 0]]
        value = np.take_along_axis(strength, best, axis=1)[:, 0] / evidence.threshold
        larger = value > severity
        severity, effect = np.where(larger, value, severity), np.where(larger, size, effect)
    return severity, effect
