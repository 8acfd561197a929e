"""What a search for documents found, whatever dialect says it: how many, how well they fit, how new they are, and their texts."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from agent.sources.otlp.values import parse

_MOST = 1000
"""Documents of one search that are looked at."""
_LONGEST = 40
"""Characters of a date."""
_TEXTS = 65_536
"""Characters of text that are kept of one search."""
_LISTS = ("documents", "results", "value", "matches", "hits", "chunks", "source_documents", "context")
"""Where an answer that is no list has its documents; `value` is Azure AI Search's."""
_SCORES = (
    "score",
    "@search.reranker_score",
    "@search.rerankerScore",
    "@search.score",
    "relevance_score",
    "similarity_score",
    "similarity",
    "_score",
)
_DISTANCES = ("distance", "_distance")
_CONTENTS = ("content", "page_content", "document", "text", "chunk", "pageContent", "entity")
_DATES = (
    "last_modified",
    "lastModified",
    "metadata_storage_last_modified",
    "modified_at",
    "modified",
    "updated_at",
    "last_updated",
    "updated",
    "date_modified",
    "published_at",
    "published",
    "publication_date",
    "created_at",
    "date",
)
"""Names in metadata under which a document's date stands, best first: when it changed tells more than when it was made."""
_MILLISECONDS, _NANOSECONDS = 1e11, 1e17
"""Numbers above are milliseconds, or nanoseconds, since 1970; below, seconds."""
_OLDEST, _LATEST = 0.0, 1e11


@dataclass(frozen=True, slots=True)
class Retrieved:
    """One search. A number that is not known is NaN."""

    documents: float = math.nan
    best: float = math.nan
    """Score of the document that fits best: the largest, or the smallest where only distances are told."""
    mean: float = math.nan
    newest: float = math.nan
    """Date of the newest document, seconds since 1970."""
    text: str = ""


NOTHING = Retrieved()


def listed(value: Any) -> list[Any] | None:
    """Return the documents of an attribute or of an answer: a list, JSON of one, or an object that has one; None if there is none.

    >>> listed('[{"id": "a", "score": 0.5}]'), listed({"value": []}), listed("42")
    ([{'id': 'a', 'score': 0.5}], [], None)
    """
    found = parse(value)
    if isinstance(found, dict):
        found = next((found[name] for name in _LISTS if isinstance(found.get(name), list)), None)
    if not isinstance(found, list):
        return None
    # Chroma and others answer one list a question.
    return found[0] if len(found) == 1 and isinstance(found[0], list) else found


def flat(attributes: Iterable[tuple[tuple[str, str], Any]]) -> list[dict[str, Any]]:
    """Return documents from attributes such as `retrieval.documents.0.document.score`.

    >>> flat([(("0", "document.id"), "a"), (("0", "document.score"), 0.5), (("1", "document.id"), "b")])
    [{'id': 'a', 'score': 0.5}, {'id': 'b'}]
    """
    found: dict[str, dict[str, Any]] = {}
    for (index, rest), value in attributes:
        found.setdefault(index, {})[rest.removeprefix("document.")] = value
    return list(found.values())


def retrieved(documents: list[Any], *, text: bool) -> Retrieved:
    """Measure documents; `text` keeps what they say, up to 65,536 characters."""
    looked_at = [_plain(one) for one in documents[:_MOST]]
    scores = [score for one in looked_at if (score := _first(one, _SCORES)) is not None]
    distances = [] if scores else [distance for one in looked_at if (distance := _first(one, _DISTANCES)) is not None]
    dates = [date for one in looked_at if (date := _date(one)) is not None]
    measured = scores or distances
    return Retrieved(
        len(documents),
        (max(scores) if scores else min(distances)) if measured else math.nan,
        sum(measured) / len(measured) if measured else math.nan,
        max(dates) if dates else math.nan,
        "\n\n".join(_texts(looked_at))[:_TEXTS] if text else "",
    )


def moment(value: Any) -> float | None:
    """Return seconds since 1970 of a date: ISO 8601 (without a zone: UTC), or a number of seconds, milliseconds or nanoseconds.

    >>> moment("1970-01-02"), moment(86_400_000_000.0 * 10), moment("yesterday"), moment(True)
    (86400.0, 864000000.0, None, None)
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        size = 1e9 if value > _NANOSECONDS else 1e3 if value > _MILLISECONDS else 1.0
        found = float(value) / size
    elif isinstance(value, str) and 8 <= len(value) <= _LONGEST:
        try:
            when = datetime.fromisoformat(value.strip())
            found = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return None
    else:
        return None
    return found if _OLDEST < found < _LATEST else None


def _plain(document: Any) -> dict[str, Any]:
    """Return a document with its metadata read."""
    if not isinstance(document, dict):
        return {"content": document} if isinstance(document, str) else {}
    inner = document.get("document")
    plain = {name.removeprefix("document."): value for name, value in document.items() if isinstance(name, str)}
    if isinstance(inner, dict):
        plain = {**inner, **plain}
    metadata = parse(plain.get("metadata"))
    plain["metadata"] = metadata if isinstance(metadata, dict) else {}
    return plain


def _first(document: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    """Return the first finite number under one of the names, in the document or in its metadata."""
    for place in (document, document["metadata"]) if "metadata" in document else ():
        for name in names:
            value = place.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300 and math.isfinite(value):
                return float(value)
    return None


def _date(document: Mapping[str, Any]) -> float | None:
    for place in (document.get("metadata", {}), document):
        for name in _DATES:
            if name in place and (found := moment(place[name])) is not None:
                return found
    return None


def _texts(documents: list[dict[str, Any]]) -> Iterator[str]:
    for one in documents:
        text = next((one[name] for name in _CONTENTS if isinstance(one.get(name), str) and one[name]), None)
        if text is not None:
            yield text
