"""Files on disk: CSV and JSON lines are followed as they grow, Parquet is read when it appears or changes."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from glob import glob
from pathlib import Path
from stat import S_ISREG

from agent.errors import ConfigError, InputError
from agent.rows.forms import Asked, form_of
from agent.rows.pair import RowJoiner
from agent.rows.shape import Memory, Shape
from agent.rows.table import steps, whole
from agent.rows.tail import Place
from agent.sources import Context, Poll
from agent.sources.history import between
from agent.sources.rows import drop, dropper, shape_of
from agent.sources.tracked import Tracked, carried, track
from detectors.types import Batch, Plain

_ENOUGH = 500_000
"""Values handed over at once: many small files share one cursor, which names all of them."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Files:
    """Rows in files that a glob pattern names. New files are taken up in the order of their names."""

    path: Path
    """A file, or a pattern such as `data/*.csv`; `**` stands for any folders. It should match rotated files too."""
    format: Asked = "auto"
    """auto looks at the name, then at the first bytes."""
    settle: timedelta = timedelta(minutes=1)
    """A last line without an end counts as complete once the file has rested that long."""
    every: timedelta = timedelta(seconds=30)
    """Time between polls."""

    def poll(self, context: Context, cursor: Plain | None) -> Iterator[Poll]:
        """Yield what is new in each file since `cursor`; one unreadable file does not stop the others."""
        shape = shape_of(context)
        known = _Known.restore(cursor)
        found = self._found()
        known.files = carried(known.files, found)
        gathered: list[Batch] = []
        for path, stat in found.items():
            try:
                for batches in self._file(Path(path), stat, shape, known, context):
                    gathered += batches
                    if sum(batch.rows * len(batch.features) for batch in gathered) >= _ENOUGH:
                        yield Poll(gathered, known.plain())
                        gathered = []
            except (InputError, OSError) as error:
                # A file may also be gone or locked between two looks; the next poll sees it as it is then.
                _tell(context, Path(path), error)
        if gathered or known.plain() != cursor:
            yield Poll(gathered, known.plain())

    def history(self, context: Context, since: timedelta) -> Iterator[Batch]:
        """See agent.sources.history.Historical. Needs `columns.timestamp`."""
        shape, now = shape_of(context), context.clock.now()
        joiner = RowJoiner(dropper(context), timedelta.max)
        memory = Memory()
        for path in map(Path, self._found()):
            try:
                form = form_of(path, self.format)
                if form in {"csv", "jsonl", "parquet"} and shape.columns.timestamp is None:
                    raise ConfigError(f"endpoints.{shape.endpoint}.columns.timestamp: is needed to read history from {path}")
                for batch in whole(path, form, shape, memory, dropper(context)):
                    yield from between(joiner.push(batch, 0.0), now - since, now)
            except (InputError, OSError) as error:
                _tell(context, path, error)
        yield from between(joiner.due(float("inf")), now - since, now)

    def _found(self) -> dict[str, os.stat_result]:
        found: dict[str, os.stat_result] = {}
        for path in sorted(glob(str(self.path), recursive=True)):  # noqa: PTH207 (Path.glob takes no absolute pattern)
            with suppress(FileNotFoundError):
                stat = Path(path).stat()
                if S_ISREG(stat.st_mode):
                    found[path] = stat
        return found

    def _file(self, path: Path, stat: os.stat_result, shape: Shape, known: "_Known", context: Context) -> Iterator[Sequence[Batch]]:
        old = known.files.get(str(path))
        rested = context.clock.now().timestamp() - stat.st_mtime >= self.settle.total_seconds()
        if old is not None and old.finished and old.unchanged(stat):
            return
        if old is not None and not old.continues(path, stat):
            _log.info("%s: %s was replaced or truncated; it is read from its start", context.name, path)
            old = None
        try:
            form = form_of(path, self.format) if old is None or not old.place.offset else old.form
        except InputError:
            known.files[str(path)] = track(path, stat, None, Place(), finished=True)
            raise
        track_at = partial(track, path, stat, form)
        place = Place() if old is None else old.place
        try:
            for step in steps(path, stat.st_size, form, place, shape, known.memory, final=rested):
                place = step.place
                drop(context, step.dropped)
                known.files[str(path)] = track_at(place, finished=form != "parquet" and place.offset >= stat.st_size)
                yield step.batches
        except InputError:
            if form == "parquet" and not rested:
                return  # still being written: its end makes it Parquet
            known.files[str(path)] = track_at(place, finished=True)
            raise
        known.files[str(path)] = track_at(place, finished=form == "parquet" or place.offset >= stat.st_size)


def _tell(context: Context, path: Path, error: InputError | OSError) -> None:
    _log.warning("%s: %s", context.name, error if isinstance(error, InputError) else f"{path}: cannot be read: {error.strerror}")
    dropper(context)("unreadable_file", 1)


@dataclass(slots=True)
class _Known:
    """The cursor while a poll moves it."""

    memory: Memory
    files: dict[str, Tracked]

    @classmethod
    def restore(cls, cursor: Plain | None) -> "_Known":
        saved = cursor or {"kinds": {}, "files": {}}
        return cls(Memory(saved["kinds"]), {path: Tracked.restore(item) for path, item in saved["files"].items()})

    def plain(self) -> Plain:
        return {
            "kinds": {part: dict(kinds) for part, kinds in self.memory.kinds.items()},
            "files": {path: item.plain() for path, item in self.files.items()},
        }
