"""CSV in pieces: the header, where whole records end, and a block of records as columns."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.errors import InputError
from agent.redaction.column_names import is_private
from agent.rows.labels import MISSING_TEXT
from agent.rows.shape import Raw
from agent.terminal import clean

_BOM = b"\xef\xbb\xbf"
_DELIMITERS = (",", ";", "\t", "|")
_QUOTE, _NEWLINE = b'"\n'
_CELL = rb'"(?:[^"]*+(?:""[^"]*+)*+"|[^"]*+(?:""[^"]*+)*+\Z)'
_QUOTE_BYTE = b'"'
_OPEN = re.compile(rb'(?:^(?:\xef\xbb\xbf)?|[,;\t|])"[^"]*+(?:""[^"]*+)*+\Z')
"""A line that ends inside quotes."""
_LONGEST_HEADER = 64 * 1024
BAD_BYTES = "bad_bytes"
"""What lines are counted as that hold bytes which are no text; the rows stay, with U+FFFD in the place of such bytes."""
OPEN_QUOTE = "open_quote"
"""What lines are counted as that lie behind a quote which nothing closes."""
_ESCAPED = re.compile("[\0\udc80-\udcff]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Header:
    """The first record of a CSV file."""

    names: tuple[str, ...]
    delimiter: str
    size: int
    """Bytes it takes, with the byte order mark and the end of the line."""


def header(block: bytes, name: str, *, final: bool) -> Header | None:
    r"""Return the header a file starts with, or None while its line is not complete (and the file not `final`).

    Raises InputError when it is not UTF-8, has doubled names, or looks like a record.

    >>> header(b"time;price\n1;2\n", "a.csv", final=True)
    Header(names=('time', 'price'), delimiter=';', size=11)
    """
    if block[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\0" in block[: block.find(b"\n")]:
        raise InputError(f"{name}: line 1: is not UTF-8 text; save it as UTF-8")
    end = _header_end(block, final=final)
    if not end and not final:
        return None
    line = block[: end or len(block)]
    try:
        text = line.removeprefix(_BOM).decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: line 1: is not UTF-8 text; save it as UTF-8") from error
    bare = re.sub(r'"[^"]*"', "", text)
    delimiter = max(_DELIMITERS, key=bare.count)
    if "\r" in bare:
        raise InputError(f"{name}: line 1: lines end with CR alone; save it with LF: tr '\\r' '\\n'")
    if re.fullmatch("sep=.", text):
        raise InputError(f"{name}: line 1: expected a header with the names of the columns, found '{text}'; leave that line out")
    names = _names(text, delimiter)
    if not text.strip():
        raise InputError(f"{name}: line 1: expected a header with the names of the columns, found nothing")
    if all(_NUMBER.fullmatch(cell) for cell in names):
        raise InputError(f"{name}: line 1: expected a header with the names of the columns, found only numbers")
    doubled = [cell for cell, times in Counter(names).items() if times > 1]
    if doubled:
        raise InputError(f"{name}: line 1: column '{clean(doubled[0])}' stands twice; every column needs its own name")
    return Header(tuple(names), delimiter, len(line))


def _header_end(block: bytes, *, final: bool) -> int:
    """Return where the first record ends, 0 if it does not: a name may go over several lines where it is quoted."""
    end = block.find(b"\n") + 1
    first = block[:end]
    if not end or not _OPEN.search(first):
        return end
    start = block[:_LONGEST_HEADER]
    while end and start.count(_QUOTE_BYTE, 0, end) % 2:
        end = start.find(b"\n", end) + 1
    # A quote that nothing closes is a letter as any other.
    return end or (len(first) if final or len(block) >= _LONGEST_HEADER else 0)


def _names(text: str, delimiter: str) -> list[str]:
    cells = re.findall(rf'(?:^|{re.escape(delimiter)})("(?:[^"]|"")*"|[^{re.escape(delimiter)}]*)', text)
    bare = [cell[1:-1].replace('""', '"') if cell[:1] == '"' == cell[-1:] and len(cell) > 1 else cell for cell in cells]
    # Where there is no header, the first record stands in its place.
    return [f"column_{place}" if not cell.strip() or is_private(cell) else cell.strip() for place, cell in enumerate(bare, 1)]


def whole(block: bytes, delimiter: str) -> int:
    r"""Return how many bytes of `block` are complete records: up to the last end of line that is not inside quotes.

    >>> whole(b'a,"b\nc"\nd,"e\n', ",")
    8
    """
    if b'"' not in block:
        return block.rfind(b"\n") + 1
    last = block.rfind(b"\n") + 1
    before = block.rfind(b"\n", 0, max(0, last - 1)) + 1
    if _balanced(block) and not _cells(block[before:last], delimiter)[1]:
        return last
    cells, open_at = _cells(block, delimiter)
    end = len(block) if open_at is None else open_at
    while True:
        end = block.rfind(b"\n", 0, end) + 1
        while cells and cells[-1][0] >= end:
            cells.pop()
        if not cells or cells[-1][1] < end:
            return end
        end = cells.pop()[0]


def unclosed(block: bytes, delimiter: str) -> int:
    r"""Return how many lines at the end of a file lie behind a quote that nothing closes.

    >>> unclosed(b'a,b\n"c,d\ne,f\n', ","), unclosed(b'a,"b\nc"', ",")
    (2, 0)
    """
    if b'"' not in block:
        return 0
    rest = block[whole(block, delimiter) :]
    return rest.count(b"\n") + (not rest.endswith(b"\n")) if _cells(rest, delimiter)[1] is not None else 0


def _balanced(block: bytes) -> bool:
    """Tell whether the quotes before every end of line are even in number: then none of them is inside a cell."""
    data = np.frombuffer(block, np.uint8)
    quotes = np.searchsorted(np.flatnonzero(data == _QUOTE), np.flatnonzero(data == _NEWLINE))
    return not bool((quotes & 1).any())


def _cells(block: bytes, delimiter: str) -> tuple[list[tuple[int, int]], int | None]:
    """Return where the quoted cells lie, and where the one begins whose end has not arrived, if there is one."""
    # A quote opens a cell only at its start. The possessive `+` keeps half of a doubled quote from being its end.
    start = rb"(?<![^\n\r" + re.escape(delimiter).encode() + rb"])"
    cells = [found.span() for found in re.finditer(start + _CELL, block)]
    # Inside a cell quotes are doubled, so with the first one a closed cell has an even number.
    open_ = bool(cells) and cells[-1][1] == len(block) and block.count(b'"', *cells[-1]) % 2 == 1
    return cells, cells.pop()[0] if open_ else None


def parse(block: bytes, delimiter: str, names: Sequence[str], numbers: frozenset[str], dropped: Counter[str]) -> tuple[dict[str, Raw], int]:
    """Return the columns of a block of whole records, and how many rows. Rows of another length are counted as `ragged`.

    `numbers` are the columns known to be numeric; they are read faster as long as they are. Lines with bytes that are no
    UTF-8 text are counted as `BAD_BYTES`.
    """
    import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 (it has no types; 45 MB that a process without files never needs)

    from agent.rows.arrow import Arrow  # noqa: PLC0415 (the same)

    block = _clean(block, dropped)
    kinds = {name: pa.float64() if name in numbers else pa.string() for name in names}
    try:
        table = _table(block, delimiter, kinds, counts := Counter[str]())
    except pa.ArrowInvalid:
        table = _table(block, delimiter, dict.fromkeys(names, pa.string()), counts := Counter[str]())
    dropped.update(counts)
    columns: dict[str, Raw] = {name: Arrow(table.column(name).combine_chunks(), text=True) for name in names}
    return columns, table.num_rows


def _table(block: bytes, delimiter: str, kinds: dict[str, Any], dropped: Counter[str]) -> Any:
    import pyarrow as pa  # noqa: PLC0415 (see above)
    from pyarrow import csv  # noqa: PLC0415 (see above)

    def ragged(_: object) -> str:
        dropped["ragged"] += 1
        return "skip"

    return csv.read_csv(
        pa.BufferReader(block),
        # One block, so that no record is cut again.
        read_options=csv.ReadOptions(column_names=list(kinds), block_size=len(block) + 1, use_threads=False),
        parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=ragged),
        convert_options=csv.ConvertOptions(column_types=kinds, null_values=list(MISSING_TEXT), strings_can_be_null=False),
    )


def _clean(block: bytes, dropped: Counter[str]) -> bytes:
    """Put the replacement character where bytes are no text, so that one bad cell does not cost the block; count such lines."""
    if not _is_text(block):
        text = block.decode("utf-8", "surrogateescape")
        dropped[BAD_BYTES] += sum(_ESCAPED.search(line) is not None for line in text.split("\n"))
        block = _ESCAPED.sub("\ufffd", text).encode("utf-8")
    return block if block.endswith(b"\n") else block + b"\n"


def _is_text(block: bytes) -> bool:
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in block
