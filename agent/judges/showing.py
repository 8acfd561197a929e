"""What a judge and a content filter of our own have in common: they tell the engine, and show what they took and how long they kept silent."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from agent.engine import Engine
from agent.errors import DriftlineError
from agent.judges.held import HeldTexts
from agent.judges.start import EVERY
from agent.pipeline import Pipeline
from agent.series import Series
from detectors.catalog import AGENT_DROPPED
from detectors.metric import Metric

_log = logging.getLogger(__name__)

T = TypeVar("T")

_PATIENCE = 30.0
"""Seconds the engine may take to answer."""


def told(engine: Engine, work: Callable[[Pipeline], T], teller: str) -> T | None:
    """Let the engine's thread do something and return what it says; None where it does not answer, which `teller` logs."""
    try:
        return engine.ask(work, _PATIENCE)
    except DriftlineError as error:
        _log.warning("%s: %s", teller, error)
        return None


def show(series: Series, held: HeldTexts, endpoint: str, now: datetime, values: Mapping[Metric, float]) -> None:
    """Show an endpoint's values until the next look is overdue, and count the texts that were lost before anybody looked at them."""
    until = now + 4 * EVERY + timedelta(minutes=2)
    for metric, value in values.items():
        series.set(metric, float(value), now, until, endpoint=endpoint)
    for reason, lost in held.take_lost().items():
        series.add(AGENT_DROPPED, lost, source="held_text", reason=reason)
