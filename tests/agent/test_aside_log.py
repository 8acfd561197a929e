"""Columns that are not watched are told once an endpoint, whichever stream set them aside."""

import pytest

from agent.aside_log import AsideLog
from detectors.drift.state import DriftState


def test_each_column_is_told_once_an_endpoint(caplog: pytest.LogCaptureFixture) -> None:
    """With the reason, as a warning; again for another endpoint; control characters cannot drive a terminal."""
    log = AsideLog()
    ids, more = DriftState(aside={"id": "looks like an id"}), DriftState(aside={"id": "free text", "a\x1b[31m": "free text"})

    assert log.tell("orders", {"drift": ids, "usage": object()}) == ["endpoint orders: id is not watched for drift: looks like an id"]
    assert log.tell("orders", {"drift": ids}) == []
    assert log.tell("orders", {"drift": more}) == ["endpoint orders: a?[31m is not watched for drift: free text"]
    assert len(log.tell("claims", {"drift": ids})) == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 3
