"""Labels for evaluators come in by file and by request, about the calls that traces name."""

from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa  # type: ignore[import-untyped]  # no stubs among the locked packages
import pytest
from pyarrow import parquet

from agent.errors import InputError
from agent.labels.reading import from_file, from_json, to_json
from agent.sources.otlp.columns import CALL, assemble
from agent.sources.otlp.identity import identities
from agent.sources.otlp.merge import batches_of, rows_of
from detectors.types import Batch, Category, Text

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
IDENTITY = identities(bytes.fromhex(TRACE + SPAN)).tolist()
SPELT = [
    {"id": f"{TRACE}/{SPAN}"},
    {"id": f"{TRACE.upper()}-{SPAN}"},
    {"id": f"00-{TRACE}-{SPAN}-01"},
    {"trace_id": TRACE, "span_id": SPAN},
]


def _found(batch: Batch) -> tuple[list[int], list[str | None], list[str | None]]:
    ids, evaluators, labels = (batch.columns[name] for name in ("id", "evaluator", "label"))
    assert isinstance(ids, np.ndarray)
    assert isinstance(evaluators, Category)
    assert isinstance(labels, Category)
    return ids.tolist(), evaluators.decode(), labels.decode()


@pytest.mark.parametrize("name", SPELT, ids=range(len(SPELT)))
def test_every_way_in_names_the_same_call(tmp_path: Path, name: dict[str, str]) -> None:
    """Request, lines, table and columns lead to the id of the span, and to the label as it was given."""
    record = {**name, "evaluator": "refusal", "label": "1"}
    expected = (IDENTITY, ["refusal"], ["1"])
    assert _found(from_json(orjson.dumps([record]), "shop")) == expected
    (tmp_path / "labels.jsonl").write_bytes(orjson.dumps(record) + b"\n")
    (tmp_path / "labels.csv").write_text(f"{','.join(record)}\n{','.join(record.values())}\n", "utf-8")
    parquet.write_table(pa.table({name: [value] for name, value in record.items()}), tmp_path / "labels.parquet")
    for ending in ("jsonl", "csv", "parquet"):
        (batch,) = from_file(tmp_path / f"labels.{ending}", "shop", lambda _reason, _rows: None)
        assert _found(batch) == expected, ending


def test_labels_go_on_to_a_running_agent() -> None:
    """What the command posts is read as what it read."""
    records = [{"id": f"{TRACE}/{SPAN}", "evaluator": "fluency", "label": 4, "source": "me", "timestamp": "2026-01-01T00:00:00Z"}]
    batch = from_json(orjson.dumps(records), "shop")
    again = from_json(to_json(batch), "shop")
    assert _found(again) == _found(batch) == (IDENTITY, ["fluency"], ["4"])


@pytest.mark.parametrize("name", ["7", "", "zz" * 16 + "/" + SPAN, f"{TRACE}/{'0' * 16}", TRACE])
def test_what_names_no_call_has_no_id(name: str) -> None:
    """Such a label is counted unusable later on."""
    found = from_json(orjson.dumps([{"id": name, "evaluator": "refusal", "label": 1}]), "shop")
    assert np.asarray(found.columns["id"]).tolist() == [0]


def test_a_file_without_labels_is_refused(tmp_path: Path) -> None:
    """With the columns it has."""
    (tmp_path / "labels.csv").write_text(f"id,evaluator\n{TRACE}/{SPAN},refusal\n", "utf-8")
    with pytest.raises(InputError, match="has no column 'label'"):
        list(from_file(tmp_path / "labels.csv", "shop", lambda _reason, _rows: None))


def test_other_labels_are_read_as_before(tmp_path: Path) -> None:
    """A label whose text holds the word is no label of an evaluator."""
    (tmp_path / "labels.csv").write_text("id,label,source\na,1,evaluator x\n", "utf-8")
    (batch,) = from_file(tmp_path / "labels.csv", "shop", lambda _reason, _rows: None)
    assert "evaluator" not in batch.columns


def test_a_call_keeps_its_name_while_it_waits_for_its_parts() -> None:
    """Single rows and back: trace and span id are those people look up."""
    waited = assemble("shop", "calls", {"time": [1, 2], "id": [5, 6], CALL: [f"{TRACE}/{SPAN}", None]})
    (batch,) = batches_of([("shop", row) for row in rows_of(waited, np.arange(2))])
    assert batch.columns[CALL] == Text((f"{TRACE}/{SPAN}", None))
