"""What attributes said before: most of those of a call were in the calls before it, byte for byte."""

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from agent.sources.otlp.rules import Said, say

_REMEMBERED = 8192
_SHORT = 96
"""Bytes of an attribute that is worth remembering."""


class Memory(dict[bytes, Said]):
    """Encoded key-value pair -> what it says. Raises DecodeError for bytes that are none.

    Short ones are remembered, up to 8,192 of them, then it begins anew. Prompts and completions never are.
    """

    def __missing__(self, encoded: bytes) -> Said:
        said = say(KeyValue.FromString(encoded))
        if len(encoded) <= _SHORT and not said[3]:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[encoded] = said
        return said
