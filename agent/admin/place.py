"""Where the admin socket lies: in the state folder, under a name that fits into an address however deep the folder is."""

import contextlib
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from agent.errors import Unavailable

NAME = "admin.sock"
LONGEST = 107
"""Bytes of the path in a Unix address (`sun_path`, less its end), as Linux has it."""


@contextlib.contextmanager
def address(folder: Path) -> Iterator[str]:
    """Yield the address of the folder's socket; one that would be too long goes by the open folder.

    Raises OSError for a folder that cannot be opened, Unavailable where there is no short way.
    """
    path = str(folder / NAME)
    if len(os.fsencode(path)) <= LONGEST:
        yield path
        return
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        short = f"/proc/self/fd/{opened}"
        if not os.path.isdir(short):  # noqa: PTH112 - one look at a name of the kernel's
            raise Unavailable(
                f"state: {path} is longer than a socket's address may be ({LONGEST} bytes), and there is no /proc: give a shorter one"
            )
        yield f"{short}/{NAME}"
    finally:
        os.close(opened)


def bound(folder: Path) -> socket.socket:
    """Return a socket that listens in the folder, for its owner only. Whoever calls holds the folder's lock.

    So what lies there is left over from an agent that was killed, and goes. Raises Unavailable.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Before it has a name: nobody may come in between.
        os.fchmod(listener.fileno(), stat.S_IRUSR | stat.S_IWUSR)
        path = folder / NAME
        if path.is_socket():
            path.unlink()
        with address(folder) as where:
            listener.bind(where)
        listener.listen(16)
    except OSError as problem:
        listener.close()
        raise Unavailable(f"state: {folder / NAME} cannot be listened on: {problem.strerror or problem}") from problem
    except Unavailable:
        listener.close()
        raise
    return listener


def removed(folder: Path, listener: socket.socket) -> None:
    """Close a socket of `bound` and take its name away."""
    listener.close()
    (folder / NAME).unlink(missing_ok=True)
