"""Reads back from Azure Monitor what arrived there: one query, for the newest heartbeat of the agent."""

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from agent.errors import InputError, Unavailable
from detectors.catalog import AGENT_HEARTBEAT

SPAN = timedelta(days=7)
"""How far back is looked."""

_WORKSPACE = f"AppMetrics | where Name == '{AGENT_HEARTBEAT.name}' | summarize Newest = max(TimeGenerated)"
_COMPONENT = f"customMetrics | where name == '{AGENT_HEARTBEAT.name}' | summarize Newest = max(timestamp)"


class Queries(Protocol):
    """The two calls of `azure.monitor.query.LogsQueryClient` that are used."""

    def query_workspace(self, workspace_id: str, query: str, *, timespan: timedelta) -> Any:
        """Ask a Log Analytics workspace, by its id (a GUID)."""
        ...

    def query_resource(self, resource_id: str, query: str, *, timespan: timedelta) -> Any:
        """Ask a resource, by its path."""
        ...


def last_heartbeat(client: Queries, target: str) -> datetime | None:
    """Return when the newest heartbeat that arrived was sent, UTC; None if there is none in the last 7 days.

    `target` is the GUID of a Log Analytics workspace or the resource id of an Application Insights component or workspace.
    Raises InputError where the target or the answer is wrong, Unavailable where the service cannot be asked.
    """
    # Imported here: only `doctor --azure` asks.
    from azure.core.exceptions import AzureError, HttpResponseError  # noqa: PLC0415

    component = "/microsoft.insights/components/" in target.lower()
    try:
        if target.startswith("/"):
            answer = client.query_resource(target, _COMPONENT if component else _WORKSPACE, timespan=SPAN)
        else:
            answer = client.query_workspace(target, _WORKSPACE, timespan=SPAN)
    except HttpResponseError as error:
        reason = getattr(error, "reason", None) or "no answer"
        hint = {401: "sign in with az login", 403: "it needs the role Log Analytics Reader", 404: "is the id right?"}.get(
            error.status_code or 0, ""
        )
        raise (InputError if error.status_code in {400, 401, 403, 404} else Unavailable)(
            f"Azure Monitor refused the query: {error.status_code} {reason}{f'; {hint}' if hint else ''}"
        ) from error
    except AzureError as error:
        raise Unavailable(f"Azure Monitor cannot be asked: {' '.join(str(error).split())[:200]}") from error
    # A partial answer raises nothing: it only says so here.
    if str(getattr(answer.status, "value", answer.status)).lower() != "success":
        raise Unavailable(f"Azure Monitor answered only in part: {getattr(answer.partial_error, 'code', 'unknown')}; ask again")
    rows = [row for table in answer.tables for row in table.rows]
    newest = rows[0][0] if rows else None
    if newest is None:
        return None
    if not isinstance(newest, datetime):
        raise InputError("Azure Monitor answered with no time where one was asked for")
    return newest if newest.tzinfo else newest.replace(tzinfo=UTC)


def client() -> Queries:
    """Return a client that signs in as the environment says: managed identity, workload identity, or `az login`."""
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 (only `doctor --azure` asks)
    from azure.monitor.query import LogsQueryClient  # noqa: PLC0415 (the same)

    made: Queries = LogsQueryClient(DefaultAzureCredential(exclude_interactive_browser_credential=True))
    return made
