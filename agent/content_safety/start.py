"""Begins the checks of a configuration, where it has any: an agent without them does not carry them in its memory."""

from random import Random
from typing import TYPE_CHECKING

from agent.config import Config
from agent.engine import Engine
from agent.judges.held import HeldTexts
from agent.series import Series
from agent.sources import Clock
from agent.store.store import Store

if TYPE_CHECKING:
    from agent.content_safety.service import Checking


def checking_of(
    config: Config, store: Store, engine: Engine, series: Series, clock: Clock, held: HeldTexts, random: Random
) -> "Checking | None":
    """Return the checks of a configuration; None where no endpoint has any, and nothing of them is imported."""
    if all(endpoint.content_safety is None for endpoint in config.endpoints.values()):
        return None
    from agent.content_safety.service import Checking  # noqa: PLC0415 - the point of this function

    return Checking(config, store, engine, series, clock, held, random)
