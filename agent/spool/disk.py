"""The calls to the file system that the spool's promises rest on; tests pass a disk that fails."""

import os
from pathlib import Path


class Disk:
    """The real one."""

    def create(self, path: Path) -> int:
        """Make a new file of mode 0600 for appending and return its descriptor."""
        return os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Append and return how many bytes were taken."""
        return os.write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        """Return when the file's data would survive a crash of the host."""
        os.fdatasync(descriptor)

    def sync_folder(self, folder: Path) -> None:
        """Return when new and removed names would survive a crash of the host."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut the file."""
        os.ftruncate(descriptor, size)

    def free(self, folder: Path) -> int:
        """Return the bytes an ordinary user may still write."""
        found = os.statvfs(folder)
        return found.f_bavail * found.f_frsize
