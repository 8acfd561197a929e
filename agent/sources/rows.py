"""What all sources of rows share: the shape of their endpoint's batches, and the counters of what they drop or mend."""

from collections import Counter
from collections.abc import Callable
from zoneinfo import ZoneInfo

from agent.config import Endpoint
from agent.errors import ConfigError
from agent.rows.csv_text import BAD_BYTES
from agent.rows.shape import Shape
from agent.sources import Context
from detectors.catalog import AGENT_ADJUSTED, AGENT_DROPPED


def shape(endpoint: Endpoint) -> Shape:
    """Return how rows of an endpoint become batches."""
    return Shape(endpoint.name, endpoint.columns, ZoneInfo(endpoint.timezone), endpoint.enrichers)


def shape_of(context: Context) -> Shape:
    """Return the shape for the endpoint that declared the source. Raises ConfigError where none did."""
    if context.endpoint is None:
        raise ConfigError(f"sources.{context.name}: is read for one endpoint; write it under endpoints.NAME.source")
    return shape(context.endpoint)


def dropper(context: Context) -> Callable[[str, int], None]:
    """Return what counts records that were dropped, by reason, or kept with a value mended."""

    def count(reason: str, rows: int) -> None:
        metric = AGENT_ADJUSTED if reason == BAD_BYTES else AGENT_DROPPED
        context.series.add(metric, rows, source=context.name, reason=reason)

    return count


def drop(context: Context, dropped: Counter[str]) -> None:
    """Count all that was dropped in a piece."""
    count = dropper(context)
    for reason, rows in dropped.items():
        count(reason, rows)
