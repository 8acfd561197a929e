"""Panels about what serves calls: searches for documents, and tools."""

from alerts.query import Query
from dashboards.board import Panel, Series
from detectors import catalog_serving as catalog

_STREAM = ("endpoint", "deployment")
_TOOL = (*_STREAM, "tool")
_REASON = (*_STREAM, "reason")
_ENDING = (*_STREAM, "ending")

EMPTY = Panel(
    "Searches that found nothing",
    "Share of the last window's searches without a document, with its bounds, beside the number of searches it rests on.",
    "table",
    "ratio",
    (
        Series(Query(catalog.RETRIEVAL_SAMPLES, "last", _STREAM), "searches", "count"),
        Series(Query(catalog.RETRIEVAL_EMPTY, "last", _STREAM), "empty"),
        Series(Query(catalog.RETRIEVAL_EMPTY_LOWER, "last", _STREAM), "at least"),
        Series(Query(catalog.RETRIEVAL_EMPTY_UPPER, "last", _STREAM), "at most"),
    ),
)
SCORES = Panel(
    "Score of the best document",
    "Median and 10th percentile of each window, in the store's own unit; its drift stands with the features.",
    "line",
    "score",
    (
        Series(Query(catalog.RETRIEVAL_SCORE_P50, "last", _STREAM), "{endpoint} {deployment} p50"),
        Series(Query(catalog.RETRIEVAL_SCORE_P10, "last", _STREAM), "{endpoint} {deployment} p10"),
    ),
)
FRESHNESS = Panel(
    "Age of the newest document",
    "Median over the searches of each window, where documents are dated.",
    "line",
    "seconds",
    (Series(Query(catalog.RETRIEVAL_FRESHNESS, "last", _STREAM), "{endpoint} {deployment}"),),
)
TOOLS = Panel(
    "Tools: failed runs",
    "Share of the last window's runs of each tool that failed, with its bounds, beside the number of runs and how long they took.",
    "table",
    "ratio",
    (
        Series(Query(catalog.TOOL_SAMPLES, "last", _TOOL), "runs", "count"),
        Series(Query(catalog.TOOL_FAILED, "last", _TOOL), "failed"),
        Series(Query(catalog.TOOL_FAILED_LOWER, "last", _TOOL), "at least"),
        Series(Query(catalog.TOOL_DURATION_P95, "last", _TOOL), "p95", "seconds"),
    ),
)
INVALID = Panel(
    "Tool calls that cannot be run",
    "Share of the tool calls models asked for: arguments that are no JSON object, or a tool the request did not offer.",
    "table",
    "ratio",
    (
        Series(Query(catalog.TOOL_INVALID_SAMPLES, "last", _REASON), "checked", "count"),
        Series(Query(catalog.TOOL_INVALID_RATIO, "last", _REASON), "invalid"),
        Series(Query(catalog.TOOL_INVALID_LOWER, "last", _REASON), "at least"),
    ),
)

ABANDONED = Panel(
    "Conversations that ended on no answer",
    "Share of the conversations that fell silent in the last window, by how their last call ended, beside how many they were and how long.",
    "table",
    "ratio",
    (
        Series(Query(catalog.CONVERSATION_ABANDONED_SAMPLES, "last", _ENDING), "conversations", "count"),
        Series(Query(catalog.CONVERSATION_ABANDONED, "last", _ENDING), "abandoned"),
        Series(Query(catalog.CONVERSATION_ABANDONED_LOWER, "last", _ENDING), "at least"),
        Series(Query(catalog.CONVERSATION_CALLS_MEAN, "last", _STREAM), "calls, mean", "count"),
    ),
)

PANELS = (EMPTY, SCORES, FRESHNESS, TOOLS, INVALID, ABANDONED)
"""In the order of the board."""
