"""The boards themselves: which questions they answer, from the metrics of the catalogue."""

from alerts.query import Query
from dashboards import answers, attacks, serving
from dashboards.board import Board, Panel, Row, Series, State, Threshold
from detectors import catalog

_STREAM = ("endpoint", "deployment")
_FEATURE = ("endpoint", "deployment", "kind", "feature", "reference")
_FILTER = ("endpoint", "deployment", "category", "direction")
_FIRES = (State(0, "quiet", "good"), State(1, "fires", "bad"))
_ALARM = (Threshold(1, "bad"),)
_AGE = (Threshold(3600, "warning"), Threshold(26 * 3600, "bad"))

ALERTS = Panel(
    "Alerts",
    "What the agent says now, one row an alert it watches for. Rules and notifications follow exactly this. No row: nobody is watching.",
    "table",
    "count",
    (Series(Query(catalog.ALERT_ACTIVE, "last", (*_STREAM, "alert", "alert_severity"), within="15m"), "state"),),
    states=_FIRES,
)
DRIFT = Panel(
    "Drift severity by feature",
    "The statistic over the threshold learnt from the reference's own days: above 1 is an alarm. No line where nothing could be said.",
    "line",
    "score",
    (Series(Query(catalog.DRIFT_SEVERITY, "max", _FEATURE), "{endpoint} {deployment} {feature} ({kind}, {reference})"),),
    thresholds=_ALARM,
)
REFERENCE = Panel(
    "Reference: status and days missing",
    "calibrated may page, provisional warns, uncalibrated only informs. Days: traffic still to be seen until it is calibrated. Shift: how far "
    "the mean of a numeric feature must move, in standard deviations, to be seen in one window, of the least sensitive feature that is not blind.",
    "table",
    "days",
    (
        Series(Query(catalog.REFERENCE_STATUS, "last", (*_STREAM, "reference", "status"), above=0), ""),
        Series(Query(catalog.REFERENCE_MISSING, "last", (*_STREAM, "reference")), "days missing"),
        Series(Query(catalog.DRIFT_MDE, "last", (*_STREAM, "reference")), "shift seen", "score"),
    ),
)
TRAFFIC = Panel(
    "Requests, errors, throttled",
    "Per second, exact on all calls. Throttled are answers 429; cold starts met a deployment while it started up.",
    "line",
    "per_second",
    (
        Series(Query(catalog.REQUESTS, "rate", _STREAM), "{endpoint} {deployment} requests"),
        Series(Query(catalog.REQUEST_ERRORS, "rate", (*_STREAM, "error_type")), "{endpoint} {deployment} error {error_type}"),
        Series(Query(catalog.REQUEST_COLD_STARTS, "rate", _STREAM), "{endpoint} {deployment} cold starts"),
        Series(Query(catalog.REQUEST_THROTTLED, "rate", _STREAM), "{endpoint} {deployment} throttled"),
    ),
)
FILTERS = Panel(
    "Content filter: rate, 95 % interval and number",
    "The share of the last window's checked calls that the filter blocked or annotated, with its bounds, beside the number of calls it rests on: "
    "a rate of few calls says little.",
    "table",
    "ratio",
    (
        Series(Query(catalog.SAFETY_SAMPLES, "last", _FILTER), "calls checked", "count"),
        Series(Query(catalog.SAFETY_UNSAFE, "last", _FILTER), "filtered"),
        Series(Query(catalog.SAFETY_UNSAFE_LOWER, "last", _FILTER), "at least"),
        Series(Query(catalog.SAFETY_UNSAFE_UPPER, "last", _FILTER), "at most"),
    ),
)
FRESHNESS = Panel(
    "Age of the newest record",
    "Time since the endpoint's traffic was last seen. No data means that nobody is looking: it is grey, never green.",
    "number",
    "seconds",
    (Series(Query(catalog.AGENT_WINDOW_AGE, "age", ("endpoint",)), "{endpoint}"),),
    thresholds=_AGE,
    width=6,
    height=5,
)

