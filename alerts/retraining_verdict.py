"""What drift and decay say of one window, as far as it bears on training anew, with bounded evidence and no text of a call."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite, isnan

from alerts.retraining import Verdict
from alerts.rules.decay import PROVISIONAL
from detectors import catalog
from detectors.types import Finding, Plain, Score, Window

LEARNT = frozenset({"data", "prediction", "label"})
"""Kinds of drift a model can be taught; broken data and a slow endpoint are mended otherwise."""

FINDINGS = 3
"""Findings of a window that are kept, the severest first."""
METRICS = 6
"""Metrics of performance that are kept of a window."""
LONGEST = 64
"""Letters of a feature's name …"""
SHORT = 32
"""… and of a metric's."""


def drift_verdict(window: Window, findings: Sequence[Finding], scores: Iterable[Score] = ()) -> Verdict:
    """Return what the findings of a closed window say: bad where one of them would wake somebody.

    Not bad needs a calibrated reference: with too few rows, or while the usual is being learnt, it cannot be told.
    """
    learnt = [finding for finding in findings if finding.kind in LEARNT]
    loud = sorted((finding for finding in learnt if finding.level == "page"), key=_rank)
    judged = any(finding.status == "calibrated" for finding in learnt)
    measured = performance(scores)
    evidence = {"features": len({finding.feature for finding in loud}), "findings": [_told(one) for one in loud[:FINDINGS]]}
    return Verdict("drift", window, True if loud else False if judged else None, _with(evidence, measured), measured)


def decay_verdict(window: Window, severities: Mapping[str, float], scores: Iterable[Score] = ()) -> Verdict:
    """Return what the labels of a window say, by method; without a usual error to compare with nothing can be told."""
    known = {method: severity for method, severity in severities.items() if method != PROVISIONAL and isfinite(severity)}
    bad = max(known.values()) > 1 if known else None
    measured = performance(scores)
    return Verdict("decay", window, bad, _with({"severities": known}, measured), measured)


def severities(scores: Iterable[Score]) -> dict[str, float]:
    """Return how far the errors of a window have risen, the severest of each method."""
    found: dict[str, float] = {}
    for score in scores:
        if score.metric is catalog.MODEL_DECAY_SEVERITY:
            method = score.attributes["method"]
            found[method] = max(found.get(method, score.value), score.value)
    return found


def performance(scores: Iterable[Score]) -> tuple[Plain, ...]:
    """Return the metrics of a window as a whole, realised ones first, with their 95 % bounds where there are any."""
    bounds = {
        catalog.MODEL_PERFORMANCE: "value",
        catalog.MODEL_PERFORMANCE_LOWER: "lower",
        catalog.MODEL_PERFORMANCE_UPPER: "upper",
    }
    found: dict[tuple[str, str], dict[str, float]] = {}
    for score in scores:
        if score.metric in bounds and isfinite(score.value):
            found.setdefault((score.attributes["basis"], score.attributes["metric"]), {})[bounds[score.metric]] = score.value
    whole = [(key, numbers) for key, numbers in found.items() if "value" in numbers]
    whole.sort(key=lambda item: item[0][0] != "realised")
    return tuple({"metric": _name(metric, SHORT), "basis": _name(basis, SHORT), **numbers} for (basis, metric), numbers in whole[:METRICS])


def _with(evidence: dict[str, object], measured: Sequence[Plain]) -> Plain:
    return {**evidence, "performance": list(measured)} if measured else evidence


def _rank(finding: Finding) -> tuple[float, str, str]:
    return (0.0 if isnan(finding.severity) else -finding.severity, finding.feature, finding.reference)


def _told(finding: Finding) -> Plain:
    numbers = {
        "severity": finding.severity,
        "statistic": finding.statistic,
        "threshold": finding.threshold,
        "p_value": finding.p_value,
        "samples": float(finding.samples),
    }
    return {
        "feature": _name(finding.feature, LONGEST),
        "kind": _name(finding.kind, SHORT),
        "reference": _name(finding.reference, SHORT),
        "reference_status": _name(finding.status, SHORT),
        **{name: value if isfinite(value) else None for name, value in numbers.items()},
    }


def _name(text: str, longest: int) -> str:
    """Return a name as JSON and a terminal can carry it: names of columns are whatever somebody sent."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:longest])
