"""The 64-bit id of a record: a hash of its trace id and span id."""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

WIDTH = 24
"""Bytes of a trace id and a span id together."""

_ODD = tuple(np.uint64(value) for value in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9))
_HALF = np.uint64(32)


def identities(joined: bytes) -> NDArray[np.uint64]:
    """Hash records of 24 bytes (16 of trace id, 8 of span id) that stand one after another.

    Each of the three big-endian words is added, multiplied by an odd constant and folded (x ^ x >> 32), all modulo
    2^64: every step is a bijection of the word before it, so ids that differ only in the span never collide within a
    trace. A span id of zeros means "no span" and hashes to 0; other ids never do.

    >>> identities(bytes(23) + bytes([1])).tolist() == identities(bytes(23) + bytes([1])).tolist()
    True
    >>> identities(bytes(24)).tolist()
    [0]
    """
    words = np.frombuffer(joined, ">u8").astype(np.uint64).reshape(-1, 3)
    mixed = np.zeros(len(words), np.uint64)
    for position, odd in enumerate(_ODD):
        mixed += words[:, position]
        mixed *= odd
        mixed ^= mixed >> _HALF
    mixed[mixed == 0] = 1
    mixed[words[:, 2] == 0] = 0
    return mixed


def traces(joined: bytes) -> NDArray[np.uint64]:
    """Hash the trace ids of records as `identities` takes them; equal for all spans of a trace.

    >>> one, other = traces(bytes(range(24)) + bytes(range(16)) + bytes(8)).tolist()
    >>> one == other
    True
    """
    words = np.frombuffer(joined, ">u8").astype(np.uint64).reshape(-1, 3)
    mixed: NDArray[np.uint64] = words[:, 0] * _ODD[0] ^ words[:, 1]
    return mixed


def hashes(names: Iterable[str | None]) -> list[int]:
    """Return 64 bits for each name, 0 for None: what is left of a conversation's id.

    >>> one, none, again = hashes(["a", None, "a"])
    >>> one == again, none
    (True, 0)
    """
    known: dict[str | None, int] = {None: 0}
    return [known[one] if one in known else known.setdefault(one, _hashed(one or "")) for one in names]


def _hashed(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "replace"), digest_size=8).digest(), "big") or 1
