"""Masks what is personal or secret in the categories of rows, labels and calls before they are written: by column, each distinct value once."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from threading import Lock

import numpy as np

from agent.config import Config, Endpoint
from agent.redaction.values import FREE_TEXT, NAMES, Values
from agent.series import Series
from agent.terminal import clean
from detectors.catalog import AGENT_ADJUSTED
from detectors.safety.results import CATEGORIES, UNKNOWN, encode, parse
from detectors.types import Batch, Category, Column, Text

MANY = 500
"""Distinct values from which on an event loop is not kept waiting."""

_WORDS, _WORDS_OF_NAMES = 10, 5
_MOST_TOLD, _MOST_SOUND, _MOST_NAMES, _MOST_ENDPOINTS = 1000, 256, 2000, 1000
_RESERVED = frozenset({"prediction", "label", "deployment", "source", "evaluator"})
_OURS = frozenset({"traffic", "part"})
_IN_NO_ID = (" ", "@")
"""Looked for in all ids of a batch at once, in a tenth of the time a pattern takes."""
_UNLIKE_AN_ID = re.compile(r"[^\w.:/+=-]")

_log = logging.getLogger(__name__)


def _masked(names: Values, value: str) -> str | None:
    return names.masked(value)


def _filter_results(names: Values, value: str) -> str | None:
    """Return filter results, which have a form of ours, with the names of categories nobody knows looked through."""
    entries = parse(value)
    if all(entry.category in CATEGORIES for entry in entries):
        return value
    return encode(entry if names.masked(entry.category) == entry.category else entry._replace(category=UNKNOWN) for entry in entries)


@dataclass(slots=True)
class _Endpoint:
    """What is known of the values of one endpoint."""

    rows: Values
    names: Values
    declared: frozenset[str]
    lock: Lock = field(default_factory=Lock)
    sound: set[tuple[str, ...]] = field(default_factory=set)
    """Names of calls that were looked at and stay as they are: nearly every batch has the same."""
    told: set[tuple[str, str]] = field(default_factory=set)

    @classmethod
    def of(cls, endpoint: Endpoint) -> "_Endpoint":
        redact, columns = endpoint.redact, endpoint.columns
        return cls(
            Values(_WORDS, redact.keep, redact.patterns),
            Values(_WORDS_OF_NAMES, redact.keep, only=NAMES, remembered=_MOST_NAMES),
            frozenset(columns.categorical) | _RESERVED,
        )


class Masks:
    """What stands between every source and the spool, and between a file or history and what is learnt from it. Any thread may use it."""

    def __init__(self, endpoint: Callable[[str], Endpoint], series: Series | None = None) -> None:
        """`endpoint` finds the configuration of a batch; with `series` what was masked is counted there, and told in the log."""
        self._endpoint = endpoint
        self._series = series
        self._known: dict[str, _Endpoint] = {}

    def batch(self, batch: Batch, source: str) -> Batch:
        """Return the batch with nothing personal or secret in its categories.

        What cannot be looked through is missing. A column whose values were masked is told of once in the log.
        """
        known = self._known.get(batch.endpoint)
        if known is None:
            if len(self._known) >= _MOST_ENDPOINTS:
                self._known.clear()
            known = self._known.setdefault(batch.endpoint, _Endpoint.of(self._endpoint(batch.endpoint)))
        if batch.kind in {"rows", "labels"}:
            with known.lock:
                columns = self._columns(batch, batch.columns.items(), known, source, reserved=True)
                features = self._columns(batch, batch.features.items(), known, source, reserved=False)
            if not columns and not features:
                return batch
            return replace(batch, columns={**batch.columns, **columns}, features={**batch.features, **features})
        return self._calls(batch, known, source)

    def _columns(
        self, batch: Batch, columns: Iterable[tuple[str, Column]], known: _Endpoint, source: str, *, reserved: bool
    ) -> dict[str, Column]:
        """Return the columns that change."""
        changed: dict[str, Column] = {}
        for name, column in columns:
            if isinstance(column, Text):
                column = Category.of(column.values)  # noqa: PLW2901 (no source of ours has any; a stranger's is a category from here on)
                changed[name] = column
            if not isinstance(column, Category) or (reserved and name in _OURS):
                continue
            declared = name in known.declared or (reserved and name.startswith("segment."))
            masked = [known.rows.masked(value, declared=declared) for value in column.values]
            if any(new is not old for new, old in zip(masked, column.values, strict=True)):
                changed[name] = self._recoded(batch.endpoint, name, column, masked, known, source)
        return changed

    def _calls(self, batch: Batch, known: _Endpoint, source: str) -> Batch:
        changed: dict[str, Column] = {}
        for name, column in batch.columns.items():
            if isinstance(column, Category):
                if column.values in known.sound or name in _OURS:
                    continue
                with known.lock:
                    look = _filter_results if name == "filters" else _masked
                    masked = [look(known.names, value) for value in column.values]
                    if masked != list(column.values):
                        changed[name] = self._recoded(batch.endpoint, name, column, masked, known, source)
                    elif len(known.sound) < _MOST_SOUND:
                        known.sound.add(column.values)
                    else:
                        known.sound.clear()
            elif name == "response_id" and isinstance(column, Text):
                joined = "\n".join(filter(None, column.values))
                if any(sign in joined for sign in _IN_NO_ID):
                    changed[name] = Text(tuple(None if one is None or _UNLIKE_AN_ID.search(one) else one for one in column.values))
        return replace(batch, columns={**batch.columns, **changed}) if changed else batch

    def _recoded(self, endpoint: str, name: str, column: Category, masked: list[str | None], known: _Endpoint, source: str) -> Category:
        new = Category.of(masked)
        other = [now is not before for now, before in zip(masked, column.values, strict=True)]
        lost = [now is None for now in masked]
        # One more place at the end: the code -1 finds -1 there.
        for reason, which in (("masked", [one and not gone for one, gone in zip(other, lost, strict=True)]), ("unredacted", lost)):
            rows = int(np.count_nonzero(np.array([*which, False], np.bool_)[column.codes]))
            if rows and self._series is not None:
                self._series.add(AGENT_ADJUSTED, rows, source=source, reason=reason)
        for kind in sorted({now for now, changed in zip(masked, other, strict=True) if changed and now is not None and now[:1] == "<"}):
            if self._series is not None and (name, kind) not in known.told and len(known.told) < _MOST_TOLD:
                known.told.add((name, kind))
                _log.warning("endpoint %s: %s", clean(endpoint), _said(clean(name), kind))
        return Category(np.append(new.codes, np.int32(-1))[column.codes], new.values)


def _said(column: str, kind: str) -> str:
    if kind == FREE_TEXT:
        return f"{column} holds free text, of which only {kind} is kept: draw features from it with enrichers: {{text: {{columns: …}}}}"
    names = kind[1:-1].replace("+", ", ")
    return f"values of {column} are kept as {kind}; where they are none, write redact: {{keep: [{names}]}} for the endpoint"


def masks_of(config: Config, series: Series) -> Masks:
    """Return the masks of a configuration."""
    return Masks(lambda name: config.endpoints.get(name) or Endpoint(name), series)


def masked(endpoint: Endpoint, batches: Iterable[Batch], source: str) -> Iterator[Batch]:
    """Yield batches of one endpoint as they would be in its spool: what is learnt from a file or from history has to fit them."""
    masks = Masks(lambda _: endpoint)
    for batch in batches:
        yield masks.batch(batch, source)
