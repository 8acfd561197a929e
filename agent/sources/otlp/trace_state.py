"""How many calls a span stands for where a sampler upstream let only some through: what its `tracestate` says."""

import re

from detectors.usage.thinning import MOST

_LONGEST = 1024
"""Characters of a `tracestate`: W3C asks for 512 to be passed on; nothing longer is read."""
_WHOLE: int = 1 << 56
_THRESHOLD = re.compile(r"[0-9a-f]{1,14}")
_RANDOM = re.compile(r"[0-9a-f]{14}")


def adjusted_count(state: str, trace: bytes) -> float | None:
    """Return 1 / probability of a span by OpenTelemetry's `ot=th:…`; None where nobody says it. `trace`: 16 bytes.

    A span is kept where its 56 random bits (`rv`, else the end of the trace id) reach the threshold. Raises ValueError where the
    entry is malformed or told twice, where such a span could not have been kept, and beyond one in 16,384: no sender may
    count for millions.

    >>> adjusted_count("vendor=1,ot=th:c;rv:d0000000000000", bytes(16)), adjusted_count("vendor=1", bytes(16))
    (4.0, None)
    """
    fields = _fields(state) if "ot=" in state else {}
    if "th" not in fields:
        return None
    if _THRESHOLD.fullmatch(fields["th"]) is None or _RANDOM.fullmatch(random := fields.get("rv", "0" * 14)) is None:
        raise ValueError("malformed")
    threshold = int(fields["th"].ljust(14, "0"), 16)
    drawn = int(random, 16) if "rv" in fields else int.from_bytes(trace[-7:], "big")
    if drawn < threshold:
        raise ValueError("this span could not have been kept")
    weight = _WHOLE / (_WHOLE - threshold)
    if weight > MOST:
        raise ValueError("too rare")
    return weight


def _fields(state: str) -> dict[str, str]:
    """Return what OpenTelemetry's entry says, by name; nothing where there is none."""
    if len(state) > _LONGEST:
        raise ValueError("too long")
    said = [value for name, _, value in (member.strip().partition("=") for member in state.split(",")) if name == "ot"]
    if len(said) > 1:
        raise ValueError("told twice")
    fields: dict[str, str] = {}
    for field in said[0].split(";") if said else ():
        name, colon, value = field.partition(":")
        if not colon or name in fields:
            raise ValueError("malformed")
        fields[name] = value
    return fields
