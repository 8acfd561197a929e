"""The section `enrichers` of an endpoint: what is accepted, what is refused, and where what is learnt is kept."""

import sys
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # its stubs are not among the locked packages
import pytest
import yaml

from agent.config import Config
from agent.config_file import read
from agent.config_schema import schema
from agent.enrichers.embedding import Embedding
from agent.enrichers.enrichment import Enrichment
from agent.enrichers.text import Text
from agent.enrichers.yardsticks import kept_in
from agent.errors import ConfigError

FILE = "state: kept\nsources: {{collector: {{}}}}\nendpoints: {{a: {{{}}}}}"


def config(options: str, folder: Path) -> Config:
    """Read a file whose endpoint `a` has these options."""
    return read(FILE.format(options), "config.yaml", folder, {})


def test_enrichers_are_read_and_keep_what_they_learn_in_the_state(tmp_path: Path) -> None:
    """Ids are `type` or `type/name`; every endpoint of a configuration has its yardsticks in the state folder."""
    text = "enrichers: {text: {columns: [q]}, text/answers: {columns: [a, b]}, embedding: {columns: [v]}}"
    found = config(text, tmp_path).endpoints["a"].enrichers

    assert isinstance(found, Enrichment)
    assert found.enrichers == {"text": Text(("q",)), "text/answers": Text(("a", "b")), "embedding": Embedding(("v",))}
    assert found.columns == {"q", "a", "b", "v"}
    assert found.yardsticks is kept_in(tmp_path / "kept")
    assert list(jsonschema.Draft202012Validator(schema()).iter_errors(yaml.safe_load(FILE.format(text)))) == []


@pytest.mark.parametrize("options", ["", "enrichers: {}", "enrichers:"])
def test_none_is_none(options: str, tmp_path: Path) -> None:
    """An empty section draws nothing."""
    assert config(options, tmp_path).endpoints["a"].enrichers is None


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ("enrichers: {txt: {columns: [q]}}", "endpoints.a.enrichers.txt: unknown component 'txt'; known: embedding, image, text; did you"),
        ("enrichers: {text: {}}", "endpoints.a.enrichers.text.columns: is required"),
        ("enrichers: {text: {columns: []}}", "endpoints.a.enrichers.text: columns must name at least one column"),
        ("enrichers: {text: {columns: q}}", "endpoints.a.enrichers.text.columns: must be a list"),
        ("enrichers: [text]", "endpoints.a.enrichers: must be a mapping, not a list"),
        (
            "enrichers: {image: {columns: [p], format: pixels, max_pixels: 1}}",
            "endpoints.a.enrichers.image.max_pixels: 1 should be greater",
        ),
        ("enrichers: {text: {columns: [q, q]}}", "endpoints.a.enrichers.text.columns: 'q' is under text already; leave it in one place"),
        (
            "enrichers: {text: {columns: [q]}, embedding: {columns: [q]}}",
            "endpoints.a.enrichers.embedding.columns: 'q' is under text already",
        ),
        *(
            (
                f"columns: {{{role}}}, enrichers: {{text: {{columns: [q]}}}}",
                "endpoints.a.enrichers.text.columns: 'q' is named under columns too, and would be gone; leave it in one of them",
            )
            for role in ("timestamp: q", "id: q", "prediction: q", "label: q", "segments: [x, q]", "categorical: [q]", "ignore: [q]")
        ),
    ],
)
def test_what_cannot_be_is_refused(options: str, line: str, tmp_path: Path) -> None:
    """Each fault names its key, and says what is known or what to do."""
    with pytest.raises(ConfigError) as caught:
        config(options, tmp_path)

    assert f"config.yaml: {line}" in str(caught.value)


def test_without_pillow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Picture files need it, and the error says what to install; lists of pixels do not."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "PIL"]:
        monkeypatch.delitem(sys.modules, name)
    # Nothing is installed beside what is imported already.
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(ConfigError, match=r"enrichers\.image\.format: .*driftline\[image\].*format: pixels"):
        config("enrichers: {image: {columns: [p]}}", tmp_path)

    assert config("enrichers: {image: {columns: [p], format: pixels}}", tmp_path).endpoints["a"].enrichers is not None
