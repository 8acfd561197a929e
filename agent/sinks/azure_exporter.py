"""Imports the Azure Monitor exporter: told not to report home, and without what it may never need until it is wanted."""

import os
from importlib import import_module
from importlib.metadata import version
from typing import Any

from agent.stand_in import stand_in

_SILENT = {
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED": "true",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
    "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED": "true",
}
"""The exporter talks to Microsoft about itself unless told not to, before it is imported."""


def exporters() -> tuple[Any, Any]:
    """Return the classes AzureMonitorMetricExporter and AzureMonitorLogExporter."""
    os.environ.update(_SILENT)
    # It names one class of azure-identity at the top and needs that only for Entra ID; with it come msal and cryptography, a tenth
    # of the agent's memory (10 MB of 101 MB, measured), for agents that sign in with the instrumentation key alone.
    identity = stand_in("azure.identity", ManagedIdentityCredential=_Deferred)
    # What guesses the encoding of an answer that does not name its own takes 3 MB; the exporter reads JSON.
    guessing = stand_in("charset_normalizer", __version__=version("charset-normalizer"), detect=_detect)
    with identity, guessing:
        # Imported here: a quarter of the agent's memory, and only where this sink is on.
        from azure.monitor.opentelemetry.exporter import (  # noqa: PLC0415
            AzureMonitorLogExporter,
            AzureMonitorMetricExporter,
        )
    return AzureMonitorMetricExporter, AzureMonitorLogExporter


class _Deferred:
    """Becomes the real credential when one is made."""

    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        return import_module("azure.identity").ManagedIdentityCredential(*arguments, **options)


def _detect(content: bytes) -> Any:
    return import_module("charset_normalizer").detect(content)
