"""Opens pictures that strangers sent: bounded in bytes and pixels before anything is unfolded; nothing of their metadata stays."""

import binascii
import math
import warnings
from base64 import b64decode
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from io import BytesIO
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
"""What Pillow may try. Others reach old or foreign decoders."""

SIDE = 1024
"""Pixels of the longer side that are looked at; a larger picture is made smaller first."""
_ROWS = 64
"""Rows of the smaller picture that are made at a time."""

_BRIGHTEST = 1e9
"""What a pixel may be at most; squares of more might not be numbers any more."""


class Unusable(Exception):
    """A value no picture can be read from; the argument is the reason to count."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels in memory."""

    pixels: NDArray[np.float64]
    """[height, width] grey or [height, width, 3] red, green and blue; 0 to 255 where they come from a file."""
    size: tuple[int, int]
    """Width and height as sent."""
    stored: float = math.nan
    """Bytes of the file; NaN for pixels."""


def stored_bytes(value: object, most: int) -> bytes:
    r"""Return the file in bytes, base64, a data URL or a mapping with `bytes`. Raises Unusable.

    >>> stored_bytes("data:image/png;base64,iVBORw==", 100)
    b'\x89PNG'
    """
    if isinstance(value, dict):
        value = value.get("bytes")
    if isinstance(value, bytes | bytearray | memoryview):
        if len(value) > most:
            raise Unusable("image_too_many_bytes")
        return bytes(value)
    if not isinstance(value, str):
        raise Unusable("image_unknown_form")
    text = value.partition(",")[2] if value[:5].lower() == "data:" else value
    if len(text) > most // 3 * 4 + 1024:
        raise Unusable("image_too_many_bytes")
    text = "".join(text.split()).translate({ord("-"): "+", ord("_"): "/"})
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Unusable("image_unknown_form") from None


def pixels_of(text: str) -> Any:
    """Return the nested lists a text of JSON holds. Raises Unusable."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Unusable("image_broken") from None


def from_pixels(value: Any, most: int) -> Picture:
    """Return the picture of nested lists of numbers, in their own unit. Raises Unusable."""
    try:
        pixels = np.array(value.tolist() if isinstance(value, np.ndarray) else value, np.float64)
    except (ValueError, TypeError, OverflowError):
        raise Unusable("image_broken") from None
    # Written so that NaN fails it too.
    if pixels.ndim not in {2, 3} or not pixels.size or not (np.abs(pixels) <= _BRIGHTEST).all():
        raise Unusable("image_broken")
    height, width = pixels.shape[:2]
    if height * width > most:
        raise Unusable("image_too_many_pixels")
    if pixels.ndim == 3:
        if pixels.shape[2] not in {1, 3, 4}:
            raise Unusable("image_broken")
        pixels = pixels[:, :, 0] if pixels.shape[2] == 1 else pixels[:, :, :3]
    return Picture(_smaller(pixels, -(-max(height, width) // SIDE)), (width, height))


def from_file(data: bytes, most: int) -> Picture:
    """Return the first frame of a picture file. Its size is checked before its pixels are unfolded. Raises Unusable."""
    library = _pillow()
    try:
        with library.open(BytesIO(data), formats=_FORMATS) as image:
            size = image.size
            if size[0] * size[1] * _copies(image) > most:
                raise Unusable("image_too_many_pixels")  # noqa: TRY301 (what is raised here and by the library is one answer)
            # A JPEG can be unfolded at a half, a quarter or an eighth of its size at once.
            image.draft(None, (SIDE, SIDE))
            return Picture(_unfolded(image), (int(size[0]), int(size[1])), float(len(data)))
    except Unusable:
        raise
    except (library.DecompressionBombError, library.DecompressionBombWarning):
        raise Unusable("image_too_many_pixels") from None
    except Exception:  # noqa: BLE001 (decoders raise what they like on damaged files: struct.error, SyntaxError, ValueError, OSError, …)
        raise Unusable("image_broken") from None


def _copies(image: Any) -> int:
    """Return how many times its pixels a picture takes while it is unfolded: 1 KB of WebP would else become 400 MB."""
    if image.format == "WEBP":
        return 4
    return 2 if "progressive" in image.info else 1


def _unfolded(image: Any) -> NDArray[np.float64]:
    """Return the pixels, made smaller; strip by strip, so that what was unfolded is not there twice."""
    step, strips = -(-max(image.size) // SIDE), []
    deep, mode = image.mode.startswith("I"), "L" if image.mode in {"1", "L", "LA"} else "RGB"
    # Of deep grey what is left over at the end is cut off.
    height = image.height - image.height % step if deep and image.height > step else image.height
    for top in range(0, height, step * _ROWS):
        strip = image.crop((0, top, image.width, min(top + step * _ROWS, height)))
        # Deep grey is 0 to 65535, which `convert` would cut off at 255.
        strips.append(_smaller(np.asarray(strip), step) / 257.0 if deep else np.asarray(strip.convert(mode).reduce(step), np.float64))
    return np.concatenate(strips)


def _smaller(pixels: NDArray[Any], step: int) -> NDArray[np.float64]:
    """Return means over squares of so many pixels; what is left over at the ends is cut off."""
    height, width = pixels.shape[0] // step, pixels.shape[1] // step
    if step == 1 or not (height and width):
        return pixels.astype(np.float64, copy=False)
    cut = pixels[: height * step, : width * step]
    mean: NDArray[np.float64] = cut.reshape(height, step, width, step, *pixels.shape[2:]).mean(axis=(1, 3))
    return mean


@cache
def _pillow() -> Any:
    """Return Pillow's module of images, imported when the first file comes: few agents need it."""
    library = import_module("PIL.Image")
    # It warns of each large picture, in the log of whoever is sent them; ours are refused from fewer pixels on.
    warnings.filterwarnings("ignore", category=library.DecompressionBombWarning)
    return library