_ALERT_TILES = Panel(
    "Alerts",
    "One tile an alert: red while it fires on any of the chosen deployments. Information counts as firing too.",
    "number",
    "count",
    (Series(Query(catalog.ALERT_ACTIVE, "last", ("alert",)), "{alert}"),),
    states=_FIRES,
    width=8,
    height=5,
)
_WORST = Panel(
    "Worst drift severity",
    "The largest severity of any feature; 1 is the alarm line.",
    "number",
    "score",
    (Series(Query(catalog.DRIFT_SEVERITY, "last", _STREAM), "{endpoint} {deployment}"),),
    thresholds=_ALARM,
    width=5,
    height=5,
)
_FAILED = Panel(
    "Failed calls",
    "Share of the last window, throttled and filtered ones apart. Whether it is too many, the agent's rule decides on its lower bound.",
    "number",
    "ratio",
    (Series(Query(catalog.REQUEST_ERROR_RATIO, "last", _STREAM), "{endpoint} {deployment}"),),
    thresholds=(Threshold(0.05, "warning"),),
    width=5,
    height=5,
)
_FEATURES_NOW = Panel(
    "Features now",
    "The last window: how many rows each verdict rests on, how unusual it is among the reference's own days, and the smallest shift of the "
    "mean (in standard deviations) that would have been seen.",
    "table",
    "score",
    (
        Series(Query(catalog.DRIFT_SEVERITY, "last", _FEATURE), "severity"),
        Series(Query(catalog.DRIFT_P_VALUE, "last", _FEATURE), "p-value"),
        Series(Query(catalog.DRIFT_SAMPLES, "last", _FEATURE), "rows", "count"),
        Series(Query(catalog.DRIFT_MDE, "last", _FEATURE), "shift seen"),
    ),
    thresholds=_ALARM,
)
_FEATURES_SHARE = Panel(
    "Share of features that drift",
    "Features with a severity above 1.",
    "line",
    "ratio",
    (Series(Query(catalog.DRIFT_FEATURES, "max", (*_STREAM, "kind", "reference")), "{endpoint} {deployment} ({kind}, {reference})"),),
)
_QUALITY = Panel(
    "Data quality",
    "Share of rows without a value, outside the reference's range, with a category it never had, or not of the column's type; of the "
    "reference's rows whose category is gone; and of rows that came twice.",
    "line",
    "ratio",
    (
        *(
            Series(Query(metric, "max", (*_STREAM, "feature")), f"{{endpoint}} {{deployment}} {{feature}} {said}")
            for metric, said in (
                (catalog.DATA_MISSING, "missing"),
                (catalog.DATA_OUT_OF_RANGE, "out of range"),
                (catalog.DATA_NEW_CATEGORY, "new category"),
                (catalog.DATA_TYPE_ERROR, "wrong type"),
                (catalog.DATA_VANISHED_CATEGORY, "gone category"),
            )
        ),
        Series(Query(catalog.DATA_DUPLICATE, "max", _STREAM), "{endpoint} {deployment} doubled"),
    ),
)
_ROWS = Panel(
    "Rows of each window",
    "How many there are, and between which numbers they usually lie at that hour.",
    "line",
    "count",
    tuple(
        Series(Query(metric, "last", _STREAM), f"{{endpoint}} {{deployment}} {said}")
        for metric, said in ((catalog.DATA_ROWS, "rows"), (catalog.DATA_ROWS_LOWER, "at least"), (catalog.DATA_ROWS_UPPER, "at most"))
    ),
)
_ERRORS = Panel(
    "Failed calls: share, 95 % interval and number",
    "Of the last window, throttled and filtered ones apart, beside the number of calls it rests on.",
    "table",
    "ratio",
    (
        Series(Query(catalog.REQUEST_SAMPLES, "last", _STREAM, (("share", ("error",)),)), "calls", "count"),
        Series(Query(catalog.REQUEST_ERROR_RATIO, "last", _STREAM), "failed"),
        Series(Query(catalog.REQUEST_ERROR_LOWER, "last", _STREAM), "at least"),
        Series(Query(catalog.REQUEST_ERROR_UPPER, "last", _STREAM), "at most"),
    ),
)
_DURATION = Panel(
    "Duration",
    "Percentiles of each window, computed by the agent; never averages of percentiles.",
    "line",
    "seconds",
    tuple(
        Series(Query(metric, "max", _STREAM), f"{{endpoint}} {{deployment}} {said}")
        for metric, said in (
            (catalog.REQUEST_DURATION_P50, "p50"),
            (catalog.REQUEST_DURATION_P95, "p95"),
            (catalog.REQUEST_DURATION_P99, "p99"),
            (catalog.TIME_TO_FIRST_TOKEN_P95, "p95 to the first token"),
        )
    ),
)
_PACE = Panel(
    "Time per output token",
    "Median of each window, behind the first token where that is known; cold starts are left out.",
    "line",
    "seconds",
    (Series(Query(catalog.TIME_PER_TOKEN_P50, "max", _STREAM), "{endpoint} {deployment}"),),
)
_TOKENS = Panel(
    "Tokens",
    "Per second. cache_read, cache_write and reasoning are parts of input and output, not more.",
    "line",
    "per_second",
    (Series(Query(catalog.TOKENS, "rate", (*_STREAM, "token_type")), "{endpoint} {deployment} {token_type}"),),
)
_UNSAFE = Panel(
    "Filtered share by category",
    "Share of checked calls that were blocked or annotated; its interval and number stand in the table beside it.",
    "line",
    "ratio",
    (Series(Query(catalog.SAFETY_UNSAFE, "max", _FILTER), "{endpoint} {deployment} {category} in the {direction}"),),
)
_TIMELINE = Panel(
    "Alerts over time",
    "One band an alert and level, red while it fired. A gap is a time in which nobody looked.",
    "states",
    "count",
    (
        Series(
            Query(catalog.ALERT_ACTIVE, "max", (*_STREAM, "alert", "alert_severity")), "{endpoint} {deployment} {alert} ({alert_severity})"
        ),
    ),
    states=_FIRES,
)
_ANSWERS = Panel(
    "What answers",
    "One band a model, version and fingerprint, as long as it answered: where one ends and another begins, something changed.",
    "states",
    "count",
    (
        Series(
            Query(catalog.DEPLOYMENT_INFO, "max", (*_STREAM, "model", "version", "fingerprint")),
            "{endpoint} {deployment} {model} {version} {fingerprint}",
        ),
    ),
    states=(State(1, "answers", "good"),),
)
_RETRAINING = Panel(
    "Retraining asked for",
    "Requests to train a model anew, by what its windows were bad by. No line: the endpoint does not want to be asked.",
    "line",
    "count",
    (Series(Query(catalog.RETRAINING_REQUESTS, "increase", (*_STREAM, "signal")), "{endpoint} {deployment} by {signal}"),),
)
_HEARTBEAT = Panel(
    "Agent",
    "1 while the agent lives. No data: it is dead or not scraped, and everything above is silence, not health.",
    "number",
    "count",
    (Series(Query(catalog.AGENT_HEARTBEAT, "last", ()), "heartbeat"),),
    states=(State(1, "alive", "good"),),
    width=4,
)
_RECORDS = Panel(
    "Records received and dropped",
    "Per second and source; dropped ones with their reason. Late ones came after their window had closed.",
    "line",
    "per_second",
    (
        Series(Query(catalog.AGENT_RECEIVED, "rate", ("source",)), "{source} received"),
        Series(Query(catalog.AGENT_DROPPED, "rate", ("source", "reason")), "{source} dropped: {reason}"),
        Series(Query(catalog.AGENT_LATE, "rate", ("endpoint",)), "{endpoint} late"),
    ),
    width=10,
)
_OUTBOX = Panel(
    "Waiting for a sink",
    "Items a sink has not taken yet. A line that only climbs: the sink is down or refuses.",
    "line",
    "count",
    (Series(Query(catalog.AGENT_OUTBOX_LAG, "max", ("sink",)), "{sink}"),),
    width=10,
)

OVERVIEW = Board(
    "driftline-overview",
    "driftline",
    "Is my model OK? Drift, safety, usage and alerts of every endpoint the agent watches.",
    (
        Row("Is my model OK?", (_ALERT_TILES, _WORST, FRESHNESS, _FAILED)),
        Row("Drift", (DRIFT, _FEATURES_NOW, REFERENCE, _FEATURES_SHARE, _QUALITY, _ROWS)),
        Row("Answers", answers.PANELS),
        Row("Usage", (TRAFFIC, _ERRORS, _DURATION, _PACE, _TOKENS)),
        Row("Safety", (_UNSAFE, FILTERS, *attacks.PANELS)),
        Row("Retrieval, tools, conversations", serving.PANELS),
        Row("Alerts", (_TIMELINE, _ANSWERS, _RETRAINING)),
        Row("The agent itself", (_HEARTBEAT, _RECORDS, _OUTBOX)),
    ),
)
"""Everything, for Grafana."""

WORKBOOK = Board(
    "driftline-workbook",
    "driftline",
    "Is my model OK?",
    (Row("Is my model OK?", (ALERTS, DRIFT, REFERENCE, TRAFFIC, FILTERS, FRESHNESS)),),
)
"""One tab of six panels, for Azure."""
