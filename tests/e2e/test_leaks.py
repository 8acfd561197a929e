"""`doctor --leaks`: a thousand records with secrets through every source leave none behind; where one is left, it is told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.config_file import read
from agent.doctor.leaks import leaks
from agent.doctor.seeds import Seed, Seeds
from agent.redaction.kinds import NAMES
from agent.redaction.redactor import Redactor

CONFIG = """
version: 1
sources:
  otlp: {{http: "127.0.0.1:4318", grpc: "127.0.0.1:4317"}}
  collector: {{http: "127.0.0.1:50011", endpoint: scores}}
  labels: {{token: "${{env:LABELS_TOKEN}}", http: "127.0.0.1:4319", folder: inbox}}
endpoints:
  described: {{match: {{service.name: described}}, content: features, labels: {{}}, redact: {{keep: {keep}}}}}
  judged:
    match: {{service.name: judged}}
    content: transient
    redact: {{keep: {keep}}}
    judge: {{url: "http://127.0.0.1:9/v1", model: judge, evaluators: [relevance, fluency]}}
    content_safety: {{endpoint: "http://127.0.0.1:9"}}
  scores:
    match: {{driftline.endpoint: scores}}
    redact: {{keep: {keep}}}
    columns: {{id: request, prediction: y, segments: [region], categorical: [tier]}}
  loans:
    redact: {{keep: {keep}}}
    source: {{files: {{path: "loans/*"}}}}
    columns: {{timestamp: time, id: application, prediction: y, probability: p, label: repaid, deployment: slot, categorical: [tier]}}
    labels: {{}}
    enrichers: {{text: {{columns: [letter]}}}}
  claims:
    redact: {{keep: {keep}}}
    source: {{files: {{path: "claims/*", format: collector}}}}
    columns: {{prediction: y}}
  delays:
    redact: {{keep: {keep}}}
    source: {{azureml_blobs: {{account: mlprod, container: azureml-blobstore, endpoint: delay}}}}
    columns: {{timestamp: time, id: flight, prediction: y}}
sinks:
  prometheus: {{}}
"""
SOURCES = (
    "otlp over http (calls of judged)",
    "otlp over http (metrics of described)",
    "otlp over grpc (calls of judged)",
    "otlp over grpc (metrics of described)",
    "collector",
    "files of loans",
    "files of claims",
    "azuremlblobs of delays",
    "labels posted (of described)",
    "labels posted (of loans)",
    "labels folder (of loans)",
)
ENVIRONMENT = os.environ | {"LABELS_TOKEN": "a token of no value"}


def test_no_secret_is_found_again(tmp_path: Path) -> None:
    """Not in spool, store, log, pages, files, reports or envelopes after kill -9; a judge is sent no secret a pattern knows."""
    (tmp_path / "driftline.yaml").write_text(CONFIG.format(keep="[]"), "utf-8")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "agent", "doctor", "--leaks", "-c", "driftline.yaml"],
        capture_output=True, text=True, cwd=tmp_path, timeout=180, check=False, env=ENVIRONMENT,
    )  # fmt: skip
    kinds = (
        "otlp over http, otlp over grpc, collector, files of loans, files of claims, azuremlblobs of delays, labels posted, labels folder"
    )
    assert f"records with secrets in every text ({kinds}): nothing found again in" in done.stdout
    assert done.returncode == 0, done.stdout
    assert not (tmp_path / "driftline-state").exists()


def test_what_is_left_in_is_found(tmp_path: Path) -> None:
    """With every kind kept in, secrets of each source are found in the spool, and those of some everywhere else: it can fail."""
    config = read(CONFIG.format(keep=list(NAMES)), "driftline.yaml", tmp_path, ENVIRONMENT)
    told = [remark.what for remark in leaks(config, ENVIRONMENT, records=200) if remark.weight == "error"]

    assert [source for source in SOURCES if not any(".seg holds" in what and f"for {source} carried" in what for what in told)] == []
    for place in ("state/store.sqlite", "/metrics", "lines.jsonl", "report scores", "baseline show loans", "what was sent to judges"):
        assert any(what.startswith(place) for what in told), place


@pytest.mark.parametrize("number", [0, 7, 999])
def test_each_seed_is_recognised(number: int) -> None:
    """Every secret of a record is found in a text that has it, and only its mark is left once the text was redacted."""
    seed, seeds = Seed.of(number), Seeds({"here": range(1_000)})
    assert seeds.found(seed.said("prompt")) == {"here": {seed.mark, *seed.secrets}}
    redacted = Redactor().redact(seed.said("prompt"))
    assert redacted is not None
    assert seeds.found(redacted) == {"here": {seed.mark}}
