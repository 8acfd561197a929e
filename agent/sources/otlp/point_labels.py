"""What the attributes of a data point say: the same ones come with every export, so they are read once."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from agent.sources.otlp import azure
from agent.sources.otlp.call import finish_reason, operation
from agent.sources.otlp.dialects import PROVIDERS
from agent.sources.otlp.failure import failure
from agent.sources.otlp.quantities import FINISH_REASON, SPLITTING, TOKEN_TYPE, TOKEN_TYPES, TOKENS, Quantity
from agent.sources.otlp.rules import read
from agent.sources.otlp.values import plain

_REMEMBERED = 4096
_LONGEST = 2048
"""Bytes of attributes that are worth remembering."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The attributes of a data point, read."""

    names: Mapping[str, Any]
    """Columns of a call; None is missing."""
    host: str
    is_call: bool
    """Whether it measures calls of a model, or what only wraps them."""
    tokens: str | None
    """The quantity `gen_ai.token.type` names."""
    all: str
    """A hash of every attribute."""
    of_call: str
    """A hash of those that all numbers of the same calls share."""
    unmapped: Counter[str]

    def measures(self, quantity: Quantity) -> str | None:
        """Return what a data point measures; None for tokens of no known type, and for choices that do not say how they ended."""
        if quantity.name == TOKENS:
            return self.tokens
        return None if quantity.name == "choices" and self.names["finish_reason"] is None else quantity.name


class Memory(dict[bytes, Labels]):
    """Encoded attributes to what they say; it begins anew when it is full."""

    def labels(self, attributes: Iterable[KeyValue]) -> Labels:
        """Read the attributes of a data point, or remember them."""
        listed = list(attributes)
        encoded = b"\0".join(item.SerializeToString(deterministic=True) for item in listed)
        found = self.get(encoded)
        if found is None:
            found = _labels(listed)
            if len(encoded) <= _LONGEST:
                if len(self) >= _REMEMBERED:
                    self.clear()
                self[encoded] = found
        return found


def _labels(attributes: list[KeyValue]) -> Labels:
    unmapped = Counter[str]()
    found, ranks = read((item for item in attributes if item.key not in SPLITTING), unmapped)
    called = operation(found, ranks)
    said = {item.key: plain(item.value) for item in attributes if item.key in SPLITTING}
    pairs = sorted((item.key, str(plain(item.value))) for item in attributes)
    host = _host(azure.host(found))
    claimed = found["provider"].lower() if "provider" in found else None
    error, status, token = found.get("error"), found.get("http_status"), said.get(TOKEN_TYPE)
    names = {
        "deployment": azure.deployment(found),
        "traffic": found.get("traffic"),
        "operation": called,
        "provider": azure.provider(PROVIDERS.get(claimed, claimed) if claimed else None, found, host, filtered=False),
        "request_model": found.get("request_model"),
        "model": found.get("model"),
        "fingerprint": found.get("fingerprint"),
        "finish_reason": finish_reason(said[name] for name in FINISH_REASON if name in said),
        "error_type": failure(error, "", int(status) if status else None).error_type if error else None,
    }
    return Labels(
        names,
        host,
        called is not None or "operation" not in found,
        TOKEN_TYPES.get(token) if isinstance(token, str) else None,
        digest(pairs),
        digest([pair for pair in pairs if pair[0] not in SPLITTING]),
        unmapped,
    )


def digest(value: Any) -> str:
    """Return a short hash of plain values."""
    return blake2b(repr(value).encode("utf-8", "replace"), digest_size=16).hexdigest()


def _host(address: str) -> str:
    """Return the host of an address that may be a whole URL."""
    if "://" not in address:
        return address
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
