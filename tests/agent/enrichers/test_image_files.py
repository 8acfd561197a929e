"""Picture files of strangers: what is read agrees with Pillow's own statistics, and what is harmful is not opened."""

import base64
import struct
import zlib
from collections import Counter
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # no stubs among the locked packages
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from agent.config import Columns
from agent.enrichers.enrichment import Enrichment
from agent.enrichers.image import Image
from agent.enrichers.pictures import SIDE
from agent.enrichers.yardsticks import Own, Yardsticks
from agent.rows.table import read_table
from detectors.features.image import DESCRIPTORS

pillow: Any = pytest.importorskip("PIL.Image", reason="needs Pillow (the extra image)")
statistics: Any = pytest.importorskip("PIL.ImageStat")

CHANCE = np.random.default_rng(8)
COLOUR = CHANCE.integers(0, 256, (40, 60, 3), dtype=np.uint8)


def stored(pixels: Any, form: str = "PNG", **options: Any) -> bytes:
    """Return pixels as a file."""
    data = BytesIO()
    pillow.fromarray(pixels).save(data, form, **options)
    return data.getvalue()


def drawn(values: Sequence[Any], **options: Any) -> tuple[dict[str, list[float]], Counter[str]]:
    """Return what is drawn from values, and what was refused."""
    found = Image(("c",), **options).draw("c", values, Own(Yardsticks(), "e/image"))
    return {name: np.asarray(column).tolist() for name, column in found.features.items()}, found.refused


def test_a_picture_agrees_with_pillow() -> None:
    """Means and deviations of a colour picture are those Pillow's ImageStat gives; luminance to the rounding of its luma."""
    found, refused = drawn([stored(COLOUR)])
    told = statistics.Stat(pillow.fromarray(COLOUR))
    grey = statistics.Stat(pillow.fromarray(COLOUR).convert("L"))

    assert [found[name][0] for name in ("red", "green", "blue")] == pytest.approx(told.mean)
    assert found["luminance"][0] == pytest.approx(grey.mean[0], abs=0.6)
    assert found["contrast"][0] == pytest.approx(grey.stddev[0], abs=0.6)
    assert (found["width"][0], found["height"][0], found["bytes"][0]) == (60, 40, len(stored(COLOUR)))
    assert not refused


@pytest.mark.parametrize("form", ["PNG", "WEBP", "BMP"])
def test_every_way_to_send_a_picture_is_the_same_picture(form: str) -> None:
    """Bytes, base64 with and without line ends or padding, URL-safe base64, a data URL, a mapping with bytes."""
    data = stored(COLOUR, form, **({"lossless": True} if form == "WEBP" else {}))
    text = base64.b64encode(data).decode()
    lines = "\n".join(text[start : start + 76] for start in range(0, len(text), 76))
    forms = [
        data,
        text,
        lines,
        text.rstrip("="),
        base64.urlsafe_b64encode(data).decode(),
        f"data:image/x;base64,{text}",
        {"bytes": data, "path": "a"},
    ]

    found, refused = drawn(forms)

    assert not refused
    assert all(len(set(values)) == 1 for values in found.values())
    assert found["red"][0] == pytest.approx(COLOUR[..., 0].mean())


def test_pixels_and_files_agree() -> None:
    """A picture as nested lists has the descriptors of the same picture as a file, but for its bytes."""
    found, _ = drawn([stored(COLOUR), COLOUR.tolist()])

    assert [name for name, (file, pixels) in found.items() if file != pixels] == ["bytes"]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"])
def test_every_mode_is_grey_or_colour(mode: str) -> None:
    """Palettes, transparency and print colours are read as red, green and blue; bilevel and deep grey as grey."""
    deep = pillow.fromarray(CHANCE.integers(0, 60_000, (9, 9), dtype=np.uint16))
    picture = deep if mode == "I;16" else pillow.fromarray(COLOUR).convert(mode)
    data = BytesIO()
    picture.save(data, "JPEG" if mode in {"CMYK", "YCbCr"} else "PNG")

    found, refused = drawn([data.getvalue()])

    assert not refused
    assert 0 < found["luminance"][0] < 255
    assert np.isnan(found["red"][0]) == (mode in {"1", "L", "LA", "I;16"})
    if mode == "I;16":
        assert found["luminance"][0] == pytest.approx(np.asarray(deep).mean() / 257)


def test_a_large_picture_is_made_smaller_first() -> None:
    """Light and size are those of the whole; sharpness is of the picture made smaller, so large ones stay comparable in cost."""
    large = np.kron(CHANCE.integers(0, 256, (30, 50, 3), dtype=np.uint8), np.ones((50, 50, 1), np.uint8))
    found, _ = drawn([stored(large), stored(large, "JPEG", quality=95)])

    assert max(large.shape) > 2 * SIDE
    assert found["width"] == [2500, 2500]
    assert found["luminance"][0] == pytest.approx((large @ [0.299, 0.587, 0.114]).mean(), abs=1)
    assert found["luminance"][1] == pytest.approx(found["luminance"][0], abs=2)


