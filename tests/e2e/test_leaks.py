"""`doctor --leaks`: a thousand calls with secrets in every text leave none behind; where one is left, it is told."""

import subprocess
import sys
from pathlib import Path

import pytest

from agent.doctor.seeded_calls import Seed, leaked
from agent.redaction.redactor import Redactor

CONFIG = """
version: 1
sources:
  otlp: {{http: "127.0.0.1:4318"}}
endpoints:
  plain: {{match: {{service.name: plain}}}}
  described: {{match: {{service.name: described}}, content: features}}
  judged:
    match: {{service.name: judged}}
    content: transient
    redact: {{keep: {keep}}}
    judge: {{url: "http://127.0.0.1:9/v1", model: judge, evaluators: [relevance, fluency]}}
sinks:
  prometheus: {{}}
"""


def _doctor(folder: Path, keep: str) -> subprocess.CompletedProcess[str]:
    (folder / "driftline.yaml").write_text(CONFIG.format(keep=keep), "utf-8")
    return subprocess.run(
        [sys.executable, "-P", "-m", "agent", "doctor", "--leaks", "-c", "driftline.yaml"],
        capture_output=True, text=True, cwd=folder, timeout=180, check=False,
    )  # fmt: skip


def test_no_secret_is_found_again(tmp_path: Path) -> None:
    """Not in spool, store, log, pages, files or envelopes after kill -9; a judge is sent no secret a pattern knows."""
    done = _doctor(tmp_path, "[]")
    assert "999 calls with secrets in every text: nothing found again in" in done.stdout
    assert done.returncode == 0, done.stdout
    assert not (tmp_path / "driftline-state").exists()


def test_what_is_left_in_is_found(tmp_path: Path) -> None:
    """With e-mail addresses kept in, the judge is sent them, and the test says so: it can fail."""
    done = _doctor(tmp_path, "[email]")
    assert "what was sent to judges, web hooks and Azure holds" in done.stdout
    assert done.returncode == 1


@pytest.mark.parametrize("number", [0, 7, 999])
def test_each_seed_is_recognised(number: int) -> None:
    """Every secret of a record is found in a text that has it, and none is left once it was redacted."""
    said = Seed.of(number).said("prompt")
    assert leaked(said, 1_000) == {Seed.of(number).mark, *Seed.of(number).secrets}
    redacted = Redactor().redact(said)
    assert redacted is not None
    assert leaked(redacted, 1_000) == {Seed.of(number).mark}
