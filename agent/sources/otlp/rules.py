"""The mapping compiled: from the name of an attribute to what is done with its value."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from agent.sources.otlp.dialects import FIELDS, FLAT, UNREAD, At, Inside
from agent.sources.otlp.values import Reader, kept, parse, plain


class Rule(NamedTuple):
    """What to do with one attribute."""

    field: str
    rank: int
    """Place among the fallbacks of the field; lower wins."""
    read: Reader
    path: tuple[str, str] | None = None
    """Of an attribute of a family: index and the rest, `("0", "content")`."""


_DIRECT: Mapping[str, Rule] = {
    place.attribute: Rule(field, rank, place.read)
    for field, places in FIELDS.items()
    for rank, place in enumerate(places)
    if isinstance(place, At)
}
_INSIDE: tuple[tuple[str, int, Inside], ...] = tuple(
    (field, rank, place) for field, places in FIELDS.items() for rank, place in enumerate(places) if isinstance(place, Inside)
)
DOCUMENTS = frozenset(place.document for _, _, place in _INSIDE)
"""Fields that hold JSON in which other fields stand."""

_WATCHED = ("gen_ai.", "llm.")
_SHAPE = re.compile(r"[A-Za-z0-9_.]{1,100}", re.ASCII)
_KNOWN_NAMES = 4096


class Rules(dict[str, Rule | str | None]):
    """Attribute name -> its rule; the name to count an unmapped GenAI attribute under; or None: of no interest.

    A dict, because the look-up runs for every attribute of every span. Names are analysed when first seen, and up to
    4,096 of them are remembered.
    """

    def __init__(self) -> None:
        super().__init__(_DIRECT)

    def __missing__(self, attribute: str) -> Rule | str | None:
        found = _analyse(attribute)
        if len(self) < _KNOWN_NAMES:
            self[attribute] = found
        return found


RULES = Rules()


def read(attributes: Iterable[KeyValue], unmapped: Counter[str]) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the fields the attributes carry, and the rank of those that came from a fallback.

    Fields of a family of attributes are lists of (path, value). Names nobody reads are added to `unmapped`.
    """
    found: dict[str, Any] = {}
    ranks: dict[str, int] = {}
    for attribute in attributes:
        rule = RULES[attribute.key]
        if rule is None:
            continue
        if isinstance(rule, str):
            unmapped[rule] += 1
            continue
        field, rank, reader, path = rule
        if path is None and field in found and ranks.get(field, 0) <= rank:
            continue
        holder = attribute.value
        value = reader(holder.string_value or plain(holder))
        if value is None:
            continue
        if path is not None:
            found.setdefault(field, []).append((path, value))
            continue
        found[field] = value
        if rank or field in ranks:
            ranks[field] = rank
    return found, ranks


def look_inside(found: dict[str, Any], ranks: dict[str, int]) -> None:
    """Fill fields of `found` from the documents in it; a field already found at a better rank stays.

    Documents that were JSON text are replaced by what they say.
    """
    for document in DOCUMENTS & found.keys():
        found[document] = parse(found[document])
    for field, rank, place in _INSIDE:
        if field in found and ranks.get(field, 0) <= rank:
            continue
        value = found.get(place.document)
        for step in place.path:
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None and (value := place.read(value)) is not None:
            found[field] = value
            ranks[field] = rank


def _analyse(attribute: str) -> Rule | str | None:
    for prefix, field in FLAT.items():
        if attribute.startswith(prefix):
            index, _, rest = attribute[len(prefix) :].partition(".")
            if index.isdigit() and rest:
                return Rule(field, 0, kept, (index, rest))
    if not attribute.startswith(_WATCHED):
        return None
    general = re.sub(r"(?<=\.)\d+(?=\.|$)", "N", attribute)
    if general in UNREAD:
        return None
    return general if _SHAPE.fullmatch(general) else "__other__"
