"""The metrics of what stands around calls: searches for documents, tools, conversations. Part of `catalog.py`."""

from detectors.metric import STREAM, Metric

_TOOL = (*STREAM, "tool")
RETRIEVALS = Metric("driftline.retrievals", "counter", "{retrieval}", "Searches for documents seen.", STREAM)
RETRIEVAL_ERRORS = Metric("driftline.retrieval.errors", "counter", "{retrieval}", "Searches that failed.", (*STREAM, "error_type"))
RETRIEVAL_SAMPLES = Metric(
    "driftline.retrieval.samples", "gauge", "{retrieval}", "Searches of the window that say how many documents they found.", STREAM
)
RETRIEVAL_EMPTY = Metric("driftline.retrieval.empty.ratio", "gauge", "1", "Share of searches that found no document.", STREAM)
RETRIEVAL_EMPTY_LOWER = Metric("driftline.retrieval.empty.lower.ratio", "gauge", "1", "Lower 95 % bound of the empty share.", STREAM)
RETRIEVAL_EMPTY_UPPER = Metric("driftline.retrieval.empty.upper.ratio", "gauge", "1", "Upper 95 % bound of the empty share.", STREAM)
RETRIEVAL_DOCUMENTS = Metric("driftline.retrieval.documents.mean", "gauge", "{document}", "Documents a search found, mean.", STREAM)
RETRIEVAL_SCORE_P10 = Metric(
    "driftline.retrieval.score.p10", "gauge", "{score}", "10th percentile of the best document's score, in the store's own unit.", STREAM
)
RETRIEVAL_SCORE_P50 = Metric("driftline.retrieval.score.p50", "gauge", "{score}", "Median of the best document's score.", STREAM)
RETRIEVAL_FRESHNESS = Metric(
    "driftline.retrieval.freshness.p50",
    "gauge",
    "s",
    "Median age of the newest document a search found, where documents are dated.",
    STREAM,
)
RETRIEVAL_DURATION_P50 = Metric("driftline.retrieval.duration.p50", "gauge", "s", "Median time of a search.", STREAM)
RETRIEVAL_DURATION_P95 = Metric("driftline.retrieval.duration.p95", "gauge", "s", "95th percentile of it.", STREAM)
TOOL_RUNS = Metric("driftline.tool.runs", "counter", "{run}", "Runs of a tool seen.", _TOOL)
TOOL_SAMPLES = Metric("driftline.tool.samples", "gauge", "{run}", "Runs of the tool in the window.", _TOOL)
TOOL_FAILED = Metric("driftline.tool.failed.ratio", "gauge", "1", "Share of the tool's runs that failed.", _TOOL)
TOOL_FAILED_LOWER = Metric("driftline.tool.failed.lower.ratio", "gauge", "1", "Lower 95 % bound of the failed share.", _TOOL)
TOOL_FAILED_UPPER = Metric("driftline.tool.failed.upper.ratio", "gauge", "1", "Upper 95 % bound of the failed share.", _TOOL)
TOOL_DURATION_P50 = Metric("driftline.tool.duration.p50", "gauge", "s", "Median time of a run of the tool.", _TOOL)
TOOL_DURATION_P95 = Metric("driftline.tool.duration.p95", "gauge", "s", "95th percentile of it.", _TOOL)

_REASON = (*STREAM, "reason")
TOOL_REQUESTED = Metric("driftline.tool.requested", "counter", "{tool_call}", "Tool calls that models asked for.", STREAM)
TOOL_INVALID = Metric(
    "driftline.tool.invalid",
    "counter",
    "{tool_call}",
    "Those that cannot be run: arguments (no JSON object) or not_offered (the request named no such tool).",
    _REASON,
)
TOOL_INVALID_SAMPLES = Metric(
    "driftline.tool.invalid.samples", "gauge", "{tool_call}", "Tool calls of the window that could be checked for it.", _REASON
)
TOOL_INVALID_RATIO = Metric("driftline.tool.invalid.ratio", "gauge", "1", "Share of checked tool calls that cannot be run.", _REASON)
TOOL_INVALID_LOWER = Metric("driftline.tool.invalid.lower.ratio", "gauge", "1", "Lower 95 % bound of the invalid share.", _REASON)
TOOL_INVALID_UPPER = Metric("driftline.tool.invalid.upper.ratio", "gauge", "1", "Upper 95 % bound of the invalid share.", _REASON)

_ENDING = (*STREAM, "ending")
CONVERSATIONS = Metric(
    "driftline.conversations", "counter", "{conversation}", "Conversations that fell silent, by how their last call ended.", _ENDING
)
CONVERSATION_SAMPLES = Metric(
    "driftline.conversation.samples", "gauge", "{conversation}", "Conversations that fell silent in the window.", STREAM
)
CONVERSATION_CALLS_MEAN = Metric("driftline.conversation.calls.mean", "gauge", "{call}", "Calls of a conversation, mean.", STREAM)
CONVERSATION_CALLS_P50 = Metric("driftline.conversation.calls.p50", "gauge", "{call}", "Median of it.", STREAM)
CONVERSATION_ABANDONED_SAMPLES = Metric(
    "driftline.conversation.abandoned.samples", "gauge", "{conversation}", "Conversations the abandoned share rests on.", _ENDING
)
CONVERSATION_ABANDONED = Metric(
    "driftline.conversation.abandoned.ratio",
    "gauge",
    "1",
    "Share of conversations after whose last call, which was failed, throttled, filtered, cut off or asked for a tool, nothing came.",
    _ENDING,
)
CONVERSATION_ABANDONED_LOWER = Metric(
    "driftline.conversation.abandoned.lower.ratio", "gauge", "1", "Lower 95 % bound of the abandoned share.", _ENDING
)
CONVERSATION_ABANDONED_UPPER = Metric(
    "driftline.conversation.abandoned.upper.ratio", "gauge", "1", "Upper 95 % bound of the abandoned share.", _ENDING
)
