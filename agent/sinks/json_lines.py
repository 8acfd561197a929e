"""Points and events as JSON, one a line: to a file, or to standard output."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import orjson

from agent.clock import from_nanoseconds
from agent.errors import ConfigError, Transient
from agent.point import Distribution, Point
from agent.sinks import Sink
from alerts.event import Event
from detectors.types import Plain


@dataclass(frozen=True, slots=True)
class JsonLines:
    """Options of the sink `json_lines`."""

    path: Path | None = None
    """Where to append; left out: standard output. Rotate it from outside; a moved file is opened anew."""

    def open(self) -> Sink:
        """Return the sink. Raises ConfigError when the file cannot be written."""
        sink = _JsonLinesSink(self.path)
        try:
            sink.write((), ())
        except Transient as error:
            raise ConfigError(f"sinks.json_lines.path: {error}") from error
        return sink


@dataclass(slots=True)
class _JsonLinesSink:
    path: Path | None
    _file: IO[bytes] | None = field(init=False, default=None)
    _inode: int = field(init=False, default=0)

    def write(self, points: Sequence[Point], events: Sequence[Event]) -> Sequence[int]:
        """Append all lines in one write."""
        lines = [*map(point_line, points), *map(event_line, events)]
        data = b"".join(orjson.dumps(line) + b"\n" for line in lines)
        try:
            if self.path is None:
                sys.stdout.buffer.write(data)
                sys.stdout.buffer.flush()
            else:
                _append(self._opened(self.path), data)
        except OSError as error:
            raise Transient(f"cannot write {self.path or 'standard output'}: {error.strerror}") from error
        return ()

    def _opened(self, path: Path) -> IO[bytes]:
        present = path.stat().st_ino if path.exists() else 0
        if self._file is None or present != self._inode:
            self.close()
            self._file = path.open("ab", buffering=0)
            self._inode = path.stat().st_ino
        return self._file

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _append(file: IO[bytes], data: bytes) -> None:
    """Write all of it or nothing: half a line would stay half, and the whole is written again later."""
    start = file.seek(0, os.SEEK_END) if file.seekable() else None
    left = memoryview(data)
    try:
        while left:
            left = left[file.write(left) :]
    except OSError:
        if start is not None:
            file.truncate(start)
        raise


def point_line(point: Point) -> Plain:
    """Return a point as JSON-able data."""
    value: float | Plain = (
        point.value
        if not isinstance(point.value, Distribution)
        else {
            "count": point.value.count,
            "sum": point.value.sum,
            "buckets": list(point.value.buckets),
        }
    )
    return {
        "type": "point",
        "time": from_nanoseconds(point.time).isoformat(),
        "metric": point.metric.name,
        "kind": point.metric.kind,
        "attributes": dict(point.attributes),
        "value": value,
    }


def event_line(event: Event) -> Plain:
    """Return an event as JSON-able data."""
    return {
        "type": "event",
        "id": event.id,
        "kind": event.kind,
        "name": event.name,
        "state": event.state,
        "severity": event.severity,
        "time": event.time.isoformat(),
        "started": event.started.isoformat(),
        "attributes": dict(event.attributes),
        "values": dict(event.values),
        "details": dict(event.details),
        "summary": event.summary,
    }
