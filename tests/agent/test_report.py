"""`driftline report`: from the samples of closed windows to Evidently's page."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # no stubs among the locked packages
import pytest

from agent.cli import main
from agent.errors import TooLittleData
from agent.report_rows import sides, write_parquet
from agent.spool.frame import Frame, encode
from agent.store.store import Store
from detectors.types import Batch, Category, Column, Stream

HOUR = 3600 * 10**9
STREAM = Stream("delay", "blue", "live")


def sampled(store: Store, hour: int, shift: float = 0.0, stream: Stream = STREAM, rows: int = 200, *, kept: bool = True) -> None:
    """Save a closed window whose sample holds `delay`, `carrier` and a column without values."""
    draw = np.random.default_rng(hour)
    carrier = Category.of(draw.choice(["AA", "UA"], rows).tolist())
    features: dict[str, Column] = {"delay": draw.normal(shift, 1, rows), "carrier": carrier, "empty": np.full(rows, np.nan)}
    frame = encode(Frame(Batch("delay", "rows", rows, {}, features), "sample", None, 0))
    with store.transaction() as transaction:
        value = {"rows": rows, "scores": [], "findings": [], "profiles": {}, "sample": frame if kept else None}
        transaction.add_window(stream, hour * HOUR, (hour + 1) * HOUR, value)


def test_the_newest_sampled_window_is_held_against_those_before_it(tmp_path: Path) -> None:
    """Windows without a sample, and of other deployments, are passed over."""
    with Store(tmp_path / "store.sqlite") as store:
        for hour in range(5):
            sampled(store, hour)
        sampled(store, 5, stream=Stream("delay", "green", "live"))
        sampled(store, 6, kept=False)

        found = sides(store, "delay", "blue", None, None)

    assert found.window.start == 4 * HOUR
    assert (len(found.current["delay"]), len(found.reference["delay"])) == (200, 800)
    assert found.against == "4 windows since 1970-01-01T00:00:00+00:00"


def test_nothing_to_report_on_says_what_to_do(tmp_path: Path) -> None:
    """Without kept rows the way to get them is said: exit code 3."""
    with Store(tmp_path / "store.sqlite") as store:
        with pytest.raises(TooLittleData, match="keep_rows: 2000"):
            sides(store, "delay", None, None, None)
        sampled(store, 1)
        with pytest.raises(TooLittleData, match="first window"):
            sides(store, "delay", None, None, None)


def test_a_large_table_is_thinned_evenly(tmp_path: Path) -> None:
    """At most so many rows reach the worker, first and last among them; missing stays missing."""
    columns: dict[str, Column] = {"a": np.arange(1000.0), "b": Category(np.array([-1, 0] * 500, np.int32), ("x",))}

    assert write_parquet(columns, tmp_path / "t.parquet", most=11) == 11
    table = pq.read_table(tmp_path / "t.parquet").to_pydict()
    assert (table["a"][0], table["a"][-1]) == (0.0, 999.0)
    assert set(table["b"]) == {None, "x"}


def test_a_report_is_drawn_from_the_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command reads the store beside a configuration and has Evidently draw: the locked one, with the locked pandas."""
    (tmp_path / "c.yaml").write_text("sources: {otlp: {}}\nstate: st\nendpoints: {delay: {keep_rows: 200}}")
    with Store(tmp_path / "st" / "store.sqlite") as store:
        sampled(store, 1)
        sampled(store, 2, shift=2.0)
    out = tmp_path / "r.html"

    assert main(["report", "delay", "-c", str(tmp_path / "c.yaml"), "--out", str(out)]) == 0
    assert "window of 1970-01-01T02:00:00+00:00 (blue) against 1 windows" in capsys.readouterr().out
    page = out.read_text("utf-8")
    assert page.lstrip().lower().startswith(("<html", "<!doctype html"))
    assert "delay" in page
    assert "carrier" in page
    assert list(tmp_path.glob("*.part")) == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["elay"], 2, "unknown 'elay'; known: delay"),
        (["delay"], 2, "holds no store yet"),
        (["delay", "--window", "noon"], 2, "holds no store yet"),
        (["delay", "--current", "x.csv"], 2, "--current needs --reference"),
        (["delay", "--out", "/nowhere/x.html"], 2, "its folder is not there"),
    ],
)
def test_what_cannot_be_reported_is_said(
    tmp_path: Path, arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong names, missing stores and folders end in one line."""
    (tmp_path / "c.yaml").write_text("sources: {otlp: {}}\nendpoints: {delay: {}}")

    assert main(["report", *arguments, "-c", str(tmp_path / "c.yaml")]) == code
    assert words in capsys.readouterr().err
