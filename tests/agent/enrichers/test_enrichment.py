"""Features stand in the place of the columns they were drawn from, the same in every format and however rows were cut."""

import base64
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # no stubs among the locked packages
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from agent.config import Columns, Endpoint
from agent.config_hash import config_hash, reference_hash
from agent.enrichers import Drawn, Enricher
from agent.enrichers.embedding import Embedding
from agent.enrichers.enrichment import Enrichment
from agent.enrichers.image import Image
from agent.enrichers.text import Text
from agent.enrichers.yardsticks import ENOUGH, Own, Yardsticks, kept_in
from agent.rows.shape import Shape
from agent.rows.table import read_table
from agent.rows.values import Values
from detectors.types import Batch, Category, Column

WORDS = (
    "card",
    "lost",
    "payment",
    "when",
    "refund",
    "rate",
    "transfer",
    "is",
    "my",
    "top up",
    "abroad",
    "limit",
    "pin",
    "cash",
    "fee",
    "why",
)


def sentences(rows: int, seed: int = 1) -> list[str]:
    """Return texts of a few words each."""
    chance = np.random.default_rng(seed)
    return [" ".join(chance.choice(WORDS, 8)) for _ in range(rows)]


def plain(column: Column) -> list[Any]:
    """Return a column's values, None where missing."""
    if isinstance(column, Category):
        return column.decode()
    return [None if value != value else value for value in np.asarray(column).tolist()]  # noqa: PLR0124 (NaN)


def drawn(enricher: Enricher, values: Sequence[Any], yardsticks: Yardsticks | None = None) -> Drawn:
    """Return what an enricher draws from values."""
    return enricher.draw("c", values, Own(yardsticks or Yardsticks(), "e/x"))


def enrichment(yardsticks: Yardsticks | None = None, **enrichers: Enricher) -> Enrichment:
    """Return enrichers of an endpoint."""
    return Enrichment("e", enrichers, yardsticks or Yardsticks())


def test_a_batch_has_the_features_and_not_the_text() -> None:
    """The column is gone, also where an earlier configuration made it a feature; the others stay as they are."""
    shape = Shape("e", Columns(), UTC, enrichment(text=Text(("q",))))
    table = {"q": Values(["Where is my card?", None, 7]), "x": Values([1, 2, 3])}

    batch, kinds, dropped = shape.batch(table, 3, {"q": "category"}, {}, "a file")

    names = ("length", "words", "script", "language")
    assert list(batch.features) == [*(f"text.q.{name}" for name in names), "x"]
    assert plain(batch.features["text.q.length"]) == [17, None, None]
    assert plain(batch.features["text.q.words"]) == [4, None, None]
    assert plain(batch.features["text.q.language"]) == ["en", None, None]
    assert kinds == {"x": "number"}
    assert dropped == {"not_text": 1}


ROWS = 1200
PICTURES = [(np.arange(9.0).reshape(3, 3) * (1 + row % 5)).tolist() for row in range(ROWS)]
VECTORS = np.random.default_rng(4).normal(size=(ROWS, 5)).round(6).tolist()


def write_json(path: Path, texts: list[str]) -> None:
    """Write one record a line."""
    rows = zip(texts, PICTURES, VECTORS, strict=True)
    path.write_text("".join(json.dumps({"q": text, "p": picture, "v": vector}) + "\n" for text, picture, vector in rows))


def write_csv(path: Path, texts: list[str]) -> None:
    """Write everything as text, lists as JSON."""
    rows = zip(texts, PICTURES, VECTORS, strict=True)
    path.write_text("q,p,v\n" + "".join(f'{text},"{json.dumps(picture)}","{json.dumps(vector)}"\n' for text, picture, vector in rows))


def write_parquet(path: Path, texts: list[str]) -> None:
    """Write typed columns: text, nested lists, lists of float64."""
    parquet.write_table(pa.table({"q": texts, "p": PICTURES, "v": VECTORS}), path, row_group_size=500)


