"""`driftline generate`: what is committed is what the catalogue says."""

from pathlib import Path

import pytest

from agent.cli import main
from agent.commands.generate import TARGETS, Difference, generate
from agent.errors import ConfigError
from agent.metric_reference import metric_reference
from detectors.catalog import metrics

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_committed_is_current(target: str) -> None:
    """Generating again changes nothing."""
    assert [str(each) for each in generate([target], ROOT, check=True)] == []


def test_generating_twice_changes_nothing(tmp_path: Path) -> None:
    """The first run writes every file, the second none, and both write the same bytes."""
    targets = ["alerts", "dashboards"]
    first = generate(targets, tmp_path, check=False)
    written = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert {each.state for each in first} == {"missing"}
    assert len(first) == len(written) == 4
    assert generate(targets, tmp_path, check=False) == []
    assert {path: path.read_bytes() for path in written} == written


def test_check_lists_differences_and_writes_nothing(tmp_path: Path) -> None:
    """A missing, a changed and a left-over file are told apart, each with what mends it."""
    generate(["alerts"], tmp_path, check=False)
    rules = tmp_path / "alerts/generated/prometheus/driftline.rules.yml"
    rules.write_text("groups: []\n", "utf-8")
    (tmp_path / "alerts/generated/azure/alerts.template.json").unlink()
    (rules.parent / "old.yml").touch()
    found = generate(["alerts"], tmp_path, check=True)
    assert {(each.path.rsplit("/", 1)[1], each.state) for each in found} == {
        ("driftline.rules.yml", "changed"),
        ("alerts.template.json", "missing"),
        ("old.yml", "left over"),
    }
    assert str(Difference("a/b.yml", "changed", "alerts")) == "a/b.yml: changed; run `driftline generate alerts`"
    assert rules.read_text("utf-8") == "groups: []\n"
    assert not (tmp_path / "alerts/generated/azure/alerts.template.json").exists()


def test_who_pages_changes_the_rules_only(tmp_path: Path) -> None:
    """A user's own paging goes into the rules; boards stay."""
    generate(["alerts", "dashboards"], tmp_path, check=False)
    found = generate(["alerts", "dashboards"], tmp_path, check=True, paging="prometheus")
    assert {each.target for each in found} == {"alerts"}
    assert len(found) == 2


def test_an_unknown_target_is_refused(tmp_path: Path) -> None:
    """The answer names the known ones."""
    with pytest.raises(ConfigError, match=f"unknown 'rules'; known: all, {', '.join(sorted(TARGETS))}"):
        generate(["rules"], tmp_path, check=True)


def test_the_metric_reference_lists_every_metric_once() -> None:
    """Nothing that can be emitted is left out."""
    text = metric_reference(metrics())
    assert all(text.count(f"| `{metric.name}` |") == 1 for metric in metrics())


def test_the_command_writes_checks_and_takes_paging_from_a_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Written once, checked clean; with another paging the check ends with 1 and says what mends it."""
    assert main(["generate", "alerts", "--root", str(tmp_path)]) == 0
    assert main(["generate", "alerts", "--check", "--root", str(tmp_path)]) == 0
    config = tmp_path / "driftline.yaml"
    config.write_text("version: 1\nsources: {otlp: {}}\npaging: prometheus\n", "utf-8")
    capsys.readouterr()
    assert main(["generate", "alerts", "--check", "-c", str(config), "--root", str(tmp_path)]) == 1
    assert "alerts/generated/prometheus/driftline.rules.yml: changed; run `driftline generate alerts`" in capsys.readouterr().out
    assert main(["generate", "alerts", "--check", "-c", str(config), "--paging", "azure", "--root", str(tmp_path)]) == 0


def test_wrong_use_is_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown target or a folder that is not there ends with 2."""
    assert main(["generate", "rules", "--root", str(tmp_path)]) == 2
    assert main(["generate", "--root", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.count("\n") == 2
