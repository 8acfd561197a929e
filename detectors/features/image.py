"""Descriptors of an image: light, contrast, sharpness, colour and size, in the unit of its pixels."""

import numpy as np
from numpy.typing import NDArray

DESCRIPTORS = ("luminance", "contrast", "sharpness", "red", "green", "blue", "width", "height", "aspect", "bytes")
"""In the order in which they are given."""

_LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in brightness (ITU-R BT.601)."""


def describe(pixels: NDArray[np.float64], size: tuple[int, int] | None = None, stored: float = np.nan) -> dict[str, float]:
    """Return the descriptors of `pixels`: [height, width] grey, or [height, width, 3] red, green and blue.

    `size`: width and height before the picture was made smaller; `stored`: bytes of its file. Sharpness is the variance of
    the Laplacian (Pech-Pacheco and others, 2000), NaN under 3 x 3 pixels; a grey picture has no colours: NaN.

    >>> flat = describe(np.full((4, 4), 7.0))
    >>> flat["luminance"], flat["contrast"], flat["sharpness"], flat["aspect"]
    (7.0, 0.0, 0.0, 1.0)
    """
    coloured = pixels.ndim == 3
    light = pixels @ _LUMA if coloured else pixels
    colours = pixels.mean(axis=(0, 1)).tolist() if coloured else (np.nan, np.nan, np.nan)
    width, height = size or (pixels.shape[1], pixels.shape[0])
    found = (light.mean(), light.std(), _sharpness(light), *colours, width, height, width / height, stored)
    return dict(zip(DESCRIPTORS, map(float, found), strict=True))


def _sharpness(light: NDArray[np.float64]) -> float:
    if min(light.shape) < 3:
        return float("nan")
    inner = light[:-2, 1:-1] + light[2:, 1:-1] + light[1:-1, :-2] + light[1:-1, 2:] - 4 * light[1:-1, 1:-1]
    return float(inner.var())