def write_fixed_parquet(path: Path, texts: list[str]) -> None:
    """Write vectors as lists of a fixed size, as embedding stores do."""
    vectors = pa.array(VECTORS, pa.list_(pa.float64(), 5))
    parquet.write_table(pa.table({"q": pa.array(texts).dictionary_encode(), "p": PICTURES, "v": vectors}), path)


@pytest.mark.parametrize(
    ("suffix", "write"), [("jsonl", write_json), ("csv", write_csv), ("parquet", write_parquet), ("fixed.parquet", write_fixed_parquet)]
)
def test_every_format_gives_the_same_features(tmp_path: Path, suffix: str, write: Callable[[Path, list[str]], None]) -> None:
    """JSON lines and Parquet agree with what the enrichers draw from the bare values, to the last bit."""
    texts = sentences(ROWS)
    write(tmp_path / f"a.{suffix}", texts)
    kept = Yardsticks()
    enrichers = enrichment(kept, text=Text(("q",)), image=Image(("p",), format="pixels"), embedding=Embedding(("v",)))
    expected: dict[str, list[Any]] = {}
    for kind, column, values in (("text", "q", texts), ("image", "p", PICTURES), ("embedding", "v", VECTORS)):
        found = enrichers.enrichers[kind].draw(column, values, Own(kept, f"e/{kind}"))
        expected |= {f"{kind}.{column}.{name}": plain(value) for name, value in found.features.items()}

    batches = list(read_table(tmp_path / f"a.{suffix}", Columns(), "e", enrichment=enrichers))

    got = {name: [value for batch in batches for value in plain(batch.features[name])] for name in batches[0].features}
    assert got == expected
    assert len(got) == 7 + 10 + 3


@settings(max_examples=12, deadline=None)
@given(cuts=st.lists(st.integers(1, ROWS - 1), max_size=6, unique=True), order=st.randoms(use_true_random=False))
def test_features_do_not_depend_on_the_cut(cuts: list[int], order: Any, measured: tuple[Yardsticks, Mapping[str, list[Any]]]) -> None:
    """Once there is a yardstick, a row's features are the same whatever rows come with it, to the last bit."""
    kept, whole = measured
    texts = sentences(ROWS)
    place = list(range(ROWS))
    order.shuffle(place)
    got: dict[str, list[Any]] = {name: [None] * ROWS for name in whole}
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), ROWS], strict=True):
        rows = place[start:end]
        parts = both([texts[row] for row in rows], [VECTORS[row] for row in rows], kept)
        for name, column in parts.items():
            for row, value in zip(rows, plain(column), strict=True):
                got[name][row] = value

    assert got == whole


def both(texts: Sequence[Any], vectors: Sequence[Any], kept: Yardsticks) -> dict[str, Column]:
    """Return what is drawn from texts and from vectors."""
    found = Embedding(("c",)).draw("c", vectors, Own(kept, "e/v")).features
    return {**drawn(Text(("c",)), texts, kept).features, **{f"v.{name}": column for name, column in found.items()}}


@pytest.fixture(scope="module")
def measured() -> tuple[Yardsticks, Mapping[str, list[Any]]]:
    """Return learnt yardsticks, and the features of all rows together."""
    kept = Yardsticks()
    both(sentences(ROWS), VECTORS, kept)
    return kept, {name: plain(column) for name, column in both(sentences(ROWS), VECTORS, kept).items()}


def test_a_yardstick_is_learnt_once_and_survives(tmp_path: Path) -> None:
    """Too few values: there is nothing to measure by. Then it is on disk, and another process measures the same rows alike."""
    texts, kept = sentences(ENOUGH + 50), Yardsticks(tmp_path)

    early = drawn(Text(("c",)), texts[: ENOUGH - 1], kept)
    assert list(early.features) == ["length", "words", "script", "language"]
    assert not list(tmp_path.iterdir())

    late = drawn(Text(("c",)), texts[ENOUGH - 1 :], kept)
    again = drawn(Text(("c",)), texts[ENOUGH - 1 :], Yardsticks(tmp_path))
    assert [name for name in late.features if plain(late.features[name]) != plain(again.features[name])] == []
    assert None not in plain(late.features["surprise"])
    (file,) = tmp_path.iterdir()
    assert not any(text.encode() in file.read_bytes() for text in texts)


