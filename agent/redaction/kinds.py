"""The table of what is looked for: a pattern, what must be in a text for it to be worth trying, and a check of what it finds."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

from agent.redaction import checksums
from agent.redaction.phones import is_phone
from agent.redaction.tokens import is_token


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing that is taken out."""

    name: str
    """What stands in its place, in angle brackets."""
    pattern: re.Pattern[str]
    """Quantifiers are bounded and do not overlap: no text makes it slow."""
    hint: str = ""
    """A sign without which there is none: `#` for any digit, else the sign itself; empty: always tried."""
    check: Callable[[str], bool] | None = None
    """Says of a match whether it is one."""


def _stripped(check: checksums.Check) -> Callable[[str], bool]:
    return lambda found: check(re.sub(r"[\s./-]", "", found))


def _is_card(found: str) -> bool:
    digits = re.sub(r"[ -]", "", found)
    return 12 <= len(digits) <= 19 and digits[0] in "123456" and checksums.luhn(digits)


def _is_iban(found: str) -> bool:
    code = re.sub(r"\s", "", found)
    return 15 <= len(code) <= 34 and checksums.mod97(code)


def _is_ip4(found: str) -> bool:
    return all(int(part) <= 255 for part in found.split("."))


def _is_ip6(found: str) -> bool:
    try:
        ipaddress.IPv6Address(found.partition("%")[0])
    except ValueError:
        return False
    return sum(map(str.isalnum, found)) >= 3


def _of(name: str, pattern: str, hint: str = "", check: Callable[[str], bool] | None = None, flags: int = 0) -> Kind:
    return Kind(name, re.compile(pattern, flags), hint, check)


_START, _END = r"(?<![\w.+-])", r"(?![\w-])"

KINDS: tuple[Kind, ...] = (
    _of(
        "private_key",
        r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?:[^-]|-(?!----)){0,16384}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?",
        "-----BEGIN",
    ),
    _of(
        "url",
        r"\b(?:https?|ftp|wss?|postgres(?:ql)?|mysql|mongodb(?:\+srv)?|redis|amqps?)://[^\s<>\"'`\\^{}|]{1,4096}",
        "://",
        flags=re.IGNORECASE,
    ),
    _of("url", r"(?<![\w.@])www\.[^\s<>\"'`\\^{}|]{3,4096}", "www.", flags=re.IGNORECASE),
    _of("email", r"(?<![\w.+-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}", "@"),
    _of(
        "secret",
        r"(?i:\b(?:pass(?:word|wd|phrase)?|pwd|secret|api[-_ ]?key|access[-_ ]?key|account[-_ ]?key|client[-_ ]?secret|shared[-_ ]?access[-_ ]?key"
        r"|instrumentation[-_ ]?key|sig|token)[\"']?\s{0,3}[=:]\s{0,3}[\"']?)([^\s\"',;&]{6,512})",
    ),
    _of("secret", r"(?i:\bbearer\s{1,3})([\w.~+/=-]{16,4096})"),
    _of("secret", r"\beyJ[\w-]{8,2048}\.eyJ[\w-]{8,4096}\.[\w-]{0,2048}", "eyJ"),
    _of(
        "secret",
        r"\b(?:sk|pk|rk)[-_][\w-]{16,256}|\bgh[pousr]_\w{30,255}|\bgithub_pat_\w{20,255}|\bglpat-[\w-]{16,64}|\bxox[abeoprs]-[\w-]{10,255}"
        r"|\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b|\bAIza[\w-]{35}|\bnpm_\w{30,64}|\bpypi-\w{16,255}|\bhf_\w{30,64}|\bdapi[0-9a-f]{32}"
        r"|\b\w{3}8Q~[\w.~-]{31,34}",
    ),
    _of("iban", r"\b[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?\b", "#", _is_iban),
    _of("national_id", _START + r"\d{3}-\d{2}-\d{4}" + _END, "#", _stripped(checksums.american_id)),
    _of("national_id", r"\b(?:\d{8}|[XYZxyz]\d{7})[- ]?[A-Za-z]\b", "#", _stripped(checksums.spanish_id)),
    _of(
        "national_id",
        r"\b[12] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d\d|2[ABab]) ?\d{3} ?\d{3} ?\d{2}\b",
        "#",
        _stripped(checksums.french_id),
    ),
    _of("national_id", r"\b[A-Za-z]{6}\d{2}[A-EHLMPRSTa-ehlmprst]\d{2}[A-Za-z]\d{3}[A-Za-z]\b", "#", checksums.italian_id),
    _of("national_id", r"\b(?![DFIQUV])[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b", "#"),
    _of("national_id", _START + r"\d{3}\.\d{3}\.\d{3}-\d{2}" + _END, "#", _stripped(checksums.brazilian_id)),
    _of("national_id", r"(?<!\d)\d{6}(?:\d{2})?[-+]\d{4}(?!\d)", "#", lambda found: checksums.swedish_id(re.sub(r"\D", "", found))),
    _of("national_id", r"(?<!\d)[2-9]\d{3} \d{4} \d{4}(?! ?\d)", "#", _stripped(checksums.verhoeff)),
    _of("ip", r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.]*\d)", "#", _is_ip4),
    _of("ip", r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:%\w{1,16})?(?![\w:])", ":", _is_ip6),
    _of("card", r"(?<![\d.,+])\d(?:[ -]?\d){11,18}(?![\d])", "#", _is_card),
    _of(
        "national_id",
        r"(?<![\d.,])\d{11}(?!\d)",
        "#",
        lambda found: checksums.polish_id(found) or checksums.brazilian_id(found) or checksums.german_tax_id(found),
    ),
    _of(
        "date",
        r"(?<!\d)(?:19|20)\d\d-(?:0?[1-9]|1[0-2])-(?:0?[1-9]|[12]\d|3[01])(?!\d)(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?",
        "#",
    ),
    _of("date", r"(?<![\d/.])(?:0?[1-9]|[12]\d|3[01])([/.])(?:0?[1-9]|[12]\d|3[01])\1(?:19|20)\d\d(?![\d/])", "#"),
    _of(
        "phone",
        r"(?<![\w$£€<+])(?<!\d[.,])(?:\+|\()?\d[\d ().\-/]{4,22}\d(?:[ ]?(?:x|ext\.?|#)[ ]?\d{1,6})?(?!\w| ?[=+*/])",
        "#",
        is_phone,
        re.IGNORECASE,
    ),
    _of("secret", r"(?<![\w+/=.-])[\w+/=.-]{20,512}(?![\w+/=-])", "#", is_token),
)
"""In order: what an earlier one took is not looked at again."""

NAMES = tuple(dict.fromkeys(kind.name for kind in KINDS))
