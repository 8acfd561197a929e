"""Check digits: what tells a card, an account or a person's number from any other row of digits."""

from collections.abc import Callable

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_NIE = {"X": "0", "Y": "1", "Z": "2"}
_FISCAL_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
# The multiplication and permutation tables of Verhoeff's dihedral check (J. Verhoeff, 1969).
_DIHEDRAL = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678", "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_PERMUTED = ("0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258")

Check = Callable[[str], bool]
"""Takes a match without its separators."""


def luhn(digits: str) -> bool:
    """Whether a payment card's check digit fits (ISO/IEC 7812-1).

    >>> luhn("4111111111111111"), luhn("4111111111111112"), luhn("0000000000000000")
    (True, False, False)
    """
    total = sum(_DOUBLED[int(digit)] if place % 2 else int(digit) for place, digit in enumerate(reversed(digits)))
    return total % 10 == 0 and len(set(digits)) > 1


def mod97(code: str) -> bool:
    """Whether an IBAN's check digits fit (ISO 13616: mod 97 is 1 with the first four characters at the end).

    >>> mod97("GB82WEST12345698765432"), mod97("GB83WEST12345698765432")
    (True, False)
    """
    turned = (code[4:] + code[:4]).upper()
    return int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1


def spanish_id(code: str) -> bool:
    """Whether the letter of a DNI or NIE fits.

    >>> spanish_id("12345678Z"), spanish_id("X1234567L"), spanish_id("12345678A")
    (True, True, False)
    """
    first, letter = code[0].upper(), code[-1].upper()
    return _DNI[int(_NIE.get(first, first) + code[1:-1]) % 23] == letter


def french_id(code: str) -> bool:
    """Whether the key of a French social security number (NIR) fits.

    >>> french_id("255081416802538"), french_id("255081416802539")
    (True, False)
    """
    number = code[:13].upper().replace("2A", "19").replace("2B", "18")
    return number.isdigit() and 97 - int(number) % 97 == int(code[13:])


def italian_id(code: str) -> bool:
    """Whether the last letter of a codice fiscale fits.

    >>> italian_id("RSSMRA85T10A562S"), italian_id("RSSMRA85T10A562T")
    (True, False)
    """
    total = 0
    for place, sign in enumerate(code[:15].upper()):
        rank = int(sign) if sign.isdigit() else ord(sign) - ord("A")
        total += rank if place % 2 else _FISCAL_ODD[rank]
    return chr(ord("A") + total % 26) == code[15].upper()


def polish_id(digits: str) -> bool:
    """Whether the check digit of a PESEL fits.

    >>> polish_id("44051401359"), polish_id("44051401358")
    (True, False)
    """
    total = sum(int(digit) * weight for digit, weight in zip(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1), strict=True))
    return total % 10 == 0 and _dated(digits)


def brazilian_id(digits: str) -> bool:
    """Whether both check digits of a CPF fit.

    >>> brazilian_id("52998224725"), brazilian_id("52998224726"), brazilian_id("11111111111")
    (True, False, False)
    """

    def last(length: int) -> int:
        return sum(int(digit) * (length + 1 - place) for place, digit in enumerate(digits[:length])) * 10 % 11 % 10

    return len(set(digits)) > 1 and last(9) == int(digits[9]) and last(10) == int(digits[10])


def german_tax_id(digits: str) -> bool:
    """Whether the check digit of a German tax number of a person fits (ISO 7064, mod 11,10).

    >>> german_tax_id("86095742719"), german_tax_id("86095742718")
    (True, False)
    """
    product = 10
    for digit in digits[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    # Nine or eight different digits are in the first ten: one comes twice or three times.
    return (11 - product) % 10 == int(digits[10]) and len(set(digits[:10])) in {8, 9} and digits[0] != "0"


def verhoeff(digits: str) -> bool:
    """Whether the check digit of an Aadhaar number fits.

    >>> verhoeff("234123412346"), verhoeff("234123412345")
    (True, False)
    """
    state = 0
    for place, digit in enumerate(reversed(digits)):
        state = int(_DIHEDRAL[state][int(_PERMUTED[place % 8][int(digit)])])
    return state == 0


def swedish_id(digits: str) -> bool:
    """Whether the check digit of a personnummer fits; its last ten digits are given.

    >>> swedish_id("8112189876"), swedish_id("8112189875")
    (True, False)
    """
    return luhn(digits[-10:]) and _dated(digits[-10:])


def american_id(digits: str) -> bool:
    """Whether a number may be a social security or individual taxpayer number.

    >>> american_id("078051120"), american_id("000120034")
    (True, False)
    """
    return digits[:3] not in {"000", "666"} and digits[3:5] != "00" and digits[5:] != "0000"


def _dated(digits: str) -> bool:
    """Whether YYMMDD may be a date; PESEL adds 20, 40, 60 or 80 to the month for the century, coordination numbers 60 to the day."""
    return 1 <= int(digits[2:4]) % 20 <= 12 and 1 <= int(digits[4:6]) % 60 <= 31
