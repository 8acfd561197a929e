"""Every metric driftline can emit: name, kind, unit, meaning, attributes and buckets. Standard library only."""

from detectors import catalog_attacks, catalog_serving
from detectors.metric import STREAM as STREAM  # noqa: PLC0414 - everybody takes it from here
from detectors.metric import Metric as Metric  # noqa: PLC0414 - as above

_FEATURE = (*STREAM, "kind", "feature", "reference")
_FILTER = (*STREAM, "category", "direction")

DURATION_BOUNDARIES = tuple(0.01 * 2**k for k in range(14))
"""Seconds, 0.01 to 81.92: the buckets of OpenTelemetry's GenAI duration metrics."""

DRIFT_SEVERITY = Metric("driftline.drift.severity", "gauge", "{score}", "Statistic over threshold; above 1 is an alarm.", _FEATURE)
DRIFT_STATISTIC = Metric("driftline.drift.statistic", "gauge", "{score}", "The statistic behind the severity.", _FEATURE)
DRIFT_THRESHOLD = Metric("driftline.drift.threshold", "gauge", "{score}", "The line the statistic is held against.", _FEATURE)
DRIFT_P_VALUE = Metric(
    "driftline.drift.p_value",
    "gauge",
    "{probability}",
    "Share of the reference's own days at least as unusual, over all features.",
    _FEATURE,
)
DRIFT_SAMPLES = Metric("driftline.drift.samples", "gauge", "{row}", "Rows the severity rests on.", _FEATURE)
DRIFT_MDE = Metric(
    "driftline.drift.mde", "gauge", "{sd}", "Smallest shift of the mean, in reference standard deviations, seen with 80 % power.", _FEATURE
)
DRIFT_SCORE = Metric(
    "driftline.drift.score", "gauge", "{score}", "Descriptive distance from the reference; carries no alarm promise.", (*_FEATURE, "method")
)
DRIFT_FEATURES = Metric(
    "driftline.drift.features.ratio", "gauge", "1", "Share of features with severity above 1.", (*STREAM, "kind", "reference")
)
REFERENCE_STATUS = Metric(
    "driftline.reference.status", "gauge", "{status}", "1 on the status the reference has now.", (*STREAM, "reference", "status")
)
REFERENCE_MISSING = Metric(
    "driftline.reference.missing", "gauge", "{day}", "Days of traffic the reference still lacks to be calibrated.", (*STREAM, "reference")
)

DATA_ROWS = Metric("driftline.data.rows", "gauge", "{row}", "Rows in the window.", STREAM)
DATA_ROWS_LOWER = Metric("driftline.data.rows.lower", "gauge", "{row}", "Fewest rows that are usual in such a window.", STREAM)
DATA_ROWS_UPPER = Metric("driftline.data.rows.upper", "gauge", "{row}", "Most rows that are usual in such a window.", STREAM)
DATA_MISSING = Metric("driftline.data.missing.ratio", "gauge", "1", "Share of rows without a value.", (*STREAM, "feature"))
DATA_TYPE_ERROR = Metric(
    "driftline.data.type_error.ratio", "gauge", "1", "Share of rows whose value is not of the column's type.", (*STREAM, "feature")
)
DATA_OUT_OF_RANGE = Metric(
    "driftline.data.out_of_range.ratio", "gauge", "1", "Share of rows outside the reference's range.", (*STREAM, "feature")
)
DATA_NEW_CATEGORY = Metric(
    "driftline.data.new_category.ratio", "gauge", "1", "Share of rows with a value the reference never had.", (*STREAM, "feature")
)
DATA_VANISHED_CATEGORY = Metric(
    "driftline.data.vanished_category.ratio",
    "gauge",
    "1",
    "Share of the reference's rows whose value the window has not once, though it should.",
    (*STREAM, "feature"),
)
DATA_DUPLICATE = Metric("driftline.data.duplicate.ratio", "gauge", "1", "Share of rows whose id was already counted.", STREAM)
DATA_FRESHNESS = Metric("driftline.data.freshness", "gauge", "s", "Time from the newest row to the end of its window.", STREAM)

