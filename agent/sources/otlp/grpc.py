"""OTLP over gRPC: generic handlers that take and give bytes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as Packed
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # the package ships no types
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # the same

from agent.errors import Unavailable
from agent.sources.otlp.fault import Refused
from agent.sources.otlp.receive import Receiver
from agent.sources.otlp.signals import SIGNALS, Signal

_GRACE = 5.0
_CODES = {code.value[0]: code for code in grpc.StatusCode}


@asynccontextmanager
async def serve_grpc(receiver: Receiver, host: str, port: int, key: str) -> AsyncIterator[int]:
    """Accept until the block ends, then finish the calls in flight; yields the port. Raises Unavailable."""
    limits = receiver.limits
    options = [
        ("grpc.max_receive_message_length", limits.decoded),
        ("grpc.max_metadata_size", 16 * 1024),
        # Without this a second agent would share the port and take half of the traffic.
        ("grpc.so_reuseport", 0),
        ("grpc.max_concurrent_streams", limits.streams),
    ]
    server = grpc.aio.server(options=options)
    for signal in SIGNALS:
        handler = grpc.unary_unary_rpc_method_handler(partial(_export, receiver, signal))  # type: ignore[var-annotated]  # bytes in and out
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(signal.service, {"Export": handler}),))
    name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        bound = server.add_insecure_port(name)
    except RuntimeError:
        raise Unavailable(f"{key}: cannot listen on {name}; is another agent or collector running?") from None
    await server.start()
    try:
        yield bound
    finally:
        await server.stop(_GRACE)


async def _export(receiver: Receiver, signal: Signal, body: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
    try:
        response = await receiver.take(signal, body)
    except Refused as refused:
        await _abort(receiver, refused, context)
    except Exception as error:  # noqa: BLE001 - the last line of defence: a client gets an answer, the log the place
        await _abort(receiver, receiver.failed(error), context)
    else:
        answer: bytes = response.SerializeToString()
        return answer
    return b""


async def _abort(receiver: Receiver, refused: Refused, context: grpc.aio.ServicerContext[Any, Any]) -> None:
    """Answer with the code of the fault; a client is told when to come back in both forms clients read."""
    receiver.refuse(refused)
    status = Status(code=refused.fault.grpc, message=refused.message)
    trailers: list[tuple[str, bytes]] = []
    if refused.retry_after is not None:
        retry = RetryInfo()
        retry.retry_delay.FromNanoseconds(int(refused.retry_after * 1e9))
        detail = Packed()
        detail.Pack(retry)
        status.details.append(detail)
        # Python's exporter reads the bare RetryInfo, the others the status.
        trailers.append(("google.rpc.retryinfo-bin", retry.SerializeToString()))
    trailers.append(("grpc-status-details-bin", status.SerializeToString()))
    await context.abort(_CODES[refused.fault.grpc], refused.message, tuple(trailers))
