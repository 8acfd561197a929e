"""Makes one Azure ML pipeline job of one request of driftline: the same request is the same job, however often it is delivered."""  # noqa: INP001 - a function app is a folder, no package

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from azure.core.exceptions import ResourceNotFoundError

TYPE = "driftline.retraining.requested"


def job_name(key: str) -> str:
    """Return the name of the job of a request; `key` is the id of its CloudEvent."""
    return f"retrain-{key[:32]}"


def job_inputs(data: Mapping[str, Any]) -> dict[str, str]:
    """Return what pipeline.yml is given, from the evidence.

    Azure ML writes inputs into a command line, and names come from traffic: as base64 they can say nothing to a shell.
    """
    asked = {name: data[name] for name in ("endpoint", "deployment", "signal", "first_window_start", "last_window_end")}
    return {"request": base64.urlsafe_b64encode(json.dumps(asked).encode()).decode()}


def start(jobs: Any, load: Callable[[], Any], key: str, data: Mapping[str, Any]) -> Any:
    """Start the pipeline, or find the job that an earlier delivery started.

    `jobs` are the operations of an `MLClient`, `load` reads the pipeline. What Azure ML raises is left to the caller: Event Grid
    then delivers again. Two deliveries at once try the same name, and one of them is refused.
    """
    try:
        return jobs.get(job_name(key))
    except ResourceNotFoundError:
        job = load()
    job.name = job_name(key)
    for name, value in job_inputs(data).items():
        setattr(job.inputs, name, value)
    job.tags = {"driftline_request": key, "signal": data["signal"], "reason": data["reason"][:256]}
    return jobs.create_or_update(job)
