"""Events on the agent's own log."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from agent.point import Point
from agent.sinks import Sink
from alerts.event import Event

_log = logging.getLogger("driftline.alerts")
_LEVELS = {"information": logging.INFO, "warning": logging.WARNING, "page": logging.ERROR}


@dataclass(frozen=True, slots=True)
class Log:
    """Options of the notifier `log`: none."""

    def open(self) -> Sink:
        """Return the notifier."""
        return _LogNotifier()


class _LogNotifier:
    def write(self, points: Sequence[Point], events: Sequence[Event]) -> Sequence[int]:  # noqa: ARG002 - a notifier has no use for points
        """Write one line an event."""
        for event in events:
            where = "/".join(event.attributes.get(name, "-") for name in ("endpoint", "deployment"))
            level = logging.INFO if event.state == "resolved" else _LEVELS[event.severity]
            _log.log(level, "%s %s %s (%s): %s", event.name, event.state, where, event.severity, event.summary)
        return ()

    def close(self) -> None:
        """Nothing to let go of."""
