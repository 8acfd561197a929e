"""Names of categories: what counts as missing, how values of other types are spelt, and how long a name may be."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.types import Category

LONGEST = 64
"""Characters kept of a category's name."""

MISSING_TEXT = (
    "", "#N/A", "#N/A N/A", "#NA", "-NaN", "-nan", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
"""What stands for a missing value in text without types; the list of pandas."""

_BOOLEANS = {"True": "true", "TRUE": "true", "False": "false", "FALSE": "false"}


def label(value: object) -> str | None:
    """Return the category a value stands for; None is missing.

    Booleans are spelt as in JSON and whole floats without their point, so that a CSV, a Parquet file and a request agree.

    >>> label(True), label("False"), label(3.0), label(float("nan")), label("")
    ('true', 'false', '3', None, None)
    """
    if value is None or value == "" or value != value:  # noqa: PLR0124 (NaN)
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    text = value if isinstance(value, str) else str(value)
    text = _BOOLEANS.get(text, text)[:LONGEST]
    # A lone surrogate or a NUL would break whoever writes the name out.
    return text.encode("utf-8", "replace").decode().replace("\0", "�")


def coded(codes: NDArray[np.int32], values: Sequence[object]) -> Category:
    """Return a category column of codes into raw values (-1: missing); values with the same label become one.

    >>> coded(np.array([0, 1, 2], np.int32), ["True", "true", None]).decode()
    ['true', 'true', None]
    """
    names = Category.of([label(value) for value in values])
    # One more place at the end: the code -1 finds -1 there.
    return Category(np.append(names.codes, np.int32(-1))[codes], names.values)
