"""Builds the engine from configuration, store and spool: a fresh one, or the one that was stopped or killed."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from agent.alerting import Alerting
from agent.changes import Changes
from agent.checkpoint import held, put_counts, restore, restore_streams, saved_senders
from agent.clock import to_nanoseconds
from agent.config import Config, Endpoint
from agent.conversations import ConversationJoin
from agent.engine import Engine
from agent.increments import Increments
from agent.pipeline import Pipeline
from agent.references import References, load
from agent.rows.pair import RowJoiner
from agent.series import Series
from agent.sources import Clock, Router
from agent.sources.otlp.count_join import CountJoin
from agent.sources.otlp.join import Joiner
from agent.spool.position import START
from agent.spool.spool import Spool
from agent.store.dedup import RecentIds
from agent.store.store import Store
from agent.upstream.weighing import Upstream
from detectors.catalog import AGENT_DROPPED
from detectors.types import Plain

if TYPE_CHECKING:
    from agent.labels.late import LateLabels


def build_pipeline(
    config: Config,
    clock: Clock,
    store: Store | None,
    *,
    references: Mapping[str, Plain],
    origins: Mapping[str, int],
    real_time: bool,
) -> Pipeline:
    """Return a pipeline; with a store, its joins hold what they held back when it was saved."""
    series = Series()

    def lost(reason: str, rows: int) -> None:
        series.add(AGENT_DROPPED, rows, source="join", reason=reason)

    def endpoint(name: str) -> Endpoint:
        return config.endpoints.get(name) or Endpoint(name)

    upstream = Upstream(endpoint)
    saved = (None, None, None) if store is None else (held(store, 0), held(store, 1), held(store, 2))
    counts = CountJoin(
        lost,
        lambda name: endpoint(name).input,
        0 if store is None else to_nanoseconds(clock.now()),
        None if store is None else store.get("metrics"),
        {} if store is None else saved_senders(store),
        upstream.hidden.told,
    )
    if store is not None and store.get("metrics") is None:
        # What began after this counts whole, also when the agent is killed before its first checkpoint.
        with store.transaction() as transaction:
            put_counts(transaction, counts)
    return Pipeline(
        config,
        clock,
        series,
        counts=counts,
        joins=[
            Joiner(lost, saved=saved[0]),
            RowJoiner(lost, saved=saved[1]),
            ConversationJoin(lost, lambda name: endpoint(name).conversation_idle, saved=saved[2]),
        ],
        recent=RecentIds(),
        alerting=Alerting(endpoint, series),
        changes=Changes(series, endpoint),
        references=references,
        origins=origins,
        real_time=real_time,
        upstream=upstream,
        late=None
        if store is None
        else _late_labels(endpoint, series, store, [name for name, one in config.endpoints.items() if one.labels is not None]),
    )


def _late_labels(endpoint: Callable[[str], Endpoint], series: Series, store: Store, expecting: Collection[str]) -> "LateLabels | None":
    """Return what joins labels with answers; None where no endpoint expects any."""
    if not expecting:
        return None
    # Imported here: joining labels and following errors takes 2.5 MB.
    from agent.labels.late import LateLabels  # noqa: PLC0415

    return LateLabels(endpoint, series, store, expecting)


def build_engine(
    config: Config,
    store: Store,
    spool: Spool,
    own: Series,
    clock: Clock,
    *,
    router: Router,
    sinks: Sequence[str],
) -> Engine:
    """Return the engine, where it was when its state was last saved; what came since is still in the spool."""
    pipeline = build_pipeline(config, clock, store, references={}, origins={}, real_time=True)
    increments = Increments()
    position = restore(store, pipeline, own, increments, clock.now())

    def prepare(stopping: Callable[[], bool]) -> References:
        return load(config, store, router, own, clock, stopping)

    def begin(found: References) -> None:
        pipeline.refer(found.beginnings, found.origins)
        restore_streams(store, pipeline)

    return Engine(
        pipeline,
        spool,
        store,
        own,
        clock,
        position=position or START,
        increments=increments,
        sinks=sinks,
        prepare=prepare,
        begin=begin,
    )
