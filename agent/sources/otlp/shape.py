"""What spans have in common that differ only in ids, numbers and text: worked out once, for most of an application's calls."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from agent.sources.otlp import azure
from agent.sources.otlp.call import SETTLES, UNSETTLES, complete, operation
from agent.sources.otlp.rules import FAMILY, RULES, UNMAPPED, Rule, read
from agent.sources.otlp.values import NAME_LIMIT, number, plain

_MOST_SHAPES = 1024
_MOST_MARKS = 8192
_MOST_NAMES = 4096
"""What is remembered of each kind; shapes and marks then begin anew."""
_SHORT = 256
"""Bytes of an attribute that is worth remembering."""
_FEW, _SMALL = 256, 16_384
"""Attributes, and bytes of their marks, of a shape that is."""
_NO_TEXT = frozenset({"int_value", "double_value", "bool_value"})

_parse = KeyValue.FromString
_Value = Callable[[bytes], Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields that all spans of a shape share, and where they have the others."""

    fixed: Mapping[str, Any]
    ranks: Mapping[str, int]
    """Rank of those of them that came from a fallback."""
    unmapped: Counter[str]
    """Names of attributes nobody reads."""
    called: str | None
    """The operation; None: no call of a model."""
    host: str
    settled: bool
    """Whether the fixed fields are columns already, and nothing that varies changes them."""
    varied: tuple[tuple[int, str, _Value], ...]
    """Place among the attributes, field and how to read it, the best source of a field last."""
    families: tuple[tuple[int, str, tuple[str, str], _Value], ...]
    """The same of attributes that hold a piece of a field, with the path of the piece."""

    def read(self, attributes: Sequence[bytes]) -> dict[str, Any]:
        """Return the fields of a span. Raises DecodeError for a malformed attribute."""
        found = dict(self.fixed)
        for place, field, value_of in self.varied:
            if (value := value_of(attributes[place])) is not None:
                found[field] = value
        for place, field, path, value_of in self.families:
            found.setdefault(field, []).append((path, value_of(attributes[place])))
        return found


class _Marks(dict[bytes, bytes]):
    """Attribute -> its part in the shape: itself; only its name where values vary; nothing where nobody reads it.

    What may be text is not remembered.
    """

    def __init__(self) -> None:
        self._names: dict[bytes, bytes] = {}
        """How an attribute begins, with its name -> its mark, where that does not depend on the value."""

    def __missing__(self, attribute: bytes) -> bytes:
        start = attribute[: 2 + attribute[1]] if len(attribute) > 1 else b""
        mark = self._names.get(start)
        if mark is None:
            return self._learn(attribute, start)
        if not mark:
            # Not read, yet it has to be sound.
            _parse(attribute)
        return mark

    def _learn(self, attribute: bytes, start: bytes) -> bytes:
        parsed = _parse(attribute)
        name, rule = parsed.key.encode(), RULES[parsed.key]
        mark = b"" if rule is None else name if rule.varied or rule.rank == UNMAPPED else attribute
        repeats = rule is None or not rule.varied or rule.read is number
        if mark is attribute or (repeats and parsed.value.WhichOneof("value") in _NO_TEXT):
            _remember(self, attribute, mark)
        elif (rule is None or rule.varied) and start == b"\n%c%b" % (min(len(name), 128), name) and len(self._names) < _MOST_NAMES:
            self._names[start] = mark
        return mark


class _Numbers(dict[bytes, float | None]):
    """Attribute -> the number in it."""

    def __missing__(self, attribute: bytes) -> float | None:
        value = _parse(attribute).value
        found = value.int_value or number(plain(value))
        if found is not None:
            _remember(self, attribute, found)
        return found


def _remember(memory: dict[bytes, Any], attribute: bytes, what: Any) -> None:
    if len(attribute) <= _SHORT:
        if len(memory) >= _MOST_MARKS:
            memory.clear()
        memory[attribute] = what


_shapes: dict[tuple[bytes, ...], Shape] = {}
_marks = _Marks()
_numbers = _Numbers()


def shape_of(attributes: Sequence[bytes]) -> Shape:
    """Return the shape of a span with these attributes. Raises DecodeError for a malformed one."""
    marks = tuple(map(_marks.__getitem__, attributes))
    shape = _shapes.get(marks)
    if shape is None:
        shape = _work_out(attributes)
        if len(marks) <= _FEW and sum(map(len, marks)) <= _SMALL:
            if len(_shapes) >= _MOST_SHAPES:
                _shapes.clear()
            _shapes[marks] = shape
    return shape


def _work_out(attributes: Sequence[bytes]) -> Shape:
    same: list[KeyValue] = []
    varied: list[tuple[int, Rule]] = []
    for place, attribute in enumerate(map(_parse, attributes)):
        rule = RULES[attribute.key]
        if rule is not None and rule.varied:
            varied.append((place, rule))
        else:
            same.append(attribute)
    unmapped: Counter[str] = Counter()
    found, ranks = read(same, unmapped)
    called, host = operation(found, ranks), azure.host(found)
    direct = [(place, rule) for place, rule in varied if rule.rank != FAMILY]
    # As `read` has it: of one rank the last wins if that is the best, else the first.
    direct.sort(key=lambda one: (-one[1].rank, -one[0] if one[1].rank else one[0]))
    settled = called is not None and SETTLES in found and UNSETTLES.isdisjoint({*found, *(rule.field for _, rule in varied)})
    if called is not None and settled:
        complete(found, ranks, called, host, filtered=False)
    return Shape(
        found,
        ranks,
        unmapped,
        called,
        host,
        settled,
        tuple((place, rule.field, _reading(rule)) for place, rule in direct),
        tuple((place, rule.field, rule.path, _reading(rule)) for place, rule in varied if rule.rank == FAMILY),
    )


def _reading(rule: Rule) -> _Value:
    if rule.read is number:
        return _numbers.__getitem__
    usual, reader, short = rule.usual, rule.read, rule.short

    def value(attribute: bytes) -> Any:
        parsed = _parse(attribute)
        found = usual(parsed)
        # Nearly every value is had in one step.
        return reader(plain(parsed.value)) if not found or (short and len(found) > NAME_LIMIT) else found

    return value
