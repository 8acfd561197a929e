"""What a configuration may say of sampling upstream and of texts on disk, and the sentence for what it may not."""

from datetime import timedelta
from pathlib import Path

import pytest

from agent.config import KeptTexts
from agent.config_file import load
from agent.errors import ConfigError


def _written(folder: Path, options: str) -> Path:
    path = folder / "driftline.yaml"
    path.write_text(f"version: 1\nsources: {{otlp: {{}}}}\nendpoints:\n  shop: {{{options}}}\nsinks: {{prometheus: {{}}}}\n")
    return path


def test_it_is_read(tmp_path: Path) -> None:
    """Spans of time and sizes as one writes them."""
    path = _written(tmp_path, "content: sampled, sampled_upstream: 0.1, texts: {max_age: 30d, max_bytes: 64MiB}")
    endpoint = load(path, {}).endpoints["shop"]
    assert (endpoint.sampled_upstream, endpoint.content) == (0.1, "sampled")
    assert endpoint.texts == KeptTexts(timedelta(days=30), 64 * 1024 * 1024)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("content: sampled, texts: {max_age: 31d}", r"endpoints\.shop\.texts\.max_age: 31d should be less than or equal to 30 days"),
        ("content: sampled, texts: {max_age: 0s}", r"endpoints\.shop\.texts\.max_age: 0s should be greater than"),
        ("content: sampled, texts: {max_bytes: 1KiB}", r"endpoints\.shop\.texts\.max_bytes: 1KiB should be greater"),
        ("content: features, texts: {max_age: 2d}", r"endpoints\.shop\.texts: nothing stays on disk under content: features"),
        ("sampled_upstream: 0", r"endpoints\.shop\.sampled_upstream: 0 should be greater than 0"),
        ("sampled_upstream: 10", r"endpoints\.shop\.sampled_upstream: 10 should be less than or equal to 1"),
        ("sampled_upstream: .nan", r"endpoints\.shop\.sampled_upstream: nan should be"),
        ("sampled_upstream: often", r"endpoints\.shop\.sampled_upstream: often should be a valid number"),
        ("content: sampled, redact: {recognisers: {presidio: {}}}", r"endpoints\.shop\.redact"),
    ],
)
def test_what_may_not_be_is_told(tmp_path: Path, options: str, said: str) -> None:
    """The key, the value and what it should be."""
    with pytest.raises(ConfigError, match=said):
        load(_written(tmp_path, options), {})
