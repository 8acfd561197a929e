"""Which of two references may wake somebody, and on which days nobody is woken."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from detectors.drift.telling import FIXED, ROLLING, Judged

Pages: TypeAlias = Literal["fixed", "rolling", "both"]


def mutes(judged: Sequence[Judged], pages: Pages, day_off: str) -> list[str]:
    """Return for each verdict why it is no more than information, "" where it may be louder.

    `rolling`: the rolling reference pages for the features it is calibrated for, the fixed one for all others.
    `day_off` is said of a day that is kept out of the references; it wakes nobody.
    """
    if day_off:
        return [day_off] * len(judged)
    if pages == "both":
        return [""] * len(judged)
    rolling = {one.known.name for one in judged if one.reference == ROLLING and one.verdict.status == "calibrated"}
    pager: Mapping[str, str] = dict.fromkeys(rolling, ROLLING) if pages == "rolling" else {}
    return [_mute(one.reference, pager.get(one.known.name, FIXED)) for one in judged]


def _mute(reference: str, pager: str) -> str:
    return "" if reference == pager else f"information only: the {pager} reference pages"
