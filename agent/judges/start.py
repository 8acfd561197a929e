"""Begins the judges of a configuration, where it has any: an agent without one does not carry them in its memory."""

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from agent.config import Config
from agent.engine import Engine
from agent.judges.held import HeldTexts
from agent.series import Series
from agent.sources import Clock
from agent.store.store import Store

if TYPE_CHECKING:
    from agent.judges.service import Judging
    from agent.texts.keeping import Keeping

EVERY = timedelta(seconds=5)
"""Between looks for windows to judge."""


def judging_of(
    config: Config,
    store: Store,
    engine: Engine,
    series: Series,
    clock: Clock,
    held: HeldTexts,
    random: Random,
    keeping: "Keeping | None" = None,
) -> "Judging | None":
    """Return the judges of a configuration; None where no endpoint has one, and nothing of them is imported."""
    if all(endpoint.judge is None for endpoint in config.endpoints.values()):
        return None
    from agent.judges.service import Judging  # noqa: PLC0415 - the point of this function

    return Judging(config, store, engine, series, clock, held, random, keeping)
