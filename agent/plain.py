"""State as bytes: the values of `detectors.types.Plain` to versioned msgpack and back."""

import struct
from collections.abc import Mapping
from typing import Any

import msgpack  # type: ignore[import-untyped]  # msgpack ships no types
import numpy as np
from numpy.typing import NDArray

from agent.errors import ConfigError, InputError

VERSION = 1
"""First byte of everything packed here."""

_ARRAY, _INTEGER = 1, 2
_KINDS = frozenset("biuf")
_ARRAY_HEAD = struct.Struct("<3sB")


def pack(value: Any) -> bytes:
    """Return a `Plain` value, or any value that may stand in one, as bytes.

    Tuples come back as lists; integers may be of any size. Raises TypeError for anything else, so nothing is pickled.

    >>> unpack(pack({"counts": np.arange(3), "sum": 2**80}))
    {'counts': array([0, 1, 2]), 'sum': 1208925819614629174706176}
    """
    packed: bytes = msgpack.packb(value, default=_extend, unicode_errors="surrogatepass")
    return bytes((VERSION,)) + packed


def unpack(data: bytes | memoryview) -> Any:
    """Return what `pack` was given; arrays are writable copies.

    Raises InputError for bytes that `pack` did not write, ConfigError when a newer driftline wrote them.
    """
    view = memoryview(data)
    if not view:
        raise InputError("stored state is empty where a value was expected")
    if view[0] > VERSION:
        raise ConfigError(f"state was written by a newer driftline (format {view[0]}, this one reads {VERSION}): run that version")
    if view[0] != VERSION:
        raise InputError(f"stored state begins with {view[0]}, expected format {VERSION}")
    try:
        return msgpack.unpackb(view[1:], ext_hook=_restore, strict_map_key=False, unicode_errors="surrogatepass")
    except (ValueError, TypeError, struct.error, msgpack.UnpackException) as problem:
        raise InputError(f"stored state cannot be read: {problem or type(problem).__name__}") from problem


def _extend(value: object) -> object:
    if isinstance(value, np.ndarray):
        return msgpack.ExtType(_ARRAY, _array_bytes(value))
    if isinstance(value, int):
        return msgpack.ExtType(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True))
    if isinstance(value, np.generic) and value.dtype.kind in _KINDS:
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be kept as state")


def _array_bytes(array: NDArray[Any]) -> bytes:
    if array.dtype.kind not in _KINDS or array.dtype.itemsize > 8:
        raise TypeError(f"an array of {array.dtype} cannot be kept as state")
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    head = _ARRAY_HEAD.pack(array.dtype.str.encode(), array.ndim) + struct.pack(f"<{array.ndim}Q", *array.shape)
    return head + array.tobytes()


def _restore(code: int, data: bytes) -> object:
    if code == _INTEGER:
        return int.from_bytes(data, "little", signed=True)
    if code != _ARRAY:
        raise ValueError(f"unknown extension {code}")
    name, dimensions = _ARRAY_HEAD.unpack_from(data)
    shape = struct.unpack_from(f"<{dimensions}Q", data, _ARRAY_HEAD.size)
    dtype = np.dtype(name.decode())
    if dtype.kind not in _KINDS:
        raise ValueError(f"an array of {dtype} was not expected")
    return np.frombuffer(data, dtype, offset=_ARRAY_HEAD.size + 8 * dimensions).reshape(shape).copy()
