"""A past that tests of baselines share."""

import shutil
from pathlib import Path

import pytest

from agent.config import Config
from tests.fakes.lived import AT, DAY, FIXED, Lived


@pytest.fixture(scope="session")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten quiet days and ten shifted ones, saved."""
    agent = Lived(tmp_path_factory.mktemp("past"), Config(endpoints={"model": FIXED}))
    agent.days(0, 10)
    assert agent.events() == []
    agent.days(10, 20, shift=1.5)
    agent.store.close()
    return agent.folder / "store.sqlite"


@pytest.fixture
def drifted(past: Path, tmp_path: Path) -> Lived:
    """An agent that went through that past: its alert fires."""
    shutil.copy(past, tmp_path / "store.sqlite")
    agent = Lived(tmp_path, Config(endpoints={"model": FIXED}))
    agent.clock.time = AT + 20 * DAY - DAY // 6
    assert agent.firing()
    return agent
