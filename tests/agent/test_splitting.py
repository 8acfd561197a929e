"""Names of streams come from traffic: they are bounded, and nothing in them can hurt a page, a log or a terminal."""

import numpy as np
import pytest

from agent.series import OTHER
from agent.splitting import DEPLOYMENTS, Splitter
from agent.store.dedup import RecentIds
from detectors.types import Batch, Category


def deployments(*names: str | None) -> list[tuple[str, int | None]]:
    """Return the deployments that calls of these names are counted under, with how many."""
    batch = Batch("chat", "calls", len(names), {"deployment": Category.of(names)})
    return [(part.stream.deployment, None if part.fresh is None else len(part.fresh)) for part in Splitter().parts(batch, RecentIds())]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("gpt-4o", "gpt-4o"),
        (None, "default"),
        ("gpt\x1b[31m\r\nERROR", "gpt?[31m??ERROR"),
        ("half a pair \ud800", "half a pair ?"),
        ("x" * 300, "x" * 128),
    ],
)
def test_names_are_harmless(name: str | None, shown: str) -> None:
    """Control characters, halves of characters and endless names become something every surface can show."""
    assert deployments(name) == [(shown, None)]


def test_names_that_become_one_are_one_stream() -> None:
    """Two names that differ in what cannot be shown are counted together, each row once."""
    assert deployments("a\x00", "a\x01", "b") == [("a?", 2), ("b", 1)]


def test_made_up_names_share_a_stream() -> None:
    """Beyond the limit of deployments the rest is one."""
    found = dict(deployments(*map(str, np.arange(DEPLOYMENTS + 7))))
    assert (len(found), found[OTHER]) == (DEPLOYMENTS + 1, 7)
