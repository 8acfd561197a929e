"""Imports the Azure Monitor exporter: told not to report home, and without azure-identity until it is wanted."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

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
    with _identity_deferred():
        # Imported here: a quarter of the agent's memory, and only where this sink is on.
        from azure.monitor.opentelemetry.exporter import (  # noqa: PLC0415
            AzureMonitorLogExporter,
            AzureMonitorMetricExporter,
        )
    return AzureMonitorMetricExporter, AzureMonitorLogExporter


class _Deferred:
    """Becomes the real credential when one is made."""

    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        from azure.identity import ManagedIdentityCredential  # noqa: PLC0415 - the point of this class

        return ManagedIdentityCredential(*arguments, **options)


@contextmanager
def _identity_deferred() -> Iterator[None]:
    """Let the exporter import a stand-in for azure-identity.

    It names one class of it at the top and needs that only for Entra ID; with it come msal and cryptography, a tenth
    of the agent's memory (10 MB of 101 MB, measured), for agents that sign in with the instrumentation key alone.
    """
    if "azure.identity" in sys.modules:
        yield
        return
    stand_in = ModuleType("azure.identity")
    vars(stand_in)["ManagedIdentityCredential"] = _Deferred
    sys.modules["azure.identity"] = stand_in
    try:
        yield
    finally:
        del sys.modules["azure.identity"]