_PERFORMANCE = (*STREAM, "metric", "basis")
MODEL_PERFORMANCE = Metric(
    "driftline.model.performance", "gauge", "{score}", "How good the answers are, realised by labels or estimated without.", _PERFORMANCE
)
MODEL_PERFORMANCE_LOWER = Metric("driftline.model.performance.lower", "gauge", "{score}", "Lower 95 % bound of it.", _PERFORMANCE)
MODEL_PERFORMANCE_UPPER = Metric("driftline.model.performance.upper", "gauge", "{score}", "Upper 95 % bound of it.", _PERFORMANCE)
MODEL_PERFORMANCE_SAMPLES = Metric(
    "driftline.model.performance.samples", "gauge", "{row}", "Rows of the window it rests on.", (*STREAM, "basis")
)

_PART = (*_PERFORMANCE, "part", "value")
MODEL_PART_PERFORMANCE = Metric(
    "driftline.model.part.performance", "gauge", "{score}", "The same of one class, or of one value of a segment column.", _PART
)
MODEL_PART_PERFORMANCE_LOWER = Metric("driftline.model.part.performance.lower", "gauge", "{score}", "Lower 95 % bound of it.", _PART)
MODEL_PART_PERFORMANCE_UPPER = Metric("driftline.model.part.performance.upper", "gauge", "{score}", "Upper 95 % bound of it.", _PART)
MODEL_ESTIMATE_TRUST = Metric(
    "driftline.model.estimate.trust",
    "gauge",
    "{status}",
    "1 on what labels say of the estimates of a metric: untested, trusted or not_trustworthy.",
    (*STREAM, "metric", "status"),
)
MODEL_ESTIMATE_LEAN = Metric(
    "driftline.model.estimate.lean",
    "gauge",
    "{score}",
    "Realised less estimated performance, mean of the windows compared.",
    (*STREAM, "metric"),
)
MODEL_DECAY_SEVERITY = Metric(
    "driftline.model.decay.severity",
    "gauge",
    "{score}",
    "Statistic of a rise in errors over its threshold; above 1 is an alarm.",
    (*_PERFORMANCE, "method"),
)
LABELS_COVERAGE = Metric("driftline.labels.coverage.ratio", "gauge", "1", "Share of the window's answers whose label is known.", STREAM)
LABELS_RECEIVED = Metric(
    "driftline.labels.received",
    "counter",
    "{label}",
    "Labels that came: matched, repeated, corrected, outdated, unknown or unusable.",
    ("endpoint", "outcome"),
)

_DATASET = (*STREAM, "dataset")
CANARY_PASS = Metric(
    "driftline.canary.pass.ratio", "gauge", "1", "Share of a golden set's answers that passed in its newest run, mean over pairs.", _DATASET
)
CANARY_PASS_LOWER = Metric("driftline.canary.pass.lower.ratio", "gauge", "1", "Lower 95 % bound of it.", _DATASET)
CANARY_PASS_UPPER = Metric("driftline.canary.pass.upper.ratio", "gauge", "1", "Upper 95 % bound of it.", _DATASET)
CANARY_EVALUATOR_PASS = Metric(
    "driftline.canary.evaluator.pass.ratio", "gauge", "1", "The same for one evaluator.", (*_DATASET, "evaluator")
)
CANARY_LOSS = Metric(
    "driftline.canary.loss.ratio",
    "gauge",
    "1",
    "Pass ratio lost since the accepted run, over the pairs both have; below 0 it rose.",
    _DATASET,
)
CANARY_ANSWERS = Metric(
    "driftline.canary.answers",
    "counter",
    "{answer}",
    "Golden questions put, by what became of them: answered, filtered, or why there is no answer.",
    (*_DATASET, "outcome"),
)
CANARY_TOKENS = Metric("driftline.canary.tokens", "counter", "{token}", "Tokens golden questions and their judge took.", _DATASET)

