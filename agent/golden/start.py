"""Begins the golden sets that run beside the agent, where there are any: an agent without them does not carry them in its memory."""

from datetime import timedelta
from typing import TYPE_CHECKING

from agent.config import Config
from agent.engine import Engine
from agent.sources import Clock
from agent.store.store import Store

if TYPE_CHECKING:
    from agent.golden.canaries import Canaries

EVERY = timedelta(seconds=5)
"""Between looks whether a set is due."""


def canaries_of(config: Config, store: Store, engine: Engine, clock: Clock) -> "Canaries | None":
    """Return the sets that have `every`; None where no endpoint has one, and nothing of them is imported. Raises as `canaries` does."""
    if not any(options.every is not None for endpoint in config.endpoints.values() for options in endpoint.golden.values()):
        return None
    from agent.golden.canaries import canaries  # noqa: PLC0415 - the point of this function

    return canaries(config, store, engine, clock)
