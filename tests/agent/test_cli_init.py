"""`driftline init`: a configuration of at most twelve lines that the reader takes, and what to change."""

import io
from pathlib import Path

import pytest

from agent.cli import main
from agent.commands.init import KINDS, SINKS, Answers, advice, written
from agent.config_file import load, read

ENVIRONMENT = {"APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=x"}


@pytest.mark.parametrize("sink", SINKS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_gives_a_sound_file(kind: str, sink: str) -> None:
    """Whatever is chosen, the file has at most twelve lines and is read without a fault."""
    where = {"otlp": "bot", "azureml_blobs": "account/endpoint", "collector": "127.0.0.1:50011", "files": "data/*.csv"}[kind]
    text = written(Answers(kind, "my-model", where, "1h", sink))

    assert len(text.splitlines()) <= 12
    assert set(read(text, "f", Path("/x"), ENVIRONMENT).endpoints) == {"my-model"}
    assert "driftline run -c f" in advice(Answers(kind, "my-model", where, "1h", sink), Path("f"))[-1]


@pytest.mark.parametrize("name", ["12", "yes", "a: b", "{x}", "- a", '"', "ärende", "#1", "a #b", "1e3", "0x1F", "1:30", "~", "null"])
def test_any_name_survives_the_file(name: str) -> None:
    """Names that YAML would read as something else are quoted."""
    text = written(Answers("otlp", name, name, "15m", "prometheus"))

    endpoint = read(text, "f", Path("/x"), {}).endpoints[name]
    assert endpoint.match == {"service.name": name}


def test_without_questions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--yes` takes the defaults; the one environment variable of the application is said."""
    path = tmp_path / "driftline.yaml"

    assert main(["init", "-c", str(path), "--yes"]) == 0
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318" in capsys.readouterr().out
    assert set(load(path, {}).endpoints) == {"support-chat"}


def test_a_file_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An existing file stays unless --force is given."""
    path = tmp_path / "driftline.yaml"
    path.write_text("mine")

    assert main(["init", "-c", str(path), "--yes"]) == 2
    assert "is there already; --force overwrites it" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert main(["init", "-c", str(path), "--yes", "--force"]) == 0


def test_five_questions_are_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Answers come from standard input; a wrong one is asked for again, an empty one takes the default."""
    monkeypatch.setattr("sys.stdin", io.StringIO("nothing\nfiles\nflights\nrows/*.parquet\n1d\n\n"))
    path = tmp_path / "driftline.yaml"

    assert main(["init", "-c", str(path)]) == 0
    assert [f"{number}/5" in capsys.readouterr().err for number in (1,)] == [True]
    found = load(path, {}).endpoints["flights"]
    assert found.source.path == tmp_path / "rows/*.parquet"
    assert found.window.days == 1


def test_an_end_of_input_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A pipe without answers does not hang, and nothing is written."""
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    assert main(["init", "-c", str(tmp_path / "f")]) == 2
    assert "--yes for the defaults" in capsys.readouterr().err
    assert not (tmp_path / "f").exists()
