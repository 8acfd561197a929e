"""What decoding a request leads to: rows by endpoint, and counts of what could not be used."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, repeat
from typing import Any, Literal

import numpy as np

from agent.concatenation import concatenate
from agent.sources.otlp.beside import Beside, Kind
from agent.sources.otlp.call import SELDOM
from agent.sources.otlp.columns import CALL, CATEGORIES, CLIENT, CLOSING, CONTENT, CONVERSATION, NUMBERS, TRACE, assemble
from agent.sources.otlp.columns import FLAGS as _FLAGS
from agent.sources.otlp.identity import hashes, identities, traces
from agent.sources.otlp.unread_text import UnreadText
from detectors.types import Batch, Category, Column
from detectors.usage.thinning import WEIGHT
from detectors.usage.tools import COLUMNS as TOOL_COLUMNS

FIELDS = (*CATEGORIES, *NUMBERS, *_FLAGS, "response_id")
"""Fields of a call that become columns."""
_PART_FIELDS = ("finish_reason", "filters", "input_length", "output_length")
NO_SPAN = bytes(8)
NO_TRACE = bytes(16)


@dataclass(frozen=True, slots=True)
class Block:
    """Calls that were read together: lists of equal length."""

    times: list[int]
    ids: bytes
    """Trace id and span id of each row, one after the other."""
    parents: bytes
    columns: dict[str, list[Any]]
    """What is not there is missing in all of them."""
    negative: int
    """Calls that ended before they began."""


@dataclass(slots=True)
class Rows:
    """The rows of one endpoint while a request is read: some one by one, others in blocks."""

    endpoint: str
    keeps_text: bool
    kind: Literal["calls", "call_parts"]
    times: list[int] = field(default_factory=list)
    ids: list[bytes] = field(default_factory=list)
    """Trace id and span id of each row, one after the other."""
    parents: list[bytes] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    names_calls: bool = False
    """Whether trace and span id stay readable beside their hash: who labels calls, or sees what a judge said, has to find them."""
    weights: dict[int, float] = field(default_factory=dict)
    """Row to how many calls it stands for, where its sender says so."""
    clients: list[tuple[int, str]] = field(default_factory=list)
    """The first of `records` of each sender, and its name."""
    order: list[int] = field(default_factory=list)
    """Place of each record among the spans of the request."""
    blocks: list[tuple[str, Block, Sequence[int]]] = field(default_factory=list)
    """With their sender's name, and the place of each call among the spans of the request."""

    def batch(self) -> Batch:
        """Turn what was read into columns, in the order of the spans."""
        parts = [self._of_records()] if self.records else []
        found = concatenate([*parts, *(self._of_block(client, block) for client, block, _ in self.blocks)])
        if len(self.blocks) + len(parts) == 1:
            return found
        places = np.fromiter(chain(self.order, *(order for _, _, order in self.blocks)), np.int64, found.rows)
        return found if (np.diff(places) > 0).all() else found.take(np.argsort(places))

    def _of_block(self, client: str, block: Block) -> Batch:
        rows = len(block.times)
        hashed = identities(block.ids + block.parents)
        values: dict[str, Any] = {"time": block.times, "id": hashed[:rows], "parent": hashed[rows:], **block.columns}
        if CONVERSATION in values:
            values[CONVERSATION] = hashes(values[CONVERSATION])
        batch = assemble(self.endpoint, self.kind, values)
        return replace(batch, columns={**batch.columns, CLIENT: Category.constant(client, rows)})

    def _of_records(self) -> Batch:
        hashed = identities(b"".join(self.ids + self.parents))
        values: dict[str, Any] = {"time": self.times, "id": hashed[: len(self.times)]}
        names: tuple[str, ...] = _PART_FIELDS
        if self.kind == "calls":
            values["parent"] = hashed[len(self.times) :]
            names = FIELDS
            if self.names_calls:
                values[CALL] = [f"{trace.hex()}/{span.hex()}" for trace, span in zip(self.ids[::2], self.ids[1::2], strict=True)]
            if self.weights:
                values[WEIGHT] = list(map(self.weights.get, range(len(self.times))))
        missing: list[Any] = [None] * len(self.records)
        if list(map(dict.get, self.records, repeat(SELDOM))) != missing:
            names += (*TOOL_COLUMNS, CLOSING)
            values[CONVERSATION] = hashes(map(dict.get, self.records, repeat(CONVERSATION)))
        for name in names:
            listed = list(map(dict.get, self.records, repeat(name)))
            if listed != missing:
                values[name] = listed
        batch = assemble(self.endpoint, self.kind, values)
        more: dict[str, Column] = {CLIENT: self._clients()} if self.clients else {}
        if self.keeps_text:
            more[TRACE] = traces(b"".join(self.ids))
            more |= {side: UnreadText(self.records, side) for side in CONTENT if f"{side}_length" in batch.columns}
        return replace(batch, columns={**batch.columns, **more}) if more else batch

    def _clients(self) -> Category:
        names = [name for _, name in self.clients]
        if len(set(names)) == 1:
            return Category.constant(names[0], len(self.times))
        lows = [low for low, _ in self.clients]
        return Category(np.repeat(np.arange(len(names), dtype=np.int32), np.diff([*lows, len(self.times)])), tuple(names))


@dataclass(slots=True)
class Decoded:
    """The outcome of one request."""

    batches: list[Batch] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    """Records that break the protocol, by reason: the sender is told in `partial_success`."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Records that are fine and not of use here, by reason."""
    unmapped: Counter[str] = field(default_factory=Counter)
    """GenAI attributes no mapping reads, by name."""
    adjusted: Counter[str] = field(default_factory=Counter)
    """Records taken with a value mended, by reason."""
    beside: dict[tuple[str, Kind], Beside] = field(default_factory=dict)
    """Rows of what serves calls, by endpoint and kind."""
    spans: int = 0
    """Spans read so far."""
    fault: Exception | None = None
    """The last error nobody foresaw; its record was dropped."""

    def beside_of(self, endpoint: str, kind: Kind, *, keeps_text: bool) -> Beside:
        """Return the rows of an endpoint that are no calls."""
        found = self.beside.get((endpoint, kind))
        if found is None:
            found = self.beside[endpoint, kind] = Beside(endpoint, kind, keeps_text)
        return found

    def failed(self, error: Exception) -> None:
        """Drop a record that could not be read."""
        self.dropped["fault"] += 1
        self.fault = error
