"""Recognises files between polls: grown, renamed, truncated or replaced."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from agent.rows.forms import Form
from agent.rows.tail import Place
from detectors.types import Plain

_EDGE = 1024
"""Bytes at both ends of what was read by which a file is recognised: a new file often gets the number of a deleted one."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """A file as it was when it was last read."""

    form: Form | None
    """None: not known, because it is empty or none of them."""
    place: Place
    """Bytes read; rows for Parquet."""
    device: int
    inode: int
    size: int
    modified: int
    """Nanoseconds since 1970."""
    print: str
    """Hash of the beginning and the end of what was read."""
    finished: bool
    """Nothing is left to read, or nothing can be read, until it changes."""

    def plain(self) -> dict[str, object]:
        """Return it as data."""
        named = {name: getattr(self, name) for name in self.__slots__}
        return {**named, "place": self.place.plain()}

    @classmethod
    def restore(cls, saved: Plain) -> "Tracked":
        """Take back what `plain` returned."""
        return cls(**{**saved, "place": Place.restore(saved["place"])})

    def unchanged(self, stat: os.stat_result) -> bool:
        """Tell whether nobody wrote to the file since."""
        return (self.device, self.inode, self.size, self.modified) == (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)

    def continues(self, path: Path, stat: os.stat_result) -> bool:
        """Tell whether the file is the old one with something appended, rather than another one."""
        if self.form == "parquet":
            return self.unchanged(stat)
        return stat.st_size >= self.place.offset and _print(path, self.place.offset) == self.print


def track(path: Path, stat: os.stat_result, form: Form | None, place: Place, *, finished: bool) -> Tracked:
    """Describe a file that was read up to `place`."""
    print_ = "" if form == "parquet" else _print(path, place.offset)
    return Tracked(form, place, stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, print_, finished)


def carried(files: Mapping[str, Tracked], now: Mapping[str, os.stat_result]) -> dict[str, Tracked]:
    """Return what is known of the files there are now: by their number where they were renamed, else by their name."""
    numbers = {(item.device, item.inode): (path, item) for path, item in files.items()}
    found: dict[str, Tracked] = {}
    taken: set[str] = set()
    for path, stat in now.items():
        if (stat.st_dev, stat.st_ino) in numbers:
            name, found[path] = numbers[stat.st_dev, stat.st_ino]
            taken.add(name)
    return {path: files[path] for path in now if path in files and path not in taken} | found


def _print(path: Path, length: int) -> str:
    if not length:
        return ""
    with path.open("rb") as file:
        start = file.read(min(_EDGE, length))
        file.seek(max(0, length - _EDGE))
        return blake2b(start + file.read(min(_EDGE, length)), digest_size=16).hexdigest()