SAFETY_CHECKED = Metric("driftline.safety.checked", "counter", "{call}", "Calls whose content filter ran.", _FILTER)
SAFETY_FILTERED = Metric(
    "driftline.safety.filtered", "counter", "{call}", "Calls the filter blocked or annotated.", (*_FILTER, "filter_severity", "action")
)
SAFETY_NOT_RUN = Metric("driftline.safety.not_run", "counter", "{call}", "Calls whose content filter answered with an error.", _FILTER)
SAFETY_SAMPLES = Metric("driftline.safety.samples", "gauge", "{call}", "Calls of the window the unsafe share rests on.", _FILTER)
SAFETY_UNSAFE = Metric("driftline.safety.unsafe.ratio", "gauge", "1", "Share of checked calls that were filtered or annotated.", _FILTER)
SAFETY_UNSAFE_LOWER = Metric("driftline.safety.unsafe.lower.ratio", "gauge", "1", "Lower 95 % bound of the unsafe share.", _FILTER)
SAFETY_UNSAFE_UPPER = Metric("driftline.safety.unsafe.upper.ratio", "gauge", "1", "Upper 95 % bound of the unsafe share.", _FILTER)

_EVALUATOR = (*STREAM, "evaluator")
TEXT_SHARE = Metric(
    "driftline.text.share.ratio",
    "gauge",
    "1",
    "What an evaluator without a model measures, mean over calls: a trend, no verdict.",
    _EVALUATOR,
)
TEXT_SHARE_LOWER = Metric("driftline.text.share.lower.ratio", "gauge", "1", "Lower 95 % bound of it.", _EVALUATOR)
TEXT_SHARE_UPPER = Metric("driftline.text.share.upper.ratio", "gauge", "1", "Upper 95 % bound of it.", _EVALUATOR)
TEXT_SAMPLES = Metric("driftline.text.samples", "gauge", "{call}", "Sampled calls of the window it rests on.", _EVALUATOR)

_CALIBRATED = (*STREAM, "calibrated")
SAFETY_REFUSAL = Metric(
    "driftline.safety.refusal.ratio", "gauge", "1", "Share of answers that refuse; calibrated: corrected by labels of people.", _CALIBRATED
)
SAFETY_REFUSAL_LOWER = Metric("driftline.safety.refusal.lower.ratio", "gauge", "1", "Lower 95 % bound of the refused share.", _CALIBRATED)
SAFETY_REFUSAL_UPPER = Metric("driftline.safety.refusal.upper.ratio", "gauge", "1", "Upper 95 % bound of the refused share.", _CALIBRATED)

_JUDGED = (*STREAM, "evaluator", "calibrated")
EVALUATION_MEAN = Metric(
    "driftline.evaluation.score.mean",
    "gauge",
    "{score}",
    "Mean score of a judge, 1 to 5; calibrated: corrected by labels of people.",
    _JUDGED,
)
EVALUATION_LOWER = Metric("driftline.evaluation.score.lower", "gauge", "{score}", "Lower 95 % bound of the mean score.", _JUDGED)
EVALUATION_UPPER = Metric("driftline.evaluation.score.upper", "gauge", "{score}", "Upper 95 % bound of the mean score.", _JUDGED)
EVALUATION_PASS = Metric("driftline.evaluation.pass.ratio", "gauge", "1", "Share of answers that pass.", _JUDGED)
EVALUATION_PASS_LOWER = Metric("driftline.evaluation.pass.lower.ratio", "gauge", "1", "Lower 95 % bound of the passing share.", _JUDGED)
EVALUATION_PASS_UPPER = Metric("driftline.evaluation.pass.upper.ratio", "gauge", "1", "Upper 95 % bound of the passing share.", _JUDGED)
EVALUATION_SAMPLES = Metric("driftline.evaluation.samples", "gauge", "{verdict}", "Verdicts the window's scores rest on.", _JUDGED)
CALIBRATION_LABELS = Metric(
    "driftline.calibration.labels",
    "gauge",
    "{label}",
    "Labels of people that hold for the model and judge of the window; about 100 are wanted.",
    _EVALUATOR,
)

