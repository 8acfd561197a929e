"""Calls that carry a secret in every place a text may stand, each secret one nobody else has."""

import json
import random
import re
from collections.abc import Mapping, MutableSequence
from dataclasses import dataclass

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

_USUAL = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "azure.ai.openai", "gen_ai.request.model": "gpt-4o"}


@dataclass(frozen=True, slots=True)
class Seed:
    """What must not be found again: a mark no pattern knows, and secrets of known forms."""

    mark: str
    mail: str
    phone: str
    card: str
    key: str

    @classmethod
    def of(cls, number: int) -> "Seed":
        """Return the seed of a record."""
        chance = random.Random(number)  # noqa: S311 - made up, and the same each time
        digits = [4, *(chance.randrange(10) for _ in range(14))]
        doubled = sum((2 * digit // 10 + 2 * digit % 10) if place % 2 == 0 else digit for place, digit in enumerate(digits))
        digits.append(-doubled % 10)
        letters = "".join(chance.choice("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(32))
        return cls(
            f"mark{chance.getrandbits(64):016x}",
            f"leak.{chance.getrandbits(48):012x}@example.org",
            f"+44 20 7{chance.randrange(100, 1000)} {chance.randrange(1000, 10000)}",
            "".join(map(str, digits)),
            f"sk-{letters}",
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """What a pattern can find."""
        return (self.mail, self.phone, self.card, self.key)

    def said(self, where: str) -> str:
        """Return a sentence with all of it."""
        return f"{where} {self.mark}: write {self.mail}, call {self.phone}, pay {self.card}, use {self.key} please."


_LOOKS = re.compile(r"mark[0-9a-f]{16}|leak\.[0-9a-f]{12}@example\.org|\+44 20 7\d{3} \d{4}|4\d{15}|sk-\w{32}")


def leaked(text: str, records: int) -> set[str]:
    """Return what of the seeds of the first `records` stands in a text."""
    known = {one for number in range(records) for one in (Seed.of(number).mark, *Seed.of(number).secrets)}
    return known.intersection(_LOOKS.findall(text))


def calls(resource: Mapping[str, str], numbers: range, moment: int) -> tuple[ExportTraceServiceRequest, ExportLogsServiceRequest]:
    """Return spans that end at `moment` (nanoseconds) or just after, and the log records of some of them.

    Prompt, answer, instructions, tool calls and results, span events, exceptions, status messages, log bodies and unknown attributes
    hold a seed each; a third of the calls fails.
    """
    traces, logs = ExportTraceServiceRequest(), ExportLogsServiceRequest()
    for request in (traces.resource_spans.add(), logs.resource_logs.add()):
        _set(request.resource.attributes, resource)
    spans, records = traces.resource_spans[0].scope_spans.add().spans, logs.resource_logs[0].scope_logs.add().log_records
    for number in numbers:
        seed, end = Seed.of(number), moment + number
        trace, identity = (number + 1).to_bytes(16, "big"), (number + 1).to_bytes(8, "big")
        span = spans.add(trace_id=trace, span_id=identity, name=seed.said("name"), kind=Span.SPAN_KIND_CLIENT)
        span.start_time_unix_nano, span.end_time_unix_nano = end - 1_000_000, end
        _set(span.attributes, _USUAL | {"custom.note": seed.said("note"), "gen_ai.system_instructions": _parts(seed.said("system"))})
        tool = {"type": "tool_call", "id": "1", "name": "send", "arguments": {"to": seed.mail, "text": seed.said("tool")}}
        prompt = [{"role": "user", "parts": [{"type": "text", "content": seed.said("prompt")}]}]
        answer = [{"role": "assistant", "parts": [{"type": "text", "content": seed.said("answer")}, tool], "finish_reason": "stop"}]
        if number % 3 == 0:
            span.status.code, span.status.message = Status.STATUS_CODE_ERROR, seed.said("failed")
            event = span.events.add(name="exception", time_unix_nano=end)
            _set(event.attributes, {"exception.type": "ValueError", "exception.message": seed.said("exception")})
        elif number % 3 == 1:
            _set(span.attributes, {"gen_ai.response.finish_reasons": "stop", "gen_ai.input.messages": json.dumps(prompt)})
            _set(span.attributes, {"gen_ai.output.messages": json.dumps(answer)})
        else:
            record = records.add(
                trace_id=trace, span_id=identity, time_unix_nano=end, event_name="gen_ai.client.inference.operation.details"
            )
            _set(record.attributes, {"gen_ai.input.messages": json.dumps(prompt), "gen_ai.output.messages": json.dumps(answer)})
            record.body.string_value = seed.said("body")
    return traces, logs


def _parts(text: str) -> str:
    return json.dumps([{"type": "text", "content": text}])


def _set(attributes: MutableSequence[KeyValue], values: Mapping[str, str]) -> None:
    for key, value in values.items():
        one = KeyValue(key=key)
        one.value.string_value = value
        attributes.append(one)
