"""A column of Arrow, as CSV and Parquet bring it, read as numbers, categories, times or ids. Imported when a file needs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # has no types
import pyarrow.compute as pc  # type: ignore[import-untyped]  # has no types
from numpy.typing import NDArray

from agent.rows import values
from agent.rows.labels import MISSING_TEXT, coded
from agent.rows.shape import Flags, Kind, majority
from agent.rows.times import epoch, localised
from detectors.types import Category

_MISSING = pa.array(MISSING_TEXT)
_CLOCK = pa.timestamp("ns")
_MOMENT = pa.timestamp("ns", "UTC")


@dataclass(frozen=True, slots=True)
class Arrow:
    """One array. `text`: it comes from a format without types, so numbers may be spelt out and words stand for missing."""

    array: Any
    text: bool = False

    def kind(self) -> Kind | None:
        """Return what the column holds; None while it is all missing."""
        array = self._present()
        present = len(array) - array.null_count
        kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
        if _numeric(kind):
            return majority(present, 0, present)
        if not (_textual(kind) or pa.types.is_boolean(kind)):
            return majority(0, 0, present)
        if not self.text:
            return majority(0, present, present)
        read, wrong = Arrow(array, text=True).numbers()
        numbers = present - (0 if wrong is None else int(wrong.sum()))
        return majority(numbers, len(read) - numbers, present)

    def numbers(self) -> tuple[NDArray[np.float64], Flags]:
        """Return float64 numbers (NaN: missing or wrong) and which rows are of the wrong type."""
        array = self._present()
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        if _numeric(array.type) or pa.types.is_boolean(array.type) or pa.types.is_null(array.type):
            return _floats(array), None
        if _textual(array.type):
            try:
                return _floats(array), None
            except pa.ArrowInvalid:
                pass
            coding = array.dictionary_encode()
            found, wrong = values.Values(_listed(coding.dictionary)[0]).numbers()
            codes = _codes(coding)
            flags = np.append(np.zeros(len(found), np.bool_) if wrong is None else wrong, False)[codes]
            return np.append(found, np.nan)[codes], flags if flags.any() else None
        wrong = np.asarray(pc.is_valid(array).to_numpy(zero_copy_only=False), np.bool_)
        return np.full(len(array), np.nan), wrong if wrong.any() else None

    def categories(self) -> tuple[Category, Flags]:
        """Return categories and which rows are of the wrong type."""
        array = self._present()
        if pa.types.is_nested(array.type):
            wrong = np.asarray(pc.is_valid(array).to_numpy(zero_copy_only=False), np.bool_)
            return Category(np.full(len(array), -1, np.int32), ()), wrong if wrong.any() else None
        coding = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
        codes, (names, bad) = _codes(coding), _listed(coding.dictionary)
        if not bad.any():
            return coded(codes, names), None
        flags = np.append(bad, False)[codes]
        named = coded(np.where(flags, np.int32(-1), codes), names)
        return named, flags if flags.any() else None

    def times(self, zone: tzinfo) -> NDArray[np.int64]:
        """Return nanoseconds since 1970, UTC; 0: none. A time without an offset was read off a clock in `zone`."""
        kind = self.array.type
        if pa.types.is_integer(kind):
            return epoch(np.asarray(pc.fill_null(self.array.cast(pa.int64()), 0).to_numpy(zero_copy_only=False), np.int64))
        if pa.types.is_floating(kind):
            return epoch(_floats(self.array))
        try:
            return self._moments(zone)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return values.Values(_listed(self.array)[0]).times(zone)

    def _moments(self, zone: tzinfo) -> NDArray[np.int64]:
        array = self._present()
        if pa.types.is_timestamp(array.type) and array.type.tz is not None:
            return _clipped(array.cast(_MOMENT))
        try:
            return localised(_clipped(array.cast(_CLOCK)), zone)
        except pa.ArrowInvalid:
            return _clipped(array.cast(_MOMENT))

    def objects(self) -> Sequence[Any]:
        """Return Python's values, None where missing; a list of numbers is an array, which costs far less."""
        array = self._present()
        kind = array.type
        if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)) or not _numeric(
            kind.value_type
        ):
            return _listed(array)[0]
        if pa.types.is_fixed_size_list(kind):
            array = array.cast(pa.list_(kind.value_type))
        numbers, ends = _floats(array.values), np.asarray(array.offsets).tolist()
        present = np.asarray(pc.is_valid(array).to_numpy(zero_copy_only=False), np.bool_).tolist()
        return [numbers[start:end] if here else None for start, end, here in zip(ends, ends[1:], present, strict=False)]

    def ids(self) -> NDArray[np.uint64]:
        """Return a stable hash of each value; 0: none."""
        return values.Values(_listed(self.array)[0]).ids()

    def _present(self) -> Any:
        """Return the array with the words for missing taken out."""
        if not (self.text and _textual(self.array.type)):
            return self.array
        missing = pc.is_in(self.array, value_set=_MISSING)
        return pc.if_else(missing, pa.scalar(None, self.array.type), self.array) if pc.any(missing).as_py() else self.array


def _listed(array: Any) -> tuple[list[Any], NDArray[np.bool_]]:
    """Return Python's values, and which are text that is not UTF-8: some writers leave it in Parquet. U+FFFD stands in it."""
    try:
        return array.to_pylist(), np.zeros(len(array), np.bool_)
    except UnicodeDecodeError:
        pass
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if not _textual(array.type):
        return [None] * len(array), np.ones(len(array), np.bool_)
    raw = array.cast(pa.large_binary()).to_pylist()
    texts = [None if value is None else value.decode("utf-8", "replace") for value in raw]
    bad = [value is not None and (text or "").encode() != value for value, text in zip(raw, texts, strict=True)]
    return texts, np.array(bad, np.bool_)


def _numeric(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _textual(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _floats(array: Any) -> NDArray[np.float64]:
    return np.asarray(array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64)


def _codes(coding: Any) -> NDArray[np.int32]:
    return np.asarray(pc.fill_null(coding.indices, -1).to_numpy(zero_copy_only=False), np.int32)


def _clipped(array: Any) -> NDArray[np.int64]:
    """Return nanoseconds; what lies before 1970 is as good as no time."""
    moments = np.asarray(pc.fill_null(array.cast(pa.int64()), 0).to_numpy(zero_copy_only=False), np.int64)
    return np.maximum(moments, 0)
