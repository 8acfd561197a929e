"""An Azure Function that Event Grid calls with driftline's CloudEvents; it starts the pipeline job of pipeline.yml."""  # noqa: INP001 - a function app is a folder, no package

import logging
import os
from functools import partial
from pathlib import Path

import azure.functions as func
from azure.ai.ml import MLClient, load_job
from azure.identity import DefaultAzureCredential
from retrain import TYPE, start

PIPELINE = Path(__file__).with_name("pipeline.yml")

app = func.FunctionApp()
log = logging.getLogger("retrain")


@app.event_grid_trigger(arg_name="event")
def retrain(event: func.CloudEvent) -> None:
    """Start training. An error is seen by Event Grid, which delivers again for up to a day."""
    if event.type != TYPE:
        log.info("%s is not for us", event.type)
        return
    workspace = [os.environ[name] for name in ("AZUREML_SUBSCRIPTION", "AZUREML_RESOURCE_GROUP", "AZUREML_WORKSPACE")]
    client = MLClient(DefaultAzureCredential(), *workspace)
    job = start(client.jobs, partial(load_job, PIPELINE), event.id, event.get_json())
    log.info("%s: job %s", event.subject, job.name)
