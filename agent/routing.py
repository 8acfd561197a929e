"""Finds the endpoint a record belongs to, and makes endpoints for traffic nobody configured."""

from collections.abc import Mapping

from agent.config import Config, Endpoint
from agent.names import harmless
from agent.redaction.column_names import is_private
from agent.series import OTHER

_NAME_LIMIT = 64


class MatchRouter:
    """Routes by the resource attributes an endpoint's `match` names; the first that fits wins.

    An endpoint with neither `match` nor a source of its own takes what no other wants. Without one, traffic gets an
    endpoint named after its host (or service), up to `max_endpoints` of them, then `__other__`.
    """

    def __init__(self, config: Config) -> None:
        pushed = [endpoint for endpoint in config.endpoints.values() if endpoint.source is None]
        self._matching = [endpoint for endpoint in pushed if endpoint.match]
        self._catch_all = next((endpoint for endpoint in pushed if not endpoint.match), None)
        self._limit = config.max_endpoints
        self._made: dict[str, Endpoint] = {}
        self._taken = set(config.endpoints)

    def route(self, resource: Mapping[str, str], host: str) -> Endpoint:
        """Return the endpoint for a record of this resource, sent to this host ("" if unknown)."""
        for endpoint in self._matching:
            if all(resource.get(name) == value for name, value in endpoint.match.items()):
                return endpoint
        if self._catch_all is not None:
            return self._catch_all
        return self._make(harmless(host or resource.get("service.name") or OTHER)[:_NAME_LIMIT])

    def _make(self, name: str) -> Endpoint:
        if is_private(name):
            # The name of an endpoint is seen everywhere; what a sender put there by mistake is not.
            name = OTHER
        if name in self._taken:
            # Traffic that only happens to carry a configured endpoint's name must not be counted as its own.
            name = f"{name} (unmatched)"
        if name not in self._made and len(self._made) >= self._limit:
            name = OTHER
        return self._made.setdefault(name, Endpoint(name))
