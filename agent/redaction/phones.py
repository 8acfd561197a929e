"""Telling a phone number from other numbers that stand in groups."""

import re

_GROUP = re.compile(r"\d+")
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d\d?([/.])\d\d?\1\d{4}$")
_EXTENSION = re.compile(r"(?:x|ext\.?|#) ?\d+$", re.IGNORECASE)


def is_phone(found: str) -> bool:
    """Whether digits in groups may be a phone number: 7 to 15 digits, grouped as people write phones.

    Not: a decimal number, a span of years, a list of small numbers, a plain row of digits that nobody would dial.

    >>> [is_phone(text) for text in ("905-674-3793", "+46 (0)8 928 571 38", "467 3395", "1995-2000", "3.14159265", "10 20 30 40")]
    [True, True, True, False, False, False]
    """
    number = _EXTENSION.sub("", found).strip()
    groups = _GROUP.findall(number)
    # With spaces around it, a dash is a minus.
    if not 7 <= sum(map(len, groups)) <= 15 or " - " in number or _DATE.match(number):
        return False
    marked = number[0] in "+(" or number.startswith("0")
    if "(0)" in number:
        return marked
    if len(groups) == 1:
        return marked or len(groups[0]) in {10, 11}
    separators = set(re.sub(r"[\d()+ ]", "", number))
    if len(separators) > 1 or (len(groups) == 2 and (separators & {".", "/"} or (separators and all(map(_year, groups))))):
        return False
    # Numbers in a row, such as thousands, lists, coordinates: a phone has a group of three or more, and none of one digit but the first.
    return min(map(len, groups[1:])) >= 2 and (marked or bool(separators) or max(map(len, groups)) >= 3)


def _year(group: str) -> bool:
    return len(group) == 4 and group[:2] in {"18", "19", "20"}
