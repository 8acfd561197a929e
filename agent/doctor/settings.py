"""What a valid configuration says that its author may not have meant."""

from collections.abc import Iterator
from datetime import timedelta

from agent.config import Config, Endpoint
from agent.doctor.azure_connection import connection
from agent.doctor.remark import Remark
from agent.judges.options import LIVE
from detectors.quality.text_columns import SHARES

_CALLS_ONLY = ("usage", "safety", "text")
"""Detectors that count model calls, which pull sources of rows never bring."""


def settings(config: Config) -> Iterator[Remark]:
    """Judge sinks, paging, endpoints and references."""
    kinds = {name.partition("/")[0] for name in config.sinks}
    if not config.sinks:
        yield Remark("warning", "no sinks: nothing leaves the agent", "add sinks: {prometheus: {}}")
    for name, sink in config.sinks.items():
        if name.partition("/")[0] == "azure_monitor":
            yield from connection(str(sink.connection_string), f"sinks.{name}.connection_string")
    yield from _paging(config, kinds)
    for endpoint in config.endpoints.values():
        yield from _endpoint(endpoint)


def _paging(config: Config, kinds: set[str]) -> Iterator[Remark]:
    if config.paging == "agent" and not config.notifiers:
        yield Remark("error", "paging: agent, and no notifiers: nobody is told", "add notifiers, or set paging: azure or prometheus")
    if config.paging != "agent" and config.notifiers:
        yield Remark(
            "note",
            f"notifiers stay silent with paging: {config.paging}",
            "set paging: agent to use them, so that one incident is told once",
        )
    needed = {"azure": "azure_monitor", "prometheus": "prometheus"}.get(config.paging)
    if needed and needed not in kinds and config.sinks:
        yield Remark("warning", f"paging: {config.paging}, and no sink {needed}: its rules see nothing", f"add sinks: {{{needed}: …}}")


def _endpoint(endpoint: Endpoint) -> Iterator[Remark]:
    key = f"endpoints.{endpoint.name}"
    file = endpoint.reference.file
    if file is not None and not file.is_file():
        yield Remark(
            "error", f"{key}.reference.file: {file} is not there", "give the path of the training data, relative to the configuration"
        )
    if endpoint.source is not None:
        for name in endpoint.detectors:
            if name.partition("/")[0] in _CALLS_ONLY:
                yield Remark("warning", f"{key}.detectors.{name} can never score: its source brings rows, not model calls", "remove it")
    yield from _content(key, endpoint)
    yield from _checked(key, endpoint)
    yield from _retraining(key, endpoint)
    yield from _budget(key, endpoint)
    yield from _first_days(key, endpoint)


def _content(key: str, endpoint: Endpoint) -> Iterator[Remark]:
    """Say which evaluators can never score."""
    if endpoint.content != "off" and endpoint.source is not None:
        yield Remark(
            "warning", f"{key}.content: {endpoint.content} is about prompts and answers, and its source brings rows", "content: off"
        )
    elif endpoint.content == "off":
        for name in endpoint.detectors:
            if name.partition("/")[0] == "text":
                yield Remark(
                    "warning",
                    f"{key}.detectors.{name}: {', '.join(SHARES)} can never score under content: off, which drops every text unread",
                    "content: features",
                )
    elif endpoint.content == "features":
        yield Remark(
            "note",
            f"{key}: {', '.join(LIVE)} can never score under content: features, for a judge needs texts",
            "content: transient, and judge: {url: …, model: …}",
        )
    elif endpoint.content == "transient" and endpoint.judge is None and endpoint.content_safety is None:
        yield Remark(
            "warning",
            f"{key}.content: transient, and no judge: texts are redacted for nobody",
            "add judge or content_safety, or write content: features",
        )
    elif endpoint.judge is not None and "groundedness" in endpoint.judge.evaluators:
        yield Remark("note", f"{key}.judge: groundedness scores only answers whose prompt brings 40 words of context or more")


def _checked(key: str, endpoint: Endpoint) -> Iterator[Remark]:
    """Say what Content Safety can never find, and where a day has too little room for it."""
    asked = endpoint.content_safety
    if asked is None:
        return
    if "groundedness" in asked.checks:
        yield Remark("note", f"{key}.content_safety: groundedness is asked of answers with context alone, and only some regions know it")
    wanted = asked.estimate(timedelta(days=1) / endpoint.window)
    if wanted > asked.requests_a_day:
        part = asked.requests_a_day / wanted
        yield Remark(
            "warning",
            f"{key}.content_safety: {wanted:,} requests a day would be made, {asked.requests_a_day:,} may be: it is blind for the rest of the day",
            f"content_safety: {{calls: {max(int(asked.calls * part), 4)}}}, or requests_a_day: {wanted}",
        )


def _retraining(key: str, endpoint: Endpoint) -> Iterator[Remark]:
    """Say where windows of one day, which are one piece of evidence, count as several."""
    wanted = endpoint.retraining
    if wanted is not None and wanted.days == 1 and wanted.windows > 1 and endpoint.window < timedelta(days=1):
        yield Remark(
            "note",
            f"{key}.retraining: {wanted.windows} bad windows may all be of one day, and one odd window makes the rest of its day bad",
            "retraining: {days: 2}",
        )


def _budget(key: str, endpoint: Endpoint) -> Iterator[Remark]:
    """Statistics: with D days of reference no budget below 30 / (D + 1) can be told from that one."""
    history = endpoint.reference.history
    if history is None:
        return
    days = history / timedelta(days=1)
    least = 30 / (days + 1)
    if endpoint.alarm_budget.per_30_days < least:
        yield Remark(
            "warning",
            f"{key}.alarm_budget: {endpoint.alarm_budget.per_30_days:.2g} episodes in 30 days is below {least:.2g}, "
            f"the least that {days:g} days of reference can keep; {least:.2g} is what it will be",
            f"reference: {{history: {round(30 / endpoint.alarm_budget.per_30_days - 1)}d}} keeps it",
        )


def _first_days(key: str, endpoint: Endpoint) -> Iterator[Remark]:
    if endpoint.reference.baseline is None and endpoint.reference.history is None:
        days = max(50 * (endpoint.window / timedelta(days=1)), 30 / endpoint.alarm_budget.per_30_days - 1)
        yield Remark(
            "note",
            f"{key}: no history, so drift thresholds are learnt from live windows; drift pages after {days:.0f} days of them",
            "give reference: {history: 56d} where the source keeps the past" if endpoint.source is not None else "",
        )
