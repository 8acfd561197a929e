"""Panels about attacks that come in bursts, and about what Azure AI Content Safety finds in samples."""

from alerts.query import Query
from dashboards.board import Panel, Series, Threshold
from detectors import catalog_attacks as catalog

_FILTER = ("endpoint", "deployment", "category", "direction")
_LEAST = (*_FILTER, "least_severity")

BURSTS = Panel(
    "Bursts of attacks",
    "The densest minutes of attacks in the last window against what is usual at that hour: above 1 is a burst. No line on the first day, nor where "
    "the filter tells of no attacks.",
    "line",
    "score",
    (Series(Query(catalog.SAFETY_BURST_SEVERITY, "max", _FILTER), "{endpoint} {deployment} {category} in the {direction}"),),
    thresholds=(Threshold(1, "bad"),),
)
CHECKED = Panel(
    "Content Safety: estimated share and 95 % interval",
    "The share of all calls, estimated from the sample, in which Azure AI Content Safety finds a category, at least so severe. Not part of the "
    "content filter's counts. No row: it is not asked, or did not answer.",
    "table",
    "ratio",
    (
        Series(Query(catalog.SAFETY_CONTENT_SAFETY, "last", _LEAST), "found"),
        Series(Query(catalog.SAFETY_CONTENT_SAFETY_LOWER, "last", _LEAST), "at least"),
        Series(Query(catalog.SAFETY_CONTENT_SAFETY_UPPER, "last", _LEAST), "at most"),
    ),
)

PANELS = (BURSTS, CHECKED)
"""In the order of their row."""
