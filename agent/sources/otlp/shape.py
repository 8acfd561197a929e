"""What spans have in common that differ only in ids, numbers and text: worked out once, for most of an application's calls."""

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from agent.sources.otlp import azure
from agent.sources.otlp.beside import Kind, kind_of
from agent.sources.otlp.call import SELDOM, complete, operation, settles
from agent.sources.otlp.decoded import FIELDS
from agent.sources.otlp.marks import Marks, Numbers, is_text, start_of
from agent.sources.otlp.plan import Plan, plan_of
from agent.sources.otlp.rules import FAMILY, RULES, Rule, read
from agent.sources.otlp.usual_form import Reading, fraction, text
from agent.sources.otlp.values import NAME_LIMIT, moment, number, plain, seconds

_MOST = 1024
"""Shapes remembered; beyond them the memory begins anew."""
_FEW, _SMALL = 256, 16_384
"""Attributes, and bytes of their marks, of a shape that is worth remembering."""

_Texts = tuple[int, tuple[tuple[int, bytes], ...]]
"""Number of attributes, place and beginning of the texts."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where spans have their texts: an application seldom changes it from one span to the next."""

    size: int
    """Number of attributes."""
    texts: tuple[tuple[int, bytes], ...]
    """Place and beginning of each text."""
    others: Callable[[Sequence[bytes]], Sequence[bytes]]
    """Leaves the texts out."""
    shapes: dict[tuple[bytes, ...], "Shape"] = field(default_factory=dict)
    """By the marks of the others."""

    def marks(self, attributes: Sequence[bytes]) -> tuple[bytes, ...]:
        """Return the marks of the others."""
        return tuple(map(_marks.__getitem__, self.others(attributes)))

    def find(self, attributes: Sequence[bytes]) -> "Shape | None":
        """Return the shape of a span that is laid out like this, if it is known."""
        if len(attributes) != self.size:
            return None
        for place, start in self.texts:
            if not attributes[place].startswith(start):
                return None
        return self.shapes.get(self.marks(attributes))


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields that all spans of a shape share, and where they have the others."""

    layout: Layout
    fixed: Mapping[str, Any]
    ranks: Mapping[str, int]
    """Rank of those of them that came from a fallback."""
    unmapped: Counter[str]
    """Names of attributes nobody reads."""
    called: str | None
    """The operation; None: no call of a model."""
    beside: Kind | None
    """What a span is that is no call, but serves one; None: of no interest, or a call."""
    host: str
    settled: bool
    """Whether the fixed fields are columns already, and nothing that varies changes them."""
    varied: tuple[tuple[int, str, Reading], ...]
    """Place among the attributes, field and how to read it, the best source of a field last."""
    families: tuple[tuple[int, str, tuple[str, str], Reading], ...]
    """The same of attributes that hold a piece of a field, with the path of the piece."""
    alike: Callable[[Sequence[bytes]], bool]
    """Whether other attributes are these but for the values that vary; False may be wrong."""
    plan: Plan | None
    """How to read many of its spans together; None: one by one."""
    starts: Mapping[int, bytes]
    """How the attributes that vary begin, by place."""

    def read(self, attributes: Sequence[bytes]) -> dict[str, Any]:
        """Return the fields of a span. Raises DecodeError for a malformed attribute."""
        found = dict(self.fixed)
        for place, name, value_of in self.varied:
            if (value := value_of(attributes[place])) is not None:
                found[name] = value
        for place, name, path, value_of in self.families:
            found.setdefault(name, []).append((path, value_of(attributes[place])))
        return found


_marks = Marks()
mark_of = _marks.__getitem__
"""From an encoded attribute to what of it tells spans apart. Raises DecodeError for a malformed one."""
_numbers = Numbers()
_shapes: dict[tuple[bytes, ...], Shape] = {}
_layouts: dict[_Texts, Layout] = {}


def shape_of(attributes: Sequence[bytes], like: Shape | None = None) -> Shape:
    """Return the shape of a span with these attributes. Raises DecodeError for a malformed one.

    `like` is the shape of another span: it is found sooner where the two are laid out alike.
    """
    if like is not None:
        if like.alike(attributes):
            return like
        if (known := like.layout.find(attributes)) is not None:
            return known
    marks = tuple(map(_marks.__getitem__, attributes))
    shape = _shapes.get(marks)
    if shape is None:
        if len(marks) > _FEW or sum(map(len, marks)) > _SMALL:
            return _work_out(attributes, {})
        if len(_shapes) >= _MOST:
            _shapes.clear()
            _layouts.clear()
        shape = _shapes[marks] = _work_out(attributes, _layouts)
        shape.layout.shapes[shape.layout.marks(attributes)] = shape
    return shape


def _work_out(attributes: Sequence[bytes], layouts: dict[_Texts, Layout]) -> Shape:
    same: list[KeyValue] = []
    varied: list[tuple[int, str, Rule]] = []
    for place, attribute in enumerate(map(KeyValue.FromString, attributes)):
        rule = RULES[attribute.key]
        if rule is not None and rule.varied:
            varied.append((place, attribute.key, rule))
        else:
            same.append(attribute)
    unmapped: Counter[str] = Counter()
    found, ranks = read(same, unmapped)
    called, host = operation(found, ranks), azure.host(found)
    settled = called is not None and settles(found, {*found, *(rule.field for _, _, rule in varied)})
    if called is not None and settled:
        complete(found, ranks, called, host, filtered=False)
    fields = {*found, *(rule.field for _, _, rule in varied)}
    if called is not None and not fields.isdisjoint(("conversation", "closing")):
        found[SELDOM] = True
    direct = [one for one in varied if one[2].rank != FAMILY]
    # As `read` has it: of one rank the last wins if that is the best, else the first.
    direct.sort(key=lambda one: (-one[2].rank, -one[0] if one[2].rank else one[0]))
    readings = {place: _reading(name, rule) for place, name, rule in varied}
    starts = {place: start_of(name) for place, name, _ in varied}
    known = {place: start for place, start in starts.items() if start is not None}
    plan = None
    if settled and len(direct) == len(known) == len(varied):
        plan = plan_of(found, FIELDS, [(place, rule.field, known[place], readings[place]) for place, _, rule in varied])
    return Shape(
        _layout(attributes, varied, layouts),
        found,
        ranks,
        unmapped,
        called,
        kind_of(found, fields) if called is None else None,
        host,
        settled,
        tuple((place, rule.field, readings[place]) for place, _, rule in direct),
        tuple((place, rule.field, rule.path, readings[place]) for place, _, rule in varied if rule.rank == FAMILY),
        _alike(attributes, varied),
        plan,
        known,
    )


def _alike(attributes: Sequence[bytes], varied: list[tuple[int, str, Rule]]) -> Callable[[Sequence[bytes]], bool]:
    places = [place for place, _, _ in varied]
    others = sorted(set(range(len(attributes))) - set(places))
    starts = tuple(start_of(name) or b"\xff" for _, name, _ in varied)
    if len(places) < 2 or len(others) < 2 or not all(map(bytes.startswith, map(attributes.__getitem__, places), starts)):
        return _no
    size, vary, stay = len(attributes), itemgetter(*places), itemgetter(*others)
    same = stay(attributes)

    def alike(more: Sequence[bytes]) -> bool:
        return len(more) == size and stay(more) == same and all(map(bytes.startswith, vary(more), starts))

    return alike


def _no(_attributes: Sequence[bytes]) -> bool:
    return False


def _layout(attributes: Sequence[bytes], varied: list[tuple[int, str, Rule]], layouts: dict[_Texts, Layout]) -> Layout:
    starts = ((place, start_of(name)) for place, name, rule in varied if is_text(rule))
    texts = tuple((place, start) for place, start in starts if start is not None and attributes[place].startswith(start))
    others = sorted(set(range(len(attributes))) - {place for place, _ in texts})
    if len(others) < 2:
        # `itemgetter` of one place gives what stands there, not a sequence of one.
        others, texts = list(range(len(attributes))), ()
    size = len(attributes)
    return layouts.setdefault((size, texts), Layout(size, texts, itemgetter(*others) if len(others) > 1 else tuple))


def _reading(name: str, rule: Rule) -> Reading:
    if rule.read is number:
        return _numbers.__getitem__
    usual, reader, limit = rule.usual, rule.read, NAME_LIMIT if rule.short else sys.maxsize

    def value(attribute: bytes) -> Any:
        parsed = KeyValue.FromString(attribute)
        found = usual(parsed)
        # Nearly every value is had in one step.
        return reader(plain(parsed.value)) if not found or (rule.short and len(found) > limit) else found

    start = start_of(name)
    if start is None:
        return value
    if rule.read is seconds:
        return fraction(start, lambda found: found or reader(found), value)
    if rule.read is moment:
        return text(start, reader, value)
    return text(start, lambda found: found if 0 < len(found) <= limit else reader(found), value)