REQUESTS = Metric("driftline.requests", "counter", "{request}", "Calls seen.", STREAM)
REQUESTS_ESTIMATED = Metric("driftline.requests.estimated", "counter", "{request}", "Calls made, as estimated from a part of them.", STREAM)
REQUEST_ESTIMATE = Metric("driftline.request.estimate", "gauge", "{request}", "Calls of the window, as estimated from a part.", STREAM)
REQUEST_ESTIMATE_LOWER = Metric("driftline.request.estimate.lower", "gauge", "{request}", "Lower 95 % bound of it.", STREAM)
REQUEST_ESTIMATE_UPPER = Metric("driftline.request.estimate.upper", "gauge", "{request}", "Upper 95 % bound of it.", STREAM)
REQUEST_ERRORS = Metric("driftline.request.errors", "counter", "{request}", "Calls that failed.", (*STREAM, "error_type"))
REQUEST_THROTTLED = Metric("driftline.request.throttled", "counter", "{request}", "Calls refused with 429.", STREAM)
REQUEST_COLD_STARTS = Metric(
    "driftline.request.cold_starts",
    "counter",
    "{request}",
    "Calls a deployment met while it started up: after a silence, or of a new version. No part of latency drift.",
    STREAM,
)
REQUEST_SAMPLES = Metric(
    "driftline.request.samples", "gauge", "{request}", "Calls of the window the share (error or throttled) rests on.", (*STREAM, "share")
)
REQUEST_ERROR_RATIO = Metric(
    "driftline.request.error.ratio", "gauge", "1", "Share of calls that failed, throttled and filtered ones apart.", STREAM
)
REQUEST_ERROR_LOWER = Metric("driftline.request.error.lower.ratio", "gauge", "1", "Lower 95 % bound of the failed share.", STREAM)
REQUEST_ERROR_UPPER = Metric("driftline.request.error.upper.ratio", "gauge", "1", "Upper 95 % bound of the failed share.", STREAM)
REQUEST_THROTTLED_RATIO = Metric("driftline.request.throttled.ratio", "gauge", "1", "Share of calls refused with 429.", STREAM)
REQUEST_THROTTLED_LOWER = Metric(
    "driftline.request.throttled.lower.ratio", "gauge", "1", "Lower 95 % bound of the throttled share.", STREAM
)
REQUEST_DURATION = Metric(
    "driftline.request.duration", "histogram", "s", "Time from request to the last byte.", STREAM, DURATION_BOUNDARIES
)
REQUEST_DURATION_P50 = Metric("driftline.request.duration.p50", "gauge", "s", "Median duration of the window.", STREAM)
REQUEST_DURATION_P95 = Metric("driftline.request.duration.p95", "gauge", "s", "95th percentile of the duration.", STREAM)
REQUEST_DURATION_P99 = Metric("driftline.request.duration.p99", "gauge", "s", "99th percentile of the duration.", STREAM)
TIME_TO_FIRST_TOKEN = Metric(
    "driftline.request.time_to_first_token",
    "histogram",
    "s",
    "Time from request to the first token of a stream.",
    STREAM,
    DURATION_BOUNDARIES,
)
TIME_TO_FIRST_TOKEN_P50 = Metric("driftline.request.time_to_first_token.p50", "gauge", "s", "Median time to first token.", STREAM)
TIME_TO_FIRST_TOKEN_P95 = Metric(
    "driftline.request.time_to_first_token.p95", "gauge", "s", "95th percentile of the time to first token.", STREAM
)
TIME_TO_FIRST_TOKEN_P99 = Metric(
    "driftline.request.time_to_first_token.p99", "gauge", "s", "99th percentile of the time to first token.", STREAM
)
TIME_PER_TOKEN_P50 = Metric(
    "driftline.request.time_per_token.p50", "gauge", "s", "Median time an output token takes, behind the first where that is known.", STREAM
)
TOKENS = Metric(
    "driftline.tokens",
    "counter",
    "{token}",
    "Tokens used; cache_read, cache_write and reasoning are parts of input and output.",
    (*STREAM, "token_type"),
)
TOKENS_ESTIMATED = Metric("driftline.tokens.estimated", "counter", "{token}", "Tokens of those calls.", (*STREAM, "token_type"))

DEPLOYMENT_INFO = Metric(
    "driftline.deployment.info",
    "gauge",
    "{deployment}",
    "1 for the model, version and fingerprint that answer now.",
    (*STREAM, "model", "version", "fingerprint"),
)
CHANGES = Metric(
    "driftline.changes",
    "counter",
    "{change}",
    "Changes of model, version, fingerprint or deployment seen, and of the reference by a person.",
    (*STREAM, "change"),
)

