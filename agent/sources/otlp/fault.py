"""Why a request is refused: one kind, told as an HTTP status and as a gRPC code."""

from dataclasses import dataclass
from enum import Enum


class Fault(Enum):
    """Reason (as counted), HTTP status, gRPC status code."""

    MALFORMED = ("malformed", 400, 3)
    FORBIDDEN = ("forbidden_host", 403, 7)
    NOT_FOUND = ("unknown_path", 404, 12)
    METHOD = ("method", 405, 12)
    TIMEOUT = ("slow_body", 408, 4)
    TOO_LARGE = ("too_large", 413, 8)
    UNSUPPORTED = ("unsupported", 415, 12)
    INTERNAL = ("internal", 500, 13)
    FULL = ("full", 503, 14)

    @property
    def reason(self) -> str:
        """The reason as it is counted."""
        return self.value[0]

    @property
    def http(self) -> int:
        """HTTP status."""
        return self.value[1]

    @property
    def grpc(self) -> int:
        """Number of the gRPC status code."""
        return self.value[2]


@dataclass(slots=True)
class Refused(Exception):
    """A request that gets an error; the message is for the sender and holds nothing of what was sent."""

    fault: Fault
    message: str
    retry_after: float | None = None
    """Seconds, for Fault.FULL."""

    def __str__(self) -> str:
        return self.message
