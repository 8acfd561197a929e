"""The configuration as values: what a validated file turns into."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le

from agent.content_safety.options import ContentSafety
from agent.judges.options import JudgeOptions
from detectors.drift.calendar import Days
from detectors.types import Input

ContentMode = Literal["off", "features", "transient", "sampled"]
Paging = Literal["azure", "prometheus", "agent"]


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a row mean what; everything else is a feature."""

    timestamp: str | None = None
    """Event time: ISO 8601, or epoch seconds, milliseconds, microseconds or nanoseconds (told apart by size)."""
    id: str | None = None
    """Identifies a row; doubled ids are counted once."""
    prediction: str | None = None
    """What the model answered."""
    probability: str | None = None
    """How likely the model holds the positive class, from 0 to 1; names a column that is then no feature, but watched as a prediction."""
    probabilities: tuple[str, ...] = ()
    """The same for each of several classes: columns that are watched as predictions; estimates use `probability` alone."""
    label: str | None = None
    """The truth, where a row carries it."""
    deployment: str | None = None
    """Which deployment answered."""
    segments: tuple[str, ...] = ()
    """Columns to look at apart."""
    categorical: tuple[str, ...] = ()
    """Columns to treat as categories although they look like numbers."""
    numeric: tuple[str, ...] = ()
    """Columns to treat as numbers although they look like text."""
    ignore: tuple[str, ...] = ()
    """Columns that are no features."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What live windows are compared with. Nothing given: it is learnt from live windows."""

    history: Annotated[timedelta, Gt(timedelta(0))] | None = None
    """That much of the past, read from the endpoint's own source."""
    file: Path | None = None
    """A CSV, Parquet or JSONL file without usable time, such as the training data."""
    baseline: str | None = None
    """A stored baseline, as named by `driftline baseline build`."""
    pages: Literal["fixed", "rolling", "both"] = "rolling"
    """Which reference may page. `rolling`: where it is calibrated, else the fixed one. `both` share the alarm budget."""
    exclude: tuple[Days, ...] = ()
    """Days (`2013-02-08`, or `"2013-12-24..2013-12-26"`) in the endpoint's zone: not part of a reference; judged when live, but nobody is paged."""
    holidays: tuple[Days, ...] = ()
    """The same, for the days a calendar knows beforehand."""


@dataclass(frozen=True, slots=True)
class Labels:
    """How long answers wait for their labels. They are kept as a hash of the id, prediction, probability and segments."""

    max_age: Annotated[timedelta, Gt(timedelta(0))] = timedelta(days=7)
    """A label that comes later than this after its row is for an unknown id."""
    max_rows: Annotated[int, Ge(1)] = 1_000_000
    """Answers kept, to within a tenth and one batch; beyond that the oldest go. As many labels of unknown ids may wait."""


@dataclass(frozen=True, slots=True)
class Retraining:
    """When a model is to be trained anew, and who is called then; what live traffic of each deployment shows is counted apart."""

    windows: Annotated[int, Ge(1), Le(50)] = 3
    """So many bad windows, by the same signal, lead to a request …"""
    within: Annotated[int, Ge(1), Le(100)] | None = None
    """… among the last so many that could be judged; left out: in a row."""
    days: Annotated[int, Ge(1), Le(50)] = 1
    """Calendar days they must lie on, at least. Drift holds until its day is over: with windows shorter than a day write 2 or more."""
    of: tuple[Literal["drift", "decay"], ...] = ("drift", "decay")
    """What makes a window bad: drift of features, predictions or labels that would page, or errors that rose as labels tell."""
    cool_down: Annotated[timedelta, Ge(timedelta(0))] = timedelta(days=7)
    """After a request no window that begins within this time is counted."""
    trigger: Any = None
    """Who is called, as `{event_grid: {…}}` or `{webhook: {…}}`; left out: the request is only shown."""

    def __post_init__(self) -> None:
        """Raise ValueError for numbers that no windows can meet."""
        if not self.of:
            raise ValueError("of: nothing is chosen; write [drift, decay], or leave it out")
        if self.within is not None and self.within < self.windows:
            raise ValueError(f"within: {self.within} windows cannot hold {self.windows} bad ones (windows); write at least {self.windows}")
        if self.days > (self.within or self.windows):
            raise ValueError(f"days: {self.within or self.windows} windows cannot lie on {self.days} days; write fewer")


