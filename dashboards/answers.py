"""Panels about how good answers are: by labels, by estimates, by judges, and by what their texts look like."""

from alerts.query import Query
from dashboards.board import Panel, Series, Threshold
from detectors import catalog

_STREAM = ("endpoint", "deployment")
_JUDGED = (*_STREAM, "evaluator", "calibrated")

PERFORMANCE = Panel(
    "Performance",
    "Realised where labels have come, estimated where they have not; an estimate that labels contradict is marked in the panel beside it.",
    "line",
    "score",
    (Series(Query(catalog.MODEL_PERFORMANCE, "last", (*_STREAM, "metric", "basis")), "{endpoint} {deployment} {metric} ({basis})"),),
)
DECAY = Panel(
    "Decay severity",
    "The statistic of a rise in errors over its threshold: above 1 is an alarm. No line before errors have a usual level.",
    "line",
    "score",
    (
        Series(
            Query(catalog.MODEL_DECAY_SEVERITY, "max", (*_STREAM, "metric", "basis", "method")),
            "{endpoint} {deployment} {metric} ({basis}, {method})",
        ),
    ),
    thresholds=(Threshold(1, "bad"),),
)
TRUST = Panel(
    "Estimates and labels",
    "What labels say of the estimates of each metric, and by how much they lean: realised less estimated, over the windows compared.",
    "table",
    "score",
    (
        Series(Query(catalog.MODEL_ESTIMATE_TRUST, "last", (*_STREAM, "metric", "status"), above=0), ""),
        Series(Query(catalog.MODEL_ESTIMATE_LEAN, "last", (*_STREAM, "metric")), "lean"),
    ),
)
JUDGED = Panel(
    "Judged answers",
    "Mean score of a judge from 1 to 5 over all calls, with its 95 % interval and the verdicts it rests on. Uncalibrated: a trend, no verdict. "
    "No mean: too few verdicts, which is a gap and no zero.",
    "table",
    "score",
    (
        Series(Query(catalog.EVALUATION_SAMPLES, "last", _JUDGED), "verdicts", "count"),
        Series(Query(catalog.EVALUATION_MEAN, "last", _JUDGED), "mean"),
        Series(Query(catalog.EVALUATION_LOWER, "last", _JUDGED), "at least"),
        Series(Query(catalog.EVALUATION_UPPER, "last", _JUDGED), "at most"),
        Series(Query(catalog.EVALUATION_PASS, "last", _JUDGED), "pass", "ratio"),
    ),
)
TEXTS = Panel(
    "What texts look like",
    "Shares that need no model, weighted over all calls: trends, which move when the model changes.",
    "line",
    "ratio",
    (
        Series(Query(catalog.TEXT_SHARE, "last", (*_STREAM, "evaluator")), "{endpoint} {deployment} {evaluator}"),
        Series(
            Query(catalog.SAFETY_REFUSAL, "last", (*_STREAM, "calibrated")), "{endpoint} {deployment} refused (calibrated: {calibrated})"
        ),
    ),
)
JUDGE_LAG = Panel(
    "Judge: oldest window that waits",
    "Time since the end of the oldest window without a verdict; longer than a window, the alert judge_stalled fires.",
    "line",
    "seconds",
    (Series(Query(catalog.AGENT_JUDGE_LAG, "max", ("endpoint",)), "{endpoint}"),),
)

PANELS = (PERFORMANCE, DECAY, TRUST, JUDGED, TEXTS, JUDGE_LAG)
"""In the order of their row."""
