"""A burst of attacks through the pipeline: from calls to one event that names it, also across a crash and a restart."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from agent.config import Config, Endpoint
from agent.spool.frame import Frame
from alerts.event import Event
from detectors.safety.results import encode, entry
from detectors.types import Batch, Category, Column
from tests.fakes.rig import Rig

NANO = 1_000_000_000
START = 1_767_225_600  # 2026-01-01 UTC
HOUR = 3600
CLEAN = encode([entry("prompt", "jailbreak"), entry("prompt", "hate", severity="safe")])
ATTACK = encode([entry("prompt", "jailbreak", detected=True), entry("prompt", "hate", severity="safe")])
CONFIG = Config(endpoints={"chat": Endpoint("chat", window=timedelta(hours=1), allowed_lateness=timedelta(0))})


def hour(rig: Rig, number: int, attacks: int) -> None:
    """Send an hour of 1,000 calls, and a handful of attacks within the minutes from :20 on."""
    seconds = np.sort(np.concatenate((np.linspace(0, HOUR - 1, 1_000), np.linspace(1_200, 1_319, attacks))).astype(np.int64))
    hits = np.isin(np.arange(len(seconds)), np.flatnonzero((seconds >= 1_200) & (seconds < 1_320))[:attacks])
    columns: dict[str, Column] = {
        "time": (START + number * HOUR + seconds) * NANO,
        "id": np.arange(1, len(seconds) + 1, dtype=np.uint64) + np.uint64(number * 10_000),
        "deployment": Category.constant("gpt", len(seconds)),
        "filters": Category.of([ATTACK if hit else CLEAN for hit in hits.tolist()]),
    }
    rig.send(Frame(Batch("chat", "calls", len(seconds), columns), "test", None, (START + (number + 1) * HOUR - 1) * NANO))


def told(rig: Rig) -> list[Event]:
    """Return the alert events saved so far, without those of drift: twelve in a thousand change the mix of filter results too."""
    rig.save()
    return [one for one in rig.told()[1] if one.kind == "alert" and one.name != "drift"]


def test_a_burst_is_one_event(tmp_path: Path) -> None:
    """After a usual day twelve jailbreaks in two minutes are told: category, direction, count, usual, beginning, deployment; once."""
    rig = Rig(tmp_path, CONFIG)
    for number in range(30):
        hour(rig, number, 1 if number % 5 == 0 else 0)
    assert told(rig) == []
    rig.crash()
    hour(rig, 30, 12)
    hour(rig, 31, 0)
    (event,) = told(rig)
    assert (event.name, event.state, event.severity) == ("attack_burst", "fired", "warning")
    assert event.attributes == {"endpoint": "chat", "deployment": "gpt", "traffic": "live"}
    assert (event.details["category"], event.details["direction"]) == ("jailbreak", "prompt")
    assert event.details["began"] == datetime.fromtimestamp(START + 30 * HOUR + 1_200, UTC).isoformat()
    assert event.values["attacks"] >= 11
    assert event.values["usual"] < 1
    for number in range(32, 36):
        hour(rig, number, 0)
    assert [(one.name, one.state) for one in told(rig)] == [("attack_burst", "fired"), ("attack_burst", "resolved")]
    rig.store.close()
