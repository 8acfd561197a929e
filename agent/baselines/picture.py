"""Draws references for a terminal: a line a feature, as wide as the terminal is."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan
from typing import TextIO

from agent.baselines.bars import Bars, bars
from agent.reference_view import FeatureView, ReferenceView, StateView, summary
from agent.terminal import clean

BLOCKS = " ▁▂▃▄▅▆▇█"
ASCII = " .:-=+*#@"
_NAME, _LEAST, _MOST = 24, 8, 48
"""Columns of a name at most, and of a picture at least and at most."""
_TOLD = ((0, 1, 2), (0, 1), (1,))
"""Which facts of `_facts` are told, the first of these that fits."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """What can be drawn on."""

    width: int
    """Columns."""
    ramp: str = BLOCKS
    """From nothing to full."""


def canvas(stream: TextIO, width: int) -> Canvas:
    """Return a stream's canvas: blocks where its encoding has them."""
    try:
        BLOCKS.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return Canvas(width, ASCII)
    return Canvas(width)


def drawn(seen: StateView, on: Canvas) -> Iterator[str]:
    """Yield the lines of a state."""
    if not seen.references:
        yield "nothing fixed yet: fewer than 2,000 rows"
        return
    yield from (clean(f"not watched: {name} ({reason})") for name, reason in seen.aside)
    for reference in seen.references:
        yield from summary(reference)
        yield from _table(reference, on)
        yield from (f"  most unusual: {clean(entry)}" for entry in reference.deciding)


def _table(reference: ReferenceView, on: Canvas) -> Iterator[str]:
    """Yield a line a feature: name, distribution, what it spans, missing share, smallest change seen, line."""
    names = [_cut(clean(one.known.name), max(min(_NAME, on.width // 5), _LEAST)) for one in reference.features]
    facts = [_facts(one) for one in reference.features]
    wide = max(map(len, names), default=0)
    columns = [max((len(one[place]) for one in facts), default=0) for place in range(3)]
    # Where not all of it fits beside a picture, the line goes first, then what is missing: what is seen stays longest.
    told = next((places for places in _TOLD if _room(on.width, wide, [columns[place] for place in places]) >= _LEAST), ())
    facts, columns = [tuple(one[place] for place in told) for one in facts], [columns[place] for place in told]
    spare = _room(on.width, wide, columns)
    # Half of what is left is the picture, the rest says what it shows; too little of it says nothing.
    size = min(max(spare // 2, _LEAST), _MOST)
    rest = spare - size if spare - size >= _LEAST else 0
    if reference.rows:
        yield f"  in a window of {reference.rows} rows:"
    for one, name, said in zip(reference.features, names, facts, strict=True):
        # Categories have two bars more: `other` and `new`.
        shown = bars(one.known, one.counts, size if one.known.measured_as == "numeric" else size - 2)
        spans = _cut(clean(_spans(shown)), rest) if rest else ""
        numbers = "  ".join(fact.ljust(column) for fact, column in zip(said, columns, strict=True))
        yield "  ".join(("", name.ljust(wide), sparkline(shown, on.ramp).ljust(size), *([numbers] if numbers else []), spans)).rstrip()


def _room(width: int, name: int, columns: list[int]) -> int:
    """Return what a line of that width has left for picture and span, between a name and columns of facts."""
    return width - name - sum(columns) - 2 * len(columns) - 6


def sparkline(shown: Bars, ramp: str) -> str:
    """Return a letter a bar: the highest is full, and what is there at all is never left blank.

    >>> sparkline(Bars((0.1, 0.0, 0.9), ("a", "b"), numeric=True), ASCII)
    '. @'
    """
    top = max(shown.shares, default=0.0)
    return "".join(ramp[0] if share <= 0 else ramp[max(1, round(share / top * (len(ramp) - 1)))] for share in shown.shares)


def _facts(one: FeatureView) -> tuple[str, ...]:
    missing = "no rows" if isnan(one.missing) else f"missing {one.missing:.1%}".replace("%", " %")
    line = "no line" if isnan(one.line) else f"line {one.line:.3g} ({one.test})"
    return missing, f"sees {one.sees}" if one.sees else "blind", line


def _spans(shown: Bars) -> str:
    if not shown.shares:
        return "no value"
    if shown.numeric:
        return f"{shown.labels[0]} to {shown.labels[1]}"
    return ", ".join(f"{name} {share:.0%}".replace("%", " %") for name, share in zip(shown.labels, shown.shares, strict=True))


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 2, 1)] + ".."
