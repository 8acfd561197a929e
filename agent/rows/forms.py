"""Which format a file is in: by its name, else by its first bytes."""

from pathlib import Path
from typing import Literal

from agent.errors import InputError

Form = Literal["csv", "parquet", "jsonl", "collector"]
Asked = Literal["auto", "csv", "parquet", "jsonl", "collector"]

_BY_NAME: dict[str, Form] = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".pq": "parquet"}


def form_of(path: Path, asked: Asked) -> Form | None:
    """Return the format of a file, or None for an empty one. Raises InputError for what is none of them."""
    if asked != "auto":
        return asked
    known = _BY_NAME.get(path.suffix.lower())
    if known is not None:
        return known
    with path.open("rb") as file:
        start = file.read(64 * 1024)
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        return None
    if start.startswith(b"PAR1"):
        return "parquet"
    if text.startswith(b"["):
        raise InputError(f"{path}: line 1: expected one JSON object a line, found a JSON array; write it as JSON lines")
    if text.startswith(b"{"):
        return "collector" if b'"specversion"' in start.partition(b"\n")[0] else "jsonl"
    if path.suffix.lower() in {".jsonl", ".ndjson", ".json"}:
        raise InputError(f"{path}: line 1: expected a JSON object")
    return "csv"