@dataclass(frozen=True, slots=True)
class ColdStart:
    """When a deployment is taken to start up: such calls count, but not for what is told of latency."""

    idle: Annotated[timedelta, Gt(timedelta(0))] = timedelta(minutes=10)
    """Time without any call in flight after which the next one wakes it."""
    warm_up: Annotated[timedelta, Gt(timedelta(0))] = timedelta(minutes=1)
    """From the call that wakes it, or the first of a new version."""


@dataclass(frozen=True, slots=True)
class Redact:
    """What is taken out of texts and of categories: e-mail addresses, phone numbers, cards, accounts, ids of persons, keys and more."""

    keep: tuple[str, ...] = ()
    """Kinds that are left in, such as `date` or `url`."""
    patterns: Mapping[str, str] = field(default_factory=dict)
    """Name to a regular expression of your own, looked for first."""
    recognisers: Mapping[str, Any] = field(default_factory=dict)
    """Component id to recogniser of what no pattern finds, such as names; asked about texts on their way to a judge, which go nowhere where it fails."""


@dataclass(frozen=True, slots=True)
class KeptTexts:
    """How long and how many redacted texts of sampled calls stay on disk."""

    max_age: Annotated[timedelta, Gt(timedelta(0)), Le(timedelta(days=30))] = timedelta(days=7)
    """After this a text is deleted for good; 30 days at most."""
    max_bytes: Annotated[int, Ge(1024 * 1024)] = 256 * 1024 * 1024
    """Of the endpoint; beyond that the oldest go."""


@dataclass(frozen=True, slots=True)
class AlarmBudget:
    """At most so many alarm episodes in so many days, for the whole endpoint."""

    episodes: Annotated[float, Gt(0)] = 1.0
    """Alarm episodes that are bearable …"""
    days: Annotated[float, Gt(0)] = 30.0
    """… in so many days."""

    @property
    def per_30_days(self) -> float:
        """The budget b of the alarm rule."""
        return self.episodes * 30.0 / self.days


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One monitored endpoint."""

    name: str
    match: Mapping[str, str] = field(default_factory=dict)
    """Resource attributes that mark its traffic; all must be equal."""
    source: Any = None
    """One pull source of its own, as `{files: {…}}`; left out: traffic that shared listeners are sent."""
    columns: Columns = field(default_factory=Columns)
    """What the columns of tabular rows mean."""
    window: Annotated[timedelta, Ge(timedelta(seconds=1))] = timedelta(minutes=15)
    """Length of a window."""
    allowed_lateness: Annotated[timedelta, Ge(timedelta(0))] = timedelta(minutes=1)
    """A window closes when an event this much younger than its end was seen, or by the clock when traffic stops."""
    timezone: str = "UTC"
    """IANA name; days and windows start at its midnight."""
    content: ContentMode = "off"
    """Where text may live. `off`: nowhere. `features`: in memory until it is described. `transient`: redacted and in memory until it is judged. `sampled`: the redacted sample on disk too, for a while."""
    sample: Annotated[int, Ge(4)] = 1000
    """Calls of a window, for each deployment, whose texts are described; failed and filtered ones first. Not with `content: off`."""
    templates: Path | None = None
    """Known texts, such as jailbreaks, that prompts are held against: one a line, or one JSON string a line."""
    enrichers: Any = None
    """Component id to enricher: columns of text, pictures or embeddings that features are drawn from, and that then go no further."""
    input: Input = "auto"
    """Where both call records and OTLP metrics come: `auto` counts metrics only while no records come, `calls` never, `metrics` instead of records."""
    sampled_upstream: Annotated[float, Gt(0), Le(1)] | None = None
    """The part of calls that a sampler upstream lets come, such as 0.1, where calls do not say it themselves (`tracestate: ot=th:…`). Left out: found by the client's metrics, where it sends any."""
    conversation_idle: Annotated[timedelta, Gt(timedelta(0))] = timedelta(minutes=30)
    """Silence after which a conversation (`gen_ai.conversation.id`, `session.id`) is taken to be over, and what it came to is told."""
    cold_start: ColdStart | None = field(default_factory=ColdStart)
    """Which calls are kept out of latency drift; null: none."""
    detectors: Mapping[str, Any] = field(default_factory=dict)
    """Component id to detector; left out: usage, safety and drift."""
    reference: Reference = field(default_factory=Reference)
    """What live windows are compared with."""
    alarm_budget: AlarmBudget = field(default_factory=AlarmBudget)
    """How many alarm episodes are bearable."""
    labels: Labels | None = None
    """Labels come later than their rows, and are joined by id; left out: only rows that carry their label have one. Write `{}` for the defaults."""
    retraining: Retraining | None = None
    """Asks for the model to be trained anew after so many bad windows; left out: never. Write `{}` for the defaults."""
    golden: Mapping[str, Any] = field(default_factory=dict)
    """Name to golden set: questions with known answers that are put to the endpoint as canary traffic, by the agent or by `driftline golden run`."""
    alerts: Mapping[str, Any] = field(default_factory=dict)
    """Rule name to the rule with changed options; `{enabled: false}` switches one off."""
    keep_rows: Annotated[int, Ge(0)] = 0
    """Rows a window kept as a uniform sample, for reports and for `thresholds` of the drift detector; 0 keeps none."""

    redact: Redact = field(default_factory=Redact)
    """What is taken out of texts before anything but this process' memory holds them."""
    texts: KeptTexts = field(default_factory=KeptTexts)
    """What of them stays on disk; with `content: sampled` alone."""
    judge: JudgeOptions | None = None
    """A model that scores sampled answers; needs `content: transient` or `sampled`. Left out: nothing is judged."""
    content_safety: ContentSafety | None = None
    """Azure AI Content Safety for sampled calls, beside the platform's own filter; needs `content: transient`. Left out: it is not asked."""

    @property
    def sampled(self) -> int:
        """Calls of a window that are kept to be looked at; 0 where no text may be described."""
        return 0 if self.content == "off" else self.sample

    @property
    def names_calls(self) -> bool:
        """Whether trace and span id of calls stay readable: people who label them, or events of judged ones, have to name them."""
        return self.content != "off" and (self.labels is not None or (self.judge is not None and self.judge.events > 0))


