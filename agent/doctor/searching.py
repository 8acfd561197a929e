"""Reads all that a killed agent left, and what commands make of it, as text in which secrets can be looked for."""

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from pathlib import Path
from zlib import decompress
from zlib import error as NotCompressed  # noqa: N812 - the name zlib gives is no name

from agent.baselines.showing import shown
from agent.config import Config
from agent.decay_report import decay_page
from agent.errors import DriftlineError
from agent.report_rows import sides
from agent.store.store import Store
from detectors.types import Category, Column


def files(folder: Path, given: Path) -> dict[str, str]:
    """Return every file below a folder by its name, but those that were given to the agent; what is packed is unpacked too."""
    found = (file for file in sorted(folder.rglob("*")) if file.is_file() and given not in file.parents and file.suffix != ".yaml")
    return {str(file.relative_to(folder)): _text(file) for file in found}


def commands(config: Config) -> dict[str, str]:
    """Return what `baseline show` and `report` say of each endpoint, by command; what has nothing to say is left out."""
    found: dict[str, str] = {}
    with Store(config.state / "store.sqlite") as store:
        for name, endpoint in config.endpoints.items():
            with suppress(DriftlineError):
                found[f"baseline show {name}"] = "\n".join(shown(config, store, name, None, None, StringIO(), 120))
            with suppress(DriftlineError):
                page = config.state / "page.html"
                list(shown(config, store, name, None, page, StringIO(), 120))
                found[f"baseline show {name} --html"] = page.read_text("utf-8")
            with suppress(DriftlineError):
                found[f"report {name} --decay"] = decay_page(store, endpoint, None)[0]
            with suppress(DriftlineError):
                # Evidently draws from these rows and from nothing else.
                current = sides(store, name, None, None, {}).current
                found[f"report {name}"] = "\n".join(f"{column}: {text}" for column, values in current.items() for text in _said(values))
    return found


def _said(column: Column) -> Iterator[str]:
    if isinstance(column, Category):
        yield from column.values


def _text(file: Path) -> str:
    content = file.read_bytes()
    if file.suffix == ".sqlite":
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as store:
            tables = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            values = [value for table in tables for row in store.execute(f'SELECT * FROM "{table}"') for value in row]  # noqa: S608 - our tables
        content += b"\n".join(_unpacked(value) for value in values if isinstance(value, bytes))
        content += "\n".join(value for value in values if isinstance(value, str)).encode("utf-8", "replace")
    return content.decode("latin-1")


def _unpacked(value: bytes) -> bytes:
    try:
        return value + decompress(value)
    except NotCompressed:
        return value
