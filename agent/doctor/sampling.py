"""Which streams were sampled before they came, and how many texts lie on disk."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from agent.config import Config
from agent.doctor.remark import Remark
from agent.errors import DriftlineError
from agent.plain import unpack
from agent.upstream.weighing import sentence


def sampling(config: Config) -> Iterator[Remark]:
    """Say where totals are estimates, and what `content: sampled` keeps."""
    for (value,) in _rows(config.state / "store.sqlite", "SELECT value FROM checkpoint WHERE key = 'upstream'"):
        try:
            thinned = unpack(value)["thinned"]
        except DriftlineError:
            # Of another version: run says so.
            continue
        for (endpoint, deployment, _), parts in thinned:
            yield Remark("note", f"{endpoint} ({deployment}): {sentence(parts)}; driftline.requests.estimated has them")
    query = "SELECT endpoint, count(*), sum(bytes) FROM text GROUP BY endpoint ORDER BY endpoint"
    for name, texts, size in _rows(config.state / "texts.sqlite", query):
        endpoint = config.endpoints.get(name)
        if endpoint is None or endpoint.content != "sampled":
            yield Remark(
                "warning", f"{name}: {texts:,} texts on disk, and its configuration allows none", "driftline run deletes them as it starts"
            )
        else:
            days = endpoint.texts.max_age / timedelta(days=1)
            yield Remark(
                "note",
                f"{name}: {texts:,} redacted texts on disk, {size / 1024**2:.1f} MiB, each for {days:g} days",
                f"driftline samples purge {name}",
            )


def _rows(file: Path, query: str) -> list[Any]:
    if not file.is_file():
        return []
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=1.0)) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.Error:
        # Of another version, or just being made: run says what is wrong with it.
        return []
