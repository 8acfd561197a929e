"""The metrics of bursts of attacks and of Azure AI Content Safety: part of `catalog.py`."""

from detectors.metric import STREAM, Metric

_FILTER = (*STREAM, "category", "direction")
_LEAST = (*_FILTER, "least_severity")

SAFETY_BURST_SEVERITY = Metric(
    "driftline.safety.burst.severity",
    "gauge",
    "{score}",
    "How unusual the densest stretch of attacks in the window is, against what is usual at that hour; above 1 is a burst.",
    _FILTER,
)
SAFETY_BURST_ATTACKS = Metric("driftline.safety.burst.attacks", "gauge", "{call}", "Attacks in that stretch.", _FILTER)
SAFETY_BURST_PASSED = Metric("driftline.safety.burst.passed", "gauge", "{call}", "Those of them the filter did not block.", _FILTER)
SAFETY_BURST_USUAL = Metric(
    "driftline.safety.burst.usual", "gauge", "{call}", "Attacks that are usual in as many calls at that hour.", _FILTER
)
SAFETY_BURST_START = Metric("driftline.safety.burst.start", "gauge", "s", "Time from the start of the window to the stretch.", _FILTER)
SAFETY_BURST_LENGTH = Metric("driftline.safety.burst.length", "gauge", "s", "Length of the stretch, in whole minutes.", _FILTER)

SAFETY_CONTENT_SAFETY = Metric(
    "driftline.safety.content_safety.ratio",
    "gauge",
    "1",
    "Share of calls in which Azure AI Content Safety finds a category, at least so severe; estimated from the sample.",
    _LEAST,
)
SAFETY_CONTENT_SAFETY_LOWER = Metric("driftline.safety.content_safety.lower.ratio", "gauge", "1", "Lower 95 % bound of it.", _LEAST)
SAFETY_CONTENT_SAFETY_UPPER = Metric("driftline.safety.content_safety.upper.ratio", "gauge", "1", "Upper 95 % bound of it.", _LEAST)
SAFETY_CONTENT_SAFETY_SAMPLES = Metric(
    "driftline.safety.content_safety.samples", "gauge", "{call}", "Sampled calls of the window that were checked for it.", _FILTER
)

AGENT_CONTENT_SAFETY_CALLS = Metric(
    "driftline.agent.content_safety.calls",
    "counter",
    "{call}",
    "Calls of Azure AI Content Safety: answered, or why there was no answer.",
    ("endpoint", "outcome"),
)
AGENT_CONTENT_SAFETY_LAG = Metric(
    "driftline.agent.content_safety.lag",
    "gauge",
    "s",
    "Time since the end of the oldest window that waits for Azure AI Content Safety; 0: none waits.",
    ("endpoint",),
)
AGENT_CONTENT_SAFETY_SPENT = Metric(
    "driftline.agent.content_safety.spent", "gauge", "{call}", "Calls of Azure AI Content Safety today that count as made.", ("endpoint",)
)