ALERT_ACTIVE = Metric(
    "driftline.alert.active",
    "gauge",
    "{alert}",
    "1 while the alert fires, else 0; sent every interval.",
    (*STREAM, "alert", "alert_severity"),
)
ALERT_TRANSITIONS = Metric(
    "driftline.alert.transitions", "counter", "{transition}", "Alerts that fired or resolved.", (*STREAM, "alert", "state")
)
RETRAINING_REQUESTS = Metric(
    "driftline.retraining.requests",
    "counter",
    "{request}",
    "Requests to train a model anew, by what its windows were bad by: drift or decay.",
    (*STREAM, "signal"),
)

AGENT_HEARTBEAT = Metric("driftline.agent.heartbeat", "gauge", "{beat}", "1 every interval while the agent lives.", ())
AGENT_WINDOW_AGE = Metric(
    "driftline.agent.window.age", "gauge", "s", "Time since the newest record of the endpoint was seen.", ("endpoint",)
)
AGENT_RECEIVED = Metric("driftline.agent.received", "counter", "{record}", "Records accepted.", ("source",))
AGENT_DROPPED = Metric("driftline.agent.dropped", "counter", "{record}", "Records not counted, with the reason.", ("source", "reason"))
AGENT_ADJUSTED = Metric(
    "driftline.agent.adjusted", "counter", "{record}", "Records counted with a value mended, with the reason.", ("source", "reason")
)
AGENT_LATE = Metric("driftline.agent.late", "counter", "{record}", "Records that came after their window had closed.", ("endpoint",))
AGENT_CLOCK_SKEW = Metric(
    "driftline.agent.clock_skew",
    "counter",
    "{record}",
    "Records dated more than five minutes ahead, counted at their time of arrival.",
    ("endpoint",),
)
AGENT_SOURCE_ERRORS = Metric("driftline.agent.source.errors", "counter", "{poll}", "Polls of a source that failed.", ("source",))
AGENT_UNMAPPED = Metric(
    "driftline.agent.unmapped.attributes", "counter", "{attribute}", "GenAI attributes no mapping reads, by name.", ("attribute",)
)
AGENT_SPOOL_SIZE = Metric("driftline.agent.spool.size", "gauge", "By", "Bytes in the spool.", ())
AGENT_OUTBOX_LAG = Metric("driftline.agent.outbox.lag", "gauge", "{item}", "Items a sink has not taken yet.", ("sink",))
AGENT_OUTBOX_DROPPED = Metric(
    "driftline.agent.outbox.dropped", "counter", "{item}", "Items dropped before a sink took them.", ("sink", "reason")
)
AGENT_JUDGE_CALLS = Metric(
    "driftline.agent.judge.calls", "counter", "{call}", "Calls of a judge: answered, or why there was no verdict.", ("endpoint", "outcome")
)
AGENT_JUDGE_LAG = Metric(
    "driftline.agent.judge.lag",
    "gauge",
    "s",
    "Time since the end of the oldest window that waits for a verdict; 0: none waits.",
    ("endpoint",),
)
AGENT_JUDGE_TOKENS = Metric(
    "driftline.agent.judge.tokens", "gauge", "{token}", "Tokens judging took today, what is under way included.", ("endpoint",)
)
AGENT_JUDGE_SPEND = Metric(
    "driftline.agent.judge.spend", "gauge", "{currency}", "What judging cost today by the configured prices.", ("endpoint",)
)
AGENT_SAMPLE_PROBABILITY = Metric(
    "driftline.agent.sample.probability", "gauge", "{probability}", "Chance of a call of the window to be in the sample, mean.", STREAM
)
AGENT_UPSTREAM_PROBABILITY = Metric(
    "driftline.agent.upstream.probability", "gauge", "{probability}", "Part of the window's calls that samplers upstream let come.", STREAM
)
AGENT_JOBS = Metric(
    "driftline.agent.jobs", "counter", "{run}", "Scheduled runs that failed, were missed or overlapped.", ("job", "outcome")
)


def metrics() -> tuple[Metric, ...]:
    """Return every metric, in the order of this file and those it gathers.

    >>> metrics()[0].name
    'driftline.drift.severity'
    """
    return tuple(
        value
        for names in (globals(), vars(catalog_attacks), vars(catalog_serving))
        for value in names.values()
        if isinstance(value, Metric)
    )