@dataclass(frozen=True, slots=True)
class Spool:
    """Limits of the spool."""

    durability: Literal["commit", "interval", "write"] = "commit"
    """commit: fsync before each answer; interval: every 500 ms; write: left to the system."""
    max_bytes: Annotated[int, Ge(1024 * 1024)] = 512 * 1024 * 1024
    """Beyond this the spool is full: senders are told to come back."""
    segment_bytes: Annotated[int, Ge(64 * 1024)] = 32 * 1024 * 1024
    """Size of one file of the spool."""
    min_free_bytes: Annotated[int, Ge(0)] = 64 * 1024 * 1024
    """Free space left on the disk, whatever the spool may still take."""


@dataclass(frozen=True, slots=True)
class Config:
    """A whole validated configuration."""

    version: int = 1
    """Version of the file's form."""
    currency: str = "USD"
    """ISO 4217 code of costs."""
    state: Path = Path("driftline-state")
    """Folder of spool, store and baselines; made with mode 0700."""
    interval: Annotated[timedelta, Ge(timedelta(seconds=1))] = timedelta(seconds=60)
    """How often counters, heartbeat and alert gauges are sent."""
    spool: Spool = field(default_factory=Spool)
    """What was received and not yet counted, on disk."""
    sources: Mapping[str, Any] = field(default_factory=dict)
    """Component id to push source shared by all endpoints."""
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    """Name to endpoint."""
    sinks: Mapping[str, Any] = field(default_factory=dict)
    """Component id to where numbers and events go."""
    notifiers: Mapping[str, Any] = field(default_factory=dict)
    """Component id to who is told of alerts; on only with `paging: agent`."""
    health: str | None = None
    """host:port of `/healthz` and `/readyz` for probes; left out: not served."""
    paging: Paging = "azure"
    """Who wakes people. The others get the same alerts without a receiver."""
    max_endpoints: Annotated[int, Ge(1)] = 200
    """Endpoints made for unmatched traffic; beyond that everything is `__other__`."""
