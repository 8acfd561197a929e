"""What a data collector posts becomes batches in the spool, before it is answered."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC

import orjson

from agent.config import Endpoint
from agent.errors import DriftlineError, Permanent, SpoolFull
from agent.rows.events import Assembly, Event, records
from agent.rows.shape import Memory
from agent.rows.times import instant
from agent.sources import Context, Emit
from agent.sources.otlp.fault import Fault, Refused
from agent.sources.rows import drop, dropper, shape
from detectors.types import Batch

ENDPOINT = "driftline.endpoint"
"""The resource attribute that stands for the source's option `endpoint`."""

_SMALL = 256 * 1024
"""Bytes of a body that are decoded where they arrive; a larger one goes to a thread, and so does one that features are drawn from."""

_RETRY_AFTER = 5.0
_LOG = logging.getLogger(__name__)


class CollectorIntake:
    """Decodes requests of one listener; what was learnt of columns is shared by them."""

    def __init__(self, context: Context, emit: Emit, collections: tuple[str, ...], endpoint: str | None) -> None:
        self._context = context
        self._emit = emit
        self._collections = collections
        self._named = {} if endpoint is None else {ENDPOINT: endpoint}
        self._memories: dict[str, Memory] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def take(self, headers: Mapping[str, str], body: bytes) -> None:
        """Return once the rows are in the spool. `headers` have lower-case names. Raises Refused."""
        if not headers.get("ce-type"):
            raise Refused(Fault.MALFORMED, "the header ce-type is missing; expected azureml.inference.model_inputs or another collection")
        attributes = {name.removeprefix("ce-"): value for name, value in headers.items() if name.startswith("ce-")} | self._named
        endpoint = self._context.router.route(attributes, "")
        # One request of an endpoint at a time: they share what is known of its columns, and pictures may be large.
        async with self._locks.setdefault(endpoint.name, asyncio.Lock()):
            batches = (
                self._decode(endpoint, headers, body)
                if len(body) <= _SMALL and endpoint.enrichers is None
                else await asyncio.to_thread(self._decode, endpoint, headers, body)
            )
        if not batches:
            return
        try:
            await self._emit(batches, self._context.name)
        except SpoolFull as full:
            raise Refused(Fault.FULL, "the spool is full, come back later", full.retry_after or _RETRY_AFTER) from None
        except Permanent:
            raise Refused(Fault.TOO_LARGE, "the spool never takes this much in one request") from None
        except (DriftlineError, OSError) as error:
            _LOG.error("%s: the spool took nothing: %s", self._context.name, type(error).__name__)
            raise Refused(Fault.FULL, "the spool cannot take anything now, come back later", _RETRY_AFTER) from None

    def refuse(self, refused: Refused) -> None:
        """Count a refused request; one that may come back later is not lost."""
        if refused.fault is not Fault.FULL:
            dropper(self._context)(f"request_{refused.fault.reason}", 1)

    def _decode(self, endpoint: Endpoint, headers: Mapping[str, str], body: bytes) -> Sequence[Batch]:
        try:
            rows = records(orjson.loads(body))
        except ValueError:
            raise Refused(
                Fault.MALFORMED, "the body is no JSON array of records, as DataFrame.to_json(orient='records') writes it"
            ) from None
        memory = self._memories.setdefault(endpoint.name, Memory())
        event = Event(
            headers["ce-type"].rpartition(".")[2],
            instant(headers.get("ce-time", ""), UTC),
            headers.get("ce-x-request-id") or None,
            rows,
            # No standard header: what a scoring script gives its correlation context as `headers={"deployment": …}`.
            headers.get("ce-deployment") or None,
        )
        batches, memory.kinds, dropped = Assembly(shape(endpoint), self._collections).batches([event], memory.kinds, "a request")
        drop(self._context, dropped)
        return batches
