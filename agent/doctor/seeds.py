"""Secrets that are sent and must not be found again, each of them one nobody else has, and the search for them."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

_LOOKS = re.compile(r"mark[0-9a-f]{16}|leak\.[0-9a-f]{12}@example\.org|\+44 20 7\d{3} \d{4}|4\d{15}|sk-\w{32}")


@dataclass(frozen=True, slots=True)
class Seed:
    """What must not be found again: a mark no pattern knows, and secrets of known forms."""

    mark: str
    mail: str
    phone: str
    card: str
    key: str

    @classmethod
    def of(cls, number: int) -> "Seed":
        """Return the seed of a record."""
        chance = random.Random(number)  # noqa: S311 - made up, and the same each time
        digits = [4, *(chance.randrange(10) for _ in range(14))]
        doubled = sum((2 * digit // 10 + 2 * digit % 10) if place % 2 == 0 else digit for place, digit in enumerate(digits))
        digits.append(-doubled % 10)
        letters = "".join(chance.choice("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(32))
        return cls(
            f"mark{chance.getrandbits(64):016x}",
            f"leak.{chance.getrandbits(48):012x}@example.org",
            f"+44 20 7{chance.randrange(100, 1000)} {chance.randrange(1000, 10000)}",
            "".join(map(str, digits)),
            f"sk-{letters}",
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """What a pattern can find."""
        return (self.mail, self.phone, self.card, self.key)

    def said(self, where: str) -> str:
        """Return a sentence with all of it."""
        return f"{where} {self.mark}: write {self.mail}, call {self.phone}, pay {self.card}, use {self.key} please."


class Seeds:
    """Which source carried which secret."""

    def __init__(self, shares: Mapping[str, range]) -> None:
        """Take the numbers of the records of each source; none may belong to two."""
        self.shares = shares
        self._of: dict[str, str] = {}
        for source, numbers in shares.items():
            for number in numbers:
                seed = Seed.of(number)
                self._of |= dict.fromkeys((seed.mark, *seed.secrets), source)

    @property
    def records(self) -> int:
        """How many were sent."""
        return sum(map(len, self.shares.values()))

    def found(self, text: str) -> dict[str, set[str]]:
        """Return what stands in a text, by the source that carried it.

        >>> seeds = Seeds({"a": range(2), "b": range(2, 3)})
        >>> {source: len(secrets) for source, secrets in seeds.found(Seed.of(2).said("prompt") + Seed.of(7).mail).items()}
        {'b': 5}
        """
        found: dict[str, set[str]] = {}
        for one in _LOOKS.findall(text):
            if one in self._of:
                found.setdefault(self._of[one], set()).add(one)
        return found


def is_known(secret: str) -> bool:
    """Whether a pattern can know it, as opposed to a mark."""
    return not secret.startswith("mark")
