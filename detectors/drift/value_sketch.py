"""Counts values nobody has a vocabulary for yet in bounded space: mergeable by addition, read back exactly up to some 6,000 values.

An invertible Bloom lookup table (Goodrich and Mitzenmacher, 2011): each value adds its rows to one cell in each of four
tables. A cell is one whole number, the sum over its values of rows x (name, checksum, 1) in separate bits. Cells with a
single value give it away; taking it out of its other cells frees further ones. Whatever the order of rows, the sums are
the same, and so is what is read back.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from hashlib import blake2b

CELLS = 2048
"""Cells a table; four of them hold some 0.77 x 4 x 2048 values before reading back fails."""
TABLES = 4
_ROWS = 48
_CHECK = 32
_COUNT = (1 << _ROWS) - 1
_NAME = _ROWS + _CHECK + _ROWS
"""Where the name begins: rows times checksum needs 80 bits, and rows stand below."""


def sketch(counts: Mapping[str, int], size: int = CELLS) -> dict[str, int]:
    """Return the cells of values and their rows; at most `TABLES` x `size`.

    >>> recover(sketch({"a": 2, "": 1}))
    ({'': 1, 'a': 2}, 0)
    """
    cells: dict[str, int] = {}
    for value, rows in counts.items():
        weight, places = _weight(value, size)
        for place in places:
            cells[place] = cells.get(place, 0) + rows * weight
    return cells


def recover(cells: Mapping[str, int], size: int = CELLS) -> tuple[dict[str, int], int]:
    """Return the values with their rows, sorted by name, and the rows whose values cannot be told: there were too many.

    `size` is that of the sketch.
    """
    left = dict(cells)
    found: dict[str, int] = {}
    waiting = list(left)
    while waiting:
        place = waiting.pop()
        content = left.get(place, 0)
        value = _alone(content, size)
        if value is None:
            continue
        rows = content & _COUNT
        found[value] = rows
        weight, places = _weight(value, size)
        for other in places:
            left[other] -= rows * weight
            waiting.append(other)
    lost = sum(content & _COUNT for place, content in left.items() if place.startswith("0:"))
    return dict(sorted(found.items())), lost


def _alone(content: int, size: int) -> str | None:
    """Return the value of a cell that holds only one; None for any other."""
    rows = content & _COUNT
    if not rows or content % rows:
        return None
    weight = content // rows
    if weight & _COUNT != 1:
        return None
    code = weight >> _NAME
    name = code.to_bytes((code.bit_length() + 7) // 8, "big")[1:]
    try:
        value = name.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    return value if _weight(value, size)[0] == weight else None


@lru_cache(maxsize=16_384)
def _weight(value: str, size: int) -> tuple[int, tuple[str, ...]]:
    """Return what one row of a value adds, and the cells it adds to."""
    name = value.encode("utf-8", "surrogatepass")
    digest = blake2b(name, digest_size=4 * (TABLES + 1)).digest()
    first, *rest = (int.from_bytes(part, "big") for part in _parts(digest))
    weight = (int.from_bytes(b"\x01" + name, "big") << _NAME) | (first << _ROWS) | 1
    return weight, tuple(f"{table}:{part % size}" for table, part in enumerate(rest))


def _parts(digest: bytes) -> Iterator[bytes]:
    for start in range(0, len(digest), 4):
        yield digest[start : start + 4]
