"""The image enricher: light, contrast, sharpness, colour and size of pictures, from files or nested lists of pixels."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Le

from agent.enrichers import Drawn
from agent.enrichers.pictures import Picture, Unusable, from_file, from_pixels, pixels_of, stored_bytes
from agent.enrichers.yardsticks import Own
from agent.errors import ConfigError
from detectors.features.image import DESCRIPTORS, describe


@dataclass(frozen=True, slots=True)
class Image:
    """Draws descriptors from pictures: files as bytes or base64, or pixels as nested lists."""

    columns: tuple[str, ...]
    """Columns that hold pictures."""
    format: Literal["auto", "pixels"] = "auto"
    """pixels: only nested lists of numbers, [height][width] or [height][width][1, 3 or 4]; needs no Pillow."""
    max_bytes: Annotated[int, Ge(1024)] = 10 * 2**20
    """A larger file is not opened."""
    max_pixels: Annotated[int, Ge(64), Le(80_000_000)] = 25_000_000
    """A picture that unfolds to more is not decoded."""

    def __post_init__(self) -> None:
        if not self.columns:
            raise ValueError("columns must name at least one column")

    def check(self) -> None:
        """Raise ConfigError where files are to be opened and Pillow is not installed."""
        if self.format == "auto" and find_spec("PIL") is None:
            raise ConfigError(
                "format: opening picture files needs Pillow; install driftline[image], or write format: pixels for lists of pixels"
            )

    def draw(self, column: str, values: Sequence[Any], yardsticks: Own) -> Drawn:  # noqa: ARG002 (nothing is learnt; every column is alike)
        """See Enricher."""
        found = np.full((len(DESCRIPTORS), len(values)), np.nan)
        refused: Counter[str] = Counter()
        for row, value in enumerate(values):
            if value is None:
                continue
            try:
                picture = self._picture(value)
            except Unusable as reason:
                refused[str(reason)] += 1
                continue
            described = describe(picture.pixels, picture.size, picture.stored)
            found[:, row] = [described[name] for name in DESCRIPTORS]
        return Drawn(dict(zip(DESCRIPTORS, found, strict=True)), refused)

    def _picture(self, value: Any) -> Picture:
        if isinstance(value, str) and value[:1] == "[":
            # A CSV file has no other way to write a list.
            value = pixels_of(value)
        if isinstance(value, list | np.ndarray):
            return from_pixels(value, self.max_pixels)
        if self.format == "pixels":
            raise Unusable("image_not_pixels")
        return from_file(stored_bytes(value, self.max_bytes), self.max_pixels)
