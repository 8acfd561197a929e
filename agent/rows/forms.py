"""Which format a file is in: by its name, else by its first bytes; what is none we read is named."""

from pathlib import Path
from typing import Literal

from agent.errors import InputError

Form = Literal["csv", "parquet", "jsonl", "collector"]
Asked = Literal["auto", "csv", "parquet", "jsonl", "collector"]

_BY_NAME: dict[str, Form] = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".pq": "parquet"}
_START = 64 * 1024

_UNPACK = "is compressed ({}); unpack it first"
_CONVERT = "is {}; save it as CSV, Parquet or JSON lines"
_UTF_16 = "line 1: is not UTF-8 text but UTF-16; save it as UTF-8: iconv -f UTF-16 -t UTF-8"
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", _UNPACK.format("gzip")),
    (b"BZh", _UNPACK.format("bzip2")),
    (b"\xfd7zXZ\0", _UNPACK.format("xz")),
    (b"\x28\xb5\x2f\xfd", _UNPACK.format("zstd")),
    (b"PK\x03\x04", "is a zip archive or an Excel sheet; unpack it, or save it as CSV, Parquet or JSON lines"),
    (b"\xd0\xcf\x11\xe0", _CONVERT.format("an Excel sheet")),
    (b"ARROW1\0\0", _CONVERT.format("an Arrow or Feather file")),
    (b"FEA1", _CONVERT.format("a Feather file")),
    (b"ORC", _CONVERT.format("an ORC file")),
    (b"Obj\x01", _CONVERT.format("an Avro file")),
    (b"SQLite format 3\0", _CONVERT.format("an SQLite database")),
    (b"\x89HDF\r\n", _CONVERT.format("an HDF5 file")),
    (b"\x80\x04\x95", _CONVERT.format("a Python pickle")),
    (b"\x80\x05\x95", _CONVERT.format("a Python pickle")),
    (b"%PDF-", _CONVERT.format("a PDF")),
    (b"\xff\xfe", _UTF_16),
    (b"\xfe\xff", _UTF_16),
)
"""What a file begins with, and what to say of it."""


def form_of(path: Path, asked: Asked) -> Form | None:
    """Return the format of a file, or None for an empty one. Raises InputError for what is none of them."""
    if asked != "auto":
        return asked
    known = _BY_NAME.get(path.suffix.lower())
    if known == "parquet":
        return known
    with path.open("rb") as file:
        start = file.read(_START)
    foreign = next((what for magic, what in _FOREIGN if start.startswith(magic) and not (magic.isalnum() and _is_text(start))), None)
    if foreign is not None:
        raise InputError(f"{path}: {foreign}")
    if start.startswith(b"PAR1") and not _is_text(start):
        return "parquet"
    return known or _by_content(path, start)


def _by_content(path: Path, start: bytes) -> Form | None:
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        return None
    if text.startswith(b"["):
        raise InputError(f"{path}: line 1: expected one JSON object a line, found a JSON array; write it as JSON lines")
    if text.startswith(b"{"):
        return "collector" if b'"specversion"' in start.partition(b"\n")[0] else "jsonl"
    if path.suffix.lower() in {".jsonl", ".ndjson", ".json"}:
        raise InputError(f"{path}: line 1: expected a JSON object")
    return "csv"


def _is_text(start: bytes) -> bool:
    """Whether these bytes may be text: a column may be called ORC, and a cell begin with PAR1."""
    line = start.partition(b"\n")[0]
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in line
