"""Lines of a golden set's file, JSONL or CSV, as mappings; what cannot be read becomes a remark with its line."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from agent.errors import InputError
from agent.golden.pair import Remark

LARGEST = 64 * 2**20
"""Bytes of a file."""
_LONGEST_LINE = 4 * 2**20

Line = tuple[int, dict[str, Any]]


def lines_of(path: Path) -> Iterator[Line | Remark]:
    """Yield line number and mapping, or what is wrong with the line. Raises InputError for a file that is none of both forms."""
    kind = path.suffix.lower()
    if kind not in {".jsonl", ".ndjson", ".csv"}:
        raise InputError(f"{path}: a golden set is a .jsonl file (one pair a line) or a .csv file with a header")
    body = _body(path)
    yield from _csv(path, body) if kind == ".csv" else _jsonl(body)


def _body(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"{path}: is larger than {LARGEST // 2**20} MiB; a golden set is some hundred pairs")
        body = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if body.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in body[:64]:
        raise InputError(f"{path}: is UTF-16 or binary; save it as UTF-8")
    return body.removeprefix(b"\xef\xbb\xbf")


def _jsonl(body: bytes) -> Iterator[Line | Remark]:
    for number, raw in enumerate(body.split(b"\n"), 1):
        if not raw.strip():
            continue
        if len(raw) > _LONGEST_LINE:
            yield Remark("error", number, "", f"is longer than {_LONGEST_LINE // 2**20} MiB")
            continue
        try:
            found = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            yield Remark("error", number, "", _unreadable(raw, str(error)))
            continue
        if isinstance(found, dict):
            yield number, found
        else:
            yield Remark("error", number, "", 'is no JSON object; write {"question": "...", "truth": "...", "source": "..."}')


def _unreadable(raw: bytes, why: str) -> str:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return f"is not UTF-8 (byte {error.start + 1}); parts of the file have another encoding, save all of it as UTF-8"
    return f"is no JSON: {why.partition(': line')[0]}"


def _csv(path: Path, body: bytes) -> Iterator[Line | Remark]:
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        yield Remark("error", line, "", "is not UTF-8; parts of the file have another encoding, save all of it as UTF-8")
        return
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        if not rows.fieldnames or "question" not in rows.fieldnames:
            raise InputError(f"{path}: its first line must name the columns, question among them: id,question,truth,context,source,tags")
        began = rows.line_num + 1
        for row in rows:
            if None in row or None in row.values():
                yield Remark("error", began, "", "has not as many cells as the first line; quote texts that hold commas")
            else:
                yield began, _cells(row)
            began = rows.line_num + 1
    except csv.Error as error:
        yield Remark("error", rows.line_num, "", f"is no CSV: {error}")


def _cells(row: dict[str, Any]) -> dict[str, Any]:
    """Return the cells that hold something; tags stand apart by semicolons."""
    found: dict[str, Any] = {name.strip(): cell for name, cell in row.items() if cell.strip()}
    if "tags" in found:
        found["tags"] = [tag.strip() for tag in found["tags"].split(";") if tag.strip()]
    return found