def test_a_yardstick_that_cannot_be_kept_measures_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What could change with the next start would show as drift: it is told, and tried again with the next rows."""
    (tmp_path / "yardsticks").write_text("a file where the folder should be")
    kept, texts = Yardsticks(tmp_path / "yardsticks"), sentences(ENOUGH)

    assert "novelty" not in drawn(Text(("c",)), texts, kept).features
    assert "cannot be written" in caplog.text
    (tmp_path / "yardsticks").unlink()
    assert None not in plain(drawn(Text(("c",)), texts[:5], kept).features["novelty"])


def test_a_damaged_yardstick_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is learnt anew, and the log says that its reference must be too."""
    texts = sentences(ENOUGH)
    drawn(Text(("c",)), texts, Yardsticks(tmp_path))
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:100])

    assert None not in plain(drawn(Text(("c",)), texts, Yardsticks(tmp_path)).features["novelty"])
    assert "build its reference anew" in caplog.text


def test_the_first_to_learn_is_right(tmp_path: Path) -> None:
    """Two processes that learn at the same time from different rows go on with the same yardstick."""
    early, late = Yardsticks(tmp_path), Yardsticks(tmp_path)
    drawn(Text(("c",)), sentences(ENOUGH - 1, seed=2), late)
    drawn(Text(("c",)), sentences(ENOUGH, seed=1), early)

    mine, theirs = (drawn(Text(("c",)), sentences(20, seed=3), one) for one in (early, late))

    assert plain(mine.features["surprise"]) == plain(theirs.features["surprise"])
    assert len(list(tmp_path.iterdir())) == 1


def test_one_state_folder_has_one_set_of_yardsticks(tmp_path: Path) -> None:
    """A source and a reference of the same process cannot learn two that differ."""
    assert kept_in(tmp_path) is kept_in(tmp_path)


class Broken:
    """An enricher of somebody else, with a fault."""

    columns = ("q",)

    def draw(self, column: str, values: Sequence[Any], yardsticks: Own) -> Drawn:  # noqa: ARG002 (what an enricher is given)
        """Fail, or give too few values."""
        if len(values) > 2:
            raise ZeroDivisionError("a secret of a user")
        return Drawn({"short": np.zeros(1)})


@pytest.mark.parametrize("rows", [2, 3])
def test_an_enricher_that_fails_costs_its_own_features_only(rows: int, caplog: pytest.LogCaptureFixture) -> None:
    """Rows and other features go on; it is counted and told of, without what was in the rows."""
    shape = Shape("e", Columns(), UTC, Enrichment(f"e{rows}", {"broken": Broken(), "text": Text(("t",))}, Yardsticks()))

    batch, _, dropped = shape.batch({"q": Values(["a"] * rows), "t": Values(["b"] * rows)}, rows, {}, {}, "a file")

    assert "text.t.length" in batch.features
    assert not any(name.startswith("broken") for name in batch.features)
    assert dropped == {"enricher_fault": rows}
    assert "enricher broken" in caplog.text
    assert "secret" not in caplog.text


def test_inputs_without_the_column_have_no_features() -> None:
    """The half of a row that lacks the column must not hide what the other half says."""
    shape = Shape("e", Columns(), UTC, enrichment(text=Text(("answer",))))

    batch, _, _ = shape.batch({"x": Values([1.0])}, 1, {}, {}, "a file")

    assert list(batch.features) == ["x"]


def test_enrichers_decide_scores() -> None:
    """Another enricher is another reference; none leaves the digits of older configurations as they were."""
    bare = Endpoint("e")
    with_text = Endpoint("e", enrichers=enrichment(text=Text(("q",))))
    with_image = Endpoint("e", enrichers=enrichment(image=Image(("q",), format="pixels")))

    assert len({config_hash(one) for one in (bare, with_text, with_image)}) == 3
    assert len({reference_hash(one) for one in (bare, with_text, with_image)}) == 3


