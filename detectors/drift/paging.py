"""Which of two references may wake somebody, and on which days nobody is woken."""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, TypeAlias

from detectors.drift.telling import FIXED, ROLLING, Judged

Pages: TypeAlias = Literal["fixed", "rolling", "both"]

_LACKING = "information only: the reference has too few windows of this season, so that it was held against all others"


def mutes(judged: Sequence[Judged], pages: Pages, day_off: str, lacking: Collection[str] = ()) -> list[str]:
    """Return for each verdict why it is no more than information, "" where it may be louder.

    `rolling`: the rolling reference pages for the features it is calibrated for, the fixed one for all others.
    `day_off` is said of a day that is kept out of the references; it wakes nobody. Nor does a verdict of a reference that is
    `lacking` windows of the season: held against all others, night would be found to differ from day.
    """
    if day_off:
        return [day_off] * len(judged)
    return [_LACKING if one.reference in lacking else why for one, why in zip(judged, _pager(judged, pages), strict=True)]


def _pager(judged: Sequence[Judged], pages: Pages) -> list[str]:
    if pages == "both":
        return [""] * len(judged)
    rolling = {one.known.name for one in judged if one.reference == ROLLING and one.verdict.status == "calibrated"}
    pager: Mapping[str, str] = dict.fromkeys(rolling, ROLLING) if pages == "rolling" else {}
    return [_mute(one.reference, pager.get(one.known.name, FIXED)) for one in judged]


def _mute(reference: str, pager: str) -> str:
    return "" if reference == pager else f"information only: the {pager} reference pages"
