"""The example of training anew: what it uses is what is sent, a request is one job, and names from traffic stay words."""

import ast
import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from agent.triggers.cloud_event import TYPE, cloud_event
from alerts.retraining import State, Terms, Verdict, step
from alerts.retraining_event import retraining_event
from detectors.types import Stream, Window

FOLDER = Path(__file__).parents[2] / "examples" / "retraining"
START = datetime(2026, 3, 1, tzinfo=UTC)


def module(name: str) -> ModuleType:
    """Return a module of the example, which is no package."""
    spec = importlib.util.spec_from_file_location(f"retraining_example_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def sent(deployment: str = "blue") -> dict[str, Any]:
    """Return a request as a receiver gets it."""
    window = Window(START, START + timedelta(days=1))
    _, request = step(State(), Verdict("drift", window, bad=True), Terms(1, 1))
    assert request is not None
    event = cloud_event(retraining_event(Stream("delay", deployment, "live"), request, Terms(1, 1), {}))
    return json.loads(json.dumps(event))  # type: ignore[no-any-return]  # JSON is untyped


@dataclass
class Jobs:
    """The operations of an Azure ML client that are used, with its answers."""

    made: dict[str, Any] = field(default_factory=dict)
    moods: list[Exception] = field(default_factory=list)

    def get(self, name: str) -> Any:
        """Return a job, or raise as the client does."""
        if name not in self.made:
            raise ResourceNotFoundError(name)
        return self.made[name]

    def create_or_update(self, job: Any) -> Any:
        """Keep a job."""
        if self.moods:
            raise self.moods.pop(0)
        self.made[job.name] = job
        return job


def pipeline() -> Any:
    """Return a job with the pipeline's own inputs."""
    inputs = yaml.safe_load((FOLDER / "pipeline.yml").read_text("utf-8"))["inputs"]
    return SimpleNamespace(name="", inputs=SimpleNamespace(**inputs), tags={})


def test_a_request_is_one_job_however_often_it_comes() -> None:
    """Delivered twice, or again after an error: one name, made of the key; another key is another job."""
    retrain, jobs, event = module("retrain"), Jobs(moods=[HttpResponseError("busy")]), sent()

    with pytest.raises(HttpResponseError):
        retrain.start(jobs, pipeline, event["id"], event["data"])
    first = retrain.start(jobs, pipeline, event["id"], event["data"])
    again = retrain.start(jobs, pipeline, event["id"], event["data"])
    other = sent("green")
    retrain.start(jobs, pipeline, other["id"], other["data"])

    assert first is again
    assert len(jobs.made) == 2
    assert first.name == f"retrain-{event['id'][:32]}"
    assert first.tags == {"driftline_request": event["id"], "signal": "drift", "reason": "a bad window by drift"}


def test_the_pipeline_has_the_inputs_that_are_set() -> None:
    """No more and no less; and each is handed to the command."""
    whole = yaml.safe_load((FOLDER / "pipeline.yml").read_text("utf-8"))

    assert set(whole["inputs"]) == set(module("retrain").job_inputs(sent()["data"]))
    train = whole["jobs"]["train"]
    assert set(train["inputs"]) == set(whole["inputs"])
    assert (FOLDER / train["code"] / train["command"].split()[1]).is_file()
    assert all(f"${{{{inputs.{name}}}}}" in train["command"] for name in train["inputs"])
    assert all(f"${{{{outputs.{name}}}}}" in train["command"] for name in train["outputs"])


@pytest.mark.parametrize("deployment", ["blue", "$(touch pwned)", '"; touch pwned; "', "`touch pwned`", "blå\U0001f4a5"])
def test_a_name_from_traffic_says_nothing_to_a_shell(deployment: str, tmp_path: Path) -> None:
    """Azure ML writes inputs into a command line; the script reads them back as they were."""
    data = sent(deployment)["data"]
    command = yaml.safe_load((FOLDER / "pipeline.yml").read_text("utf-8"))["jobs"]["train"]["command"]
    command = command.replace("${{inputs.request}}", module("retrain").job_inputs(data)["request"]).replace("${{outputs.model}}", "model")
    script = command.replace("python train.py", f"{sys.executable} {FOLDER / 'train' / 'train.py'}")

    subprocess.run(["sh", "-c", script], cwd=tmp_path, check=True)

    assert json.loads((tmp_path / "model/request.json").read_text("utf-8")) == {
        name: data[name] for name in ("endpoint", "deployment", "signal", "first_window_start", "last_window_end")
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]


def test_the_function_listens_for_what_is_sent() -> None:
    """Same type of event, files that compile and parse, and requirements for everything imported."""
    assert module("retrain").TYPE == TYPE
    source = (FOLDER / "function_app.py").read_text("utf-8")
    imported = {node.module for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)}
    assert {"retrain", "azure.ai.ml", "azure.identity"} <= imported
    needed = (FOLDER / "requirements.txt").read_text("utf-8").split()
    assert [line.partition(">=")[0] for line in needed] == ["azure-functions", "azure-ai-ml", "azure-identity"]
    assert json.loads((FOLDER / "host.json").read_text("utf-8"))["version"] == "2.0"
