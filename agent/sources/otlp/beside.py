"""Spans beside calls of a model: searches for documents and runs of tools, one row each."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, Literal

import numpy as np

from agent.names import harmless
from agent.sources.otlp import retrieved
from agent.sources.otlp.columns import DOCUMENT_TEXT, TRACE
from agent.sources.otlp.dialects import QUERIES, RESULT_EVENTS, VECTOR_STORES
from agent.sources.otlp.failure import failure
from agent.sources.otlp.identity import identities, traces
from agent.sources.otlp.retrieved import NOTHING, Retrieved
from agent.sources.otlp.trace_message import Span
from agent.sources.otlp.values import plain
from detectors.quality.retrieval import AGE, BEST, DOCUMENTS, MEAN, RETRIEVAL
from detectors.types import Batch, Category, Column, Text
from detectors.usage.tools import OTHER, TOOLS

Kind = Literal["retrievals", "tools"]

RETRIEVING = frozenset({"retrieval", "retriever", "retrieve"})
RUNNING = frozenset({"execute_tool", "tool"})
"""What dialects call the two."""

_ERROR = 2
_TOOL_NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,64}", re.ASCII)
_MOST_TOOLS = 100
"""Names of tools of an endpoint that are told apart; they come from outside."""
_CATEGORIES = ("deployment", "traffic", "error_type", "tool")
_NUMBERS = ("duration", DOCUMENTS, BEST, MEAN, AGE)

_SILENT = (None, "__REDACTED__")
"""Answers of a search that do not contradict that it found nothing."""

_tools: dict[str, set[str]] = {}


def kind_of(found: Mapping[str, Any], fields: Iterable[str]) -> Kind | None:
    """Return what a span that is no call stands for; `found` are its fields that do not vary, `fields` the names of all.

    >>> kind_of({"operation": "RETRIEVER"}, ["operation"]), kind_of({"db_system": "postgresql"}, ["db_system"])
    ('retrievals', None)
    """
    names = set(fields)
    operation = str(found.get("operation", "")).lower()
    if operation in RETRIEVING or "documents" in names or "flat_documents" in names:
        return "retrievals"
    if operation in RUNNING or ("operation" not in found and "tool" in names):
        return "tools"
    store = str(found.get("db_system", "")).lower()
    asks = "vector_top_k" in names or str(found.get("db_operation", "")).lower() in QUERIES
    return "retrievals" if store in VECTOR_STORES and asks else None


@dataclass(slots=True)
class Beside:
    """The rows of one endpoint while a request is read."""

    endpoint: str
    kind: Kind
    keeps_text: bool = False
    times: list[int] = field(default_factory=list)
    ids: list[bytes] = field(default_factory=list)
    """Trace id and span id of each row, one after the other."""
    records: list[dict[str, Any]] = field(default_factory=list)

    def add(self, span: Span, found: dict[str, Any], end: int) -> None:
        """Add a span that was read; `end` is its end, or 0 where that is no time."""
        record = {"traffic": found.get("traffic"), "duration": found.get("duration")}
        if span.status.code == _ERROR or "error" in found:
            exception = next((_plain(item.attributes) for item in span.events if item.name == "exception"), {})
            kind, said = exception.get("exception.type"), exception.get("exception.message")
            message = f"{span.status.message}\n{said if isinstance(said, str) else ''}"
            record["error_type"] = failure(found.get("error") or (kind if isinstance(kind, str) else None), message, None).error_type
        if self.kind == "tools":
            record |= {"deployment": TOOLS, "tool": tool_name(self.endpoint, found.get("tool") or found.get("entity") or _named(span))}
        else:
            told = documents_of(span, found, failed="error_type" in record, text=self.keeps_text)
            age = max(end / 1e9 - told.newest, 0.0) if end else None
            record |= {"deployment": found.get("data_source") or found.get("db_system") or RETRIEVAL}
            record |= {DOCUMENTS: told.documents, BEST: told.best, MEAN: told.mean, AGE: age}
            record |= {DOCUMENT_TEXT: told.text or None}
        # Nothing may fail from here on: the lists stay of one length.
        self.times.append(end)
        self.ids += (span.trace_id, span.span_id)
        self.records.append(record)

    def batch(self) -> Batch:
        """Turn the lists into columns."""
        columns: dict[str, Column] = {"time": np.array(self.times, np.int64), "id": identities(b"".join(self.ids))}
        for name in _NUMBERS:
            numbers = np.array(list(map(dict.get, self.records, repeat(name))), np.float64)
            if not np.isnan(numbers).all():
                columns[name] = numbers
        for name in _CATEGORIES:
            values = [None if one.get(name) is None else harmless(str(one[name])) for one in self.records]
            if any(value is not None for value in values):
                columns[name] = Category.of(values)
        texts = tuple(map(dict.get, self.records, repeat(DOCUMENT_TEXT)))
        if any(texts):
            columns |= {TRACE: traces(b"".join(self.ids)), DOCUMENT_TEXT: Text(texts)}
        return Batch(self.endpoint, self.kind, len(self.records), columns)


def documents_of(span: Span, found: Mapping[str, Any], *, failed: bool, text: bool = False) -> Retrieved:
    """Return what a search found: from its own attributes, from events of a vector store, or from the answer it gave.

    A dialect that writes an attribute a document writes none where there is none: that is known to be empty. Where nothing
    is told of documents, their number is not known.
    """
    documents = retrieved.listed(found["documents"]) if "documents" in found else None
    if documents is None and "flat_documents" in found:
        documents = retrieved.flat(found["flat_documents"])
    if documents is None:
        documents = list(_results(span)) or None
    if documents is None and "response" in found:
        documents = retrieved.listed(found["response"])
    if documents is None and not failed and found.get("operation") == "RETRIEVER" and found.get("response") in _SILENT:
        documents = []
    return NOTHING if documents is None else retrieved.retrieved(documents, text=text)


def tool_name(endpoint: str, name: Any) -> str:
    """Return what a tool is counted as: its name, or `__other__` for what is none, and from the 101st of an endpoint on.

    >>> tool_name("docs", "search"), tool_name("docs", "my name is Ann")
    ('search', '__other__')
    """
    if not isinstance(name, str) or not _TOOL_NAME.fullmatch(name):
        return OTHER
    known = _tools.setdefault(endpoint, set())
    if name not in known:
        if len(known) >= _MOST_TOOLS:
            return OTHER
        known.add(name)
    return name


def _named(span: Span) -> str:
    """Return the tool a span's own name tells."""
    return span.name.removeprefix("execute_tool ").removesuffix(".tool")


def _results(span: Span) -> Iterator[dict[str, Any]]:
    for item in span.events:
        if item.name in RESULT_EVENTS:
            yield {name.removeprefix(f"{item.name}."): value for name, value in _plain(item.attributes).items()}


def _plain(attributes: Iterable[Any]) -> dict[str, Any]:
    return {item.key: plain(item.value) for item in attributes}
