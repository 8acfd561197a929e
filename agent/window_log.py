"""Says in the log what there is news of when a window is told of: how far references can be trusted, and estimates."""

from agent.effects import ClosedWindow
from agent.reference_log import ReferenceLog
from agent.trust_log import TrustLog


class WindowLog:
    """Remembers what it said last."""

    def __init__(self) -> None:
        self._references = ReferenceLog()
        self._trust = TrustLog()

    def tell(self, closed: ClosedWindow) -> None:
        """Log what a window changes."""
        self._references.tell(closed)
        self._trust.tell(closed.stream, closed.scores)