@pytest.mark.parametrize("shape", [(2049, 3), (2190, 1030), (3, 2049)])
def test_deep_grey_in_strips_is_the_whole(shape: tuple[int, int]) -> None:
    """Means over squares of the whole picture, whatever is left over at its ends."""
    deep = CHANCE.integers(0, 65_536, shape, dtype=np.uint16)
    found, _ = drawn([stored(deep)])
    step = -(-max(shape) // SIDE)
    cut = deep[: shape[0] // step * step, : shape[1] // step * step]
    small = cut.reshape(cut.shape[0] // step, step, cut.shape[1] // step, step).mean(axis=(1, 3)) / 257

    assert found["luminance"][0] == pytest.approx(small.mean())
    assert found["contrast"][0] == pytest.approx(small.std())


@pytest.mark.parametrize("form", ["WEBP", "JPEG"])
def test_formats_whose_decoders_hold_copies_count_for_more(form: str) -> None:
    """They are read up to a limit that is lower, so that no format takes more memory than another."""
    found, refused = drawn([stored(COLOUR, form, **({"progressive": True} if form == "JPEG" else {}))], max_pixels=4 * 2400)

    assert not refused
    assert found["width"] == [60]


def png_head(width: int, height: int) -> bytes:
    """Return a small valid PNG that says it unfolds to so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("value", "options", "reason"),
    [
        (png_head(6000, 6000), {}, "image_too_many_pixels"),
        (png_head(12_000, 12_000), {}, "image_too_many_pixels"),
        (png_head(60_000, 60_000), {}, "image_too_many_pixels"),
        (stored(COLOUR), {"max_pixels": 2399}, "image_too_many_pixels"),
        (COLOUR.tolist(), {"max_pixels": 2399}, "image_too_many_pixels"),
        (stored(COLOUR, "WEBP"), {"max_pixels": 4 * 2400 - 1}, "image_too_many_pixels"),
        (stored(COLOUR, "JPEG", progressive=True), {"max_pixels": 2 * 2400 - 1}, "image_too_many_pixels"),
        (stored(COLOUR), {"max_bytes": 1024}, "image_too_many_bytes"),
        (base64.b64encode(stored(COLOUR)).decode(), {"max_bytes": 1024}, "image_too_many_bytes"),
        (png_head(50, 50), {}, "image_broken"),
        (stored(COLOUR)[:-200], {}, "image_broken"),
        (stored(COLOUR, "TIFF"), {}, "image_broken"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", {}, "image_broken"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", {}, "image_broken"),
        (b"", {}, "image_broken"),
        ("https://example.com/a.png", {}, "image_unknown_form"),
        ("/etc/passwd.png", {}, "image_unknown_form"),
        (stored(COLOUR), {"format": "pixels"}, "image_not_pixels"),
    ],
)
def test_what_is_harmful_or_broken_is_counted(value: Any, options: dict[str, Any], reason: str) -> None:
    """A bomb is refused by what its head says; nothing is fetched, no file of ours is opened; the rows beside it are read."""
    found, refused = drawn([value, [[1, 2], [3, 4]], None], **options)

    assert refused == {reason: 1}
    assert [np.isnan(row) for row in zip(*(found[name] for name in ("luminance", "width")), strict=True)] == [
        pytest.approx([True, True]),
        pytest.approx([False, False]),
        pytest.approx([True, True]),
    ]


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, 400), byte=st.integers(0, 255), form=st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "BMP"]))
def test_damaged_files_never_stop_a_row(place: int, byte: int, form: str) -> None:
    """Whichever byte is another one: the picture is read, or it is missing and counted."""
    data = bytearray(stored(COLOUR[:12, :12], form))
    data[place % len(data)] = byte

    found, refused = drawn([bytes(data)])

    assert sum(refused.values()) + int(np.isfinite(found["luminance"][0])) == 1


def test_nothing_of_the_metadata_stays() -> None:
    """Place, camera and comment of a JPEG are in no feature: there are numbers only, the same as without them."""
    exif = pillow.Exif()
    exif[0x010F] = "Zimtstern-7731"
    plain, tagged = stored(COLOUR, "JPEG"), stored(COLOUR, "JPEG", exif=exif.tobytes(), comment=b"Zimtstern-7731")
    assert b"Zimtstern" in tagged

    found, _ = drawn([plain, tagged])

    assert [name for name, (before, after) in found.items() if before != after] == ["bytes"]


def test_parquet_with_large_pictures_is_read_in_small_pieces(tmp_path: Path) -> None:
    """Bytes columns are read, and a piece holds no more than its share of memory, whatever its rows weigh."""
    rows = 300
    noise = [stored(CHANCE.integers(0, 256, (400, 400, 3), dtype=np.uint8)) for _ in range(5)]
    table = pa.table({"p": pa.array([noise[row % 5] for row in range(rows)], pa.binary()), "x": np.arange(rows) % 7.0})
    parquet.write_table(table, tmp_path / "a.parquet", use_dictionary=False)

    batches = list(read_table(tmp_path / "a.parquet", Columns(), "e", enrichment=Enrichment("e", {"image": Image(("p",))}, Yardsticks())))

    assert len(batches) == 3
    assert sum(batch.rows for batch in batches) == rows
    assert list(batches[0].features) == [*(f"image.p.{name}" for name in DESCRIPTORS), "x"]
