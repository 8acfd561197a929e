"""Columns on their way to the spool: masked by distinct value, told once, counted by rows, and the same whichever way they come."""

import logging

import numpy as np
import pytest

from agent.clock import WallClock
from agent.config import Columns, Endpoint, Redact
from agent.redaction.masking import Masks, masked
from agent.series import Series
from detectors.types import Batch, Category, Column, Text

MAIL = "anna@example.org"
NOTE = "she asked for it twice and they told her to come back in May"


def counted(series: Series) -> dict[str, float]:
    """Return reason to rows."""
    found = series.totals(WallClock().now())
    return {dict(one.attributes)["reason"]: one.value for one in found if one.metric.name == "driftline.agent.adjusted"}  # type: ignore[misc]  # a counter's value is a number


def rows(*values: str | None, name: str = "owner") -> Batch:
    """Return rows with one feature."""
    return Batch("loans", "rows", len(values), {"time": np.zeros(len(values), np.int64)}, {name: Category.of(values)})


def test_a_column_is_masked_told_once_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    """Distinct addresses become one category; the log says how to keep them, and never what they were."""
    series = Series()
    masks = Masks(Endpoint, series)
    for _ in range(2):
        found = masks.batch(rows(MAIL, "gold", None, "bert@example.org", MAIL), "files/loans")
    column = found.features["owner"]
    assert isinstance(column, Category)
    assert column.decode() == ["<email>", "gold", None, "<email>", "<email>"]
    assert counted(series) == {"masked": 6}
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "values of owner are kept as <email>" in caplog.text
    assert "redact: {keep: [email]}" in caplog.text
    assert "example.org" not in caplog.text


def test_a_clean_batch_is_the_same_batch() -> None:
    """Nothing is built anew where nothing is found."""
    batch = rows("gold", "silver")
    assert Masks(Endpoint).batch(batch, "files/loans") is batch


def test_every_column_that_holds_names_is_looked_at() -> None:
    """Predictions, labels, segments, deployments and who gave a label, as well as features."""
    one = Category.of([MAIL])
    columns = {"prediction": one, "label": one, "segment.region": one, "deployment": one, "traffic": Category.of(["live"])}
    found = Masks(Endpoint).batch(Batch("loans", "rows", 1, columns, {"owner": one}), "s")
    assert {name for name, column in found.columns.items() if isinstance(column, Category) and column.values == ("<email>",)} == {
        "prediction",
        "label",
        "segment.region",
        "deployment",
    }
    labels = Masks(Endpoint).batch(Batch("loans", "labels", 1, {"label": Category.of([NOTE]), "source": one}), "labels")
    source = labels.columns["source"]
    assert isinstance(source, Category)
    assert source.values == ("<email>",)


def test_comments_for_labels_are_free_text_unless_short() -> None:
    """A label that is a sentence is kept as one that is."""
    found = Masks(Endpoint).batch(Batch("loans", "labels", 2, {"label": Category.of([NOTE, "yes"])}), "labels")
    assert isinstance(found.columns["label"], Category)
    assert found.columns["label"].decode()[1] == "yes"


def test_free_text_of_a_stranger_is_no_text() -> None:
    """A source nobody knows may bring text columns: they become categories, and sentences go."""
    found = Masks(Endpoint).batch(Batch("loans", "rows", 1, {}, {"letter": Text((NOTE,))}), "theirs")
    assert isinstance(found.features["letter"], Category)
    assert found.features["letter"].values == ("<text>",)


def test_configured_kinds_are_kept() -> None:
    """`redact.keep` leaves a kind in, `columns.categorical` many words."""
    endpoint = Endpoint("loans", columns=Columns(categorical=("owner",)), redact=Redact(keep=("email",)))
    found = Masks(lambda _: endpoint).batch(rows(MAIL, NOTE), "s")
    assert isinstance(found.features["owner"], Category)
    assert found.features["owner"].decode() == [MAIL, NOTE]


def test_names_of_calls() -> None:
    """A model's name stays; what a sender wrote in its place, or for the id of an answer, does not."""
    columns: dict[str, Column] = {
        "model": Category.of(["gpt-4o-2024-08-06", MAIL]),
        "response_id": Text(("chatcmpl-9J3uLL8eQ", f"re: {MAIL}")),
        "time": np.zeros(2, np.int64),
    }
    found = Masks(Endpoint).batch(Batch("chat", "calls", 2, columns), "otlp")
    assert isinstance(found.columns["model"], Category)
    assert found.columns["model"].decode() == ["gpt-4o-2024-08-06", "<email>"]
    assert found.columns["response_id"] == Text(("chatcmpl-9J3uLL8eQ", None))


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_reference_fits_what_is_live(cut: int) -> None:
    """However rows are cut, and whether they come from history or by the spool, their values are the same."""
    values = ["gold", MAIL, NOTE, "10.0.0.7", "silver", "bert@example.org"]
    whole = Masks(Endpoint).batch(rows(*values), "s").features["owner"]
    parts = [rows(*values[start : start + cut]) for start in range(0, len(values), cut)]
    learnt = [value for part in masked(Endpoint("loans"), parts, "s") for value in part.features["owner"].decode()]  # type: ignore[union-attr]  # it is a category
    assert isinstance(whole, Category)
    assert learnt == whole.decode()


def test_filter_results_are_no_text() -> None:
    """However many categories a call names they stay; one called after a key or a person is counted as unknown."""
    usual = "|".join(f"prompt/{category}/safe/passed" for category in ("hate", "self_harm", "sexual", "task_adherence", "violence"))
    odd = f"completion/sk_{'4f9c2b7e1d8a' * 3}/high/blocked|prompt/hate/safe/passed"
    batch = Batch("chat", "calls", 2, {"time": np.zeros(2, np.int64), "filters": Category.of([usual, odd])})
    column = Masks(lambda _name: Endpoint("chat")).batch(batch, "otlp").columns["filters"]
    assert isinstance(column, Category)
    assert column.decode() == [usual, "completion/unknown/high/blocked|prompt/hate/safe/passed"]
