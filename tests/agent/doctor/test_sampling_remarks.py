"""Doctor says where totals are estimates, and which texts lie on disk."""

from datetime import UTC, datetime
from pathlib import Path

from agent.config import Config, Endpoint, KeptTexts
from agent.doctor.sampling import sampling
from agent.judges.task import Item
from agent.store.store import Store
from agent.texts.kept import Arrived
from agent.texts.kept import KeptTexts as Texts

NOW = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp()) * 10**9


def test_nothing_is_said_where_nothing_is(tmp_path: Path) -> None:
    """Neither of an empty folder nor of files that cannot be read."""
    assert list(sampling(Config(state=tmp_path))) == []
    (tmp_path / "store.sqlite").write_bytes(b"no database")
    (tmp_path / "texts.sqlite").write_bytes(b"no database")
    assert list(sampling(Config(state=tmp_path))) == []


def test_estimates_and_texts_are_told(tmp_path: Path) -> None:
    """Each with what is to be known of it; texts nobody allows are a warning."""
    with Store(tmp_path / "store.sqlite") as store, store.transaction() as transaction:
        transaction.put("upstream", {"thinned": [[["shop", "gpt", "live"], {"tracestate": 0.1}]], "hidden": {}})
    texts = Texts(tmp_path / "texts.sqlite", {"shop": KeptTexts(), "bank": KeptTexts()}, lambda: NOW)
    for name in ("shop", "bank"):
        texts.put(name, [Arrived(1, NOW, "gpt", "live", Item("zebra", "yes"))])
    texts.close()
    endpoints = {"shop": Endpoint("shop", content="sampled"), "bank": Endpoint("bank")}
    told = [(one.weight, one.what) for one in sampling(Config(state=tmp_path, endpoints=endpoints))]
    assert told == [
        (
            "note",
            "shop (gpt): sampled upstream, about one call in 10 comes (tracestate): totals are estimates; driftline.requests.estimated has them",
        ),
        ("warning", "bank: 1 texts on disk, and its configuration allows none"),
        ("note", "shop: 1 redacted texts on disk, 0.0 MiB, each for 7 days"),
    ]
    assert "zebra" not in str(told)
