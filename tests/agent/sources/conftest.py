"""What tests of sources share: a context with a clock that stands still until it is moved."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.config import Config, Endpoint
from agent.routing import MatchRouter
from agent.series import Series
from agent.sources import Context
from detectors.catalog import AGENT_DROPPED
from tests.fakes.azurite import PROGRAM, azurite


@dataclass(slots=True)
class StillClock:
    """A clock moved by hand."""

    time: datetime = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the time it was set to."""
        return self.time


def dropped(context: Context) -> dict[str, int]:
    """Return how much was dropped so far, by reason."""
    points = context.series.points(context.clock.now())
    return {dict(p.attributes)["reason"]: int(p.value) for p in points if p.metric is AGENT_DROPPED and isinstance(p.value, float | int)}


@pytest.fixture
def clock() -> StillClock:
    """Return the clock of the contexts."""
    return StillClock()


@pytest.fixture
def context_of(clock: StillClock) -> Callable[..., Context]:
    """Return a function that makes a context from an endpoint's options."""

    def make(**options: Any) -> Context:
        endpoint = Endpoint("delay", **options)
        return Context("rows/delay", MatchRouter(Config(endpoints={"delay": endpoint})), endpoint, Series(), clock)

    return make


@pytest.fixture
def dropped_in() -> Callable[[Context], dict[str, int]]:
    """Return the function that reads the drop counters of a context."""
    return dropped


@pytest.fixture(scope="session")
def azurite_connection(requires: Callable[[str | Path], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the connection string of a running Azurite."""
    with azurite(requires(PROGRAM), tmp_path_factory.mktemp("azurite")) as connection:
        yield connection
