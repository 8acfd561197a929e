"""Keeps numpy's sort fast on processors whose AVX-512 is slow at it: a setting that must stand before numpy is imported.

Drift counts by sorting. numpy sorts with AVX-512 where the processor has it, by an instruction that AMD's Zen 4 runs in
microcode: 100,000 doubles take 39 ns each there, and 6 ns with AVX2. Zen 5 and Intel are not touched.
"""

from collections.abc import MutableMapping
from importlib.metadata import version
from pathlib import Path

SETTING = "NPY_DISABLE_CPU_FEATURES"
_ZEN_3_AND_4 = "25"


def prefer_fast_sort(environment: MutableMapping[str, str], processors: Path = Path("/proc/cpuinfo")) -> None:
    """Tell numpy to leave AVX-512 alone on Zen 4. A setting that is there already stays; without `processors` nothing is done."""
    if SETTING not in environment and processors.is_file() and is_zen_4(processors.read_text(errors="replace")):
        environment[SETTING] = feature(version("numpy"))


def is_zen_4(processors: str) -> bool:
    r"""Whether the first processor of /proc/cpuinfo is a Zen 4: AMD's family 25 is Zen 3, without AVX-512, and Zen 4.

    >>> is_zen_4("vendor_id : AuthenticAMD\ncpu family : 25\nflags : sse2 avx2 avx512f\n\n")
    True
    """
    first = processors.split("\n\n", 1)[0]
    known = {name.strip(): value.strip() for name, found, value in (line.partition(":") for line in first.splitlines()) if found}
    flags = known.get("flags", "").split()
    return known.get("vendor_id") == "AuthenticAMD" and known.get("cpu family") == _ZEN_3_AND_4 and "avx512f" in flags


def feature(numpy: str) -> str:
    """Return what a version of numpy calls the feature.

    >>> feature("2.3.5"), feature("2.4.6")
    ('AVX512_SKX', 'X86_V4')
    """
    major, minor = (int(part) for part in numpy.split(".")[:2])
    return "X86_V4" if (major, minor) >= (2, 4) else "AVX512_SKX"
