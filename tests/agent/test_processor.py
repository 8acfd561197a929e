"""The sort setting: only Zen 4 gets it, what a person set stays, and numpy takes it without a word."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from agent.processor import SETTING, feature, is_zen_4, prefer_fast_sort

ZEN_4 = "processor : 0\nvendor_id : AuthenticAMD\ncpu family : 25\nmodel : 17\nflags : fpu sse2 avx2 avx512f avx512vl\n\nprocessor : 1\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ZEN_4, True),
        (ZEN_4.replace(" avx512f", ""), False),
        (ZEN_4.replace("25", "26"), False),
        (ZEN_4.replace("AuthenticAMD", "GenuineIntel"), False),
        ("Processor : AArch64", False),
        ("", False),
    ],
)
def test_only_zen_4_is_recognised(text: str, expected: bool) -> None:  # noqa: FBT001 - a table
    """Zen 3, Zen 5, Intel, ARM and unknown processors are left alone."""
    assert is_zen_4(text) is expected


def test_what_a_person_set_stays(tmp_path: Path) -> None:
    """The setting is made only where there is none; a system without the file has none made."""
    processors = tmp_path / "cpuinfo"
    processors.write_text(ZEN_4)
    fresh: dict[str, str] = {}
    prefer_fast_sort(fresh, processors)
    assert set(fresh) == {SETTING}
    mine = {SETTING: "AVX2"}
    prefer_fast_sort(mine, processors)
    assert mine == {SETTING: "AVX2"}
    nothing: dict[str, str] = {}
    prefer_fast_sort(nothing, tmp_path / "absent")
    assert nothing == {}


def test_numpy_takes_the_setting_silently() -> None:
    """The installed numpy knows the feature by that name: it neither warns nor fails."""
    program = "import numpy; print(numpy.sort(numpy.array([2.0, 1.0])).tolist())"
    environment = {**os.environ, SETTING: feature(version("numpy"))}
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[1.0, 2.0]\n", "")
