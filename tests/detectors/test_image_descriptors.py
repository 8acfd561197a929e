"""Descriptors of pictures against SciPy's filters and the statistics of the plain definition."""

import numpy as np
import pytest
from scipy import ndimage  # type: ignore[import-untyped]  # SciPy ships no types

from detectors.features.image import DESCRIPTORS, describe

GREY = np.random.default_rng(5).uniform(0, 255, (17, 23))
COLOUR = np.random.default_rng(6).uniform(0, 255, (9, 12, 3))


def test_sharpness_is_the_variance_of_the_laplacian() -> None:
    """On the inner pixels SciPy's five-point Laplacian is the same one."""
    inner = ndimage.laplace(GREY)[1:-1, 1:-1]

    assert describe(GREY)["sharpness"] == pytest.approx(inner.var(), rel=1e-12)


def test_light_and_colour_are_means_of_the_pixels() -> None:
    """BT.601 luma of the mean colour is the mean luma; contrast is its standard deviation."""
    found = describe(COLOUR)
    red, green, blue = COLOUR.mean(axis=(0, 1))
    luma = 0.299 * COLOUR[..., 0] + 0.587 * COLOUR[..., 1] + 0.114 * COLOUR[..., 2]

    assert [found["red"], found["green"], found["blue"]] == pytest.approx([red, green, blue], rel=1e-12)
    assert found["luminance"] == pytest.approx(0.299 * red + 0.587 * green + 0.114 * blue, rel=1e-12)
    assert found["contrast"] == pytest.approx(luma.std(), rel=1e-12)
    assert [found["width"], found["height"], found["aspect"]] == pytest.approx([12, 9, 4 / 3])


def test_a_darker_picture_is_darker_in_proportion() -> None:
    """Half the light: half the luminance and contrast, a quarter of the sharpness, the same size."""
    bright, dark = describe(GREY), describe(GREY / 2)

    assert [dark[name] / bright[name] for name in ("luminance", "contrast", "sharpness", "width", "height")] == pytest.approx(
        [0.5, 0.5, 0.25, 1, 1]
    )


def test_a_blurred_picture_is_less_sharp() -> None:
    """Smoothing leaves the light and takes sharpness and contrast."""
    smooth = describe(ndimage.gaussian_filter(GREY, 1.5))

    assert smooth["luminance"] == pytest.approx(describe(GREY)["luminance"], rel=0.05)
    assert smooth["sharpness"] < describe(GREY)["sharpness"] / 50


@pytest.mark.parametrize("shape", [(1, 1), (2, 5), (5, 2), (1, 9)])
def test_what_cannot_be_told_is_missing(shape: tuple[int, int]) -> None:
    """A strip has no sharpness, a grey picture no colours, pixels without a file no bytes; the rest is there."""
    found = describe(np.ones(shape))

    assert {name for name in DESCRIPTORS if np.isnan(found[name])} == {"sharpness", "red", "green", "blue", "bytes"}
