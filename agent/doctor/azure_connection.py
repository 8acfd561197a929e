"""The shape of an Application Insights connection string, judged without ever showing it."""

from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import UUID

from agent.doctor.remark import Remark

_COPY = "copy it from the Application Insights resource: Overview, Connection string"


def connection(text: str, key: str) -> Iterator[Remark]:
    """Judge a connection string; `key` is where it stands in the configuration.

    >>> next(connection("hunter2", "sinks.azure_monitor.connection_string")).what
    'sinks.azure_monitor.connection_string has no InstrumentationKey'
    """
    parts = {name.strip().lower(): value.strip() for name, _, value in (part.partition("=") for part in text.split(";") if part.strip())}
    instrumentation = parts.get("instrumentationkey")
    if not instrumentation:
        yield Remark("error", f"{key} has no InstrumentationKey", _COPY)
    elif not _is_uuid(instrumentation):
        yield Remark("error", f"{key}: its InstrumentationKey is no GUID", _COPY)
    ingestion = parts.get("ingestionendpoint")
    if ingestion is None:
        yield Remark("warning", f"{key} has no IngestionEndpoint, so everything goes to the old global one", _COPY)
    elif urlsplit(ingestion).scheme != "https" or not urlsplit(ingestion).hostname:
        yield Remark("error", f"{key}: its IngestionEndpoint is no https address", _COPY)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
