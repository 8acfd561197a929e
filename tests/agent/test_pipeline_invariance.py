"""Windows, scores, events and counters follow from the rows alone: not from cuts, order, batches or crashes."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.config import Config, Endpoint
from agent.plain import pack
from agent.spool.frame import Frame
from detectors.drift.baseline import BaselineBuilder
from detectors.types import Batch, Category, Plain, Window
from tests.fakes.rig import Rig

SECOND = 1_000_000_000
START = 1_767_225_600 * SECOND  # 2026-01-01 UTC
WINDOW, LATENESS = timedelta(minutes=1), timedelta(seconds=20)
CONFIG = Config(
    endpoints={
        "model": Endpoint("model", window=WINDOW, allowed_lateness=LATENESS, keep_rows=5),
        "chat": Endpoint("chat", window=WINDOW, allowed_lateness=LATENESS),
    }
)


@dataclass(frozen=True)
class Row:
    """One row of either endpoint; `delay` is how long after its time it arrives."""

    time: int
    delay: int
    id: int
    deployment: str
    value: float

    @property
    def arrival(self) -> int:
        """When it comes in."""
        return self.time + self.delay


def batch(endpoint: str, rows: Sequence[Row]) -> Batch:
    """Return rows as one batch: calls for chat, rows for model."""
    columns: dict[str, Any] = {
        "time": np.array([row.time for row in rows], np.int64),
        "id": np.array([row.id for row in rows], np.uint64),
        "deployment": Category.of([row.deployment for row in rows]),
    }
    values = np.array([row.value for row in rows])
    if endpoint == "model":
        return Batch("model", "rows", len(rows), columns, {"amount": values, "kind": Category.of([f"k{int(v) % 3}" for v in values])})
    errors = Category.of(["timeout" if row.value > 105 else None for row in rows])
    return Batch(
        "chat",
        "calls",
        len(rows),
        {**columns, "duration": values / 100, "error_type": errors, "operation": Category.constant("embeddings", len(rows))},
    )


def reference() -> Plain:
    """Return a reference of eight windows of the model's rows."""
    builder, chance = BaselineBuilder(), np.random.default_rng(1)
    days = []
    for day in range(8):
        start = datetime(2025, 11, 1, tzinfo=UTC) + timedelta(days=day)
        rows = [Row(START, 0, 1, "a", float(value)) for value in chance.normal(100, 5, 60)]
        days.append((batch("model", rows), Window(start, start + timedelta(days=1))))
    for one, _ in days:
        builder.learn(one)
    builder.fix()
    for one, window in days:
        builder.count(one, window)
    return builder.state().plain()


REFERENCE = reference()


@st.composite
def traffic(draw: st.DrawFn) -> list[Row]:
    """Rows of some minutes with a few pauses, in order of arrival; some are sent twice."""
    chance = np.random.default_rng(draw(st.integers(0, 2**32)))
    time, rows = START, []
    for number in range(draw(st.integers(1, 60))):
        time += int(chance.choice([0, 1, 7, 300], p=[0.4, 0.3, 0.28, 0.02])) * SECOND
        row = Row(time, int(chance.integers(0, 5)) * SECOND, number + 1, str(chance.choice(["a", "b"])), float(chance.normal(100, 5)))
        rows.append(row)
        if chance.random() < 0.1:
            rows.append(Row(row.time, row.delay, row.id, row.deployment, row.value))
    return sorted(rows, key=lambda row: row.arrival)


def cut(rows: Sequence[Row], chance: np.random.Generator, size: int) -> list[Frame]:
    """Cut rows into frames of at most five seconds and about `size` rows, shuffled inside; both endpoints see all rows."""
    frames: list[Frame] = []
    held: list[Row] = []

    def flush() -> None:
        if held:
            order = chance.permutation(len(held))
            received = max(row.arrival for row in held)
            frames.extend(Frame(batch(name, [held[i] for i in order]), "test", None, received) for name in ("model", "chat"))
            held.clear()

    for row in rows:
        if held and (row.arrival - held[0].arrival > 5 * SECOND or chance.random() < 1 / size):
            flush()
        held.append(row)
    flush()
    return frames


def outcome(rig: Rig) -> dict[str, Any]:
    """Return everything that must not depend on the cut: of events, which of two streams speaks first may."""
    told: dict[tuple[str, ...], list[str]] = {}
    for event in rig.told()[1]:
        told.setdefault((event.name, *event.attributes.values()), []).append(event.id)
    return {
        "windows": {name: [(*head, _comparable(value)) for *head, value in rig.windows(name)] for name in CONFIG.endpoints},
        "events": told,
        "counters": rig.counters(),
    }


def _comparable(value: Plain) -> bytes:
    profiles = {
        name: {
            "counts": {key: profile["counts"][key] for key in sorted(profile["counts"])},
            "tallies": {key: dict(sorted(profile["tallies"][key].items())) for key in sorted(profile["tallies"])},
        }
        for name, profile in sorted(value["profiles"].items())
    }
    return pack({"rows": value["rows"], "scores": value["scores"], "findings": value["findings"], "profiles": profiles})


def run(frames: Sequence[Frame], folder: Path, plan: Sequence[str] = ()) -> dict[str, Any]:
    """Send frames; after each do what the plan says: save, crash or nothing."""
    rig = Rig(folder, CONFIG, {"model/drift": REFERENCE})
    for number, frame in enumerate(frames):
        rig.send(frame)
        match plan[number % len(plan)] if plan else "":
            case "save":
                rig.save()
            case "crash":
                rig.crash()
    rig.settle(frames[-1].received + 3600 * SECOND)
    found = outcome(rig)
    rig.store.close()
    return found


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=traffic(),
    seed=st.integers(0, 2**32),
    size=st.integers(1, 40),
    plan=st.lists(st.sampled_from(["", "", "save", "crash"]), min_size=1, max_size=12),
)
def test_neither_cut_nor_order_nor_crash_changes_anything(rows: list[Row], seed: int, size: int, plan: list[str]) -> None:
    """Row by row and never saved, or in shuffled frames with checkpoints and crashes anywhere: windows, scores, ids, counters agree."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        plainly = run(cut(rows, np.random.default_rng(0), 1), Path(one))
        roughly = run(cut(rows, np.random.default_rng(seed), size), Path(other), plan)

    assert roughly["windows"] == plainly["windows"]
    assert roughly["events"] == plainly["events"]
    assert roughly["counters"] == plainly["counters"]