def batch_of(rows: list[dict[str, Any]], *enrichers: tuple[str, Enricher]) -> tuple[Batch, Counter[str]]:
    """Return a batch of JSON records."""
    shape = Shape("e", Columns(), UTC, Enrichment("e", dict(enrichers), Yardsticks()))
    names = dict.fromkeys(name for row in rows for name in row)
    batch, _, dropped = shape.batch({name: Values([row.get(name) for row in rows]) for name in names}, len(rows), {}, {}, "a request")
    return batch, dropped


HOSTILE: list[Any] = [
    None, 7, True, "", " ", "\0", "\ud800", "é" * 100_000, [], [[]], [[1]], {}, {"bytes": None}, {"bytes": b"x"}, b"\xff\xfe", [1, "a"],
    [[1, 2], [3]], [float("nan")], [10**400], [None], "[1, 2", "[]", "[1e999]", "{}", "data:,", "data:image/png;base64,!!", "====",
    base64.b64encode(bytes(1000)).decode(), [[[1, 2]]], [[[[1]]]], list(range(9000)), [[1e308, -1e308]] * 3, [[True, False]] * 3,
    [1e308, 1e308], "٣" * 50, "\u202e" * 20, "a" * 5000 + " b" * 5000, -1, 0.5, [0.0] * 4, ["1", "2"],
]  # fmt: skip
"""Values no sane application sends."""


@pytest.mark.parametrize("kind", ["text", "image", "embedding"])
def test_hostile_values_are_missing_and_their_rows_go_on(kind: str) -> None:
    """Each alone and all together: a value a row, whatever it is, nothing is raised, and numbers are finite or missing."""
    made: dict[str, Enricher] = {"text": Text(("c",)), "image": Image(("c",), format="pixels"), "embedding": Embedding(("c",))}
    enricher = made[kind]
    alone = [batch_of([{"c": value, "x": 1.0}], (kind, enricher)) for value in HOSTILE]
    together, dropped = batch_of([{"c": value, "x": 1.0} for value in HOSTILE], (kind, enricher))

    assert [batch.rows for batch, _ in alone] == [1] * len(HOSTILE)
    assert "enricher_fault" not in dropped
    assert sum((lost for _, lost in alone), Counter[str]()) == dropped
    for name, column in together.features.items():
        assert plain(column) == [value for batch, _ in alone for value in plain(batch.features[name])]
        assert isinstance(column, Category) or not np.isinf(np.asarray(column)).any()


def test_a_vector_of_another_dimension_is_counted() -> None:
    """The dimension is that of most vectors learnt from; others are missing, in all features."""
    kept, odd = Yardsticks(), [[1.0, 2.0]] * 3
    drawn(Embedding(("c",)), odd + VECTORS, kept)

    found = drawn(Embedding(("c",)), [*odd, json.dumps(VECTORS[0]), VECTORS[0]], kept)

    assert found.refused == {"embedding_dimension": 3}
    assert [plain(column)[:3] for column in found.features.values()] == [[None] * 3] * 3
    assert [plain(column)[3] for column in found.features.values()] == [plain(column)[4] for column in found.features.values()]


@pytest.mark.parametrize("unusable", [None, "", "[cut"])
def test_a_batch_of_nothing_usable_has_the_features_of_any_other(unusable: str | None) -> None:
    """Once a yardstick is learnt: a row alone is missing what it is missing among others."""
    kept = Yardsticks()
    both(sentences(ENOUGH), [VECTORS[row % len(VECTORS)] for row in range(ENOUGH)], kept)
    alone = both([None if unusable is None else ""], [unusable], kept)

    assert alone.keys() == both(["a text"], [VECTORS[0]], kept).keys()
    assert {name: value for name, (value,) in ((name, plain(column)) for name, column in alone.items()) if value is not None} == {}
