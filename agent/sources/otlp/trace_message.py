"""A trace request as the decoder reads it: the stock messages, but attributes of spans stay bytes until they are asked for."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol, cast

from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2


class Span(Protocol):
    """One span. `attributes` are encoded key-value pairs."""

    trace_id: bytes
    span_id: bytes
    trace_state: str
    parent_span_id: bytes
    name: str
    start_time_unix_nano: int
    end_time_unix_nano: int
    attributes: Sequence[bytes]
    events: Sequence[trace_pb2.Span.Event]
    status: trace_pb2.Status


class ScopeSpans(Protocol):
    """The spans of one instrumentation."""

    spans: Sequence[Span]


class ResourceSpans(Protocol):
    """The spans of one resource."""

    resource: Resource
    scope_spans: Sequence[ScopeSpans]


class TraceRequest(Protocol):
    """A whole request."""

    resource_spans: Sequence[ResourceSpans]


@cache
def _request() -> type[Any]:
    """Return the stock request with the one field changed, in a pool apart from the stock ones."""
    # Imported with the first traces: what describes messages takes .6 MB.
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto  # noqa: PLC0415

    pool = DescriptorPool()
    for message in (KeyValue, Resource, trace_pb2.Span, ExportTraceServiceRequest):
        file = FileDescriptorProto()
        message.DESCRIPTOR.file.CopyToProto(file)
        for described in file.message_type:
            for field in described.field:
                if (file.package, described.name, field.name) == ("opentelemetry.proto.trace.v1", "Span", "attributes"):
                    field.type = FieldDescriptorProto.TYPE_BYTES
                    field.ClearField("type_name")
        pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(ExportTraceServiceRequest.DESCRIPTOR.full_name))


def parse(body: bytes) -> TraceRequest:
    """Take a request apart. Raises DecodeError; what is wrong within an attribute shows when it is read.

    >>> parse(b"").resource_spans
    []
    """
    return cast(TraceRequest, _request().FromString(body))
