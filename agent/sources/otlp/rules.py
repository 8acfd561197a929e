"""The mapping compiled: from the name of an attribute to what is done with its value."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from agent.series import OTHER
from agent.sources.otlp.chunks import whole
from agent.sources.otlp.dialects import FIELDS, FILTERS, FLAT, FLAT_ENDS, PROMPTS, UNREAD, At, Inside
from agent.sources.otlp.values import NAME_LIMIT, Reader, flag, items, kept, moment, name, number, parse, plain, present, seconds

FAMILY, UNMAPPED = -1, -2


class Rule(NamedTuple):
    """What to do with one attribute."""

    field: str
    """The field it fills; of a GenAI attribute nobody reads, the name it is counted under."""
    rank: int
    """Place among the fallbacks of the field, lower wins; FAMILY or UNMAPPED."""
    usual: Callable[[KeyValue], Any]
    """Gets the value if it has its usual type, else something false."""
    read: Reader
    """Reads a value of any type."""
    short: bool
    """Whether the usual value is a text that may be too long."""
    varied: bool
    """Whether hardly two calls have the same value."""
    path: tuple[str, str] = ("", "")
    """Of an attribute of a family: index and the rest, `("0", "content")`."""


def _strings(attribute: KeyValue) -> list[str] | None:
    listed = [item.string_value for item in attribute.value.array_value.values]
    return listed if all(listed) else None


_string = attrgetter("value.string_value")
_USUAL: Mapping[Reader, Callable[[KeyValue], Any]] = {
    number: attrgetter("value.int_value"),
    seconds: attrgetter("value.double_value"),
    flag: attrgetter("value.bool_value"),
    name: _string,
    kept: _string,
    present: _string,
    items: _strings,
}


def _nothing(_value: Any) -> None:
    return None


_VARIED_READERS = frozenset({kept, moment, present, number, seconds})
_VARIED_FIELDS = frozenset({"response_id", "error_message", "conversation", "tool", "entity", "data_source"})

_DIRECT: Mapping[str, Rule] = {
    place.attribute: Rule(
        field,
        rank,
        _USUAL.get(place.read, _nothing),
        place.read,
        place.read is name,
        place.read in _VARIED_READERS or field in _VARIED_FIELDS,
    )
    for field, places in FIELDS.items()
    for rank, place in enumerate(places)
    if isinstance(place, At)
}
_INSIDE: tuple[tuple[str, int, Inside], ...] = tuple(
    (field, rank, place) for field, places in FIELDS.items() for rank, place in enumerate(places) if isinstance(place, Inside)
)
DOCUMENTS = frozenset(place.document for _, _, place in _INSIDE)
"""Fields that hold JSON in which other fields stand."""

_JSON = ("{", "[", '"')
_WATCHED = ("gen_ai.", "llm.")
_SHAPE = re.compile(r"[A-Za-z0-9_.]{1,100}", re.ASCII)
_KNOWN_NAMES = 4096


class Rules(dict[str, Rule | None]):
    """Attribute name -> its rule; None: of no interest.

    Names are analysed when first seen, and up to 4,096 of them are remembered.
    """

    def __init__(self) -> None:
        super().__init__(_DIRECT)

    def __missing__(self, attribute: str) -> Rule | None:
        found = _analyse(attribute)
        if len(self) < _KNOWN_NAMES and len(attribute) <= NAME_LIMIT:
            self[attribute] = found
        return found


RULES = Rules()


def value_of(rule: Rule, attribute: KeyValue) -> Any:
    """Return what an attribute is worth under its rule; None for "not usable"."""
    # Nearly every value is had in one step.
    value = rule.usual(attribute)
    return rule.read(plain(attribute.value)) if not value or (rule.short and len(value) > NAME_LIMIT) else value


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
        field, rank = rule.field, rule.rank
        if rank == UNMAPPED:
            unmapped[field] += 1
            continue
        value = value_of(rule, attribute)
        if rank == FAMILY:
            found.setdefault(field, []).append((rule.path, value))
        elif value is not None and (rank == 0 or field not in found or ranks.get(field, 0) > rank):
            found[field], ranks[field] = value, rank
    return found, {field: rank for field, rank in ranks.items() if rank}


def look_inside(found: dict[str, Any], ranks: dict[str, int]) -> None:
    """Fill fields of `found` from the documents in it; a field already found at a better rank stays.

    Documents that were JSON text are replaced by what they say.
    """
    for document in DOCUMENTS & found.keys():
        value = found[document]
        # A prompt or an answer may be bare text; what looks like JSON and is none was cut off.
        bare = isinstance(value, str) and value[:1] not in _JSON and value != "null"
        found[document] = value if bare else whole(parse(value))
    for field, rank, place in _INSIDE:
        if field in found and ranks.get(field, 0) <= rank:
            continue
        value = found.get(place.document)
        for step in place.path:
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None and (value := place.read(value)) is not None:
            found[field] = value
            ranks[field] = rank


def _analyse(attribute: str) -> Rule | None:
    if any(word in attribute for word in FILTERS):
        first = attribute.partition("filter")[0]
        direction = "prompt" if any(word in first for word in PROMPTS) else "completion"
        return Rule("named_filters", FAMILY, _string, present, False, True, (direction, attribute))
    for prefix, field in FLAT.items():
        if attribute.startswith(prefix):
            index, _, rest = attribute[len(prefix) :].partition(".")
            if index.isdigit() and rest and rest.endswith(FLAT_ENDS.get(field, "")):
                return Rule(field, FAMILY, _string, present, False, True, (index, rest))
    if not attribute.startswith(_WATCHED):
        return None
    general = re.sub(r"(?<=\.)\d+(?=\.|$)", "N", attribute)
    if general in UNREAD:
        return None
    return Rule(general if _SHAPE.fullmatch(general) else OTHER, UNMAPPED, _nothing, _nothing, False, False)
