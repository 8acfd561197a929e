"""`thresholds` in the running agent: from the rows a window kept to gauges and findings, through a crash, beside the rule."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # no stubs among the locked packages
import pyarrow.parquet  # type: ignore[import-untyped]  # the same
import pytest

from agent.config import Columns, Config, Endpoint, Reference
from agent.endpoint import detectors_of
from agent.references import load
from agent.routing import MatchRouter
from agent.series import Series
from agent.spool.frame import Frame, decode
from agent.store.store import Store
from detectors.drift.drift import Drift
from detectors.drift.parity.compare import compare
from detectors.types import Batch, Column, Plain
from tests.fakes.rig import Hand, Rig

SECOND = 1_000_000_000
START = 1_767_225_600 * SECOND  # 2026-01-01 UTC
KEPT, ROWS = 100, 150
ENDPOINT = Endpoint(
    "model",
    window=timedelta(minutes=1),
    allowed_lateness=timedelta(0),
    detectors={"drift": Drift(thresholds="evidently")},
    keep_rows=KEPT,
    columns=Columns(prediction="y"),
)


def rows(minute: int, shift: float = 0.0) -> Frame:
    """Return a window's rows, all at its start."""
    random = np.random.default_rng(minute)
    time = np.full(ROWS, START + minute * 60 * SECOND, np.int64)
    columns: dict[str, Column] = {"time": time, "id": np.arange(ROWS, dtype=np.uint64) + np.uint64(1 + minute * ROWS)}
    return Frame(Batch("model", "rows", ROWS, columns, {"x": random.normal(shift, 1, ROWS)}), "test", None, int(time[0]))


def scored(rig: Rig) -> dict[int, dict[str, float]]:
    """Return the product's gauges of each window by its minute."""
    rig.save()
    found: dict[int, dict[str, float]] = {}
    for _, start, _, value in rig.windows("model"):
        methods = {names["method"]: number for metric, number, names in value["scores"] if metric == "driftline.drift.score"}
        found[(start - START) // (60 * SECOND)] = {name: one for name, one in methods.items() if name.startswith("evidently.")}
    return found


def findings(rig: Rig, minute: int) -> list[Any]:
    """Return what was told of a window."""
    return [one for _, start, _, value in rig.windows("model") if start == START + minute * 60 * SECOND for one in value["findings"]]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """A pipeline without a reference."""
    made = Rig(tmp_path, Config(endpoints={"model": ENDPOINT}))
    yield made
    made.store.close()


def test_the_first_ten_windows_are_the_reference_and_a_crash_forgets_none_of_it(rig: Rig) -> None:
    """From the eleventh window on its kept rows are scored; the store holds what they are held against."""
    for minute in range(7):
        rig.send(rows(minute))
    rig.save()
    rig.crash()
    for minute in range(7, 12):
        rig.send(rows(minute, shift=2.0 if minute == 10 else 0.0))

    found = scored(rig)

    assert [minute for minute, methods in found.items() if methods] == [10]
    assert set(found[10]) == {f"evidently.{name}" for name in ("psi", "kl_div", "jensenshannon", "hellinger", "wasserstein", "ks")}
    told = [one for one in findings(rig, 10) if "Evidently" in one["explanation"]]
    assert [(one["feature"], one["level"], one["samples"]) for one in told] == [("x", "information", KEPT)]


def test_the_other_numbers_are_what_they_are_without_it(tmp_path: Path) -> None:
    """The rule's gauges and findings do not change by a digit."""
    with_it, without = (tmp_path / "with", tmp_path / "without")
    told = []
    for folder, detector in ((with_it, Drift(thresholds="nannyml")), (without, Drift())):
        folder.mkdir()
        rig = Rig(folder, Config(endpoints={"model": replace(ENDPOINT, detectors={"drift": detector})}))
        for minute in range(30):
            rig.send(rows(minute))
        rig.save()
        told.append(
            [
                [one for one in value["scores"] if not str(one[2].get("method", "")).startswith("nannyml.")]
                for _, _, _, value in rig.windows("model")
            ]
        )
        rig.store.close()
    assert told[0] == told[1]


def test_a_reference_file_is_what_kept_rows_are_held_against(tmp_path: Path) -> None:
    """The rows of the file, as they are, and the sample of the first window: what the product says of those two tables."""
    random = np.random.default_rng(1)
    reference = {"x": random.normal(size=900), "y": random.normal(size=900)}
    pa.parquet.write_table(pa.table(reference), tmp_path / "train.parquet")
    endpoint = replace(ENDPOINT, reference=Reference(file=tmp_path / "train.parquet"))
    config = Config(endpoints={"model": endpoint})
    with Store(tmp_path / "references.sqlite") as store:
        states: dict[str, Plain] = load(config, store, MatchRouter(config), Series(), Hand()).beginnings.shared
    assert set(states) == {"model/drift", "model/drift/evidently"}
    rig = Rig(tmp_path, config, references=states)
    rig.send(rows(0))
    rig.send(rows(1))

    found = scored(rig)[0]

    # The sample is drawn by a hash of ids, so it is taken from what was stored.
    sample = decode(next(iter(rig.windows("model")))[3]["sample"]).batch
    assert sample is not None
    expected = compare("evidently", {"x": reference["x"]}, sample.features)[0]
    assert found == pytest.approx(expected.methods, rel=1e-12)
    rig.store.close()


def test_each_drift_detector_brings_its_own() -> None:
    """The second detector looks at the same columns; without thresholds there is none."""
    found = detectors_of(replace(ENDPOINT, detectors={"drift": Drift(features=("x",), thresholds="azureml"), "drift/2": Drift()}), 1)
    assert [name for name in found if not name.startswith(("metrics/", "retrieval/"))] == ["drift", "drift/2", "drift/azureml"]
    assert getattr(found["drift/azureml"], "features", None) == ("x",)
