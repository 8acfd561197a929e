"""How much one request may ask of the agent."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a request; beyond them the answer is 413 (gRPC: RESOURCE_EXHAUSTED)."""

    body: int = 4 * 1024 * 1024
    """Bytes as sent."""
    decoded: int = 16 * 1024 * 1024
    """Bytes after decompression."""
    items: int = 20_000
    """Spans, log records or metrics."""
    body_seconds: float = 15.0
    """Time to receive a body."""
    streams: int = 32
    """gRPC calls of one connection at a time."""
    in_flight: int = 64 * 1024 * 1024
    """Bytes of all bodies being received at a time; beyond them the answer is 503."""


RATIO = 100
"""A body may not grow more than this much in decompression, once it has passed RATIO_FROM bytes."""

RATIO_FROM = 1024 * 1024
