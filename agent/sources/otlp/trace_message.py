"""A trace request as the decoder takes it apart: attributes stay bytes, so that one seen before need not be parsed again."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Span(Protocol):
    """One span; what no decoder reads is passed over.

    `events` and `status` are messages of their own, `attributes` key-value pairs. A field that is one message is
    declared as several pieces of bytes: put together they are that message, however often it was written.
    """

    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes
    start_time_unix_nano: int
    end_time_unix_nano: int
    attributes: Sequence[bytes]
    events: Sequence[bytes]
    status: Sequence[bytes]


class ScopeSpans(Protocol):
    """The spans of one instrumentation."""

    spans: Sequence[Span]


class ResourceSpans(Protocol):
    """The spans of one resource, itself in pieces."""

    resource: Sequence[bytes]
    scope_spans: Sequence[ScopeSpans]


class TraceRequest(Protocol):
    """A whole request."""

    resource_spans: Sequence[ResourceSpans]


_PACKAGE = "driftline.otlp"
_BYTES, _FIXED = FieldDescriptorProto.TYPE_BYTES, FieldDescriptorProto.TYPE_FIXED64
_ONE, _MANY = FieldDescriptorProto.LABEL_OPTIONAL, FieldDescriptorProto.LABEL_REPEATED
_FIELDS: Mapping[str, Mapping[str, tuple[int, Any, Any]]] = {
    "TraceRequest": {"resource_spans": (1, "ResourceSpans", _MANY)},
    "ResourceSpans": {"resource": (1, _BYTES, _MANY), "scope_spans": (2, "ScopeSpans", _MANY)},
    "ScopeSpans": {"spans": (2, "Span", _MANY)},
    "Span": {
        "trace_id": (1, _BYTES, _ONE),
        "span_id": (2, _BYTES, _ONE),
        "parent_span_id": (4, _BYTES, _ONE),
        "start_time_unix_nano": (7, _FIXED, _ONE),
        "end_time_unix_nano": (8, _FIXED, _ONE),
        "attributes": (9, _BYTES, _MANY),
        "events": (11, _BYTES, _MANY),
        "status": (15, _BYTES, _MANY),
    },
}
"""Message -> field -> number, type (or the message it is) and label; numbers as in opentelemetry/proto/trace/v1/trace.proto."""


def _file() -> FileDescriptorProto:
    file = FileDescriptorProto(name="driftline/otlp.proto", package=_PACKAGE, syntax="proto3")
    for message, fields in _FIELDS.items():
        described = file.message_type.add(name=message)
        for name, (number, kind, label) in fields.items():
            field = described.field.add(name=name, number=number, label=label)
            if isinstance(kind, str):
                field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            else:
                field.type = kind
    return file


_POOL = DescriptorPool()
_POOL.Add(_file())
_REQUEST = GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.TraceRequest"))


def parse(body: bytes) -> TraceRequest:
    """Take a request apart. Raises DecodeError where the stock parser does: what is left as bytes here is sound as well.

    >>> parse(b"").resource_spans
    []
    """
    ExportTraceServiceRequest.FromString(body)
    return cast(TraceRequest, _REQUEST.FromString(body))
