"""What judging may cost a day: reserved before a call, settled after it, never exceeded."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from math import ceil

from detectors.types import Plain

_SIGNS_A_TOKEN = 2.5
"""Characters a token has at least, on average over a prompt; text of few spaces or many scripts has fewer, so its bytes count."""


@dataclass(frozen=True, slots=True)
class Price:
    """Money for a million tokens."""

    input: float = 0.0
    output: float = 0.0

    def of(self, read: int, written: int) -> float:
        """Return what tokens cost.

        >>> Price(2.5, 10.0).of(1_000_000, 100_000)
        3.5
        """
        return (self.input * read + self.output * written) / 1e6


@dataclass(frozen=True, slots=True)
class Limits:
    """What a day may take; None: no limit."""

    tokens: int | None = None
    money: float | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent and reserved on one day. Immutable: the caller keeps the newest."""

    day: date
    tokens: int = 0
    money: float = 0.0
    reserved_tokens: int = 0
    reserved_money: float = 0.0
    calls: int = 0

    def on(self, day: date) -> "Spent":
        """Return it for a day: a new day begins with nothing but what is still under way."""
        if day == self.day:
            return self
        return Spent(day, reserved_tokens=self.reserved_tokens, reserved_money=self.reserved_money)

    def reserve(self, read: int, written: int, price: Price, limits: Limits) -> "Spent | None":
        """Return it with room for a call of at most so many tokens, or None where the day has no room for it.

        >>> Spent(date(2026, 1, 1)).reserve(900, 200, Price(), Limits(tokens=1000)) is None
        True
        """
        money = price.of(read, written)
        if limits.tokens is not None and self.tokens + self.reserved_tokens + read + written > limits.tokens:
            return None
        if limits.money is not None and self.money + self.reserved_money + money > limits.money + 1e-12:
            return None
        return replace(self, reserved_tokens=self.reserved_tokens + read + written, reserved_money=self.reserved_money + money)

    def settle(self, reserved: tuple[int, int], used: tuple[int, int] | None, price: Price) -> "Spent":
        """Return it with a reservation turned into what was used; None: nobody knows, so all of it counts."""
        read, written = reserved if used is None else used
        return replace(
            self,
            tokens=self.tokens + read + written,
            money=self.money + price.of(read, written),
            reserved_tokens=max(self.reserved_tokens - sum(reserved), 0),
            reserved_money=max(self.reserved_money - price.of(*reserved), 0.0),
            calls=self.calls + 1,
        )

    def plain(self) -> Plain:
        """Return it as data. What is under way counts as spent: after a crash nobody knows whether it was."""
        return {
            "day": self.day.isoformat(),
            "tokens": self.tokens + self.reserved_tokens,
            "money": self.money + self.reserved_money,
            "calls": self.calls,
        }

    @classmethod
    def restore(cls, saved: Mapping[str, object]) -> "Spent":
        """Take back what `plain` returned."""
        return cls(
            date.fromisoformat(str(saved["day"])), int(str(saved["tokens"])), float(str(saved["money"])), calls=int(str(saved["calls"]))
        )


def most_tokens(texts: list[str]) -> int:
    """Return more tokens than texts have: a third more than their characters suggest, and a byte each where they are not Latin.

    >>> most_tokens(["Where is my card?"]), most_tokens(["私のカードはどこ"])
    (11, 28)
    """
    total = 0.0
    for text in texts:
        beyond = sum(sign > "\u024f" for sign in text)
        total += (len(text) - beyond) / _SIGNS_A_TOKEN + 3 * beyond + 4
    return ceil(total)
