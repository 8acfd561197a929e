"""What every test may ask for."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

Requires = Callable[[str | Path], str]

# How long an example takes depends on the neighbours. A build says the same twice; at a desk every run looks elsewhere.
settings.register_profile("desk", deadline=None)
settings.register_profile("build", deadline=None, derandomize=True)
settings.load_profile("build" if os.environ.get("DRIFTLINE_REQUIRE_SERVERS") == "1" else "desk")


def pytest_xdist_auto_num_workers() -> int:
    """Run two workers more than there are processors: tests of processes mostly wait."""
    return (os.cpu_count() or 1) + 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of processes first: the longest begin early, and what only computes fills the gaps they leave."""
    items.sort(key=lambda item: "/e2e/" not in item.path.as_posix())


@pytest.fixture(scope="session")
def requires() -> Requires:
    """Return a function that finds a program (str) or a file (Path) and skips the test where it is missing.

    With DRIFTLINE_REQUIRE_SERVERS=1, as in `.ci/run`, a missing one fails the test.
    """

    def find(what: str | Path) -> str:
        found = shutil.which(what) if isinstance(what, str) else str(what) if what.exists() else None
        if found is None:
            reason = f"{what} is not there"
            if os.environ.get("DRIFTLINE_REQUIRE_SERVERS") == "1":
                pytest.fail(reason)
            pytest.skip(reason)
        return found

    return find
