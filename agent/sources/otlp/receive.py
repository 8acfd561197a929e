"""A request, whatever transport brought it: check, decode, hand to the spool, count, answer."""

import logging
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from agent.errors import DriftlineError, Permanent, SpoolFull
from agent.sources import Context, Emit
from agent.sources.otlp.decoded import Decoded
from agent.sources.otlp.fault import Fault, Refused
from agent.sources.otlp.json_decode import from_json
from agent.sources.otlp.limits import Limits
from agent.sources.otlp.signals import Signal
from agent.sources.otlp.wire import check_density, check_items
from detectors.catalog import AGENT_ADJUSTED, AGENT_DROPPED, AGENT_UNMAPPED

RETRY_AFTER = 5.0
"""Seconds a client is asked to wait when the spool does not say how long."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Receiver:
    """What HTTP and gRPC have in common."""

    context: Context
    emit: Emit
    limits: Limits

    async def take(self, signal: Signal, body: bytes, *, json: bool = False) -> Any:
        """Return the response message once everything usable in `body` is in the spool. Raises Refused."""
        if json:
            message = signal.request()
            from_json(body, message, self.limits.items)
            body = message.SerializeToString()
        else:
            check_density(body)
            check_items(body, self.limits.items)
        try:
            decoded = signal.decode(signal.parse(body), self.context.router)
        except DecodeError:
            raise Refused(Fault.MALFORMED, "the body is not valid protobuf") from None
        if decoded.batches:
            try:
                await self.emit(decoded.batches, self.context.name)
            except SpoolFull as full:
                raise Refused(Fault.FULL, "the spool is full, come back later", full.retry_after or RETRY_AFTER) from None
            except Permanent:
                raise Refused(Fault.TOO_LARGE, "the spool never takes this much in one request") from None
            except (DriftlineError, OSError) as error:
                # Not in the spool for whatever reason: the client must keep it and come back.
                _LOG.error("otlp: the spool took nothing: %s", type(error).__name__)
                raise Refused(Fault.FULL, "the spool cannot take anything now, come back later", RETRY_AFTER) from None
        self._count(decoded)
        if decoded.fault is not None:
            _LOG.error("otlp: a record could not be read: %s at %s", type(decoded.fault).__name__, _place(decoded.fault))
        response = signal.response()
        if rejected := decoded.rejected.total():
            setattr(response.partial_success, signal.rejected, rejected)
            reasons = ", ".join(f"{reason}: {count}" for reason, count in sorted(decoded.rejected.items()))
            response.partial_success.error_message = f"rejected for good: {reasons}"
        return response

    def refuse(self, refused: Refused) -> None:
        """Count a refused request."""
        if refused.fault is not Fault.FULL:
            self.context.series.add(AGENT_DROPPED, source=self.context.name, reason=f"request_{refused.fault.reason}")

    def failed(self, error: Exception) -> Refused:
        """Turn an error nobody foresaw into an answer; the log names its kind, never what was sent."""
        _LOG.error("otlp: a request failed with %s at %s", type(error).__name__, _place(error))
        return Refused(Fault.INTERNAL, "the agent could not process this request; its log says where")

    def _count(self, decoded: Decoded) -> None:
        series, source = self.context.series, self.context.name
        for reason, count in (decoded.rejected + decoded.dropped).items():
            series.add(AGENT_DROPPED, count, source=source, reason=reason)
        for reason, count in decoded.adjusted.items():
            series.add(AGENT_ADJUSTED, count, source=source, reason=reason)
        for name, count in decoded.unmapped.items():
            series.add(AGENT_UNMAPPED, count, attribute=name)


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}"
