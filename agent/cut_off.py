"""Ends a call of httpx that takes too long as a whole: its timeouts begin anew with every byte, so an answer in drips would never end."""

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any


@contextlib.contextmanager
def cut_off(seconds: float) -> Iterator[Any]:
    """Yield a trace for httpx that notes the connection, which is cut off when the block takes longer; 0: never. httpx then raises."""
    streams: list[Any] = []

    def trace(name: str, about: Mapping[str, Any]) -> None:
        if name in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            streams.append(about["return_value"])

    def cut() -> None:
        for stream in streams[-1:]:
            connected = stream.get_extra_info("socket")
            if connected is not None:
                with contextlib.suppress(OSError):
                    # Not that of a TLS socket, which would take its state from under the thread that reads.
                    socket.socket.shutdown(connected, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    if seconds > 0:
        timer.start()
    try:
        yield trace
    finally:
        timer.cancel()
