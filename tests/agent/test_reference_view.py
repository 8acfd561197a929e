"""`driftline baseline show`: what a reference rests on and can see, and where the references of live streams stand."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from agent.cli import main
from agent.config import Columns, Config, Endpoint, Reference
from agent.reference_view import described
from agent.spool.frame import Frame
from detectors.drift.calendar import Days
from detectors.drift.drift import Drift
from detectors.types import Batch, Category
from tests.fakes.drift_stream import START, batch, day, history
from tests.fakes.rig import Rig

DAY = 86_400 * 10**9


def rows(number: int) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]] | Category]:
    """Return 300 rows of a day."""
    random = np.random.default_rng(number)
    return {"x": random.normal(size=300), "c": Category.of(["a", "b", "b"] * 100)}


def test_both_references_say_status_days_and_what_they_see() -> None:
    """A stream's state tells of both: how far each can be trusted, the smallest shifts, what was taken out, which days set the line."""
    first = START.date()
    detector = Drift(exclude=(Days(first, first + timedelta(days=1)),))
    state = history({day(n): batch(rows(n)) for n in range(56)})
    text = "\n".join(described(detector.step(state, day(56), detector.observe(state, batch(rows(56)))).state.plain(), detector))
    for name in ("fixed", "rolling"):
        assert f"{name} reference: status calibrated: 54 windows on 54 days" in text
    assert text.count("taken out: 2 windows") == 2
    assert text.count("seen in a window of 300 rows: x 0.") == 2
    assert text.count("sets the line") >= 1
    short = history({day(n): batch(rows(n)) for n in range(20)})
    assert "status provisional: 20 windows on 20 days; 30 more days until calibrated" in "\n".join(described(short.plain(), Drift()))


def test_live_streams_are_shown_beside_their_baseline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`baseline show` names each stream the daemon saved, with the references it has now."""
    config = tmp_path / "driftline.yaml"
    config.write_text("version: 1\nstate: state\nsources: {otlp: {}}\nendpoints:\n  model: {window: 1d, reference: {baseline: good}}\n")
    (tmp_path / "state").mkdir(mode=0o700)
    endpoint = Endpoint("model", window=timedelta(days=1), columns=Columns(), reference=Reference(baseline="good"))
    plain = history({day(n): batch(rows(n)) for n in range(56)}).plain()
    rig = Rig(tmp_path / "state", Config(endpoints={"model": endpoint}), {"model/drift": plain})
    for number in (56, 57):
        start = int(day(number).start.timestamp()) * 10**9
        times = start + np.arange(300) * 10**9
        rig.clock.time = start + DAY // 2
        rig.send(Frame(Batch("model", "rows", 300, {"time": times}, rows(number)), "test", None, rig.clock.time))
    rig.save()
    with rig.store.transaction() as transaction:
        transaction.put_baseline("good", 1, {"endpoint": "model", "config": "", "origin": None, "built": "now", "state": plain})
    rig.store.close()
    assert main(["baseline", "show", "good", "-c", str(config)]) == 0
    shown = capsys.readouterr().out
    assert "fixed reference: status calibrated: 56 windows on 56 days" in shown
    assert "default (live), as the daemon saved it last:" in shown
    assert "  rolling reference: status calibrated: 56 windows on 56 days" in shown
