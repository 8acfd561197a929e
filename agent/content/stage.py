"""The content mode at work: describes what is admitted, and drops every text, before anything reaches the spool."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agent.config import Endpoint
from agent.content.admission import Admission
from agent.content.exchange import Exchange, exchange
from agent.content_safety.options import TAKER
from agent.faults import place_of
from agent.judges.held import HeldTexts
from agent.judges.task import Item
from agent.seldom import Seldom
from agent.series import Series
from agent.sources.otlp.columns import CALL, DOCUMENT_TEXT, TRACE
from agent.windowing import window_starts
from detectors.catalog import AGENT_DROPPED
from detectors.quality.clusters import SEED
from detectors.quality.evaluators.similarity import Bank
from detectors.quality.text_columns import IMPORTANCE
from detectors.types import Batch, Category, Column, Text

if TYPE_CHECKING:
    from agent.content.found_documents import FoundDocuments, Hashes
    from agent.redaction.redactor import Redactor
    from agent.texts.keeping import Keeping

_log = logging.getLogger(__name__)

CONTENT = ("input", "output")
_IN_MEMORY = frozenset((*CONTENT, DOCUMENT_TEXT, TRACE))
"""Columns that go no further."""
_MANY = 8
"""Calls to describe from which on the event loop is not kept waiting."""


class ContentStage:
    """What stands between the decoder and the spool. Used by one event loop."""

    def __init__(
        self,
        endpoint: Callable[[str], Endpoint],
        series: Series,
        banks: Mapping[str, Bank],
        held: HeldTexts | None = None,
        keeping: "Keeping | None" = None,
    ) -> None:
        """`endpoint` finds the configuration of a batch, `banks` hold known templates by endpoint; `held` keeps texts for judges, `keeping` on disk."""
        self._endpoint = endpoint
        self._series = series
        self._banks = banks
        self._held = held
        self._keeping = keeping
        self._redactors: dict[str, Redactor] = {}
        self._admissions: dict[str, Admission] = {}
        self._seldom = Seldom()
        self._documents: FoundDocuments | None = None

    async def take(self, batches: Sequence[Batch]) -> list[Batch]:
        """Return the batches without text; admitted calls carry what their texts were described by, and their importance."""
        return [await self._taken(batch) for batch in batches]

    async def _taken(self, batch: Batch) -> Batch:
        if batch.kind == "retrievals":
            return await self._remembered(batch)
        if batch.kind not in {"calls", "call_parts"}:
            return batch
        endpoint = self._endpoint(batch.endpoint)
        if endpoint.content == "off":
            return without_text(batch)
        try:
            rows, columns = self._admitted(endpoint, batch)
            work = partial(self._described, endpoint, batch, rows, self._documents_of(batch, rows))
            # What is written to disk must not keep the event loop waiting.
            apart = len(rows) > _MANY or (len(rows) > 0 and endpoint.content == "sampled")
            described = await asyncio.to_thread(work) if apart else work()
        except Exception as error:  # noqa: BLE001 - whatever it is: the call counts, and its text goes nowhere
            self._fault(batch, error)
            return without_text(batch)
        bare = without_text(batch)
        return replace(bare, columns={**bare.columns, **columns, **described})

    def _admitted(self, endpoint: Endpoint, batch: Batch) -> tuple[NDArray[np.intp], dict[str, Column]]:
        """Return the rows to describe, and the column that says so."""
        admission = self._admissions.get(endpoint.name)
        if admission is None:
            starts = partial(window_starts, length=endpoint.window, zone=endpoint.timezone)
            admission = self._admissions[endpoint.name] = Admission(endpoint.sample, starts)
        if batch.kind == "call_parts":
            # They do not say which deployment they belong to, nor how the call ended.
            return np.flatnonzero(admission.may(batch)), {}
        importance, seeds = admission.admit(batch)
        rows = np.flatnonzero(np.isfinite(importance))
        named = batch.columns.get(CALL)
        called: dict[str, Column] = {}
        if isinstance(named, Text):
            # Of the others the hash is all there has to be.
            admitted = np.isfinite(importance).tolist()
            called = {CALL: Text(tuple(name if stays else None for name, stays in zip(named.values, admitted, strict=True)))}
        drawn: dict[str, Column] = {} if seeds is None else {SEED: seeds}
        return rows, {IMPORTANCE: importance, **drawn, **called} if len(rows) else called

    async def _remembered(self, batch: Batch) -> Batch:
        """Keep in memory what a search found, for the answer that is to rest on it; return the batch without text."""
        texts, traces = batch.columns.get(DOCUMENT_TEXT), batch.columns.get(TRACE)
        if isinstance(texts, Text) and isinstance(traces, np.ndarray):
            if self._documents is None:
                # Imported here: an agent without searches needs none of it in its memory.
                from agent.content.found_documents import FoundDocuments  # noqa: PLC0415

                self._documents = FoundDocuments()
            told = [(trace, text) for trace, text in zip(traces.tolist(), texts.values, strict=True) if text]
            try:
                await asyncio.to_thread(self._documents.put_all, told)
            except Exception as error:  # noqa: BLE001 - whatever it is: the search counts, and its text goes nowhere
                self._fault(batch, error)
        return without_text(batch)

    def _fault(self, batch: Batch, error: Exception) -> None:
        self._series.add(AGENT_DROPPED, batch.rows, source="content", reason="undescribed")
        if self._seldom.may(batch.endpoint):
            _log.error("endpoint %s: texts were not described: %s at %s", batch.endpoint, type(error).__name__, place_of(error))

    def _documents_of(self, batch: Batch, rows: NDArray[np.intp]) -> dict[int, "Hashes"]:
        """Return what searches found for the rows to describe."""
        traces = batch.columns.get(TRACE)
        if self._documents is None or not isinstance(traces, np.ndarray):
            return {}
        found = ((row, self._documents.of(int(traces[row]))) for row in rows.tolist())
        return {row: documents for row, documents in found if documents is not None}

    def _described(self, endpoint: Endpoint, batch: Batch, rows: NDArray[np.intp], documents: Mapping[int, "Hashes"]) -> dict[str, Column]:
        texts = [batch.columns.get(name) for name in CONTENT]
        reasons = batch.columns.get("finish_reason")
        ends = reasons.decode() if isinstance(reasons, Category) else [None] * batch.rows
        if not any(isinstance(text, Text) for text in texts):
            return {}
        exchanges: list[Exchange | None] = [None] * batch.rows
        for row in rows.tolist():
            prompt, answer = (text.at(row) if isinstance(text, Text) else None for text in texts)
            if prompt or answer:
                exchanges[row] = exchange(prompt, answer)
        if takers(endpoint) or endpoint.content == "sampled":
            self._hold(endpoint, batch, exchanges)
        # Imported here: an agent that keeps no text needs none of the evaluators in its memory.
        from agent.content.descriptors import describe  # noqa: PLC0415

        return describe(exchanges, ends, self._banks.get(batch.endpoint), documents)

    def _hold(self, endpoint: Endpoint, batch: Batch, exchanges: Sequence[Exchange | None]) -> None:
        """Keep redacted texts for who takes them, and on disk where they may be there; one that cannot be redacted is kept nowhere."""
        from agent.redaction.redactor import Redactor, kinds_of  # noqa: PLC0415 - as above

        redactor = self._redactors.get(endpoint.name)
        if redactor is None:
            kinds = kinds_of(endpoint.redact.keep, endpoint.redact.patterns)
            redactor = self._redactors[endpoint.name] = Redactor(kinds)
        ids, times = np.asarray(batch.columns["id"], np.uint64), np.asarray(batch.columns["time"], np.int64)
        items, held = list[tuple[int, Item]](), self._held
        for row, one in enumerate(exchanges):
            if one is not None and ids[row]:
                clean = [redactor.redact(text) for text in (one.question, one.answer, one.context)]
                if None not in clean:
                    item = Item(*(text or "" for text in clean))
                    items.append((row, item))
                    if held is not None:
                        for taker in takers(endpoint):
                            held.put(endpoint.name, int(ids[row]), item, int(times[row]), taker)
        if endpoint.content == "sampled" and self._keeping is not None:
            self._keeping.put(batch, items)
        failed = redactor.take().get("failed", 0)
        if failed:
            self._series.add(AGENT_DROPPED, failed, source="content", reason="unredacted")


def takers(endpoint: Endpoint) -> list[str]:
    """Return who takes texts of an endpoint.

    >>> takers(Endpoint("shop", content="transient"))
    []
    """
    if endpoint.content not in {"transient", "sampled"}:
        return []
    # With `sampled` a judge reads what is on disk.
    judge = [] if endpoint.judge is None or endpoint.content == "sampled" else ["judge"]
    return judge if endpoint.content_safety is None else [*judge, TAKER]


def without_text(batch: Batch) -> Batch:
    """Return a batch without prompts, answers and documents, and without what tells which of them belong together."""
    if not any(name in batch.columns for name in _IN_MEMORY):
        return batch
    return replace(batch, columns={name: column for name, column in batch.columns.items() if name not in _IN_MEMORY})
