"""Spans that are laid out alike: the same names in the same places, so that they can be read column by column."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, repeat

from agent.sources.otlp.plan import Places
from agent.sources.otlp.shape import Shape, mark_of, shape_of

_MOST = 6
"""Layouts looked for among the spans of a stretch; those of others are read one by one."""

_ELSEWHERE = -1


@dataclass(frozen=True, slots=True)
class Alike:
    """Spans of shapes that differ in values only."""

    members: Sequence[int]
    """Which spans."""
    places: Places
    shapes: Sequence[Shape]
    which: Sequence[int]
    """The shape of each of them."""

    def only(self, here: Sequence[bool]) -> "Alike":
        """Return the spans that are marked."""
        members, which = list(compress(self.members, here)), list(compress(self.which, here))
        return Alike(members, [list(compress(column, here)) for column in self.places], self.shapes, which)


def alike(attributes: Sequence[Sequence[bytes]], like: Shape | None = None) -> Iterator[Alike]:
    """Yield groups of the spans with these attributes; some may be in none. Raises DecodeError for a malformed attribute."""
    rest: Sequence[int] = range(len(attributes))
    for _ in range(_MOST):
        if not rest:
            return
        like = shape_of(attributes[rest[0]], like)
        found = _group(like, attributes, rest)
        if len(found.members) == len(attributes):
            yield found
            return
        if found.members:
            yield found
        taken = {rest[0], *found.members}
        rest = [row for row in rest if row not in taken]


def _group(first: Shape, attributes: Sequence[Sequence[bytes]], rows: Sequence[int]) -> Alike:
    """Return the spans laid out like the first of `rows`, whose shape is `first`."""
    members, starts = rows, first.starts.items()
    if set(map(len, map(attributes.__getitem__, members))) != {first.layout.size}:
        members = [row for row in members if len(attributes[row]) == first.layout.size]
    places = list(zip(*map(attributes.__getitem__, members), strict=True))
    if not all(all(map(bytes.startswith, places[place], repeat(start))) for place, start in starts):
        members = [row for row in members if all(attributes[row][place].startswith(start) for place, start in starts)]
        places = list(zip(*map(attributes.__getitem__, members), strict=True))
    changing = [column for place, column in enumerate(places) if place not in first.starts and column.count(column[0]) != len(column)]
    if not changing:
        return Alike(members, places, (first,), [0] * len(members))
    shapes: list[Shape] = []
    known: dict[tuple[bytes, ...], int] = {}
    which = []
    for row, key in zip(members, zip(*(map(mark_of, column) for column in changing), strict=True), strict=True):
        index = known.get(key)
        if index is None:
            shape = shape_of(attributes[row], first)
            # One place may have different names, of which one varies and the other does not.
            index = known[key] = len(shapes) if shape.starts == first.starts else _ELSEWHERE
            shapes += [shape] if index != _ELSEWHERE else []
        which.append(index)
    if _ELSEWHERE not in which:
        return Alike(members, places, shapes, which)
    here = [index != _ELSEWHERE for index in which]
    return Alike(members, places, shapes, which).only(here)
